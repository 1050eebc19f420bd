// SPDX-License-Identifier: GPL-2.0
/*
 * Control registers: what a write must check (SDM vol. 3, Control Registers;
 * APM vol. 2, System-Control Registers), and what follows from it.  The
 * backend is only told the outcome.
 */
#include "backend.h"
#include "cpuid.h"
#include "exit.h"
#include "irqchip/irqchip.h"
#include "regs_inline.h"
#include "trace.h"

#define CR0_DEFINED (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
		     X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
		     X86_CR0_PG)

/* Bits that select the paging mode or what a translation permits. */
#define CR0_PAGING	(X86_CR0_PG | X86_CR0_WP)
#define CR4_PAGING	(X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP | \
			 X86_CR4_SMAP | X86_CR4_PKE | X86_CR4_LA57)
#define EFER_PAGING	(EFER_NX | EFER_LME | EFER_LMA)
/* Those on which the PDPTEs are read again (SDM vol. 3, PDPTE Registers). */
#define CR0_PDPTRS	(X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)
#define CR4_PDPTRS	(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)

bool lodge_cr0_valid(struct lodge_vcpu *vcpu, unsigned long cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return false;
	return !(cr0 & X86_CR0_PG) || (cr0 & X86_CR0_PE);
}

bool lodge_cr4_valid(struct lodge_vcpu *vcpu, unsigned long cr4)
{
	return !(cr4 & (~lodge_cr4_supported | vcpu->arch.cr4_guest_rsvd));
}

bool lodge_efer_valid(struct lodge_vcpu *vcpu, u64 efer)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (efer & lodge_caps.efer_reserved)
		return false;
	if ((efer & EFER_NX) && !lodge_has(a, LODGE_F_NX))
		return false;
	if ((efer & (EFER_LME | EFER_LMA)) && !lodge_has(a, LODGE_F_LM))
		return false;
	return !(efer & EFER_SVME);
}

/* Paging is turned on with EFER.LME: the checks of entering long mode. */
static bool may_enter_long_mode(struct lodge_vcpu *vcpu)
{
	struct kvm_segment cs;

	if (!(lodge_cr4(vcpu) & X86_CR4_PAE))
		return false;
	lodge_be(get_segment)(vcpu, &cs, LODGE_SEG_CS);
	return !cs.l;
}

int lodge_write_cr0(struct lodge_vcpu *vcpu, unsigned long cr0)
{
	unsigned long old = lodge_cr0(vcpu), changed;
	u64 efer = vcpu->arch.efer;

	if (!lodge_cr0_valid(vcpu, cr0))
		return 1;
	cr0 = (cr0 & CR0_DEFINED) | X86_CR0_ET;
	changed = cr0 ^ old;

	if ((changed & X86_CR0_PG) && (cr0 & X86_CR0_PG) && (efer & EFER_LME)) {
		if (!may_enter_long_mode(vcpu))
			return 1;
	} else if ((cr0 & X86_CR0_PG) && (lodge_cr4(vcpu) & X86_CR4_PAE) &&
		   !(efer & EFER_LME) && (changed & CR0_PDPTRS)) {
		if (!lodge_load_pdptrs(vcpu, lodge_cr3(vcpu)))
			return 1;
	}
	if (!(cr0 & X86_CR0_PG) && (old & X86_CR0_PG) &&
	    (lodge_is_64bit(vcpu) || (lodge_cr4(vcpu) & X86_CR4_PCIDE)))
		return 1;

	if ((changed & X86_CR0_PG) && (efer & EFER_LME)) {
		efer = cr0 & X86_CR0_PG ? efer | EFER_LMA : efer & ~EFER_LMA;
		vcpu->arch.efer = efer;
		lodge_be(set_efer)(vcpu, efer);
	}
	vcpu->arch.cr0 = cr0;
	lodge_be(set_cr0)(vcpu, cr0);
	if (changed & X86_CR0_PG)
		lodge_request(vcpu, LODGE_REQ_TLB_FLUSH_GUEST);
	if (changed & CR0_PAGING)
		lodge_mmu_mode_changed(vcpu);
	return 0;
}

static bool cr3_valid(struct lodge_vcpu *vcpu, unsigned long cr3)
{
	return !(cr3 >> vcpu->arch.maxphyaddr);
}

int lodge_write_cr3(struct lodge_vcpu *vcpu, unsigned long cr3)
{
	bool keep = false;

	if (lodge_is_long_mode(vcpu)) {
		if (lodge_cr4(vcpu) & X86_CR4_PCIDE) {
			keep = cr3 & X86_CR3_PCID_NOFLUSH;
			cr3 &= ~X86_CR3_PCID_NOFLUSH;
		}
		if (!cr3_valid(vcpu, cr3))
			return 1;
	} else if (lodge_is_pae_paging(vcpu)) {
		if (!lodge_load_pdptrs(vcpu, cr3))
			return 1;
	}
	vcpu->arch.cr3 = cr3;
	vcpu->arch.regs_avail |= BIT(LODGE_REG_CR3);
	lodge_be(set_cr3)(vcpu, cr3);
	lodge_mmu_cr3_changed(vcpu);
	if (!keep)
		lodge_request(vcpu, LODGE_REQ_TLB_FLUSH_GUEST);
	return 0;
}

int lodge_write_cr4(struct lodge_vcpu *vcpu, unsigned long cr4)
{
	unsigned long old = lodge_cr4(vcpu), changed = old ^ cr4;

	if (!lodge_cr4_valid(vcpu, cr4))
		return 1;
	if (lodge_is_long_mode(vcpu)) {
		if (!(cr4 & X86_CR4_PAE) || (changed & X86_CR4_LA57))
			return 1;
	} else if (lodge_is_paging(vcpu) && (cr4 & X86_CR4_PAE) && (changed & CR4_PDPTRS)) {
		if (!lodge_load_pdptrs(vcpu, lodge_cr3(vcpu)))
			return 1;
	}
	if ((changed & X86_CR4_PCIDE) && (cr4 & X86_CR4_PCIDE) &&
	    (!lodge_is_long_mode(vcpu) || (lodge_cr3(vcpu) & X86_CR3_PCID_MASK)))
		return 1;

	vcpu->arch.cr4 = cr4;
	lodge_be(set_cr4)(vcpu, cr4);
	if ((changed & (X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE)) ||
	    ((changed & X86_CR4_PCIDE) && !(cr4 & X86_CR4_PCIDE)) ||
	    ((changed & X86_CR4_SMEP) && (cr4 & X86_CR4_SMEP)))
		lodge_request(vcpu, LODGE_REQ_TLB_FLUSH_GUEST);
	if (changed & CR4_PAGING)
		lodge_mmu_mode_changed(vcpu);
	if (changed & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		lodge_cpuid_update_runtime(vcpu);
	return 0;
}

int lodge_write_cr8(struct lodge_vcpu *vcpu, unsigned long cr8)
{
	if (cr8 & ~0xful)
		return 1;
	if (vcpu->arch.lapic)
		lodge_lapic_set_tpr(vcpu, cr8 << 4);
	else
		vcpu->arch.cr8 = cr8;
	return 0;
}

unsigned long lodge_read_cr8(struct lodge_vcpu *vcpu)
{
	return vcpu->arch.lapic ? lodge_lapic_tpr(vcpu) >> 4 : vcpu->arch.cr8;
}

int lodge_read_cr(struct lodge_vcpu *vcpu, int cr, unsigned long *value)
{
	switch (cr) {
	case 0:
		*value = lodge_cr0(vcpu);
		break;
	case 2:
		*value = vcpu->arch.cr2;
		break;
	case 3:
		*value = lodge_cr3(vcpu);
		break;
	case 4:
		*value = lodge_cr4(vcpu);
		break;
	case 8:
		*value = lodge_read_cr8(vcpu);
		break;
	default:
		return -ENOENT;
	}
	trace_kvm_cr(false, cr, *value);
	return 0;
}

int lodge_write_efer(struct lodge_vcpu *vcpu, u64 efer, bool host)
{
	u64 old = vcpu->arch.efer;

	if (efer & lodge_caps.efer_reserved)
		return 1;
	if (!host) {
		if (!lodge_efer_valid(vcpu, efer))
			return 1;
		if (lodge_is_paging(vcpu) && ((old ^ efer) & EFER_LME))
			return 1;
	}
	/* LMA follows CR0.PG and LME, never a write. */
	efer = (efer & ~EFER_LMA) | (old & EFER_LMA);
	vcpu->arch.efer = efer;
	lodge_be(set_efer)(vcpu, efer);
	if ((efer ^ old) & EFER_PAGING)
		lodge_mmu_mode_changed(vcpu);
	return 0;
}

/* SDM vol. 1, Enabling the XSAVE Feature Set and XSAVE-Enabled Features. */
static bool xcr0_valid(struct lodge_vcpu *vcpu, u64 xcr0)
{
	const u64 avx512 = XFEATURE_MASK_AVX512;
	const u64 bounds = XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR;
	const u64 tile = XFEATURE_MASK_XTILE;

	if (!(xcr0 & XFEATURE_MASK_FP) || (xcr0 & ~vcpu->arch.guest_supported_xcr0))
		return false;
	if ((xcr0 & XFEATURE_MASK_YMM) && !(xcr0 & XFEATURE_MASK_SSE))
		return false;
	if ((xcr0 & bounds) && (xcr0 & bounds) != bounds)
		return false;
	if ((xcr0 & avx512) &&
	    ((xcr0 & avx512) != avx512 || !(xcr0 & XFEATURE_MASK_YMM)))
		return false;
	return !(xcr0 & tile) || (xcr0 & tile) == tile;
}

int lodge_write_xcr0(struct lodge_vcpu *vcpu, u32 index, u64 xcr0, bool host)
{
	if (index || !xcr0_valid(vcpu, xcr0))
		return 1;
	if (xcr0 != vcpu->arch.xcr0) {
		vcpu->arch.xcr0 = xcr0;
		lodge_cpuid_update_runtime(vcpu);
	}
	return 0;
}
