// SPDX-License-Identifier: GPL-2.0
/*
 * L1 terminal fault: the guest of a CPU that has the flaw can read what is in the
 * L1 data cache, so it is emptied before an entry.  When, is the host's choice
 * (l1tf= on its command line; the kernel's admin-guide, L1TF - L1 Terminal Fault):
 * never, always, or only after the host ran code that may have brought secrets in.
 * That is after the vCPU's thread did anything but answer a plain exit, and after
 * interrupts, which the kernel notes.
 */
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "vmx/l1d.h"
#include "vmx/vmx.h"

DEFINE_STATIC_KEY_FALSE(vmx_l1d_on);

#define L1D_SIZE_MAX	SZ_64K	/* twice what any CPU that needs this has */
#define L1D_ORDER	4

static bool vmx_l1d_always __ro_after_init;
static void *vmx_l1d_pages;	/* for CPUs without IA32_FLUSH_CMD */

int vmx_l1d_setup(void)
{
	unsigned long i;
	u64 caps = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF) || l1tf_mitigation == L1TF_MITIGATION_OFF)
		return 0;
	/* Under a hypervisor that says so, it does this at its own entries. */
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	if (caps & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
		return 0;

	vmx_l1d_always = l1tf_mitigation >= L1TF_MITIGATION_FULL;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		vmx_l1d_pages = (void *)__get_free_pages(GFP_KERNEL, L1D_ORDER);
		if (!vmx_l1d_pages)
			return -ENOMEM;
		/* No two alike: a hypervisor below that merges equal pages would leave one. */
		for (i = 0; i < L1D_SIZE_MAX; i += PAGE_SIZE)
			memset(vmx_l1d_pages + i, 1 + (i >> PAGE_SHIFT), PAGE_SIZE);
	}
	static_branch_enable(&vmx_l1d_on);
	return 0;
}

void vmx_l1d_teardown(void)
{
	static_branch_disable(&vmx_l1d_on);
	free_pages((unsigned long)vmx_l1d_pages, L1D_ORDER);
	vmx_l1d_pages = NULL;
}

/* Exits answered from the vCPU's own state, or the host's interrupts, which are noted. */
static __always_inline bool vmx_l1d_plain_exit(const struct vmx_vcpu *vmx)
{
	switch (vmx_reason(vmx)) {
	case EXIT_REASON_EXTERNAL_INTERRUPT:
	case EXIT_REASON_INTERRUPT_WINDOW:
	case EXIT_REASON_PREEMPTION_TIMER:
	case EXIT_REASON_MSR_WRITE:
	case EXIT_REASON_MSR_READ:
	case EXIT_REASON_CPUID:
	case EXIT_REASON_HLT:
	case EXIT_REASON_PAUSE_INSTRUCTION:
		return true;
	}
	return false;
}

static __always_inline bool vmx_l1d_interrupted(void)
{
#if IS_ENABLED(CONFIG_KVM_INTEL)
	bool interrupted = kvm_get_cpu_l1tf_flush_l1d();

	kvm_clear_cpu_l1tf_flush_l1d();
	return interrupted;
#else
	return true;	/* the kernel keeps no account */
#endif
}

noinstr void vmx_l1d_flush(struct vmx_vcpu *vmx)
{
	bool interrupted = vmx_l1d_interrupted();
	unsigned long i;

	if (!vmx_l1d_always && !interrupted && !vmx->host.fresh && vmx_l1d_plain_exit(vmx))
		return;
	vmx->host.fresh = false;
	if (!vmx_l1d_pages) {
		native_wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
		return;
	}
	/* Pages first, so that no walk of the TLB's comes between the lines. */
	for (i = 0; i < L1D_SIZE_MAX; i += PAGE_SIZE)
		READ_ONCE(*(u8 *)(vmx_l1d_pages + i));
	asm volatile("lfence" : : : "memory");
	for (i = 0; i < L1D_SIZE_MAX; i += 64)
		READ_ONCE(*(u8 *)(vmx_l1d_pages + i));
	asm volatile("lfence" : : : "memory");
}
