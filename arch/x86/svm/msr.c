// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs that live in the VMCB or have to do with SVM, the map of those the guest
 * reaches without an exit (APM vol. 2, MSR Intercepts), and the TSC.
 */
#include <linux/gfp.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>

#include "cpuid.h"
#include "msr.h"
#include "spec_ctrl.h"
#include "svm/svm.h"

#define SVM_DEBUGCTL_DEFINED	0x3full

/*
 * What any guest may have to itself: VMSAVE and VMLOAD switch these with the
 * guest, so no value of them can be seen by the host.
 */
static const u32 svm_own_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

#define SVM_MSRPM_READ	BIT(0)
#define SVM_MSRPM_WRITE	BIT(1)

/* Two bits for each MSR of three ranges of 8192; what is outside always exits. */
static void svm_msrpm_allow(u32 *msrpm, u32 index, u32 access)
{
	static const u32 bases[] = { 0, 0xc0000000, 0xc0010000 };
	int i;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		u32 n = index - bases[i];

		if (n >= 0x2000)
			continue;
		n = i * 0x2000 + n;
		msrpm[n / 16] &= ~(access << (n % 16 * 2));
		return;
	}
}

void svm_msrpm_fill(u32 *msrpm)
{
	int i;

	memset(msrpm, 0xff, PAGE_SIZE << SVM_MSRPM_ORDER);
	for (i = 0; i < ARRAY_SIZE(svm_own_msrs); i++)
		svm_msrpm_allow(msrpm, svm_own_msrs[i], SVM_MSRPM_READ | SVM_MSRPM_WRITE);
}

/* Let the guest do what the VM's filter does not deny it. */
static void svm_msrpm_let(struct svm_vcpu *svm, u32 *msrpm, u32 index, u32 access)
{
	struct lodge_vm *vm = svm->vcpu.vm;

	if (!lodge_msr_allowed(vm, index, KVM_MSR_FILTER_READ))
		access &= ~SVM_MSRPM_READ;
	if (!lodge_msr_allowed(vm, index, KVM_MSR_FILTER_WRITE))
		access &= ~SVM_MSRPM_WRITE;
	svm_msrpm_allow(msrpm, index, access);
}

static void svm_use_msrpm(struct svm_vcpu *svm, u32 *msrpm)
{
	svm->msrpm = msrpm;
	svm->vmcb->control.msrpm_base_pa = svm_page_pa(msrpm);
	vmcb_dirty(svm->vmcb, VMCB_PERM_MAP);
}

bool svm_msrpm_shared(const u32 *msrpm)
{
	return msrpm == svm_msrpm || msrpm == svm_iopm;
}

/*
 * A vCPU has a map of its own from when it first may reach more than every vCPU
 * may, or less.  Without memory for it there is one that is shared, and more
 * exits, nothing else: the one for all, or where the VM has a filter, svm_iopm,
 * which is all ones and longer than a map of MSRs.
 */
void svm_update_msr_intercepts(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	bool spec_ctrl = svm->sw.spec_readback || (svm_caps.v_spec_ctrl && svm->spec_ctrl_used);
	bool filtered = rcu_access_pointer(vcpu->vm->arch.msr_filter);
	u32 *msrpm = svm->msrpm;
	int i;

	if (svm_msrpm_shared(msrpm)) {
		if (!spec_ctrl && !svm->pred_cmd_used && !filtered)
			return;
		msrpm = (u32 *)__get_free_pages(GFP_KERNEL_ACCOUNT, SVM_MSRPM_ORDER);
		if (!msrpm) {
			if (filtered)
				svm_use_msrpm(svm, svm_iopm);
			return;
		}
	}
	memset(msrpm, 0xff, PAGE_SIZE << SVM_MSRPM_ORDER);
	for (i = 0; i < ARRAY_SIZE(svm_own_msrs); i++)
		svm_msrpm_let(svm, msrpm, svm_own_msrs[i], SVM_MSRPM_READ | SVM_MSRPM_WRITE);
	if (spec_ctrl)
		svm_msrpm_let(svm, msrpm, MSR_IA32_SPEC_CTRL, SVM_MSRPM_READ | SVM_MSRPM_WRITE);
	if (svm->pred_cmd_used)
		svm_msrpm_let(svm, msrpm, MSR_IA32_PRED_CMD, SVM_MSRPM_WRITE);
	svm_use_msrpm(svm, msrpm);
}

/* --- speculation controls --- */

static bool svm_cpuid_ebx8(struct lodge_vcpu *vcpu, u32 mask)
{
	const struct kvm_cpuid_entry2 *e = lodge_cpuid_find(vcpu, 0x80000008, 0);

	return e && (e->ebx & mask);
}

static int svm_set_spec_ctrl(struct svm_vcpu *svm, u64 data, bool host)
{
	if (!lodge_spec_ctrl_valid(&svm->vcpu, data, host))
		return -EINVAL;
	if (svm_caps.v_spec_ctrl)
		svm->vmcb->save.spec_ctrl = data;
	else
		svm->sw.spec_guest = data;

	/*
	 * A guest that never sets it, as most do not, saves the host reading it
	 * back at every exit; one that does is let through from then on.
	 */
	if (data && !svm->spec_ctrl_used) {
		svm->spec_ctrl_used = true;
		svm->sw.spec_readback = !svm_caps.v_spec_ctrl;
		svm_update_msr_intercepts(&svm->vcpu);
	}
	return 0;
}

static int svm_get_spec_ctrl(struct svm_vcpu *svm, u64 *data)
{
	if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		return -EINVAL;
	*data = svm_caps.v_spec_ctrl ? svm->vmcb->save.spec_ctrl : svm->sw.spec_guest;
	return 0;
}

static int svm_set_pred_cmd(struct svm_vcpu *svm, u64 data, bool host)
{
	if (!lodge_pred_cmd_valid(&svm->vcpu, data, host))
		return -EINVAL;
	if (!data)
		return 0;
	wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	if (!svm->pred_cmd_used) {
		svm->pred_cmd_used = true;
		svm_update_msr_intercepts(&svm->vcpu);
	}
	return 0;
}

static int svm_set_virt_spec_ctrl(struct svm_vcpu *svm, u64 data, bool host)
{
	if (data & ~SPEC_CTRL_SSBD)
		return -EINVAL;
	if (!host && !svm_cpuid_ebx8(&svm->vcpu, BIT(X86_FEATURE_VIRT_SSBD % 32)))
		return -EINVAL;
	svm->spec_ctrl_virt = data;
	return 0;
}

/* --- the others --- */

/* The last-branch MSRs work where the CPU switches them with the VMCB. */
static int svm_set_debugctl(struct svm_vcpu *svm, u64 data)
{
	struct vmcb *vmcb = svm->vmcb;

	if (data & ~SVM_DEBUGCTL_DEFINED)
		return -EINVAL;
	if (!svm_caps.lbrv)
		return 0;
	vmcb->save.dbgctl = data;
	if (data)
		vmcb->control.virt_ext |= LBR_CTL_ENABLE_MASK;
	else
		vmcb->control.virt_ext &= ~LBR_CTL_ENABLE_MASK;
	vmcb_dirty(vmcb, VMCB_LBR);
	return 0;
}

static int svm_set_tsc_aux(struct svm_vcpu *svm, u64 data, bool host)
{
	const struct kvm_cpuid_entry2 *leaf7 = lodge_cpuid_find(&svm->vcpu, 7, 0);

	if (svm_uret_tsc_aux < 0)
		return -EINVAL;
	if (!host && !lodge_has(&svm->vcpu.arch, LODGE_F_RDTSCP) &&
	    !(leaf7 && leaf7->ecx & BIT(X86_FEATURE_RDPID % 32)))
		return -EINVAL;
	/* APM vol. 2, TSC_AUX: 32 bits; the rest of a write is dropped. */
	svm->tsc_aux = (u32)data;
	svm->slow |= SVM_SLOW_HOST;
	return 0;
}

static int svm_set_pat(struct svm_vcpu *svm, u64 data)
{
	if (!lodge_pat_valid(data))
		return -EINVAL;
	svm->vcpu.arch.pat = data;
	svm->vmcb->save.g_pat = data;
	vmcb_dirty(svm->vmcb, VMCB_NPT);
	return 0;
}

/* Where LFENCE serialises, the host has set it so; no guest may change that. */
static int svm_set_de_cfg(struct svm_vcpu *svm, u64 data, bool host)
{
	u64 supported;

	if (lodge_get_msr_feature(MSR_AMD64_DE_CFG, &supported))
		return -EINVAL;
	if ((data & ~supported) || (!host && data != svm->de_cfg))
		return -EINVAL;
	svm->de_cfg = data;
	return 0;
}

static bool svm_canonical(struct lodge_vcpu *vcpu, u64 address)
{
	return __is_canonical_address(address, lodge_cr4(vcpu) & X86_CR4_LA57 ? 57 : 48);
}

/* The field of the VMCB that holds an MSR, or NULL. */
static u64 *svm_msr_field(struct vmcb_save_area *save, u32 index)
{
	switch (index) {
	case MSR_STAR:			return &save->star;
	case MSR_LSTAR:			return &save->lstar;
	case MSR_CSTAR:			return &save->cstar;
	case MSR_SYSCALL_MASK:		return &save->sfmask;
	case MSR_KERNEL_GS_BASE:	return &save->kernel_gs_base;
	case MSR_FS_BASE:		return &save->fs.base;
	case MSR_GS_BASE:		return &save->gs.base;
	case MSR_IA32_SYSENTER_CS:	return &save->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:	return &save->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:	return &save->sysenter_eip;
	}
	return NULL;
}

int svm_get_msr(struct lodge_vcpu *vcpu, u32 index, u64 *data)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_save_area *save = &svm->vmcb->save;
	u64 *field = svm_msr_field(save, index);

	if (field) {
		*data = *field;
		return 0;
	}
	switch (index) {
	case MSR_IA32_SPEC_CTRL:
		return svm_get_spec_ctrl(svm, data);
	case MSR_AMD64_VIRT_SPEC_CTRL:
		*data = svm->spec_ctrl_virt;
		return 0;
	case MSR_TSC_AUX:
		*data = svm->tsc_aux;
		return svm_uret_tsc_aux < 0 ? -EINVAL : 0;
	case MSR_IA32_CR_PAT:
		*data = vcpu->arch.pat;
		return 0;
	case MSR_IA32_DEBUGCTLMSR:
		*data = save->dbgctl;
		return 0;
	case MSR_IA32_LASTBRANCHFROMIP:
		*data = save->br_from;
		return 0;
	case MSR_IA32_LASTBRANCHTOIP:
		*data = save->br_to;
		return 0;
	case MSR_IA32_LASTINTFROMIP:
		*data = save->last_excp_from;
		return 0;
	case MSR_IA32_LASTINTTOIP:
		*data = save->last_excp_to;
		return 0;
	case MSR_AMD64_DE_CFG:
		*data = svm->de_cfg;
		return 0;
	case MSR_VM_CR:
		/* As firmware that turned SVM off for good would leave it. */
		*data = SVM_VM_CR_SVM_DIS_MASK | SVM_VM_CR_SVM_LOCK_MASK;
		return 0;
	case MSR_VM_HSAVE_PA:
		*data = 0;
		return 0;
	}
	return -ENOENT;
}

static int svm_set_field(struct lodge_vcpu *vcpu, u32 index, u64 *field, u64 data)
{
	switch (index) {
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_KERNEL_GS_BASE:
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		if (!svm_canonical(vcpu, data))
			return -EINVAL;
		break;
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		/* Only 32 bits are used; VMLOAD wants a canonical address all the same. */
		data = __canonical_address(data, 48);
		break;
	}
	/* None of these is among what the CPU caches: VMLOAD reads them each time. */
	*field = data;
	return 0;
}

int svm_set_msr(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u64 *field = svm_msr_field(&svm->vmcb->save, index);

	if (field)
		return svm_set_field(vcpu, index, field, data);
	switch (index) {
	case MSR_IA32_SPEC_CTRL:
		return svm_set_spec_ctrl(svm, data, host);
	case MSR_IA32_PRED_CMD:
		return svm_set_pred_cmd(svm, data, host);
	case MSR_AMD64_VIRT_SPEC_CTRL:
		return svm_set_virt_spec_ctrl(svm, data, host);
	case MSR_TSC_AUX:
		return svm_set_tsc_aux(svm, data, host);
	case MSR_IA32_CR_PAT:
		return svm_set_pat(svm, data);
	case MSR_IA32_DEBUGCTLMSR:
		return svm_set_debugctl(svm, data);
	case MSR_AMD64_DE_CFG:
		return svm_set_de_cfg(svm, data, host);
	case MSR_VM_CR:
		/* Locked: what can be written reads as before. */
		return data & ~SVM_VM_CR_VALID_MASK ? -EINVAL : 0;
	case MSR_VM_HSAVE_PA:
		return data ? -EINVAL : 0;
	}
	return -ENOENT;
}

/* --- the TSC --- */

void svm_write_tsc_offset(struct lodge_vcpu *vcpu, u64 offset)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	vmcb->control.tsc_offset = offset;
	vmcb_dirty(vmcb, VMCB_INTERCEPTS);
}

/* Loaded with the next entry; it is in force in guests only (APM vol. 2, TSC Ratio MSR). */
void svm_write_tsc_multiplier(struct lodge_vcpu *vcpu, u64 mult)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->tsc_ratio = mult;
	svm->slow |= SVM_SLOW_HOST;
}
