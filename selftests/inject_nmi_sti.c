// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an NMI whose handler interrupted code with interrupts enabled blocks further ones
 * until that code goes on, one of which is then delivered.  A CPU that does not block NMIs
 * for guests leaves it to us to see that, which only the interrupt flag tells (SDM
 * vol. 3, Interruptibility State), and in a guest that does not set it, time.
 */
#include <time.h>

#include "guest.h"
#include "lodge_test.h"

static volatile uint32_t taken, depth, max_depth;

static GUEST_HANDLER void on_nmi(struct trap_frame *frame)
{
	depth++;
	if (depth > max_depth)
		max_depth = depth;
	if (++taken == 1)
		guest_sync(2);
	depth--;
}

static void guest_enables(void)
{
	guest_handlers[VEC_NMI] = on_nmi;
	__asm__ volatile("sti");
	guest_sync(1);
	__asm__ volatile("nop");
	guest_sync(3);
	guest_done();
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

TEST(blocked_until_iret)
{
	struct vm *vm = vm_create_irqchip();
	struct vcpu *vcpu = vcpu_create(vm, guest_enables);
	struct kvm_vcpu_events events;
	double start;

	ASSERT_STAGE(1, vcpu);
	must_ioctl(vcpu->fd, KVM_NMI, 0);
	ASSERT_STAGE(2, vcpu);
	must_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	EXPECT_EQ(1, events.nmi.masked);
	must_ioctl(vcpu->fd, KVM_NMI, 0);
	must_ioctl(vcpu->fd, KVM_NMI, 0);
	start = seconds();
	ASSERT_STAGE(3, vcpu);
	EXPECT_GT(0.9, seconds() - start);
	EXPECT_EQ(2, guest_var(vm, taken));
	EXPECT_EQ(1, guest_var(vm, max_depth));
	must_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	EXPECT_EQ(0, events.nmi.pending);
	ASSERT_DONE(vcpu);
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
