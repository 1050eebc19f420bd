// SPDX-License-Identifier: GPL-2.0
/*
 * The MMU notifier: what happens to the owner's address space happens to the
 * guest's memory.  Before the kernel takes a page from the process, or takes
 * away a permission, it calls invalidate_range_start(); when that returns, no
 * vCPU reaches the page through an old translation, and none will make a new
 * one until invalidate_range_end().
 *
 * Nothing in the guest's tables holds a reference to a page; this is what
 * makes that right.
 *
 * The race with a fault.  A vCPU that faults asks the host for the page, which
 * may sleep, and then installs it.  Faults take no lock; the two meet so:
 *
 *   vCPU (lodge_mmu_map_fault)           notifier
 *     seq = invalidate_seq                 mmu_lock: range, in_progress++
 *     get the page from the host           full barrier
 *     installing = true   [full barrier]   wait until no vCPU is installing
 *     in_progress over this page, or       zap, flush
 *     seq has changed: withdraw            ...
 *     install by compare-and-exchange      seq++, then in_progress--
 *     installing = false  [release]
 *
 * Either the vCPU sees the notifier's count, or the notifier sees the vCPU
 * installing and waits: then it finds the entry and zaps it.  If the whole
 * invalidation lies between the vCPU's two looks, the sequence has changed.
 * The wait is short: a vCPU installs with preemption off, and waits for nothing.
 *
 * The range is that of all invalidations in progress together.  It only grows
 * while there are any; a vCPU that reads it while the last one ends and another
 * begins may see parts of both, but then it sees the sequence changed too, as
 * the loads and stores are ordered: count, range, sequence for the reader,
 * sequence, count, range for the writer.
 */
#include <linux/mmu_notifier.h>
#include <linux/srcu.h>

#include "memslot.h"

static struct lodge_vm *notifier_vm(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct lodge_vm, notifier);
}

/*
 * Visit every slot, also one on its way out, with pages in [start, end) of the
 * address space; @first and @last are set to those of its pages that are.
 */
#define for_each_hva_range(slots, slot, first, last, start, end)			\
	for (slot = first_in_range(slots, start, end); slot &&				\
	     (first = hva_to_gfn(slot, start), last = hva_to_gfn(slot, (end) - 1), true); \
	     slot = next_in_range(slots, slot, start, end))

static struct lodge_memslot *slot_of(struct lodge_memslots *slots,
				     struct interval_tree_node *node)
{
	if (!node)
		return NULL;
	return slots->node ? container_of(node, struct lodge_memslot, hva_node[1]) :
			     container_of(node, struct lodge_memslot, hva_node[0]);
}

static struct lodge_memslot *first_in_range(struct lodge_memslots *slots,
					    unsigned long start, unsigned long end)
{
	return slot_of(slots, interval_tree_iter_first(&slots->by_hva, start, end - 1));
}

static struct lodge_memslot *next_in_range(struct lodge_memslots *slots,
					   struct lodge_memslot *slot,
					   unsigned long start, unsigned long end)
{
	return slot_of(slots, interval_tree_iter_next(&slot->hva_node[slots->node],
						      start, end - 1));
}

/* The page of @slot at @hva, or the nearest when it is outside. */
static gfn_t hva_to_gfn(const struct lodge_memslot *slot, unsigned long hva)
{
	if (hva < slot->hva)
		return slot->base_gfn;
	return slot->base_gfn + min((hva - slot->hva) >> PAGE_SHIFT, slot->npages - 1);
}

static void unmap_hvas(struct lodge_vm *vm, unsigned long start, unsigned long end,
		       bool may_block)
{
	struct lodge_memslots *slots;
	struct lodge_memslot *slot;
	gfn_t first, last;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slots = lodge_memslots(vm);
	for_each_hva_range(slots, slot, first, last, start, end)
		lodge_mmu_zap_range(vm, first, last + 1, may_block);
	srcu_read_unlock(&vm->srcu, idx);
}

static void begin_invalidation(struct lodge_vm *vm, unsigned long start, unsigned long end)
{
	spin_lock(&vm->mmu_lock);
	if (!vm->invalidate_in_progress) {
		WRITE_ONCE(vm->invalidate_start, start);
		WRITE_ONCE(vm->invalidate_end, end);
	} else {
		WRITE_ONCE(vm->invalidate_start, min(vm->invalidate_start, start));
		WRITE_ONCE(vm->invalidate_end, max(vm->invalidate_end, end));
	}
	smp_wmb();	/* range before count, for invalidated() in arch/x86/mmu/map.c */
	WRITE_ONCE(vm->invalidate_in_progress, vm->invalidate_in_progress + 1);
	spin_unlock(&vm->mmu_lock);
}

static int invalidate_range_start(struct mmu_notifier *notifier,
				  const struct mmu_notifier_range *range)
{
	struct lodge_vm *vm = notifier_vm(notifier);

	begin_invalidation(vm, range->start, range->end);
	lodge_mmu_wait_installing(vm);
	unmap_hvas(vm, range->start, range->end, mmu_notifier_range_blockable(range));
	return 0;
}

static void invalidate_range_end(struct mmu_notifier *notifier,
				 const struct mmu_notifier_range *range)
{
	struct lodge_vm *vm = notifier_vm(notifier);

	spin_lock(&vm->mmu_lock);
	WRITE_ONCE(vm->invalidate_seq, vm->invalidate_seq + 1);
	smp_wmb();	/* sequence before count, for the same reader */
	WRITE_ONCE(vm->invalidate_in_progress, vm->invalidate_in_progress - 1);
	WARN_ON_ONCE(vm->invalidate_in_progress < 0);
	spin_unlock(&vm->mmu_lock);
}

/*
 * Accessed bits.  As for the host's own page tables on x86, no TLB is flushed:
 * a page that looks unused because a TLB still has it costs a fault at worst.
 */
static bool any_young(struct mmu_notifier *notifier, unsigned long start, unsigned long end,
		      bool (*young_range)(struct lodge_vm *vm, gfn_t start, gfn_t end))
{
	struct lodge_vm *vm = notifier_vm(notifier);
	struct lodge_memslots *slots;
	struct lodge_memslot *slot;
	gfn_t first, last;
	bool young = false;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slots = lodge_memslots(vm);
	for_each_hva_range(slots, slot, first, last, start, end)
		young |= young_range(vm, first, last + 1);
	srcu_read_unlock(&vm->srcu, idx);
	return young;
}

static int clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
		       unsigned long start, unsigned long end)
{
	return any_young(notifier, start, end, lodge_mmu_age_range);
}

static int test_young(struct mmu_notifier *notifier, struct mm_struct *mm, unsigned long hva)
{
	return any_young(notifier, hva, hva + 1, lodge_mmu_test_young);
}

/*
 * The address space ends while the VM's descriptors live on in another process.
 * No vCPU runs any more (it needs the address space) nor will one: all goes,
 * for the pages will be freed without another word.
 */
static void release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	unmap_hvas(notifier_vm(notifier), 0, ULONG_MAX, true);
}

static const struct mmu_notifier_ops lodge_notifier_ops = {
	.invalidate_range_start	= invalidate_range_start,
	.invalidate_range_end	= invalidate_range_end,
	.clear_flush_young	= clear_young,
	.clear_young		= clear_young,
	.test_young		= test_young,
	.release		= release,
};

int lodge_mmu_notifier_register(struct lodge_vm *vm)
{
	vm->notifier.ops = &lodge_notifier_ops;
	return mmu_notifier_register(&vm->notifier, vm->mm);
}

/* No callback runs once it returns. */
void lodge_mmu_notifier_unregister(struct lodge_vm *vm)
{
	mmu_notifier_unregister(&vm->notifier, vm->mm);
}
