// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: where KVM_CAP_X86_TRIPLE_FAULT_EVENT is enabled, a triple fault that
 * user space sets in KVM_SET_VCPU_EVENTS ends the next KVM_RUN in
 * KVM_EXIT_SHUTDOWN before any instruction; where it is not enabled the flag
 * is refused with -EINVAL.
 */
#include "lodge_test.h"

static void guest_fine(void)
{
	guest_done();
}

FIXTURE(event) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(event)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_fine);
}

FIXTURE_TEARDOWN(event)
{
	vm_free(self->vm);
}

static int set_triple_fault(struct vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	must_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	events.flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	events.triple_fault.pending = 1;
	return try_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
}

TEST_F(event, triple_fault)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_TRIPLE_FAULT_EVENT,
		.args[0] = 1,
	};

	must_ioctl(self->vm->fd, KVM_ENABLE_CAP, &cap);
	EXPECT_EQ(0, set_triple_fault(self->vcpu));
	ASSERT_EQ(KVM_EXIT_SHUTDOWN, vcpu_run(self->vcpu));
	ASSERT_DONE(self->vcpu);
}

TEST_F(event, not_unless_enabled)
{
	EXPECT_EQ(-EINVAL, set_triple_fault(self->vcpu));
	ASSERT_DONE(self->vcpu);
}

LODGE_TEST_MAIN(KVM_CAP_X86_TRIPLE_FAULT_EVENT)
