// SPDX-License-Identifier: GPL-2.0
/* SSE, AVX and MMX moves between vector registers and memory; and a little of x87. */
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

#define XCR0_AVX	(BIT(1) | BIT(2))

/* APM vol. 2, System-Control Registers: what must be set for MMX, SSE and AVX. */
static int check_enabled(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long cr0 = lodge_cr0(e->vcpu), cr4 = lodge_cr4(e->vcpu);

	if (i->vex) {
		if (!(cr4 & X86_CR4_OSXSAVE) || (e->vcpu->arch.xcr0 & XCR0_AVX) != XCR0_AVX)
			return emu_fault(e, X86_TRAP_UD);
	} else if (cr0 & X86_CR0_EM) {
		return emu_fault(e, X86_TRAP_UD);
	} else if (!(i->sse.flags & SSE_MMX) && !(cr4 & X86_CR4_OSFXSR)) {
		return emu_fault(e, X86_TRAP_UD);
	}
	if (cr0 & X86_CR0_TS)
		return emu_fault(e, X86_TRAP_NM);
	return EMU_OK;
}

static int check_aligned(struct lodge_emu *e, unsigned long offset)
{
	const struct insn_sse *s = &e->insn->sse;
	gva_t gva;

	if (!(s->flags & SSE_ALIGNED))
		return EMU_OK;
	/* This comes before the segment's limit. */
	emu_segment_ok(e, e->insn->seg, offset, s->size, s->flags & SSE_STORE, &gva);
	return gva & (s->size - 1) ? emu_fault_e(e, X86_TRAP_GP, 0) : EMU_OK;
}

static enum emu_vec_kind kind_of(const struct lodge_insn *i)
{
	if (i->sse.flags & SSE_MMX)
		return VEC_MMX;
	if (!i->vex)
		return VEC_XMM;
	return i->sse.size == 32 ? VEC_YMM : VEC_XMM_VEX;
}

int emu_do_sse(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	const struct insn_sse *s = &i->sse;
	unsigned int at = s->flags & SSE_HIGH ? 8 : 0;
	enum emu_vec_kind kind = kind_of(i);
	u8 reg = kind == VEC_MMX ? i->reg & 7 : i->reg;
	union emu_vec v = { };
	unsigned long offset;
	int r;

	/* Between registers no move reaches the emulator: they do not fault. */
	if (!i->mem)
		return EMU_UNKNOWN;
	r = check_enabled(e);
	if (r)
		return r;
	offset = emu_address(e);
	r = check_aligned(e, offset);
	if (r)
		return r;
	if (s->flags & SSE_STORE) {
		emu_read_vec(e, reg, kind, &v);
		return emu_write(e, i->seg, offset, v.bytes + at, s->size);
	}
	/* What a load merges with, VEX names. */
	if (s->flags & SSE_MERGE)
		emu_read_vec(e, i->vex ? i->vex_reg : reg, kind, &v);
	r = emu_read(e, i->seg, offset, v.bytes + at, s->size);
	if (!r)
		emu_write_vec(e, reg, kind, &v);
	return r;
}

/* FNINIT, FNCLEX, FNOP, FNSTCW, FNSTSW and FWAIT: with which an x87 unit is looked for. */
int emu_do_x87(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long cr0 = lodge_cr0(e->vcpu);
	u16 word;

	if (i->op == OP_FWAIT ? (cr0 & X86_CR0_TS) && (cr0 & X86_CR0_MP) :
				cr0 & (X86_CR0_EM | X86_CR0_TS))
		return emu_fault(e, X86_TRAP_NM);
	/* No exception of the unit is pending: it would have come on the CPU. */
	if (i->op == OP_FWAIT)
		return EMU_OK;
	word = emu_x87(e, i->op);
	if (i->dst == OPND_NONE)
		return EMU_OK;
	if (i->mem)
		return emu_write(e, i->seg, emu_address(e), &word, sizeof(word));
	emu_set_reg(e, LODGE_RAX, 2, word);
	return EMU_OK;
}
