// SPDX-License-Identifier: GPL-2.0
#include "backend.h"
#include "cpuid.h"
#include "exit.h"

int lodge_exit_cpuid(struct lodge_vcpu *vcpu)
{
	/* CPUID faulting (MSR_MISC_FEATURES_ENABLES) at CPL 3. */
	if (unlikely(vcpu->arch.misc_features & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT) &&
	    lodge_be(get_cpl)(vcpu)) {
		lodge_inject_gp(vcpu, 0);
		return LODGE_RESUME;
	}
	lodge_cpuid_execute(vcpu);
	return lodge_be(skip_instruction)(vcpu);
}
