// SPDX-License-Identifier: GPL-2.0
/*
 * From the registers in memory to the guest and back: what C does around the
 * world switch of entry.S, and a vCPU's coming to and going from a CPU.
 */
#include <linux/kvm_types.h>
#include <linux/preempt.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>

#include "debug_regs.h"
#include "guest_state.h"
#include "vmx/host.h"
#include "vmx/l1d.h"
#include "vmx/vmx.h"

void vmx_vcpu_load(struct lodge_vcpu *vcpu, int cpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct vmx_cpu *vc = per_cpu_ptr(&vmx_cpu, cpu);

	if (vmx_vmcs_load(&vmx->vmcs)) {
		vmx->sw.launched = 0;
		vmx_host_cpu(cpu);
		vmx_tlb_vcpu_moved(vmx, cpu);
	}
	if (vc->last != vmx->serial) {
		/* The guests' branch targets must not steer each other. */
		vc->last = vmx->serial;
		indirect_branch_prediction_barrier();
	}
	vmx->slow |= VMX_SLOW_HOST;
}

void vmx_vcpu_put(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!(vmx->slow & VMX_SLOW_HOST))
		vmx_host_restore(vmx);
}

/* --- before entry --- */

/*
 * RFLAGS.TF in an interrupt shadow: the trap is due behind the next instruction,
 * and the manual wants that said (SDM vol. 3, Checks on Guest Non-Register State,
 * pending debug exceptions).  A debugger that steps gives up the shadow instead.
 */
static void vmx_settle_trap(struct vmx_vcpu *vmx)
{
	const u32 shadow = GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS;
	u32 state = vmx_interruptibility(vmx);
	unsigned long pending;
	bool step;

	vmx->slow &= ~VMX_SLOW_TRAP;
	if (!(state & shadow))
		return;
	if (vmx->vcpu.arch.guest_debug & KVM_GUESTDBG_SINGLESTEP) {
		vmx_set_interruptibility(vmx, state & ~shadow);
		return;
	}
	step = (lodge_rflags(&vmx->vcpu) & X86_EFLAGS_TF) &&
	       !(vmcs_read64(GUEST_IA32_DEBUGCTL) & DEBUGCTLMSR_BTF);
	pending = vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS);
	if (step != !!(pending & DR_STEP))
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, pending ^ DR_STEP);
}

/* What vmx->slow asks for before entry.  False: there is to be none (realmode.c). */
static bool vmx_enter_slow(struct vmx_vcpu *vmx)
{
	if ((vmx->slow & VMX_SLOW_REALMODE) && !vmx_realmode_settle(vmx))
		return false;
	if (vmx->slow & VMX_SLOW_HOST) {
		vmx_host_prepare(vmx);
		vmx_load_user_msrs(vmx);
	}
	if (vmx->slow & VMX_SLOW_TRAP)
		vmx_settle_trap(vmx);
	if (vmx->slow & VMX_SLOW_DR)
		set_debugreg(vmx->vcpu.arch.dr6, 6);
	if (vmx->slow & VMX_SLOW_TIMER)
		vmx_timer_enter(vmx);
	if (vmx->slow & VMX_SLOW_POSTED)
		vmx_posted_enter(vmx);
	return true;
}

static void vmx_load_pdptrs(struct vmx_vcpu *vmx)
{
	const u64 *pdptrs = vmx->vcpu.arch.pdptrs;

	vmcs_write64(GUEST_PDPTR0, pdptrs[0]);
	vmcs_write64(GUEST_PDPTR1, pdptrs[1]);
	vmcs_write64(GUEST_PDPTR2, pdptrs[2]);
	vmcs_write64(GUEST_PDPTR3, pdptrs[3]);
}

/* What the host has changed of registers that the VMCS has. */
static void vmx_load_state(struct vmx_vcpu *vmx)
{
	struct lodge_vcpu *vcpu = &vmx->vcpu;
	u32 dirty = vcpu->arch.regs_dirty;

	if (dirty & BIT(LODGE_RIP))
		vmcs_writel(GUEST_RIP, vcpu->arch.regs[LODGE_RIP]);
	if (likely(!(dirty & (BIT(LODGE_RSP) | BIT(LODGE_RFLAGS) | BIT(LODGE_REG_PDPTR) |
			      BIT(LODGE_REG_TPR)))))
		return;
	if (dirty & BIT(LODGE_RSP))
		vmcs_writel(GUEST_RSP, vcpu->arch.regs[LODGE_RSP]);
	if (dirty & BIT(LODGE_RFLAGS)) {
		unsigned long rflags = vcpu->arch.regs[LODGE_RFLAGS];

		if (unlikely(vmx->realmode.real))
			rflags = vmx_realmode_rflags_in(vmx, rflags);
		vmcs_writel(GUEST_RFLAGS, rflags);
		vmx->slow |= VMX_SLOW_TRAP;
	}
	/* A CPU without EPT has no fields for them. */
	if ((dirty & BIT(LODGE_REG_PDPTR)) && lodge_caps.tdp.enabled && lodge_is_pae_paging(vcpu))
		vmx_load_pdptrs(vmx);
	if ((dirty & BIT(LODGE_REG_TPR)) && vmx->virtual_apic)
		vmx_load_tpr(vmx);
}

/* --- after an exit --- */

/* What the guest may have changed is read when it is asked for; nearly every exit asks for RIP. */
static void vmx_store_state(struct vmx_vcpu *vmx)
{
	struct lodge_vcpu *vcpu = &vmx->vcpu;

	vcpu->arch.regs[LODGE_RIP] = vmcs_readl(GUEST_RIP);
	vcpu->arch.regs_avail = ~(u32)(BIT(LODGE_RSP) | BIT(LODGE_RFLAGS) | BIT(LODGE_REG_CR0) |
				       BIT(LODGE_REG_CR3) | BIT(LODGE_REG_CR4) |
				       BIT(LODGE_REG_PDPTR));
	vcpu->arch.regs_dirty = 0;
	vmx->seen = 0;
	if (vmx->virtual_apic && unlikely(vmx_vtpr(vmx) != vmx->tpr))
		vmx_store_tpr(vmx);
}

/*
 * Exits that may come in the midst of an event's delivery (SDM vol. 3, Information
 * for VM Exits That Occur During Event Delivery); for others the field says nothing.
 */
static bool vmx_may_be_delivery(const struct vmx_vcpu *vmx)
{
	const u64 may = BIT_ULL(EXIT_REASON_EXCEPTION_NMI) | BIT_ULL(EXIT_REASON_TASK_SWITCH) |
			BIT_ULL(EXIT_REASON_APIC_ACCESS) | BIT_ULL(EXIT_REASON_EOI_INDUCED) |
			BIT_ULL(EXIT_REASON_EPT_VIOLATION) | BIT_ULL(EXIT_REASON_EPT_MISCONFIG) |
			BIT_ULL(EXIT_REASON_APIC_WRITE) | BIT_ULL(EXIT_REASON_PML_FULL);
	u16 reason = vmx_reason(vmx);

	return reason > 63 || (BIT_ULL(reason) & may);
}

static void vmx_settle_vectoring(struct vmx_vcpu *vmx)
{
	u32 info = vmcs_read32(IDT_VECTORING_INFO_FIELD), error = 0, len = 0;

	if (likely(!(info & VECTORING_INFO_VALID_MASK)))
		return;
	if (info & VECTORING_INFO_DELIVER_CODE_MASK)
		error = vmcs_read32(IDT_VECTORING_ERROR_CODE);
	if (info & INTR_TYPE_SOFT_INTR)		/* and both software exceptions */
		len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	vmx_requeue_event(&vmx->vcpu, info, error, len);
}

/* The event that the entry carried is the guest's now, or comes back by the vectoring. */
static void vmx_settle_injection(struct vmx_vcpu *vmx)
{
	struct lodge_vcpu_arch *arch = &vmx->vcpu.arch;

	vmx->entry_info = 0;
	arch->exception.injected = false;
	arch->interrupt.injected = false;
	arch->nmi_injected = false;
}

/*
 * A machine check that hit while the guest ran was intercepted, and the host's
 * handler has not seen it.  The frame says "user mode, interrupts on": the guest
 * is the context that was interrupted, and killing its process is a remedy.
 */
static void vmx_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs regs = {
		.cs = 3,
		.flags = X86_EFLAGS_IF,
	};

	do_machine_check(&regs);
#endif
}

#define VMX_INTR(type, vector)	(INTR_INFO_VALID_MASK | (type) | (vector))
#define VMX_INTR_MASK		(INTR_INFO_VALID_MASK | INTR_INFO_INTR_TYPE_MASK | \
				 INTR_INFO_VECTOR_MASK)

static bool vmx_exited_by_machine_check(const struct vmx_vcpu *vmx)
{
	switch (vmx_reason(vmx)) {
	case EXIT_REASON_EXCEPTION_NMI:
		return (vmcs_read32(VM_EXIT_INTR_INFO) & VMX_INTR_MASK) ==
		       VMX_INTR(INTR_TYPE_HARD_EXCEPTION, MC_VECTOR);
	case EXIT_REASON_MCE_DURING_VMENTRY:
		return true;
	}
	return false;
}

/* What vmx->slow asks for after an exit. */
static void vmx_leave_slow(struct vmx_vcpu *vmx)
{
	if (vmx->slow & VMX_SLOW_PML)
		vmx_pml_leave(vmx);
	if (vmx->slow & VMX_SLOW_APICV)
		vmx_apicv_leave(vmx);
	if (vmx->slow & VMX_SLOW_NMI)
		vmx_nmi_check(vmx);
}

/* --- the switch --- */

static __always_inline bool vmx_exited_by_nmi(const struct vmx_vcpu *vmx)
{
	return vmx_reason(vmx) == EXIT_REASON_EXCEPTION_NMI &&
	       (vmcs_read32(VM_EXIT_INTR_INFO) & (INTR_INFO_VALID_MASK |
						   INTR_INFO_INTR_TYPE_MASK)) ==
	       (INTR_INFO_VALID_MASK | INTR_TYPE_NMI_INTR);
}

static noinstr int vmx_enter_guest(struct vmx_vcpu *vmx)
{
	struct lodge_vcpu_arch *arch = &vmx->vcpu.arch;
	int r;

	lodge_guest_enter_irqoff(&vmx->vcpu);
	if (static_branch_unlikely(&vmx_l1d_on))
		vmx_l1d_flush(vmx);
#ifdef LODGE_HAVE_MMIO_STALE_KEY
	else if (static_branch_unlikely(&mmio_stale_data_clear))
		x86_clear_cpu_buffers();
#endif
	/* CR2 is in no VMCS: between here and the switch nothing of the host's faults. */
	if (unlikely(arch->cr2 != native_read_cr2()))
		native_write_cr2(arch->cr2);

	r = vmx_switch(arch->regs, &vmx->sw);

	arch->cr2 = native_read_cr2();
	if (likely(r == VMX_SWITCH_EXIT)) {
		vmx->exit_reason = vmcs_read32(VM_EXIT_REASON);
		/*
		 * NMIs are blocked until an IRET.  The host takes this one before
		 * any instrumented code could execute one by way of a trap.
		 */
		if (unlikely(vmx_exited_by_nmi(vmx)))
			vmx_call_nmi();
	}
	lodge_guest_exit_irqoff();
	return r;
}

/* VMLAUNCH or VMRESUME did not get as far as the guest's state. */
static void vmx_not_entered(struct vmx_vcpu *vmx, int r)
{
	vmx->exit_reason = VMX_NO_EXIT;
	vmx->fail = r == VMX_SWITCH_FAIL ? vmcs_read32(VM_INSTRUCTION_ERROR) : 0;
	if (vmx->slow & VMX_SLOW_DR)
		set_debugreg(DR6_RESERVED, 6);
}

/*
 * Interrupts are off since before requests were looked at (arch/x86/enter.c): a
 * kick that came after stays pending, and ends the guest at once.
 */
void vmx_run(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int r;

	if (vcpu->arch.regs_dirty)
		vmx_load_state(vmx);
	if (unlikely(vmx->slow) && !vmx_enter_slow(vmx)) {
		vmx->exit_reason = VMX_NO_EXIT;
		return;
	}
	vmx_host_control_regs(vmx);
	if (vmx_perf_switches)
		vmx_autoload_perf(vmx);
	if (static_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		vmx->sw.spec_host = this_cpu_read(x86_spec_ctrl_current);

	r = vmx_enter_guest(vmx);
	/* The CPU cleared it (SDM vol. 3, Loading MSRs; Loading Host Control Registers). */
	if (unlikely(vmx->host.debugctl))
		update_debugctlmsr(vmx->host.debugctl);
	if (unlikely(r != VMX_SWITCH_EXIT)) {
		vmx_not_entered(vmx, r);
		return;
	}

	vmx_store_state(vmx);
	if (unlikely(vmx->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY)) {
		vmx->fail = 0;
	} else {
		/* Not by an entry that failed (SDM vol. 3, VMLAUNCH/VMRESUME). */
		vmx->sw.launched = 1;
		if (vmx->entry_info)
			vmx_settle_injection(vmx);
		if (vmx_may_be_delivery(vmx))
			vmx_settle_vectoring(vmx);
	}
	if (unlikely(vmx->slow))
		vmx_leave_slow(vmx);
	if (unlikely(vmx_exited_by_machine_check(vmx)))
		vmx_machine_check();
}

/*
 * The exit took the interrupt from the local APIC, as the control "acknowledge
 * interrupt on exit" has it; what is left of its delivery is the host's gate.
 */
static noinline void vmx_deliver_to_host(u32 info)
{
	struct desc_ptr idt;
	const gate_desc *gate;

	if (WARN_ON_ONCE(!(info & INTR_INFO_VALID_MASK)))
		return;
	store_idt(&idt);
	gate = (const gate_desc *)idt.address + (info & INTR_INFO_VECTOR_MASK);
	vmx_call_gate(gate_offset(gate));
}

void vmx_handle_exit_irqoff(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (vmx_reason(vmx) == EXIT_REASON_EXTERNAL_INTERRUPT &&
	    (vmx->controls[VMX_EXIT] & VM_EXIT_ACK_INTR_ON_EXIT))
		vmx_deliver_to_host(vmcs_read32(VM_EXIT_INTR_INFO));
}
