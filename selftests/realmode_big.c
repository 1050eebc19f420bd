// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: "big real mode": a segment that was loaded in protected mode keeps its limit in
 * real mode, also when its selector is loaded anew, and reaches all of memory, by
 * loads, stores, string and read-modify-write instructions; one of 64 KiB does not,
 * and what is beyond is #GP, of the stack #SS (SDM vol. 3, Switching Back to Real-Address Mode).
 */
#include "real.h"

CODE16(code_big,
"	cli\n"
"	xorw %ax, %ax\n"
"	movw %ax, %ds\n"
"	movw %ax, %ss\n"
"	movw $0x7000, %sp\n"
"	lgdtl " REAL_AT(code_big, big_gdtr) "\n"
"	movl %cr0, %eax\n"
"	orb $1, %al\n"
"	movl %eax, %cr0\n"
"	movw $8, %bx\n"
"	movw %bx, %ds\n"
"	movw %bx, %es\n"
"	andb $0xfe, %al\n"
"	movl %eax, %cr0\n"
"	ljmpw $0, $" REAL_AT(code_big, big_real) "\n"
"big_real:\n"
"	xorw %ax, %ax\n"
"	movw %ax, %ds\n"
"	movw $0x100, %ax\n"
"	movw %ax, %es\n"			/* its base is 0x1000 then */
"	sti\n"
"	outw %ax, $0x10\n"
"	movl $0x800000, %ebx\n"			/* GPA_FREE */
"	movl $0x12345678, (%ebx)\n"
"	addw $0x1111, 2(%ebx)\n"
"	movl (%ebx), %eax\n"
"	outl %eax, $0x10\n"
"	movl $0x01020304, %ecx\n"
"	lock xaddl %ecx, (%ebx)\n"
"	btsl $31, (%ebx)\n"
"	movl (%ebx), %eax\n"
"	outl %eax, $0x10\n"
"	cld\n"
"	movl %ebx, %esi\n"
"	movl $0x8ff000, %edi\n"			/* 0x900000 of ES */
"	movl $0x400, %ecx\n"
"	addr32 rep movsl\n"
"	movl %es:-0x1000(%edi), %eax\n"
"	outl %eax, $0x10\n"
"	pushw %bp\n"				/* 16 bits go on as they were */
"	popw %bp\n"
"	movl %edi, %eax\n"
"	outl %eax, $0x10\n"
"	hlt\n"
"	.balign 8\n"
"big_gdt:\n"
"	.quad 0, 0x008f93000000ffff\n"
"big_gdtr:\n"
"	.word 15\n"
"	.long " REAL_AT(code_big, big_gdt) "\n"
)

CODE16(code_small,
"	movw $0x7000, %sp\n"
"	movl $0x10000, %ebx\n"
"	movl (%ebx), %eax\n"
"small_beyond:\n"
"	movw $0xfffe, %bx\n"
"	movl (%bx), %eax\n"
"small_across:\n"
"	movl $0x10000, %ebp\n"
"	movl (%ebp), %eax\n"
"small_stack:\n"
"	movw $0xfffe, %bx\n"
"	movw (%bx), %ax\n"
"	outw %ax, $0x10\n"
"	hlt\n"
/* Both lengths of instructions are told apart by what comes next. */
"small_gp:\n"
"	movw $13, %ax\n"
"	jmp small_tell\n"
"small_ss:\n"
"	movw $12, %ax\n"
"small_tell:\n"
"	outw %ax, $0x10\n"
"	movw %sp, %si\n"
"	movw (%si), %ax\n"
"	outw %ax, $0x10\n"
"	iretw\n"
)

extern const char small_gp[], small_ss[], small_beyond[], small_across[], small_stack[];

FIXTURE(big) {
	struct vm *vm;
};

FIXTURE_SETUP(big)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(big)
{
	vm_free(self->vm);
}

TEST_F(big, reaches_all)
{
	struct vcpu *vcpu = real_vcpu(self->vm, code_big);
	struct kvm_sregs sregs;

	ASSERT_OUT(0x100, 2);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x60000010, sregs.cr0);
	EXPECT_EQ(0, sregs.ds.base);
	EXPECT_EQ(0xffffffff, sregs.ds.limit);
	EXPECT_EQ(0x100, sregs.es.selector);
	EXPECT_EQ(0x1000, sregs.es.base);
	EXPECT_EQ(0xffffffff, sregs.es.limit);
	EXPECT_EQ(0xffff, sregs.ss.limit);
	ASSERT_OUT(0x23455678, 4);
	ASSERT_OUT(0xa447597c, 4);
	ASSERT_OUT(0xa447597c, 4);
	ASSERT_OUT(0x900000, 4);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
	EXPECT_EQ(0, memcmp(vm_hva(self->vm, 0x900000), vm_hva(self->vm, 0x800000), 0x1000));
}

/* Each fault's handler goes on at the next label: the test moves the return address. */
static void go_on(struct vcpu *vcpu, const char *where)
{
	struct kvm_regs regs;

	vcpu_regs(vcpu, &regs);
	*(uint16_t *)vm_hva(vcpu->vm, regs.rsp & 0xffff) =
		REAL_CODE + (uintptr_t)where - (uintptr_t)code_small;
}

TEST_F(big, small_ones_do_not)
{
	struct vcpu *vcpu = real_vcpu(self->vm, code_small);
	const uint32_t at = REAL_CODE - (uint32_t)(uintptr_t)code_small;

	if (!__builtin_cpu_is("intel"))
		SKIP(return, "an emulated CPU of the other kind looks at no limit");
	real_vector(self->vm, 0, VEC_GP, code_small, small_gp);
	real_vector(self->vm, 0, VEC_SS, code_small, small_ss);
	memcpy(vm_hva(self->vm, 0xfffe), "\x34\x12", 2);

	ASSERT_OUT(13, 2);
	ASSERT_OUT(at + (uint32_t)(uintptr_t)small_beyond - 4, 2);
	go_on(vcpu, small_beyond);
	ASSERT_OUT(13, 2);
	ASSERT_OUT(at + (uint32_t)(uintptr_t)small_across - 3, 2);
	go_on(vcpu, small_across);
	ASSERT_OUT(12, 2);
	ASSERT_OUT(at + (uint32_t)(uintptr_t)small_stack - 5, 2);
	go_on(vcpu, small_stack);
	ASSERT_OUT(0x1234, 2);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
}

LODGE_TEST_MAIN()
