/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The I/O ports.  All devices here are eight bits wide, as on an ISA bus, which
 * splits wider accesses; ports without a device read as all ones.
 *
 * Handlers run on the thread of the vCPU that made the access, several at once:
 * a device locks itself.  Devices are added before the first vCPU runs.
 */
#ifndef LODGE_PIO_H
#define LODGE_PIO_H

#include "lodge.h"

struct kvm_run;

struct pio_device {
	uint16_t base;
	uint16_t count;
	uint8_t (*read)(void *opaque, unsigned int offset);
	void (*write)(void *opaque, unsigned int offset, uint8_t value);
	void *opaque;
};

#define PIO_DEVICES_MAX	8

struct pio_bus {
	struct pio_device devices[PIO_DEVICES_MAX];
	unsigned int count;
};

/* Fails for no input: the caller's devices are fewer than PIO_DEVICES_MAX. */
void pio_add(struct pio_bus *bus, const struct pio_device *device);

/* Serves KVM_EXIT_IO; run_size bounds where the data may be. */
int pio_exit(const struct pio_bus *bus, struct kvm_run *run, size_t run_size);

#endif
