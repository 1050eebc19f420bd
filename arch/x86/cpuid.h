/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUID: what the module offers (cpuid_policy.c), what user space gave the vCPU
 * and what the guest reads of it (cpuid.c).
 */
#ifndef LODGE_CPUID_H
#define LODGE_CPUID_H

#include <asm/processor.h>

#include "lodge.h"

#define LODGE_MAX_CPUID_ENTRIES	256

/* KVM_GET_SUPPORTED_CPUID / KVM_GET_EMULATED_CPUID: fills @entries, returns how many, or -E2BIG. */
int lodge_cpuid_supported(struct kvm_cpuid_entry2 *entries, u32 max);
int lodge_cpuid_emulated(struct kvm_cpuid_entry2 *entries, u32 max);
/* KVM_SET_CPUID2/KVM_SET_CPUID (converted). Loaded.  0, -EINVAL, -E2BIG. Takes a copy. */
int lodge_cpuid_set(struct lodge_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, u32 n);
/* count or -E2BIG */
int lodge_cpuid_get(struct lodge_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, u32 max);
void lodge_cpuid_free(struct lodge_vcpu *vcpu);
/* The guest's entry, or NULL. @index matters only for leaves that have one. */
const struct kvm_cpuid_entry2 *lodge_cpuid_find(struct lodge_vcpu *vcpu, u32 function, u32 index);
/* What CPUID does to the registers, out-of-range leaves by the manual's rule included. Quick. */
void lodge_cpuid_execute(struct lodge_vcpu *vcpu);
/* CR4.OSXSAVE, CR4.PKE, XCR0, APIC base or MWAIT enable changed: the bits that mirror them. */
void lodge_cpuid_update_runtime(struct lodge_vcpu *vcpu);
/* CR4 bits the guest's CPUID allows. */
unsigned long lodge_cpuid_cr4(struct lodge_vcpu *vcpu);
int lodge_cpuid_init(void);		/* module load, after the backend's probe(); 0 or -ENOMEM */

static inline bool lodge_host_is_amd(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
	       boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;
}

#endif
