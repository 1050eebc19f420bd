/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's physical address map: what the launcher puts where.
 *
 *	0x00000500  GDT of the first CPU's initial state
 *	0x00001000  PVH start information, module list and memory map
 *	0x00007000  boot_params ("zero page")
 *	0x00009000  page tables of the initial state: PML4, PDPT, four PDs
 *	0x00020000  command line, 64 KiB at most
 *	0x0009fc00  end of conventional memory
 *	0x000e0000  ACPI tables, where a kernel also finds them by searching
 *	0x00100000  kernel, initrd as high as it may go, free memory
 *	0xc0000000  hole for devices: IOAPIC, local APIC and, at 0xfffbc000, what
 *	            KVM keeps in the guest's space on Intel CPUs
 *	0x100000000 the rest of the memory
 */
#ifndef LODGE_LAYOUT_H
#define LODGE_LAYOUT_H

#define GPA_GDT			0x500
#define GPA_PVH_START_INFO	0x1000
#define GPA_BOOT_PARAMS		0x7000
#define GPA_PAGE_TABLES		0x9000
#define GPA_COMMAND_LINE	0x20000
#define COMMAND_LINE_MAX	0x10000
#define GPA_LOW_END		0x9fc00
#define GPA_ACPI		0xe0000
#define GPA_HIGH		0x100000
#define GPA_HOLE		0xc0000000
#define GPA_RESERVED		0xfec00000
#define GPA_IOAPIC		0xfec00000
#define GPA_LAPIC		0xfee00000
#define GPA_IDENTITY_MAP	0xfffbc000
#define GPA_TSS			0xfffbd000
#define GPA_HOLE_END		0x100000000

#define PORT_PVPANIC		0x505
#define PORT_PM1_EVENT		0x600
#define PORT_PM1_CONTROL	0x604
#define PORT_RESET		0xcf9

/* What is written to PORT_RESET: hard reset, "system reset" bit and trigger. */
#define RESET_VALUE		0x06

/* SLP_TYP of S5, as the DSDT names it to the guest. */
#define SLEEP_TYPE_S5		5

#define IRQ_SERIAL		4
#define IRQ_SCI			9

#endif
