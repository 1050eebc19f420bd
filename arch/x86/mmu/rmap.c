// SPDX-License-Identifier: GPL-2.0
/*
 * The way back, from a page of the guest's to the shadow entries that map it: for the MMU
 * notifier, for memory slots that go, for the dirty log, and for the protection of the
 * guest's own tables.
 *
 * By gfn, not by slot: who asks may mean a slot that is no longer published, or a page of
 * the backend's own that no slot has.  The heads of 512 pages are one block, made when the
 * first of them is mapped and kept until the VM dies, so that a walk over a range may let
 * go of the lock and go on by number.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "shadow.h"

#define BLOCK_SHIFT	LODGE_PT_BITS
#define GIB_SHIFT	(2 * LODGE_PT_BITS)

/* --- blocks --- */

/* What @xa has at @index, or @new put there; @new is freed if another was quicker. */
static void *find_or_store(struct xarray *xa, unsigned long index, void *new)
{
	void *old = xa_cmpxchg(xa, index, NULL, new, GFP_KERNEL_ACCOUNT);

	if (xa_is_err(old))
		return NULL;
	return old ?: new;
}

static struct lodge_gib *reserve_gib(struct lodge_shadow *s, gfn_t gfn)
{
	struct lodge_gib *gib = xa_load(&s->gibs, gfn >> GIB_SHIFT), *new;

	if (likely(gib))
		return gib;
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	gib = find_or_store(&s->gibs, gfn >> GIB_SHIFT, new);
	if (gib != new)
		kfree(new);
	return gib;
}

static void free_gfns(struct lodge_gfns *g)
{
	free_page((unsigned long)g->small);
	kfree(g);
}

static struct lodge_gfns *make_gfns(struct lodge_gib *gib)
{
	struct lodge_gfns *g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);

	if (!g)
		return NULL;
	g->gib = gib;
	g->small = (struct hlist_head *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!g->small) {
		kfree(g);
		return NULL;
	}
	return g;
}

int lodge_gfns_reserve(struct lodge_vm *vm, gfn_t gfn)
{
	struct lodge_shadow *s = lodge_shadow(vm);
	struct lodge_gfns *g, *new;
	struct lodge_gib *gib;

	if (likely(lodge_gfns(vm, gfn)))
		return 0;
	gib = reserve_gib(s, gfn);
	new = gib ? make_gfns(gib) : NULL;
	if (!new)
		return -ENOMEM;
	g = find_or_store(&s->gfns, gfn >> BLOCK_SHIFT, new);
	if (g != new)
		free_gfns(new);
	return g ? 0 : -ENOMEM;
}

struct lodge_gfns *lodge_gfns(struct lodge_vm *vm, gfn_t gfn)
{
	return xa_load(&lodge_shadow(vm)->gfns, gfn >> BLOCK_SHIFT);
}

void lodge_gfns_free_all(struct lodge_vm *vm)
{
	struct lodge_shadow *s = lodge_shadow(vm);
	struct lodge_gfns *g;
	struct lodge_gib *gib;
	unsigned long i;

	xa_for_each(&s->gfns, i, g) {
		free_gfns(g);
		cond_resched();
	}
	xa_for_each(&s->gibs, i, gib)
		kfree(gib);
	xa_destroy(&s->gfns);
	xa_destroy(&s->gibs);
}

struct hlist_head *lodge_rmap_head(struct lodge_gfns *g, gfn_t gfn, int level)
{
	switch (level) {
	case 1:
		return &g->small[gfn & (LODGE_PT_ENTRIES - 1)];
	case 2:
		return &g->leaves;
	default:
		return &g->gib->leaves;
	}
}

/* --- one page's mappings --- */

static bool drop_all(struct lodge_vm *vm, struct hlist_head *head)
{
	bool any = !hlist_empty(head);

	while (!hlist_empty(head)) {
		struct lodge_rmap *r = hlist_entry(head->first, struct lodge_rmap, node);

		lodge_shadow_drop(vm, lodge_rmap_page(r), r->index);
	}
	return any;
}

/* Against the CPU, that sets bits of its own meanwhile. */
static bool clear_bits(u64 *ptep, u64 bits)
{
	u64 pte = READ_ONCE(*ptep);

	while (pte & bits)
		if (lodge_pte_change(ptep, &pte, pte & ~bits))
			return true;
	return false;
}

static bool clear_all(struct hlist_head *head, u64 bits)
{
	struct lodge_rmap *r;
	bool any = false;

	hlist_for_each_entry(r, head, node)
		any |= clear_bits(lodge_rmap_pte(r), bits);
	return any;
}

/* Drop the leaves in @head that permit writes; what is left is made of small ones anew. */
static bool drop_writable(struct lodge_vm *vm, struct hlist_head *head)
{
	struct hlist_node *next;
	struct lodge_rmap *r;
	bool any = false;

	hlist_for_each_entry_safe(r, next, head, node)
		if (READ_ONCE(*lodge_rmap_pte(r)) & lodge_pte.writable)
			any |= lodge_shadow_drop(vm, lodge_rmap_page(r), r->index);
	return any;
}

static bool protect(struct lodge_vm *vm, struct lodge_gfns *g, gfn_t gfn)
{
	return clear_all(lodge_rmap_head(g, gfn, 1), lodge_pte.writable) |
	       drop_writable(vm, &g->leaves) | drop_writable(vm, &g->gib->leaves);
}

bool lodge_rmap_protect(struct lodge_vm *vm, gfn_t gfn)
{
	struct lodge_gfns *g = lodge_gfns(vm, gfn);

	if (!g || !protect(vm, g, gfn))
		return false;
	lodge_owe_flush(vm);
	return true;
}

/* --- ranges --- */

/* One of the pages of [first, last] in a block after the other: true if something changed. */
typedef bool (*range_fn)(struct lodge_vm *vm, struct lodge_gfns *g, gfn_t first, gfn_t last);

static bool zap_tables(struct lodge_vm *vm, gfn_t gfn)
{
	struct lodge_shadow *s = lodge_shadow(vm);
	struct lodge_spage *sp, *next;
	bool any = false;

	for (sp = lodge_shadow_next(s, gfn, NULL); sp; sp = next) {
		next = lodge_shadow_next(s, gfn, sp);
		if (sp->role.direct)
			continue;
		lodge_shadow_zap(vm, sp);
		any = true;
	}
	return any;
}

/*
 * The tables go, too, that were made from pages in the range: what is put in their place
 * need not come by a write of the guest's.
 */
static bool zap_block(struct lodge_vm *vm, struct lodge_gfns *g, gfn_t first, gfn_t last)
{
	bool any = drop_all(vm, &g->leaves) | drop_all(vm, &g->gib->leaves);
	gfn_t gfn;

	for (gfn = first; gfn <= last; gfn++) {
		any |= drop_all(vm, lodge_rmap_head(g, gfn, 1));
		if (g->tables)
			any |= zap_tables(vm, gfn);
	}
	return any;
}

static bool protect_block(struct lodge_vm *vm, struct lodge_gfns *g, gfn_t first, gfn_t last)
{
	bool any = false;
	gfn_t gfn;

	for (gfn = first; gfn <= last; gfn++)
		any |= protect(vm, g, gfn);
	return any;
}

static bool clear_young_block(struct lodge_vm *vm, struct lodge_gfns *g, gfn_t first, gfn_t last)
{
	bool any = clear_all(&g->leaves, lodge_pte.accessed) |
		   clear_all(&g->gib->leaves, lodge_pte.accessed);
	gfn_t gfn;

	for (gfn = first; gfn <= last; gfn++)
		any |= clear_all(lodge_rmap_head(g, gfn, 1), lodge_pte.accessed);
	return any;
}

static bool any_accessed(struct hlist_head *head)
{
	struct lodge_rmap *r;

	hlist_for_each_entry(r, head, node)
		if (READ_ONCE(*lodge_rmap_pte(r)) & lodge_pte.accessed)
			return true;
	return false;
}

static bool test_young_block(struct lodge_vm *vm, struct lodge_gfns *g, gfn_t first, gfn_t last)
{
	bool any = any_accessed(&g->leaves) || any_accessed(&g->gib->leaves);
	gfn_t gfn;

	for (gfn = first; !any && gfn <= last; gfn++)
		any = any_accessed(lodge_rmap_head(g, gfn, 1));
	return any;
}

/* The next block from *@index on, to @last; and its part of the range. */
static struct lodge_gfns *next_block(struct lodge_vm *vm, unsigned long *index, gfn_t start,
				     gfn_t end, gfn_t *first, gfn_t *last)
{
	struct lodge_gfns *g = xa_find(&lodge_shadow(vm)->gfns, index, (end - 1) >> BLOCK_SHIFT,
				       XA_PRESENT);

	if (g) {
		*first = max_t(gfn_t, start, (gfn_t)*index << BLOCK_SHIFT);
		*last = min_t(gfn_t, end - 1, (((gfn_t)*index + 1) << BLOCK_SHIFT) - 1);
	}
	return g;
}

/*
 * @fn for what there is of [start, end), under the lock, which is let go of between
 * blocks where @may_block.  What @fn changed is owed before that.
 */
static bool for_range(struct lodge_vm *vm, gfn_t start, gfn_t end, bool may_block, bool owes,
		      range_fn fn)
{
	unsigned long index = start >> BLOCK_SHIFT;
	bool any = false, changed;
	struct lodge_gfns *g;
	gfn_t first, last;

	if (start >= end)
		return false;
	spin_lock(&vm->mmu_lock);
	for (; (g = next_block(vm, &index, start, end, &first, &last)); index++) {
		changed = fn(vm, g, first, last);
		any |= changed;
		if (changed && owes)
			lodge_owe_flush(vm);
		if (may_block)
			cond_resched_lock(&vm->mmu_lock);
	}
	spin_unlock(&vm->mmu_lock);
	return any;
}

void lodge_shadow_zap_range(struct lodge_vm *vm, gfn_t start, gfn_t end, bool may_block)
{
	for_range(vm, start, end, may_block, true, zap_block);
	/* Also what others owe: tlb.c. */
	lodge_shadow_settle(vm);
}

bool lodge_shadow_age_range(struct lodge_vm *vm, gfn_t start, gfn_t end, bool clear)
{
	return for_range(vm, start, end, false, false,
			 clear ? clear_young_block : test_young_block);
}

bool lodge_shadow_write_protect(struct lodge_vm *vm, gfn_t start, gfn_t end)
{
	return for_range(vm, start, end, true, true, protect_block);
}

bool lodge_shadow_write_protect_mask(struct lodge_vm *vm, gfn_t base, unsigned long mask)
{
	bool any = false;
	int i;

	spin_lock(&vm->mmu_lock);
	for_each_set_bit(i, &mask, BITS_PER_LONG)
		any |= lodge_rmap_protect(vm, base + i);
	spin_unlock(&vm->mmu_lock);
	return any;
}
