// SPDX-License-Identifier: GPL-2.0
/*
 * Exits decoded: from a VMX exit reason (SDM vol. 3, VMX Basic Exit Reasons) to
 * the neutral handler that acts on it (exit.h).
 */
#include <linux/nospec.h>
#include <asm/cpu.h>
#include <asm/trapnr.h>

#include "debug_regs.h"
#include "emulate.h"
#include "exit.h"
#include "vmx/vmx.h"

/* Behind the instruction that exited; outside 64-bit mode RIP has 32 bits. */
static unsigned long vmx_next_rip(struct lodge_vcpu *vcpu)
{
	unsigned long rip = lodge_rip(vcpu);
	unsigned long next = rip + vmcs_read32(VM_EXIT_INSTRUCTION_LEN);

	if (unlikely((next ^ rip) >> 32) && vmx_get_code_size(vcpu) != 8)
		next = (u32)next;
	return next;
}

int vmx_skip_instruction(struct lodge_vcpu *vcpu)
{
	return lodge_advance_rip(vcpu, vmx_next_rip(vcpu));
}

/* The host's own business, done by now: take the next turn. */
static int vmx_exit_host(struct lodge_vcpu *vcpu)
{
	return LODGE_RESUME;
}

static int vmx_exit_intr(struct lodge_vcpu *vcpu)
{
	vcpu->stats.irq_exits++;
	return LODGE_RESUME;
}

/* SDM vol. 3, Exit Qualification for I/O Instructions. */
#define VMX_IO_SIZE	GENMASK(2, 0)	/* less one */
#define VMX_IO_IN	BIT(3)
#define VMX_IO_STRING	BIT(4)

static int vmx_exit_io(struct lodge_vcpu *vcpu)
{
	unsigned long qual = vmcs_readl(EXIT_QUALIFICATION);
	u8 size = (qual & VMX_IO_SIZE) + 1;

	if (unlikely(qual & VMX_IO_STRING))
		return lodge_exit_string_io(vcpu);
	if (qual & VMX_IO_IN)
		return lodge_exit_in(vcpu, qual >> 16, size, vmx_next_rip(vcpu));
	return lodge_exit_out(vcpu, qual >> 16, size, vmx_next_rip(vcpu));
}

/* An instruction this guest does not have. */
static int vmx_exit_ud(struct lodge_vcpu *vcpu)
{
	lodge_queue_exception(vcpu, UD_VECTOR);
	return LODGE_RESUME;
}

static int vmx_exit_invlpg(struct lodge_vcpu *vcpu)
{
	return lodge_exit_invlpg(vcpu, vmcs_readl(EXIT_QUALIFICATION));
}

static int vmx_exit_triple_fault(struct lodge_vcpu *vcpu)
{
	return lodge_shutdown(vcpu);
}

/* SDM vol. 3, Exit Qualification for Task Switches; an event's, in its IDT-vectoring fields. */
static int vmx_exit_task_switch(struct lodge_vcpu *vcpu)
{
	unsigned long qual = vmcs_readl(EXIT_QUALIFICATION);
	u32 event = vmcs_read32(IDT_VECTORING_INFO_FIELD), type = event & VECTORING_INFO_TYPE_MASK;
	enum lodge_task_switch reason = (qual >> 30) & 3;
	bool insn = true, has_error = false;
	u32 error = 0;

	if (reason == LODGE_TASK_GATE && (event & VECTORING_INFO_VALID_MASK)) {
		insn = type == INTR_TYPE_SOFT_INTR || type == INTR_TYPE_SOFT_EXCEPTION ||
		       type == INTR_TYPE_PRIV_SW_EXCEPTION;
		has_error = event & VECTORING_INFO_DELIVER_CODE_MASK;
		if (has_error)
			error = vmcs_read32(IDT_VECTORING_ERROR_CODE);
	}
	return lodge_task_switch(vcpu, qual, reason, insn, has_error, error);
}

/* --- exceptions --- */

/*
 * The qualification has what DR6 would have been given, in the form of a payload
 * (SDM vol. 3, Exit Qualification for Debug Exceptions); DR6 is as it was.
 */
static int vmx_exit_db(struct lodge_vcpu *vcpu, u32 info)
{
	unsigned long causes = vmcs_readl(EXIT_QUALIFICATION);

	/* In a shadow, single-stepping must be seen to be pending: run.c. */
	to_vmx(vcpu)->slow |= VMX_SLOW_TRAP;
	/* INT1 is a trap, but its exit is before it. */
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION) {
		int r = vmx_skip_instruction(vcpu);

		if (r != LODGE_RESUME)
			return r;
	}
	return lodge_exit_debug(vcpu, causes ^ LODGE_DR6_ACTIVE_LOW);
}

/*
 * The guest's own alignment checking, or a locked access across cache lines that
 * the host wants to know of (the kernel's split_lock_detect=), which the guest
 * cannot make sense of.
 */
static int vmx_exit_ac(struct lodge_vcpu *vcpu)
{
	bool wanted = vmx_get_cpl(vcpu) == 3 && (lodge_cr0(vcpu) & X86_CR0_AM) &&
		      (lodge_rflags(vcpu) & X86_EFLAGS_AC);
	u32 error = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);

	if (wanted || !boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT)) {
		lodge_queue_exception_e(vcpu, AC_VECTOR, error);
		return LODGE_RESUME;
	}
	if (handle_guest_split_lock(lodge_rip(vcpu)))
		return LODGE_RESUME;
	vcpu->run->exit_reason = KVM_EXIT_EXCEPTION;
	vcpu->run->ex.exception = AC_VECTOR;
	vcpu->run->ex.error_code = error;
	return LODGE_TO_USER;
}

static int vmx_exit_exception(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 info = vmcs_read32(VM_EXIT_INTR_INFO);
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		return vmx_exit_host(vcpu);
	if ((info & INTR_INFO_UNBLOCK_NMI) && vector != DF_VECTOR &&
	    !(vmcs_read32(IDT_VECTORING_INFO_FIELD) & VECTORING_INFO_VALID_MASK))
		vmx_iret_interrupted(vmx);

	switch (vector) {
	case DB_VECTOR:
		return vmx_exit_db(vcpu, info);
	case BP_VECTOR:
		if (!(vcpu->arch.guest_debug & KVM_GUESTDBG_USE_SW_BP))
			break;
		vmx->event_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
		return lodge_exit_breakpoint(vcpu);
	case UD_VECTOR:
		return lodge_emulate(vcpu, 0, LODGE_EMU_UD, NULL, 0);
	case AC_VECTOR:
		return vmx_exit_ac(vcpu);
	case PF_VECTOR:
		if (lodge_caps.tdp.enabled)
			break;
		return vmx_exit_pf(vcpu);
	case MC_VECTOR:
		return vmx_exit_host(vcpu);
	}
	if (vmx->realmode.real)
		return vmx_realmode_exception(vcpu, vector);
	return lodge_unknown_exit(vcpu, vmx->exit_reason);
}

/* --- dispatch --- */

static int (*const vmx_exits[])(struct lodge_vcpu *vcpu) = {
	[EXIT_REASON_EXCEPTION_NMI]	= vmx_exit_exception,
	[EXIT_REASON_EXTERNAL_INTERRUPT] = vmx_exit_intr,
	[EXIT_REASON_TRIPLE_FAULT]	= vmx_exit_triple_fault,
	[EXIT_REASON_INTERRUPT_WINDOW]	= vmx_exit_irq_window,
	[EXIT_REASON_NMI_WINDOW]	= vmx_exit_nmi_window,
	[EXIT_REASON_TASK_SWITCH]	= vmx_exit_task_switch,
	[EXIT_REASON_CPUID]		= lodge_exit_cpuid,
	[EXIT_REASON_HLT]		= lodge_exit_hlt,
	[EXIT_REASON_INVD]		= lodge_exit_wbinvd,
	[EXIT_REASON_INVLPG]		= vmx_exit_invlpg,
	[EXIT_REASON_RDPMC]		= lodge_exit_rdpmc,
	[EXIT_REASON_VMCALL]		= lodge_exit_hypercall,
	[EXIT_REASON_VMCLEAR ... EXIT_REASON_VMON] = vmx_exit_ud,
	[EXIT_REASON_CR_ACCESS]		= vmx_exit_cr,
	[EXIT_REASON_DR_ACCESS]		= vmx_exit_dr,
	[EXIT_REASON_IO_INSTRUCTION]	= vmx_exit_io,
	[EXIT_REASON_MSR_READ]		= lodge_exit_rdmsr,
	[EXIT_REASON_MSR_WRITE]		= lodge_exit_wrmsr,
	[EXIT_REASON_MWAIT_INSTRUCTION]	= lodge_exit_mwait,
	[EXIT_REASON_MONITOR_INSTRUCTION] = lodge_exit_mwait,
	[EXIT_REASON_PAUSE_INSTRUCTION]	= lodge_exit_pause,
	[EXIT_REASON_MCE_DURING_VMENTRY] = vmx_exit_host,
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = vmx_exit_tpr_below_threshold,
	[EXIT_REASON_APIC_ACCESS]	= vmx_exit_apic_access,
	[EXIT_REASON_EOI_INDUCED]	= vmx_exit_eoi_induced,
	[EXIT_REASON_EPT_VIOLATION]	= vmx_exit_ept_violation,
	[EXIT_REASON_EPT_MISCONFIG]	= vmx_exit_ept_misconfig,
	[EXIT_REASON_INVEPT]		= vmx_exit_ud,
	[EXIT_REASON_PREEMPTION_TIMER]	= vmx_exit_preemption_timer,
	[EXIT_REASON_INVVPID]		= vmx_exit_ud,
	[EXIT_REASON_WBINVD]		= lodge_exit_wbinvd,
	[EXIT_REASON_XSETBV]		= lodge_exit_xsetbv,
	[EXIT_REASON_APIC_WRITE]	= vmx_exit_apic_write,
	[EXIT_REASON_VMFUNC]		= vmx_exit_ud,
	[EXIT_REASON_ENCLS]		= vmx_exit_ud,
	[EXIT_REASON_INVPCID]		= vmx_exit_invpcid,
	[EXIT_REASON_PML_FULL]		= vmx_exit_pml_full,
};

/*
 * The guest did not run.  Either VMLAUNCH or VMRESUME refused the controls or the
 * host's state (SDM vol. 3, VM Instruction Error Numbers), or the guest's state
 * was refused (VM-Entry Failures During or After Loading Guest State).
 */
static int vmx_exit_failed_entry(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int r = LODGE_RESUME;

	/* It was not tried. */
	if (vmx->slow & VMX_SLOW_REALMODE)
		return vmx_realmode_emulate(vcpu);
	/* The host has dealt with a machine check: try again. */
	if (vmx_reason(vmx) != EXIT_REASON_MCE_DURING_VMENTRY) {
		vmx_dump(vcpu);
		vmx_explain_failed_entry(vcpu);
		r = lodge_fail_entry(vcpu, vmx->fail ?: vmx->exit_reason);
	}
	/* The event is not with the guest: it stays marked as injected, and is put there anew. */
	vmx->entry_info = 0;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	return r;
}

/*
 * What a busy guest exits for is called directly, since an indirect call may cost
 * as much as the handler; the table has everything.
 */
int vmx_handle_exit(struct lodge_vcpu *vcpu)
{
	u32 reason = to_vmx(vcpu)->exit_reason;

	/* VMX_NO_EXIT has the bit as well. */
	if (unlikely(reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return vmx_exit_failed_entry(vcpu);
	reason = (u16)reason;
	switch (reason) {
	case EXIT_REASON_MSR_WRITE:
		return lodge_exit_wrmsr(vcpu);
	case EXIT_REASON_IO_INSTRUCTION:
		return vmx_exit_io(vcpu);
	case EXIT_REASON_EPT_VIOLATION:
		return vmx_exit_ept_violation(vcpu);
	case EXIT_REASON_HLT:
		return lodge_exit_hlt(vcpu);
	case EXIT_REASON_CPUID:
		return lodge_exit_cpuid(vcpu);
	case EXIT_REASON_EXTERNAL_INTERRUPT:
		return vmx_exit_intr(vcpu);
	case EXIT_REASON_INTERRUPT_WINDOW:
		return vmx_exit_irq_window(vcpu);
	case EXIT_REASON_PREEMPTION_TIMER:
		return vmx_exit_preemption_timer(vcpu);
	}
	if (reason >= ARRAY_SIZE(vmx_exits))
		return lodge_unknown_exit(vcpu, reason);
	reason = array_index_nospec(reason, ARRAY_SIZE(vmx_exits));
	if (!vmx_exits[reason])
		return lodge_unknown_exit(vcpu, reason);
	return vmx_exits[reason](vcpu);
}

void vmx_get_exit_info(struct lodge_vcpu *vcpu, struct lodge_exit_info *info)
{
	info->reason = to_vmx(vcpu)->exit_reason;
	info->info1 = vmcs_readl(EXIT_QUALIFICATION);
	info->info2 = vmcs_read32(VM_EXIT_INTR_INFO);
	info->intr_info = vmcs_read32(IDT_VECTORING_INFO_FIELD);
	info->error_code = 0;
	if ((info->intr_info & VECTORING_INFO_VALID_MASK) &&
	    (info->intr_info & VECTORING_INFO_DELIVER_CODE_MASK))
		info->error_code = vmcs_read32(IDT_VECTORING_ERROR_CODE);
}

const char *vmx_exit_name(u32 reason)
{
	static const struct {
		u32 reason;
		const char *name;
	} names[] = { VMX_EXIT_REASONS };
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].reason == (u16)reason)
			return names[i].name;
	}
	return "unknown";
}
