/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch (SDM vol. 3, VM Entries; VM Exits), and the host's gates
 * called for what ended the guest.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include "switch.h"

/* Kernels without a mitigation have nothing to do there. */
#ifndef CLEAR_CPU_BUFFERS
#define CLEAR_CPU_BUFFERS
#endif
#ifdef LODGE_HAVE_CLEAR_BHB_VMEXIT
#define VMX_CLEAR_BRANCH_HISTORY	CLEAR_BRANCH_HISTORY_VMEXIT
#else
#define VMX_CLEAR_BRANCH_HISTORY
#endif
/* The host's NMI entry that does not ask for a stack of its own: 6.3 renamed it. */
#ifdef LODGE_HAVE_NMI_NOIST
#define VMX_NMI_GATE	asm_exc_nmi_noist
#else
#define VMX_NMI_GATE	asm_exc_nmi_kvm_vmx
#endif

/* VMCS field HOST_RSP; <asm/vmx.h> is not for assembly. */
#define VMCS_HOST_RSP	0x6c14

	.section .noinstr.text, "ax"

/*
 * int vmx_switch(unsigned long *regs, struct vmx_switch *sw)
 *
 * Called by vmx_enter_guest() in 64-bit kernel mode with interrupts off and the
 * vCPU's VMCS current:
 *   %rdi	the general registers of the guest
 *   %rsi	struct vmx_switch
 * Returns VMX_SWITCH_* in %eax.
 */
SYM_FUNC_START(vmx_switch)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rsi
	push	%rdi

	/* The exit finds the stack as it is here. */
	cmpq	%rsp, VMX_SW_HOST_RSP(%rsi)
	je	.Lhost_rsp_done
	movq	%rsp, VMX_SW_HOST_RSP(%rsi)
	movl	$VMCS_HOST_RSP, %eax
.Lvmwrite:
	vmwrite	%rsp, %rax
.Lhost_rsp_done:

	/* The guest's IA32_SPEC_CTRL.  No C, and no RET, runs with it. */
	ALTERNATIVE "jmp .Lentry_spec_done", "", X86_FEATURE_MSR_SPEC_CTRL
	movl	VMX_SW_SPEC_GUEST(%rsi), %eax
	cmpl	VMX_SW_SPEC_HOST(%rsi), %eax
	je	.Lentry_spec_done
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	xorl	%edx, %edx
	wrmsr
.Lentry_spec_done:

	/* CF: this VMCS is yet to be launched.  VERW, below, changes ZF alone. */
	cmpb	$1, VMX_SW_LAUNCHED(%rsi)

	movq	VMX_RAX(%rdi), %rax
	movq	VMX_RCX(%rdi), %rcx
	movq	VMX_RDX(%rdi), %rdx
	movq	VMX_RBX(%rdi), %rbx
	movq	VMX_RBP(%rdi), %rbp
	movq	VMX_RSI(%rdi), %rsi
	movq	VMX_R8(%rdi), %r8
	movq	VMX_R9(%rdi), %r9
	movq	VMX_R10(%rdi), %r10
	movq	VMX_R11(%rdi), %r11
	movq	VMX_R12(%rdi), %r12
	movq	VMX_R13(%rdi), %r13
	movq	VMX_R14(%rdi), %r14
	movq	VMX_R15(%rdi), %r15
	movq	VMX_RDI(%rdi), %rdi

	CLEAR_CPU_BUFFERS
	jc	.Lvmlaunch

	/* The unwinder is told that an exit comes back to the frame of here. */
	UNWIND_HINT_SAVE
.Lvmresume:
	vmresume
	jmp	.Lfail
.Lvmlaunch:
	vmlaunch
	jmp	.Lfail

	/*
	 * HOST_RIP.  The CPU comes here on an exit: %rsp is as at the entry, all
	 * other general registers are the guest's, interrupts are off.
	 */
SYM_INNER_LABEL(vmx_switch_exit, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR

	push	%rdi
	movq	8(%rsp), %rdi
	movq	%rax, VMX_RAX(%rdi)
	movq	%rcx, VMX_RCX(%rdi)
	movq	%rdx, VMX_RDX(%rdi)
	movq	%rbx, VMX_RBX(%rdi)
	movq	%rbp, VMX_RBP(%rdi)
	movq	%rsi, VMX_RSI(%rdi)
	movq	%r8, VMX_R8(%rdi)
	movq	%r9, VMX_R9(%rdi)
	movq	%r10, VMX_R10(%rdi)
	movq	%r11, VMX_R11(%rdi)
	movq	%r12, VMX_R12(%rdi)
	movq	%r13, VMX_R13(%rdi)
	movq	%r14, VMX_R14(%rdi)
	movq	%r15, VMX_R15(%rdi)
	pop	VMX_RDI(%rdi)

	/* What it returns; kept in a register that nothing below uses. */
	xorl	%ebx, %ebx

.Lleave:
	pop	%rdi
	pop	%rsi

	/* No RET may run before the guest's return predictions are gone. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE

	ALTERNATIVE "jmp .Lexit_spec_done", "", X86_FEATURE_MSR_SPEC_CTRL
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	cmpb	$0, VMX_SW_SPEC_READBACK(%rsi)
	je	.Lexit_spec_compare
	rdmsr
	movl	%eax, VMX_SW_SPEC_GUEST(%rsi)
.Lexit_spec_compare:
	movl	VMX_SW_SPEC_HOST(%rsi), %eax
	/*
	 * Where the kernel itself runs with IBRS set and clear in turn, a write
	 * of the same value is what keeps the guest's predictions out.
	 */
	ALTERNATIVE "", "jmp .Lexit_spec_write", X86_FEATURE_KERNEL_IBRS
	cmpl	VMX_SW_SPEC_GUEST(%rsi), %eax
	je	.Lexit_spec_same
.Lexit_spec_write:
	xorl	%edx, %edx
	wrmsr
.Lexit_spec_same:
	/* A branch on the comparison, guessed wrong, must not get past it. */
	lfence
.Lexit_spec_done:

	VMX_CLEAR_BRANCH_HISTORY

	/*
	 * What the guest left in registers is of no use to anyone who can make
	 * the kernel speculate.  Those not here are loaded below.
	 */
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d

	movl	%ebx, %eax
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

	/* The instruction failed: registers are the guest's, the stack is ours. */
.Lfail:
	movl	$VMX_SWITCH_FAIL, %ebx
	jmp	.Lleave
	/* It faulted, since VMX is off. */
.Loff:
	movl	$VMX_SWITCH_OFF, %ebx
	jmp	.Lleave

	_ASM_EXTABLE(.Lvmwrite, .Loff)
	_ASM_EXTABLE(.Lvmresume, .Loff)
	_ASM_EXTABLE(.Lvmlaunch, .Loff)
SYM_FUNC_END(vmx_switch)

/*
 * The frame that an interrupt from 64-bit kernel mode makes (SDM vol. 3,
 * Interrupt and Exception Handling in 64-bit Mode): the stack aligned to 16
 * bytes, then SS, RSP, RFLAGS, CS, RIP.  \call pushes RIP; IRET takes it all.
 */
.macro VMX_CALL_GATE call:vararg
	push	%rbp
	movq	%rsp, %rbp
	andq	$-16, %rsp
	pushq	$__KERNEL_DS
	pushq	%rbp
	pushfq
	pushq	$__KERNEL_CS
	\call
	/* IRET has put the stack back already; objtool does not know that. */
	leave
	RET
.endm

/* void vmx_call_nmi(void) */
SYM_FUNC_START(vmx_call_nmi)
	VMX_CALL_GATE call VMX_NMI_GATE
SYM_FUNC_END(vmx_call_nmi)

	.text

/* void vmx_call_gate(unsigned long handler) */
SYM_FUNC_START(vmx_call_gate)
	VMX_CALL_GATE CALL_NOSPEC rdi
SYM_FUNC_END(vmx_call_gate)
