// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an external interrupt is delivered when IF is set, not within the
 * shadow of STI or MOV SS (APM vol. 2, Interrupt Shadows), through the IDT with the
 * right frame, and wakes HLT; KVM_INTERRUPT with an interrupt controller in
 * the kernel is -ENXIO.
 */
#include "apic.h"
#include "lodge_test.h"

#define VECTOR 0x52

static volatile uint64_t taken, rip, rflags, marks;

static GUEST_HANDLER void on_irq(struct trap_frame *frame)
{
	taken++;
	rip = frame->rip;
	rflags = frame->rflags;
	GUEST_ASSERT_EQ(SEL_CODE64, frame->cs);
	GUEST_ASSERT_EQ(VECTOR, frame->vector);
	xapic_write(APIC_EOI, 0);
}

static void self_ipi(void)
{
	xapic_icr(0, APIC_DEST_SELF | APIC_DM_FIXED | VECTOR);
}

FIXTURE(irq) {
	struct vm *vm;
};

FIXTURE_SETUP(irq)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(irq)
{
	vm_free(self->vm);
}

static void guest_masked(void)
{
	guest_handlers[VECTOR] = on_irq;
	xapic_enable();
	self_ipi();
	GUEST_ASSERT_EQ(0, taken);
	GUEST_ASSERT(xapic_bit(APIC_IRR, VECTOR));
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken);
	GUEST_ASSERT(rflags & 0x200);
	GUEST_ASSERT(!xapic_bit(APIC_IRR, VECTOR));
	guest_done();
}

TEST_F(irq, waits_for_if)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_masked));
}

static void guest_sti_shadow(void)
{
	uint64_t behind;

	guest_handlers[VECTOR] = on_irq;
	xapic_enable();
	self_ipi();
	__asm__ volatile("leaq 1f(%%rip), %0; sti; nop; 1: cli"
			 : "=r"(behind) : : "memory");
	GUEST_ASSERT_EQ(1, taken);
	GUEST_ASSERT_EQ(behind, rip);

	/* STI; CLI leaves no instruction to be interrupted at. */
	self_ipi();
	__asm__ volatile("sti; cli; nop; nop" : : : "memory");
	GUEST_ASSERT_EQ(1, taken);

	/* With IF set already STI casts no shadow, but here it was clear. */
	__asm__ volatile("leaq 1f(%%rip), %0; sti; hlt; 1: cli"
			 : "=r"(behind) : : "memory");
	GUEST_ASSERT_EQ(2, taken);
	GUEST_ASSERT_EQ(behind, rip);
	guest_done();
}

TEST_F(irq, shadow_of_sti)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_sti_shadow));
}

static void guest_ss_shadow(void)
{
	uint64_t behind, ss = SEL_DATA;

	guest_handlers[VECTOR] = on_irq;
	xapic_enable();
	self_ipi();
	/* POPF sets IF and casts no shadow itself; the MOV SS in front does. */
	__asm__ volatile("pushfq; orl $0x200, (%%rsp); leaq 1f(%%rip), %0\n\t"
			 "mov %w1, %%ss; popfq; 1: nop; cli"
			 : "=&r"(behind) : "r"(ss) : "memory");
	GUEST_ASSERT_EQ(1, taken);
	GUEST_ASSERT_EQ(behind, rip);
	guest_done();
}

TEST_F(irq, shadow_of_mov_ss)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_ss_shadow));
}

/*
 * An exit to user space within the shadow, and user space that does not care:
 * the shadow must still be there afterwards.
 */
static void guest_shadow_exit(void)
{
	uint64_t behind;

	guest_handlers[VECTOR] = on_irq;
	xapic_enable();
	guest_sync(1);
	self_ipi();
	__asm__ volatile("leaq 1f(%%rip), %0; sti; inb $0x80, %%al; 1: nop; cli"
			 : "=&r"(behind) : : "rax", "memory");
	GUEST_ASSERT_EQ(1, taken);
	GUEST_ASSERT_EQ(behind, rip);
	guest_done();
}

TEST_F(irq, shadow_ends_with_the_instruction_that_exits)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_shadow_exit);

	ASSERT_STAGE(1, vcpu);
	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
	ASSERT_EQ(0x80, vcpu->run->io.port);
	ASSERT_DONE(vcpu);
}

static void guest_halts(void)
{
	unsigned int i;

	guest_handlers[VECTOR] = on_irq;
	xapic_enable();
	for (i = 1; i <= 100; i++) {
		self_ipi();
		sti_hlt_cli();
		GUEST_ASSERT_EQ(i, taken);
	}
	guest_done();
}

TEST_F(irq, wakes_hlt_every_time)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_halts));
}

static void guest_spins(void)
{
	guest_handlers[VECTOR] = on_irq;
	xapic_enable();
	guest_sync(1);
	sti();
	while (taken < 50)
		;
	cli();
	guest_done();
}

/* Of a guest that never exits by itself: it is kicked out for each. */
TEST_F(irq, reaches_a_running_guest)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_spins);
	unsigned int i;

	ASSERT_STAGE(1, vcpu);
	vcpu_start(vcpu);
	for (i = 1; i <= 50; i++) {
		ASSERT_EQ(1, vm_signal_msi(self->vm, 0xfee00000, VECTOR));
		while (guest_var(self->vm, taken) < i)
			sched_yield();
	}
	EXPECT_TRUE(vcpu_join(vcpu));
}

TEST_F(irq, kvm_interrupt_is_not_for_this_irqchip)
{
	struct kvm_interrupt irq = { .irq = VECTOR };
	struct vcpu *vcpu = vcpu_create(self->vm, guest_halts);

	EXPECT_EQ(-ENXIO, try_ioctl(vcpu->fd, KVM_INTERRUPT, &irq));
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP, KVM_CAP_SIGNAL_MSI)
