/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual machine: the node it was made from, its memory, its in-kernel
 * interrupt controllers and timer, its CPUs and devices, and how it ends.
 *
 * Any thread ends the run with vm_end(); the first one says how.  The main
 * thread waits on the event descriptor and then stops the CPUs.
 */
#ifndef LODGE_VM_H
#define LODGE_VM_H

#include <stdatomic.h>

#include "memory.h"
#include "pio.h"

struct vcpu;

struct vm {
	/* Set up by the main thread before the CPUs run, constant from then on. */
	int node_fd;
	int fd;
	int event_fd;		/* readable when the run has ended */
	size_t run_size;	/* of a vCPU's shared page and what follows it */
	bool tsc_deadline;
	unsigned int cpus;
	struct vcpu *vcpus;
	struct guest_memory memory;
	struct pio_bus pio;

	atomic_int outcome;	/* enum outcome */
};

/* An empty VM; vm_destroy() takes one in any state from here on. */
void vm_init(struct vm *vm);
void vm_destroy(struct vm *vm);

/*
 * Makes the machine on node, or on the default nodes if it is NULL, after
 * checking that it is all that the launcher needs.  vm->memory is there
 * already, and becomes the guest's.
 */
int vm_create(struct vm *vm, const char *node);

/* Ends the run; later calls change nothing.  Safe from every thread. */
void vm_end(struct vm *vm, enum outcome outcome);

static inline bool vm_ended(struct vm *vm)
{
	return atomic_load_explicit(&vm->outcome, memory_order_acquire) != OUTCOME_NONE;
}

/* The level of an input of the interrupt controllers, PIC and IOAPIC alike. */
void vm_set_irq(struct vm *vm, unsigned int gsi, bool level);

#endif
