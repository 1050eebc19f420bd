// SPDX-License-Identifier: GPL-2.0
/*
 * Changes to leaves that stay: write protection for the dirty log, and the
 * accessed bit for the host's reclaim.
 *
 * By compare-and-exchange in an RCU read section, beside faults and zaps and
 * without mmu_lock: no table goes, and an entry that another thread changes
 * meanwhile is looked at again.  In particular a large leaf may become a table
 * under our eyes; its entries are then visited like any other's.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "shadow.h"

/* Clear @bits in the leaf; true if one was set. */
static bool clear_bits(struct lodge_pt_iter *it, u64 bits)
{
	while (lodge_pte_is_leaf(it->pte, it->level) && (it->pte & bits)) {
		if (lodge_pte_change(it->ptep, &it->pte, it->pte & ~bits)) {
			it->pte &= ~bits;
			return true;
		}
	}
	return false;
}

/* Take from the leaf what keeps its next write from being seen; true if there was something. */
static bool protect(struct lodge_pt_iter *it)
{
	return clear_bits(it, it->level == 1 && lodge_pte.dirty ? lodge_pte.dirty :
								   lodge_pte.writable);
}

/* From *@start on; true when the end is reached, false to be called again. */
static bool protect_some(struct lodge_vm *vm, gfn_t *start, gfn_t end, bool *changed)
{
	struct lodge_pt_iter it;
	bool done = true;

	rcu_read_lock();
	lodge_for_each_vm_pte(&it, vm, *start, end) {
		*changed |= protect(&it);
		if (need_resched() && !lodge_pte_is_table(it.pte, it.level)) {
			*start = lodge_level_base(it.gfn, it.level) + lodge_level_pages(it.level);
			done = false;
			break;
		}
	}
	rcu_read_unlock();
	return done;
}

bool lodge_mmu_write_protect(struct lodge_vm *vm, gfn_t start, gfn_t end)
{
	bool changed = false;

	if (!lodge_caps.tdp.enabled)
		return lodge_shadow_write_protect(vm, start, end);
	while (!protect_some(vm, &start, end, &changed))
		cond_resched();
	return changed;
}

bool lodge_mmu_write_protect_mask(struct lodge_vm *vm, gfn_t base, unsigned long mask)
{
	struct lodge_pt_iter it;
	bool changed = false;

	if (!mask)
		return false;
	if (!lodge_caps.tdp.enabled)
		return lodge_shadow_write_protect_mask(vm, base, mask);
	rcu_read_lock();
	lodge_for_each_vm_pte(&it, vm, base + __ffs(mask), base + __fls(mask) + 1)
		if (it.level > 1 || (mask & BIT(it.gfn - base)))
			changed |= protect(&it);
	rcu_read_unlock();
	return changed;
}

bool lodge_mmu_age_range(struct lodge_vm *vm, gfn_t start, gfn_t end)
{
	struct lodge_pt_iter it;
	bool young = false;

	if (!lodge_caps.tdp.enabled)
		return lodge_shadow_age_range(vm, start, end, true);
	if (!lodge_pte.accessed) {
		/* An access of a page that was zapped is seen. */
		young = lodge_mmu_test_young(vm, start, end);
		if (young)
			lodge_mmu_zap_range(vm, start, end, false);
		return young;
	}
	rcu_read_lock();
	lodge_for_each_vm_pte(&it, vm, start, end)
		young |= clear_bits(&it, lodge_pte.accessed);
	rcu_read_unlock();
	return young;
}

bool lodge_mmu_test_young(struct lodge_vm *vm, gfn_t start, gfn_t end)
{
	struct lodge_pt_iter it;
	bool young = false;
	/* Where the CPU records nothing, being there is what there is to go by. */
	u64 mark = lodge_pte.accessed ? lodge_pte.accessed : lodge_pte.present;

	if (!lodge_caps.tdp.enabled)
		return lodge_shadow_age_range(vm, start, end, false);
	rcu_read_lock();
	lodge_for_each_vm_pte(&it, vm, start, end)
		young |= lodge_pte_is_leaf(it.pte, it.level) && (it.pte & mark);
	rcu_read_unlock();
	return young;
}
