// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: without a local APIC in the kernel HLT ends in KVM_EXIT_HLT behind
 * the instruction; with one it waits in the kernel, for an interrupt that is
 * let through, for an NMI, or for a signal to the thread (-EINTR), and then
 * goes on behind the HLT.
 */
#include <signal.h>
#include <unistd.h>

#include "apic.h"
#include "lodge_test.h"

static uint64_t behind;

static void guest_hlt(void)
{
	__asm__ volatile("leaq 1f(%%rip), %%rax; movq %%rax, %0; hlt; 1:"
			 : "=m"(behind) : : "rax");
	guest_done();
}

TEST(exit_without_lapic)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_hlt);
	struct kvm_regs regs;

	ASSERT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(guest_var(vm, behind), regs.rip);
	ASSERT_DONE(vcpu);
	vm_free(vm);
}

static volatile uint32_t taken;

static GUEST_HANDLER void count(struct trap_frame *frame)
{
	taken++;
	xapic_write(APIC_EOI, 0);
}

static void guest_timer(void)
{
	xapic_enable();
	guest_handlers[0x40] = count;
	xapic_write(APIC_LVTT, 0x40);
	xapic_write(APIC_TDCR, APIC_TDR_DIV_1);
	xapic_write(APIC_TMICT, 100000);
	sti_hlt_cli();
	GUEST_ASSERT_EQ(1, taken);
	guest_done();
}

TEST(interrupt_ends_it)
{
	struct vm *vm = vm_create_irqchip();
	struct vcpu *vcpu = vcpu_create(vm, guest_timer);

	ASSERT_DONE(vcpu);
	vm_free(vm);
}

static GUEST_HANDLER void count_nmi(struct trap_frame *frame)
{
	taken++;
}

static void guest_masked(void)
{
	xapic_enable();
	guest_handlers[VEC_NMI] = count_nmi;
	guest_sync(1);
	/* IF is clear: the interrupt that is pending must not wake us. */
	__asm__ volatile("hlt" : : : "memory");
	GUEST_ASSERT_EQ(1, taken);
	guest_done();
}

static void nothing(int sig)
{
}

TEST(masked_interrupt_does_not_end_it_and_nmi_does)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct vm *vm = vm_create_irqchip();
	struct vcpu *vcpu = vcpu_create(vm, guest_masked);
	struct kvm_mp_state mp;

	ASSERT_STAGE(1, vcpu);
	ASSERT_EQ(1, vm_signal_msi(vm, 0xfee00000, 0x41));
	sigaction(SIGALRM, &sa, NULL);
	ualarm(200000, 0);
	EXPECT_EQ(-EINTR, vcpu_run_try(vcpu));
	EXPECT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);
	must_ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp);
	EXPECT_EQ(KVM_MP_STATE_HALTED, mp.mp_state);

	must_ioctl(vcpu->fd, KVM_NMI, 0);
	ASSERT_DONE(vcpu);
	must_ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp.mp_state);
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
