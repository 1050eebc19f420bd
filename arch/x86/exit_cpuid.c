// SPDX-License-Identifier: GPL-2.0
#include "backend.h"
#include "cpuid.h"
#include "exit.h"
#include "regs_inline.h"
#include "trace.h"

int lodge_exit_cpuid(struct lodge_vcpu *vcpu)
{
	u32 eax, ebx, ecx, edx, function, index;

	/* CPUID faulting (MSR_MISC_FEATURES_ENABLES) at CPL 3. */
	if (unlikely(vcpu->arch.misc_features & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT) &&
	    lodge_be(get_cpl)(vcpu)) {
		lodge_inject_gp(vcpu, 0);
		return LODGE_RESUME;
	}
	function = eax = lodge_reg(vcpu, LODGE_RAX);
	index = ecx = lodge_reg(vcpu, LODGE_RCX);
	lodge_cpuid_query(vcpu, &eax, &ebx, &ecx, &edx);
	trace_kvm_cpuid(function, index, eax, ebx, ecx, edx);
	lodge_set_reg(vcpu, LODGE_RAX, eax);
	lodge_set_reg(vcpu, LODGE_RBX, ebx);
	lodge_set_reg(vcpu, LODGE_RCX, ecx);
	lodge_set_reg(vcpu, LODGE_RDX, edx);
	return lodge_be(skip_instruction)(vcpu);
}
