/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The walk of a guest's own page tables, for the two that compile it: the one
 * that may sleep and sets accessed and dirty bits (guest_walk.c), and the fast
 * one that gives up at the first difficulty (guest_access.c).
 */
#ifndef LODGE_MMU_GUEST_WALK_H
#define LODGE_MMU_GUEST_WALK_H

#include <linux/uaccess.h>

#include "regs_inline.h"
#include "tables.h"

#define GPTE_PRESENT	BIT_ULL(0)
#define GPTE_WRITE	BIT_ULL(1)
#define GPTE_USER	BIT_ULL(2)
#define GPTE_ACCESSED	BIT_ULL(5)
#define GPTE_DIRTY	BIT_ULL(6)
#define GPTE_LARGE	BIT_ULL(7)
#define GPTE_NX		BIT_ULL(63)

/* One entry that a walk went through. */
struct guest_entry {
	u64 pte;
	void __user *hva;
	struct lodge_memslot *slot;
	gfn_t gfn;		/* of the table */
};

struct guest_walker {
	struct guest_entry entry[5];	/* [level - 1] */
	int level;		/* where the walk ended: the leaf's */
	u64 error;		/* bits of the page fault beside the access's own */
};

/* Of @size 4 or 8, naturally aligned.  False if it cannot be read without sleeping. */
static __always_inline bool guest_peek(void __user *p, int size, u64 *value)
{
	u32 low;

	if (!user_access_begin(p, size))
		return false;
	if (size == 8) {
		unsafe_get_user(*value, (u64 __user *)p, fault);
	} else {
		unsafe_get_user(low, (u32 __user *)p, fault);
		*value = low;
	}
	user_access_end();
	return true;
fault:
	user_access_end();
	return false;
}

static inline bool guest_read_entry(void __user *p, int size, u64 *value)
{
	u32 low;

	if (size == 8)
		return !get_user(*value, (u64 __user *)p);
	if (get_user(low, (u32 __user *)p))
		return false;
	*value = low;
	return true;
}

/*
 * What the permissions along the walk say to the access: 0, or the bits of the
 * fault.  @all: entries ANDed; @any: ORed; @leaf: the last.
 */
static __always_inline u64 guest_denied(struct lodge_vcpu *vcpu, u64 all, u64 any, u64 leaf,
					u64 access)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	bool user_page = all & GPTE_USER;
	u32 key;

	if ((access & PFERR_USER) && !user_page)
		return PFERR_PRESENT;
	if (access & PFERR_FETCH) {
		if (mode->nx && (any & GPTE_NX))
			return PFERR_PRESENT;
		if (mode->smep && user_page && !(access & PFERR_USER))
			return PFERR_PRESENT;
		return 0;
	}
	if ((access & PFERR_WRITE) && !(all & GPTE_WRITE) &&
	    ((access & PFERR_USER) || mode->wp))
		return PFERR_PRESENT;
	if (!user_page)
		return 0;
	if (mode->smap && !(access & PFERR_USER) &&
	    ((access & PFERR_IMPLICIT) || !(lodge_rflags(vcpu) & X86_EFLAGS_AC)))
		return PFERR_PRESENT;
	if (mode->pke) {
		/* Two bits for each key: access disabled, write disabled. */
		key = (vcpu->arch.pkru >> (((leaf >> 59) & 15) * 2)) & 3;
		if ((key & 1) || ((key & 2) && (access & PFERR_WRITE) &&
				  ((access & PFERR_USER) || mode->wp)))
			return PFERR_PRESENT | PFERR_PK;
	}
	return 0;
}

/* The table that CR3 leads to, and its level; false if a PDPTE is not present. */
static __always_inline bool guest_top_table(struct lodge_vcpu *vcpu, gva_t gva, gpa_t *table,
					    int *level)
{
	int levels = vcpu->arch.mmu.walk.levels;
	u64 pdpte;

	*level = levels;
	if (likely(levels >= 4)) {
		*table = lodge_cr3(vcpu) & GENMASK_ULL(51, PAGE_SHIFT);
	} else if (levels == 2) {
		*table = lodge_cr3(vcpu) & GENMASK_ULL(31, PAGE_SHIFT);
	} else {
		lodge_need_reg(vcpu, LODGE_REG_PDPTR);
		pdpte = vcpu->arch.pdptrs[(gva >> 30) & 3];
		if (!(pdpte & GPTE_PRESENT))
			return false;
		*table = pdpte & GENMASK_ULL(51, PAGE_SHIFT);
		*level = 2;
	}
	return true;
}

/* The address of a page that @pte, of @level, maps. */
static __always_inline gpa_t guest_leaf_gpa(const struct lodge_walk_mode *mode, u64 pte,
					    int level, gva_t gva)
{
	int shift = PAGE_SHIFT + (level - 1) * (mode->levels == 2 ? 10 : 9);
	gpa_t base = pte & GENMASK_ULL(51, PAGE_SHIFT) & ~(BIT_ULL(shift) - 1);

	/* PSE-36: bits 32 to 39 of a 4 MiB page's address are its entry's 13 to 20. */
	if (mode->levels == 2 && level == 2)
		base = (pte & GENMASK_ULL(31, 22)) | ((pte & GENMASK_ULL(20, 13)) << 19);
	return base | (gva & (BIT_ULL(shift) - 1));
}

/**
 * guest_walk - through the tables, from CR3 to the leaf
 * @fast: a constant: nothing sleeps, and what would need to fails.  The caller
 *	has page faults disabled.
 *
 * Return: true with the address in @gpa; false with the fault in w->error, which
 * means nothing when @fast.  Each entry is read once.  Accessed and dirty bits:
 * when @fast, the walk fails where one would have to be set; otherwise the
 * caller sets them.
 */
static __always_inline bool guest_walk(struct lodge_vcpu *vcpu, gva_t gva, u64 access,
				       struct guest_walker *w, gpa_t *gpa, const bool fast)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	int size = mode->levels == 2 ? 4 : 8, index_bits = mode->levels == 2 ? 10 : 9;
	u64 pte, all = ~0ull, any = 0;
	struct lodge_memslot *slot;
	void __user *hva;
	gpa_t table;
	int level, large;

	w->error = 0;
	if (!guest_top_table(vcpu, gva, &table, &level))
		return false;
	for (;; level--) {
		int shift = PAGE_SHIFT + (level - 1) * index_bits;
		unsigned int offset = ((gva >> shift) & (BIT(index_bits) - 1)) * size;

		/* Tables in no memory are as good as none: nothing is present there. */
		slot = lodge_vcpu_slot(vcpu, table >> PAGE_SHIFT);
		if (unlikely(!slot))
			return false;
		hva = (void __user *)(lodge_slot_hva(slot, table >> PAGE_SHIFT) + offset);
		if (unlikely(!(fast ? guest_peek(hva, size, &pte) :
				      guest_read_entry(hva, size, &pte))))
			return false;
		if (unlikely(!(pte & GPTE_PRESENT)))
			return false;
		large = level > 1 && (pte & GPTE_LARGE) && (mode->levels > 2 || mode->pse);
		if (unlikely(pte & mode->rsvd[large][level - 1])) {
			w->error = PFERR_PRESENT | PFERR_RSVD;
			return false;
		}
		all &= pte;
		any |= pte;
		if (!fast)
			w->entry[level - 1] = (struct guest_entry) {
				.pte = pte, .hva = hva, .slot = slot, .gfn = table >> PAGE_SHIFT,
			};
		if (level == 1 || large)
			break;
		table = pte & GENMASK_ULL(51, PAGE_SHIFT);
	}
	w->level = level;
	w->error = guest_denied(vcpu, all, any, pte, access);
	if (w->error)
		return false;
	if (fast && (!(all & GPTE_ACCESSED) ||
		     ((access & PFERR_WRITE) && !(pte & GPTE_DIRTY))))
		return false;
	*gpa = guest_leaf_gpa(mode, pte, level, gva);
	return true;
}

/* guest_walk.c: the walk that may sleep, as lodge_gva_to_gpa(). */
bool lodge_guest_walk(struct lodge_vcpu *vcpu, gva_t gva, u64 access, struct lodge_walk *walk);

#endif
