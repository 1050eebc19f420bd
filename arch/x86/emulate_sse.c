// SPDX-License-Identifier: GPL-2.0
/*
 * SSE moves between XMM registers and memory.  While KVM_RUN lasts, the guest's
 * FPU state is the task's own: in the CPU's registers, or to be loaded there
 * when the task was scheduled out since.
 */
#include <asm/fpu/api.h>
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

union xmm {
	u8 bytes[16];
	u64 half[2];
	u32 word[4];
};

/* In twins: the guest's registers are the CPU's between the two. */
static void fpu_get(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

static void fpu_put(void)
{
	fpregs_unlock();
}

/* A register's number is a part of the instruction. */
#define READ_XMM(n) do {						\
	if (reg == (n))							\
		asm volatile("movdqu %%xmm" #n ", %0" : "=m"(*v));	\
} while (0)

#define WRITE_XMM(n) do {						\
	if (reg == (n))							\
		asm volatile("movdqu %0, %%xmm" #n : : "m"(*v));	\
} while (0)

static void read_xmm(u8 reg, union xmm *v)
{
	fpu_get();
	READ_XMM(0); READ_XMM(1); READ_XMM(2); READ_XMM(3);
	READ_XMM(4); READ_XMM(5); READ_XMM(6); READ_XMM(7);
	READ_XMM(8); READ_XMM(9); READ_XMM(10); READ_XMM(11);
	READ_XMM(12); READ_XMM(13); READ_XMM(14); READ_XMM(15);
	fpu_put();
}

/* The legacy encodings leave the upper part of YMM as it is; so does this. */
static void write_xmm(u8 reg, const union xmm *v)
{
	fpu_get();
	WRITE_XMM(0); WRITE_XMM(1); WRITE_XMM(2); WRITE_XMM(3);
	WRITE_XMM(4); WRITE_XMM(5); WRITE_XMM(6); WRITE_XMM(7);
	WRITE_XMM(8); WRITE_XMM(9); WRITE_XMM(10); WRITE_XMM(11);
	WRITE_XMM(12); WRITE_XMM(13); WRITE_XMM(14); WRITE_XMM(15);
	fpu_put();
}

/* APM vol. 2, System-Control Registers: what must be set for SSE. */
static int check_enabled(struct lodge_emu *e)
{
	if ((lodge_cr0(e->vcpu) & X86_CR0_EM) || !(lodge_cr4(e->vcpu) & X86_CR4_OSFXSR))
		return emu_fault(e, X86_TRAP_UD);
	if (lodge_cr0(e->vcpu) & X86_CR0_TS)
		return emu_fault(e, X86_TRAP_NM);
	return EMU_OK;
}

static int check_aligned(struct lodge_emu *e, unsigned long offset)
{
	const struct insn_sse *s = &e->insn->sse;
	gva_t gva;
	int r;

	if (!(s->flags & SSE_ALIGNED))
		return EMU_OK;
	r = emu_linear(e, e->insn->seg, offset, s->size, s->flags & SSE_STORE, &gva);
	if (!r && (gva & (s->size - 1)))
		r = emu_fault_e(e, X86_TRAP_GP, 0);
	return r;
}

int emu_do_sse(struct lodge_emu *e)
{
	const struct insn_sse *s = &e->insn->sse;
	unsigned int at = s->flags & SSE_HIGH ? 8 : 0;
	unsigned long offset;
	union xmm v = { };
	int r;

	/* Between registers no move reaches the emulator: they do not fault. */
	if (!e->insn->mem)
		return EMU_UNKNOWN;
	r = check_enabled(e);
	if (r)
		return r;
	offset = emu_address(e);
	r = check_aligned(e, offset);
	if (r)
		return r;
	if (s->flags & (SSE_STORE | SSE_MERGE))
		read_xmm(e->insn->reg, &v);
	if (s->flags & SSE_STORE)
		return emu_write(e, e->insn->seg, offset, v.bytes + at, s->size);
	r = emu_read(e, e->insn->seg, offset, v.bytes + at, s->size);
	if (!r)
		write_xmm(e->insn->reg, &v);
	return r;
}
