// SPDX-License-Identifier: GPL-2.0
/*
 * Taking translations away, and the life of the tables.
 *
 * A zap holds mmu_lock, against other zaps only; faults go on beside it.  It
 * clears entries one by one.  A table all of whose pages go is taken out whole:
 * its entry is cleared first, so that nobody finds it any more; then each entry
 * in it is exchanged for FROZEN.  A fault that was already inside the table may
 * still try to install a page there.  Were it to succeed, the page would be
 * reachable by a CPU that has the table in its paging-structure cache, and
 * invisible to the MMU notifier: a page used after it is freed.  Its
 * compare-and-exchange expects "nothing" and finds FROZEN instead.
 *
 * The table itself is freed when nobody can be inside: the TLB flush sees to
 * the CPUs, RCU to the other threads, in that order.  No table is ever used
 * again for other pages or at another level before that.
 *
 * A zap works upwards: first what the tables of level 1 map, those tables with
 * it; then the tables above, which are nearly empty now.  So each step is
 * short, and between steps it yields where it may sleep.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "shadow.h"

struct zap {
	struct lodge_vm *vm;
	gfn_t start, end;	/* @start moves up as the work is done */
	int level;		/* of the entries whose tables are taken out */
	const struct lodge_memslot *recover;	/* only tables that its large pages could replace */
	bool may_block;
	struct list_head dead;	/* tables taken out, by page->lru */
};

/* --- tables --- */

u64 *lodge_table_alloc(struct lodge_vm *vm)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (table)
		atomic64_inc(&vm->stats.mmu_table_pages);
	return table;
}

void lodge_table_free(struct lodge_vm *vm, u64 *table)
{
	if (!table)
		return;
	atomic64_dec(&vm->stats.mmu_table_pages);
	free_page((unsigned long)table);
}

void lodge_table_free_tree(struct lodge_vm *vm, u64 *table, int level)
{
	int i;

	for (i = 0; level > 1 && i < LODGE_PT_ENTRIES; i++)
		if (lodge_pte_is_table(table[i], level))
			lodge_table_free_tree(vm, lodge_pte_table(table[i]), level - 1);
	lodge_table_free(vm, table);
	cond_resched();
}

static void free_table_rcu(struct rcu_head *head)
{
	__free_page(container_of(head, struct page, rcu_head));
}

/* No CPU has them in a cache any more; other threads may still be inside. */
static void free_dead(struct zap *z)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &z->dead, lru) {
		list_del(&page->lru);
		atomic64_dec(&z->vm->stats.mmu_table_pages);
		call_rcu(&page->rcu_head, free_table_rcu);
	}
}

void lodge_count_leaf(struct lodge_vm *vm, int level, int n)
{
	atomic64_t *counters[] = {
		&vm->stats.pages_4k, &vm->stats.pages_2m, &vm->stats.pages_1g,
	};

	atomic64_add(n, counters[level - 1]);
}

/* --- zaps --- */

/* @table is out of the tree; make it and all below it unusable.  Depth: at most 4. */
static void take_down(struct zap *z, u64 *table, int level)
{
	u64 old;
	int i;

	for (i = 0; i < LODGE_PT_ENTRIES; i++) {
		old = xchg(&table[i], LODGE_PTE_FROZEN);
		if (lodge_pte_is_table(old, level))
			take_down(z, lodge_pte_table(old), level - 1);
		else if (lodge_pte_is_leaf(old, level))
			lodge_count_leaf(z->vm, level, -1);
	}
	list_add(&virt_to_page(table)->lru, &z->dead);
}

static bool wanted(struct zap *z, struct lodge_pt_iter *it)
{
	if (lodge_pte_is_leaf(it->pte, it->level))
		return !z->recover;
	return lodge_pte_is_table(it->pte, it->level) && it->level == z->level &&
	       lodge_iter_covered(it) &&
	       (!z->recover || lodge_map_level(z->recover, it->gfn) >= it->level);
}

static void zap_entry(struct zap *z, struct lodge_pt_iter *it)
{
	u64 old = xchg(it->ptep, 0);

	if (lodge_pte_is_table(old, it->level))
		take_down(z, lodge_pte_table(old), it->level - 1);
	else
		lodge_count_leaf(z->vm, it->level, -1);
	it->pte = 0;
}

static bool must_yield(struct zap *z)
{
	return z->may_block && (need_resched() || spin_needbreak(&z->vm->mmu_lock));
}

/* Work from z->start on; true when the end is reached, false to be called again.  mmu_lock. */
static bool zap_some(struct zap *z, bool *changed)
{
	struct lodge_pt_iter it;

	lodge_for_each_vm_pte(&it, z->vm, z->start, z->end) {
		if (wanted(z, &it)) {
			zap_entry(z, &it);
			*changed = true;
		} else if (lodge_pte_is_table(it.pte, it.level)) {
			continue;
		}
		if (must_yield(z)) {
			z->start = lodge_level_base(it.gfn, it.level) +
				   lodge_level_pages(it.level);
			return false;
		}
	}
	return true;
}

static void zap_level(struct zap *z)
{
	gfn_t start = z->start;
	bool changed, done;

	do {
		changed = false;
		spin_lock(&z->vm->mmu_lock);
		done = zap_some(z, &changed);
		/* Owed before the next zap can find these entries gone. */
		if (changed)
			lodge_owe_flush(z->vm);
		spin_unlock(&z->vm->mmu_lock);
		if (!done)
			cond_resched();
	} while (!done);
	z->start = start;
}

static bool has_whole_entry(const struct zap *z, int level)
{
	u64 pages = lodge_level_pages(level);

	return round_up(z->start, pages) + pages <= z->end;
}

static void zap(struct zap *z)
{
	INIT_LIST_HEAD(&z->dead);
	for (z->level = 2; z->level <= lodge_caps.tdp.levels; z->level++)
		if (z->level == 2 || has_whole_entry(z, z->level))
			zap_level(z);
	lodge_pay_flushes(z->vm);
	free_dead(z);
}

void lodge_mmu_zap_range(struct lodge_vm *vm, gfn_t start, gfn_t end, bool may_block)
{
	struct zap z = { .vm = vm, .start = start, .end = end, .may_block = may_block };

	if (lodge_caps.tdp.enabled)
		zap(&z);
	else
		lodge_shadow_zap_range(vm, start, end, may_block);
}

void lodge_mmu_recover_large(struct lodge_vm *vm, const struct lodge_memslot *slot)
{
	struct zap z = {
		.vm = vm,
		.start = slot->base_gfn,
		.end = slot->base_gfn + slot->npages,
		.recover = slot,
		.may_block = true,
	};

	if (lodge_caps.tdp.enabled)
		zap(&z);
	else
		lodge_shadow_zap_range(vm, z.start, z.end, true);
}
