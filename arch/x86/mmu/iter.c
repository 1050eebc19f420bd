// SPDX-License-Identifier: GPL-2.0
/* The page-table iterator; iter.h has what it promises. */
#include "iter.h"

static void load(struct lodge_pt_iter *it)
{
	it->ptep = &it->table[it->level - 1][lodge_pt_index(it->gfn, it->level)];
	it->pte = READ_ONCE(*it->ptep);
}

bool lodge_iter_first(struct lodge_pt_iter *it, u64 *root, int root_level, gfn_t start, gfn_t end)
{
	it->gfn = start;
	/* A table of so many levels has no entries for pages beyond. */
	it->end = min(end, lodge_level_pages(root_level + 1));
	it->level = root_level;
	it->root_level = root_level;
	it->table[root_level - 1] = root;
	if (it->gfn >= it->end)
		return false;
	load(it);
	return true;
}

bool lodge_iter_next(struct lodge_pt_iter *it)
{
	gfn_t next;

	if (lodge_pte_is_table(it->pte, it->level)) {
		it->level--;
		it->table[it->level - 1] = lodge_pte_table(it->pte);
		load(it);
		return true;
	}

	next = lodge_level_base(it->gfn, it->level) + lodge_level_pages(it->level);
	if (next >= it->end)
		return false;
	/* The first page of a table further up: that table's next entry. */
	while (it->level < it->root_level && next == lodge_level_base(next, it->level + 1))
		it->level++;
	it->gfn = next;
	load(it);
	return true;
}
