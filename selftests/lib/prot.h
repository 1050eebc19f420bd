/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of what the library's guests do not use: segments, gates, privilege levels and
 * tasks, in real, protected, virtual-8086 and 64-bit mode.  The test puts the vCPU where
 * an instruction is to be executed; wherever that leads there is a HLT.
 */
#ifndef LODGE_SELFTEST_PROT_H
#define LODGE_SELFTEST_PROT_H

#include <fcntl.h>
#include <unistd.h>

#include "lodge_test.h"

/* Pages in the first 64 KiB, so that real mode has them too. */
#define PROT_CODE	0x1000u		/* instructions at PROT_INSN, HLT everywhere else */
#define PROT_STUB	0x1020u
#define PROT_INSN	0x1100u
#define PROT_ENTRY	0x1300u		/* where gates lead */
#define PROT_DATA	0x2000u
#define PROT_STACKS	0x3000u
#define PROT_STACK	0x3800u		/* the top of the stack in use */
#define PROT_STACK0	0x3c00u		/* that of level 0, in the TSS */
#define PROT_GDT	0x4000u
#define PROT_IDT	0x5000u
#define PROT_TSS	0x6000u		/* 32 bits */
#define PROT_TSS_LIMIT	0x8fu		/* with a map that permits the ports below 0x80 */
#define PROT_TSS64	0x6800u
#define PROT_HANDLERS	0x7000u		/* vector n's is 16n on: HLT */
#define PROT_VECTORS	0x8000u		/* real mode's, to the same handlers */
#define PROT_TASKS	0x9000u
#define PROT_END	0xa000u

#define SEL_CODE	0x08
#define SEL_DATA0	0x10
#define SEL_TSS32	0x18
#define SEL_LDT		0x20
#define SEL_CODE3	0x2b
#define SEL_DATA3	0x33
#define SEL_GATE	0x38		/* a call gate, of 32 bits, to SEL_CODE:PROT_ENTRY */
#define SEL_TSS_FREE	0x40
#define SEL_CODE16	0x48
#define SEL_CONFORMING	0x50
#define SEL_ABSENT	0x58
#define SEL_L_CODE	0x60		/* 64 bits */
#define SEL_L_TSS	0x70		/* two entries */
#define SEL_L_GATE	0x80		/* two entries */
#define SEL_L_CODE3	0x93
#define SEL_L_TSS_FREE	0x98		/* two entries */
#define SEL_TSS_OWN	0xa8		/* for prot_enter() */
#define SEL_TASKS	0xb0		/* the test's own, from here */

#define CR0_PE		1ul
#define CR0_TS		8ul
#define CR0_PG		(1ul << 31)
#define FLAGS_NT	0x4000u
#define FLAGS_VM	0x20000u

static inline void prot_desc(struct vm *vm, unsigned int sel, uint32_t base, uint32_t limit,
			     uint16_t attributes)
{
	uint64_t *gdt = vm_hva(vm, PROT_GDT);

	gdt[sel >> 3] = (limit & 0xffff) | (uint64_t)(limit & 0xf0000) << 32 |
			(uint64_t)(base & 0xffffff) << 16 | (uint64_t)(base >> 24) << 56 |
			(uint64_t)(attributes & 0xf0ff) << 40;
}

/* A gate, in the GDT or the IDT: @low of the attributes are parameters or a stack's number. */
static inline uint64_t prot_gate(uint16_t sel, uint32_t offset, uint8_t type, uint8_t low)
{
	return (offset & 0xffff) | (uint64_t)sel << 16 | (uint64_t)low << 32 |
	       (uint64_t)type << 40 | (uint64_t)(offset >> 16) << 48;
}

static inline void prot_idt(struct vm *vm, bool wide, unsigned int vector, uint64_t gate)
{
	uint64_t *idt = vm_hva(vm, PROT_IDT);

	if (wide) {
		idt[2 * vector] = gate;
		idt[2 * vector + 1] = 0;
	} else {
		idt[vector] = gate;
	}
}

static inline uint32_t prot_handler(unsigned int vector)
{
	return PROT_HANDLERS + 16 * vector;
}

static inline void prot_tables(struct vm *vm, bool wide)
{
	uint32_t *tss = vm_hva(vm, PROT_TSS);
	uint64_t *gdt = vm_hva(vm, PROT_GDT);
	uint16_t *ivt = vm_hva(vm, PROT_VECTORS);
	unsigned int i;
	uint64_t sp;

	memset(vm_hva(vm, PROT_CODE), 0xf4, 0x1000);
	memset(vm_hva(vm, PROT_HANDLERS), 0xf4, 0x1000);
	memset(vm_hva(vm, PROT_DATA), 0, PROT_HANDLERS - PROT_DATA);
	prot_desc(vm, SEL_CODE, 0, 0xfffff, 0xc09b);
	prot_desc(vm, SEL_DATA0, 0, 0xfffff, 0xc093);
	prot_desc(vm, SEL_TSS32, PROT_TSS, 0x67, 0x008b);
	prot_desc(vm, SEL_LDT, PROT_GDT, 0xff, 0x0082);
	prot_desc(vm, SEL_CODE3, 0, 0xfffff, 0xc0fb);
	prot_desc(vm, SEL_DATA3, 0, 0xfffff, 0xc0f3);
	prot_desc(vm, SEL_TSS_FREE, PROT_TSS, 0x67, 0x0089);
	prot_desc(vm, SEL_TSS_OWN, PROT_TSS, PROT_TSS_LIMIT, 0x0089);
	prot_desc(vm, SEL_CODE16, 0, 0xffff, 0x009b);
	prot_desc(vm, SEL_CONFORMING, 0, 0xfffff, 0xc09f);
	prot_desc(vm, SEL_ABSENT, 0, 0xfffff, 0xc012);
	prot_desc(vm, SEL_L_CODE, 0, 0xfffff, 0xa09b);
	prot_desc(vm, SEL_L_TSS, PROT_TSS64, 0x67, 0x008b);
	prot_desc(vm, SEL_L_CODE3, 0, 0xfffff, 0xa0fb);
	prot_desc(vm, SEL_L_TSS_FREE, PROT_TSS64, 0x67, 0x0089);
	gdt[SEL_GATE >> 3] = prot_gate(SEL_CODE, PROT_ENTRY, 0xec, 2);
	gdt[SEL_L_GATE >> 3] = prot_gate(SEL_L_CODE, PROT_ENTRY, 0xec, 0);
	tss[1] = PROT_STACK0;
	tss[2] = SEL_DATA0;
	tss[25] = 0x68 << 16;
	memset((char *)tss + 0x68 + 0x80 / 8, 0xff, PROT_TSS_LIMIT - 0x68 - 0x80 / 8 + 1);
	sp = PROT_STACK0;
	memcpy((char *)vm_hva(vm, PROT_TSS64) + 4, &sp, 8);
	for (i = 0; i < 0x60; i++) {
		prot_idt(vm, wide, i, prot_gate(wide ? SEL_L_CODE : SEL_CODE, prot_handler(i),
						0x8e, 0));
		ivt[2 * i] = prot_handler(i);
		ivt[2 * i + 1] = 0;
	}
}

static inline struct kvm_segment prot_segment(struct vm *vm, uint16_t sel)
{
	uint64_t d = ((uint64_t *)vm_hva(vm, PROT_GDT))[sel >> 3];
	struct kvm_segment s = {
		.selector = sel, .base = (d >> 16 & 0xffffff) | d >> 56 << 24,
		.limit = (d & 0xffff) | (d >> 32 & 0xf0000),
		.type = d >> 40 & 15, .s = d >> 44 & 1, .dpl = d >> 45 & 3,
		.present = d >> 47 & 1, .avl = d >> 52 & 1, .l = d >> 53 & 1,
		.db = d >> 54 & 1, .g = d >> 55 & 1,
	};

	if (s.g)
		s.limit = s.limit << 12 | 0xfff;
	return s;
}

/* The segments of a level: @code, @data everywhere else; and the tables. */
static inline void prot_segments(struct vm *vm, struct kvm_sregs *s, uint16_t code, uint16_t data)
{
	s->cs = prot_segment(vm, code);
	s->ds = prot_segment(vm, data);
	s->es = s->fs = s->gs = s->ss = s->ds;
	s->tr = prot_segment(vm, s->efer ? SEL_L_TSS : SEL_TSS32);
	s->ldt = (struct kvm_segment) { .unusable = 1 };
	s->gdt.base = PROT_GDT;
	s->gdt.limit = 0xff;
	s->idt.base = PROT_IDT;
	s->idt.limit = 0x5ff;
}

/*
 * Have the guest go where @frame, an IRET's, says, by itself, and load its task register on
 * the way: a CPU may remember of a task register that a program has set other things than of
 * one that it has loaded.  RCX is the selector.
 */
static inline void prot_enter(struct vm *vm, struct vcpu *vcpu, struct kvm_regs *r,
			      uint16_t data, const uint32_t *frame, unsigned int words)
{
	struct kvm_sregs s;

	memcpy(vm_hva(vm, PROT_STUB), "\x0f\x00\xd9\xcf", 4);	/* ltr %cx; iret */
	r->rip = PROT_STUB;
	r->rcx = SEL_TSS_OWN;
	r->rsp = PROT_STACK - 4 * words;
	memcpy(vm_hva(vm, r->rsp), frame, 4 * words);
	vcpu_sregs(vcpu, &s);
	s.cr0 |= CR0_PE;
	prot_segments(vm, &s, SEL_CODE, data);
	s.ss = prot_segment(vm, SEL_DATA0);
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &s);
}

/* What follows these bytes is emulated while prot_force() is on. */
#define PROT_PREFIX	"\x0f\x0bkvm"

/* The module's force_emulation_prefix, or KVM's: false if it cannot be set. */
static inline bool prot_force(bool on)
{
	int fd = open(strstr(node_path(), "lodge") ?
		      "/sys/module/lodge/parameters/force_emulation_prefix" :
		      "/sys/module/kvm/parameters/force_emulation_prefix", O_WRONLY);
	bool ok = fd >= 0 && write(fd, on ? "1" : "0", 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok;
}

#endif
