// SPDX-License-Identifier: GPL-2.0
/*
 * The port and MMIO buses (io_bus.h): a sorted table of ranges for each.
 *
 * Ranges may overlap: several ioeventfds share an address and differ in length
 * or data, and a coalesced zone may have other devices inside.  The table is
 * sorted by start.  A search goes to the last range that starts at or below the
 * access, and asks backwards from there; each entry knows the highest end of
 * all up to it, so that this stops where none can reach the access any more:
 * mostly at once.  Who of several is asked first matters to nobody: two that
 * would take the same write are refused when the second registers.
 *
 * The first entry is nobody's: it reaches nothing, and so ends every search.
 *
 * A device that leaves is cut out of the published table in place, and its slot
 * reused by the next change, so that leaving needs no memory and cannot fail.
 */
#include <linux/slab.h>

#include "io_bus.h"
#include "readers.h"

#define MAX_RANGES	1000	/* as KVM's NR_IOBUS_DEVS */

struct lodge_io_range {
	gpa_t start;
	gpa_t end;		/* exclusive; start for one that takes any length there */
	gpa_t max_end;		/* the highest of all entries up to this one */
	struct lodge_io_device *dev;	/* NULL: it left */
};

struct lodge_io_bus {
	unsigned int n;		/* at least one */
	struct lodge_io_range range[];
};

static const struct lodge_io_range *last_below(const struct lodge_io_bus *bus, gpa_t addr)
{
	const struct lodge_io_range *r = bus->range;
	unsigned int n = bus->n, half;

	for (; n > 1; n -= half) {
		half = n / 2;
		if (r[half].start <= addr)
			r += half;
	}
	return r;
}

/* From @r, which starts at or below @addr, backwards: the next that takes it, or NULL. */
static const struct lodge_io_range *next_taker(const struct lodge_io_range *r, gpa_t addr,
					       int len)
{
	for (; r->max_end > addr; r--) {
		if (addr + len <= r->end || (addr == r->start && r->start == r->end))
			return r;
	}
	return NULL;
}

static const struct lodge_io_bus *bus_of(struct lodge_vm *vm, enum lodge_bus bus)
{
	return srcu_dereference(vm->bus[bus], &vm->srcu);
}

int lodge_io_read(struct lodge_vcpu *vcpu, enum lodge_bus bus, gpa_t addr, int len, void *val)
{
	const struct lodge_io_range *r = last_below(bus_of(vcpu->vm, bus), addr);

	for (; (r = next_taker(r, addr, len)); r--) {
		struct lodge_io_device *dev = READ_ONCE(r->dev);

		if (dev && dev->ops->read && !dev->ops->read(vcpu, dev, addr, len, val))
			return 0;
	}
	return -EOPNOTSUPP;
}

int lodge_io_write(struct lodge_vcpu *vcpu, enum lodge_bus bus, gpa_t addr, int len,
		   const void *val)
{
	const struct lodge_io_range *r = last_below(bus_of(vcpu->vm, bus), addr);

	for (; (r = next_taker(r, addr, len)); r--) {
		struct lodge_io_device *dev = READ_ONCE(r->dev);

		if (dev && dev->ops->write && !dev->ops->write(vcpu, dev, addr, len, val))
			return 0;
	}
	return -EOPNOTSUPP;
}

/* --- changes: slots_lock held --- */

static struct lodge_io_bus *current_bus(struct lodge_vm *vm, enum lodge_bus bus)
{
	return rcu_dereference_protected(vm->bus[bus], lockdep_is_held(&vm->slots_lock));
}

/*
 * Only vCPU threads read the buses.  Where there is none yet nobody need be
 * waited for: a vCPU that the counter does not show here became visible after
 * it was read, by a locked operation, and so sees what was published before.
 * The same holds at the end, when the VM has no user any more.
 */
static void wait_for_readers(struct lodge_vm *vm)
{
	/* Pairs with the locked increment of nr_online. */
	smp_mb();
	if (atomic_read(&vm->nr_online) && refcount_read(&vm->users))
		lodge_synchronize(vm);
}

/* With nobody's entry, and room for @n more. */
static struct lodge_io_bus *alloc_bus(unsigned int n)
{
	struct lodge_io_bus *bus = kzalloc(struct_size(bus, range, n + 1), GFP_KERNEL_ACCOUNT);

	if (bus)
		bus->n = 1;
	return bus;
}

static void append(struct lodge_io_bus *bus, const struct lodge_io_range *r)
{
	gpa_t below = bus->range[bus->n - 1].max_end;

	bus->range[bus->n] = *r;
	/* A range of no length still reaches the one address it is at. */
	bus->range[bus->n++].max_end = max(below, max(r->end, r->start + 1));
}

int lodge_io_register(struct lodge_vm *vm, enum lodge_bus bus_nr, gpa_t addr, int len,
		      struct lodge_io_device *dev)
{
	struct lodge_io_range entry = { .start = addr, .end = addr + len, .dev = dev };
	struct lodge_io_bus *old, *new;
	unsigned int i, n = 1;
	bool placed = false;

	lockdep_assert_held(&vm->slots_lock);
	old = current_bus(vm, bus_nr);
	for (i = 1; i < old->n; i++)
		n += !!old->range[i].dev;
	if (n > MAX_RANGES)
		return -ENOSPC;
	new = alloc_bus(n);
	if (!new)
		return -ENOMEM;

	for (i = 1; i < old->n; i++) {
		if (!old->range[i].dev)
			continue;
		if (!placed && old->range[i].start > addr) {
			append(new, &entry);
			placed = true;
		}
		append(new, &old->range[i]);
	}
	if (!placed)
		append(new, &entry);

	rcu_assign_pointer(vm->bus[bus_nr], new);
	wait_for_readers(vm);
	kfree(old);
	return 0;
}

void lodge_io_unregister(struct lodge_vm *vm, enum lodge_bus bus_nr, struct lodge_io_device *dev)
{
	struct lodge_io_bus *bus;
	bool found = false;
	unsigned int i;

	lockdep_assert_held(&vm->slots_lock);
	bus = current_bus(vm, bus_nr);
	/* No bus any more: the VM is going, and took the device off already. */
	for (i = 0; bus && i < bus->n; i++) {
		if (bus->range[i].dev == dev) {
			WRITE_ONCE(bus->range[i].dev, NULL);
			found = true;
		}
	}
	if (found)
		wait_for_readers(vm);
}

/* --- lifetime --- */

int lodge_io_bus_init(struct lodge_vm *vm)
{
	int i;

	for (i = 0; i < LODGE_NR_BUSES; i++) {
		struct lodge_io_bus *bus = alloc_bus(0);

		if (!bus) {
			lodge_io_bus_destroy(vm);
			return -ENOMEM;
		}
		rcu_assign_pointer(vm->bus[i], bus);
	}
	return 0;
}

void lodge_io_bus_destroy(struct lodge_vm *vm)
{
	unsigned int nr, i;

	for (nr = 0; nr < LODGE_NR_BUSES; nr++) {
		/* No reader is left. */
		struct lodge_io_bus *bus = rcu_replace_pointer(vm->bus[nr], NULL, true);

		for (i = 0; bus && i < bus->n; i++) {
			struct lodge_io_device *dev = bus->range[i].dev;

			if (dev && dev->ops->release)
				dev->ops->release(dev);
		}
		kfree(bus);
	}
}
