// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: without an interrupt controller in the kernel, run->if_flag and
 * run->ready_for_interrupt_injection tell whether the guest takes an
 * interrupt now; request_interrupt_window gives KVM_EXIT_IRQ_WINDOW_OPEN as
 * soon as it does, not within the shadow of STI; and a KVM_INTERRUPT then
 * arrives at once.
 */
#include "lodge_test.h"

static volatile uint32_t taken;

static GUEST_HANDLER void count(struct trap_frame *frame)
{
	taken++;
}

static uint64_t window;

static void guest_window(void)
{
	guest_handlers[0x33] = count;
	guest_sync(1);
	__asm__ volatile("leaq 1f(%%rip), %%rax; movq %%rax, %0;"
			 "sti; nop; 1: nop; cli" : "=m"(window) : : "rax");
	GUEST_ASSERT_EQ(1, taken);
	sti();
	guest_sync(2);
	guest_done();
}

FIXTURE(window) {
	struct vm *vm;
};

FIXTURE_SETUP(window)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(window)
{
	vm_free(self->vm);
}

TEST_F(window, opens_and_the_interrupt_arrives)
{
	struct kvm_interrupt irq = { .irq = 0x33 };
	struct vcpu *vcpu = vcpu_create(self->vm, guest_window);
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs;

	ASSERT_STAGE(1, vcpu);
	EXPECT_EQ(0, run->if_flag);
	EXPECT_EQ(0, run->ready_for_interrupt_injection);

	run->request_interrupt_window = 1;
	ASSERT_EQ(KVM_EXIT_IRQ_WINDOW_OPEN, vcpu_run(vcpu));
	EXPECT_EQ(1, run->if_flag);
	EXPECT_EQ(1, run->ready_for_interrupt_injection);
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(guest_var(self->vm, window), regs.rip);

	must_ioctl(vcpu->fd, KVM_INTERRUPT, &irq);
	run->request_interrupt_window = 0;
	ASSERT_STAGE(2, vcpu);
	EXPECT_EQ(1, run->if_flag);
	ASSERT_DONE(vcpu);
}

TEST_F(window, no_such_vector)
{
	struct kvm_interrupt irq = { .irq = 256 };
	struct vcpu *vcpu = vcpu_create(self->vm, guest_window);

	EXPECT_EQ(-EINVAL, try_ioctl(vcpu->fd, KVM_INTERRUPT, &irq));
}

LODGE_TEST_MAIN()
