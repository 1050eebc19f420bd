// SPDX-License-Identifier: GPL-2.0
/*
 * What kvm_run carries beside the exit: registers that user space changed or
 * wants to see (KVM_CAP_SYNC_REGS), CR8, the APIC base and whether an
 * interrupt can be injected.
 *
 * User space may write kvm_run at any time, so what is taken is copied first
 * and only the copy is looked at.
 */
#include "backend.h"
#include "events.h"
#include "regs_inline.h"
#include "run.h"

static int take_sync_regs(struct lodge_vcpu *vcpu, u64 dirty)
{
	struct kvm_sync_regs *user = &vcpu->run->s.regs;
	union {
		struct kvm_regs regs;
		struct kvm_sregs sregs;
		struct kvm_vcpu_events events;
	} copy;

	if (dirty & KVM_SYNC_X86_REGS) {
		memcpy(&copy.regs, &user->regs, sizeof(copy.regs));
		lodge_set_regs(vcpu, &copy.regs);
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		memcpy(&copy.sregs, &user->sregs, sizeof(copy.sregs));
		if (lodge_set_sregs(vcpu, &copy.sregs))
			return -EINVAL;
	}
	if (dirty & KVM_SYNC_X86_EVENTS) {
		memcpy(&copy.events, &user->events, sizeof(copy.events));
		if (lodge_set_vcpu_events(vcpu, &copy.events))
			return -EINVAL;
	}
	return 0;
}

int lodge_run_take(struct lodge_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 valid = READ_ONCE(run->kvm_valid_regs), dirty = READ_ONCE(run->kvm_dirty_regs);

	run->flags = 0;
	if ((valid | dirty) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	if (unlikely(dirty)) {
		int r = take_sync_regs(vcpu, dirty);

		if (r)
			return r;
		run->kvm_dirty_regs = 0;
	}
	/* User space that keeps the interrupt controllers has the TPR too. */
	if (!vcpu->arch.lapic && lodge_write_cr8(vcpu, READ_ONCE(run->cr8)))
		return -EINVAL;
	return 0;
}

void lodge_run_give(struct lodge_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 valid = READ_ONCE(run->kvm_valid_regs);

	run->if_flag = !!(lodge_rflags(vcpu) & X86_EFLAGS_IF);
	run->cr8 = lodge_read_cr8(vcpu);
	run->apic_base = vcpu->arch.apic_base;
	run->ready_for_interrupt_injection = lodge_user_irq_ready(vcpu);

	if (valid & KVM_SYNC_X86_REGS)
		lodge_get_regs(vcpu, &run->s.regs.regs);
	if (valid & KVM_SYNC_X86_SREGS)
		lodge_get_sregs(vcpu, &run->s.regs.sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		lodge_get_vcpu_events(vcpu, &run->s.regs.events);
}
