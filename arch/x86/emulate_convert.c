// SPDX-License-Identifier: GPL-2.0
/*
 * Conversions within rAX: CBW, CWD, XLAT, LAHF, SAHF and decimal arithmetic; and the checks
 * BOUND and ARPL (APM vol. 3, General-Purpose Instruction Reference).  Flags that the manual
 * leaves undefined are kept as they were.
 */
#include <linux/bitops.h>
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

static void set_flag(unsigned long *flags, unsigned long flag, bool on)
{
	*flags = on ? *flags | flag : *flags & ~flag;
}

/* CBW, CWDE, CDQE: the lower half of the accumulator into all of it. */
static int extend_acc(struct lodge_emu *e)
{
	u8 size = e->insn->size;

	emu_set_reg(e, LODGE_RAX, size, sign_extend64(lodge_reg(e->vcpu, LODGE_RAX), size * 4 - 1));
	return EMU_OK;
}

/* CWD, CDQ, CQO: its sign into all of rDX. */
static int extend_to_dx(struct lodge_emu *e)
{
	u8 size = e->insn->size;
	bool negative = lodge_reg(e->vcpu, LODGE_RAX) >> (size * 8 - 1) & 1;

	emu_set_reg(e, LODGE_RDX, size, negative ? ~0ull : 0);
	return EMU_OK;
}

static int translate_byte(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long offset = lodge_reg(e->vcpu, LODGE_RBX) + (u8)lodge_reg(e->vcpu, LODGE_RAX);
	u8 byte;
	int r;

	r = emu_read(e, i->seg, emu_wrap(e, offset), &byte, 1);
	if (!r)
		emu_set_reg(e, LODGE_RAX, 1, byte);
	return r;
}

/* --- flags in AH --- */

#define AH_FLAGS (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF)

static void set_ax(struct lodge_emu *e, u8 ah, u8 al)
{
	emu_set_reg(e, LODGE_RAX, 2, ah << 8 | al);
}

static int flags_to_ah(struct lodge_emu *e)
{
	set_ax(e, (lodge_rflags(e->vcpu) & AH_FLAGS) | X86_EFLAGS_FIXED,
	       lodge_reg(e->vcpu, LODGE_RAX));
	return EMU_OK;
}

static int ah_to_flags(struct lodge_emu *e)
{
	unsigned long ah = lodge_reg(e->vcpu, LODGE_RAX) >> 8;

	lodge_set_rflags(e->vcpu, (lodge_rflags(e->vcpu) & ~AH_FLAGS) | (ah & AH_FLAGS));
	return EMU_OK;
}

/* --- decimal --- */

/* SF, ZF and PF of AL, as an OR of it with 0 gives them. */
static unsigned long flags_of_al(u8 al, unsigned long flags)
{
	unsigned long own = flags & ~(X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_PF);

	emu_alu(OP_OR, 1, al, 0, &flags);
	return own | (flags & (X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_PF));
}

/* DAA, DAS: two digits in AL. */
static int adjust_packed(struct lodge_emu *e)
{
	unsigned long flags = lodge_rflags(e->vcpu);
	u8 al = lodge_reg(e->vcpu, LODGE_RAX), by = 0;
	bool low = (al & 15) > 9 || (flags & X86_EFLAGS_AF);
	bool high = al > 0x99 || (flags & X86_EFLAGS_CF);
	/* What the lower digit's adjustment borrows is CF's as well. */
	bool borrow = e->insn->op == OP_DAS && low && al < 6;

	if (low)
		by += 6;
	if (high)
		by += 0x60;
	al = e->insn->op == OP_DAA ? al + by : al - by;
	set_flag(&flags, X86_EFLAGS_AF, low);
	set_flag(&flags, X86_EFLAGS_CF, high || borrow);
	lodge_set_rflags(e->vcpu, flags_of_al(al, flags));
	emu_set_reg(e, LODGE_RAX, 1, al);
	return EMU_OK;
}

/* AAA, AAS: a digit in AL, and what is carried or borrowed in AH. */
static int adjust_unpacked(struct lodge_emu *e)
{
	unsigned long flags = lodge_rflags(e->vcpu);
	u16 ax = lodge_reg(e->vcpu, LODGE_RAX);
	bool adjust = (ax & 15) > 9 || (flags & X86_EFLAGS_AF);

	if (adjust)
		ax = e->insn->op == OP_AAA ? ax + 0x106 : ax - 0x106;
	set_flag(&flags, X86_EFLAGS_AF, adjust);
	set_flag(&flags, X86_EFLAGS_CF, adjust);
	lodge_set_rflags(e->vcpu, flags);
	set_ax(e, ax >> 8, ax & 15);
	return EMU_OK;
}

static int split_digits(struct lodge_emu *e)
{
	u8 al = lodge_reg(e->vcpu, LODGE_RAX), base = e->insn->imm;

	if (!base)
		return emu_fault(e, X86_TRAP_DE);
	set_ax(e, al / base, al % base);
	lodge_set_rflags(e->vcpu, flags_of_al(al % base, lodge_rflags(e->vcpu)));
	return EMU_OK;
}

static int join_digits(struct lodge_emu *e)
{
	u16 ax = lodge_reg(e->vcpu, LODGE_RAX);
	u8 al = (ax & 0xff) + (ax >> 8) * e->insn->imm;

	set_ax(e, 0, al);
	lodge_set_rflags(e->vcpu, flags_of_al(al, lodge_rflags(e->vcpu)));
	return EMU_OK;
}

/* --- checks --- */

static int check_bound(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned int sign = i->size * 8 - 1;
	s64 index = sign_extend64(emu_reg(e, i->reg, i->size), sign);
	u64 low = 0, high = 0, at = emu_address(e);
	int r;

	r = emu_read(e, i->seg, at, &low, i->size);
	if (!r)
		r = emu_read(e, i->seg, emu_wrap(e, at + i->size), &high, i->size);
	if (r)
		return r;
	if (index < sign_extend64(low, sign) || index > sign_extend64(high, sign))
		return emu_fault(e, X86_TRAP_BR);
	return EMU_OK;
}

/* A selector's RPL is raised to that of another. */
static int adjust_rpl(struct lodge_emu *e)
{
	unsigned long flags = lodge_rflags(e->vcpu);
	u64 dst = 0;
	u16 src = emu_reg(e, e->insn->reg, 2);
	bool raise;
	int r = EMU_OK;

	if (!lodge_is_protmode(e->vcpu) || emu_in_vm86(e))
		return emu_fault(e, X86_TRAP_UD);
	if (e->insn->mem)
		r = emu_read(e, e->insn->seg, emu_address(e), &dst, 2);
	else
		dst = emu_reg(e, e->insn->rm, 2);
	if (r)
		return r;
	raise = (dst & 3) < (src & 3);
	if (raise)
		dst = (dst & ~3ull) | (src & 3);
	if (raise && e->insn->mem)
		r = emu_write(e, e->insn->seg, emu_address(e), &dst, 2);
	else if (raise)
		emu_set_reg(e, e->insn->rm, 2, dst);
	if (r)
		return r;
	set_flag(&flags, X86_EFLAGS_ZF, raise);
	lodge_set_rflags(e->vcpu, flags);
	return EMU_OK;
}

int emu_do_convert(struct lodge_emu *e)
{
	switch (e->insn->op) {
	case OP_CBW:
		return extend_acc(e);
	case OP_CWD:
		return extend_to_dx(e);
	case OP_XLAT:
		return translate_byte(e);
	case OP_LAHF:
		return flags_to_ah(e);
	case OP_SAHF:
		return ah_to_flags(e);
	case OP_SALC:
		emu_set_reg(e, LODGE_RAX, 1, lodge_rflags(e->vcpu) & X86_EFLAGS_CF ? 0xff : 0);
		return EMU_OK;
	case OP_DAA:
	case OP_DAS:
		return adjust_packed(e);
	case OP_AAA:
	case OP_AAS:
		return adjust_unpacked(e);
	case OP_AAM:
		return split_digits(e);
	case OP_AAD:
		return join_digits(e);
	case OP_BOUND:
		return check_bound(e);
	default:
		return adjust_rpl(e);
	}
}
