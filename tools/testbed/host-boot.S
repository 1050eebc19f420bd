/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The first disk of a host that boots without a boot loader: a boot sector, the
 * kernel's boot parameters and its command line.  It takes the memory map from
 * the BIOS, reads kernel and initramfs from the second disk to where they run,
 * and enters the kernel at its 64-bit entry (Documentation/x86/boot.rst of the
 * kernel, "64-bit boot protocol").  ./host-intel.sh assembles it, with
 *
 *	vmlinuz, cmdline		files to include
 *	KERNEL_ADDR, KERNEL_SECTORS	the kernel, first on the disk
 *	INITRD_SECTORS, INITRD_SIZE	the initramfs, right after it
 */

	.set BOOT_PARAMS, 0x90000
	.set TABLES, 0x60000		/* three pages of page tables */
	.set E820_ENTRIES, 0x1e8	/* in struct boot_params */
	.set E820_TABLE, 0x2d0
	.set INITRD_ADDR, 0x10000000

	.set ATA, 0x1f0
	.set ATA_COUNT, ATA + 2
	.set ATA_STATUS, ATA + 7	/* reading; commands when written */
	.set ATA_CONTROL, 0x3f6
	.set ATA_SECOND_LBA, 0xf0	/* device register: second disk, LBA */
	.set ATA_READ_SECTORS, 0x20

	.set CODE32, 0x08
	.set DATA, 0x10
	.set CODE64, 0x18

	.code16
	.globl _start
/* The BIOS comes here, in real mode at 0:7c00, with this disk's number in DL. */
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$_start, %sp

	movb	$0x42, %ah
	movw	$packet, %si
	int	$0x13
	jc	stop

	pushw	$BOOT_PARAMS >> 4
	popw	%es
	movw	$E820_TABLE, %di
	xorl	%ebx, %ebx
1:	movl	$0xe820, %eax
	movl	$0x534d4150, %edx	/* "SMAP" */
	movl	$20, %ecx
	int	$0x15
	jc	2f
	addw	$20, %di
	incb	%es:E820_ENTRIES
	testl	%ebx, %ebx
	jnz	1b

2:	inb	$0x92, %al		/* A20 on */
	orb	$2, %al
	outb	%al, $0x92
	lgdt	gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$CODE32, $protected

stop:	hlt
	jmp	stop

	.code32
protected:
	movl	$DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss

	movb	$2, %al			/* polled, without interrupts */
	movw	$ATA_CONTROL, %dx
	outb	%al, %dx
	xorl	%ebx, %ebx
	movl	$KERNEL_SECTORS, %ecx
	movl	$KERNEL_ADDR, %edi
	call	read_disk
	movl	$INITRD_SECTORS, %ecx
	movl	$INITRD_ADDR, %edi
	call	read_disk

	/* The first GiB, mapped to itself in pages of 2 MiB. */
	movl	$TABLES, %edi
	xorl	%eax, %eax
	movl	$3 * 4096 / 4, %ecx
	rep stosl
	movl	$TABLES + 0x1003, TABLES
	movl	$TABLES + 0x2003, TABLES + 0x1000
	movl	$TABLES + 0x2000, %edi
	movl	$0x83, %eax
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	cmpl	$TABLES + 0x3000, %edi
	jb	1b

	movl	%cr4, %eax
	orb	$0x20, %al		/* CR4.PAE */
	movl	%eax, %cr4
	movl	$TABLES, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	orb	$1, %ah
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax	/* CR0.PG */
	movl	%eax, %cr0
	movl	$BOOT_PARAMS, %esi
	ljmpl	$CODE64, $KERNEL_ADDR

/*
 * Read ECX sectors of the second disk, from EBX on, to EDI.  EBX and EDI are
 * left behind the last.
 */
read_disk:
	pushl	%ecx
	movl	$256, %ebp		/* as many as one command takes */
	cmpl	%ebp, %ecx
	jae	1f
	movl	%ecx, %ebp
1:	movw	$ATA_COUNT, %dx
	movl	%ebp, %eax		/* 256 is 0 */
	outb	%al, %dx
	movl	%ebx, %eax
	orl	$ATA_SECOND_LBA << 24, %eax
	movl	$4, %ecx
2:	incl	%edx
	outb	%al, %dx
	shrl	$8, %eax
	loop	2b
	incl	%edx
	movb	$ATA_READ_SECTORS, %al
	outb	%al, %dx

	movl	%ebp, %esi
3:	movw	$ATA_STATUS, %dx
4:	inb	%dx, %al
	andb	$0x88, %al
	cmpb	$0x08, %al		/* not busy, data there */
	jne	4b
	movw	$ATA, %dx
	movl	$512 / 4, %ecx
	rep insl
	decl	%esi
	jnz	3b

	popl	%ecx
	addl	%ebp, %ebx
	subl	%ebp, %ecx
	jnz	read_disk
	ret

/* What the BIOS is to read: from sector 1 on, to boot_params. */
packet:
	.byte	16, 0
	.word	(params_end - params) / 512
	.word	0, BOOT_PARAMS >> 4
	.quad	1

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* CODE32 */
	.quad	0x00cf93000000ffff	/* DATA */
	.quad	0x00af9b000000ffff	/* CODE64 */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.org	510
	.word	0xaa55

/* struct boot_params, with the setup header that the kernel's file has. */
params:
	.org	512 + 0x1f1
	.incbin	"vmlinuz", 0x1f1, 0x210 - 0x1f1
	.byte	0xff			/* type_of_loader: none of the known */
	.incbin	"vmlinuz", 0x211, 0x218 - 0x211
	.long	INITRD_ADDR, INITRD_SIZE
	.incbin	"vmlinuz", 0x220, 0x228 - 0x220
	.long	BOOT_PARAMS + 0x1000	/* cmd_line_ptr */
	.incbin	"vmlinuz", 0x22c, 0x268 - 0x22c
	.org	512 + 0x1000
	.incbin	"cmdline"
	.byte	0
	.balign	512
params_end:
