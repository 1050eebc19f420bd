// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_GET_VCPU_EVENTS tells what is queued, and KVM_SET_VCPU_EVENTS
 * restores it: an exception, an interrupt, an NMI and its blocking, the
 * interrupt shadow; unknown flags and an exception that is none are -EINVAL,
 * and of an exception that is both pending and injected the former counts.
 */
#include "lodge_test.h"

static volatile uint64_t seen_vector, seen_error;

static GUEST_HANDLER void note(struct trap_frame *frame)
{
	seen_vector = frame->vector;
	seen_error = frame->error;
}

static void guest_waits(void)
{
	unsigned int i;

	for (i = 0; i < 256; i++)
		guest_handlers[i] = note;
	guest_sync(1);
	guest_sync_args(2, seen_vector, seen_error, 0);
	guest_done();
}

FIXTURE(events) {
	struct vm *vm;
	struct vcpu *vcpu;
	struct kvm_vcpu_events events;
};

FIXTURE_SETUP(events)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_waits);
	ASSERT_STAGE(1, self->vcpu);
	must_ioctl(self->vcpu->fd, KVM_GET_VCPU_EVENTS, &self->events);
}

FIXTURE_TEARDOWN(events)
{
	vm_free(self->vm);
}

static void round_trip(struct vcpu *vcpu, struct kvm_vcpu_events *events)
{
	must_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, events);
	memset(events, 0xee, sizeof(*events));
	must_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, events);
}

TEST_F(events, quiet_at_first)
{
	EXPECT_EQ(0, self->events.exception.injected);
	EXPECT_EQ(0, self->events.exception.pending);
	EXPECT_EQ(0, self->events.interrupt.injected);
	EXPECT_EQ(0, self->events.interrupt.shadow);
	EXPECT_EQ(0, self->events.nmi.injected);
	EXPECT_EQ(0, self->events.nmi.masked);
}

TEST_F(events, exception)
{
	struct ucall uc;

	self->events.exception.injected = 1;
	self->events.exception.nr = VEC_PF;
	self->events.exception.has_error_code = 1;
	self->events.exception.error_code = 0x15;
	round_trip(self->vcpu, &self->events);
	EXPECT_EQ(1, self->events.exception.injected);
	EXPECT_EQ(VEC_PF, self->events.exception.nr);
	EXPECT_EQ(0x15, self->events.exception.error_code);
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(self->vcpu, &uc));
	EXPECT_EQ(VEC_PF, uc.arg[1]);
	EXPECT_EQ(0x15, uc.arg[2]);
	must_ioctl(self->vcpu->fd, KVM_GET_VCPU_EVENTS, &self->events);
	EXPECT_EQ(0, self->events.exception.injected);
}

TEST_F(events, interrupt)
{
	struct kvm_regs regs;
	struct ucall uc;

	self->events.interrupt.injected = 1;
	self->events.interrupt.nr = 0x45;
	self->events.interrupt.soft = 0;
	round_trip(self->vcpu, &self->events);
	EXPECT_EQ(1, self->events.interrupt.injected);
	EXPECT_EQ(0x45, self->events.interrupt.nr);
	/* It was accepted already, and so with IF set: Intel's CPUs hold to that. */
	vcpu_regs(self->vcpu, &regs);
	regs.rflags |= 1 << 9;
	must_ioctl(self->vcpu->fd, KVM_SET_REGS, &regs);
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(self->vcpu, &uc));
	EXPECT_EQ(0x45, uc.arg[1]);
}

TEST_F(events, nmi)
{
	struct ucall uc;

	self->events.nmi.injected = 1;
	round_trip(self->vcpu, &self->events);
	EXPECT_EQ(1, self->events.nmi.injected);
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(self->vcpu, &uc));
	EXPECT_EQ(VEC_NMI, uc.arg[1]);
}

TEST_F(events, shadow)
{
	self->events.flags = KVM_VCPUEVENT_VALID_SHADOW;
	self->events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	round_trip(self->vcpu, &self->events);
	EXPECT_TRUE(self->events.interrupt.shadow & KVM_X86_SHADOW_INT_STI);
	EXPECT_TRUE(self->events.flags & KVM_VCPUEVENT_VALID_SHADOW);
	self->events.flags = KVM_VCPUEVENT_VALID_SHADOW;
	self->events.interrupt.shadow = 0;
	round_trip(self->vcpu, &self->events);
	EXPECT_EQ(0, self->events.interrupt.shadow);
}

TEST_F(events, impossible_ones_are_refused)
{
	struct kvm_vcpu_events bad = self->events, after;

	bad.flags = 1U << 30;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_VCPU_EVENTS, &bad));
	bad = self->events;
	bad.exception.injected = 1;
	bad.exception.nr = 32;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_VCPU_EVENTS, &bad));
	bad.exception.nr = VEC_NMI;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_VCPU_EVENTS, &bad));
	/* A payload, but the capability for it has not been enabled. */
	bad = self->events;
	bad.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_VCPU_EVENTS, &bad));
	must_ioctl(self->vcpu->fd, KVM_GET_VCPU_EVENTS, &after);
	EXPECT_EQ(0, memcmp(&self->events, &after, sizeof(after)));
}

TEST_F(events, pending_with_payload)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_EXCEPTION_PAYLOAD,
		.args[0] = 1,
	};
	struct ucall uc;

	must_ioctl(self->vm->fd, KVM_ENABLE_CAP, &cap);
	self->events.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	self->events.exception.pending = 1;
	self->events.exception.injected = 1;
	self->events.exception.nr = VEC_PF;
	/* A pending #PF carries the CR2 that it is to have. */
	self->events.exception.has_error_code = 1;
	self->events.exception.error_code = 2;
	self->events.exception_has_payload = 1;
	self->events.exception_payload = 0xabcd000;
	round_trip(self->vcpu, &self->events);
	EXPECT_EQ(1, self->events.exception.pending);
	EXPECT_EQ(0, self->events.exception.injected);
	EXPECT_EQ(0xabcd000, self->events.exception_payload);
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(self->vcpu, &uc));
	EXPECT_EQ(VEC_PF, uc.arg[1]);
	EXPECT_EQ(2, uc.arg[2]);
}

LODGE_TEST_MAIN(KVM_CAP_VCPU_EVENTS)
