/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of MSRs (msr.c) and the handlers that have a file of their own.
 * A handler answers 0 or LODGE_MSR_INVALID; the vCPU is loaded.
 */
#ifndef LODGE_MSR_TABLE_H
#define LODGE_MSR_TABLE_H

#include "msr.h"

/* One MSR, or a run of them that are handled alike. */
struct lodge_msr {
	u32 first, last;
	u32 flags;
	int (*get)(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host);
	int (*set)(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host);
};

#define MSR_LISTED	BIT(0)	/* in KVM_GET_MSR_INDEX_LIST */

/* msr_mtrr.c */
int lodge_mtrr_get(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host);
int lodge_mtrr_set(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host);

/* msr_mce.c */
int lodge_mcg_get(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host);
int lodge_mcg_set(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host);
int lodge_mc_bank_get(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host);
int lodge_mc_bank_set(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host);
int lodge_mce_create(struct lodge_vcpu *vcpu);
void lodge_mce_destroy(struct lodge_vcpu *vcpu);
void lodge_mce_reset(struct lodge_vcpu *vcpu);

/* msr_feature.c */
u64 lodge_arch_capabilities(void);

#define LODGE_MCE_BANKS	32	/* the most KVM_X86_SETUP_MCE may ask for */

#endif
