/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The port and MMIO buses: in-kernel devices by address range.  Readers are in
 * vm->srcu; a change (slots_lock) publishes a new sorted table.
 */
#ifndef LODGE_IO_BUS_H
#define LODGE_IO_BUS_H

#include "lodge.h"

struct lodge_io_device;

struct lodge_io_ops {
	/*
	 * 0 handled, -EOPNOTSUPP: not this device's, ask the next one of the range.
	 * Called in vm->srcu; the access lies within the range.  NULL: never its.
	 */
	int (*read)(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t addr, int len,
		    void *val);
	int (*write)(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t addr, int len,
		     const void *val);
	/* The bus is gone and no reader left; may free.  NULL: its owner frees it. */
	void (*release)(struct lodge_io_device *dev);
};

struct lodge_io_device {
	const struct lodge_io_ops *ops;
};

/* 0, or -EOPNOTSUPP when no device took it.  In vm->srcu. */
int lodge_io_read(struct lodge_vcpu *vcpu, enum lodge_bus bus, gpa_t addr, int len, void *val);
int lodge_io_write(struct lodge_vcpu *vcpu, enum lodge_bus bus, gpa_t addr, int len,
		   const void *val);

/* slots_lock held; process.  0, -ENOMEM, -ENOSPC. */
int lodge_io_register(struct lodge_vm *vm, enum lodge_bus bus, gpa_t addr, int len,
		      struct lodge_io_device *dev);
/* slots_lock held.  Returns when no reader can see it; does not call release. */
void lodge_io_unregister(struct lodge_vm *vm, enum lodge_bus bus, struct lodge_io_device *dev);
int lodge_io_bus_init(struct lodge_vm *vm);
void lodge_io_bus_destroy(struct lodge_vm *vm);	/* calls release of every device once */

#endif
