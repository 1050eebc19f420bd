/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries of second-dimension tables.  The tables themselves are alike in EPT
 * and NPT, 512 entries at each of four or five levels; what the bits mean is in
 * a struct lodge_pte_format, filled in from pte_ept.c or pte_npt.c.
 *
 * An entry is one of
 *   0           nothing there
 *   FROZEN      nothing there, and nothing may be installed: its table is being
 *               taken down
 *   a leaf      maps a page of 4 KiB, 2 MiB or 1 GiB
 *   a table     points to the table one level down; permits everything
 *
 * Who may change an entry, and how:
 *   a fault     nothing -> leaf or table, large leaf -> table of the same pages,
 *               leaf -> the same leaf with more permissions; compare-and-exchange
 *   protecting  leaf -> the same leaf with fewer permissions, or without the dirty
 *               bit where writes are logged by it; compare-and-exchange
 *   a zap       anything -> nothing or FROZEN; exchange; under mmu_lock
 *   the CPU     sets accessed and dirty
 */
#ifndef LODGE_MMU_PTE_H
#define LODGE_MMU_PTE_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kvm_types.h>
#include <asm/page.h>

#define LODGE_PT_BITS		9
#define LODGE_PT_ENTRIES	BIT(LODGE_PT_BITS)
#define LODGE_PT_MAX_LEVEL	5

/* Bits that neither EPT nor NPT gives a meaning, where they are used. */
#define LODGE_PTE_HOST_WRITABLE	BIT_ULL(52)	/* the owner's mapping may be written through */
#define LODGE_PTE_FROZEN	BIT_ULL(53)	/* of an entry that is not present */

struct lodge_pte_format {
	u64 present;		/* any of these: the CPU uses the entry */
	u64 writable;
	u64 accessed;		/* 0 if the CPU does not record it */
	/*
	 * 0, or: while it is clear the next write of the page is logged by the CPU (PML),
	 * and write protection is not needed for that.  Large leaves always have it: the
	 * log is of small pages.
	 */
	u64 dirty;
	u64 large;		/* a leaf above level 1 */
	u64 addr;		/* the address */
	u64 leaf;		/* what every leaf has */
	/*
	 * What leaves of level 1 have besides.  Not 0: permission to fetch, which larger
	 * ones must not give; a fetch from one makes a table of it.
	 */
	u64 small;
	u64 table;		/* what every entry that points to a table has */
	u64 ram;		/* what leaves of memory have, and not of devices */
	u64 device;		/* and the other way round: uncached */
};

extern struct lodge_pte_format lodge_pte;

void lodge_pte_format_ept(struct lodge_pte_format *fmt);
void lodge_pte_format_npt(struct lodge_pte_format *fmt);

static inline bool lodge_pte_present(u64 pte)
{
	return pte & lodge_pte.present;
}

static inline bool lodge_pte_is_leaf(u64 pte, int level)
{
	return lodge_pte_present(pte) && (level == 1 || (pte & lodge_pte.large));
}

static inline bool lodge_pte_is_table(u64 pte, int level)
{
	return lodge_pte_present(pte) && level > 1 && !(pte & lodge_pte.large);
}

static inline u64 *lodge_pte_table(u64 pte)
{
	return __va(pte & lodge_pte.addr);
}

static inline kvm_pfn_t lodge_pte_pfn(u64 pte)
{
	return (pte & lodge_pte.addr) >> PAGE_SHIFT;
}

static inline u64 lodge_pte_make_table(u64 *table)
{
	return __pa(table) | lodge_pte.table;
}

static inline u64 lodge_pte_make_leaf(kvm_pfn_t pfn, int level, bool device,
				      bool host_writable, bool writable)
{
	u64 pte = (pfn << PAGE_SHIFT) | lodge_pte.leaf;

	pte |= device ? lodge_pte.device : lodge_pte.ram;
	pte |= level > 1 ? lodge_pte.large : lodge_pte.small;
	if (host_writable)
		pte |= LODGE_PTE_HOST_WRITABLE;
	if (writable)
		pte |= lodge_pte.writable;
	return pte;
}

/* Pages that an entry of this level maps, or its table does. */
static inline u64 lodge_level_pages(int level)
{
	return 1ULL << (LODGE_PT_BITS * (level - 1));
}

static inline gfn_t lodge_level_base(gfn_t gfn, int level)
{
	return gfn & ~(lodge_level_pages(level) - 1);
}

static inline unsigned int lodge_pt_index(gfn_t gfn, int level)
{
	return (gfn >> (LODGE_PT_BITS * (level - 1))) & (LODGE_PT_ENTRIES - 1);
}

/* In: what was expected.  Out, when it fails: what was there. */
static inline bool lodge_pte_change(u64 *ptep, u64 *old, u64 new)
{
	return try_cmpxchg64(ptep, old, new);
}

#endif
