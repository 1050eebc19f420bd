/* SPDX-License-Identifier: GPL-2.0 */
/* Which event the guest gets at the next entry (events.c); used by enter.c. */
#ifndef LODGE_EVENTS_H
#define LODGE_EVENTS_H

#include "irqchip/irqchip.h"

/*
 * Put the next event into the control block and open the windows that those
 * left over need.  Loaded, own thread, preemption on or off; does not sleep.
 */
void lodge_inject_events(struct lodge_vcpu *vcpu);

/* An event is under way that injection must repeat or begin, whatever LODGE_REQ_EVENT says. */
static inline bool lodge_event_under_way(const struct lodge_vcpu *vcpu)
{
	const struct lodge_vcpu_arch *a = &vcpu->arch;

	return a->exception.pending | a->exception.injected | a->nmi_injected |
	       a->interrupt.injected;
}

/* User space has the PIC, an interrupt from it, and waits until the guest can take one. */
static inline bool lodge_user_waits(struct lodge_vcpu *vcpu)
{
	return READ_ONCE(vcpu->run->request_interrupt_window) &&
	       !lodge_irqchip_kernel(vcpu->vm) &&
	       (!vcpu->arch.lapic || lodge_lapic_accepts_pic(vcpu));
}

/* Count the NMIs that others asked for (LODGE_REQ_NMI). */
void lodge_collect_nmis(struct lodge_vcpu *vcpu);

/* kvm_run->ready_for_interrupt_injection. */
bool lodge_user_irq_ready(struct lodge_vcpu *vcpu);

/* KVM_INTERRUPT.  0; -EINVAL bad vector, -ENXIO PIC in the kernel, -EEXIST one is waiting. */
int lodge_user_interrupt(struct lodge_vcpu *vcpu, u32 vector);

#endif
