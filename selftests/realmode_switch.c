// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: a guest goes from real mode to protected mode without paging, to paging, and all
 * the way back.  Without paging linear addresses are physical ones, and CR0, CR3, CR4 and
 * EFER read as they were written; its interrupts go through its IDT; in 16-bit segments
 * that it takes back to real mode it goes on with the bases that they have, as in those that
 * it has loaded in real mode it does in protected mode (SDM vol. 3, Mode Switching).
 */
#include "real.h"

/* Where the test puts a page directory of 4 MiB pages, and code and data of its own. */
#define PAGE_DIRECTORY	0x9000

CODE16(code_switch,
/* Selectors whose low bits mean a privilege where there is one, until they are loaded anew. */
"	cli\n"
"	movw $0x123, %ax\n"
"	movw %ax, %ds\n"
"	movw %ax, %es\n"
"	movw $0x101, %ax\n"
"	movw %ax, %ss\n"
"	movw $0x7000, %sp\n"
"	lgdtl %cs:" REAL_AT(code_switch, sw_gdtr) "\n"
"	lidtl %cs:" REAL_AT(code_switch, sw_idtr) "\n"
"	movl %cr0, %eax\n"
"	orb $1, %al\n"
"	movl %eax, %cr0\n"
"	ljmpl $8, $" REAL_AT(code_switch, sw_32) "\n"
".code32\n"
"sw_32:\n"
"	movw $0x10, %ax\n"
"	movw %ax, %ds\n"
"	movw %ax, %es\n"
"	movw %ax, %fs\n"
"	movw %ax, %gs\n"
"	movw %ax, %ss\n"
"	movl $0x7000, %esp\n"
"	movl %cr0, %eax\n"
"	outl %eax, $0x10\n"
"	movl $0x12345000, %eax\n"
"	movl %eax, %cr3\n"
"	movl %cr3, %eax\n"
"	outl %eax, $0x10\n"
"	movl $0x20, %eax\n"			/* PAE, that long mode would want */
"	movl %eax, %cr4\n"
"	movl %cr4, %eax\n"
"	outl %eax, $0x10\n"
"	movl $0xc0000080, %ecx\n"
"	movl $0x100, %eax\n"			/* LME */
"	xorl %edx, %edx\n"
"	wrmsr\n"
"	rdmsr\n"
"	outl %eax, $0x10\n"
"	xorl %eax, %eax\n"
"	wrmsr\n"
"	movl 0x800010, %eax\n"			/* as it is: the test filled it */
"	outl %eax, $0x10\n"
"	int $0x20\n"
"	smsww %ax\n"
"	outw %ax, $0x10\n"
/* Paging, in which 0xc00000 is 0x800000. */
"	movl $0x10, %eax\n"			/* PSE */
"	movl %eax, %cr4\n"
"	movl $0x9000, %eax\n"
"	movl %eax, %cr3\n"
"	movl %cr0, %eax\n"
"	orl $0x80000000, %eax\n"
"	movl %eax, %cr0\n"
"	movl 0xc00010, %ebx\n"
"	movl %cr3, %eax\n"
"	outl %eax, $0x10\n"
"	movl %ebx, %eax\n"
"	outl %eax, $0x10\n"
/* And none: 0xc00000 is itself. */
"	movl %cr0, %eax\n"
"	andl $0x7fffffff, %eax\n"
"	movl %eax, %cr0\n"
"	movl 0xc00010, %eax\n"
"	outl %eax, $0x10\n"
/* Back. DS comes along with a base of 0x2345. */
"	movw $0x28, %ax\n"
"	movw %ax, %ds\n"
"	movw $0x20, %ax\n"
"	movw %ax, %es\n"
"	movw %ax, %fs\n"
"	movw %ax, %gs\n"
"	movw %ax, %ss\n"
"	ljmpl $0x18, $" REAL_AT(code_switch, sw_16) "\n"
".code16\n"
"sw_16:\n"
"	movl %cr0, %eax\n"
"	andb $0xfe, %al\n"
"	movl %eax, %cr0\n"
"	ljmpw $0, $" REAL_AT(code_switch, sw_real) "\n"
"sw_real:\n"
"	movw 0x10, %ax\n"
"	outw %ax, $0x10\n"
"	lidtl %cs:" REAL_AT(code_switch, sw_real_idtr) "\n"
"	xorw %ax, %ax\n"
"	movw %ax, %ds\n"
"	movw %ax, %es\n"
"	movw %ax, %fs\n"
"	movw %ax, %gs\n"
"	movw %ax, %ss\n"
"	int $0x40\n"
"	movl %cr3, %eax\n"
"	outl %eax, $0x10\n"
"	hlt\n"
"sw_int:\n"
"	movw $0x4040, %ax\n"
"	outw %ax, $0x10\n"
"	iretw\n"
".code32\n"
"sw_gate:\n"
"	pushl %eax\n"
"	movl $0x2020, %eax\n"
"	outl %eax, $0x10\n"
"	popl %eax\n"
"	iretl\n"
".code16\n"
"	.balign 8\n"
"sw_gdt:\n"
"	.quad 0\n"
"	.quad 0x00cf9b000000ffff\n"		/* 08: code, 32 bits, flat */
"	.quad 0x00cf93000000ffff\n"		/* 10: data, the same */
"	.quad 0x00009b000000ffff\n"		/* 18: code, 16 bits, 64 KiB */
"	.quad 0x000093000000ffff\n"		/* 20: data */
"	.quad 0x000093002345ffff\n"		/* 28: data, elsewhere */
"sw_gdtr:\n"
"	.word 0x2f\n"
"	.long " REAL_AT(code_switch, sw_gdt) "\n"
"sw_idtr:\n"
"	.word 0x7ff\n"
"	.long 0xa000\n"
"sw_real_idtr:\n"
"	.word 0x3ff\n"
"	.long 0\n"
)

/* What real mode has loaded is used in protected mode, and in real mode again. */
CODE16(code_carry,
"	cli\n"
"	movw $0x234, %ax\n"
"	movw %ax, %ds\n"
"	movw $0x350, %ax\n"
"	movw %ax, %es\n"
"	movl %cr0, %eax\n"
"	orb $1, %al\n"
"	movl %eax, %cr0\n"
"	movw 0x10, %ax\n"
"	outw %ax, $0x10\n"
"	movw %es:0x10, %ax\n"
"	outw %ax, $0x10\n"
"	movl %cr0, %eax\n"
"	andb $0xfe, %al\n"
"	movl %eax, %cr0\n"
"	movw 0x10, %ax\n"
"	outw %ax, $0x10\n"
"	movw %es, %ax\n"
"	outw %ax, $0x10\n"
"	hlt\n"
)

extern const char sw_int[], sw_gate[];

FIXTURE(modes) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(modes)
{
	uint64_t gate = REAL_CODE + (uintptr_t)sw_gate - (uintptr_t)code_switch;
	uint32_t *directory;
	int i;

	self->vm = vm_create();
	self->vcpu = real_vcpu(self->vm, code_switch);
	directory = vm_hva(self->vm, PAGE_DIRECTORY);
	for (i = 0; i < 4; i++)
		directory[i] = (i == 3 ? 2 : i) << 22 | 0xe3;
	*(uint32_t *)vm_hva(self->vm, 0x800010) = 0x80000000;
	*(uint32_t *)vm_hva(self->vm, 0xc00010) = 0xc0000000;
	*(uint16_t *)vm_hva(self->vm, 0x2345 + 0x10) = 0x2345;
	*(uint64_t *)vm_hva(self->vm, 0xa000 + 8 * 0x20) =
		(gate & 0xffff) | 8 << 16 | 0x8e00ULL << 32;
	real_vector(self->vm, 0, 0x40, code_switch, sw_int);
}

FIXTURE_TEARDOWN(modes)
{
	vm_free(self->vm);
}

static void check_32(struct __test_metadata *_metadata, struct vcpu *vcpu)
{
	struct kvm_sregs sregs;

	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(8, sregs.cs.selector);
	EXPECT_EQ(0, sregs.cs.base);
	EXPECT_EQ(0xffffffff, sregs.cs.limit);
	EXPECT_EQ(1, sregs.cs.db);
	EXPECT_EQ(11, sregs.cs.type);
	EXPECT_EQ(0, sregs.cs.dpl);
	EXPECT_EQ(0x10, sregs.ss.selector);
	EXPECT_EQ(0, sregs.ss.dpl);
	EXPECT_EQ(3, sregs.ds.type);
	EXPECT_EQ(0, sregs.tr.base);
	EXPECT_EQ(0xffff, sregs.tr.limit);
	EXPECT_EQ(0xa000, sregs.idt.base);
}

/* Sets what it gets: nothing changes by that. */
static void set_again(struct vcpu *vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	vcpu_sregs(vcpu, &sregs);
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	vcpu_regs(vcpu, &regs);
	must_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
}

TEST_F(modes, there_and_back)
{
	struct vcpu *vcpu = self->vcpu;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	ASSERT_OUT(0x60000011, 4);
	check_32(_metadata, vcpu);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x60000011, sregs.cr0);
	EXPECT_EQ(0, sregs.cr3);
	EXPECT_EQ(0, sregs.cr4);
	EXPECT_EQ(0, sregs.efer);
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(2, regs.rflags & ~0x8d5UL);
	set_again(vcpu);

	ASSERT_OUT(0x12345000, 4);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x12345000, sregs.cr3);
	ASSERT_OUT(0x20, 4);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x20, sregs.cr4);
	ASSERT_OUT(0x100, 4);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x100, sregs.efer);
	ASSERT_OUT(0x80000000, 4);
	ASSERT_OUT(0x2020, 4);
	set_again(vcpu);
	ASSERT_OUT(0x11, 2);

	ASSERT_OUT(0x9000, 4);			/* paging is on */
	check_32(_metadata, vcpu);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0xe0000011, sregs.cr0);
	EXPECT_EQ(0x9000, sregs.cr3);
	EXPECT_EQ(0x10, sregs.cr4);
	set_again(vcpu);
	ASSERT_OUT(0x80000000, 4);
	ASSERT_OUT(0xc0000000, 4);		/* and off */
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x60000011, sregs.cr0);
	EXPECT_EQ(0x9000, sregs.cr3);
	EXPECT_EQ(0x10, sregs.cr4);

	ASSERT_OUT(0x2345, 2);			/* real mode */
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x60000010, sregs.cr0);
	EXPECT_EQ(0, sregs.cs.selector);
	EXPECT_EQ(0, sregs.cs.base);
	EXPECT_EQ(0xffff, sregs.cs.limit);
	EXPECT_EQ(0x28, sregs.ds.selector);
	EXPECT_EQ(0x2345, sregs.ds.base);
	EXPECT_EQ(0x20, sregs.ss.selector);
	EXPECT_EQ(0, sregs.ss.base);
	EXPECT_EQ(0, sregs.tr.base);
	EXPECT_EQ(0x9000, sregs.cr3);
	set_again(vcpu);
	ASSERT_OUT(0x4040, 2);
	set_again(vcpu);
	ASSERT_OUT(0x9000, 4);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
}

TEST(carried_over)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = real_vcpu(vm, code_carry);
	struct kvm_sregs sregs;

	*(uint16_t *)vm_hva(vm, 0x2340 + 0x10) = 0x2345;
	*(uint16_t *)vm_hva(vm, 0x3500 + 0x10) = 0x3456;
	ASSERT_OUT(0x2345, 2);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x60000011, sregs.cr0);
	EXPECT_EQ(0x234, sregs.ds.selector);
	EXPECT_EQ(0x2340, sregs.ds.base);
	ASSERT_OUT(0x3456, 2);
	ASSERT_OUT(0x2345, 2);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x60000010, sregs.cr0);
	EXPECT_EQ(0x3500, sregs.es.base);
	ASSERT_OUT(0x350, 2);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
	vm_free(vm);
}

LODGE_TEST_MAIN()
