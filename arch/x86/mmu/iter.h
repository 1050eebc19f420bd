/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one way through a table: every entry that covers a page of a range, from
 * the top down and in order of address; a table's own entry comes before the
 * entries in it.
 *
 *	struct lodge_pt_iter it;
 *
 *	lodge_for_each_pte(&it, root, root_level, start, end)
 *		look at it.pte at it.level, or change it through it.ptep
 *
 * The iterator goes down where it.pte, as it stands at the end of the body, is
 * a table.  Whoever changed the entry says what it is now by setting it.pte.
 *
 * The caller is in an RCU read section, or has mmu_lock: then the tables that
 * it meets, also one just taken out of the tree, stay.  Between two such
 * sections an iterator is worth nothing; begin a new one at it.gfn.
 */
#ifndef LODGE_MMU_ITER_H
#define LODGE_MMU_ITER_H

#include "pte.h"

struct lodge_pt_iter {
	gfn_t gfn;		/* the first page of the range that the entry covers */
	gfn_t end;		/* of the range, exclusive */
	int level;		/* of the entry: 1 maps 4 KiB pages */
	int root_level;
	u64 *ptep;
	u64 pte;		/* its value when visited */
	u64 *table[LODGE_PT_MAX_LEVEL];	/* [level - 1] */
};

/* False if the range is empty. */
bool lodge_iter_first(struct lodge_pt_iter *it, u64 *root, int root_level, gfn_t start, gfn_t end);
bool lodge_iter_next(struct lodge_pt_iter *it);

#define lodge_for_each_pte(it, root, root_level, start, end)			\
	for (bool _more = lodge_iter_first(it, root, root_level, start, end);	\
	     _more; _more = lodge_iter_next(it))

/* All that the entry covers is in the range. */
static inline bool lodge_iter_covered(const struct lodge_pt_iter *it)
{
	return lodge_level_base(it->gfn, it->level) == it->gfn &&
	       it->gfn + lodge_level_pages(it->level) <= it->end;
}

#endif
