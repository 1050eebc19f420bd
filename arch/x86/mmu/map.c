// SPDX-License-Identifier: GPL-2.0
/*
 * Installing a translation: from the root down, a table where one is missing,
 * then the leaf.  Every step is one compare-and-exchange, so any number of
 * vCPUs may be at it at once; whoever loses a race finds what the winner made.
 *
 * An entry that maps one page is never made to map another here, whatever the
 * host says: that takes a zap and a flush between.  Permissions are only added.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "tables.h"

#define NEEDS_TABLE	2	/* beside enum lodge_next: a table must be allocated first */

bool lodge_fault_invalidated(const struct lodge_fault *f)
{
	struct lodge_vm *vm = f->vcpu->vm;

	if (READ_ONCE(vm->invalidate_in_progress)) {
		smp_rmb();	/* count before range: begin_invalidation() */
		if (f->hva >= READ_ONCE(vm->invalidate_start) &&
		    f->hva < READ_ONCE(vm->invalidate_end))
			return true;
	}
	smp_rmb();	/* count and range before sequence: invalidate_range_end() */
	return READ_ONCE(vm->invalidate_seq) != f->seq;
}

/* Entries for the pages of a large leaf, with all its permissions. */
static void fill_from_large(u64 *table, u64 pte, int level)
{
	u64 step = lodge_level_pages(level - 1) << PAGE_SHIFT;
	int i;

	if (level == 2)
		pte = (pte & ~lodge_pte.large) | lodge_pte.small;
	for (i = 0; i < LODGE_PT_ENTRIES; i++)
		table[i] = pte + i * step;
}

static void count_split(struct lodge_vm *vm, int level)
{
	lodge_count_leaf(vm, level, -1);
	lodge_count_leaf(vm, level - 1, LODGE_PT_ENTRIES);
}

/*
 * Put a table where there is nothing, or a leaf larger than is wanted.  The
 * table then maps the same pages in the same way: no flush is needed.  0 when
 * it.pte is to be looked at again.
 */
static int add_table(struct lodge_fault *f, struct lodge_pt_iter *it)
{
	struct lodge_mmu *mmu = &f->vcpu->arch.mmu;
	bool split = lodge_pte_is_leaf(it->pte, it->level);
	u64 *table = mmu->spare, new;

	if (it->pte & LODGE_PTE_FROZEN && !split)
		return LODGE_RESUME;
	if (split && lodge_leaf_permits(f, it->pte, it->level))
		return LODGE_RESUME;
	if (!table)
		return NEEDS_TABLE;
	if (split)
		fill_from_large(table, it->pte, it->level);
	new = lodge_pte_make_table(table);
	if (lodge_pte_change(it->ptep, &it->pte, new)) {
		it->pte = new;
		mmu->spare = NULL;
		if (split)
			count_split(f->vcpu->vm, it->level);
	} else if (split) {
		clear_page(table);
	}
	return 0;
}

/*
 * The page may be written from now on, if not by this access: tell its owner
 * while the notifier still has to wait for us.  Later the page could have been
 * cleaned, or be another's.
 */
void lodge_mark_host_page(const struct lodge_fault *f)
{
	if (f->page && f->host_writable && !PageReserved(f->page))
		SetPageDirty(f->page);
}

/* What the entry is to become; 0 when it must stay as it is. */
static u64 merge_leaf(u64 old, u64 leaf, int level)
{
	if (!old)
		return leaf;
	if (lodge_pte_is_leaf(old, level) && lodge_pte_pfn(old) == lodge_pte_pfn(leaf))
		return old | (leaf & (LODGE_PTE_HOST_WRITABLE | lodge_pte.writable |
				      lodge_pte.dirty));
	/* Frozen, a table, or a page about to be zapped: the guest tries again. */
	return 0;
}

static int install_leaf(struct lodge_fault *f, struct lodge_pt_iter *it)
{
	bool logged = f->slot->dirty_bitmap && !f->write;
	bool writable = f->host_writable && (!logged || lodge_pte.dirty);
	kvm_pfn_t pfn = f->pfn - (f->gfn - lodge_level_base(f->gfn, it->level));
	u64 leaf = lodge_pte_make_leaf(pfn, it->level, f->device, f->host_writable, writable);
	u64 old, new;

	if (!logged)
		leaf |= lodge_pte.dirty;
	do {
		old = it->pte;
		new = merge_leaf(old, leaf, it->level);
		if (!new)
			return LODGE_RESUME;
	} while (new != old && !lodge_pte_change(it->ptep, &it->pte, new));

	if (!old)
		lodge_count_leaf(f->vcpu->vm, it->level, 1);
	lodge_mark_host_page(f);
	if (f->write)
		lodge_mark_page_dirty(f->slot, f->gfn);
	return LODGE_RESUME;
}

static int install(struct lodge_fault *f)
{
	struct lodge_pt_iter it;
	int r;

	lodge_for_each_vm_pte(&it, f->vcpu->vm, f->gfn, f->gfn + 1) {
		/* A table where a large leaf would do is kept: it may have leaves. */
		while (!lodge_pte_is_table(it.pte, it.level)) {
			if (it.level <= f->level)
				return install_leaf(f, &it);
			r = add_table(f, &it);
			if (r)
				return r;
		}
	}
	return LODGE_RESUME;
}

/* The section that invalidate_range_start() waits for. */
static int try_install(struct lodge_fault *f)
{
	struct lodge_mmu *mmu = &f->vcpu->arch.mmu;
	int r = LODGE_RESUME;

	preempt_disable();
	rcu_read_lock();
	smp_store_mb(mmu->installing, true);	/* with lodge_mmu_wait_installing() */
	if (!lodge_fault_invalidated(f))
		r = install(f);
	/* Who sees it false also sees the entry. */
	smp_store_release(&mmu->installing, false);
	rcu_read_unlock();
	preempt_enable();
	return r;
}

int lodge_mmu_map(struct lodge_fault *f)
{
	struct lodge_mmu *mmu = &f->vcpu->arch.mmu;
	int r;

	while ((r = try_install(f)) == NEEDS_TABLE) {
		mmu->spare = lodge_table_alloc(f->vcpu->vm);
		if (!mmu->spare)
			return -ENOMEM;
	}
	return r;
}

int lodge_mmu_map_own(struct lodge_vcpu *vcpu, gfn_t gfn, struct page *page)
{
	struct lodge_memslot no_slot = { };
	struct lodge_fault f = {
		.vcpu = vcpu,
		.slot = &no_slot,
		.gfn = gfn,
		.seq = READ_ONCE(vcpu->vm->invalidate_seq),
		.pfn = page_to_pfn(page),
		.host_writable = true,
		.write = true,
		.level = 1,
	};

	if (lodge_caps.tdp.enabled)
		return lodge_mmu_map(&f);
	vcpu->arch.mmu.path = (struct lodge_guest_path) { .gva = gfn << PAGE_SHIFT };
	return lodge_shadow_map(&f);
}

void lodge_mmu_wait_installing(struct lodge_vm *vm)
{
	struct lodge_vcpu *vcpu;
	unsigned long i;

	/* What the caller published comes before the look. */
	smp_mb();
	lodge_for_each_vcpu(i, vcpu, vm)
		smp_cond_load_acquire(&vcpu->arch.mmu.installing, !VAL);
}
