// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: interrupts and NMIs are delivered in real mode: when IF is set and behind the
 * shadow of STI, to a halted CPU as well, with the return address on the stack; and no
 * second NMI before the IRET of the first.  Segments that the guest has loaded are still
 * its own in the handler and behind it, and CS is the one of each.
 */
#include "real.h"

#define VECTOR	0x21

CODE16(code_irq,
"	movw $0x7000, %sp\n"
"	sti\n"
"	movw $1, %ax\n"
"	outw %ax, $0x10\n"
"	movw $2, %ax\n"
"	cli\n"
"	outw %ax, $0x10\n"
"	movw $3, %ax\n"
"	outw %ax, $0x10\n"
"	sti\n"
"	movw $0, %ax\n"				/* in the shadow */
"irq_here:\n"
"	outw %ax, $0x10\n"
"	sti\n"
"	hlt\n"
"	movw $4, %ax\n"
"	outw %ax, $0x10\n"
"	hlt\n"
"irq_handler:\n"
"	pushw %ax\n"
"	movw $0x2121, %ax\n"
"	outw %ax, $0x10\n"
"	movw %sp, %bp\n"
"	movw 2(%bp), %ax\n"
"	subw $" REAL_AT(code_irq, irq_here) ", %ax\n"
"	movw %ax, %bx\n"
"	popw %ax\n"
"	iretw\n"
)

CODE16(code_nmi,
"	movw $0x7000, %sp\n"
"	movw $1, %ax\n"
"	outw %ax, $0x10\n"
"	movw %cx, %ax\n"
"	outw %ax, $0x10\n"
"	hlt\n"
"nmi_handler:\n"
"	incw %cx\n"
"	movw %cx, %ax\n"
"	outw %ax, $0x10\n"
"	orb $0x80, %al\n"
"	outw %ax, $0x10\n"
"	iretw\n"
)

/* In segments of its own, with a handler in another. */
CODE16(code_far,
"	movw $0x700, %ax\n"
"	movw %ax, %ss\n"
"	movw $0x100, %sp\n"
"	movw $0x234, %ax\n"
"	movw %ax, %ds\n"
"	movw $0x345, %ax\n"
"	movw %ax, %es\n"
"	movw $0x567, %ax\n"
"	movw %ax, %gs\n"
"	ljmpw $0x80, $0x800 + far_here - code_far\n"
"far_here:\n"
"	sti\n"
"	movw $1, %ax\n"
"	outw %ax, $0x10\n"
"far_return:\n"
"	movw %cs, %ax\n"
"	outw %ax, $0x10\n"
"	movw %ss, %ax\n"
"	outw %ax, $0x10\n"
"	movw %es, %ax\n"
"	outw %ax, $0x10\n"
"	movw %gs, %ax\n"
"	outw %ax, $0x10\n"
"	movw 0x10, %ax\n"
"	outw %ax, $0x10\n"
"	hlt\n"
"far_handler:\n"
"	movw %sp, %bp\n"
"	movw %cs, %ax\n"
"	outw %ax, $0x10\n"
"	movw 2(%bp), %ax\n"
"	outw %ax, $0x10\n"
"	movw (%bp), %ax\n"
"	subw $0x800 + far_return - code_far, %ax\n"
"	outw %ax, $0x10\n"
"	movw 0x10, %ax\n"
"	outw %ax, $0x10\n"
"	iretw\n"
)

extern const char irq_handler[], nmi_handler[], far_handler[];

REAL_FIXTURE(irqs)

static void interrupt(struct vcpu *vcpu)
{
	struct kvm_interrupt irq = { .irq = VECTOR };

	must_ioctl(vcpu->fd, KVM_INTERRUPT, &irq);
}

TEST_F(irqs, interrupts)
{
	struct vcpu *vcpu = real_vcpu(self->vm, code_irq);
	struct kvm_regs regs;

	real_variant(vcpu, variant->vectors, variant->fs_base);
	real_vector(self->vm, variant->vectors, VECTOR, code_irq, irq_handler);

	ASSERT_OUT(1, 2);
	interrupt(vcpu);
	ASSERT_OUT(0x2121, 2);
	ASSERT_OUT(2, 2);
	vcpu->run->request_interrupt_window = 1;
	ASSERT_OUT(3, 2);			/* IF is clear */
	ASSERT_EQ(KVM_EXIT_IRQ_WINDOW_OPEN, vcpu_run(vcpu));
	vcpu->run->request_interrupt_window = 0;
	interrupt(vcpu);
	ASSERT_OUT(0x2121, 2);
	ASSERT_OUT(0, 2);
	vcpu_regs(vcpu, &regs);
	/* It came behind the shadow, which an emulated CPU of the other kind may forget. */
	if (__builtin_cpu_is("intel"))
		EXPECT_EQ(0, regs.rbx & 0xffff);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
	interrupt(vcpu);
	ASSERT_OUT(0x2121, 2);
	ASSERT_OUT(4, 2);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
}

TEST_F(irqs, nmis)
{
	struct vcpu *vcpu = real_vcpu(self->vm, code_nmi);

	real_variant(vcpu, variant->vectors, variant->fs_base);
	real_vector(self->vm, variant->vectors, VEC_NMI, code_nmi, nmi_handler);

	ASSERT_OUT(1, 2);
	must_ioctl(vcpu->fd, KVM_NMI, 0);
	ASSERT_OUT(1, 2);			/* in its handler */
	must_ioctl(vcpu->fd, KVM_NMI, 0);
	ASSERT_OUT(0x81, 2);			/* still the first */
	ASSERT_OUT(2, 2);
	ASSERT_OUT(0x82, 2);
	ASSERT_OUT(2, 2);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
}

TEST_F(irqs, segments)
{
	struct vcpu *vcpu = real_vcpu(self->vm, code_far);
	uint16_t *entry = vm_hva(self->vm, variant->vectors + 4 * VECTOR);
	struct kvm_sregs sregs;

	real_variant(vcpu, variant->vectors, variant->fs_base);
	real_vector(self->vm, variant->vectors, VECTOR, code_far, far_handler);
	entry[0] -= 0x400;			/* the same address, in segment 0x40 */
	entry[1] = 0x40;
	*(uint16_t *)vm_hva(self->vm, 0x2340 + 0x10) = 0x2345;

	ASSERT_OUT(1, 2);
	interrupt(vcpu);
	ASSERT_OUT(0x40, 2);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x400, sregs.cs.base);
	EXPECT_EQ(0x7000, sregs.ss.base);
	EXPECT_EQ(0x5670, sregs.gs.base);
	ASSERT_OUT(0x80, 2);
	ASSERT_OUT(0, 2);
	ASSERT_OUT(0x2345, 2);
	ASSERT_OUT(0x80, 2);			/* back */
	ASSERT_OUT(0x700, 2);
	ASSERT_OUT(0x345, 2);
	ASSERT_OUT(0x567, 2);
	ASSERT_OUT(0x2345, 2);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
}

LODGE_TEST_MAIN()
