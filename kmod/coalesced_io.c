// SPDX-License-Identifier: GPL-2.0
/*
 * Coalesced I/O: writes to a zone are put into a ring that user space empties
 * when it next comes out of KVM_RUN, instead of an exit each.
 *
 * The ring is a page that user space maps and may write, indices included:
 * each is read once and used only after it proved to be inside the ring.
 *
 * Zones are changed under slots_lock; vm->ring_lock orders the writers.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "io_bus.h"
#include "irq.h"

struct lodge_coalesced_zone {
	struct lodge_io_device dev;
	struct list_head link;		/* vm->coalesced_zones; slots_lock */
	struct kvm_coalesced_mmio_zone zone;
};

static bool ring_put(struct lodge_vm *vm, u32 pio, gpa_t addr, int len, const void *val)
{
	struct kvm_coalesced_mmio_ring *ring = page_address(vm->coalesced_ring);
	u32 last = READ_ONCE(ring->last), next = (last + 1) % KVM_COALESCED_MMIO_MAX;
	struct kvm_coalesced_mmio *entry;

	if (last >= KVM_COALESCED_MMIO_MAX || next == READ_ONCE(ring->first))
		return false;
	entry = &ring->coalesced_mmio[last];
	entry->phys_addr = addr;
	entry->len = len;
	entry->pio = pio;
	memcpy(entry->data, val, len);
	/* User space reads the entry once it sees the index. */
	smp_store_release(&ring->last, next);
	return true;
}

static int coalesced_write(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t addr,
			   int len, const void *val)
{
	struct lodge_coalesced_zone *z = container_of(dev, struct lodge_coalesced_zone, dev);
	struct lodge_vm *vm = vcpu->vm;
	bool put;

	if (len > sizeof_field(struct kvm_coalesced_mmio, data))
		return -EOPNOTSUPP;
	spin_lock(&vm->ring_lock);
	put = ring_put(vm, z->zone.pio, addr, len, val);
	spin_unlock(&vm->ring_lock);
	/* Full: the write makes an exit, and user space empties the ring first. */
	return put ? 0 : -EOPNOTSUPP;
}

static void coalesced_release(struct lodge_io_device *dev)
{
	struct lodge_coalesced_zone *z = container_of(dev, struct lodge_coalesced_zone, dev);

	list_del(&z->link);
	kfree(z);
}

static const struct lodge_io_ops coalesced_ops = {
	.write = coalesced_write,
	.release = coalesced_release,
};

static enum lodge_bus zone_bus(const struct kvm_coalesced_mmio_zone *zone)
{
	return zone->pio ? LODGE_PIO_BUS : LODGE_MMIO_BUS;
}

int lodge_coalesced_register(struct lodge_vm *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	struct lodge_coalesced_zone *z;
	int r;

	if (zone->pio > 1 || zone->size > INT_MAX || zone->addr + zone->size < zone->addr)
		return -EINVAL;
	z = kzalloc(sizeof(*z), GFP_KERNEL_ACCOUNT);
	if (!z)
		return -ENOMEM;
	z->dev.ops = &coalesced_ops;
	z->zone = *zone;

	mutex_lock(&vm->slots_lock);
	r = lodge_io_register(vm, zone_bus(zone), zone->addr, zone->size, &z->dev);
	if (!r)
		list_add_tail(&z->link, &vm->coalesced_zones);
	mutex_unlock(&vm->slots_lock);
	if (r)
		kfree(z);
	return r;
}

static bool zone_contains(const struct kvm_coalesced_mmio_zone *outer,
			  const struct kvm_coalesced_mmio_zone *inner)
{
	return inner->pio == outer->pio && inner->addr >= outer->addr &&
	       inner->addr + inner->size <= outer->addr + outer->size;
}

/* Every zone that contains @zone goes; it is no error if there is none. */
int lodge_coalesced_unregister(struct lodge_vm *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	struct lodge_coalesced_zone *z, *next;

	if (zone->pio > 1 || zone->addr + zone->size < zone->addr)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	list_for_each_entry_safe(z, next, &vm->coalesced_zones, link) {
		if (!zone_contains(&z->zone, zone))
			continue;
		lodge_io_unregister(vm, zone_bus(&z->zone), &z->dev);
		coalesced_release(&z->dev);
	}
	mutex_unlock(&vm->slots_lock);
	return 0;
}

int lodge_coalesced_init(struct lodge_vm *vm)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!page)
		return -ENOMEM;
	vm->coalesced_ring = page;
	spin_lock_init(&vm->ring_lock);
	INIT_LIST_HEAD(&vm->coalesced_zones);
	return 0;
}

/* The zones went with the bus. */
void lodge_coalesced_free(struct lodge_vm *vm)
{
	if (vm->coalesced_ring)
		__free_page(vm->coalesced_ring);
	vm->coalesced_ring = NULL;
}
