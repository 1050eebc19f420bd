// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an NMI is delivered whatever IF says, blocks further NMIs until IRET,
 * one more is then held pending (and no third), wakes HLT, and NMI blocking is
 * visible in, and restored by, KVM_GET/SET_VCPU_EVENTS (APM vol. 2, NMI
 * Interrupt: "NMIs are masked until an IRET").
 */
#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t taken, depth, max_depth;
static volatile bool stop_inside;

static GUEST_HANDLER void on_nmi(struct trap_frame *frame)
{
	depth++;
	if (depth > max_depth)
		max_depth = depth;
	taken++;
	if (stop_inside && taken == 1)
		guest_sync(2);
	depth--;
}

static void guest_waits(void)
{
	guest_handlers[VEC_NMI] = on_nmi;
	guest_sync(1);
	guest_sync(3);
	guest_sync(4);
	guest_done();
}

FIXTURE(nmi) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(nmi)
{
	self->vm = vm_create_irqchip();
	self->vcpu = vcpu_create(self->vm, guest_waits);
}

FIXTURE_TEARDOWN(nmi)
{
	vm_free(self->vm);
}

TEST_F(nmi, delivered_with_interrupts_off)
{
	ASSERT_STAGE(1, self->vcpu);
	must_ioctl(self->vcpu->fd, KVM_NMI, 0);
	ASSERT_STAGE(3, self->vcpu);
	EXPECT_EQ(1, guest_var(self->vm, taken));
	ASSERT_STAGE(4, self->vcpu);
	ASSERT_DONE(self->vcpu);
	EXPECT_EQ(1, guest_var(self->vm, taken));
}

TEST_F(nmi, blocked_until_iret)
{
	struct kvm_vcpu_events events;

	guest_var(self->vm, stop_inside) = true;
	ASSERT_STAGE(1, self->vcpu);
	must_ioctl(self->vcpu->fd, KVM_NMI, 0);
	ASSERT_STAGE(2, self->vcpu);
	must_ioctl(self->vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	EXPECT_EQ(1, events.nmi.masked);
	must_ioctl(self->vcpu->fd, KVM_NMI, 0);
	must_ioctl(self->vcpu->fd, KVM_NMI, 0);
	must_ioctl(self->vcpu->fd, KVM_NMI, 0);
	ASSERT_STAGE(3, self->vcpu);
	EXPECT_EQ(1, guest_var(self->vm, max_depth));
	EXPECT_EQ(2, guest_var(self->vm, taken));
	must_ioctl(self->vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	EXPECT_EQ(0, events.nmi.masked);
	ASSERT_STAGE(4, self->vcpu);
	EXPECT_EQ(2, guest_var(self->vm, taken));
}

TEST_F(nmi, blocking_set_by_user_space)
{
	struct kvm_vcpu_events events;

	ASSERT_STAGE(1, self->vcpu);
	must_ioctl(self->vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	events.nmi.masked = 1;
	events.nmi.pending = 1;
	events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING;
	must_ioctl(self->vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	ASSERT_STAGE(3, self->vcpu);
	EXPECT_EQ(0, guest_var(self->vm, taken));
	must_ioctl(self->vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	EXPECT_EQ(1, events.nmi.masked);
	EXPECT_EQ(1, events.nmi.pending);
	events.nmi.masked = 0;
	must_ioctl(self->vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	ASSERT_STAGE(4, self->vcpu);
	EXPECT_EQ(1, guest_var(self->vm, taken));
}

/* Two at a time when none is blocked: one to deliver, one to hold. */
TEST_F(nmi, at_most_two_are_remembered)
{
	unsigned int i;

	ASSERT_STAGE(1, self->vcpu);
	for (i = 0; i < 5; i++)
		must_ioctl(self->vcpu->fd, KVM_NMI, 0);
	ASSERT_STAGE(3, self->vcpu);
	ASSERT_STAGE(4, self->vcpu);
	EXPECT_EQ(2, guest_var(self->vm, taken));
	EXPECT_EQ(1, guest_var(self->vm, max_depth));
}

static void guest_halts(void)
{
	guest_handlers[VEC_NMI] = on_nmi;
	xapic_enable();
	guest_sync(1);
	__asm__ volatile("hlt" : : : "memory");
	GUEST_ASSERT_EQ(1, taken);
	guest_done();
}

TEST_F(nmi, wakes_hlt)
{
	vcpu_entry(self->vcpu, guest_halts, 0);
	ASSERT_STAGE(1, self->vcpu);
	vcpu_start(self->vcpu);
	usleep(50000);
	/* KVM_NMI would wait for KVM_RUN to end. */
	ASSERT_EQ(1, vm_signal_msi(self->vm, 0xfee00000, 0x400));
	EXPECT_TRUE(vcpu_join(self->vcpu));
}

LODGE_TEST_MAIN(KVM_CAP_USER_NMI, KVM_CAP_VCPU_EVENTS, KVM_CAP_IRQCHIP)
