/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interrupt controllers as guest code reaches them.
 */
#ifndef LODGE_SELFTEST_APIC_H
#define LODGE_SELFTEST_APIC_H

#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "guest.h"

#define X2APIC_MSR(reg)	(APIC_BASE_MSR + ((reg) >> 4))

static inline uint32_t xapic_read(uint32_t reg)
{
	return read32(APIC_DEFAULT_PHYS_BASE + reg);
}

static inline void xapic_write(uint32_t reg, uint32_t v)
{
	write32(APIC_DEFAULT_PHYS_BASE + reg, v);
}

static inline uint64_t x2apic_read(uint32_t reg)
{
	return rdmsr(X2APIC_MSR(reg));
}

static inline void x2apic_write(uint32_t reg, uint64_t v)
{
	wrmsr(X2APIC_MSR(reg), v);
}

#define SPURIOUS_VECTOR	0xff

/* Software-enabled, as after reset it is not (APM vol. 2, APIC Enable). */
static inline void xapic_enable(void)
{
	xapic_write(APIC_SPIV, APIC_SPIV_APIC_ENABLED | SPURIOUS_VECTOR);
}

static inline void x2apic_enable(void)
{
	wrmsr(MSR_IA32_APICBASE, rdmsr(MSR_IA32_APICBASE) | X2APIC_ENABLE);
	x2apic_write(APIC_SPIV, APIC_SPIV_APIC_ENABLED | SPURIOUS_VECTOR);
}

static inline void xapic_icr(uint32_t dest, uint32_t low)
{
	xapic_write(APIC_ICR2, dest << 24);
	xapic_write(APIC_ICR, low);
	while (xapic_read(APIC_ICR) & APIC_ICR_BUSY)
		cpu_relax();
}

/* A bit of the IRR, ISR or TMR: 256 bits in eight registers 16 bytes apart. */
static inline bool xapic_bit(uint32_t base, unsigned int vector)
{
	return xapic_read(base + (vector >> 5) * 0x10) >> (vector & 31) & 1;
}

/* The IOAPIC: an index and a window. */
#define IOAPIC_SEL	(IO_APIC_DEFAULT_PHYS_BASE + 0x00)
#define IOAPIC_WIN	(IO_APIC_DEFAULT_PHYS_BASE + 0x10)

#define RTE_REMOTE_IRR	(1 << 14)
#define RTE_LEVEL	(1 << 15)
#define RTE_MASKED	(1 << 16)
#define RTE_LOW		(1 << 13)
#define RTE_LOGICAL	(1 << 11)
#define RTE_LOWEST	(1 << 8)
#define RTE_NMI		(4 << 8)
#define RTE_EXTINT	(7 << 8)

static inline uint32_t ioapic_read(uint8_t reg)
{
	write32(IOAPIC_SEL, reg);
	return read32(IOAPIC_WIN);
}

static inline void ioapic_write(uint8_t reg, uint32_t v)
{
	write32(IOAPIC_SEL, reg);
	write32(IOAPIC_WIN, v);
}

/* Destination first: the low half may unmask. */
static inline void ioapic_rte(unsigned int pin, uint8_t dest, uint32_t low)
{
	ioapic_write(0x11 + 2 * pin, (uint32_t)dest << 24);
	ioapic_write(0x10 + 2 * pin, low);
}

static inline uint32_t ioapic_rte_low(unsigned int pin)
{
	return ioapic_read(0x10 + 2 * pin);
}

/* The pair of 8259As. */
#define PIC1_CMD	0x20
#define PIC1_DATA	0x21
#define PIC2_CMD	0xa0
#define PIC2_DATA	0xa1
#define ELCR1		0x4d0
#define ELCR2		0x4d1

/* ICW1 to ICW4: edge, cascade on IR2, 8086 mode, all lines open. */
static inline void pic_init(uint8_t base1, uint8_t base2)
{
	outb(PIC1_CMD, 0x11);
	outb(PIC2_CMD, 0x11);
	outb(PIC1_DATA, base1);
	outb(PIC2_DATA, base2);
	outb(PIC1_DATA, 0x04);
	outb(PIC2_DATA, 0x02);
	outb(PIC1_DATA, 0x01);
	outb(PIC2_DATA, 0x01);
	outb(PIC1_DATA, 0x00);
	outb(PIC2_DATA, 0x00);
}

/* OCW3, then a read: the request or the in-service register. */
static inline uint8_t pic_irr(uint16_t cmd)
{
	outb(cmd, 0x0a);
	return inb(cmd);
}

static inline uint8_t pic_isr(uint16_t cmd)
{
	outb(cmd, 0x0b);
	return inb(cmd);
}

#endif
