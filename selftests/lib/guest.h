/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What guest code of a test may use.
 *
 * It talks to the host through ucalls: an OUT to UCALL_PORT whose datum is the
 * address of a struct ucall, which lies below 4 GiB and means the same to both
 * sides (see vm.h).  Exceptions and interrupts go to guest_handlers[]; an
 * exception without a handler, and not on an instruction of guest_try(), ends
 * the test with a report.
 */
#ifndef LODGE_SELFTEST_GUEST_H
#define LODGE_SELFTEST_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#define UCALL_PORT	0x5af8

enum ucall_kind {
	UCALL_NONE,
	UCALL_SYNC,	/* arg[0] is the stage, the rest as the test likes */
	UCALL_DONE,
	UCALL_ABORT,	/* an assertion failed in the guest */
	UCALL_TRAP,	/* an exception that nobody expected */
};

struct ucall {
	uint32_t kind;
	uint32_t line;
	const char *file;
	const char *text;
	uint64_t arg[4];
};

/* What lib/guest_entry.S leaves on the stack, lowest address first. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

typedef void (*guest_handler_t)(struct trap_frame *frame);
extern guest_handler_t guest_handlers[256];

/*
 * Handlers run between any two instructions of the guest: they must not touch
 * the vector registers behind its back.
 */
#define GUEST_HANDLER __attribute__((target("general-regs-only")))

enum {
	VEC_DE = 0, VEC_DB = 1, VEC_NMI = 2, VEC_BP = 3, VEC_OF = 4, VEC_BR = 5,
	VEC_UD = 6, VEC_NM = 7, VEC_DF = 8, VEC_TS = 10, VEC_NP = 11,
	VEC_SS = 12, VEC_GP = 13, VEC_PF = 14, VEC_MF = 16, VEC_AC = 17,
	VEC_XM = 19,
};

static inline void guest_ucall(struct ucall *uc)
{
	__asm__ volatile("outl %0, %w1" : : "a"((uint32_t)(uintptr_t)uc),
			 "d"(UCALL_PORT) : "memory");
}

#define guest_ucall_(kind_, text_, a0, a1, a2, a3) do {			\
	struct ucall uc_;						\
	uc_.kind = (kind_);						\
	uc_.line = __LINE__;						\
	uc_.file = __FILE__;						\
	uc_.text = (text_);						\
	uc_.arg[0] = (uint64_t)(a0);					\
	uc_.arg[1] = (uint64_t)(a1);					\
	uc_.arg[2] = (uint64_t)(a2);					\
	uc_.arg[3] = (uint64_t)(a3);					\
	guest_ucall(&uc_);						\
} while (0)

#define guest_sync(stage)	guest_ucall_(UCALL_SYNC, "", stage, 0, 0, 0)
#define guest_sync_args(stage, a, b, c) \
	guest_ucall_(UCALL_SYNC, "", stage, a, b, c)
#define guest_done()		guest_ucall_(UCALL_DONE, "", 0, 0, 0, 0)

#define GUEST_ASSERT(cond) do {						\
	if (!(cond))							\
		guest_ucall_(UCALL_ABORT, #cond, 0, 0, 0, 0);		\
} while (0)

#define GUEST_ASSERT_EQ(want, got) do {					\
	__typeof__(want) want_ = (want);				\
	__typeof__(got) got_ = (got);					\
	if (want_ != got_)						\
		guest_ucall_(UCALL_ABORT, #want " == " #got, 1,		\
			     want_, got_, 0);				\
} while (0)

/*
 * Runs one instruction that may fault.  Gives 0, or the vector of the fault;
 * the error code is then in guest_try_error of that moment.  @outs, @ins and
 * @clob are asm operands; none may be R11, which the trap handler writes.
 */
#define PAREN(...) __VA_ARGS__
#define guest_try(insn, outs, ins, ...) ({				\
	register uint64_t vec_ __asm__("r11") = 0;			\
	__asm__ volatile("1: " insn "\n2:\n"				\
		".pushsection guest_extable, \"a\"\n"			\
		".quad 1b, 2b\n"					\
		".popsection"						\
		: "+r"(vec_) PAREN outs : PAREN ins			\
		: "memory", "cc", ##__VA_ARGS__);				\
	(unsigned int)vec_;						\
})
extern volatile uint64_t guest_try_error;

/* What guest_try() records; a program may do without. */
struct extable_entry {
	uint64_t insn, fixup;
};

extern const struct extable_entry __start_guest_extable[]
	__attribute__((weak));
extern const struct extable_entry __stop_guest_extable[]
	__attribute__((weak));

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %w1, %b0" : "=a"(v) : "d"(port) : "memory");
	return v;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %w1, %w0" : "=a"(v) : "d"(port) : "memory");
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %w1, %0" : "=a"(v) : "d"(port) : "memory");
	return v;
}

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %b0, %w1" : : "a"(v), "d"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %w0, %w1" : : "a"(v), "d"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %w1" : : "a"(v), "d"(port) : "memory");
}

static inline uint64_t rdmsr(uint32_t index)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(index) : "memory");
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t index, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)v),
			 "d"((uint32_t)(v >> 32)) : "memory");
}

static inline unsigned int rdmsr_try(uint32_t index, uint64_t *v)
{
	uint32_t lo = 0, hi = 0;
	unsigned int vec;

	vec = guest_try("rdmsr", (, "+a"(lo), "+d"(hi)), ("c"(index)));
	*v = lo | (uint64_t)hi << 32;
	return vec;
}

static inline unsigned int wrmsr_try(uint32_t index, uint64_t v)
{
	return guest_try("wrmsr", (), ("c"(index), "a"((uint32_t)v),
				       "d"((uint32_t)(v >> 32))));
}

static inline void guest_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]),
			 "=d"(r[3]) : "a"(leaf), "c"(sub));
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

#define DEFINE_CR(n)							\
static inline uint64_t read_cr##n(void)					\
{									\
	uint64_t v;							\
	__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v) : : "memory");	\
	return v;							\
}									\
static inline void write_cr##n(uint64_t v)				\
{									\
	__asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory");	\
}									\
static inline unsigned int write_cr##n##_try(uint64_t v)		\
{									\
	return guest_try("mov %1, %%cr" #n, (), ("r"(v)));		\
}
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
DEFINE_CR(8)

static inline void cli(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void sti(void)
{
	__asm__ volatile("sti" : : : "memory");
}

/* Opens the window for what is pending, past the shadow of STI, and closes it. */
static inline void sti_nop_cli(void)
{
	__asm__ volatile("sti; nop; nop; cli" : : : "memory");
}

/* No interrupt can come between the two: it would be in the shadow of STI. */
static inline void sti_hlt_cli(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/*
 * Waits until others make @cond true, with interrupts let in meanwhile: a host that
 * takes none from a guest that masks them would never let those others run.
 */
#define guest_wait(cond) do {						\
	sti();								\
	while (!(cond))							\
		cpu_relax();						\
	cli();								\
} while (0)

static inline void invlpg(uint64_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline uint8_t read8(uint64_t addr)
{
	uint8_t v;

	__asm__ volatile("movb (%1), %0" : "=q"(v) : "r"(addr) : "memory");
	return v;
}

static inline uint32_t read32(uint64_t addr)
{
	uint32_t v;

	__asm__ volatile("movl (%1), %0" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline uint64_t read64(uint64_t addr)
{
	uint64_t v;

	__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline void write8(uint64_t addr, uint8_t v)
{
	__asm__ volatile("movb %0, (%1)" : : "q"(v), "r"(addr) : "memory");
}

static inline void write32(uint64_t addr, uint32_t v)
{
	__asm__ volatile("movl %0, (%1)" : : "r"(v), "r"(addr) : "memory");
}

static inline void write64(uint64_t addr, uint64_t v)
{
	__asm__ volatile("movq %0, (%1)" : : "r"(v), "r"(addr) : "memory");
}

static inline uint32_t atomic_inc(volatile uint32_t *p)
{
	return __atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST);
}

#endif
