// SPDX-License-Identifier: GPL-2.0
/* KVM_GET/SET_VCPU_EVENTS: what is on its way into the guest, for migration. */
#include "backend.h"
#include "irqchip/irqchip.h"
#include "regs_inline.h"

#define VALID_FLAGS (KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR | \
		     KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM | \
		     KVM_VCPUEVENT_VALID_PAYLOAD | KVM_VCPUEVENT_VALID_TRIPLE_FAULT)

static void get_exception(struct lodge_vcpu *vcpu, struct kvm_vcpu_events *ev)
{
	struct lodge_exception *e = &vcpu->arch.exception;

	if (vcpu->arch.exception_payload) {
		ev->exception.injected = e->injected;
		ev->exception.pending = e->pending;
		ev->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	} else {
		/*
		 * User space does not know "pending": it is told of an exception
		 * already delivered, so its payload must be where delivery puts it.
		 */
		if (e->pending)
			lodge_deliver_payload(vcpu);
		ev->exception.injected = e->injected || e->pending;
	}
	ev->exception.nr = e->nr;
	ev->exception.has_error_code = e->has_error_code;
	ev->exception.error_code = e->error_code;
	ev->exception_has_payload = e->has_payload;
	ev->exception_payload = e->payload;
}

void lodge_get_vcpu_events(struct lodge_vcpu *vcpu, struct kvm_vcpu_events *ev)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	memset(ev, 0, sizeof(*ev));
	get_exception(vcpu, ev);
	ev->interrupt.injected = a->interrupt.injected && !a->interrupt.soft;
	ev->interrupt.nr = a->interrupt.nr;
	ev->interrupt.shadow = lodge_be(get_interrupt_shadow)(vcpu);
	ev->nmi.injected = a->nmi_injected;
	ev->nmi.pending = min(a->nmi_pending + atomic_read(&a->nmi_queued), 2);
	ev->nmi.masked = lodge_be(get_nmi_mask)(vcpu);
	ev->flags |= KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW |
		     KVM_VCPUEVENT_VALID_SMM;
	if (a->triple_fault_event) {
		ev->triple_fault.pending = test_bit(LODGE_REQ_TRIPLE_FAULT, &vcpu->requests);
		ev->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

/* What the flags and fields may say; SMM is not offered, so no vCPU is in it. */
static bool events_valid(struct lodge_vcpu *vcpu, const struct kvm_vcpu_events *ev)
{
	if (ev->flags & ~VALID_FLAGS)
		return false;
	if ((ev->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && !vcpu->arch.exception_payload)
		return false;
	if ((ev->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) && !vcpu->arch.triple_fault_event)
		return false;
	if ((ev->flags & KVM_VCPUEVENT_VALID_SMM) &&
	    (ev->smi.smm || ev->smi.pending || ev->smi.smm_inside_nmi))
		return false;
	if ((ev->exception.injected || ev->exception.pending) &&
	    (ev->exception.nr > 31 || ev->exception.nr == X86_TRAP_NMI))
		return false;
	return true;
}

static void set_exception(struct lodge_vcpu *vcpu, const struct kvm_vcpu_events *ev)
{
	struct lodge_exception *e = &vcpu->arch.exception;
	bool knows = ev->flags & KVM_VCPUEVENT_VALID_PAYLOAD;

	/* Both would be two exceptions at once; the one that is still to come counts. */
	e->pending = knows && ev->exception.pending;
	e->injected = !e->pending && ev->exception.injected;
	e->nr = ev->exception.nr;
	e->has_error_code = ev->exception.has_error_code;
	e->error_code = ev->exception.error_code;
	e->has_payload = e->pending && ev->exception_has_payload;
	e->payload = e->has_payload ? ev->exception_payload : 0;
}

int lodge_set_vcpu_events(struct lodge_vcpu *vcpu, const struct kvm_vcpu_events *ev)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (!events_valid(vcpu, ev))
		return -EINVAL;

	set_exception(vcpu, ev);
	a->interrupt.injected = ev->interrupt.injected;
	a->interrupt.nr = ev->interrupt.nr;
	a->interrupt.soft = ev->interrupt.soft;
	if (ev->flags & KVM_VCPUEVENT_VALID_SHADOW)
		lodge_be(set_interrupt_shadow)(vcpu, ev->interrupt.shadow);
	a->nmi_injected = ev->nmi.injected;
	if (ev->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		a->nmi_pending = 0;
		atomic_set(&a->nmi_queued, ev->nmi.pending);
		if (ev->nmi.pending)
			lodge_request(vcpu, LODGE_REQ_NMI);
	}
	lodge_be(set_nmi_mask)(vcpu, ev->nmi.masked);
	if (ev->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR)
		a->sipi_vector = ev->sipi_vector;
	if (ev->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
		if (ev->triple_fault.pending)
			lodge_request(vcpu, LODGE_REQ_TRIPLE_FAULT);
		else
			clear_bit(LODGE_REQ_TRIPLE_FAULT, &vcpu->requests);
	}
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}
