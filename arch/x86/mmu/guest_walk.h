/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two walks of a guest's own page tables have in common: the fast one
 * (guest_access.c), for long mode, which gives up at the first difficulty, and
 * the complete one (guest_walk.c), which may sleep.
 */
#ifndef LODGE_MMU_GUEST_WALK_H
#define LODGE_MMU_GUEST_WALK_H

#include "regs_inline.h"
#include "tables.h"

#define GPTE_PRESENT	BIT_ULL(0)
#define GPTE_WRITE	BIT_ULL(1)
#define GPTE_USER	BIT_ULL(2)
#define GPTE_ACCESSED	BIT_ULL(5)
#define GPTE_DIRTY	BIT_ULL(6)
#define GPTE_LARGE	BIT_ULL(7)
#define GPTE_NX		BIT_ULL(63)
#define GPTE_ADDR	GENMASK_ULL(51, PAGE_SHIFT)

/*
 * What the permissions along the walk say to the access: 0, or the bits of the
 * fault.  @all: entries ANDed; @any: ORed; @leaf: the last.
 */
static __always_inline u64 guest_denied(struct lodge_vcpu *vcpu, u64 all, u64 any, u64 leaf,
					u64 access)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	bool user_page = all & GPTE_USER;
	u64 denied = 0;
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
		denied = PFERR_PRESENT;
	if (!user_page)
		return denied;
	if (mode->smap && !(access & PFERR_USER) &&
	    ((access & PFERR_IMPLICIT) || !(lodge_rflags(vcpu) & X86_EFLAGS_AC)))
		denied = PFERR_PRESENT;
	if (mode->pke) {
		/*
		 * Two bits for each key: access disabled, write disabled.  The fault tells of the
		 * key whatever else denies the access (SDM vol. 3, Page-Fault Exceptions).
		 */
		key = (vcpu->arch.pkru >> (((leaf >> 59) & 15) * 2)) & 3;
		if ((key & 1) || ((key & 2) && (access & PFERR_WRITE) &&
				  ((access & PFERR_USER) || mode->wp)))
			denied = PFERR_PRESENT | PFERR_PK;
	}
	return denied;
}

/* guest_walk.c: the complete walk, as lodge_gva_to_gpa(). */
bool lodge_guest_walk(struct lodge_vcpu *vcpu, gva_t gva, u64 access, struct lodge_walk *walk);
/* The same, and the way that it went. */
bool lodge_guest_walk_path(struct lodge_vcpu *vcpu, gva_t gva, u64 access,
			   struct lodge_walk *walk, struct lodge_guest_path *path);
/* Is the entry in memory as it was for the walk?  Does not sleep; false where it cannot be read. */
bool lodge_guest_entry_same(const struct lodge_vcpu *vcpu, const struct lodge_guest_entry *e);

#endif
