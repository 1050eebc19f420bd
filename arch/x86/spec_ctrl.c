// SPDX-License-Identifier: GPL-2.0
/*
 * See spec_ctrl.h.  Both vendors' CPUID bits are looked at whoever made the CPU:
 * a guest may be shown either (SDM vol. 4, IA32_SPEC_CTRL; AMD64 Technology
 * Indirect Branch Control Extension).
 */
#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "cpuid.h"
#include "spec_ctrl.h"

static bool cpuid_edx7(struct lodge_vcpu *vcpu, u32 mask)
{
	const struct kvm_cpuid_entry2 *e = lodge_cpuid_find(vcpu, 7, 0);

	return e && (e->edx & mask);
}

static bool cpuid_ebx8(struct lodge_vcpu *vcpu, u32 mask)
{
	const struct kvm_cpuid_entry2 *e = lodge_cpuid_find(vcpu, 0x80000008, 0);

	return e && (e->ebx & mask);
}

static bool guest_has_spec_ctrl(struct lodge_vcpu *vcpu)
{
	return cpuid_edx7(vcpu, BIT(X86_FEATURE_SPEC_CTRL % 32) |
				BIT(X86_FEATURE_INTEL_STIBP % 32) |
				BIT(X86_FEATURE_SPEC_CTRL_SSBD % 32)) ||
	       cpuid_ebx8(vcpu, BIT(X86_FEATURE_AMD_IBRS % 32) |
				BIT(X86_FEATURE_AMD_STIBP % 32) |
				BIT(X86_FEATURE_AMD_SSBD % 32));
}

static bool guest_has_ibpb(struct lodge_vcpu *vcpu)
{
	return cpuid_edx7(vcpu, BIT(X86_FEATURE_SPEC_CTRL % 32)) ||
	       cpuid_ebx8(vcpu, BIT(X86_FEATURE_AMD_IBPB % 32));
}

/* The bits that this CPU would take. */
static u64 spec_ctrl_bits(void)
{
	u64 bits = 0;

	if (boot_cpu_has(X86_FEATURE_SPEC_CTRL) || boot_cpu_has(X86_FEATURE_AMD_IBRS))
		bits |= SPEC_CTRL_IBRS;
	if (boot_cpu_has(X86_FEATURE_INTEL_STIBP) || boot_cpu_has(X86_FEATURE_AMD_STIBP))
		bits |= SPEC_CTRL_STIBP;
	if (boot_cpu_has(X86_FEATURE_SPEC_CTRL_SSBD) || boot_cpu_has(X86_FEATURE_AMD_SSBD))
		bits |= SPEC_CTRL_SSBD;
	return bits;
}

bool lodge_spec_ctrl_valid(struct lodge_vcpu *vcpu, u64 data, bool host)
{
	return boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) && !(data & ~spec_ctrl_bits()) &&
	       (host || guest_has_spec_ctrl(vcpu));
}

bool lodge_pred_cmd_valid(struct lodge_vcpu *vcpu, u64 data, bool host)
{
	return boot_cpu_has(X86_FEATURE_IBPB) && !(data & ~(u64)PRED_CMD_IBPB) &&
	       (host || guest_has_ibpb(vcpu));
}

bool lodge_flush_cmd_valid(struct lodge_vcpu *vcpu, u64 data, bool host)
{
	return boot_cpu_has(X86_FEATURE_FLUSH_L1D) && !(data & ~(u64)L1D_FLUSH) &&
	       (host || cpuid_edx7(vcpu, BIT(X86_FEATURE_FLUSH_L1D % 32)));
}
