/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch (APM vol. 2, VMRUN Instruction), and the few SVM
 * instructions that C needs by themselves.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>

#include "switch.h"

/* Kernels without the VERW mitigation for guests have nothing to do there. */
#ifndef VM_CLEAR_CPU_BUFFERS
#define VM_CLEAR_CPU_BUFFERS
#endif

	.section .noinstr.text, "ax"

/*
 * int svm_switch(unsigned long *regs, struct svm_switch *sw)
 *
 * Called by svm_enter_guest() in 64-bit kernel mode with interrupts off:
 *   %rdi	the general registers of the guest
 *   %rsi	struct svm_switch
 * Returns in %eax: 0, or 1 when CLGI found SVM turned off.
 */
SYM_FUNC_START(svm_switch)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rsi
	push	%rdi

	/*
	 * Nothing may reach this CPU from here until the host's state is back:
	 * what arrives is held by GIF, and becomes an exit once the guest runs.
	 * It faults if an emergency has turned SVM off.
	 */
1:	clgi

	/*
	 * The guest's IA32_SPEC_CTRL, where the CPU does not switch it with the
	 * VMCB (APM vol. 2, SPEC_CTRL Virtualization).  No C runs with it.
	 */
	ALTERNATIVE "jmp .Lentry_spec_done", "", X86_FEATURE_MSR_SPEC_CTRL
	ALTERNATIVE "", "jmp .Lentry_spec_done", X86_FEATURE_V_SPEC_CTRL
	movl	SVM_SW_SPEC_GUEST(%rsi), %eax
	cmpl	SVM_SW_SPEC_HOST(%rsi), %eax
	je	.Lentry_spec_done
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	xorl	%edx, %edx
	wrmsr
.Lentry_spec_done:

	movq	SVM_SW_VMCB(%rsi), %rax
	movq	SVM_RCX(%rdi), %rcx
	movq	SVM_RDX(%rdi), %rdx
	movq	SVM_RBX(%rdi), %rbx
	movq	SVM_RBP(%rdi), %rbp
	movq	SVM_RSI(%rdi), %rsi
	movq	SVM_R8(%rdi), %r8
	movq	SVM_R9(%rdi), %r9
	movq	SVM_R10(%rdi), %r10
	movq	SVM_R11(%rdi), %r11
	movq	SVM_R12(%rdi), %r12
	movq	SVM_R13(%rdi), %r13
	movq	SVM_R14(%rdi), %r14
	movq	SVM_R15(%rdi), %r15
	movq	SVM_RDI(%rdi), %rdi

	/*
	 * With V_INTR_MASKING it is the host's RFLAGS.IF that lets physical
	 * interrupts end the guest (APM vol. 2, Virtualizing APIC.TPR).
	 */
	sti
	VM_CLEAR_CPU_BUFFERS
	vmload	%rax
	vmrun	%rax
	/* #VMEXIT resumes here: %rax and %rsp are the host's, all else the guest's. */
	vmsave	%rax
	cli

	pop	%rax
	movq	%rcx, SVM_RCX(%rax)
	movq	%rdx, SVM_RDX(%rax)
	movq	%rbx, SVM_RBX(%rax)
	movq	%rbp, SVM_RBP(%rax)
	movq	%rsi, SVM_RSI(%rax)
	movq	%rdi, SVM_RDI(%rax)
	movq	%r8, SVM_R8(%rax)
	movq	%r9, SVM_R9(%rax)
	movq	%r10, SVM_R10(%rax)
	movq	%r11, SVM_R11(%rax)
	movq	%r12, SVM_R12(%rax)
	movq	%r13, SVM_R13(%rax)
	movq	%r14, SVM_R14(%rax)
	movq	%r15, SVM_R15(%rax)

	/* Per-CPU data and interrupt stacks are within reach again after this. */
	pop	%rsi
	movq	SVM_SW_HOST(%rsi), %rax
	vmload	%rax

	/* No RET may run before the guest's return predictions are gone. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE

	ALTERNATIVE "jmp .Lexit_spec_done", "", X86_FEATURE_MSR_SPEC_CTRL
	ALTERNATIVE "", "jmp .Lexit_spec_done", X86_FEATURE_V_SPEC_CTRL
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	cmpb	$0, SVM_SW_SPEC_READBACK(%rsi)
	je	.Lexit_spec_compare
	rdmsr
	movl	%eax, SVM_SW_SPEC_GUEST(%rsi)
.Lexit_spec_compare:
	movl	SVM_SW_SPEC_HOST(%rsi), %eax
	cmpl	SVM_SW_SPEC_GUEST(%rsi), %eax
	je	.Lexit_spec_done
	xorl	%edx, %edx
	wrmsr
.Lexit_spec_done:

	UNTRAIN_RET

	/*
	 * What the guest left in registers is of no use to anyone who can make
	 * the kernel speculate.  Those not here are loaded below.
	 */
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%eax, %eax

	/* An NMI that ended the guest is taken here. */
	stgi

.Lreturn:
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

.Lno_svm:
	addq	$16, %rsp
	movl	$1, %eax
	jmp	.Lreturn

	_ASM_EXTABLE(1b, .Lno_svm)
SYM_FUNC_END(svm_switch)

	.text

/* void svm_vmsave(u64 pa) */
SYM_FUNC_START(svm_vmsave)
	movq	%rdi, %rax
2:	vmsave	%rax
.Lvmsave_done:
	RET
	_ASM_EXTABLE(2b, .Lvmsave_done)
SYM_FUNC_END(svm_vmsave)

/* void svm_invlpga(unsigned long gva, u32 asid) */
SYM_FUNC_START(svm_invlpga)
	movq	%rdi, %rax
	movl	%esi, %ecx
3:	invlpga	%rax, %ecx
.Linvlpga_done:
	RET
	_ASM_EXTABLE(3b, .Linvlpga_done)
SYM_FUNC_END(svm_invlpga)

/* void svm_stgi(void) */
SYM_FUNC_START(svm_stgi)
4:	stgi
.Lstgi_done:
	RET
	_ASM_EXTABLE(4b, .Lstgi_done)
SYM_FUNC_END(svm_stgi)
