// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: what changes segments, privilege, tables and modes does in the emulator what it does
 * on the CPU: far branches, gates, returns, INT and IRET, descriptor tables, control registers
 * and flags, in real, protected, virtual-8086 and 64-bit mode.  Each instruction is executed
 * twice from one state, by the CPU, and, behind the prefix of force_emulation_prefix, by the
 * module; registers, segments and memory must be the same.
 *
 * The prefix is KVM's as well, but a third of these its emulator does not know, or does
 * otherwise: this test is not for BASE=kvm.
 */
#include "prot.h"

enum mode { REAL, PROT0, PROT3, VM86, LONG0 };

#define FLAGS_IOPL	0x3000u
#define FLAGS_OF	0x800u
#define DATA_FAR	(PROT_DATA + 0x10)	/* SEL_CODE:PROT_ENTRY, or what real mode has */
#define DATA_TABLE	(PROT_DATA + 0x20)	/* for LGDT */
#define DATA_GATE	(PROT_DATA + 0x30)

struct forced {
	enum mode mode;
	const char *name;
	const char *bytes;
	unsigned int len;
	uint64_t rax;
	uint32_t flags;
	uint64_t stack[6];
};

#define I(in, what, code, ...) {						\
	.mode = in, .name = what, .bytes = code, .len = sizeof(code) - 1, ##__VA_ARGS__	\
}

/* RBX has the data, RSI and RDI memory to write. */
static const struct forced cases[] = {
	I(REAL, "int 0x40", "\xcd\x40"),
	I(REAL, "int3", "\xcc"),
	I(REAL, "into", "\xce", 0, FLAGS_OF),
	I(REAL, "iret", "\xcf", .stack = { 0x00001300 | 0ul << 16 | 0x246ul << 32 }),
	I(REAL, "call far", "\x9a\x00\x13\x00\x00"),
	I(REAL, "call far, memory", "\xff\x5f\x10"),
	I(REAL, "jmp far, memory", "\xff\x6f\x10"),
	I(REAL, "retf 4", "\xca\x04\x00", .stack = { 0x1300 }),
	I(REAL, "les", "\xc4\x47\x10"),
	I(REAL, "lss", "\x0f\xb2\x47\x10"),
	I(REAL, "mov ds", "\x8e\xd8", 0x1234),
	I(REAL, "pop es", "\x07", .stack = { 0x4321 }),
	I(REAL, "pushf", "\x9c"),
	I(REAL, "popf", "\x9d", .stack = { 0x3046 }),
	I(REAL, "popfd", "\x66\x9d", .stack = { 0x243046 }),
	I(REAL, "sgdt", "\x0f\x01\x04"),
	I(REAL, "lgdtl", "\x66\x0f\x01\x57\x20"),
	I(REAL, "smsw", "\x0f\x01\xe0"),
	I(REAL, "pusha", "\x60"),
	I(REAL, "enter 8, 2", "\xc8\x08\x00\x02"),
	I(REAL, "daa", "\x27", 0x9a),
	I(REAL, "sldt is #UD", "\x0f\x00\xc0"),
	I(REAL, "aam 0 is #DE", "\xd4\x00"),

	I(PROT0, "lgdt", "\x0f\x01\x53\x20"),
	I(PROT0, "lidt", "\x0f\x01\x5b\x20"),
	I(PROT0, "sgdt", "\x0f\x01\x06"),
	I(PROT0, "sidt", "\x0f\x01\x0e"),
	I(PROT0, "sldt", "\x0f\x00\xc0"),
	I(PROT0, "str", "\x0f\x00\x0e"),
	I(PROT0, "lldt", "\x0f\x00\xd0", SEL_LDT),
	I(PROT0, "lldt of a TSS", "\x0f\x00\xd0", SEL_TSS32),
	I(PROT0, "ltr", "\x0f\x00\xd8", SEL_TSS_FREE),
	I(PROT0, "ltr of a busy one", "\x0f\x00\xd8", SEL_TSS32),
	I(PROT0, "lmsw", "\x0f\x01\xf0", 0xb),
	I(PROT0, "clts", "\x0f\x06"),
	I(PROT0, "mov from cr0", "\x0f\x20\xc0"),
	I(PROT0, "mov to cr2", "\x0f\x22\xd0", 0x1234),
	I(PROT0, "cli", "\xfa", 0, 0x200),
	I(PROT0, "sti", "\xfb"),
	I(PROT0, "pushf", "\x9c"),
	I(PROT0, "popf", "\x9d", .stack = { 0x207046 }),
	I(PROT0, "mov ds", "\x8e\xd8", SEL_DATA3),
	I(PROT0, "mov ds, null", "\x8e\xd8", 3),
	I(PROT0, "mov ds, absent", "\x8e\xd8", SEL_ABSENT),
	I(PROT0, "mov ds, beyond", "\x8e\xd8", 0x7f8),
	I(PROT0, "mov ss", "\x8e\xd0", SEL_DATA0),
	I(PROT0, "mov ss, of level 3", "\x8e\xd0", SEL_DATA3),
	I(PROT0, "les", "\xc4\x43\x30"),
	I(PROT0, "jmp far", "\xea\x00\x13\x00\x00\x08\x00"),
	I(PROT0, "jmp far, 16 bits", "\x66\xea\x00\x13\x48\x00"),
	I(PROT0, "jmp far, memory", "\xff\x6b\x10"),
	I(PROT0, "call far", "\x9a\x00\x13\x00\x00\x50\x00"),
	I(PROT0, "call far, data", "\x9a\x00\x13\x00\x00\x10\x00"),
	I(PROT0, "call gate", "\x9a\x00\x00\x00\x00\x38\x00"),
	I(PROT0, "jmp gate", "\xea\x00\x00\x00\x00\x38\x00"),
	I(PROT0, "retf", "\xcb", .stack = { PROT_ENTRY | (uint64_t)SEL_CODE << 32 }),
	I(PROT0, "retf to level 3", "\xcb",
	  .stack = { PROT_ENTRY | (uint64_t)SEL_CODE3 << 32,
		     PROT_STACK | (uint64_t)SEL_DATA3 << 32 }),
	I(PROT0, "iret", "\xcf",
	  .stack = { PROT_ENTRY | (uint64_t)SEL_CODE << 32, 0x3246 }),
	I(PROT0, "iret to level 3", "\xcf",
	  .stack = { PROT_ENTRY | (uint64_t)SEL_CODE3 << 32, 0x202 | (uint64_t)PROT_STACK << 32,
		     SEL_DATA3 }),
	I(PROT0, "iret to virtual-8086 mode", "\xcf",
	  .stack = { PROT_ENTRY | 0ul << 32, 0x23202 | (uint64_t)PROT_STACK << 32,
		     0 | 0x111ul << 32, 0x222 | 0x333ul << 32, 0x444 }),
	I(PROT0, "iret, null", "\xcf", .stack = { PROT_ENTRY }),
	I(PROT0, "int 0x40", "\xcd\x40", 0, 0x200),
	I(PROT0, "int 0x41, a trap gate", "\xcd\x41", 0, 0x200),
	I(PROT0, "int 0x42, absent", "\xcd\x42"),
	I(PROT0, "int 0x43, 16 bits", "\xcd\x43"),
	I(PROT0, "int3", "\xcc"),
	I(PROT0, "into", "\xce", 0, FLAGS_OF),
	I(PROT0, "lar of a TSS", "\x0f\x02\xc8", SEL_TSS32),
	I(PROT0, "lsl of an LDT", "\x0f\x03\xc8", SEL_LDT),
	I(PROT0, "verw of code", "\x0f\x00\xe8", SEL_CODE),
	I(PROT0, "bound", "\x62\x03", 0x7fffffff),
	I(PROT0, "div by 0", "\xf7\x33"),

	I(PROT3, "int 0x41, to level 0", "\xcd\x41", 0, 0x200),
	I(PROT3, "int 0x40 is not for level 3", "\xcd\x40"),
	I(PROT3, "call gate, to level 0", "\x9a\x00\x00\x00\x00\x38\x00",
	  .stack = { 0x1111111122222222 }),
	I(PROT3, "call gate, memory", "\xff\x5b\x30", .stack = { 0x3333333344444444 }),
	I(PROT3, "popf", "\x9d", .stack = { 0x243246 }),
	I(PROT3, "cli", "\xfa"),
	I(PROT3, "cli with IOPL 3", "\xfa", 0, FLAGS_IOPL | 0x200),
	I(PROT3, "retf", "\xcb", .stack = { PROT_ENTRY | (uint64_t)SEL_CODE3 << 32 }),
	I(PROT3, "retf to level 0", "\xcb", .stack = { PROT_ENTRY | (uint64_t)SEL_CODE << 32 }),
	I(PROT3, "iret", "\xcf",
	  .stack = { PROT_ENTRY | (uint64_t)SEL_CODE3 << 32, 0x246 }),
	I(PROT3, "call far, conforming", "\x9a\x00\x13\x00\x00\x50\x00"),
	I(PROT3, "call far, of level 0", "\x9a\x00\x13\x00\x00\x08\x00"),
	I(PROT3, "mov ds, of level 0", "\x8e\xd8", SEL_DATA0),
	I(PROT3, "lgdt", "\x0f\x01\x53\x20"),
	I(PROT3, "mov from cr0", "\x0f\x20\xc0"),
	I(PROT3, "hlt", "\xf4"),
	I(PROT3, "out, not permitted", "\xe6\x80"),
	I(PROT3, "out, permitted", "\xe6\x40"),
	I(PROT3, "in, permitted", "\xe5\x7c"),
	I(PROT3, "in, permitted in part", "\xe5\x7e"),
	I(PROT3, "in, beyond the map", "\xed"),

	I(VM86, "int 0x41", "\xcd\x41", 0, FLAGS_IOPL),
	I(VM86, "int 0x41 with IOPL 0", "\xcd\x41"),
	I(VM86, "pushf", "\x9c", 0, FLAGS_IOPL),
	I(VM86, "pushf with IOPL 0", "\x9c"),
	I(VM86, "popf", "\x9d", 0, FLAGS_IOPL, { 0x0246 }),
	I(VM86, "cli", "\xfa", 0, FLAGS_IOPL | 0x200),
	I(VM86, "iret", "\xcf", 0, FLAGS_IOPL, { 0x1300 | 0ul << 16 | 0x3246ul << 32 }),
	I(VM86, "mov ds", "\x8e\xd8", 0x123),
	I(VM86, "out, permitted", "\xe6\x40"),
	I(VM86, "out, not permitted, with IOPL 3", "\xe6\x80", 0, FLAGS_IOPL),
	I(VM86, "retf", "\xcb", .stack = { 0x1300 }),
	I(VM86, "lar is #UD", "\x0f\x02\xc8"),

	I(LONG0, "lgdt", "\x0f\x01\x53\x20"),
	I(LONG0, "sgdt", "\x0f\x01\x06"),
	I(LONG0, "sidt", "\x0f\x01\x0e"),
	I(LONG0, "ltr", "\x0f\x00\xd8", SEL_L_TSS_FREE),
	I(LONG0, "mov ds", "\x8e\xd8", SEL_DATA3),
	I(LONG0, "mov ss, null", "\x8e\xd0", 0),
	I(LONG0, "mov fs", "\x8e\xe0", SEL_DATA3),
	I(LONG0, "retf", "\xcb", .stack = { PROT_ENTRY | (uint64_t)SEL_L_CODE << 32 }),
	I(LONG0, "retfq", "\x48\xcb", .stack = { PROT_ENTRY, SEL_L_CODE }),
	I(LONG0, "retfq to 32 bits", "\x48\xcb", .stack = { PROT_ENTRY, SEL_CODE }),
	I(LONG0, "iretq", "\x48\xcf",
	  .stack = { PROT_ENTRY, SEL_L_CODE, 0x3246, PROT_STACK, SEL_DATA0 }),
	I(LONG0, "iretq, SS null", "\x48\xcf",
	  .stack = { PROT_ENTRY, SEL_L_CODE, 0x46, PROT_STACK }),
	I(LONG0, "iretq with NT", "\x48\xcf", 0, FLAGS_NT,
	  { PROT_ENTRY, SEL_L_CODE, 0x3246, PROT_STACK, SEL_DATA0 }),
	I(LONG0, "call far, memory", "\xff\x5b\x10"),
	I(LONG0, "jmp far, memory", "\xff\x6b\x10"),
	I(LONG0, "call gate", "\xff\x5b\x30"),
	I(LONG0, "int 0x40", "\xcd\x40", 0, 0x200),
	I(LONG0, "mov to cr8", "\x44\x0f\x22\xc0", 5),
	I(LONG0, "mov to cr8, #GP", "\x44\x0f\x22\xc0", 0x55),
	I(LONG0, "pushf", "\x9c"),
	I(LONG0, "popf", "\x9d", .stack = { 0x207046 }),
	I(LONG0, "swapgs", "\x0f\x01\xf8"),
	I(LONG0, "enter 8, 3", "\xc8\x08\x00\x03"),
	I(LONG0, "idiv, #DE", "\x48\xf7\x3b"),
	I(LONG0, "shld", "\x48\x0f\xa4\x03\x07", 0x123456789abcdef0),
	I(LONG0, "bswap", "\x48\x0f\xc8", 0x123456789abcdef0),
};

/* --- the state --- */

static void put_data(struct vm *vm, enum mode mode)
{
	bool wide = mode == LONG0;
	uint16_t sel = mode == REAL || mode == VM86 ? 0 : wide ? SEL_L_CODE :
		       mode == PROT3 ? SEL_CODE3 : SEL_CODE;
	uint16_t gate = wide ? SEL_L_GATE : SEL_GATE, limit = 0xdf;
	char *data = vm_hva(vm, PROT_DATA);
	uint64_t base = PROT_GDT;
	uint32_t entry = PROT_ENTRY;
	unsigned int off = mode == REAL || mode == VM86 ? 2 : 4;

	memcpy(data + 0x10, &entry, off);
	memcpy(data + 0x10 + off, &sel, 2);
	memcpy(data + 0x20, &limit, 2);
	memcpy(data + 0x22, &base, 8);
	memcpy(data + 0x30 + 4, &gate, 2);
}

static void put_state(struct vm *vm, struct vcpu *vcpu, const struct forced *f, bool forced)
{
	struct kvm_regs r = {
		.rip = PROT_INSN - (forced ? 5 : 0), .rsp = PROT_STACK, .rbp = PROT_STACK + 0x40,
		.rflags = 2 | f->flags, .rax = f->rax, .rbx = PROT_DATA, .rcx = 0x0123,
		.rdx = 0x4567, .rsi = PROT_DATA + 0x100, .rdi = PROT_DATA + 0x200,
	};
	bool wide = f->mode == LONG0;
	struct kvm_sregs s;

	prot_tables(vm, wide);
	prot_idt(vm, wide, 0x41, prot_gate(wide ? SEL_L_CODE : SEL_CODE, prot_handler(0x41),
					   0xef, 0));
	prot_idt(vm, wide, 0x42, prot_gate(wide ? SEL_L_CODE : SEL_CODE, 0, 0x0e, 0));
	prot_idt(vm, wide, 0x43, prot_gate(SEL_CODE, prot_handler(0x43), 0x86, 0));
	put_data(vm, f->mode);
	memcpy(vm_hva(vm, PROT_STACK), f->stack, sizeof(f->stack));
	memcpy(vm_hva(vm, PROT_INSN), f->bytes, f->len);
	if (forced)
		memcpy(vm_hva(vm, PROT_INSN - 5), "\x0f\x0bkvm", 5);

	vcpu_sregs(vcpu, &s);
	switch (f->mode) {
	case REAL:
		s.idt.base = PROT_VECTORS;
		s.idt.limit = 0x3ff;
		must_ioctl(vcpu->fd, KVM_SET_SREGS, &s);
		break;
	case PROT0:
		prot_enter(vm, vcpu, &r, SEL_DATA0,
			   (uint32_t[]) { r.rip, SEL_CODE, r.rflags }, 3);
		break;
	case PROT3:
		prot_enter(vm, vcpu, &r, SEL_DATA3,
			   (uint32_t[]) { r.rip, SEL_CODE3, r.rflags, PROT_STACK, SEL_DATA3 }, 5);
		break;
	case VM86:
		prot_enter(vm, vcpu, &r, SEL_DATA0,
			   (uint32_t[]) { r.rip, 0, r.rflags | FLAGS_VM, PROT_STACK, 0, 0, 0, 0,
					  0 }, 9);
		break;
	case LONG0:
		prot_segments(vm, &s, SEL_L_CODE, SEL_DATA0);
		s.gs.base = 0x12340000;
		must_ioctl(vcpu->fd, KVM_SET_SREGS, &s);
		break;
	}
	if (f->mode == PROT0 || f->mode == PROT3 || f->mode == VM86)
		r.rflags = 2;
	must_ioctl(vcpu->fd, KVM_SET_REGS, &r);
}

/* --- outcomes --- */

struct outcome {
	uint32_t exit;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	uint32_t mem[(PROT_END - PROT_CODE) / 4];
};

static void run_case(const struct forced *f, bool forced, struct outcome *o)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu;
	unsigned int i;

	if (f->mode == LONG0)
		vcpu = vcpu_create(vm, (void (*)(void))PROT_INSN);
	else
		vcpu = vcpu_create_real(vm, "", 0);
	put_state(vm, vcpu, f, forced);
	memset(o, 0, sizeof(*o));
	do {
		o->exit = vcpu_run(vcpu);
	} while (o->exit == KVM_EXIT_IO);
	vcpu_regs(vcpu, &o->regs);
	vcpu_sregs(vcpu, &o->sregs);
	/* The prefix itself, and where prot_enter() was told to go. */
	memset(vm_hva(vm, PROT_INSN - 5), 0xf4, 5);
	memcpy(o->mem, vm_hva(vm, PROT_CODE), sizeof(o->mem));
	for (i = 0; i < ARRAY_SIZE(o->mem); i++)
		if (o->mem[i] == PROT_INSN - 5)
			o->mem[i] = PROT_INSN;
	vm_free(vm);
}

static unsigned int differs(const struct forced *f, const char *what, uint64_t cpu, uint64_t emu)
{
	static const char *const modes[] = {
		"real", "protected", "protected, level 3", "virtual-8086", "64-bit",
	};

	if (cpu == emu)
		return 0;
	printf("# %s mode, %s: %s is %#lx on the CPU and %#lx in the emulator\n", modes[f->mode],
	       f->name, what, cpu, emu);
	return 1;
}

static unsigned int compare_segment(const struct forced *f, const char *what,
				    const struct kvm_segment *a, const struct kvm_segment *b)
{
	unsigned int n = differs(f, what, a->selector, b->selector);

	/* A null one is unusable, but not all CPUs say so in 64-bit mode. */
	if (!(a->selector & ~3) && f->mode != REAL && f->mode != VM86)
		return n;
	n += differs(f, "unusable", a->unusable, b->unusable);
	if (a->unusable || n)
		return n;
	n += differs(f, "base", a->base, b->base);
	/* What a CPU keeps of a segment that it does not look at is its own affair. */
	if (f->mode == LONG0)
		return n;
	n += differs(f, "limit", a->limit, b->limit);
	n += differs(f, "type", a->type | 1, b->type | 1);
	n += differs(f, "DPL", a->dpl, b->dpl);
	return n + differs(f, "D/B", a->db, b->db);
}

/* RF, which not every emulated CPU pushes with a fault's flags. */
static bool same_word(uint32_t a, uint32_t b)
{
	return !((a ^ b) & ~0x10000);
}

static unsigned int compare(const struct forced *f, const struct outcome *a,
			    const struct outcome *b)
{
	const uint64_t *ra = (const uint64_t *)&a->regs, *rb = (const uint64_t *)&b->regs;
	static const char *const names[] = {
		"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "r8", "r9", "r10", "r11",
		"r12", "r13", "r14", "r15", "rip",
	};
	unsigned int i, n = differs(f, "the exit", a->exit, b->exit);

	for (i = 0; i < ARRAY_SIZE(names); i++)
		n += differs(f, names[i], ra[i], rb[i]);
	n += differs(f, "rflags", a->regs.rflags & ~0x10000, b->regs.rflags & ~0x10000);
	n += compare_segment(f, "cs", &a->sregs.cs, &b->sregs.cs);
	n += compare_segment(f, "ss", &a->sregs.ss, &b->sregs.ss);
	n += compare_segment(f, "ds", &a->sregs.ds, &b->sregs.ds);
	n += compare_segment(f, "es", &a->sregs.es, &b->sregs.es);
	n += compare_segment(f, "fs", &a->sregs.fs, &b->sregs.fs);
	n += compare_segment(f, "gs", &a->sregs.gs, &b->sregs.gs);
	n += compare_segment(f, "tr", &a->sregs.tr, &b->sregs.tr);
	n += compare_segment(f, "ldtr", &a->sregs.ldt, &b->sregs.ldt);
	n += differs(f, "gdtr", a->sregs.gdt.base, b->sregs.gdt.base);
	n += differs(f, "idtr", a->sregs.idt.base, b->sregs.idt.base);
	n += differs(f, "cr0", a->sregs.cr0, b->sregs.cr0);
	n += differs(f, "cr2", a->sregs.cr2, b->sregs.cr2);
	n += differs(f, "cr8", a->sregs.cr8, b->sregs.cr8);
	for (i = 0; i < ARRAY_SIZE(a->mem); i++)
		if (!same_word(a->mem[i], b->mem[i])) {
			printf("# memory at %#lx:\n", PROT_CODE + 4 * i + 0ul);
			return n + differs(f, "it", a->mem[i], b->mem[i]);
		}
	return n;
}

TEST(emulator_is_as_cpu)
{
	static struct outcome cpu, emu;
	unsigned int i, wrong = 0;

	if (!prot_force(true))
		SKIP(return, "force_emulation_prefix cannot be set");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		run_case(&cases[i], false, &cpu);
		run_case(&cases[i], true, &emu);
		if (cpu.exit != KVM_EXIT_HLT)
			printf("# %s: exit %u on the CPU\n", cases[i].name, cpu.exit);
		wrong += !!compare(&cases[i], &cpu, &emu);
	}
	prot_force(false);
	fflush(stdout);
	EXPECT_EQ(0, wrong);
}

LODGE_TEST_MAIN()
