// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an instruction has the same outcome in the emulator as on a CPU, bit for bit:
 * registers, flags, vector registers, segments, memory, where it goes on, and the fault
 * with its error code and address.  Random instructions of every opcode that the decoder
 * knows, with random prefixes and operands, in 16-bit, 32-bit and 64-bit code at CPL 3, over
 * memory that is RAM, read-only, absent, or a device; each is executed by this machine's
 * CPU in this process (cpu.h) and by the module's own sources, built for it.
 *
 *	emulator_cpu [-n CASES] [-s SEED] [-r REPORTS] [-v]	CASES of each opcode and mode
 */
#include <kselftest.h>
#include <getopt.h>
#include <sys/mman.h>

#include "cases.h"

static struct machine machine;
static uint8_t emulated_data[DATA_PAGES * 4096] __attribute__((aligned(4096)));
static unsigned long executed, skipped, different, faults;
static unsigned int most = 40;
static bool verbose;

/* Flags that the manual leaves undefined (APM vol. 3), and this CPU need not share. */
static uint64_t undefined_flags(const struct lodge_insn *i, const struct cpu_state *start)
{
	const uint64_t arith = X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF;
	unsigned int count = i->src == OPND_ONE ? 1 :
			     i->src == OPND_CL ? start->regs[LODGE_RCX] : i->imm;

	switch (i->op) {
	case OP_AND:
	case OP_OR:
	case OP_XOR:
	case OP_TEST:
		return X86_EFLAGS_AF;
	case OP_ROL ... OP_RCR:
		return (count & 31) != 1 ? X86_EFLAGS_OF : 0;
	case OP_SHL ... OP_SAR:
		count &= i->size == 8 ? 63 : 31;
		return X86_EFLAGS_AF | (count != 1 ? X86_EFLAGS_OF : 0) |
		       (count > i->size * 8u ? X86_EFLAGS_CF : 0);
	case OP_SHLD:
	case OP_SHRD:
		count = i->opcode & 1 ? start->regs[LODGE_RCX] : i->imm;
		count &= i->size == 8 ? 63 : 31;
		return X86_EFLAGS_AF | (count > 1 ? X86_EFLAGS_OF : 0) |
		       (count > i->size * 8u ? EMU_STATUS_FLAGS : 0);
	case OP_BSF:
	case OP_BSR:
		return EMU_STATUS_FLAGS & ~X86_EFLAGS_ZF;
	case OP_TZCNT:
	case OP_LZCNT:
		return EMU_STATUS_FLAGS & ~(X86_EFLAGS_ZF | X86_EFLAGS_CF);
	case OP_MUL:
	case OP_IMUL:
	case OP_IMUL_TO:
		return arith;
	case OP_DIV:
	case OP_IDIV:
		return EMU_STATUS_FLAGS;
	case OP_ANDN ... OP_BZHI:
		return X86_EFLAGS_AF | X86_EFLAGS_PF;
	case OP_BEXTR:
		return X86_EFLAGS_AF | X86_EFLAGS_PF | X86_EFLAGS_SF;
	case OP_DAA:
	case OP_DAS:
		return X86_EFLAGS_OF;
	case OP_AAA:
	case OP_AAS:
		return X86_EFLAGS_OF | (arith & ~X86_EFLAGS_AF);
	case OP_AAM:
	case OP_AAD:
		return X86_EFLAGS_OF | X86_EFLAGS_AF | X86_EFLAGS_CF;
	case OP_BT ... OP_BTC:
		return X86_EFLAGS_OF | (arith & ~X86_EFLAGS_ZF);
	default:
		return 0;
	}
}

/* What cannot be compared: it depends on what is not the instruction's. */
static bool comparable(const struct lodge_insn *i)
{
	switch (i->op) {
	case OP_CPUID:
	case OP_RDTSC:
	case OP_RDTSCP:
	case OP_RDPMC:
	case OP_XGETBV:
		return false;
	case OP_SMSW:		/* CR4.UMIP is the kernel's choice, and it emulates these */
	case OP_SGDT:
	case OP_SIDT:
	case OP_SLDT:
	case OP_STR:
		return false;
	case OP_SHLD:
	case OP_SHRD:		/* undefined, memory and all */
		return i->size > 2;
	case OP_LOOP:		/* a repeat prefix is reserved, and has an effect on some */
		return !i->rep;
	case OP_FSGSBASE:	/* CR4 permits it; the emulated guest has no such CR4 */
		return false;
	case OP_INT:		/* the kernel's own gates */
		return i->opcode == 0xcd && i->imm != 0x80 && i->imm > 4;
	default:
		return true;
	}
}

/* --- what each made of it --- */

struct outcome {
	struct cpu_state s;
	const uint8_t *data;
};

static void run_on_cpu(const struct insn_case *c, struct cpu_state *s)
{
	uint64_t linear = s->rip + case_segment(s->cs).base;
	bool shadow = c->insn.op == OP_MOV_TO_SREG || c->insn.op == OP_POP_SREG;

	memcpy((void *)CASE_ALIAS, c->data, sizeof(c->data));
	cpu_run(s);
	/* A step is not seen right behind a load of SS. */
	if (shadow && s->vector == 3 && s->rip + case_segment(s->cs).base ==
	    linear + c->insn.len + 1)
		s->rip--;
	else if (s->vector == 3)
		s->rip--;
}

/* The emulator's, in the same terms.  False: there is nothing to compare. */
static bool run_emulated(const struct insn_case *c, struct outcome *o)
{
	const struct lodge_vcpu_arch *a = &machine.vcpu.arch;
	bool repeats = c->insn.rep && c->insn.op >= OP_MOVS && c->insn.op <= OP_OUTS &&
		       !(c->start.rflags & X86_EFLAGS_TF);
	struct cpu_state *s = &o->s;
	unsigned int i;

	case_to_machine(c, &machine, emulated_data);
	do {
		if (machine_step(&machine) != MACHINE_DONE)
			return false;
		/* The CPU does all of a repeated one when it is not stepped. */
	} while (repeats && !a->exception.pending && a->regs[LODGE_RIP] == c->start.rip);

	memcpy(s->regs, a->regs, sizeof(s->regs));
	s->rip = a->regs[LODGE_RIP];
	s->rflags = a->regs[LODGE_RFLAGS];
	s->cs = machine.seg[SEG_CS].selector;
	s->ss = machine.seg[SEG_SS].selector;
	s->ds = machine.seg[SEG_DS].selector;
	s->es = machine.seg[SEG_ES].selector;
	s->fs = machine.seg[SEG_FS].selector;
	s->gs = machine.seg[SEG_GS].selector;
	for (i = 0; i < 16; i++)
		memcpy(s->vec[i], &machine.vec[i], 32);
	memcpy(s->mmx, machine.mmx, sizeof(s->mmx));
	s->vector = a->exception.pending ? a->exception.nr : 3;
	s->error = a->exception.has_error_code ? a->exception.error_code : 0;
	s->cr2 = s->vector == X86_TRAP_PF ? a->exception.payload : 0;
	o->data = emulated_data;
	return true;
}

/* --- comparison --- */

/* Not a step, nor the INT3 behind. */
static bool is_fault(unsigned int vector)
{
	return vector != X86_TRAP_DB && vector != X86_TRAP_BP;
}

static char report[4096];

static void differs(const char *what, uint64_t cpu, uint64_t emulated)
{
	size_t n = strlen(report);

	snprintf(report + n, sizeof(report) - n, "#   %s: CPU %#lx, emulator %#lx\n", what, cpu,
		 emulated);
}

static void compare_field(const char *what, uint64_t cpu, uint64_t emulated)
{
	if (cpu != emulated)
		differs(what, cpu, emulated);
}

/* The kernel's return to us makes one null selector of all. */
static void compare_selector(const char *what, uint16_t cpu, uint16_t emulated)
{
	if ((cpu & ~3) || (emulated & ~3))
		compare_field(what, cpu, emulated);
}

/* The branch is done in both, and the CPU met what it fetched there. */
static bool fault_of_target(const struct cpu_state *cpu, const struct cpu_state *emulated)
{
	return cpu->vector == X86_TRAP_PF && (cpu->error & 0x10) &&
	       (emulated->vector == 3 || emulated->vector == 1) && emulated->rip == cpu->rip;
}

static void compare_memory(const uint8_t *data)
{
	const uint8_t *cpu = (const uint8_t *)CASE_ALIAS;
	unsigned int i = 0;

	while (cpu[i] == data[i])
		i++;
	differs("memory", cpu[i], data[i]);
	differs("where", CASE_DATA + i, CASE_DATA + i);
}

/* Of a 16-bit stack's pointer the kernel keeps no more (its espfix). */
static uint64_t register_mask(unsigned int mode, unsigned int reg, uint16_t ss)
{
	if (mode == 8)
		return ~0ull;
	if (reg == LODGE_RSP && !case_segment(ss).db)
		return 0xffff;
	return 0xffffffff;
}

/* Of several faults, or operands, it is the CPU's own affair which comes first. */
static bool order_is_free(const struct lodge_insn *i)
{
	return i->op == OP_CMPS || i->op == OP_CALL_FAR || i->op == OP_RET_FAR || i->op == OP_IRET;
}

static void compare(const struct insn_case *c, struct cpu_state *cpu, struct outcome *o)
{
	static const char *const names[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};
	const uint64_t flags = 0x3f7fd5 & ~(uint64_t)X86_EFLAGS_RF &
			       ~undefined_flags(&c->insn, &c->start);
	struct cpu_state *emu = &o->s;
	unsigned int i;

	report[0] = 0;
	if (fault_of_target(cpu, emu)) {
		emu->vector = X86_TRAP_PF;
		emu->error = cpu->error;
		emu->cr2 = cpu->cr2;
	}
	if (order_is_free(&c->insn) && is_fault(cpu->vector) && is_fault(emu->vector)) {
		emu->vector = cpu->vector;
		emu->error = cpu->error;
		emu->cr2 = cpu->cr2;
	}
	compare_field("vector", cpu->vector, emu->vector);
	compare_field("rip", cpu->rip, emu->rip);
	if (cpu->vector == emu->vector && is_fault(cpu->vector)) {
		faults++;
		if (cpu->vector != X86_TRAP_UD && cpu->vector != X86_TRAP_DE)
			compare_field("error code", cpu->error, emu->error);
		if (cpu->vector == X86_TRAP_PF)
			compare_field("cr2", cpu->cr2, emu->cr2);
	}
	for (i = 0; i < 16; i++) {
		uint64_t mask = register_mask(c->mode, i, emu->ss);

		/* What POPA has popped before it faults is popped again. */
		if (c->insn.op == OP_POPA && is_fault(cpu->vector))
			continue;
		compare_field(names[i], cpu->regs[i] & mask, emu->regs[i] & mask);
		if (memcmp(cpu->vec[i], emu->vec[i], cpu_has_avx() ? 32 : 16))
			differs("vector register", i, cpu->vec[i][0] ^ emu->vec[i][0]);
	}
	for (i = 0; i < 8; i++)
		if (c->insn.op == OP_SSE)
			compare_field("mmx", cpu->mmx[i], emu->mmx[i]);
	compare_field("rflags", cpu->rflags & flags, emu->rflags & flags);
	compare_selector("cs", cpu->cs, emu->cs);
	compare_selector("ss", cpu->ss, emu->ss);
	compare_selector("ds", cpu->ds, emu->ds);
	compare_selector("es", cpu->es, emu->es);
	compare_selector("fs", cpu->fs, emu->fs);
	compare_selector("gs", cpu->gs, emu->gs);
	if (memcmp((void *)CASE_ALIAS, o->data, DATA_PAGES * 4096))
		compare_memory(o->data);
}

static void describe(const struct insn_case *c)
{
	unsigned int i;

	printf("# %u-bit code, rip %#lx, rflags %#lx, ss %#x ds %#x es %#x%s:", c->mode * 8,
	       c->start.rip, c->start.rflags, c->start.ss, c->start.ds, c->start.es,
	       c->mmio ? ", MMIO" : "");
	for (i = 0; i < c->insn.len; i++)
		printf(" %02x", c->bytes[i]);
	printf("\n");
	fflush(stdout);
}

/* Both execute it, if that can be done to no harm: true when they did. */
static bool try_case(struct insn_case *c)
{
	uint64_t linear = c->start.rip + case_segment(c->start.cs).base;
	struct cpu_state cpu = c->start;
	struct outcome o;

	static void *last = (void *)CASE_CODE;
	static size_t n = CODE_PAGES * 4096;

	memset(last, 0xcc, n);
	last = (void *)linear;
	n = min_t(size_t, c->insn.len, CASE_CODE + CODE_PAGES * 4096 - linear);
	memcpy(last, c->bytes, n);
	if (!comparable(&c->insn) || !run_emulated(c, &o))
		return false;
	/* It would have gone to where the rest of this process is. */
	if (machine.outside && !(machine.vcpu.arch.exception.payload < CASE_HOLES &&
				 machine.vcpu.arch.exception.nr == X86_TRAP_PF))
		return false;
	/* Before it is executed: it may be the last thing that this process does. */
	if (verbose)
		describe(c);
	run_on_cpu(c, &cpu);
	compare(c, &cpu, &o);
	executed++;
	if (report[0] && different++ < most) {
		describe(c);
		printf("%s", report);
	}
	return true;
}

static unsigned int tried[NR_MAPS][256];

static void try_all(unsigned int mode, unsigned int cases)
{
	static struct insn_case c;
	unsigned int map, opcode, i;

	for (map = 0; map < NR_MAPS; map++)
		for (opcode = 0; opcode < 256; opcode++)
			for (i = 0; i < cases; i++) {
				if (!case_make(&c, mode, map, opcode))
					continue;
				if (try_case(&c))
					tried[map][opcode]++;
				else
					skipped++;
			}
}

int main(int argc, char **argv)
{
	static const unsigned int modes[] = { 8, 4, 2 };
	unsigned int cases = 100, i;
	uint64_t seed = 1;
	const char *why;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:r:v")) != -1) {
		switch (opt) {
		case 'n':
			cases = atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			most = atoi(optarg);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return KSFT_FAIL;
		}
	}
	ksft_print_header();
	if (!cpu_init(&why))
		ksft_exit_skip("%s\n", why);
	ksft_set_plan(ARRAY_SIZE(modes));
	cases_init(seed * 0x9e3779b97f4a7c15);
	machine_init(&machine);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		executed = skipped = different = faults = 0;
		try_all(modes[i], cases);
		ksft_test_result(!different && executed,
				 "%u-bit code: %lu instructions, %lu faults, %lu not executed, %lu different\n",
				 modes[i] * 8, executed, faults, skipped, different);
	}
	machine_free(&machine);
	ksft_finished();
}
