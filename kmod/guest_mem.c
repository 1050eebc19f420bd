// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory by guest-physical address: copies through the owner's mapping
 * of it, as the owner itself would read and write it.
 *
 * The host address is made anew from the slot for each copy, and the copy goes
 * through the page tables of the process.  No page is held and no host page
 * number is kept, so a page that was freed or replaced meanwhile cannot be
 * reached; the range was checked to be user memory when the slot was made
 * (memslot.c), which is what the __copy functions leave to the caller.
 */
#include <linux/uaccess.h>

#include "memslot.h"

/* How many of the @len bytes at @gpa one slot and one copy can serve. */
static unsigned long run_length(const struct lodge_memslot *slot, gpa_t gpa, unsigned long len)
{
	return min_t(u64, len, ((slot->base_gfn + slot->npages) << PAGE_SHIFT) - gpa);
}

static void note_write(struct lodge_vm *vm, struct lodge_memslot *slot, gpa_t gpa,
		       unsigned long len)
{
	gfn_t gfn;

	lodge_mmu_written(vm, gpa, len);
	if (likely(!slot->dirty_bitmap))
		return;
	for (gfn = gpa >> PAGE_SHIFT; gfn <= (gpa + len - 1) >> PAGE_SHIFT; gfn++)
		lodge_mark_page_dirty(slot, gfn);
}

int lodge_read_guest(struct lodge_vm *vm, gpa_t gpa, void *data, unsigned long len)
{
	while (len) {
		struct lodge_memslot *slot = lodge_gfn_to_slot(vm, gpa >> PAGE_SHIFT);
		unsigned long hva, n;

		if (!slot)
			return -EFAULT;
		n = run_length(slot, gpa, len);
		hva = lodge_slot_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa);
		if (__copy_from_user(data, (void __user *)hva, n))
			return -EFAULT;
		gpa += n;
		data += n;
		len -= n;
	}
	return 0;
}

int lodge_write_guest(struct lodge_vm *vm, gpa_t gpa, const void *data, unsigned long len)
{
	while (len) {
		struct lodge_memslot *slot = lodge_gfn_to_slot(vm, gpa >> PAGE_SHIFT);
		unsigned long hva, n, left;

		if (!slot || (slot->flags & KVM_MEM_READONLY))
			return -EFAULT;
		n = run_length(slot, gpa, len);
		hva = lodge_slot_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa);
		left = __copy_to_user((void __user *)hva, data, n);
		if (left < n)
			note_write(vm, slot, gpa, n - left);
		if (left)
			return -EFAULT;
		gpa += n;
		data += n;
		len -= n;
	}
	return 0;
}

unsigned long lodge_gfn_to_hva(struct lodge_vm *vm, gfn_t gfn, bool *writable)
{
	struct lodge_memslot *slot = lodge_gfn_to_slot(vm, gfn);

	if (!slot)
		return PAGE_OFFSET;
	if (writable)
		*writable = !(slot->flags & KVM_MEM_READONLY);
	return lodge_slot_hva(slot, gfn);
}

int lodge_gpa_cache_init(struct lodge_vm *vm, struct lodge_gpa_cache *c, gpa_t gpa,
			 unsigned long len)
{
	struct lodge_memslots *slots = lodge_memslots(vm);
	struct lodge_memslot *slot;

	if (!len || gpa + len < gpa)
		return -EINVAL;
	slot = lodge_slots_find(slots, gpa >> PAGE_SHIFT);
	if (!slot || !lodge_slots_find(slots, (gpa + len - 1) >> PAGE_SHIFT))
		return -EFAULT;
	c->gpa = gpa;
	c->len = len;
	c->generation = slots->generation;
	c->hva = lodge_slot_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa);
	c->slot = run_length(slot, gpa, len) == len ? slot : NULL;
	return 0;
}

/* The cache holds what the present slots say; 0, or -errno when they say nothing. */
static int cache_refresh(struct lodge_vm *vm, struct lodge_gpa_cache *c, unsigned int offset,
			 unsigned long len)
{
	if (offset > c->len || len > c->len - offset)
		return -EINVAL;
	if (likely(c->generation == lodge_memslots_generation(vm)))
		return 0;
	return lodge_gpa_cache_init(vm, c, c->gpa, c->len);
}

int lodge_write_cached(struct lodge_vm *vm, struct lodge_gpa_cache *c, const void *data,
		       unsigned int offset, unsigned long len)
{
	int r = cache_refresh(vm, c, offset, len);

	if (r)
		return r;
	if (unlikely(!c->slot))
		return lodge_write_guest(vm, c->gpa + offset, data, len);
	if (c->slot->flags & KVM_MEM_READONLY)
		return -EFAULT;
	if (__copy_to_user((void __user *)c->hva + offset, data, len))
		return -EFAULT;
	note_write(vm, c->slot, c->gpa + offset, len);
	return 0;
}

int lodge_read_cached(struct lodge_vm *vm, struct lodge_gpa_cache *c, void *data,
		      unsigned int offset, unsigned long len)
{
	int r = cache_refresh(vm, c, offset, len);

	if (r)
		return r;
	if (unlikely(!c->slot))
		return lodge_read_guest(vm, c->gpa + offset, data, len);
	return __copy_from_user(data, (void __user *)c->hva + offset, len) ? -EFAULT : 0;
}
