// SPDX-License-Identifier: GPL-2.0
/*
 * Events: what wakes a halted vCPU, and which event it is given at the next
 * entry.
 *
 * A control block carries one event at a time.  What was in delivery when the
 * last exit came goes first, as the CPU would not take another in between.  New
 * events follow by the manuals' priorities (SDM vol. 3, Priority Among
 * Concurrent Events; APM vol. 2, Priorities): exceptions of the instruction
 * just executed, NMI, external interrupts.  What finds the control block taken,
 * or the guest not ready, opens a window: an exit when its time has come.
 */
#include "backend.h"
#include "events.h"
#include "irqchip/irqchip.h"
#include "regs_inline.h"
#include "run.h"
#include "trace.h"

static bool irq_pending(struct lodge_vcpu *vcpu)
{
	if (!vcpu->arch.lapic)
		return vcpu->arch.user_vector >= 0;
	return lodge_irq_pending(vcpu);
}

/* The same, but for what the CPU delivers by itself. */
static bool irq_to_inject(struct lodge_vcpu *vcpu)
{
	if (!vcpu->arch.lapic)
		return vcpu->arch.user_vector >= 0;
	return lodge_irq_injectable(vcpu);
}

static int irq_take(struct lodge_vcpu *vcpu)
{
	int vector;

	if (vcpu->arch.lapic)
		return lodge_irq_take(vcpu);
	vector = vcpu->arch.user_vector;
	vcpu->arch.user_vector = -1;
	return vector;
}

static bool waits_for_sipi(const struct lodge_vcpu *vcpu)
{
	return vcpu->arch.mp_state == KVM_MP_STATE_UNINITIALIZED ||
	       vcpu->arch.mp_state == KVM_MP_STATE_INIT_RECEIVED;
}

/* An interrupt or NMI that ends HLT. */
static bool event_ends_halt(struct lodge_vcpu *vcpu)
{
	const struct lodge_vcpu_arch *a = &vcpu->arch;

	if (lodge_event_under_way(vcpu))
		return true;
	if ((a->nmi_pending || atomic_read(&a->nmi_queued)) && lodge_be(nmi_allowed)(vcpu))
		return true;
	if (test_bit(LODGE_REQ_TRIPLE_FAULT, &vcpu->requests) || a->pv_unhalted)
		return true;
	return irq_pending(vcpu) && lodge_be(irq_allowed)(vcpu);
}

bool lodge_vcpu_has_wakeup(struct lodge_vcpu *vcpu)
{
	if (vcpu->arch.pending_init_sipi || test_bit(LODGE_REQ_VM_DEAD, &vcpu->requests))
		return true;
	if (waits_for_sipi(vcpu))
		return false;
	return event_ends_halt(vcpu);
}

void lodge_vcpu_woken(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (a->pending_init_sipi)
		lodge_lapic_accept_events(vcpu);
	if (test_bit(LODGE_REQ_VM_DEAD, &vcpu->requests))
		a->mp_state = KVM_MP_STATE_RUNNABLE;	/* lodge_enter() ends it */
	if (waits_for_sipi(vcpu))
		return;
	if (a->mp_state == KVM_MP_STATE_HALTED && event_ends_halt(vcpu)) {
		a->mp_state = KVM_MP_STATE_RUNNABLE;
		a->pv_unhalted = false;
		lodge_request(vcpu, LODGE_REQ_EVENT);
	}
}

void lodge_inject_nmi(struct lodge_vcpu *vcpu)
{
	atomic_inc(&vcpu->arch.nmi_queued);
	lodge_request(vcpu, LODGE_REQ_NMI);
	lodge_kick(vcpu);
}

void lodge_collect_nmis(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	/*
	 * The CPU latches one NMI beside the one it handles (SDM vol. 3,
	 * Handling Multiple NMIs); with none in the guest's hands, two count:
	 * the one to deliver and the one to latch.
	 */
	unsigned int limit = lodge_be(get_nmi_mask)(vcpu) || a->nmi_injected ? 1 : 2;

	a->nmi_pending = min(a->nmi_pending + (unsigned int)atomic_xchg(&a->nmi_queued, 0), limit);
	lodge_request(vcpu, LODGE_REQ_EVENT);
}

/* Put back what an exit interrupted. True if there was something. */
static bool reinject(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (a->exception.injected) {
		trace_kvm_inj_exception(a->exception.nr, a->exception.has_error_code,
					a->exception.error_code, true);
		lodge_be(inject_exception)(vcpu);
		return true;
	}
	if (a->exception.pending)
		return false;
	if (a->nmi_injected) {
		lodge_be(inject_nmi)(vcpu);
		return true;
	}
	if (a->interrupt.injected) {
		trace_kvm_inj_virq(a->interrupt.nr, a->interrupt.soft, true);
		lodge_be(inject_irq)(vcpu, true);
		return true;
	}
	return false;
}

/* Faults, but for instruction breakpoints, push RF set (SDM vol. 3, Resume Flag). */
static bool pushes_rf(u8 nr)
{
	switch (nr) {
	case X86_TRAP_DB:	/* as a fault it is prioritised by the CPU itself */
	case X86_TRAP_BP:
	case X86_TRAP_OF:
	case X86_TRAP_DF:
	case X86_TRAP_MC:
		return false;
	}
	return true;
}

static void inject_new_exception(struct lodge_vcpu *vcpu)
{
	struct lodge_exception *e = &vcpu->arch.exception;

	trace_kvm_inj_exception(e->nr, e->has_error_code, e->error_code, false);
	if (pushes_rf(e->nr))
		lodge_set_rflags(vcpu, lodge_rflags(vcpu) | X86_EFLAGS_RF);
	lodge_deliver_payload(vcpu);
	e->pending = false;
	e->injected = true;
	lodge_be(inject_exception)(vcpu);
}

static void inject_new_nmi(struct lodge_vcpu *vcpu)
{
	trace_kvm_inj_nmi(vcpu->id);
	vcpu->arch.nmi_pending--;
	vcpu->arch.nmi_injected = true;
	vcpu->stats.nmi_injections++;
	lodge_be(inject_nmi)(vcpu);
}

static void inject_new_irq(struct lodge_vcpu *vcpu)
{
	int vector = irq_take(vcpu);

	/* A level input of the PIC may have gone since it was seen. */
	if (vector < 0)
		return;
	trace_kvm_inj_virq(vector, false, false);
	vcpu->arch.interrupt.injected = true;
	vcpu->arch.interrupt.soft = false;
	vcpu->arch.interrupt.nr = vector;
	vcpu->stats.irq_injections++;
	lodge_be(inject_irq)(vcpu, false);
}

void lodge_inject_events(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	bool taken = reinject(vcpu);

	if (a->exception.pending && !taken) {
		inject_new_exception(vcpu);
		taken = true;
	}
	if (unlikely(a->guest_debug & KVM_GUESTDBG_BLOCKIRQ))
		return;

	if (a->nmi_pending) {
		if (!taken && lodge_be(nmi_allowed)(vcpu)) {
			inject_new_nmi(vcpu);
			taken = true;
		}
		if (a->nmi_pending)
			lodge_be(enable_nmi_window)(vcpu);
	}
	if (irq_to_inject(vcpu)) {
		if (!taken && lodge_be(irq_allowed)(vcpu))
			inject_new_irq(vcpu);
		if (irq_to_inject(vcpu))
			lodge_be(enable_irq_window)(vcpu);
	} else if (lodge_user_waits(vcpu)) {
		lodge_be(enable_irq_window)(vcpu);
	}
	if (a->lapic)
		lodge_be(update_cr8_intercept)(vcpu, lodge_lapic_tpr(vcpu) >> 4,
					       lodge_lapic_highest_irr(vcpu));
}

bool lodge_user_irq_ready(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (lodge_irqchip_kernel(vcpu->vm))
		return true;
	if (a->lapic && !lodge_lapic_accepts_pic(vcpu))
		return false;
	return a->user_vector < 0 && !lodge_event_under_way(vcpu) &&
	       lodge_be(irq_allowed)(vcpu);
}

int lodge_user_interrupt(struct lodge_vcpu *vcpu, u32 vector)
{
	if (vector > 255)
		return -EINVAL;
	if (lodge_irqchip_kernel(vcpu->vm))
		return -ENXIO;
	if (vcpu->arch.user_vector >= 0)
		return -EEXIST;
	vcpu->arch.user_vector = vector;
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}
