/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the guest's interrupts and exceptions arrive, and where an application
 * processor starts.
 */

	/*
	 * 256 stubs of 16 bytes, entered by the CPU through the IDT.  The
	 * vectors that push an error code are those of "Error Codes" in APM
	 * vol. 2, Exceptions and Interrupts; the others get a zero in its place.
	 */
	.text
	.balign 16
	.globl guest_stubs
guest_stubs:
	vector = 0
	.rept 256
	.balign 16
	.if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
	.else
	pushq $0
	.endif
	pushq $vector
	jmp guest_common
	vector = vector + 1
	.endr

guest_common:
	pushq %rax
	pushq %rbx
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbp
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	movq %rsp, %rbp
	andq $-16, %rsp
	call guest_trap
	movq %rbp, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbx
	popq %rax
	addq $16, %rsp
	iretq

	/*
	 * The start of an AP, copied to GPA_SIPI and entered in real mode at
	 * CS:IP = vector << 8 : 0 after INIT and SIPI (APM vol. 2, Processor
	 * Initialization State).  Straight from there to long mode, on the
	 * page tables of the boot processor; then guest_ap_main(APIC ID).
	 */
	.globl sipi_start, sipi_end
	.code16
sipi_start:
	cli
	movl $0x10000, %eax		/* GPA_PML4 */
	movl %eax, %cr3
	movl $0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	movl %eax, %cr4
	movl $0xc0000080, %ecx		/* EFER: NXE, LME, SCE */
	movl $0x901, %eax
	xorl %edx, %edx
	wrmsr
	lgdtl %cs:(sipi_gdtr - sipi_start)
	movl $0x80010033, %eax		/* PG, WP, NE, ET, MP, PE */
	movl %eax, %cr0
	ljmpl $0x08, $sipi_long
	.balign 8
sipi_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* SEL_CODE64 */
	.quad 0x00cf93000000ffff	/* SEL_DATA */
sipi_gdtr:
	.word sipi_gdtr - sipi_gdt - 1
	.long 0x8000 + sipi_gdt - sipi_start
sipi_end:

	.code64
	.balign 16
sipi_long:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $1, %eax
	cpuid
	shrl $24, %ebx			/* the initial APIC ID: our index */
	movl %ebx, %edi
	incl %ebx
	shll $16, %ebx			/* STACK_SIZE */
	leal 0x200000(%ebx), %esp	/* GPA_STACKS */
	lidt sipi_idtr
	call guest_ap_main
1:	hlt
	jmp 1b
sipi_idtr:
	.word 0xfff
	.quad 0x18000			/* GPA_IDT */

	.section .note.GNU-stack, "", @progbits
