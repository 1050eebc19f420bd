// SPDX-License-Identifier: GPL-2.0
/* VMRUN refused a guest: which of the rules of check_rules.c the VMCB breaks. */
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/special_insns.h>

#include "failed_entry.h"
#include "svm/check.h"
#include "svm/svm.h"

/*
 * APM vol. 2, Shadow Stack MSRs; the rest of the MSR is for CPUs with indirect-branch
 * tracking (SDM vol. 1, IA32_S_CET).  Without shadow stacks there is no such field.
 */
#define S_CET_SHADOW_STACKS	GENMASK_ULL(1, 0)
#define S_CET_RESERVED		GENMASK_ULL(9, 6)

static u64 svm_check_s_cet(void)
{
	u32 eax, ebx, ecx, edx;

	if (boot_cpu_data.cpuid_level < 7)
		return ~0ull;
	cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
	if (!(ecx & BIT(7)))
		return ~0ull;
	return edx & BIT(20) ? ~S_CET_RESERVED : S_CET_SHADOW_STACKS;
}

static void svm_check_facts(struct svm_checker *c)
{
	/* CPUID's own: the kernel's count is less the bits that encryption takes. */
	svm_checker_fact(c, SVM_CF_PHYS_BITS, cpuid_eax(0x80000008) & 0xff);
	svm_checker_fact(c, SVM_CF_NR_ASIDS, svm_caps.nr_asids);
	svm_checker_fact(c, SVM_CF_FLUSH_BY_ASID, svm_caps.flush_by_asid);
	svm_checker_fact(c, SVM_CF_LONG_MODE, boot_cpu_has(X86_FEATURE_LM));
	svm_checker_fact(c, SVM_CF_EFER_VALID, ~lodge_caps.efer_reserved | EFER_SVME);
	svm_checker_fact(c, SVM_CF_CR4_VALID, lodge_cr4_supported);
	svm_checker_fact(c, SVM_CF_S_CET_VALID, svm_check_s_cet());
	svm_checker_fact(c, SVM_CF_HOST_CR0, read_cr0());
}

void svm_explain_failed_entry(struct lodge_vcpu *vcpu)
{
	const struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	struct lodge_check_report report = {};
	struct svm_checker checker;

	svm_checker_init(&checker, vmcb);
	svm_check_facts(&checker);
	lodge_check(&checker.checker, &svm_rules, &report);
	lodge_explain_failed_entry(vcpu, (u64)vmcb->control.exit_code_hi << 32 |
				   vmcb->control.exit_code, &report);
}
