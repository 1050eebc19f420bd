// SPDX-License-Identifier: GPL-2.0
/* See cases.h. */
#include "cases.h"

#include <sys/mman.h>
#include <unistd.h>

#define PICK(array)	((array)[draw() % ARRAY_SIZE(array)])

/* The LDT that both have.  Index 0 is not used: it would be "null" in a careless reader. */
enum {
	LDT_CODE16 = 1, LDT_CODE32, LDT_DATA16, LDT_DATA32, LDT_DOWN32, LDT_DOWN16, LDT_RODATA,
	LDT_XCODE, LDT_CONFORMING, LDT_ABSENT, NR_LDT,
};

static const struct {
	uint32_t base, limit;
	bool big;
	unsigned int contents;
	bool read_only, absent;
} ldt[NR_LDT] = {
	[LDT_CODE16] = { CASE_CODE, 0xffff, false, 2 },
	[LDT_CODE32] = { CASE_CODE - 0x1000, 0xfffff, true, 2 },
	[LDT_DATA16] = { CASE_DATA, 0x3fff, false, 0 },
	[LDT_DATA32] = { CASE_DATA, 0x27ff, true, 0 },
	[LDT_DOWN32] = { CASE_DATA, 0x0fff, true, 1 },
	[LDT_DOWN16] = { CASE_DATA - 0x1000, 0x1fff, false, 1 },
	[LDT_RODATA] = { CASE_DATA, 0xfffff, true, 0, true },
	[LDT_XCODE] = { CASE_CODE, 0xfffff, true, 2, true },
	/* The kernel allows no other. */
	[LDT_CONFORMING] = { CASE_CODE, 0xfffff, true, 3, false, true },
	[LDT_ABSENT] = { CASE_DATA, 0xfffff, true, 0, false, true },
};

/* The kernel's, as far as it can be seen from here: the rest cannot be loaded either. */
static uint64_t gdt_table[16];
static uint64_t ldt_table[NR_LDT];
/* No port is permitted. */
static uint8_t tss[0x68] = { [102] = 0xff, [103] = 0xff };

static uint64_t state;

uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1d;
}

static bool one_in(unsigned int n)
{
	return !((draw() >> 33) % n);
}

static void map_file(int fd, unsigned long at, size_t size, int prot)
{
	const int flags = MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE;

	if (mmap((void *)at, size, prot, flags, fd, 0) != (void *)at)
		abort();
}

static uint64_t descriptor(unsigned int i)
{
	uint64_t type = (ldt[i].contents << 2) | (ldt[i].read_only ? 0 : 2) | 1;
	uint32_t limit = ldt[i].limit;

	return (limit & 0xffff) | (uint64_t)(limit & 0xf0000) << 32 |
	       (uint64_t)(ldt[i].base & 0xffffff) << 16 |
	       (uint64_t)(ldt[i].base & 0xff000000) << 32 | type << 40 | 1ull << 44 |
	       3ull << 45 | (uint64_t)!ldt[i].absent << 47 | 1ull << 52 |
	       (uint64_t)ldt[i].big << 54;
}

/* What LAR and LSL tell of the GDT; all its bases are 0. */
static uint64_t gdt_entry(unsigned int i)
{
	uint64_t rights = 0, limit = 0;

	__asm__("lar %2, %0\n lsl %2, %1" : "+&r"(rights), "+&r"(limit)
		: "r"((uint64_t)i << 3 | 3) : "cc");
	if (rights & 1 << 23)
		limit >>= 12;
	return rights << 32 | (limit & 0xffff) | (limit & 0xf0000) << 32;
}

static void map_data(void)
{
	int fd = memfd_create("data", 0);

	if (fd < 0 || ftruncate(fd, DATA_PAGES * 4096))
		abort();
	map_file(fd, CASE_DATA, DATA_PAGES * 4096, PROT_READ | PROT_WRITE);
	/* Present in either mapping before it may no longer be written. */
	if (mprotect((void *)(CASE_DATA + (DATA_PAGES - 1) * 4096), 4096, PROT_READ))
		abort();
	map_file(fd, CASE_ALIAS, DATA_PAGES * 4096, PROT_READ | PROT_WRITE);
	close(fd);
}

void cases_init(uint64_t seed)
{
	unsigned int i;

	state = seed | 1;
	if (mmap((void *)CASE_CODE, CODE_PAGES * 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)CASE_CODE)
		abort();
	map_data();
	for (i = 1; i < ARRAY_SIZE(gdt_table); i++)
		gdt_table[i] = gdt_entry(i);
	for (i = 1; i < NR_LDT; i++) {
		cpu_segment(i, ldt[i].base, ldt[i].limit, ldt[i].big, ldt[i].contents,
			    ldt[i].read_only, ldt[i].absent);
		ldt_table[i] = descriptor(i);
	}
}

struct kvm_segment case_segment(uint16_t sel)
{
	uint64_t d = sel & 4 ? ldt_table[sel >> 3] : gdt_table[sel >> 3];
	struct kvm_segment s = {
		.selector = sel,
		.base = ((d >> 16) & 0xffffff) | (d >> 56 << 24),
		.limit = (d & 0xffff) | ((d >> 32) & 0xf0000),
		.type = (d >> 40) & 15, .s = (d >> 44) & 1, .dpl = (d >> 45) & 3,
		.present = (d >> 47) & 1, .avl = (d >> 52) & 1, .l = (d >> 53) & 1,
		.db = (d >> 54) & 1, .g = (d >> 55) & 1,
	};

	if (s.g)
		s.limit = s.limit << 12 | 0xfff;
	if (!(sel & ~3))
		s = (struct kvm_segment) { .selector = sel, .unusable = 1 };
	return s;
}

/* --- the instruction --- */

static unsigned int put_prefixes(uint8_t *b, unsigned int mode, bool vex)
{
	static const uint8_t segments[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	unsigned int n = 0;

	if (one_in(6))
		b[n++] = PICK(segments);
	if (one_in(8))
		b[n++] = 0x67;
	if (!vex || one_in(30)) {
		if (one_in(4))
			b[n++] = 0x66;
		if (one_in(6))
			b[n++] = one_in(2) ? 0xf2 : 0xf3;
		if (one_in(12))
			b[n++] = 0xf0;
		if (mode == 8 && one_in(2))
			b[n++] = 0x40 | (draw() & 15);
	}
	return n;
}

static unsigned int put_opcode(uint8_t *b, unsigned int map, uint8_t opcode)
{
	uint8_t r = draw();
	unsigned int n = 0;

	switch (map) {
	case TEST_0F:
		b[n++] = 0x0f;
		break;
	case TEST_0F38:
		b[n++] = 0x0f;
		b[n++] = 0x38;
		break;
	case TEST_0F3A:
		b[n++] = 0x0f;
		b[n++] = 0x3a;
		break;
	case TEST_VEX_0F ... TEST_VEX_0F3A:
		if (map == TEST_VEX_0F && (r & 1)) {
			b[n++] = 0xc5;
			b[n++] = one_in(4) ? draw() : 0x78 | (draw() & 0x87);
			break;
		}
		b[n++] = 0xc4;
		b[n++] = (draw() & 0xe0) | (map - TEST_VEX_0F + 1);
		/* Mostly without a second source. */
		b[n++] = one_in(3) ? draw() : 0x78 | (draw() & 0x87);
		break;
	}
	b[n++] = opcode;
	return n;
}

static void put_insn(struct insn_case *c, unsigned int map, uint8_t opcode)
{
	unsigned int i, n;

	n = put_prefixes(c->bytes, c->mode, map >= TEST_VEX_0F);
	n += put_opcode(c->bytes + n, map, opcode);
	for (i = n; i < sizeof(c->bytes); i++)
		c->bytes[i] = draw();
	/* Memory operands, mostly, and small displacements. */
	if (!one_in(4))
		c->bytes[n] = (c->bytes[n] & 0x3f) | (one_in(2) ? 0x40 : one_in(2) ? 0x80 : 0);
	/* Outside 64-bit mode VEX has these bits set, or is LES or LDS. */
	if (map >= TEST_VEX_0F && c->mode != 8)
		for (i = 0; i < n; i++)
			if (c->bytes[i] == 0xc4 || c->bytes[i] == 0xc5) {
				c->bytes[i + 1] |= 0xc0;
				break;
			}
}

/* --- the state --- */

static uint64_t random_value(void)
{
	static const uint64_t corner[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, -1ull,
	};

	switch (draw() % 4) {
	case 0:
		return PICK(corner);
	case 1:
		return draw() & 0xff;
	default:
		return draw();
	}
}

/* An offset into the data, near its edges more often than not. */
static uint64_t data_offset(void)
{
	static const int near[] = { 0, 0x1000, 0x2000, 0x2800, 0x3000 };

	if (one_in(3))
		return PICK(near) + (int)(draw() % 64) - 32;
	return 0x100 + draw() % 0x1d00;
}

static uint64_t data_address(uint16_t sel)
{
	struct kvm_segment s = case_segment(sel);
	uint64_t at = CASE_DATA + data_offset();

	return s.unusable || s.g ? at : (uint32_t)(at - s.base);
}

static void choose_segments(struct insn_case *c)
{
	static const uint8_t data[] = {
		LDT_DATA16, LDT_DATA32, LDT_DOWN32, LDT_DOWN16, LDT_RODATA, LDT_CODE32,
	};
	static const uint8_t stacks[] = { LDT_DATA16, LDT_DATA32, LDT_DOWN32, LDT_DOWN16 };
	struct cpu_state *s = &c->start;
	bool flat = c->mode == 8 || (c->mode == 4 && one_in(2));

	s->cs = c->mode == 8 ? 0x33 : flat ? 0x23 :
		(c->mode == 4 ? LDT_CODE32 : LDT_CODE16) << 3 | 7;
	s->ss = s->ds = s->es = 0x2b;
	s->fs = s->gs = c->mode == 8 ? 0 : 0x2b;
	if (!flat) {
		s->ss = PICK(stacks) << 3 | 7;
		s->ds = one_in(8) ? 0 : PICK(data) << 3 | 7;
		s->es = one_in(8) ? 0 : PICK(data) << 3 | 7;
		s->fs = PICK(data) << 3 | 7;
		s->gs = PICK(data) << 3 | 7;
	}
	s->fs_base = c->mode == 8 ? CASE_DATA + (draw() & 0xff8) : 0;
	s->gs_base = c->mode == 8 ? CASE_DATA + (draw() & 0xff8) : 0;
}

static uint16_t segment_selector(const struct cpu_state *s, unsigned int seg)
{
	const uint16_t sel[] = { s->es, s->cs, s->ss, s->ds, s->fs, s->gs };

	return sel[seg];
}

/* Have the memory operand be in the data: through the base register, or the index. */
static void aim(struct insn_case *c)
{
	const struct lodge_insn *i = &c->insn;
	uint64_t *regs = c->start.regs, at;
	uint8_t reg = i->base != NO_REG ? i->base : i->index;

	if (!i->mem || reg == NO_REG || one_in(16))
		return;
	at = data_address(segment_selector(&c->start, i->seg)) - i->disp;
	if (c->mode == 8 && i->seg >= SEG_FS)
		at -= i->seg == SEG_FS ? c->start.fs_base : c->start.gs_base;
	if (i->base == NO_REG)
		at >>= i->shift;
	else if (i->index != NO_REG && i->index != i->base)
		at -= regs[i->index] << i->shift;
	else if (i->index == i->base)
		at /= 1 + (1 << i->shift);
	regs[reg] = i->addr_size < 8 ? (at & GENMASK_ULL(i->addr_size * 8 - 1, 0)) : at;
	/* With a smaller address size the upper part does not count. */
	if (i->addr_size < 8 && c->mode == 8 && one_in(2))
		regs[reg] |= draw() << 32;
}

static void choose_registers(struct insn_case *c)
{
	const struct lodge_insn *i = &c->insn;
	struct cpu_state *s = &c->start;
	unsigned int r;

	for (r = 0; r < 16; r++) {
		s->regs[r] = random_value();
		if (c->mode != 8)
			s->regs[r] = (uint32_t)s->regs[r];
		s->vec[r][0] = draw();
		s->vec[r][1] = draw();
		s->vec[r][2] = cpu_has_avx() ? draw() : 0;
		s->vec[r][3] = cpu_has_avx() ? draw() : 0;
	}
	for (r = 0; r < 8; r++)
		s->mmx[r] = draw();
	s->regs[LODGE_RSP] = data_address(s->ss);
	if (!one_in(3))
		s->regs[LODGE_RCX] = draw() & 7;
	if (i->op >= OP_MOVS && i->op <= OP_OUTS) {
		s->regs[LODGE_RSI] = data_address(segment_selector(s, i->seg));
		s->regs[LODGE_RDI] = data_address(s->es);
		s->regs[LODGE_RCX] = draw() & 15;
	}
	if (i->op >= OP_BT && i->op <= OP_BTC && !one_in(8))
		s->regs[i->reg] = (int64_t)(draw() & 0xfff) - 0x800;
	aim(c);
	s->rflags = 0x202 | (draw() & (0x8d5 | 0x400));
	if (one_in(20))
		s->rflags |= X86_EFLAGS_AC;
	/* A branch may be one to itself. */
	if (one_in(2) || (i->op >= OP_CALL && i->op <= OP_LOOP) ||
	    (i->op >= OP_JMP_FAR && i->op <= OP_IRET))
		s->rflags |= X86_EFLAGS_TF;
}

/* Selectors where an instruction takes one: in registers and in memory. */
static uint16_t random_selector(void)
{
	static const uint16_t sel[] = {
		0, 3, 0x10, 0x18, 0x23, 0x2b, 0x33, 0x28, 0x2a, 0x7f8, 0x83,
	};

	return one_in(3) ? PICK(sel) : (draw() % NR_LDT) << 3 | 4 | (one_in(4) ? 0 : 3);
}

static void put_selectors(struct insn_case *c)
{
	unsigned int i;

	if (!one_in(2))
		return;
	for (i = 0; i + 2 <= sizeof(c->data); i += 2) {
		uint16_t sel = random_selector();

		memcpy(c->data + i, &sel, 2);
	}
	c->selectors = true;
	for (i = 0; i < 16; i++)
		if (i != LODGE_RSP && one_in(2) && c->insn.base != i && c->insn.index != i)
			c->start.regs[i] = random_selector();
}

/* Much of what the case before had will do, unless it was selectors. */
static void put_data(struct insn_case *c)
{
	unsigned int i, step = c->selectors || one_in(64) ? 8 : 8 * 32;

	for (i = (draw() * 8) % step; i + 8 <= sizeof(c->data); i += step) {
		uint64_t v = random_value();

		memcpy(c->data + i, &v, 8);
	}
	c->selectors = false;
}

bool case_make(struct insn_case *c, unsigned int mode, unsigned int map, uint8_t opcode)
{
	struct cpu_state *s = &c->start;

	c->mode = mode;
	put_insn(c, map, opcode);
	if (lodge_decode(&c->insn, mode, c->bytes, INSN_MAX_LEN) != INSN_OK)
		c->insn = (struct lodge_insn) { .base = NO_REG, .index = NO_REG };
	put_data(c);
	memset(&c->start, 0, sizeof(c->start));
	choose_segments(c);
	choose_registers(c);
	put_selectors(c);
	s->rip = CASE_CODE + (one_in(16) ? 4096 * CODE_PAGES - 1 - draw() % 12 :
				   0x800 + draw() % 64);
	s->rip -= case_segment(s->cs).base;
	c->mmio = one_in(4);
	return c->insn.len;
}

/* --- the emulated guest --- */

void case_to_machine(const struct insn_case *c, struct machine *m, uint8_t *data)
{
	const struct cpu_state *s = &c->start;
	struct lodge_vcpu_arch *a = &m->vcpu.arch;
	struct machine_range *r;
	unsigned int i;

	machine_reset(m);
	machine_flat(m, c->mode, 3);
	a->cr0 |= X86_CR0_AM;
	a->cr4 |= X86_CR4_OSXMMEXCPT;
	memcpy(a->regs, s->regs, sizeof(s->regs));
	a->regs[LODGE_RIP] = s->rip;
	a->regs[LODGE_RFLAGS] = s->rflags;
	for (i = SEG_ES; i <= SEG_GS; i++)
		m->seg[i] = case_segment(segment_selector(s, i));
	if (c->mode == 8) {
		m->seg[SEG_FS].base = s->fs_base;
		m->seg[SEG_GS].base = s->gs_base;
	}
	for (i = 0; i < 16; i++)
		memcpy(&m->vec[i], s->vec[i], 32);

	memcpy(m->mmx, s->mmx, sizeof(m->mmx));

	memcpy(data, c->data, sizeof(c->data));
	r = machine_map(m, CASE_CODE, CODE_PAGES * 4096, (u8 *)CASE_CODE);
	r->executable = true;
	r = machine_map(m, CASE_DATA, (DATA_PAGES - 1) * 4096, data);
	r->mmio = c->mmio;
	data += (DATA_PAGES - 1) * 4096;
	r = machine_map(m, CASE_DATA + (DATA_PAGES - 1) * 4096, 4096, data);
	r->writable = false;
	r->mmio = c->mmio;
	r = machine_map(m, CASE_TABLES, sizeof(gdt_table), (u8 *)gdt_table);
	r->user = false;
	r = machine_map(m, CASE_TABLES + 4096, sizeof(ldt_table), (u8 *)ldt_table);
	r->user = false;
	r = machine_map(m, CASE_TABLES + 8192, sizeof(tss), tss);
	r->user = false;
	m->seg[LODGE_SEG_TR].base = CASE_TABLES + 8192;
	m->gdt = (struct kvm_dtable) { .base = CASE_TABLES, .limit = sizeof(gdt_table) - 1 };
	m->idt = (struct kvm_dtable) { .base = CASE_TABLES + 12288, .limit = 0xfff };
	m->seg[LODGE_SEG_LDTR] = (struct kvm_segment) {
		.base = CASE_TABLES + 4096, .limit = sizeof(ldt_table) - 1,
		.selector = 0x50, .type = 2, .present = 1,
	};
}
