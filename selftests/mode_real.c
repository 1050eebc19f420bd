// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: a vCPU starts and runs in real mode: 16-bit code, segments as base
 * shifted by four, software interrupts and exceptions through the vector table,
 * I/O and HLT exits, 32-bit operands by prefix; and it can go on from there to
 * protected mode, and to unreal mode's large segments, which reach MMIO (APM
 * vol. 2, Real Mode).
 */
#include "real.h"

/*
 * 16-bit code, run from a copy at REAL_CODE.  It ends in HLT; what it found out
 * goes to port 0x10.
 */
#define CODE_SIZE 256

static __attribute__((naked, used)) void code_plain(void)
{
	__asm__ volatile(".code16\n"
	"	xorw %ax, %ax\n"
	"	movw %ax, %ds\n"
	"	movw %ax, %ss\n"
	"	movw $0x7000, %sp\n"
	"	movw $(0x1000 + real_isr - code_plain), 0x40 * 4\n"
	"	movw $0, 0x40 * 4 + 2\n"
	"	movw $(0x1000 + real_de - code_plain), 0 * 4\n"
	"	movw $0, 0 * 4 + 2\n"
	"	int $0x40\n"
	"	outw %ax, $0x10\n"		/* 0x4040 of the handler */
	"	movw $0x1234, %ax\n"
	"	movw %ax, %es\n"
	"	movl $0xcafe1234, %es:0x10\n"
	"	movw $0x1230, %bx\n"
	"	movw %bx, %fs\n"
	"	movl %fs:0x50, %eax\n"
	"	outl %eax, $0x10\n"		/* the same cell by another base */
	"	xorw %bx, %bx\n"
	"	divw %bx\n"			/* #DE: the handler skips it */
	"	outw %ax, $0x10\n"
	"	hlt\n"
	"real_isr:\n"
	"	movw $0x4040, %ax\n"
	"	iretw\n"
	"real_de:\n"
	"	pushw %bp\n"
	"	movw %sp, %bp\n"
	"	addw $2, 2(%bp)\n"
	"	popw %bp\n"
	"	movw $0xdede, %ax\n"
	"	iretw\n"
	".code64\n");
}

static __attribute__((naked, used)) void code_unreal(void)
{
	__asm__ volatile(".code16\n"
	"	cli\n"
	"	xorw %ax, %ax\n"
	"	movw %ax, %ds\n"
	"	lgdtl 0x1000 + unreal_gdtr - code_unreal\n"
	"	movl %cr0, %eax\n"
	"	orb $1, %al\n"
	"	movl %eax, %cr0\n"
	"	movw $8, %bx\n"
	"	movw %bx, %ds\n"
	"	andb $0xfe, %al\n"
	"	movl %eax, %cr0\n"
	"	movl $0xd0000000, %ebx\n"	/* GPA_MMIO */
	"	movl %ds:(%ebx), %eax\n"
	"	outl %eax, $0x10\n"
	"	hlt\n"
	"	.balign 8\n"
	"unreal_gdt:\n"
	"	.quad 0, 0x00cf93000000ffff\n"
	"unreal_gdtr:\n"
	"	.word 15\n"
	"	.long 0x1000 + unreal_gdt - code_unreal\n"
	".code64\n");
}

FIXTURE(real) {
	struct vm *vm;
};

FIXTURE_SETUP(real)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(real)
{
	vm_free(self->vm);
}

TEST_F(real, plain)
{
	struct vcpu *vcpu = vcpu_create_real(self->vm, code_plain, CODE_SIZE);

	ASSERT_OUT(0x4040, 2);
	ASSERT_OUT(0xcafe1234, 4);
	ASSERT_OUT(0xdede, 2);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
}

TEST_F(real, unreal_mode_reaches_mmio)
{
	struct vcpu *vcpu = vcpu_create_real(self->vm, code_unreal,
					     CODE_SIZE);
	struct kvm_run *run = vcpu->run;
	struct kvm_sregs sregs;

	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(vcpu)) {
		vcpu_describe_exit(vcpu);
	}
	EXPECT_EQ(GPA_MMIO, run->mmio.phys_addr);
	EXPECT_EQ(4, run->mmio.len);
	memcpy(run->mmio.data, "\x78\x56\x34\x12", 4);
	ASSERT_OUT(0x12345678, 4);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0, sregs.cr0 & 1);
	EXPECT_EQ(0xffffffff, sregs.ds.limit);
}

LODGE_TEST_MAIN()
