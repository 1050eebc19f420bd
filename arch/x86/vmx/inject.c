// SPDX-License-Identifier: GPL-2.0
/*
 * Events on their way into the guest (SDM vol. 3, Event Injection), what becomes
 * of those that an exit interrupted, and the windows in which the guest can take
 * an interrupt or an NMI.
 *
 * One event at a time is in the VM-entry interruption-information field.  An exit
 * during its delivery, or during the delivery of what the guest's own instruction
 * raised, reports it in the IDT-vectoring information; it is then queued again by
 * vmx_requeue_event().
 */
#include <linux/ktime.h>
#include <asm/trapnr.h>

#include "request.h"
#include "vmx/vmx.h"

#define VMX_SHADOW	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/* INT3 and INTO: raised by an instruction, and returning behind it. */
static bool vmx_is_soft(u8 vector)
{
	return vector == BP_VECTOR || vector == OF_VECTOR;
}

static void vmx_write_event(struct vmx_vcpu *vmx, u32 info)
{
	info |= INTR_INFO_VALID_MASK;
	vmx->entry_info = info;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, info);
	/*
	 * A guest that executes HLT by itself (KVM_CAP_X86_DISABLE_EXITS) is left halted
	 * by an exit; RIP is behind the HLT already.
	 */
	if (vmx->vcpu.vm->arch.disabled_exits & KVM_X86_DISABLE_EXITS_HLT)
		vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
}

/* Software events return behind their instruction: its length goes with them. */
static void vmx_write_soft_event(struct vmx_vcpu *vmx, u32 info, u8 len)
{
	vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, len);
	vmx_write_event(vmx, info);
}

void vmx_inject_exception(struct lodge_vcpu *vcpu)
{
	struct lodge_exception *ex = &vcpu->arch.exception;
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 info = ex->nr;

	if (unlikely(vmx->realmode.real)) {
		ex->injected = false;
		vmx_realmode_inject(vcpu, ex->nr, vmx_is_soft(ex->nr) ? vmx->event_len ?: 1 : 0);
		return;
	}
	if (vmx_is_soft(ex->nr)) {
		/* One byte, unless a prefix was seen to be before it. */
		vmx_write_soft_event(vmx, info | INTR_TYPE_SOFT_EXCEPTION, vmx->event_len ?: 1);
		return;
	}
	/* None is pushed in real mode, and none may be asked for (Checks on VM-Entry Controls). */
	if (ex->has_error_code && lodge_is_protmode(vcpu)) {
		info |= INTR_INFO_DELIVER_CODE_MASK;
		/* Bits that no exception sets and no entry takes. */
		vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, (u16)ex->error_code);
	}
	vmx_write_event(vmx, info | INTR_TYPE_HARD_EXCEPTION);
}

void vmx_inject_irq(struct lodge_vcpu *vcpu, bool reinjected)
{
	struct lodge_interrupt *irq = &vcpu->arch.interrupt;

	if (unlikely(to_vmx(vcpu)->realmode.real)) {
		irq->injected = false;
		vmx_realmode_inject(vcpu, irq->nr, irq->soft ? irq->insn_len ?: 2 : 0);
		return;
	}
	if (irq->soft)
		/* User space that restores one does not know its length: INTn has two bytes. */
		vmx_write_soft_event(to_vmx(vcpu), irq->nr | INTR_TYPE_SOFT_INTR,
				     irq->insn_len ?: 2);
	else
		vmx_write_event(to_vmx(vcpu), irq->nr | INTR_TYPE_EXT_INTR);
}

void vmx_inject_nmi(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (unlikely(vmx->realmode.real)) {
		vcpu->arch.nmi_injected = false;
		vmx_set_nmi_mask(vcpu, true);
		vmx_realmode_inject(vcpu, X86_TRAP_NMI, 0);
		return;
	}
	/* With virtual NMIs the entry itself blocks further ones, and wants them open. */
	if (vmx_caps.vnmi)
		vmx_set_nmi_mask(vcpu, false);
	else
		vmx_set_nmi_mask(vcpu, true);
	vmx_write_event(vmx, X86_TRAP_NMI | INTR_TYPE_NMI_INTR);
}

void vmx_requeue_event(struct lodge_vcpu *vcpu, u32 info, u32 error_code, u32 insn_len)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct lodge_vcpu_arch *a = &vcpu->arch;
	u8 vector = info & VECTORING_INFO_VECTOR_MASK;

	vmx->event_len = 0;
	if (!(info & VECTORING_INFO_VALID_MASK))
		return;

	switch (info & VECTORING_INFO_TYPE_MASK) {
	case INTR_TYPE_NMI_INTR:
		a->nmi_injected = true;
		/* Its delivery, which blocked NMIs, is to be done once more. */
		vmx_set_nmi_mask(vcpu, false);
		break;
	case INTR_TYPE_SOFT_EXCEPTION:
		vmx->event_len = insn_len;
		fallthrough;
	case INTR_TYPE_HARD_EXCEPTION:
		lodge_requeue_exception(vcpu, vector, info & VECTORING_INFO_DELIVER_CODE_MASK,
					error_code);
		break;
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_EXT_INTR:
		a->interrupt.injected = true;
		a->interrupt.soft = (info & VECTORING_INFO_TYPE_MASK) == INTR_TYPE_SOFT_INTR;
		a->interrupt.insn_len = insn_len;
		a->interrupt.nr = vector;
		break;
	default:
		/* INT1: RIP is still there. */
		return;
	}
	lodge_request(vcpu, LODGE_REQ_EVENT);
}

void vmx_cancel_injection(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 info = vmx->entry_info, error = 0, len = 0;

	if (!info)
		return;
	vmx->entry_info = 0;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	if (info & INTR_INFO_DELIVER_CODE_MASK)
		error = vmcs_read32(VM_ENTRY_EXCEPTION_ERROR_CODE);
	if (info & INTR_TYPE_SOFT_INTR)
		len = vmcs_read32(VM_ENTRY_INSTRUCTION_LEN);
	vmx_requeue_event(vcpu, info, error, len);
}

/* --- interrupts --- */

u32 vmx_get_interrupt_shadow(struct lodge_vcpu *vcpu)
{
	u32 state = vmx_interruptibility(to_vmx(vcpu)), mask = 0;

	if (state & GUEST_INTR_STATE_STI)
		mask |= KVM_X86_SHADOW_INT_STI;
	if (state & GUEST_INTR_STATE_MOV_SS)
		mask |= KVM_X86_SHADOW_INT_MOV_SS;
	return mask;
}

static noinline void vmx_change_shadow(struct vmx_vcpu *vmx, u32 mask)
{
	u32 state = vmx_interruptibility(vmx) & ~VMX_SHADOW;

	/* Both at once is a state the CPU is never in (Checks on Guest Non-Register State). */
	if (mask & KVM_X86_SHADOW_INT_MOV_SS)
		state |= GUEST_INTR_STATE_MOV_SS;
	else if (mask & KVM_X86_SHADOW_INT_STI)
		state |= GUEST_INTR_STATE_STI;
	if (mask)
		vmx->slow |= VMX_SLOW_TRAP;
	else if (lodge_rflags(&vmx->vcpu) & X86_EFLAGS_TF)
		/* An instruction is done in software, and so is the trap that is due after it. */
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmx_set_interruptibility(vmx, state);
}

/* Every instruction that is skipped comes here, with nearly nothing to do. */
void vmx_set_interrupt_shadow(struct lodge_vcpu *vcpu, u32 mask)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (unlikely(mask | (vmx_interruptibility(vmx) & VMX_SHADOW) |
		     (lodge_rflags(vcpu) & X86_EFLAGS_TF)))
		vmx_change_shadow(vmx, mask);
}

/* The emulator executes a guest on its way to protected mode: an event has nowhere to go yet. */
static bool vmx_between_modes(struct vmx_vcpu *vmx)
{
	return unlikely(vmx->slow & VMX_SLOW_REALMODE) && !vmx->realmode.real &&
	       !vmx_realmode_settle(vmx);
}

bool vmx_irq_allowed(struct lodge_vcpu *vcpu)
{
	return (lodge_rflags(vcpu) & X86_EFLAGS_IF) &&
	       !(vmx_interruptibility(to_vmx(vcpu)) & VMX_SHADOW) &&
	       !vmx_between_modes(to_vmx(vcpu));
}

void vmx_enable_irq_window(struct lodge_vcpu *vcpu)
{
	vmx_control(to_vmx(vcpu), VMX_CPU, CPU_BASED_INTR_WINDOW_EXITING, true);
}

/* Without virtual NMIs it may be the NMI window that was waited for. */
int vmx_exit_irq_window(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx_control(vmx, VMX_CPU, CPU_BASED_INTR_WINDOW_EXITING, false);
	vmx->nmi_blocked = false;
	vcpu->stats.irq_window_exits++;
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return LODGE_RESUME;
}

/* --- NMIs --- */

/*
 * With virtual NMIs the CPU blocks them from the delivery of one until IRET, and
 * says so in the interruptibility state.  Without, IRET goes unseen: the handler
 * counts as over when the guest opens interrupts, which handlers do not before
 * their IRET, or, in a guest that keeps them closed, after a second.
 */
#define VMX_NMI_TIMEOUT	NSEC_PER_SEC

bool vmx_get_nmi_mask(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (vmx_caps.vnmi)
		return vmx_interruptibility(vmx) & GUEST_INTR_STATE_NMI;
	if (vmx->nmi_blocked && ktime_get_ns() - vmx->nmi_blocked_since > VMX_NMI_TIMEOUT)
		vmx->nmi_blocked = false;
	return vmx->nmi_blocked;
}

void vmx_set_nmi_mask(struct lodge_vcpu *vcpu, bool masked)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 state;

	if (!vmx_caps.vnmi) {
		if (masked && !vmx->nmi_blocked)
			vmx->nmi_blocked_since = ktime_get_ns();
		vmx->nmi_blocked = masked;
		if (masked)
			vmx->slow |= VMX_SLOW_NMI;
		return;
	}
	state = vmx_interruptibility(vmx) & ~GUEST_INTR_STATE_NMI;
	vmx_set_interruptibility(vmx, masked ? state | GUEST_INTR_STATE_NMI : state);
}

/*
 * Without virtual NMIs, after an exit, while one is being handled as far as is known.  What
 * the exit says of blocking is the CPU's own, and an entry with it would hold off the
 * host's NMIs until the next exit (SDM vol. 3, Interruptibility State).
 */
void vmx_nmi_check(struct vmx_vcpu *vmx)
{
	vmx_set_interruptibility(vmx, vmx_interruptibility(vmx) & ~GUEST_INTR_STATE_NMI);
	if (vmx_get_nmi_mask(&vmx->vcpu))
		return;
	vmx->slow &= ~VMX_SLOW_NMI;
	lodge_request(&vmx->vcpu, LODGE_REQ_EVENT);
}

void vmx_iret_interrupted(struct vmx_vcpu *vmx)
{
	if (vmx_caps.vnmi)
		vmx_set_nmi_mask(&vmx->vcpu, true);
}

/* An entry may refuse to inject an NMI in either shadow (Checks on Guest Non-Register State). */
bool vmx_nmi_allowed(struct lodge_vcpu *vcpu)
{
	return !(vmx_interruptibility(to_vmx(vcpu)) & VMX_SHADOW) && !vmx_get_nmi_mask(vcpu) &&
	       !vmx_between_modes(to_vmx(vcpu));
}

/*
 * The NMI window does not open in an STI's shadow on every CPU; with interrupts
 * then enabled, the interrupt window opens behind it as well.
 */
void vmx_enable_nmi_window(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx_caps.vnmi || (vmx_interruptibility(vmx) & GUEST_INTR_STATE_STI))
		vmx_enable_irq_window(vcpu);
	else
		vmx_control(vmx, VMX_CPU, CPU_BASED_NMI_WINDOW_EXITING, true);
}

int vmx_exit_nmi_window(struct lodge_vcpu *vcpu)
{
	vmx_control(to_vmx(vcpu), VMX_CPU, CPU_BASED_NMI_WINDOW_EXITING, false);
	vcpu->stats.nmi_window_exits++;
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return LODGE_RESUME;
}
