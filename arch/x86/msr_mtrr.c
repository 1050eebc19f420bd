// SPDX-License-Identifier: GPL-2.0
/*
 * Memory types: the MTRRs and the validity of a PAT (SDM vol. 3, Memory Type
 * Range Registers; APM vol. 2, Memory-Type Range Registers).
 *
 * They are kept for the guest and its firmware to read back.  The memory type of
 * a guest's page is the host's, through the second-dimension table.
 */
#include <linux/nospec.h>
#include <asm/msr-index.h>
#include <asm/mtrr.h>

#include "msr_table.h"

#define MTRR_VAR_PAIRS		8
#define MTRR_CAP		(MTRR_VAR_PAIRS | BIT(8) /* fixed */ | BIT(10) /* WC */)
#define MTRR_DEF_TYPE_BITS	0xcffull
#define MTRR_VAR_VALID		BIT_ULL(11)

static bool mtrr_type_valid(u8 type)
{
	return type < 8 && (BIT(type) & (BIT(MTRR_TYPE_UNCACHABLE) | BIT(MTRR_TYPE_WRCOMB) |
					 BIT(MTRR_TYPE_WRTHROUGH) | BIT(MTRR_TYPE_WRPROT) |
					 BIT(MTRR_TYPE_WRBACK)));
}

bool lodge_pat_valid(u64 pat)
{
	int i;

	for (i = 0; i < 8; i++) {
		u8 type = pat >> (i * 8);

		/* 7 is UC-, which only the PAT has. */
		if (!mtrr_type_valid(type) && type != 7)
			return false;
	}
	return true;
}

/* The fixed-range MTRRs, in the order of arch.mtrr_fixed. */
static int mtrr_fixed_slot(u32 index)
{
	switch (index) {
	case MSR_MTRRfix64K_00000:
		return 0;
	case MSR_MTRRfix16K_80000:
	case MSR_MTRRfix16K_A0000:
		return 1 + index - MSR_MTRRfix16K_80000;
	case MSR_MTRRfix4K_C0000 ... MSR_MTRRfix4K_F8000:
		return 3 + index - MSR_MTRRfix4K_C0000;
	}
	return -1;
}

/* Where the MTRR is kept; NULL for one there is not, however near it is to one. */
static u64 *mtrr_field(struct lodge_vcpu_arch *a, u32 index)
{
	int slot = mtrr_fixed_slot(index);

	if (index == MSR_MTRRdefType)
		return &a->mtrr_def_type;
	if (slot >= 0 && slot < ARRAY_SIZE(a->mtrr_fixed))
		return &a->mtrr_fixed[array_index_nospec(slot, ARRAY_SIZE(a->mtrr_fixed))];
	slot = index - MTRRphysBase_MSR(0);
	if (slot >= 0 && slot < ARRAY_SIZE(a->mtrr_var))
		return &a->mtrr_var[array_index_nospec(slot, ARRAY_SIZE(a->mtrr_var))];
	return NULL;
}

static bool mtrr_value_valid(struct lodge_vcpu *vcpu, u32 index, u64 data)
{
	u64 reserved = ~0ull << vcpu->arch.maxphyaddr;
	int i;

	if (index == MSR_MTRRdefType)
		return !(data & ~MTRR_DEF_TYPE_BITS) && mtrr_type_valid(data);
	if (mtrr_fixed_slot(index) >= 0) {
		for (i = 0; i < 8; i++) {
			if (!mtrr_type_valid(data >> (i * 8)))
				return false;
		}
		return true;
	}
	/* Variable ranges: a base with a type at even numbers, a mask at odd ones. */
	if (index & 1)
		return !(data & (reserved | (0xfff & ~MTRR_VAR_VALID)));
	return !(data & (reserved | 0xf00)) && mtrr_type_valid(data);
}

int lodge_mtrr_get(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	const u64 *field;

	if (index == MSR_MTRRcap) {
		*data = MTRR_CAP;
		return 0;
	}
	field = mtrr_field(&vcpu->arch, index);
	if (!field)
		return LODGE_MSR_INVALID;
	*data = *field;
	return 0;
}

int lodge_mtrr_set(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	u64 *field = mtrr_field(&vcpu->arch, index);

	if (!field || !mtrr_value_valid(vcpu, index, data))
		return LODGE_MSR_INVALID;
	*field = data;
	return 0;
}
