// SPDX-License-Identifier: GPL-2.0
/*
 * Events on their way into the guest (APM vol. 2, Event Injection), what becomes
 * of those that an exit interrupted, and the windows in which the guest can take
 * an interrupt or an NMI.
 *
 * One event at a time is in EVENTINJ.  An exit during its delivery, or during the
 * delivery of what the guest's own instruction raised, reports it in EXITINTINFO;
 * it is then queued again by svm_requeue_event(), unless going back to the
 * instruction raises it again by itself.
 */
#include <uapi/asm/debugreg.h>
#include <asm/trapnr.h>

#include "request.h"
#include "svm/svm.h"

/* INT3 and INTO: raised by an instruction, and returning behind it. */
static bool svm_is_soft(u8 vector)
{
	return vector == BP_VECTOR || vector == OF_VECTOR;
}

bool svm_event_is_soft(u32 info)
{
	u32 type = info & SVM_EXITINTINFO_TYPE_MASK;

	return type == SVM_EXITINTINFO_TYPE_SOFT ||
	       (type == SVM_EXITINTINFO_TYPE_EXEPT && svm_is_soft(info & SVM_EXITINTINFO_VEC_MASK));
}

/*
 * The guest's handler must return behind the INT3 or INTO at RIP, both of one
 * byte.  The CPU takes that address from the VMCB's next RIP where it saves it;
 * elsewhere from RIP, which is put back if delivery fails.
 */
static void svm_inject_soft(struct svm_vcpu *svm)
{
	unsigned long *rip = &svm->vcpu.arch.regs[LODGE_RIP];

	svm->soft_injected = true;
	svm->soft_rip = *rip;
	svm->soft_next_rip = *rip + 1;
	if (svm_caps.nrips)
		svm->vmcb->control.next_rip = svm->soft_next_rip;
	else
		*rip = svm->soft_next_rip;
}

void svm_inject_exception(struct lodge_vcpu *vcpu)
{
	const struct lodge_exception *ex = &vcpu->arch.exception;
	struct svm_vcpu *svm = to_svm(vcpu);
	u32 info = ex->nr | SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_EXEPT;

	if (svm_is_soft(ex->nr))
		svm_inject_soft(svm);
	if (ex->has_error_code)
		info |= SVM_EVTINJ_VALID_ERR;
	svm->vmcb->control.event_inj_err = ex->error_code;
	svm->vmcb->control.event_inj = info;
}

void svm_inject_irq(struct lodge_vcpu *vcpu, bool reinjected)
{
	struct lodge_interrupt *irq = &vcpu->arch.interrupt;

	/* RIP is still at the INTn: the guest executes it once more. */
	if (irq->soft) {
		irq->injected = false;
		return;
	}
	to_svm(vcpu)->vmcb->control.event_inj =
		irq->nr | SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_INTR;
}

void svm_inject_nmi(struct lodge_vcpu *vcpu)
{
	to_svm(vcpu)->vmcb->control.event_inj = SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_NMI;
	svm_set_nmi_mask(vcpu, true);
}

void svm_requeue_event(struct lodge_vcpu *vcpu, u32 info, u32 error_code)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	unsigned long *rip = &vcpu->arch.regs[LODGE_RIP];
	u8 vector = info & SVM_EXITINTINFO_VEC_MASK;
	bool ours = svm->soft_injected;

	svm->soft_injected = false;
	if (!(info & SVM_EXITINTINFO_VALID))
		return;

	switch (info & SVM_EXITINTINFO_TYPE_MASK) {
	case SVM_EXITINTINFO_TYPE_NMI:
		vcpu->arch.nmi_injected = true;
		break;
	case SVM_EXITINTINFO_TYPE_EXEPT:
		if (svm_is_soft(vector)) {
			if (!ours)
				return;
			if (*rip == svm->soft_next_rip)
				*rip = svm->soft_rip;
		}
		lodge_requeue_exception(vcpu, vector, info & SVM_EXITINTINFO_VALID_ERR,
					error_code);
		break;
	case SVM_EXITINTINFO_TYPE_INTR:
		vcpu->arch.interrupt.injected = true;
		vcpu->arch.interrupt.soft = false;
		vcpu->arch.interrupt.nr = vector;
		break;
	default:
		/* INTn: RIP is still there. */
		return;
	}
	lodge_request(vcpu, LODGE_REQ_EVENT);
}

void svm_cancel_injection(struct lodge_vcpu *vcpu)
{
	struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;
	u32 info = control->event_inj;

	control->event_inj = 0;
	svm_requeue_event(vcpu, info, control->event_inj_err);
}

/* --- interrupts --- */

static bool svm_gif(const struct svm_vcpu *svm)
{
	return !svm_caps.vgif || (svm->vmcb->control.int_ctl & V_GIF_MASK);
}

u32 svm_get_interrupt_shadow(struct lodge_vcpu *vcpu)
{
	/* The VMCB does not tell STI from MOV SS. */
	if (to_svm(vcpu)->vmcb->control.int_state & SVM_INTERRUPT_SHADOW_MASK)
		return KVM_X86_SHADOW_INT_STI | KVM_X86_SHADOW_INT_MOV_SS;
	return 0;
}

void svm_set_interrupt_shadow(struct lodge_vcpu *vcpu, u32 mask)
{
	struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;

	if (mask)
		control->int_state |= SVM_INTERRUPT_SHADOW_MASK;
	else
		control->int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
}

bool svm_irq_allowed(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	return (vcpu->arch.regs[LODGE_RFLAGS] & X86_EFLAGS_IF) &&
	       !(svm->vmcb->control.int_state & SVM_INTERRUPT_SHADOW_MASK) && svm_gif(svm);
}

/*
 * A virtual interrupt that beats every TPR makes the CPU exit when the guest
 * could take one (APM vol. 2, Virtual Interrupt Intercept); none is delivered.
 */
void svm_enable_irq_window(struct lodge_vcpu *vcpu)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	vmcb->control.int_vector = 0;
	vmcb->control.int_ctl |= V_IRQ_MASK | V_INTR_PRIO_MASK | V_IGN_TPR_MASK;
	vmcb_dirty(vmcb, VMCB_INTR);
	vmcb_intercept(vmcb, INTERCEPT_VINTR, true);
}

int svm_exit_vintr(struct lodge_vcpu *vcpu)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	vmcb->control.int_ctl &= ~V_IRQ_INJECTION_BITS_MASK;
	vmcb_dirty(vmcb, VMCB_INTR);
	vmcb_intercept(vmcb, INTERCEPT_VINTR, false);
	vcpu->stats.irq_window_exits++;
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return LODGE_RESUME;
}

void svm_update_cr8_intercept(struct lodge_vcpu *vcpu, int tpr, int irr)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	bool on = irr >= 0 && tpr >= irr >> 4;

	if (on != vmcb_intercepts(vmcb, INTERCEPT_CR8_WRITE))
		vmcb_intercept(vmcb, INTERCEPT_CR8_WRITE, on);
}

/* --- NMIs --- */

/*
 * The CPU does not block NMIs for the guest: it is blocked from the injection of
 * one until the IRET of its handler, which is intercepted.  The intercept comes
 * before the IRET executes, so the block ends when RIP is seen to have moved.
 */
bool svm_get_nmi_mask(struct lodge_vcpu *vcpu)
{
	return to_svm(vcpu)->nmi_state != SVM_NMI_OPEN;
}

void svm_set_nmi_mask(struct lodge_vcpu *vcpu, bool masked)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->nmi_state = masked ? SVM_NMI_BLOCKED : SVM_NMI_OPEN;
	svm->slow &= ~SVM_SLOW_IRET;
	vmcb_intercept(svm->vmcb, INTERCEPT_IRET, masked);
}

int svm_exit_iret(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->nmi_state = SVM_NMI_IRET;
	svm->slow |= SVM_SLOW_IRET;
	svm->nmi_iret_rip = vcpu->arch.regs[LODGE_RIP];
	vmcb_intercept(svm->vmcb, INTERCEPT_IRET, false);
	vcpu->stats.nmi_window_exits++;
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return LODGE_RESUME;
}

/* After an exit in SVM_NMI_IRET. */
void svm_nmi_iret_check(struct svm_vcpu *svm)
{
	if (svm->vcpu.arch.regs[LODGE_RIP] == svm->nmi_iret_rip)
		return;
	svm->nmi_state = SVM_NMI_OPEN;
	svm->slow &= ~SVM_SLOW_IRET;
	lodge_request(&svm->vcpu, LODGE_REQ_EVENT);
}

bool svm_nmi_allowed(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	return svm->nmi_state == SVM_NMI_OPEN &&
	       !(svm->vmcb->control.int_state & SVM_INTERRUPT_SHADOW_MASK) && svm_gif(svm);
}

/*
 * The handler's IRET exits by itself.  Past that, or in an interrupt shadow, one
 * instruction is in the way: step over it.
 */
void svm_enable_nmi_window(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (svm->nmi_state != SVM_NMI_BLOCKED)
		svm->slow |= SVM_SLOW_STEP;
}

/* RFLAGS.TF for the length of one entry. */
void svm_begin_step(struct svm_vcpu *svm)
{
	struct vmcb *vmcb = svm->vmcb;

	/*
	 * An injected event would push the TF that is ours.  Deliver it first;
	 * the interrupt sent here makes the guest exit right behind that.
	 */
	if (vmcb->control.event_inj & SVM_EVTINJ_VALID) {
		svm->slow &= ~SVM_SLOW_STEP;
		lodge_request(&svm->vcpu, LODGE_REQ_EVENT);
		lodge_send_reschedule(smp_processor_id());
		return;
	}
	svm->step_rip = vmcb->save.rip;
	svm->step_dr6 = vmcb->save.dr6;
	svm->step_guest_tf = vmcb->save.rflags & X86_EFLAGS_TF;
	vmcb->save.rflags |= X86_EFLAGS_TF;
}

void svm_end_step(struct svm_vcpu *svm)
{
	unsigned long *rflags = &svm->vcpu.arch.regs[LODGE_RFLAGS];
	bool iret_done = svm->nmi_state == SVM_NMI_IRET &&
			 svm->vcpu.arch.regs[LODGE_RIP] != svm->step_rip;

	/* What an IRET has popped is the guest's own. */
	if (!svm->step_guest_tf && !iret_done)
		*rflags &= ~X86_EFLAGS_TF;
	svm->slow &= ~SVM_SLOW_STEP;
	svm->slow |= SVM_SLOW_STEPPED;
	lodge_request(&svm->vcpu, LODGE_REQ_EVENT);
}

/* A #DB came: take the step's own cause out of @dr6, and out of the guest's DR6. */
unsigned long svm_strip_step(struct svm_vcpu *svm, unsigned long dr6)
{
	struct lodge_vcpu_arch *arch = &svm->vcpu.arch;

	if (!(svm->slow & SVM_SLOW_STEPPED) || svm->step_guest_tf ||
	    (arch->guest_debug & KVM_GUESTDBG_SINGLESTEP))
		return dr6;
	if (!(svm->slow & SVM_SLOW_DEBUG))
		arch->dr6 = (dr6 & ~DR_STEP) | (svm->step_dr6 & DR_STEP);
	return dr6 & ~DR_STEP;
}
