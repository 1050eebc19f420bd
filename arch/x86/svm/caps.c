// SPDX-License-Identifier: GPL-2.0
/*
 * What SVM the CPU has (APM vol. 3, CPUID Fn8000_000A), whether it may be used,
 * and what neutral code is told about it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cc_platform.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/types.h>
#include <asm/msr.h>

#include "svm/svm.h"

struct svm_caps svm_caps __ro_after_init;

/* One line that says why not, and what to do. */
static int svm_refuse(int err, const char *reason, const char *remedy)
{
	pr_err("SVM cannot be used: %s; %s\n", reason, remedy);
	return err;
}

/* APM vol. 2, Enabling SVM: firmware may have turned SVM off and locked it so. */
static int svm_check_available(void)
{
	u64 vm_cr, efer;

	if (!boot_cpu_has(X86_FEATURE_SVM))
		return svm_refuse(-EOPNOTSUPP, "this CPU does not have it",
				  "under another hypervisor, turn on nested virtualization");
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return svm_refuse(-EOPNOTSUPP, "this is an encrypted guest",
				  "load lodge on a host whose memory is not");
	if (!rdmsrl_safe(MSR_VM_CR, &vm_cr) && (vm_cr & SVM_VM_CR_SVM_DIS_MASK))
		return svm_refuse(-EOPNOTSUPP, "firmware has disabled it (VM_CR.SVMDIS)",
				  "enable SVM (AMD-V) in the firmware's setup");
	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return svm_refuse(-EBUSY, "another hypervisor holds it (EFER.SVME)",
				  "stop its guests and unload it, as with rmmod kvm_amd");
	if (cpuid_ebx(SVM_CPUID_FUNC) < 2)
		return svm_refuse(-EOPNOTSUPP, "no ASID is left for guests (CPUID Fn8000_000A)",
				  "check the firmware or the hypervisor underneath");
	return 0;
}

static void svm_detect(void)
{
	svm_caps.nr_asids = cpuid_ebx(SVM_CPUID_FUNC);
	svm_caps.flush_by_asid = boot_cpu_has(X86_FEATURE_FLUSHBYASID);
	svm_caps.decode_assists = boot_cpu_has(X86_FEATURE_DECODEASSISTS);
	svm_caps.nrips = boot_cpu_has(X86_FEATURE_NRIPS);
	svm_caps.pause_filter = boot_cpu_has(X86_FEATURE_PAUSEFILTER);
	svm_caps.pause_threshold = boot_cpu_has(X86_FEATURE_PFTHRESHOLD);
	svm_caps.vgif = boot_cpu_has(X86_FEATURE_VGIF);
	svm_caps.lbrv = boot_cpu_has(X86_FEATURE_LBRV);
	svm_caps.tsc_ratio = boot_cpu_has(X86_FEATURE_TSCRATEMSR);
	svm_caps.v_spec_ctrl = boot_cpu_has(X86_FEATURE_V_SPEC_CTRL);
}

/* EFER bits a guest may set; EFER.SVME is the backend's own: guests get no SVM. */
static u64 svm_guest_efer(void)
{
	u64 efer = EFER_SCE | EFER_LME | EFER_LMA;

	if (boot_cpu_has(X86_FEATURE_NX))
		efer |= EFER_NX;
	if (boot_cpu_has(X86_FEATURE_FXSR_OPT))
		efer |= EFER_FFXSR;
	return efer;
}

static void svm_tell_caps(void)
{
	lodge_caps.tdp.enabled = lodge_tdp && boot_cpu_has(X86_FEATURE_NPT);
	/* The nested table is walked in the host's paging mode (APM vol. 2, Nested Paging). */
	lodge_caps.tdp.levels = pgtable_l5_enabled() ? 5 : 4;
	lodge_caps.tdp.max_page_level = boot_cpu_has(X86_FEATURE_GBPAGES) ? 3 : 2;
	lodge_caps.tdp.has_ad = true;
	lodge_caps.nrips = svm_caps.nrips;
	lodge_caps.unrestricted = true;
	lodge_caps.efer_reserved = ~svm_guest_efer();
	lodge_caps.supported_xss = 0;
	if (boot_cpu_has(X86_FEATURE_OSXSAVE))
		lodge_caps.supported_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK) &
			(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512 |
			 XFEATURE_MASK_PKRU | XFEATURE_MASK_XTILE);
	if (svm_caps.tsc_ratio) {
		lodge_caps.tsc_scaling = true;
		lodge_caps.max_tsc_ratio = SVM_TSC_RATIO_MAX;
		lodge_caps.tsc_frac_bits = 32;
	}
}

int svm_probe(void)
{
	int err;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_AMD &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_HYGON)
		return -ENODEV;
	err = svm_check_available();
	if (err)
		return err;
	svm_detect();
	svm_tell_caps();
	return 0;
}
