// SPDX-License-Identifier: GPL-2.0
/*
 * See cpu.h.  A signal's return loads every register at once: cpu_run() raises one, whose
 * handler puts the state into the frame and returns into the instruction.  What ends
 * it comes back as a signal again, whose handler takes the state out and puts that of
 * cpu_run() back.
 *
 * The handler's frame has no DS, ES, FS and GS: the kernel leaves them alone.  FS is also
 * this process's own, by which it finds its thread's variables: it is put back first.
 */
#include "cpu.h"

#include <asm/ldt.h>
#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define HWCAP2_FSGSBASE	(1 << 1)
#define XSAVE_HEADER	512
#define XSAVE_YMM	576

static struct cpu_state *running;	/* NULL: the next signal is cpu_run()'s own */
static bool started;
static gregset_t saved;
static uint8_t saved_fp[XSAVE_YMM + 256];
static uint64_t own_fs_base;
static bool has_avx;

static const int greg_of[16] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static void load(struct cpu_state *s, ucontext_t *uc)
{
	gregset_t *g = &uc->uc_mcontext.gregs;
	uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
	int i;

	memcpy(saved, *g, sizeof(saved));
	memcpy(saved_fp, fp, has_avx ? sizeof(saved_fp) : 512);
	for (i = 0; i < 16; i++) {
		(*g)[greg_of[i]] = s->regs[i];
		memcpy(fp + 160 + 16 * i, s->vec[i], 16);
		if (has_avx)
			memcpy(fp + XSAVE_YMM + 16 * i, &s->vec[i][2], 16);
	}
	/* All eight are MMX's, in the tag word's short form. */
	memset(fp, 0, 160);
	*(uint16_t *)fp = 0x37f;
	fp[4] = 0xff;
	*(uint32_t *)(fp + 24) = 0x1f80;
	for (i = 0; i < 8; i++)
		memcpy(fp + 32 + 16 * i, &s->mmx[i], 8);
	if (has_avx)
		*(uint64_t *)(fp + XSAVE_HEADER) |= 7;
	(*g)[REG_RIP] = s->rip;
	(*g)[REG_EFL] = s->rflags;
	(*g)[REG_CSGSFS] = s->cs | (uint64_t)s->ss << 48;
	__asm__ volatile("movw %0, %%gs" : : "r"(s->gs));
	if (!s->gs)
		__asm__ volatile("wrgsbase %0" : : "r"(s->gs_base));
	__asm__ volatile("movw %0, %%es\n movw %1, %%ds" : : "r"(s->es), "r"(s->ds));
	__asm__ volatile("movw %0, %%fs" : : "r"(s->fs));
	if (!s->fs)
		__asm__ volatile("wrfsbase %0" : : "r"(s->fs_base));
}

static void unload(struct cpu_state *s, ucontext_t *uc)
{
	gregset_t *g = &uc->uc_mcontext.gregs;
	uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
	int i;

	__asm__ volatile("movw %%ds, %0\n movw %%es, %1\n movw %%gs, %2\n movw %%fs, %3"
			 : "=m"(s->ds), "=m"(s->es), "=m"(s->gs), "=m"(s->fs));
	__asm__ volatile("movw %w0, %%fs\n wrfsbase %1" : : "r"(0), "r"(own_fs_base));
	for (i = 0; i < 16; i++) {
		s->regs[i] = (*g)[greg_of[i]];
		memcpy(s->vec[i], fp + 160 + 16 * i, 16);
		if (!has_avx)
			continue;
		/* In its initial state a component need not be written. */
		if (*(uint64_t *)(fp + XSAVE_HEADER) & 4)
			memcpy(&s->vec[i][2], fp + XSAVE_YMM + 16 * i, 16);
		else
			memset(&s->vec[i][2], 0, 16);
	}
	for (i = 0; i < 8; i++)
		memcpy(&s->mmx[i], fp + 32 + 16 * i, 8);
	s->rip = (*g)[REG_RIP];
	s->rflags = (*g)[REG_EFL];
	s->cs = (*g)[REG_CSGSFS];
	s->ss = (uint64_t)(*g)[REG_CSGSFS] >> 48;
	s->vector = (*g)[REG_TRAPNO];
	s->error = (*g)[REG_ERR];
	s->cr2 = (*g)[REG_CR2];
	memcpy(*g, saved, sizeof(saved));
	memcpy(fp, saved_fp, has_avx ? sizeof(saved_fp) : 512);
}

static void handler(int sig, siginfo_t *info, void *context)
{
	/*
	 * AC, ID and NT are neither cleared for a handler nor restored behind it; and this is
	 * compiled code, which aligns nothing.
	 */
	__asm__ volatile("pushfq\n andl $~0x244000, (%%rsp)\n popfq" : : : "memory", "cc");
	if (!running)
		_exit(99);	/* a bug of the test's own: there is no state to go back to */
	if (!started) {
		started = true;
		load(running, context);
		return;
	}
	unload(running, context);
	running = NULL;
}

void cpu_run(struct cpu_state *s)
{
	started = false;
	running = s;
	__asm__ volatile("int3" : : : "memory");
}

uint16_t cpu_segment(unsigned int index, uint32_t base, uint32_t limit, bool big,
		     unsigned int contents, bool read_only, bool absent)
{
	struct user_desc d = {
		.entry_number = index, .base_addr = base, .limit = limit, .seg_32bit = big,
		.contents = contents, .read_exec_only = read_only, .seg_not_present = absent,
		.useable = 1,
	};

	if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)))
		abort();
	return index << 3 | 7;
}

bool cpu_has_avx(void)
{
	return has_avx;
}

bool cpu_init(const char **why)
{
	static const int signals[] = { SIGTRAP, SIGSEGV, SIGILL, SIGBUS, SIGFPE };
	const size_t stack_size = 1 << 16;
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	struct user_desc d = { .entry_number = 0, .read_exec_only = 1, .seg_not_present = 1 };
	stack_t stack = { .ss_size = stack_size };
	unsigned int i, a, b, c = 0, e;

	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)) {
		*why = "the kernel does not let programs write the GS base";
		return false;
	}
	if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d))) {
		*why = "the kernel has no modify_ldt()";
		return false;
	}
	__asm__ volatile("rdfsbase %0" : "=r"(own_fs_base));
	__get_cpuid(1, &a, &b, &c, &e);
	has_avx = (c & bit_AVX) && (c & bit_OSXSAVE);
	stack.ss_sp = mmap(NULL, stack_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL))
		abort();
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (sigaction(signals[i], &sa, NULL))
			abort();
	return true;
}
