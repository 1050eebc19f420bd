// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_GET/SET_MP_STATE: the first vCPU is RUNNABLE, one with a local
 * APIC in the kernel that is not the boot processor is UNINITIALIZED until
 * INIT and SIPI; a HALTED vCPU does not run until an interrupt; a state that
 * is none, or that needs the interrupt controller that is not there, is
 * -EINVAL.
 */
#include <signal.h>

#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t taken;

static GUEST_HANDLER void on_irq(struct trap_frame *frame)
{
	taken++;
	xapic_write(APIC_EOI, 0);
}

static void guest_waits(void)
{
	guest_handlers[0x44] = on_irq;
	xapic_enable();
	sti();
	guest_sync(1);
	GUEST_ASSERT_EQ(1, taken);
	guest_done();
}

static uint32_t mp_state(struct vcpu *vcpu)
{
	struct kvm_mp_state mp = { .mp_state = 99 };

	must_ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp);
	return mp.mp_state;
}

static int set_mp_state(struct vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state mp = { .mp_state = state };

	return try_ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp);
}

static void nothing(int sig)
{
}

TEST(halted_until_an_interrupt)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct vm *vm = vm_create_irqchip();
	struct vcpu *vcpu = vcpu_create(vm, guest_waits);

	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
	ASSERT_STAGE(1, vcpu);
	EXPECT_EQ(0, set_mp_state(vcpu, KVM_MP_STATE_HALTED));
	EXPECT_EQ(KVM_MP_STATE_HALTED, mp_state(vcpu));
	sigaction(SIGALRM, &sa, NULL);
	ualarm(100000, 0);
	EXPECT_EQ(-EINTR, vcpu_run_try(vcpu));
	ASSERT_EQ(1, vm_signal_msi(vm, 0xfee00000, 0x44));
	ASSERT_DONE(vcpu);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
	vm_free(vm);
}

TEST(application_processor)
{
	struct vm *vm = vm_create_irqchip();
	struct vcpu *bsp = vcpu_create_bare(vm, 0);
	struct vcpu *ap = vcpu_create_bare(vm, 1);

	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(bsp));
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, mp_state(ap));
	EXPECT_EQ(0, set_mp_state(ap, KVM_MP_STATE_INIT_RECEIVED));
	EXPECT_EQ(KVM_MP_STATE_INIT_RECEIVED, mp_state(ap));
	EXPECT_EQ(0, set_mp_state(ap, KVM_MP_STATE_RUNNABLE));
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(ap));
	vm_free(vm);
}

TEST(impossible_ones_are_refused)
{
	struct vm *vm = vm_create_irqchip();
	struct vcpu *vcpu = vcpu_create(vm, guest_waits);

	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, 77));
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_STOPPED));
	EXPECT_EQ(-EFAULT, try_ioctl(vcpu->fd, KVM_SET_MP_STATE, NULL));
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
	vm_free(vm);
}

TEST(without_irqchip_only_runnable)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_waits);

	EXPECT_EQ(0, set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE));
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_HALTED));
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_INIT_RECEIVED));
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_MP_STATE, KVM_CAP_IRQCHIP)
