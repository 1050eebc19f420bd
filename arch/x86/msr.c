// SPDX-License-Identifier: GPL-2.0
/*
 * Model-specific registers: one table, sorted by number, of all that are not the
 * backend's alone.  See msr.h for who calls.
 *
 * What is in no table and not the backend's does not exist: #GP in the guest.
 */
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/kvm_para.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "cpuid.h"
#include "irqchip/irqchip.h"
#include "msr_table.h"
#include "regs_inline.h"
#include "time.h"

#define X2APIC_FIRST	0x800
#define X2APIC_LAST	0x8ff

/* Writable bits of HWCR: the machine-check one, and those old kernels set for errata. */
#define HWCR_MCSTATUS_WREN	BIT_ULL(18)
#define HWCR_TSC_FREQ_SEL	BIT_ULL(24)
#define HWCR_IGNORED		(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8))

#define SMBASE_RESET		0x30000

/* --- handlers --- */

static int backend_error(int err)
{
	if (likely(!err))
		return 0;
	return err == -ENOENT ? LODGE_MSR_UNKNOWN : LODGE_MSR_INVALID;
}

static int get_backend(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	return backend_error(lodge_be(get_msr)(vcpu, index, data));
}

static int set_backend(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	return backend_error(lodge_be(set_msr)(vcpu, index, data, host));
}

/* Performance counters and the like, which guests probe though CPUID shows none. */
static int get_zero(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = 0;
	return 0;
}

static int set_ignore(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	return 0;
}

/* Paravirtual features that are not offered can be turned off, not on. */
static int set_only_zero(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	return data ? LODGE_MSR_INVALID : 0;
}

static int get_tsc(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = lodge_guest_tsc(vcpu, rdtsc());
	return 0;
}

static int set_tsc(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	lodge_write_tsc(vcpu, data, host);
	return 0;
}

static bool has_tsc_adjust(struct lodge_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e = lodge_cpuid_find(vcpu, 7, 0);

	return e && (e->ebx & BIT(X86_FEATURE_TSC_ADJUST % 32));
}

static int get_tsc_adjust(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	if (!host && !has_tsc_adjust(vcpu))
		return LODGE_MSR_INVALID;
	*data = vcpu->arch.tsc_adjust;
	return 0;
}

static int set_tsc_adjust(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	if (!host && !has_tsc_adjust(vcpu))
		return LODGE_MSR_INVALID;
	lodge_write_tsc_adjust(vcpu, data, host);
	return 0;
}

static bool has_tsc_deadline(struct lodge_vcpu *vcpu, bool host)
{
	return vcpu->arch.lapic && (host || lodge_has(&vcpu->arch, LODGE_F_TSC_DEADLINE));
}

static int get_tsc_deadline(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	if (!has_tsc_deadline(vcpu, host))
		return host ? get_zero(vcpu, index, data, host) : LODGE_MSR_INVALID;
	*data = lodge_lapic_tsc_deadline(vcpu);
	return 0;
}

static int set_tsc_deadline(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	if (!has_tsc_deadline(vcpu, host))
		return host ? set_only_zero(vcpu, index, data, host) : LODGE_MSR_INVALID;
	lodge_lapic_set_tsc_deadline(vcpu, data);
	return 0;
}

static int get_clock(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*data = vcpu->vm->arch.wall_clock_msr;
		break;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*data = vcpu->arch.kvmclock_msr;
		break;
	case MSR_KVM_STEAL_TIME:
		*data = vcpu->arch.steal_msr;
		break;
	default:
		*data = vcpu->arch.poll_control;
		break;
	}
	return 0;
}

static int set_clock(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	return lodge_clock_msr_write(vcpu, index, data);
}

static int get_apic_base(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = vcpu->arch.apic_base;
	return 0;
}

static int set_apic_base(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	return lodge_lapic_set_base(vcpu, data, host) ? LODGE_MSR_INVALID : 0;
}

static int get_x2apic(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	if (!vcpu->arch.lapic || lodge_x2apic_read(vcpu, index, data))
		return LODGE_MSR_INVALID;
	return 0;
}

static int set_x2apic(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	if (!vcpu->arch.lapic || lodge_x2apic_write(vcpu, index, data))
		return LODGE_MSR_INVALID;
	return 0;
}

static int get_efer(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = vcpu->arch.efer;
	return 0;
}

static int set_efer(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	return lodge_write_efer(vcpu, data, host) ? LODGE_MSR_INVALID : 0;
}

static int get_xss(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	if (!host && !lodge_has(&vcpu->arch, LODGE_F_XSAVES))
		return LODGE_MSR_INVALID;
	*data = vcpu->arch.xss;
	return 0;
}

static int set_xss(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	if (!host && !lodge_has(&vcpu->arch, LODGE_F_XSAVES))
		return LODGE_MSR_INVALID;
	if (data & ~lodge_caps.supported_xss)
		return LODGE_MSR_INVALID;
	vcpu->arch.xss = data;
	lodge_cpuid_update_runtime(vcpu);
	return 0;
}

static int get_misc_enable(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = vcpu->arch.misc_enable;
	return 0;
}

static int set_misc_enable(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	u64 changed = vcpu->arch.misc_enable ^ data;

	/* What it says the CPU lacks is not for the guest to say. */
	if (!host && (changed & (MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)))
		return LODGE_MSR_INVALID;
	vcpu->arch.misc_enable = data;
	if (changed & MSR_IA32_MISC_ENABLE_MWAIT)
		lodge_cpuid_update_runtime(vcpu);
	return 0;
}

static int get_platform_info(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	if (!host && lodge_vm_has_cap(vcpu->vm, LODGE_VM_CAP_NO_PLATFORM_INFO))
		return LODGE_MSR_INVALID;
	*data = vcpu->arch.platform_info;
	return 0;
}

/* CPUID faulting cannot be taken from a guest that has turned it on. */
static int set_platform_info(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	if (!host)
		return LODGE_MSR_INVALID;
	if (!(data & MSR_PLATFORM_INFO_CPUID_FAULT) &&
	    (vcpu->arch.misc_features & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT))
		return LODGE_MSR_INVALID;
	vcpu->arch.platform_info = data;
	return 0;
}

static int get_misc_features(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = vcpu->arch.misc_features;
	return 0;
}

static int set_misc_features(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	if (data & ~MSR_MISC_FEATURES_ENABLES_CPUID_FAULT)
		return LODGE_MSR_INVALID;
	if (data && !(vcpu->arch.platform_info & MSR_PLATFORM_INFO_CPUID_FAULT))
		return LODGE_MSR_INVALID;
	vcpu->arch.misc_features = data;
	return 0;
}

static bool has_arch_capabilities(struct lodge_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e = lodge_cpuid_find(vcpu, 7, 0);

	return e && (e->edx & BIT(X86_FEATURE_ARCH_CAPABILITIES % 32));
}

static int get_arch_caps(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	if (!host && !has_arch_capabilities(vcpu))
		return LODGE_MSR_INVALID;
	*data = vcpu->arch.arch_capabilities;
	return 0;
}

static int set_arch_caps(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	if (!host)
		return LODGE_MSR_INVALID;
	vcpu->arch.arch_capabilities = data;
	return 0;
}

static int get_ucode_rev(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = vcpu->arch.microcode_version;
	return 0;
}

/* The guest writes it to have CPUID refresh the revision: it is current. */
static int set_ucode_rev(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	if (host)
		vcpu->arch.microcode_version = data;
	return 0;
}

static int get_hwcr(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = vcpu->arch.hwcr;
	return 0;
}

static int set_hwcr(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	data &= ~HWCR_IGNORED;
	if (data & ~(HWCR_MCSTATUS_WREN | HWCR_TSC_FREQ_SEL))
		return LODGE_MSR_INVALID;
	vcpu->arch.hwcr = data;
	return 0;
}

/* Kept for the guest, and of no effect: the host's power is not its to control. */
static int get_power_ctl(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = vcpu->arch.power_ctl;
	return 0;
}

static int set_power_ctl(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	vcpu->arch.power_ctl = data;
	return 0;
}

/* Seen in system-management mode only, which guests do not have. */
static int get_smbase(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	if (!host)
		return LODGE_MSR_INVALID;
	*data = vcpu->arch.smbase;
	return 0;
}

static int set_smbase(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	if (!host)
		return LODGE_MSR_INVALID;
	vcpu->arch.smbase = data;
	return 0;
}

/* --- the table --- */

#define RANGE(a, b, f, g, s)	{ .first = (a), .last = (b), .flags = (f), .get = (g), .set = (s) }
#define MSR(index, f, g, s)	RANGE(index, index, f, g, s)

/* Ascending; lodge_msr_list_init() checks. */
static const struct lodge_msr msrs[] = {
	MSR(MSR_IA32_TSC, MSR_LISTED, get_tsc, set_tsc),
	RANGE(MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, MSR_LISTED, get_clock, set_clock),
	MSR(MSR_IA32_PLATFORM_ID, 0, get_zero, NULL),
	MSR(MSR_IA32_APICBASE, 0, get_apic_base, set_apic_base),
	MSR(MSR_IA32_EBL_CR_POWERON, 0, get_zero, set_ignore),
	MSR(MSR_IA32_TSC_ADJUST, MSR_LISTED, get_tsc_adjust, set_tsc_adjust),
	MSR(MSR_IA32_SPEC_CTRL, MSR_LISTED, get_backend, set_backend),
	MSR(MSR_IA32_UCODE_WRITE, 0, NULL, set_ignore),
	MSR(MSR_IA32_UCODE_REV, MSR_LISTED, get_ucode_rev, set_ucode_rev),
	MSR(MSR_IA32_SMBASE, 0, get_smbase, set_smbase),
	RANGE(MSR_IA32_PERFCTR0, MSR_IA32_PERFCTR1, 0, get_zero, set_ignore),
	MSR(MSR_PLATFORM_INFO, MSR_LISTED, get_platform_info, set_platform_info),
	MSR(MSR_MTRRcap, 0, lodge_mtrr_get, NULL),
	MSR(MSR_IA32_ARCH_CAPABILITIES, MSR_LISTED, get_arch_caps, set_arch_caps),
	MSR(MSR_MISC_FEATURES_ENABLES, MSR_LISTED, get_misc_features, set_misc_features),
	RANGE(MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_EIP, MSR_LISTED, get_backend, set_backend),
	MSR(MSR_IA32_MCG_CAP, 0, lodge_mcg_get, lodge_mcg_set),
	RANGE(MSR_IA32_MCG_STATUS, MSR_IA32_MCG_CTL, MSR_LISTED, lodge_mcg_get, lodge_mcg_set),
	RANGE(MSR_P6_EVNTSEL0, MSR_P6_EVNTSEL1, 0, get_zero, set_ignore),
	MSR(MSR_IA32_PERF_STATUS, 0, get_zero, NULL),
	MSR(MSR_IA32_PERF_CTL, 0, get_zero, set_ignore),
	MSR(MSR_IA32_MISC_ENABLE, MSR_LISTED, get_misc_enable, set_misc_enable),
	MSR(MSR_IA32_POWER_CTL, MSR_LISTED, get_power_ctl, set_power_ctl),
	RANGE(0x200, 0x20f, 0, lodge_mtrr_get, lodge_mtrr_set),
	MSR(MSR_MTRRfix64K_00000, 0, lodge_mtrr_get, lodge_mtrr_set),
	RANGE(MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, 0, lodge_mtrr_get, lodge_mtrr_set),
	RANGE(MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000, 0, lodge_mtrr_get, lodge_mtrr_set),
	MSR(MSR_IA32_CR_PAT, MSR_LISTED, get_backend, set_backend),
	MSR(MSR_MTRRdefType, 0, lodge_mtrr_get, lodge_mtrr_set),
	RANGE(MSR_IA32_MC0_CTL, MSR_IA32_MC0_CTL + 4 * LODGE_MCE_BANKS - 1, 0,
	      lodge_mc_bank_get, lodge_mc_bank_set),
	MSR(MSR_IA32_TSC_DEADLINE, MSR_LISTED, get_tsc_deadline, set_tsc_deadline),
	RANGE(X2APIC_FIRST, X2APIC_LAST, 0, get_x2apic, set_x2apic),
	MSR(MSR_IA32_XSS, 0, get_xss, set_xss),
	RANGE(MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW, MSR_LISTED, get_clock, set_clock),
	MSR(MSR_KVM_ASYNC_PF_EN, 0, get_zero, set_only_zero),
	MSR(MSR_KVM_STEAL_TIME, MSR_LISTED, get_clock, set_clock),
	MSR(MSR_KVM_PV_EOI_EN, 0, get_zero, set_only_zero),
	MSR(MSR_KVM_POLL_CONTROL, MSR_LISTED, get_clock, set_clock),
	RANGE(MSR_KVM_ASYNC_PF_INT, MSR_KVM_ASYNC_PF_ACK, 0, get_zero, set_only_zero),
	MSR(MSR_EFER, 0, get_efer, set_efer),
	RANGE(MSR_STAR, MSR_SYSCALL_MASK, MSR_LISTED, get_backend, set_backend),
	MSR(MSR_KERNEL_GS_BASE, MSR_LISTED, get_backend, set_backend),
	MSR(MSR_TSC_AUX, MSR_LISTED, get_backend, set_backend),
	RANGE(MSR_K7_EVNTSEL0, MSR_K7_PERFCTR3, 0, get_zero, set_ignore),
	MSR(MSR_AMD64_SYSCFG, 0, get_zero, set_ignore),
	MSR(MSR_K7_HWCR, MSR_LISTED, get_hwcr, set_hwcr),
	MSR(MSR_AMD64_NB_CFG, 0, get_zero, set_ignore),
	MSR(MSR_AMD64_PATCH_LOADER, 0, NULL, set_ignore),
	MSR(MSR_K8_INT_PENDING_MSG, 0, get_zero, set_ignore),
	MSR(MSR_FAM10H_MMIO_CONF_BASE, 0, get_zero, set_only_zero),
	RANGE(MSR_K8_TSEG_ADDR, MSR_K8_TSEG_MASK, 0, get_zero, set_ignore),
	MSR(MSR_AMD64_VIRT_SPEC_CTRL, 0, get_backend, set_backend),
	RANGE(MSR_F15H_PERF_CTL0, MSR_F15H_PERF_CTR5, 0, get_zero, set_ignore),
	RANGE(MSR_AMD64_DC_CFG, MSR_AMD64_TW_CFG, 0, get_zero, set_ignore),
	MSR(MSR_AMD64_BU_CFG2, 0, get_zero, set_ignore),
};

static const struct lodge_msr *find_msr(u32 index)
{
	unsigned int low = 0, high = ARRAY_SIZE(msrs);

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (index > msrs[middle].last)
			low = middle + 1;
		else if (index < msrs[middle].first)
			high = middle;
		else
			return &msrs[middle];
	}
	return NULL;
}

int lodge_get_msr(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	const struct lodge_msr *m = find_msr(index);

	if (!m)
		return get_backend(vcpu, index, data, host);
	return m->get ? m->get(vcpu, index, data, host) : LODGE_MSR_UNKNOWN;
}

int lodge_set_msr(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	const struct lodge_msr *m;

	/* Each interrupt, IPI and timer of a guest writes one of these. */
	if (index - X2APIC_FIRST <= X2APIC_LAST - X2APIC_FIRST)
		return set_x2apic(vcpu, index, data, host);
	if (index == MSR_IA32_TSC_DEADLINE)
		return set_tsc_deadline(vcpu, index, data, host);
	m = find_msr(index);
	if (!m)
		return set_backend(vcpu, index, data, host);
	return m->set ? m->set(vcpu, index, data, host) : LODGE_MSR_UNKNOWN;
}

/* --- the lists user space is given --- */

static u32 listed[ARRAY_SIZE(msrs) + 16];
static u32 nr_listed;
static u32 features[4];
static u32 nr_features;

/* MSRs that exist only where the CPU has a feature; whatever is listed can be read. */
static bool msr_present(u32 index)
{
	switch (index) {
	case MSR_IA32_SPEC_CTRL:
		return boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	case MSR_TSC_AUX:
		return boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID);
	}
	return true;
}

static int list_range(const struct lodge_msr *m)
{
	u32 index;

	for (index = m->first; index <= m->last; index++) {
		if (!msr_present(index))
			continue;
		if (WARN_ON_ONCE(nr_listed == ARRAY_SIZE(listed)))
			return -EINVAL;
		listed[nr_listed++] = index;
	}
	return 0;
}

int lodge_msr_list_init(void)
{
	static const u32 feature_msrs[] = {
		MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES, MSR_IA32_PERF_CAPABILITIES,
		MSR_AMD64_DE_CFG,
	};
	unsigned int i;
	u64 data;

	nr_listed = 0;
	nr_features = 0;
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (WARN_ON_ONCE(i && msrs[i].first <= msrs[i - 1].last))
			return -EINVAL;
		if ((msrs[i].flags & MSR_LISTED) && list_range(&msrs[i]))
			return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(feature_msrs); i++) {
		if (!lodge_get_msr_feature(feature_msrs[i], &data))
			features[nr_features++] = feature_msrs[i];
	}
	return 0;
}

const u32 *lodge_msr_list(u32 *n)
{
	*n = nr_listed;
	return listed;
}

const u32 *lodge_msr_feature_list(u32 *n)
{
	*n = nr_features;
	return features;
}

/* --- lifetimes --- */

/* IA32_APIC_BASE after RESET, where no local APIC in the kernel looks after it. */
static u64 apic_base_reset(const struct lodge_vcpu *vcpu)
{
	u64 base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE;

	return vcpu->id == vcpu->vm->arch.bsp_vcpu_id ? base | MSR_IA32_APICBASE_BSP : base;
}

int lodge_msr_vcpu_create(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	/* A revision no erratum's workaround looks for, until user space says otherwise. */
	a->microcode_version = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ?
			       0x100000000ull : 0x01000065;
	a->arch_capabilities = lodge_arch_capabilities();
	return lodge_mce_create(vcpu);
}

void lodge_msr_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	lodge_mce_destroy(vcpu);
}

void lodge_msr_reset(struct lodge_vcpu *vcpu, bool init)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	/* An INIT leaves MSRs as they are (SDM vol. 3, State After Power-up, Reset, or INIT). */
	if (init)
		return;
	if (!a->lapic)
		a->apic_base = apic_base_reset(vcpu);
	a->pat = 0x0007040600070406ull;
	a->misc_enable = MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL;
	a->platform_info = MSR_PLATFORM_INFO_CPUID_FAULT;
	a->misc_features = 0;
	a->hwcr = 0;
	a->power_ctl = 0;
	a->smbase = SMBASE_RESET;
	a->xss = 0;
	a->mtrr_def_type = 0;
	memset(a->mtrr_fixed, 0, sizeof(a->mtrr_fixed));
	memset(a->mtrr_var, 0, sizeof(a->mtrr_var));
	lodge_mce_reset(vcpu);
}
