/* SPDX-License-Identifier: GPL-2.0 */
/* One virtual CPU and the thread that runs it. */
#ifndef LODGE_VCPU_H
#define LODGE_VCPU_H

#include <pthread.h>

#include "image.h"
#include "vm.h"

struct kvm_cpuid2;
struct kvm_run;

struct vcpu {
	struct vm *vm;
	unsigned int id;	/* also its APIC ID */
	int fd;
	struct kvm_run *run;	/* the thread's, but for immediate_exit */
	pthread_t thread;
	bool started;
};

/* Creates vm->cpus of them; the first is set up to start at boot's entry. */
int vcpus_create(struct vm *vm, const struct boot *boot);
void vcpus_destroy(struct vm *vm);

/* Starts their threads; those but the first wait for the guest's start-up IPI. */
int vcpus_start(struct vm *vm);

/* After vm_end(): gets every thread out of the guest and joins it. */
void vcpus_stop(struct vm *vm);

/* exit_report.c: says in words why the hypervisor gave up on the guest. */
void exit_report(const struct vcpu *vcpu);

#endif
