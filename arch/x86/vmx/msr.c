// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs that live in the VMCS or are switched with the guest, the map of those it
 * reaches without an exit (SDM vol. 3, MSR-Bitmap Address), and the TSC.
 *
 *   in the VMCS, loaded and stored by the CPU	FS_BASE, GS_BASE, SYSENTER, DEBUGCTL, PAT
 *   only user space sees them: uret.c		STAR, LSTAR, SYSCALL_MASK, TSC_AUX
 *   by hand with the host's segments: host.c	KERNEL_GS_BASE
 *   in the world switch: entry.S		SPEC_CTRL
 *   no CPU register at all			CSTAR, FEAT_CTL
 */
#include <linux/gfp.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr.h>

#include "cpuid.h"
#include "msr.h"
#include "spec_ctrl.h"
#include "vmx/vmx.h"

unsigned long *vmx_msr_bitmap;

/* --- the bitmap --- */

#define VMX_MSR_READ	BIT(0)
#define VMX_MSR_WRITE	BIT(1)

/*
 * What any guest may have to itself: no value of these can be seen by the host.
 * KERNEL_GS_BASE is among them because the guest's is loaded whenever it runs.
 */
static const u32 vmx_own_msrs[] = {
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

/* A bit each for reads and writes of two ranges of 8192; what is outside always exits. */
static void vmx_bitmap_allow(unsigned long *bitmap, u32 index, u32 access)
{
	u32 bit = index & 0x1fff;

	if (index >= 0xc0000000)
		bit += 0x400 * BITS_PER_BYTE;
	if ((index & ~0xc0000000) > 0x1fff)
		return;
	if (access & VMX_MSR_READ)
		__clear_bit(bit, bitmap);
	if (access & VMX_MSR_WRITE)
		__clear_bit(bit + 0x800 * BITS_PER_BYTE, bitmap);
}

/* Let the guest do what the VM's filter does not deny it. */
static void vmx_bitmap_let(struct vmx_vcpu *vmx, unsigned long *bitmap, u32 index, u32 access)
{
	struct lodge_vm *vm = vmx->vcpu.vm;

	if (!lodge_msr_allowed(vm, index, KVM_MSR_FILTER_READ))
		access &= ~VMX_MSR_READ;
	if (!lodge_msr_allowed(vm, index, KVM_MSR_FILTER_WRITE))
		access &= ~VMX_MSR_WRITE;
	vmx_bitmap_allow(bitmap, index, access);
}

static void vmx_bitmap_allow_apic(unsigned long *bitmap, u32 reg, u32 access)
{
	vmx_bitmap_allow(bitmap, APIC_BASE_MSR + (reg >> 4), access);
}

/*
 * Registers of the x2APIC whose value the page has (SDM vol. 3, Virtualizing
 * MSR-Based APIC Accesses).  The timer's count is not there, the ICR's high half
 * elsewhere, and what this APIC lacks must fault.  PPR follows TPR, and EOI and
 * SELF_IPI are what they should be, only if the CPU delivers the interrupts.
 */
static void vmx_bitmap_x2apic(const struct vmx_vcpu *vmx, unsigned long *bitmap)
{
	static const struct { u16 first, last; } read[] = {
		{ APIC_ID, APIC_LVR }, { APIC_TASKPRI, APIC_TASKPRI }, { APIC_LDR, APIC_LDR },
		{ APIC_SPIV, APIC_ESR }, { APIC_LVTT, APIC_TMICT }, { APIC_TDCR, APIC_TDCR },
	};
	u32 reg;
	int i;

	for (i = 0; i < ARRAY_SIZE(read); i++) {
		for (reg = read[i].first; reg <= read[i].last; reg += 0x10)
			vmx_bitmap_allow_apic(bitmap, reg, VMX_MSR_READ);
	}
	vmx_bitmap_allow_apic(bitmap, APIC_TASKPRI, VMX_MSR_WRITE);
	if (vmx->vcpu.arch.apicv) {
		vmx_bitmap_allow_apic(bitmap, APIC_PROCPRI, VMX_MSR_READ);
		vmx_bitmap_allow_apic(bitmap, APIC_EOI, VMX_MSR_WRITE);
		vmx_bitmap_allow_apic(bitmap, APIC_SELF_IPI, VMX_MSR_WRITE);
	}
}

/* Without a map every RDMSR and WRMSR exits. */
static void vmx_use_bitmap(struct vmx_vcpu *vmx, unsigned long *bitmap)
{
	bool use = bitmap && vmx_uses(VMX_CPU, CPU_BASED_USE_MSR_BITMAPS);

	if (bitmap)
		vmx->msr_bitmap = bitmap;
	if (use)
		vmcs_write64(MSR_BITMAP, __pa(bitmap));
	vmx_control(vmx, VMX_CPU, CPU_BASED_USE_MSR_BITMAPS, use);
}

/*
 * A vCPU has a map of its own from when it first may reach more than every vCPU
 * may, or less.  Without memory for it there are more exits, nothing else: by the
 * map for all, or where the VM has a filter by none.
 */
void vmx_update_msr_intercepts(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool filtered = rcu_access_pointer(vcpu->vm->arch.msr_filter);
	unsigned long *bitmap = vmx->msr_bitmap;
	int i;

	if (bitmap == vmx_msr_bitmap) {
		if (!vmx->sw.spec_readback && !vmx->pred_cmd_used && !filtered &&
		    !vmx_apicv_x2apic(vmx)) {
			vmx_use_bitmap(vmx, bitmap);
			return;
		}
		bitmap = (unsigned long *)__get_free_page(GFP_KERNEL_ACCOUNT);
		if (!bitmap) {
			vmx_use_bitmap(vmx, filtered ? NULL : vmx_msr_bitmap);
			return;
		}
	}
	memset(bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(vmx_own_msrs); i++)
		vmx_bitmap_let(vmx, bitmap, vmx_own_msrs[i], VMX_MSR_READ | VMX_MSR_WRITE);
	if (vmx->sw.spec_readback)
		vmx_bitmap_let(vmx, bitmap, MSR_IA32_SPEC_CTRL, VMX_MSR_READ | VMX_MSR_WRITE);
	if (vmx->pred_cmd_used)
		vmx_bitmap_let(vmx, bitmap, MSR_IA32_PRED_CMD, VMX_MSR_WRITE);
	if (vmx_apicv_x2apic(vmx))
		vmx_bitmap_x2apic(vmx, bitmap);
	vmx_use_bitmap(vmx, bitmap);
}

/* --- lifetimes --- */

/* In the order of vmx_load_user_msrs(). */
static const u32 vmx_uret_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_SYSCALL_MASK, MSR_TSC_AUX,
};
static int vmx_uret_slots[ARRAY_SIZE(vmx_uret_msrs)];
#define VMX_URET_TSC_AUX	3

int vmx_msr_setup(void)
{
	int i;

	vmx_msr_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL);
	if (!vmx_msr_bitmap)
		return -ENOMEM;
	memset(vmx_msr_bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(vmx_own_msrs); i++)
		vmx_bitmap_allow(vmx_msr_bitmap, vmx_own_msrs[i], VMX_MSR_READ | VMX_MSR_WRITE);
	for (i = 0; i < ARRAY_SIZE(vmx_uret_msrs); i++)
		vmx_uret_slots[i] = lodge_uret_add(vmx_uret_msrs[i]);
	return 0;
}

void vmx_msr_teardown(void)
{
	free_page((unsigned long)vmx_msr_bitmap);
	vmx_msr_bitmap = NULL;
}

int vmx_msr_vcpu_create(struct vmx_vcpu *vmx)
{
	vmx->msr_bitmap = vmx_msr_bitmap;
	return 0;
}

void vmx_msr_vcpu_destroy(struct vmx_vcpu *vmx)
{
	if (vmx->msr_bitmap != vmx_msr_bitmap)
		free_page((unsigned long)vmx->msr_bitmap);
}

void vmx_load_user_msrs(struct vmx_vcpu *vmx)
{
	const u64 values[ARRAY_SIZE(vmx_uret_msrs)] = {
		vmx->star, vmx->lstar, vmx->syscall_mask, vmx->tsc_aux,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		if (vmx_uret_slots[i] >= 0)
			lodge_uret_set(vmx_uret_slots[i], values[i]);
	}
}

/* At once if the others are loaded already; else with them. */
static void vmx_user_msr_changed(struct vmx_vcpu *vmx)
{
	unsigned long flags;

	local_irq_save(flags);
	if (!(vmx->slow & VMX_SLOW_HOST))
		vmx_load_user_msrs(vmx);
	local_irq_restore(flags);
}

/* SDM vol. 3, Processor State After Reset: INIT leaves MSRs but FS and GS bases as they are. */
/* Shadow tables have the memory types that the host's PAT has numbers for. */
static void vmx_load_pat(struct vmx_vcpu *vmx)
{
	u64 pat = vmx->vcpu.arch.pat;

	if (!vmx_caps.load_pat)
		return;
	if (!lodge_caps.tdp.enabled)
		rdmsrl(MSR_IA32_CR_PAT, pat);
	vmcs_write64(GUEST_IA32_PAT, pat);
}

void vmx_msr_vcpu_reset(struct vmx_vcpu *vmx, bool init)
{
	if (!init) {
		vmcs_write32(GUEST_SYSENTER_CS, 0);
		vmcs_writel(GUEST_SYSENTER_ESP, 0);
		vmcs_writel(GUEST_SYSENTER_EIP, 0);
		vmx_set_kernel_gs_base(vmx, 0);
		vmx->star = vmx->lstar = vmx->cstar = vmx->syscall_mask = 0;
		vmx->tsc_aux = 0;
		vmx->feature_control = 0;
		vmx->sw.spec_guest = 0;
		vmx_user_msr_changed(vmx);
	}
	vmx_load_pat(vmx);
	vmx_write_tsc_multiplier(&vmx->vcpu, vmx->vcpu.arch.tsc_multiplier);
}

/* --- speculation controls --- */

/*
 * A guest that never sets it, as most do not, saves the host reading it back at
 * every exit; one that does is let through from then on.
 */
static int vmx_set_spec_ctrl(struct vmx_vcpu *vmx, u64 data, bool host)
{
	if (!lodge_spec_ctrl_valid(&vmx->vcpu, data, host))
		return -EINVAL;
	vmx->sw.spec_guest = data;
	if (data && !vmx->sw.spec_readback) {
		vmx->sw.spec_readback = true;
		vmx_update_msr_intercepts(&vmx->vcpu);
	}
	return 0;
}

static int vmx_set_pred_cmd(struct vmx_vcpu *vmx, u64 data, bool host)
{
	if (!lodge_pred_cmd_valid(&vmx->vcpu, data, host))
		return -EINVAL;
	if (!data)
		return 0;
	wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	if (!vmx->pred_cmd_used) {
		vmx->pred_cmd_used = true;
		vmx_update_msr_intercepts(&vmx->vcpu);
	}
	return 0;
}

static int vmx_set_flush_cmd(struct vmx_vcpu *vmx, u64 data, bool host)
{
	if (!lodge_flush_cmd_valid(&vmx->vcpu, data, host))
		return -EINVAL;
	if (data)
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	return 0;
}

/* --- the others --- */

/*
 * Single-stepping by branches is the guest's own.  The last-branch records are
 * not switched with it: as with KVM on such a CPU the bit can be written and stays
 * clear, for guests write it without asking.
 */
static int vmx_set_debugctl(struct vmx_vcpu *vmx, u64 data)
{
	if (data & ~(u64)(DEBUGCTLMSR_BTF | DEBUGCTLMSR_LBR))
		return -EINVAL;
	vmcs_write64(GUEST_IA32_DEBUGCTL, data & DEBUGCTLMSR_BTF);
	vmx->slow |= VMX_SLOW_TRAP;
	return 0;
}

/*
 * As firmware that knows nothing of VMX leaves it: the guest may lock it, and
 * turn on local machine checks where it has them.
 */
static int vmx_set_feature_control(struct vmx_vcpu *vmx, u64 data, bool host)
{
	u64 valid = FEAT_CTL_LOCKED;

	if (vmx->vcpu.arch.mcg_cap & MCG_LMCE_P)
		valid |= FEAT_CTL_LMCE_ENABLED;
	if ((data & ~valid) || (!host && (vmx->feature_control & FEAT_CTL_LOCKED)))
		return -EINVAL;
	vmx->feature_control = data;
	return 0;
}

static int vmx_set_tsc_aux(struct vmx_vcpu *vmx, u64 data, bool host)
{
	const struct kvm_cpuid_entry2 *leaf7 = lodge_cpuid_find(&vmx->vcpu, 7, 0);

	if (vmx_uret_slots[VMX_URET_TSC_AUX] < 0)
		return -EINVAL;
	if (!host && !lodge_has(&vmx->vcpu.arch, LODGE_F_RDTSCP) &&
	    !(leaf7 && leaf7->ecx & BIT(X86_FEATURE_RDPID % 32)))
		return -EINVAL;
	/* SDM vol. 4, IA32_TSC_AUX: bits 63:32 are reserved. */
	if (data >> 32)
		return -EINVAL;
	vmx->tsc_aux = data;
	vmx_user_msr_changed(vmx);
	return 0;
}

static int vmx_set_pat(struct vmx_vcpu *vmx, u64 data)
{
	if (!lodge_pat_valid(data))
		return -EINVAL;
	vmx->vcpu.arch.pat = data;
	vmx_load_pat(vmx);
	return 0;
}

static int vmx_address_bits(struct lodge_vcpu *vcpu)
{
	return lodge_cr4(vcpu) & X86_CR4_LA57 ? 57 : 48;
}

/* MSRs that hold an address which VM entry, or WRMSR on the host, wants canonical. */
static int vmx_set_address(struct vmx_vcpu *vmx, u32 index, u64 data)
{
	if (!__is_canonical_address(data, vmx_address_bits(&vmx->vcpu)))
		return -EINVAL;
	switch (index) {
	case MSR_FS_BASE:
		vmx_set_segment_base(&vmx->vcpu, LODGE_SEG_FS, data);
		break;
	case MSR_GS_BASE:
		vmx_set_segment_base(&vmx->vcpu, LODGE_SEG_GS, data);
		break;
	case MSR_KERNEL_GS_BASE:
		vmx_set_kernel_gs_base(vmx, data);
		break;
	case MSR_LSTAR:
		vmx->lstar = data;
		vmx_user_msr_changed(vmx);
		break;
	case MSR_CSTAR:
		/* SYSCALL of 32-bit code is #UD on this vendor's CPUs: nothing reads it. */
		vmx->cstar = data;
		break;
	}
	return 0;
}

int vmx_get_msr(struct lodge_vcpu *vcpu, u32 index, u64 *data)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	switch (index) {
	case MSR_FS_BASE:
		*data = vmx_get_segment_base(vcpu, LODGE_SEG_FS);
		return 0;
	case MSR_GS_BASE:
		*data = vmx_get_segment_base(vcpu, LODGE_SEG_GS);
		return 0;
	case MSR_KERNEL_GS_BASE:
		*data = vmx_get_kernel_gs_base(vmx);
		return 0;
	case MSR_IA32_SYSENTER_CS:
		*data = vmcs_read32(GUEST_SYSENTER_CS);
		return 0;
	case MSR_IA32_SYSENTER_ESP:
		*data = vmcs_readl(GUEST_SYSENTER_ESP);
		return 0;
	case MSR_IA32_SYSENTER_EIP:
		*data = vmcs_readl(GUEST_SYSENTER_EIP);
		return 0;
	case MSR_STAR:
		*data = vmx->star;
		return 0;
	case MSR_LSTAR:
		*data = vmx->lstar;
		return 0;
	case MSR_CSTAR:
		*data = vmx->cstar;
		return 0;
	case MSR_SYSCALL_MASK:
		*data = vmx->syscall_mask;
		return 0;
	case MSR_TSC_AUX:
		*data = vmx->tsc_aux;
		return vmx_uret_slots[VMX_URET_TSC_AUX] < 0 ? -EINVAL : 0;
	case MSR_IA32_SPEC_CTRL:
		*data = vmx->sw.spec_guest;
		return boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) ? 0 : -EINVAL;
	case MSR_IA32_CR_PAT:
		*data = vcpu->arch.pat;
		return 0;
	case MSR_IA32_DEBUGCTLMSR:
		*data = vmcs_read64(GUEST_IA32_DEBUGCTL);
		return 0;
	case MSR_IA32_LASTBRANCHFROMIP:
	case MSR_IA32_LASTBRANCHTOIP:
	case MSR_IA32_LASTINTFROMIP:
	case MSR_IA32_LASTINTTOIP:
		*data = 0;
		return 0;
	case MSR_IA32_FEAT_CTL:
		*data = vmx->feature_control;
		return 0;
	}
	return -ENOENT;
}

int vmx_set_msr(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	switch (index) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_LSTAR:
	case MSR_CSTAR:
		return vmx_set_address(vmx, index, data);
	case MSR_IA32_SYSENTER_CS:
		vmcs_write32(GUEST_SYSENTER_CS, data);
		return 0;
	/*
	 * VM entry wants these canonical, and so does WRMSR; user space that knows
	 * of 32 bits only may have others.
	 */
	case MSR_IA32_SYSENTER_ESP:
		vmcs_writel(GUEST_SYSENTER_ESP,
			    __canonical_address(data, vmx_address_bits(vcpu)));
		return 0;
	case MSR_IA32_SYSENTER_EIP:
		vmcs_writel(GUEST_SYSENTER_EIP,
			    __canonical_address(data, vmx_address_bits(vcpu)));
		return 0;
	case MSR_STAR:
		vmx->star = data;
		vmx_user_msr_changed(vmx);
		return 0;
	case MSR_SYSCALL_MASK:
		/* SDM vol. 4, IA32_FMASK: bits 63:32 are reserved. */
		if (data >> 32)
			return -EINVAL;
		vmx->syscall_mask = data;
		vmx_user_msr_changed(vmx);
		return 0;
	case MSR_TSC_AUX:
		return vmx_set_tsc_aux(vmx, data, host);
	case MSR_IA32_SPEC_CTRL:
		return vmx_set_spec_ctrl(vmx, data, host);
	case MSR_IA32_PRED_CMD:
		return vmx_set_pred_cmd(vmx, data, host);
	case MSR_IA32_FLUSH_CMD:
		return vmx_set_flush_cmd(vmx, data, host);
	case MSR_IA32_CR_PAT:
		return vmx_set_pat(vmx, data);
	case MSR_IA32_DEBUGCTLMSR:
		return vmx_set_debugctl(vmx, data);
	case MSR_IA32_FEAT_CTL:
		return vmx_set_feature_control(vmx, data, host);
	}
	return -ENOENT;
}

/* --- the TSC --- */

void vmx_write_tsc_offset(struct lodge_vcpu *vcpu, u64 offset)
{
	vmcs_write64(TSC_OFFSET, offset);
}

/* SDM vol. 3, Time-Stamp Counter Offset and Multiplier: 48 bits of fraction. */
void vmx_write_tsc_multiplier(struct lodge_vcpu *vcpu, u64 mult)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx_uses(VMX_CPU2, SECONDARY_EXEC_TSC_SCALING))
		return;
	vmx_control(vmx, VMX_CPU2, SECONDARY_EXEC_TSC_SCALING, mult != 1ull << 48);
	vmcs_write64(TSC_MULTIPLIER, mult);
}
