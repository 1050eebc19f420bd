// SPDX-License-Identifier: GPL-2.0
/*
 * What VMX the CPU has (SDM vol. 3, VMX Capability Reporting Facility), whether
 * it may be used, which controls are, and what neutral code is told about it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cc_platform.h>
#include <linux/cpu.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

#include "vmx/vmx.h"

struct vmx_caps vmx_caps __ro_after_init;

static bool vnmi = true;
module_param(vnmi, bool, 0444);
MODULE_PARM_DESC(vnmi, "Intel: let the CPU block NMIs for guests (default: yes)");

static bool unrestricted = true;
module_param(unrestricted, bool, 0444);
MODULE_PARM_DESC(unrestricted, "Intel: let the CPU run guests in real mode as they are (default: yes)");

/* One line that says why not, and what to do. */
static int vmx_refuse(int err, const char *reason, const char *remedy)
{
	pr_err("VMX cannot be used: %s; %s\n", reason, remedy);
	return err;
}

/* --- the controls --- */

enum vmx_wish {
	REQUIRED,	/* without it no guest runs */
	WANTED,		/* without it guests run slower, or with less */
	UNWANTED,	/* off, but where the CPU insists it is dealt with */
};

struct vmx_control_wish {
	enum vmx_word word;
	u32 bit;
	enum vmx_wish wish;
	const char *name;	/* as the manual has it */
};

#define C(word, bit, wish, name)	{ VMX_##word, bit, wish, name }

/*
 * SDM vol. 3, VM-Execution Control Fields, VM-Exit Control Fields, VM-Entry
 * Control Fields.  A control that is not here is off.  Some of those wanted are
 * not for every vCPU: vmcs.c and the files named turn them on.
 */
static const struct vmx_control_wish vmx_wishes[] = {
	C(PIN, PIN_BASED_EXT_INTR_MASK, REQUIRED, "external-interrupt exiting"),
	C(PIN, PIN_BASED_NMI_EXITING, REQUIRED, "NMI exiting"),
	C(PIN, PIN_BASED_POSTED_INTR, WANTED, "process posted interrupts"),	/* posted.c */
	C(PIN, PIN_BASED_VIRTUAL_NMIS, WANTED, "virtual NMIs"),
	C(PIN, PIN_BASED_VMX_PREEMPTION_TIMER, WANTED, "VMX-preemption timer"),	/* timer.c */

	C(CPU, CPU_BASED_INTR_WINDOW_EXITING, REQUIRED, "interrupt-window exiting"),
	C(CPU, CPU_BASED_USE_TSC_OFFSETTING, REQUIRED, "use TSC offsetting"),
	C(CPU, CPU_BASED_HLT_EXITING, REQUIRED, "HLT exiting"),
	C(CPU, CPU_BASED_MWAIT_EXITING, REQUIRED, "MWAIT exiting"),
	C(CPU, CPU_BASED_MONITOR_EXITING, REQUIRED, "MONITOR exiting"),
	C(CPU, CPU_BASED_RDPMC_EXITING, REQUIRED, "RDPMC exiting"),
	C(CPU, CPU_BASED_MOV_DR_EXITING, REQUIRED, "MOV-DR exiting"),
	C(CPU, CPU_BASED_UNCOND_IO_EXITING, REQUIRED, "unconditional I/O exiting"),
	C(CPU, CPU_BASED_CR8_LOAD_EXITING, REQUIRED, "CR8-load exiting"),
	C(CPU, CPU_BASED_CR8_STORE_EXITING, REQUIRED, "CR8-store exiting"),
	C(CPU, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, REQUIRED, "activate secondary controls"),
	C(CPU, CPU_BASED_USE_MSR_BITMAPS, WANTED, "use MSR bitmaps"),		/* msr.c */
	C(CPU, CPU_BASED_TPR_SHADOW, WANTED, "use TPR shadow"),			/* apicv.c */
	C(CPU, CPU_BASED_NMI_WINDOW_EXITING, WANTED, "NMI-window exiting"),
	C(CPU, CPU_BASED_CR3_LOAD_EXITING, UNWANTED, "CR3-load exiting"),
	C(CPU, CPU_BASED_CR3_STORE_EXITING, UNWANTED, "CR3-store exiting"),
	C(CPU, CPU_BASED_INVLPG_EXITING, UNWANTED, "INVLPG exiting"),

	C(CPU2, SECONDARY_EXEC_ENABLE_EPT, WANTED, "enable EPT"),
	C(CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST, WANTED, "unrestricted guest"),
	C(CPU2, SECONDARY_EXEC_ENABLE_VPID, WANTED, "enable VPID"),		/* tlb.c */
	C(CPU2, SECONDARY_EXEC_WBINVD_EXITING, WANTED, "WBINVD exiting"),
	C(CPU2, SECONDARY_EXEC_PAUSE_LOOP_EXITING, WANTED, "PAUSE-loop exiting"),
	C(CPU2, SECONDARY_EXEC_ENABLE_RDTSCP, WANTED, "enable RDTSCP"),
	C(CPU2, SECONDARY_EXEC_ENABLE_INVPCID, WANTED, "enable INVPCID"),
	C(CPU2, SECONDARY_EXEC_XSAVES, WANTED, "enable XSAVES/XRSTORS"),
	C(CPU2, SECONDARY_EXEC_ENCLS_EXITING, WANTED, "ENCLS exiting"),
	C(CPU2, SECONDARY_EXEC_TSC_SCALING, WANTED, "use TSC scaling"),		/* msr.c */
	C(CPU2, SECONDARY_EXEC_ENABLE_PML, WANTED, "enable PML"),		/* pml.c */
	C(CPU2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, WANTED, "virtualize APIC accesses"),
	C(CPU2, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE, WANTED, "virtualize x2APIC mode"),
	C(CPU2, SECONDARY_EXEC_APIC_REGISTER_VIRT, WANTED, "APIC-register virtualization"),
	C(CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, WANTED, "virtual-interrupt delivery"),

	C(EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE, REQUIRED, "host address-space size"),
	C(EXIT, VM_EXIT_SAVE_DEBUG_CONTROLS, REQUIRED, "save debug controls"),
	C(EXIT, VM_EXIT_ACK_INTR_ON_EXIT, WANTED, "acknowledge interrupt on exit"),
	C(EXIT, VM_EXIT_LOAD_IA32_PAT, WANTED, "load IA32_PAT (exit)"),
	C(EXIT, VM_EXIT_LOAD_IA32_EFER, WANTED, "load IA32_EFER (exit)"),

	C(ENTRY, VM_ENTRY_LOAD_DEBUG_CONTROLS, REQUIRED, "load debug controls"),
	C(ENTRY, VM_ENTRY_IA32E_MODE, REQUIRED, "IA-32e mode guest"),
	C(ENTRY, VM_ENTRY_LOAD_IA32_PAT, WANTED, "load IA32_PAT (entry)"),
	C(ENTRY, VM_ENTRY_LOAD_IA32_EFER, WANTED, "load IA32_EFER (entry)"),
};

/*
 * A control the CPU takes only together with another, or that is of no use
 * without it: dropped when the other is missing.
 */
static const struct vmx_control_needs {
	enum vmx_word word;
	u32 bit;
	enum vmx_word needs_word;
	u32 needs;
} vmx_needs[] = {
	{ VMX_CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST, VMX_CPU2, SECONDARY_EXEC_ENABLE_EPT },
	{ VMX_CPU2, SECONDARY_EXEC_ENABLE_PML, VMX_CPU2, SECONDARY_EXEC_ENABLE_EPT },
	/* The page that it needs is mapped in EPT alone: apicv.c. */
	{ VMX_CPU2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES,
	  VMX_CPU2, SECONDARY_EXEC_ENABLE_EPT },
	{ VMX_PIN, PIN_BASED_VIRTUAL_NMIS, VMX_CPU, CPU_BASED_NMI_WINDOW_EXITING },
	{ VMX_CPU, CPU_BASED_NMI_WINDOW_EXITING, VMX_PIN, PIN_BASED_VIRTUAL_NMIS },
	{ VMX_EXIT, VM_EXIT_LOAD_IA32_EFER, VMX_ENTRY, VM_ENTRY_LOAD_IA32_EFER },
	{ VMX_ENTRY, VM_ENTRY_LOAD_IA32_EFER, VMX_EXIT, VM_EXIT_LOAD_IA32_EFER },
	{ VMX_EXIT, VM_EXIT_LOAD_IA32_PAT, VMX_ENTRY, VM_ENTRY_LOAD_IA32_PAT },
	{ VMX_ENTRY, VM_ENTRY_LOAD_IA32_PAT, VMX_EXIT, VM_EXIT_LOAD_IA32_PAT },
	{ VMX_CPU2, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE, VMX_CPU, CPU_BASED_TPR_SHADOW },
	{ VMX_CPU2, SECONDARY_EXEC_APIC_REGISTER_VIRT, VMX_CPU, CPU_BASED_TPR_SHADOW },
	/* Without, reads would reach the CPU's own registers: msr.c. */
	{ VMX_CPU2, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE,
	  VMX_CPU2, SECONDARY_EXEC_APIC_REGISTER_VIRT },
	{ VMX_CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, VMX_CPU, CPU_BASED_TPR_SHADOW },
	/* It is used in x2APIC mode, and with the rest there: apicv.c. */
	{ VMX_CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY,
	  VMX_CPU2, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE },
	{ VMX_CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY,
	  VMX_CPU2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES },
	/* The CPU would deliver to the stand-in for a guest's real mode: realmode.c. */
	{ VMX_CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY,
	  VMX_CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST },
	{ VMX_PIN, PIN_BASED_POSTED_INTR, VMX_EXIT, VM_EXIT_ACK_INTR_ON_EXIT },
	{ VMX_PIN, PIN_BASED_POSTED_INTR, VMX_CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY },
};

/*
 * The low half of a capability MSR has the bits that must be one, the high half
 * those that may be (SDM vol. 3, Reserved Controls and Default Settings).  The
 * "true" MSRs, where there are any, free more of the first.
 */
static void vmx_read_control_caps(u64 basic)
{
	static const u32 msrs[2][VMX_NR_WORDS] = {
		{ MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_PROCBASED_CTLS,
		  MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_EXIT_CTLS,
		  MSR_IA32_VMX_ENTRY_CTLS },
		{ MSR_IA32_VMX_TRUE_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
		  MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_TRUE_EXIT_CTLS,
		  MSR_IA32_VMX_TRUE_ENTRY_CTLS },
	};
	bool have_true = basic & VMX_BASIC_TRUE_CTLS;
	int word;

	for (word = 0; word < VMX_NR_WORDS; word++) {
		u64 value = 0;

		/* That of the secondary controls exists only where they do. */
		if (word == VMX_CPU2 &&
		    !(vmx_caps.allowed[VMX_CPU] & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS))
			continue;
		rdmsrl(msrs[have_true][word], value);
		vmx_caps.fixed[word] = value;
		vmx_caps.allowed[word] = value >> 32;
	}
}

static void vmx_drop_controls(void)
{
	int i;

	/* In the order of the table: what is dropped may be needed further down. */
	for (i = 0; i < ARRAY_SIZE(vmx_needs); i++) {
		if (!vmx_uses(vmx_needs[i].needs_word, vmx_needs[i].needs))
			vmx_caps.use[vmx_needs[i].word] &= ~vmx_needs[i].bit;
	}
}

/* SDM vol. 3, VPID and EPT Capabilities.  The MSR is there where one of the two is. */
static u64 vmx_read_ept_vpid(void)
{
	u64 caps = 0;

	if (vmx_caps.allowed[VMX_CPU2] & (SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID))
		rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, caps);
	return caps;
}

/* What no EPT table can do without: four levels of write-back memory, and INVEPT. */
static bool vmx_ept_usable(void)
{
	u64 ept = vmx_caps.ept_vpid;

	return (ept & VMX_EPT_PAGE_WALK_4_BIT) && (ept & VMX_EPTP_WB_BIT) &&
	       (ept & VMX_EPT_INVEPT_BIT) &&
	       (ept & (VMX_EPT_EXTENT_CONTEXT_BIT | VMX_EPT_EXTENT_GLOBAL_BIT));
}

static int vmx_negotiate(u64 basic)
{
	int i;

	vmx_read_control_caps(basic);
	for (i = 0; i < ARRAY_SIZE(vmx_wishes); i++) {
		const struct vmx_control_wish *w = &vmx_wishes[i];

		if (w->wish == UNWANTED)
			continue;
		if (vmx_caps.allowed[w->word] & w->bit) {
			vmx_caps.use[w->word] |= w->bit;
		} else if (w->wish == REQUIRED) {
			pr_err("VMX cannot be used: this CPU has no \"%s\"; use a newer one\n",
			       w->name);
			return -EOPNOTSUPP;
		}
	}
	if (!vnmi)
		vmx_caps.use[VMX_PIN] &= ~PIN_BASED_VIRTUAL_NMIS;
	if (!unrestricted)
		vmx_caps.use[VMX_CPU2] &= ~SECONDARY_EXEC_UNRESTRICTED_GUEST;
	vmx_caps.ept_vpid = vmx_read_ept_vpid();
	if (!lodge_tdp || !vmx_ept_usable())
		vmx_caps.use[VMX_CPU2] &= ~SECONDARY_EXEC_ENABLE_EPT;
	if (!vmx_apicv_wanted())
		vmx_caps.use[VMX_CPU2] &= ~SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
	vmx_drop_controls();
	for (i = 0; i < VMX_NR_WORDS; i++)
		vmx_caps.use[i] |= vmx_caps.fixed[i];
	return 0;
}

/* --- availability --- */

#define FEAT_CTL_VMX	(FEAT_CTL_VMX_ENABLED_INSIDE_SMX | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)

/*
 * SDM vol. 3, Enabling and Entering VMX Operation.  Which of the two bits counts
 * depends on a measured launch; the kernel knows, and takes X86_FEATURE_VMX away
 * where it is not set.  A register that was left open is locked by cpu_enable().
 */
static int vmx_check_feature_control(void)
{
	u64 fc;

	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &fc))
		return vmx_refuse(-EOPNOTSUPP, "IA32_FEATURE_CONTROL cannot be read",
				  "check the hypervisor underneath");
	if ((fc & FEAT_CTL_LOCKED) && !(fc & FEAT_CTL_VMX))
		return vmx_refuse(-EOPNOTSUPP,
				  "firmware has disabled it and locked that (IA32_FEATURE_CONTROL)",
				  "enable VMX (Intel VT-x) in the firmware's setup");
	return 0;
}

static int vmx_check_available(void)
{
	int err;

	if (!(cpuid_ecx(1) & BIT(X86_FEATURE_VMX % 32)))
		return vmx_refuse(-EOPNOTSUPP, "this CPU does not have it",
				  "under another hypervisor, turn on nested virtualization");
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return vmx_refuse(-EOPNOTSUPP, "this is an encrypted guest",
				  "load lodge on a host whose memory is not");
	err = vmx_check_feature_control();
	if (err)
		return err;
	/* The kernel clears its bit where it found VMX unusable on one of the CPUs. */
	if (!boot_cpu_has(X86_FEATURE_VMX))
		return vmx_refuse(-EOPNOTSUPP, "the kernel has disabled it",
				  "look for the reason in the kernel's log of its boot");
#ifdef CONFIG_X86_FRED
	/* Interrupts and NMIs that end a guest are handed over by the gates of an IDT. */
	if (cpu_feature_enabled(X86_FEATURE_FRED))
		return vmx_refuse(-EOPNOTSUPP, "the kernel has no IDT (it uses FRED)",
				  "boot it with fred=off");
#endif
	if (__read_cr4() & X86_CR4_VMXE)
		return vmx_refuse(-EBUSY, "another hypervisor holds it (CR4.VMXE)",
				  "stop its guests and unload it, as with rmmod kvm_intel");
	return 0;
}

/* SDM vol. 3, Basic VMX Information. */
static int vmx_check_basic(u64 basic)
{
	u64 type = (basic & VMX_BASIC_MEM_TYPE_MASK) >> VMX_BASIC_MEM_TYPE_SHIFT;

	if (vmx_basic_vmcs_size(basic) > PAGE_SIZE)
		return vmx_refuse(-EOPNOTSUPP, "a VMCS is larger than a page",
				  "check the hypervisor underneath");
	if ((basic & VMX_BASIC_64) || type != VMX_BASIC_MEM_TYPE_WB)
		return vmx_refuse(-EOPNOTSUPP, "a VMCS cannot be in ordinary memory",
				  "check the hypervisor underneath");
	vmx_caps.revision = vmx_basic_vmcs_revision_id(basic);
	return 0;
}

static void vmx_detect(void)
{
	rdmsrl(MSR_IA32_VMX_MISC, vmx_caps.misc);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, vmx_caps.cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, vmx_caps.cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, vmx_caps.cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, vmx_caps.cr4_fixed1);
	vmx_caps.unrestricted = vmx_uses(VMX_CPU2, SECONDARY_EXEC_UNRESTRICTED_GUEST);
	vmx_caps.vnmi = vmx_uses(VMX_PIN, PIN_BASED_VIRTUAL_NMIS);
	vmx_caps.load_efer = vmx_uses(VMX_ENTRY, VM_ENTRY_LOAD_IA32_EFER);
	vmx_caps.load_pat = vmx_uses(VMX_ENTRY, VM_ENTRY_LOAD_IA32_PAT);
	/* PE and PG are the guest's then (SDM vol. 3, Checks on Guest Control Registers). */
	if (vmx_caps.unrestricted)
		vmx_caps.cr0_fixed0 &= ~(X86_CR0_PE | X86_CR0_PG);
}

/* --- what neutral code is told --- */

/* What /sys/devices/system/cpu/vulnerabilities/itlb_multihit asks a hypervisor for. */
static int nx_huge_pages = -1;
module_param(nx_huge_pages, int, 0444);
MODULE_PARM_DESC(nx_huge_pages,
		 "Intel: guests execute from small pages only (default: if the CPU needs it)");

static bool vmx_nx_large(void)
{
	if (nx_huge_pages >= 0)
		return nx_huge_pages;
	return boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
}

static u64 vmx_guest_efer(void)
{
	u64 efer = EFER_SCE | EFER_LME | EFER_LMA;

	if (boot_cpu_has(X86_FEATURE_NX))
		efer |= EFER_NX;
	return efer;
}

static void vmx_tell_ept(void)
{
	u64 ept = vmx_caps.ept_vpid;

	lodge_caps.tdp.enabled = true;
	lodge_caps.tdp.ept = true;
	/* Five levels where guests can have more physical address bits than four reach. */
	lodge_caps.tdp.levels = (ept & VMX_EPT_PAGE_WALK_5_BIT) &&
				boot_cpu_data.x86_phys_bits > 48 ? 5 : 4;
	lodge_caps.tdp.max_page_level = ept & VMX_EPT_1GB_PAGE_BIT ? 3 :
					ept & VMX_EPT_2MB_PAGE_BIT ? 2 : 1;
	lodge_caps.tdp.has_ad = ept & VMX_EPT_AD_BIT;
	lodge_caps.tdp.has_pml = lodge_caps.tdp.has_ad && vmx_pml_wanted() &&
				 vmx_uses(VMX_CPU2, SECONDARY_EXEC_ENABLE_PML);
}

/* Shadow tables have the format of the host's own. */
static void vmx_tell_shadow(void)
{
	lodge_caps.tdp.levels = pgtable_l5_enabled() ? 5 : 4;
	lodge_caps.tdp.max_page_level = boot_cpu_has(X86_FEATURE_GBPAGES) ? 3 : 2;
	lodge_caps.tdp.has_ad = true;
}

static void vmx_tell_caps(void)
{
	lodge_caps.tdp.nx_large = vmx_nx_large();
	if (vmx_uses(VMX_CPU2, SECONDARY_EXEC_ENABLE_EPT))
		vmx_tell_ept();
	else
		vmx_tell_shadow();
	lodge_caps.has_vnmi = vmx_caps.vnmi;
	lodge_caps.nrips = true;
	lodge_caps.unrestricted = vmx_caps.unrestricted;
	lodge_caps.efer_reserved = ~vmx_guest_efer();
	lodge_caps.supported_xss = 0;
	if (boot_cpu_has(X86_FEATURE_OSXSAVE))
		lodge_caps.supported_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK) &
			(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512 |
			 XFEATURE_MASK_PKRU | XFEATURE_MASK_XTILE);
	if (vmx_uses(VMX_CPU2, SECONDARY_EXEC_TSC_SCALING)) {
		lodge_caps.tsc_scaling = true;
		lodge_caps.max_tsc_ratio = ~0ull;
		lodge_caps.tsc_frac_bits = 48;
	}
}

int vmx_probe(void)
{
	u64 basic;
	int err;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_CENTAUR &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_ZHAOXIN)
		return -ENODEV;
	err = vmx_check_available();
	if (err)
		return err;
	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	err = vmx_check_basic(basic);
	if (!err)
		err = vmx_negotiate(basic);
	if (err)
		return err;
	vmx_detect();
	vmx_tell_caps();
	return 0;
}
