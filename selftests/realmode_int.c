// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: in real mode INT n, INT3, INTO and exceptions go through the far pointers of the
 * table at IDTR, wherever that is: FLAGS, CS and IP are on the stack, IF is clear,
 * IRET goes back; CLI, STI, PUSHF and POPF act on IF itself (SDM vol. 3, Interrupt and
 * Exception Handling [in real-address mode]); and an interrupt beyond the table's limit,
 * as its fault, ends the CPU.
 */
#include "real.h"

CODE16(code_int,
"	movw $0x7000, %sp\n"
"	sti\n"
"	int $0x40\n"
"int_after:\n"
"	pushfw\n"
"	popw %ax\n"
"	andw $0x200, %ax\n"
"	outw %ax, $0x10\n"			/* IF is back */
"	int3\n"
"	movb $0x7f, %al\n"
"	addb $1, %al\n"
"	into\n"
"	cli\n"
"	pushfw\n"
"	popw %ax\n"
"	andw $0x200, %ax\n"
"	outw %ax, $0x10\n"
"	pushw $0x202\n"
"	popfw\n"
"	into\n"					/* OF is clear: nothing */
"	pushfw\n"
"	popw %ax\n"
"	andw $0xa00, %ax\n"
"	outw %ax, $0x10\n"
"	pushl $0x240002\n"			/* ID, AC */
"	popfl\n"
"	pushfl\n"
"	popl %eax\n"
"	andl $0x240202, %eax\n"
"	outl %eax, $0x10\n"
"	movw %sp, %ax\n"
"	outw %ax, $0x10\n"
"	hlt\n"
"int_handler:\n"
"	pushw %bp\n"
"	movw %sp, %bp\n"
"	movw 2(%bp), %ax\n"
"	subw $" REAL_AT(code_int, int_after) ", %ax\n"
"	outw %ax, $0x10\n"			/* IP is behind the INT */
"	movw 4(%bp), %ax\n"
"	outw %ax, $0x10\n"
"	movw 6(%bp), %ax\n"
"	andw $0x200, %ax\n"
"	outw %ax, $0x10\n"
"	pushfw\n"
"	popw %ax\n"
"	andw $0x200, %ax\n"
"	outw %ax, $0x10\n"
"	popw %bp\n"
"	iretw\n"
"int_bp:\n"
"	movw $0x3333, %ax\n"
"	outw %ax, $0x10\n"
"	iretw\n"
"int_of:\n"
"	movw $0x4444, %ax\n"
"	outw %ax, $0x10\n"
"	iretw\n"
)

CODE16(code_faults,
"	movw $0x7000, %sp\n"
"	ud2\n"
"faults_ud:\n"
"	xorw %cx, %cx\n"
"	divw %cx\n"
"faults_de:\n"
"	movw $5, %ax\n"
"	boundw %ax, " REAL_AT(code_faults, faults_bounds) "\n"
"faults_br:\n"
"	movl %cr0, %eax\n"
"	orb $8, %al\n"				/* TS */
"	movl %eax, %cr0\n"
"	fnop\n"
"faults_nm:\n"
"	clts\n"
"	fnop\n"
"	movl %cr0, %eax\n"
"	outl %eax, $0x10\n"
"	hlt\n"
/* Tells how far from @where it came, and goes on there: behind the instruction. */
".macro HANDLER name, where\n"
"\\name:\n"
"	movw %sp, %bp\n"
"	movw (%bp), %ax\n"
"	subw $(0x1000 + \\where - code_faults), %ax\n"
"	outw %ax, $0x10\n"
"	movw $(0x1000 + \\where - code_faults), (%bp)\n"
"	iretw\n"
".endm\n"
"	HANDLER on_ud, faults_ud\n"
"	HANDLER on_de, faults_de\n"
"	HANDLER on_br, faults_br\n"
"	HANDLER on_nm, faults_nm\n"
"faults_bounds:\n"
"	.word 6, 9\n"
)

CODE16(code_end,
"	movw $0x7000, %sp\n"
"	lidtw " REAL_AT(code_end, end_table) "\n"
"	int3\n"
"	hlt\n"
"end_table:\n"
"	.word 0, 0, 0\n"
)

extern const char int_handler[], int_bp[], int_of[], on_ud[], on_de[], on_br[], on_nm[];

REAL_FIXTURE(interrupts)

TEST_F(interrupts, instructions)
{
	struct vcpu *vcpu = real_vcpu(self->vm, code_int);

	real_variant(vcpu, variant->vectors, variant->fs_base);
	real_vector(self->vm, variant->vectors, 0x40, code_int, int_handler);
	real_vector(self->vm, variant->vectors, VEC_BP, code_int, int_bp);
	real_vector(self->vm, variant->vectors, VEC_OF, code_int, int_of);

	ASSERT_OUT(0, 2);
	ASSERT_OUT(0, 2);
	ASSERT_OUT(0x200, 2);
	ASSERT_OUT(0, 2);
	ASSERT_OUT(0x200, 2);
	ASSERT_OUT(0x3333, 2);
	ASSERT_OUT(0x4444, 2);
	ASSERT_OUT(0, 2);
	ASSERT_OUT(0x200, 2);
	ASSERT_OUT(0x240002, 4);
	ASSERT_OUT(0x7000, 2);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
}

TEST_F(interrupts, exceptions)
{
	struct vcpu *vcpu = real_vcpu(self->vm, code_faults);

	real_variant(vcpu, variant->vectors, variant->fs_base);
	real_vector(self->vm, variant->vectors, VEC_UD, code_faults, on_ud);
	real_vector(self->vm, variant->vectors, VEC_DE, code_faults, on_de);
	real_vector(self->vm, variant->vectors, VEC_BR, code_faults, on_br);
	real_vector(self->vm, variant->vectors, VEC_NM, code_faults, on_nm);

	ASSERT_OUT(0x10000 - 2, 2);
	ASSERT_OUT(0x10000 - 2, 2);
	ASSERT_OUT(0x10000 - 4, 2);
	ASSERT_OUT(0x10000 - 2, 2);
	ASSERT_OUT(0x60000010, 4);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
}

TEST_F(interrupts, no_vectors)
{
	struct vcpu *vcpu = real_vcpu(self->vm, code_end);

	real_variant(vcpu, variant->vectors, variant->fs_base);
	EXPECT_EQ(KVM_EXIT_SHUTDOWN, vcpu_run(vcpu)) {
		vcpu_describe_exit(vcpu);
	}
}

LODGE_TEST_MAIN()
