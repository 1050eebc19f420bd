// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: one bit for each page of a slot that was written since the
 * bit was last taken.  Writers that go through the host set it themselves
 * (guest_mem.c); the guest's own first write to a page is seen because the page
 * is write-protected, and the fault sets the bit (arch/x86/mmu/fault.c).  A CPU
 * that logs the pages it makes dirty needs no fault: "protected" then means not
 * dirty, and the backend sets the bit with the next exit.
 *
 * No write is lost.  A fault makes the page writable first and sets the bit
 * after; the log takes the bit first, then protects the page, then flushes the
 * TLBs.  A fault that comes between sets the bit again, for the next reader; a
 * write through a page that was writable all along happened before the flush,
 * and so before the caller, who has the bit, can read the page.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "backend.h"
#include "memslot.h"

void lodge_mark_page_dirty(struct lodge_memslot *slot, gfn_t gfn)
{
	/* A locked operation: the write that came before it is seen with the bit. */
	if (slot->dirty_bitmap)
		set_bit(gfn - slot->base_gfn, slot->dirty_bitmap);
}

/* The logged slot of an ioctl's number; -EINVAL, or -ENOENT as KVM says it.  slots_lock. */
static struct lodge_memslot *logged_slot(struct lodge_vm *vm, u32 id)
{
	struct lodge_memslot *slot;

	if (id >= LODGE_MAX_MEMSLOTS)
		return ERR_PTR(-EINVAL);
	slot = lodge_id_to_slot(vm, id);
	if (!slot || !slot->dirty_bitmap)
		return ERR_PTR(-ENOENT);
	return slot;
}

/* Move the log into @taken, and have the next write of each page seen. */
static bool take_log(struct lodge_vm *vm, struct lodge_memslot *slot, unsigned long *taken)
{
	unsigned long i, words = BITS_TO_LONGS(slot->npages);
	bool flush = false;

	for (i = 0; i < words; i++) {
		cond_resched();
		if (!READ_ONCE(slot->dirty_bitmap[i]))
			continue;
		taken[i] = xchg(&slot->dirty_bitmap[i], 0);
		flush |= lodge_mmu_write_protect_mask(vm, slot->base_gfn + i * BITS_PER_LONG,
						      taken[i]);
	}
	return flush;
}

/* The caller could not be told: put back what take_log() took. */
static void restore_log(struct lodge_memslot *slot, const unsigned long *taken)
{
	unsigned long i, words = BITS_TO_LONGS(slot->npages);

	for (i = 0; i < words; i++)
		if (taken[i])
			atomic_long_or(taken[i], (atomic_long_t *)&slot->dirty_bitmap[i]);
}

static int get_log(struct lodge_vm *vm, struct lodge_memslot *slot, void __user *to)
{
	size_t size = BITS_TO_LONGS(slot->npages) * sizeof(long);
	unsigned long *taken;
	int r = 0;

	/* What the CPU has logged and not yet handed over comes with the exit. */
	if (lodge_caps.tdp.has_pml)
		lodge_kick_all_and_wait(vm);
	/* Protected and cleared by KVM_CLEAR_DIRTY_LOG, when the page is about to be copied. */
	if (vm->manual_dirty_log)
		return copy_to_user(to, slot->dirty_bitmap, size) ? -EFAULT : 0;

	taken = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!taken)
		return -ENOMEM;
	if (take_log(vm, slot, taken))
		lodge_flush_remote_tlbs(vm);
	if (copy_to_user(to, taken, size)) {
		restore_log(slot, taken);
		r = -EFAULT;
	}
	kvfree(taken);
	return r;
}

int lodge_get_dirty_log(struct lodge_vm *vm, struct kvm_dirty_log *log)
{
	struct lodge_memslot *slot;
	int r;

	mutex_lock(&vm->slots_lock);
	slot = logged_slot(vm, log->slot);
	r = IS_ERR(slot) ? PTR_ERR(slot) : get_log(vm, slot, log->dirty_bitmap);
	mutex_unlock(&vm->slots_lock);
	return r;
}

/* Of the pages from @base, those in @mask: clear the bits that are set, and protect them. */
static bool clear_word(struct lodge_vm *vm, struct lodge_memslot *slot, unsigned long base,
		       unsigned long mask)
{
	atomic_long_t *word = (atomic_long_t *)&slot->dirty_bitmap[base / BITS_PER_LONG];

	/* A bit that is not set says nothing was written: there is nothing to protect. */
	mask &= atomic_long_fetch_andnot(mask, word);
	return mask && lodge_mmu_write_protect_mask(vm, slot->base_gfn + base, mask);
}

static int clear_log(struct lodge_vm *vm, struct lodge_memslot *slot,
		     const struct kvm_clear_dirty_log *log)
{
	unsigned long i, words = BITS_TO_LONGS(log->num_pages);
	unsigned long *masks = vmemdup_user(log->dirty_bitmap, words * sizeof(long));
	bool flush = false;

	if (IS_ERR(masks))
		return PTR_ERR(masks);
	for (i = 0; i < words; i++) {
		if (masks[i])
			flush |= clear_word(vm, slot, log->first_page + i * BITS_PER_LONG,
					    masks[i]);
		cond_resched();
	}
	if (flush)
		lodge_flush_remote_tlbs(vm);
	kvfree(masks);
	return 0;
}

int lodge_clear_dirty_log(struct lodge_vm *vm, struct kvm_clear_dirty_log *log)
{
	u64 first = log->first_page, n = log->num_pages;
	struct lodge_memslot *slot;
	int r;

	if (first % BITS_PER_LONG)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	slot = logged_slot(vm, log->slot);
	if (IS_ERR(slot))
		r = PTR_ERR(slot);
	else if (first > slot->npages || n > slot->npages - first ||
		 (n < slot->npages - first && n % BITS_PER_LONG))
		r = -EINVAL;
	else
		r = clear_log(vm, slot, log);
	mutex_unlock(&vm->slots_lock);
	return r;
}

int lodge_dirty_log_enable_manual(struct lodge_vm *vm, u64 flags)
{
	u64 allowed = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	if (flags & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		allowed |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (flags & ~allowed)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	vm->manual_dirty_log = flags;
	mutex_unlock(&vm->slots_lock);
	return 0;
}
