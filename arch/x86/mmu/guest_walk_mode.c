// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest's control registers and CPUID make of its page tables, worked
 * out when one of them changes and not at each walk: APM vol. 2, Page
 * Translation and Protection; SDM vol. 3, Paging.
 */
#include <linux/bits.h>

#include "memslot.h"
#include "regs_inline.h"

#define PTE_LARGE	BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)

/* Bits @lo to @hi; none when the range is empty. */
static u64 bits(int lo, int hi)
{
	return lo > hi ? 0 : GENMASK_ULL(hi, lo);
}

static int guest_levels(struct lodge_vcpu *vcpu)
{
	if (!lodge_is_paging(vcpu))
		return 0;
	if (lodge_is_long_mode(vcpu))
		return lodge_cr4(vcpu) & X86_CR4_LA57 ? 5 : 4;
	return lodge_cr4(vcpu) & X86_CR4_PAE ? 3 : 2;
}

/* Physical-address bits of the guest; before it has a CPUID, the least there is. */
static int guest_maxphyaddr(const struct lodge_vcpu *vcpu)
{
	return vcpu->arch.maxphyaddr ? vcpu->arch.maxphyaddr : 36;
}

/* Entries of 32 bits: only a 4 MiB page's has any, its bits 13 and up being PSE-36's. */
static void reserve_2_level(struct lodge_vcpu *vcpu, struct lodge_walk_mode *mode)
{
	int high = min(guest_maxphyaddr(vcpu), 40) - 32;

	mode->rsvd[1][1] = bits(13 + max(high, 0), 21);
}

static void reserve_64bit(struct lodge_vcpu *vcpu, struct lodge_walk_mode *mode)
{
	u64 always = bits(guest_maxphyaddr(vcpu), 51);
	u64 top;
	int level;

	if (!mode->nx)
		always |= PTE_NX;
	/* In long mode bits 52 to 62 are the software's, or a protection key. */
	if (mode->levels == 3)
		always |= bits(52, 62);
	for (level = 1; level <= 5; level++)
		mode->rsvd[0][level - 1] = always;

	mode->rsvd[1][1] = always | bits(13, 20);
	mode->rsvd[1][2] = always | bits(13, 29);
	if (!lodge_has(&vcpu->arch, LODGE_F_GBPAGES))
		mode->rsvd[1][2] |= PTE_LARGE;

	/* A large page of level 4 or 5 does not exist; AMD reserves bit 8 there, too. */
	top = always | PTE_LARGE;
	if (lodge_has(&vcpu->arch, LODGE_F_AMD))
		top |= BIT_ULL(8);
	for (level = 4; level <= 5; level++) {
		mode->rsvd[0][level - 1] = top;
		mode->rsvd[1][level - 1] = top;
	}
}

void lodge_mmu_mode_changed(struct lodge_vcpu *vcpu)
{
	unsigned long cr0 = lodge_cr0(vcpu), cr4 = lodge_cr4(vcpu);
	struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;

	*mode = (struct lodge_walk_mode) {
		.levels	= guest_levels(vcpu),
		.wp	= cr0 & X86_CR0_WP,
		.pse	= cr4 & X86_CR4_PSE,
		.smep	= cr4 & X86_CR4_SMEP,
		.smap	= cr4 & X86_CR4_SMAP,
	};
	mode->nx = mode->levels > 2 && (vcpu->arch.efer & EFER_NX);
	mode->pke = mode->levels > 3 && (cr4 & X86_CR4_PKE);
	if (mode->levels == 2)
		reserve_2_level(vcpu, mode);
	else if (mode->levels)
		reserve_64bit(vcpu, mode);
	lodge_mmu_cr3_changed(vcpu);
}

/* The reserved bits of a PDPTE, which has neither permissions nor NX. */
static u64 pdpte_reserved(const struct lodge_vcpu *vcpu)
{
	return bits(guest_maxphyaddr(vcpu), 63) | bits(5, 8) | bits(1, 2);
}

bool lodge_load_pdptrs(struct lodge_vcpu *vcpu, unsigned long cr3)
{
	u64 pdptes[4], reserved = pdpte_reserved(vcpu);
	int i;

	if (lodge_read_guest(vcpu->vm, cr3 & GENMASK(31, 5), pdptes, sizeof(pdptes)))
		return false;
	for (i = 0; i < 4; i++)
		if ((pdptes[i] & 1) && (pdptes[i] & reserved))
			return false;
	memcpy(vcpu->arch.pdptrs, pdptes, sizeof(pdptes));
	vcpu->arch.regs_avail |= BIT(LODGE_REG_PDPTR);
	vcpu->arch.regs_dirty |= BIT(LODGE_REG_PDPTR);
	lodge_mmu_cr3_changed(vcpu);
	return true;
}
