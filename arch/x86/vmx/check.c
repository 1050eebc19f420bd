// SPDX-License-Identifier: GPL-2.0
/*
 * A VM entry failed: which of the rules of the check_*.c beside this the current VMCS
 * breaks.  It is as the entry found it, the event to inject included.
 */
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "failed_entry.h"
#include "vmx/check.h"
#include "vmx/vmx.h"

struct vmx_checker {
	struct lodge_checker checker;	/* first */
	u64 facts[VMX_NR_FACTS];
};

static u64 vmx_check_read(const struct lodge_checker *checker, u32 field)
{
	const struct vmx_checker *c = (const void *)checker;

	if (field >= VMX_CF_FACTS)
		return c->facts[field - VMX_CF_FACTS];
	return vmcs_read(field);
}

static void vmx_check_fact(struct vmx_checker *c, enum vmx_check_fact fact, u64 value)
{
	c->facts[fact - VMX_CF_FACTS] = value;
}

static void vmx_check_msr(struct vmx_checker *c, enum vmx_check_fact fact, u32 msr)
{
	u64 value = 0;

	rdmsrl_safe(msr, &value);
	vmx_check_fact(c, fact, value);
}

static void vmx_check_control_facts(struct vmx_checker *c)
{
	int word;

	BUILD_BUG_ON(VMX_CF_ENTRY_FIXED - VMX_CF_PIN_FIXED != 2 * VMX_ENTRY);
	for (word = 0; word < VMX_NR_WORDS; word++) {
		vmx_check_fact(c, VMX_CF_PIN_FIXED + 2 * word, vmx_caps.fixed[word]);
		vmx_check_fact(c, VMX_CF_PIN_ALLOWED + 2 * word, vmx_caps.allowed[word]);
	}
}

/*
 * SDM vol. 3, IA32_PERF_GLOBAL_CTRL: a bit for each counter of CPUID leaf 0AH, of which
 * fixed ones may be there by a mask of theirs; and one for what counts them as metrics.
 */
static u64 vmx_check_perf_global(void)
{
	u32 eax, ebx, ecx, edx;
	u64 caps = 0;

	if (boot_cpu_data.cpuid_level < 0xa)
		return 0;
	cpuid(0xa, &eax, &ebx, &ecx, &edx);
	if (boot_cpu_has(X86_FEATURE_PDCM))
		rdmsrl_safe(MSR_IA32_PERF_CAPABILITIES, &caps);
	return (BIT_ULL(min(eax >> 8 & 0xff, 32u)) - 1) |
	       (ecx | (BIT_ULL(edx & 0x1f) - 1)) << 32 | (caps & BIT(15)) << 33;
}

/* SDM vol. 2, CPUID: leaf 07H, subleaf 1; not all kernels know it. */
static bool vmx_check_has_lam(void)
{
	u32 eax, ebx, ecx, edx;

	if (boot_cpu_data.cpuid_level < 7 || cpuid_eax(7) < 1)
		return false;
	cpuid_count(7, 1, &eax, &ebx, &ecx, &edx);
	return eax & BIT(26);
}

static void vmx_check_cpu_facts(struct vmx_checker *c)
{
	u32 widths = cpuid_eax(0x80000008);

	vmx_check_fact(c, VMX_CF_PHYS_BITS, widths & 0xff);
	vmx_check_fact(c, VMX_CF_LINEAR_BITS, (widths >> 8) & 0xff);
	vmx_check_msr(c, VMX_CF_CR0_FIXED0, MSR_IA32_VMX_CR0_FIXED0);
	vmx_check_msr(c, VMX_CF_CR0_FIXED1, MSR_IA32_VMX_CR0_FIXED1);
	vmx_check_msr(c, VMX_CF_CR4_FIXED0, MSR_IA32_VMX_CR4_FIXED0);
	vmx_check_msr(c, VMX_CF_CR4_FIXED1, MSR_IA32_VMX_CR4_FIXED1);
	vmx_check_msr(c, VMX_CF_BASIC, MSR_IA32_VMX_BASIC);
	vmx_check_fact(c, VMX_CF_MISC, vmx_caps.misc);
	vmx_check_fact(c, VMX_CF_EPT_VPID, vmx_caps.ept_vpid);
	vmx_check_fact(c, VMX_CF_EFER_VALID, EFER_SCE | EFER_LME | EFER_LMA |
		       (boot_cpu_has(X86_FEATURE_NX) ? EFER_NX : 0));
	/* SDM vol. 3, IA32_DEBUGCTL MSR: the bits that any CPU has. */
	vmx_check_fact(c, VMX_CF_DEBUGCTL_VALID, 0x7fc3 |
		       (boot_cpu_has(X86_FEATURE_RTM) ? BIT(15) : 0) |
		       (boot_cpu_has(X86_FEATURE_BUS_LOCK_DETECT) ? BIT(2) : 0));
	vmx_check_fact(c, VMX_CF_PERF_GLOBAL_VALID, vmx_check_perf_global());
	vmx_check_fact(c, VMX_CF_HAS_RTM, boot_cpu_has(X86_FEATURE_RTM));
	vmx_check_fact(c, VMX_CF_HAS_SGX, boot_cpu_has(X86_FEATURE_SGX));
	vmx_check_fact(c, VMX_CF_HAS_LAM, vmx_check_has_lam());
}

/* The exit qualification is the number of the entry, from 1 (SDM vol. 3, Loading MSRs). */
static void vmx_check_msr_facts(struct vmx_checker *c, const struct vmx_vcpu *vmx)
{
	unsigned long number = vmcs_readl(EXIT_QUALIFICATION);
	const struct vmx_msr_entry *list;

	vmx_check_fact(c, VMX_CF_MSR_NUMBER, number);
	if (!number || number > vmx->nr_autoload)
		return;
	list = __va(vmcs_read64(VM_ENTRY_MSR_LOAD_ADDR));
	vmx_check_fact(c, VMX_CF_MSR_INDEX, list[number - 1].index);
	vmx_check_fact(c, VMX_CF_MSR_RESERVED, list[number - 1].reserved);
	vmx_check_fact(c, VMX_CF_MSR_DATA, list[number - 1].value);
}

void vmx_explain_failed_entry(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct lodge_check_report report = {};
	struct vmx_checker c = {
		.checker = { .read = vmx_check_read, .field_name = vmx_check_name },
	};
	u64 reason = vmx->fail ?: vmx->exit_reason;

	vmx_check_control_facts(&c);
	vmx_check_cpu_facts(&c);
	if (vmx->virtual_apic)
		vmx_check_fact(&c, VMX_CF_VTPR, vmx_vtpr(vmx));
	vmx_check_fact(&c, VMX_CF_INSTRUCTION_ERROR, vmx->fail);
	if (!vmx->fail) {
		vmx_check_fact(&c, VMX_CF_EXIT_REASON, vmx_reason(vmx));
		vmx_check_fact(&c, VMX_CF_QUALIFICATION, vmcs_readl(EXIT_QUALIFICATION));
		if (vmx_reason(vmx) == EXIT_REASON_MSR_LOAD_FAIL)
			vmx_check_msr_facts(&c, vmx);
	}
	vmx_check(&c.checker, &report);
	lodge_explain_failed_entry(vcpu, reason, &report);
}
