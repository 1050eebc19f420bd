/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The first program of a guest whose boot is measured: prints the time-stamp
 * counter, which was zero when the vCPU was made, as "boot-tsc HEX", and powers
 * the guest off.
 */
#include <asm/unistd_64.h>
#include <linux/reboot.h>

	.globl	_start
_start:
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	leaq	digits_end(%rip), %rdi
	movl	$16, %ecx
1:	movl	%eax, %edx
	andl	$15, %edx
	leaq	hex(%rip), %rsi
	movb	(%rsi, %rdx), %dl
	decq	%rdi
	movb	%dl, (%rdi)
	shrq	$4, %rax
	decl	%ecx
	jnz	1b

	movl	$__NR_write, %eax
	movl	$1, %edi
	leaq	text(%rip), %rsi
	movl	$text_end - text, %edx
	syscall

	movl	$__NR_reboot, %eax
	movl	$LINUX_REBOOT_MAGIC1, %edi
	movl	$LINUX_REBOOT_MAGIC2, %esi
	movl	$LINUX_REBOOT_CMD_POWER_OFF, %edx
	syscall
	hlt

	.section .rodata
hex:	.ascii	"0123456789abcdef"
	.data
text:	.ascii	"boot-tsc "
	.skip	16
digits_end:
	.ascii	"\n"
text_end:
