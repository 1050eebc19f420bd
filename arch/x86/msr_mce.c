// SPDX-License-Identifier: GPL-2.0
/*
 * Machine-check MSRs, and machine checks that user space injects (SDM vol. 3,
 * Machine-Check Architecture; APM vol. 2, Machine Check Architecture).
 */
#include <linux/nospec.h>
#include <linux/slab.h>
#include <asm/mce.h>
#include <asm/msr-index.h>
#include <asm/trapnr.h>

#include "msr_table.h"
#include "regs_inline.h"

#define BANK_MSRS	4	/* CTL, STATUS, ADDR, MISC */

enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC };

#define MCG_BANKS_MASK	0xffull
#define MCG_EXT_MASK	0xff0000ull	/* the number of extended state MSRs: says nothing here */

u64 lodge_mce_cap_supported(void)
{
	return MCG_CTL_P | MCG_SER_P;
}

static unsigned int mce_banks(const struct lodge_vcpu *vcpu)
{
	return vcpu->arch.mcg_cap & MCG_BANKS_MASK;
}

int lodge_mcg_get(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	switch (index) {
	case MSR_IA32_MCG_CAP:
		*data = a->mcg_cap;
		return 0;
	case MSR_IA32_MCG_STATUS:
		*data = a->mcg_status;
		return 0;
	default:
		if (!(a->mcg_cap & MCG_CTL_P) && !host)
			return LODGE_MSR_INVALID;
		*data = a->mcg_ctl;
		return 0;
	}
}

int lodge_mcg_set(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	switch (index) {
	case MSR_IA32_MCG_CAP:
		return host && data == a->mcg_cap ? 0 : LODGE_MSR_INVALID;
	case MSR_IA32_MCG_STATUS:
		a->mcg_status = data;
		return 0;
	default:
		if (!(a->mcg_cap & MCG_CTL_P) && (data || !host))
			return LODGE_MSR_INVALID;
		if (data && data != ~0ull)
			return LODGE_MSR_INVALID;
		a->mcg_ctl = data;
		return 0;
	}
}

/* The register of the bank, or NULL: the vCPU has fewer banks than there are MSRs. */
static u64 *mc_bank_field(struct lodge_vcpu *vcpu, u32 index)
{
	u32 n = mce_banks(vcpu) * BANK_MSRS;
	u32 i = index - MSR_IA32_MC0_CTL;

	if (i >= n)
		return NULL;
	return &vcpu->arch.mce_banks[array_index_nospec(i, n)];
}

int lodge_mc_bank_get(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	const u64 *field = mc_bank_field(vcpu, index);

	if (!field)
		return LODGE_MSR_INVALID;
	*data = *field;
	return 0;
}

/*
 * CTL takes all zeros or all ones.  Linux clears bit 10 of bank 4 on some AMD
 * CPUs, and bit 0 of a bank on others, for errata of theirs: let it.
 */
static bool mc_ctl_valid(u64 data)
{
	return !data || (data | BIT_ULL(10) | BIT_ULL(0)) == ~0ull;
}

int lodge_mc_bank_set(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	u64 *field = mc_bank_field(vcpu, index);

	if (!field)
		return LODGE_MSR_INVALID;
	switch ((index - MSR_IA32_MC0_CTL) % BANK_MSRS) {
	case BANK_CTL:
		if (!mc_ctl_valid(data))
			return LODGE_MSR_INVALID;
		break;
	case BANK_STATUS:
		/* Software may only clear it, but for HWCR.McStatusWrEn. */
		if (!host && data && !(vcpu->arch.hwcr & BIT_ULL(18)))
			return LODGE_MSR_INVALID;
		break;
	}
	*field = data;
	return 0;
}

int lodge_mce_create(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	a->mce_banks = kcalloc(LODGE_MCE_BANKS * BANK_MSRS, sizeof(u64), GFP_KERNEL_ACCOUNT);
	if (!a->mce_banks)
		return -ENOMEM;
	a->mcg_cap = LODGE_MCE_BANKS;
	return 0;
}

void lodge_mce_destroy(struct lodge_vcpu *vcpu)
{
	kfree(vcpu->arch.mce_banks);
	vcpu->arch.mce_banks = NULL;
}

/* Banks keep what they have recorded over a warm reset. */
void lodge_mce_reset(struct lodge_vcpu *vcpu)
{
	vcpu->arch.mcg_status = 0;
}

int lodge_setup_mce(struct lodge_vcpu *vcpu, u64 mcg_cap)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	unsigned int n = mcg_cap & MCG_BANKS_MASK, bank;

	if (!n || n > LODGE_MCE_BANKS)
		return -EINVAL;
	if (mcg_cap & ~(lodge_mce_cap_supported() | MCG_BANKS_MASK | MCG_EXT_MASK))
		return -EINVAL;
	a->mcg_cap = mcg_cap;
	if (mcg_cap & MCG_CTL_P)
		a->mcg_ctl = ~0ull;
	for (bank = 0; bank < n; bank++)
		a->mce_banks[bank * BANK_MSRS + BANK_CTL] = ~0ull;
	return 0;
}

/* An uncorrected error reaches the guest as #MC; one at a bad time ends it. */
static void mce_raise(struct lodge_vcpu *vcpu, const struct kvm_x86_mce *mce, u64 *bank,
		      u64 status)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if ((a->mcg_status & MCG_STATUS_MCIP) || !(lodge_cr4(vcpu) & X86_CR4_MCE)) {
		lodge_request(vcpu, LODGE_REQ_TRIPLE_FAULT);
		return;
	}
	if (bank[BANK_STATUS] & MCI_STATUS_VAL)
		status |= MCI_STATUS_OVER;
	bank[BANK_ADDR] = mce->addr;
	bank[BANK_MISC] = mce->misc;
	bank[BANK_STATUS] = status;
	a->mcg_status = mce->mcg_status;
	lodge_queue_exception(vcpu, X86_TRAP_MC);
}

int lodge_set_mce(struct lodge_vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	unsigned int n = mce_banks(vcpu);
	u64 status = mce->status;
	u64 *bank;

	if (mce->bank >= n || !(status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = &a->mce_banks[array_index_nospec(mce->bank, n) * BANK_MSRS];

	if (status & MCI_STATUS_UC) {
		/* What the guest has turned off it is not told of. */
		if ((a->mcg_cap & MCG_CTL_P) && a->mcg_ctl != ~0ull)
			return 0;
		if (bank[BANK_CTL] != ~0ull)
			return 0;
		mce_raise(vcpu, mce, bank, status);
		return 0;
	}
	/* A corrected error does not displace an uncorrected one. */
	if ((bank[BANK_STATUS] & (MCI_STATUS_VAL | MCI_STATUS_UC)) ==
	    (MCI_STATUS_VAL | MCI_STATUS_UC)) {
		bank[BANK_STATUS] |= MCI_STATUS_OVER;
		return 0;
	}
	if (bank[BANK_STATUS] & MCI_STATUS_VAL)
		status |= MCI_STATUS_OVER;
	bank[BANK_ADDR] = mce->addr;
	bank[BANK_MISC] = mce->misc;
	bank[BANK_STATUS] = status;
	return 0;
}
