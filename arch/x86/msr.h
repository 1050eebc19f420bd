/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Model-specific registers (msr.c): one table of those neutral code keeps; the rest are
 * the backend's.
 */
#ifndef LODGE_MSR_H
#define LODGE_MSR_H

#include "lodge.h"

/* Why an access fails: #GP(0) in the guest, unless user space has a say (msr_user.c). */
#define LODGE_MSR_INVALID	1	/* the MSR will not have it */
#define LODGE_MSR_UNKNOWN	2	/* there is none of this number */
#define LODGE_MSR_FILTERED	3	/* user space denies it */

/* @host: user space asks (KVM_GET_MSRS), fewer restrictions.  0, INVALID or UNKNOWN.  Loaded. */
int lodge_get_msr(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host);
int lodge_set_msr(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host);
/*
 * The access failed with @err: true if user space is to answer it, kvm_run being
 * filled in for LODGE_TO_USER.  @next_rip: after the instruction; 0: of the exit's own.
 */
bool lodge_msr_to_user(struct lodge_vcpu *vcpu, bool write, u32 index, u64 data, int err,
		       unsigned long next_rip);
/* The VM has a filter.  Does it let the guest do this (KVM_MSR_FILTER_READ or _WRITE)?  In srcu. */
bool lodge_msr_filter_allows(struct lodge_vm *vm, u32 index, u32 access);

static inline bool lodge_msr_allowed(struct lodge_vm *vm, u32 index, u32 access)
{
	return likely(!rcu_access_pointer(vm->arch.msr_filter)) ||
	       lodge_msr_filter_allows(vm, index, access);
}

/* What the guest's own RDMSR and WRMSR give: 0 or why not.  Loaded, in srcu. */
static inline int lodge_guest_get_msr(struct lodge_vcpu *vcpu, u32 index, u64 *data)
{
	if (!lodge_msr_allowed(vcpu->vm, index, KVM_MSR_FILTER_READ))
		return LODGE_MSR_FILTERED;
	return lodge_get_msr(vcpu, index, data, false);
}

static inline int lodge_guest_set_msr(struct lodge_vcpu *vcpu, u32 index, u64 data)
{
	if (!lodge_msr_allowed(vcpu->vm, index, KVM_MSR_FILTER_WRITE))
		return LODGE_MSR_FILTERED;
	return lodge_set_msr(vcpu, index, data, false);
}

/* KVM_X86_SET_MSR_FILTER.  Process; takes vm->lock.  0, -EINVAL, -EFAULT, -ENOMEM. */
int lodge_set_msr_filter(struct lodge_vm *vm, const struct kvm_msr_filter *user);
void lodge_msr_filter_free(struct lodge_vm *vm);
/* KVM_GET_MSR_INDEX_LIST and _FEATURE_INDEX_LIST: arrays fixed at load. */
int lodge_msr_list_init(void);
const u32 *lodge_msr_list(u32 *n);
const u32 *lodge_msr_feature_list(u32 *n);
int lodge_get_msr_feature(u32 index, u64 *data);	/* 0 or LODGE_MSR_INVALID */
int lodge_msr_vcpu_create(struct lodge_vcpu *vcpu);
void lodge_msr_vcpu_destroy(struct lodge_vcpu *vcpu);
void lodge_msr_reset(struct lodge_vcpu *vcpu, bool init);
/* KVM_X86_SETUP_MCE, KVM_X86_SET_MCE */
int lodge_setup_mce(struct lodge_vcpu *vcpu, u64 mcg_cap);
int lodge_set_mce(struct lodge_vcpu *vcpu, const struct kvm_x86_mce *mce);
u64 lodge_mce_cap_supported(void);
/* Is each of the eight memory types of a page attribute table one there is? */
bool lodge_pat_valid(u64 pat);

/*
 * Host MSRs that only user space sees (STAR, LSTAR, TSC_AUX, ...): the guest's
 * value stays loaded across exits, and a user-return notifier puts the host's
 * back.  uret.c.  Slots are added by the backend's setup().
 */
/* the slot, or -ENOENT if this CPU lacks the MSR */
int lodge_uret_add(u32 msr);
/*
 * Make the CPU's value @value, which it takes without a fault: whoever accepted it from
 * the guest or user space has seen to that.  Irqoff.
 */
void lodge_uret_set(int slot, u64 value);
void lodge_uret_cpu_online(void);	/* this CPU's values are the host's; irqoff */
void lodge_uret_cpu_offline(void);	/* this CPU: host's values back */
int lodge_uret_init(void);
void lodge_uret_exit(void);

#endif
