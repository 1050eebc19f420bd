/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of paging: tables in every mode, and a guest that makes one access at a time in
 * the mode and with the privilege that the test asks for.
 *
 * The guest ends each access by an OUT: to PG_DONE when it was permitted, to PG_FAULT with the
 * error code in RBX when it was not.
 */
#ifndef LODGE_SELFTEST_PAGING_H
#define LODGE_SELFTEST_PAGING_H

#include "lodge_test.h"

/* Entries of tables. */
#define P	1ul
#define W	2ul
#define U	4ul
#define A	0x20ul
#define D	0x40ul
#define PS	0x80ul
#define G	0x100ul
#define NX	(1ul << 63)
#define PKEY	(1ul << 59)	/* key 1 */

/* Physical memory: pages of the guest's, mapped for the supervisor and for the user; tables. */
#define PG_CODE		0x80000ul
#define PG_GDT		0x81000ul
#define PG_IDT		0x82000ul
#define PG_USER_IDT	0x83000ul
#define PG_STACK	0x85000ul
#define PG_USER_STACK	0x86000ul
#define PG_TABLES	GPA_FREE
#define PG_KERNEL	0x10000ul
#define PG_USER		0x20000ul
#define PG_AT(pa)	((pa) - PG_CODE)

#define PG_DONE		0x10
#define PG_FAULT	0x11

enum access { READ, WRITE, FETCH, NR_ACCESS };

struct config {
	bool wp, nxe, smep, smap, ac, pke;
	uint32_t pkru;
};

struct pager {
	struct vm *vm;
	struct vcpu *vcpu;
	int levels;		/* 2 to 5 */
	bool pse;
	uint64_t cr3, next_table;
};

static inline unsigned int pg_size(const struct pager *pg)
{
	return pg->levels == 2 ? 4 : 8;
}

static inline uint64_t pg_get(const struct pager *pg, uint64_t entry)
{
	uint64_t value = 0;

	memcpy(&value, vm_hva(pg->vm, entry), pg_size(pg));
	return value;
}

static inline void pg_put(const struct pager *pg, uint64_t entry, uint64_t value)
{
	memcpy(vm_hva(pg->vm, entry), &value, pg_size(pg));
}

/*
 * Map @gva by an entry of @level with the value @leaf; tables on the way permit everything,
 * but that of level @at, whose entry has @upper.  Returns where the entry is.
 */
static inline uint64_t pg_map(struct pager *pg, uint64_t gva, uint64_t leaf, int level, int at,
			      uint64_t upper)
{
	int bits = pg->levels == 2 ? 10 : 9, l;
	uint64_t table = pg->cr3, entry, e;

	for (l = pg->levels;; l--) {
		entry = table + (gva >> (12 + bits * (l - 1)) & ((1 << bits) - 1)) * pg_size(pg);
		if (l == level)
			break;
		e = pg_get(pg, entry);
		if (!(e & P)) {
			e = pg->next_table | (l == at ? upper : P | W | U);
			/* PAE's top entries have no permissions. */
			if (pg->levels == 3 && l == 3)
				e = pg->next_table | P;
			pg->next_table += PAGE_SIZE;
			pg_put(pg, entry, e);
		}
		table = e & 0xffffffffff000;
	}
	pg_put(pg, entry, leaf);
	return entry;
}

/*
 * The gate of #PF, in a table for each privilege: a fault of the user's is handled in a
 * conforming segment, at the same privilege and on the same stack, so that no emulator's
 * way of changing stacks is in the way.
 */
static inline void pg_gate(struct pager *pg, uint64_t table, uint16_t selector, uint64_t offset)
{
	uint64_t *gate = vm_hva(pg->vm, table + 14 * (pg->levels > 3 ? 16 : 8));

	*gate = (offset & 0xffff) | selector << 16 | 0x8e00ull << 32 |
		(offset >> 16 & 0xffff) << 48;
}

#define PG_HANDLER	0x100ul
#define PG_WRPKRU	0x200ul
#define PG_CONFORMING	0x38

static inline void pg_code(struct pager *pg)
{
	/* The same bytes do the same in 32-bit and in 64-bit code. */
	static const uint8_t stubs[NR_ACCESS][8] = {
		{ 0x8a, 0x58, 0x01, 0xe6, PG_DONE },	/* movb 1(%rax), %bl; outb %al, $.. */
		{ 0x88, 0x58, 0x02, 0xe6, PG_DONE },	/* movb %bl, 2(%rax) */
		{ 0xff, 0xd0, 0xe6, PG_DONE },		/* call *%rax */
	};
	static const uint8_t wrpkru[] = { 0x0f, 0x01, 0xef, 0xe6, PG_DONE };
	static const uint8_t handler[] = { 0x5b, 0xe6, PG_FAULT };	/* popq %rbx */
	uint64_t *gdt = vm_hva(pg->vm, PG_GDT);
	uint64_t type = pg->levels > 3 ? 0x00af00000000ffff : 0x00cf00000000ffff;
	uint8_t *code = vm_hva(pg->vm, PG_CODE);

	memcpy(code, stubs, sizeof(stubs));
	memcpy(code + PG_HANDLER, handler, sizeof(handler));
	memcpy(code + PG_WRPKRU, wrpkru, sizeof(wrpkru));
	gdt[1] = type | 0x9bull << 40;
	gdt[2] = 0x00cf93000000ffff;
	gdt[3] = type | 0xfbull << 40;
	gdt[4] = 0x00cff3000000ffff;
	gdt[PG_CONFORMING / 8] = type | 0x9full << 40;
	pg_gate(pg, PG_IDT, 0x08, PG_KERNEL + PG_HANDLER);
	pg_gate(pg, PG_USER_IDT, PG_CONFORMING, PG_USER + PG_HANDLER);
}

/* The vCPU, the guest, and tables that map it. */
static inline void pg_create(struct pager *pg, struct vm *vm, int levels, bool pse)
{
	unsigned int i;

	*pg = (struct pager) {
		.vm = vm, .vcpu = vcpu_create_bare(vm, vm->nr_vcpus), .levels = levels,
		.pse = pse, .cr3 = PG_TABLES, .next_table = PG_TABLES + PAGE_SIZE,
	};
	vcpu_set_cpuid(pg->vcpu, vm->cpuid);
	pg_code(pg);
	for (i = 0; i < 8; i++) {
		uint64_t pa = PG_CODE + i * PAGE_SIZE;

		pg_map(pg, PG_KERNEL + PG_AT(pa), pa | P | W, 1, 0, 0);
		pg_map(pg, PG_USER + PG_AT(pa), pa | P | W | U, 1, 0, 0);
	}
}

static inline void pg_segment(struct kvm_segment *s, uint16_t selector, uint8_t type, bool lng)
{
	*s = (struct kvm_segment) {
		.limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .s = 1,
		.dpl = selector & 3, .g = 1, .l = lng, .db = !lng,
	};
}

static inline void pg_set_sregs(struct pager *pg, const struct config *c, bool user)
{
	bool lng = pg->levels > 3;
	struct kvm_sregs s;

	vcpu_sregs(pg->vcpu, &s);
	pg_segment(&s.cs, user ? 0x1b : 0x08, 11, lng);
	pg_segment(&s.ss, user ? 0x23 : 0x10, 3, false);
	s.ds = s.es = s.fs = s.gs = s.ss;
	s.tr = (struct kvm_segment) {
		.limit = 0x67, .selector = 0x28, .type = 11, .present = 1,
	};
	s.ldt = (struct kvm_segment) { .unusable = 1 };
	s.gdt.base = PG_KERNEL + PG_AT(PG_GDT);
	s.gdt.limit = 0x3f;
	s.idt.base = PG_KERNEL + PG_AT(user ? PG_USER_IDT : PG_IDT);
	s.idt.limit = 0xfff;
	s.cr0 = 0x80000031 | (c->wp ? 1 << 16 : 0);
	s.cr3 = pg->cr3;
	s.cr4 = (pg->levels > 2 ? 0x20 : 0) | (pg->pse ? 0x10 : 0) | 0x80 |
		(c->smep ? 1 << 20 : 0) | (c->smap ? 1 << 21 : 0) | (c->pke ? 1 << 22 : 0) |
		(pg->levels == 5 ? 1 << 12 : 0);
	s.efer = (c->nxe ? 0x800 : 0) | (lng ? 0x500 : 0);
	must_ioctl(pg->vcpu->fd, KVM_SET_SREGS, &s);
}

static inline void pg_set_regs(struct pager *pg, const struct config *c, bool user, uint64_t rip,
			       uint64_t rax)
{
	uint64_t stack = user ? PG_USER + PG_AT(PG_USER_STACK) : PG_KERNEL + PG_AT(PG_STACK);
	struct kvm_regs r = {
		.rip = (user ? PG_USER : PG_KERNEL) + rip, .rax = rax, .rbx = 0x5a,
		.rsp = stack + PAGE_SIZE - 256,
		.rflags = 0x3002 | (c->ac ? 1 << 18 : 0),
	};

	must_ioctl(pg->vcpu->fd, KVM_SET_REGS, &r);
}

/* Have the guest make it; the exit reason. */
static inline uint32_t pg_access(struct pager *pg, const struct config *c, enum access kind,
				 bool user, uint64_t gva)
{
	pg_set_sregs(pg, c, user);
	pg_set_regs(pg, c, user, kind * 8, gva);
	return vcpu_run(pg->vcpu);
}

static inline void pg_wrpkru(struct pager *pg, const struct config *c)
{
	pg_set_sregs(pg, c, false);
	pg_set_regs(pg, c, false, PG_WRPKRU, c->pkru);
	if (vcpu_run(pg->vcpu) != KVM_EXIT_IO)
		fatal("WRPKRU did not work");
}

#endif
