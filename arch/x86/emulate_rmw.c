// SPDX-License-Identifier: GPL-2.0
/* Arithmetic, bits and exchanges: read the operands, compute, write the destination, set flags. */
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

int emu_do_alu(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long flags = lodge_rflags(e->vcpu);
	bool writes = i->op != OP_CMP && i->op != OP_TEST && i->op != OP_BT;
	u64 dst, src = 0, result;
	int r = EMU_OK;

	if (i->src)
		r = emu_read_operand(e, i->src, &src);
	if (!r)
		r = writes ? emu_read_target(e, i->dst, &dst) : emu_read_operand(e, i->dst, &dst);
	if (r)
		return r;
	result = emu_alu(i->op, i->size, dst, src, &flags);
	if (writes) {
		r = emu_update_operand(e, i->dst, dst, result, i->lock);
		if (r)
			return r;
	}
	lodge_set_rflags(e->vcpu, flags);
	return EMU_OK;
}

/*
 * A bit number in a register counts from the memory operand and reaches beyond
 * it, to either side (APM vol. 3, BT); an immediate one, and one of a register
 * operand, is taken modulo the operand's size.
 */
int emu_do_bit(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long flags = lodge_rflags(e->vcpu), offset;
	u64 dst = 0, nr, result;
	s64 beyond;
	int r;

	if (!i->mem || i->src == OPND_IMM)
		return emu_do_alu(e);

	nr = emu_reg(e, i->reg, i->size);
	beyond = sign_extend64(nr, i->size * 8 - 1) >> (3 + ilog2(i->size));
	offset = emu_wrap(e, emu_address(e) + beyond * i->size);
	if (i->op == OP_BT)
		r = emu_read(e, i->seg, offset, &dst, i->size);
	else
		r = emu_read_modify(e, i->seg, offset, &dst, i->size);
	if (r)
		return r;
	result = emu_alu(i->op, i->size, dst, nr, &flags);
	if (i->op != OP_BT) {
		if (i->lock)
			r = emu_write_locked(e, i->seg, offset, &dst, &result, i->size);
		else
			r = emu_write(e, i->seg, offset, &result, i->size);
		if (r)
			return r;
	}
	lodge_set_rflags(e->vcpu, flags);
	return EMU_OK;
}

/* With memory, XCHG is locked whether it says so or not. */
int emu_do_xchg(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u64 dst, src;
	int r;

	r = emu_read_target(e, i->dst, &dst);
	if (!r)
		r = emu_read_operand(e, i->src, &src);
	if (!r)
		r = emu_update_operand(e, i->dst, dst, src, true);
	if (r)
		return r;
	return emu_write_operand(e, i->src, dst);
}

int emu_do_xadd(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long flags = lodge_rflags(e->vcpu);
	u64 dst, src, sum;
	int r;

	r = emu_read_target(e, i->dst, &dst);
	if (!r)
		r = emu_read_operand(e, i->src, &src);
	if (r)
		return r;
	sum = emu_alu(OP_XADD, i->size, dst, src, &flags);
	if (i->mem) {
		r = emu_update_operand(e, i->dst, dst, sum, i->lock);
		if (r)
			return r;
		emu_write_operand(e, i->src, dst);
	} else {
		/* When both are one register, it is the sum that stays. */
		emu_write_operand(e, i->src, dst);
		emu_write_operand(e, i->dst, sum);
	}
	lodge_set_rflags(e->vcpu, flags);
	return EMU_OK;
}

/*
 * Memory is written in either case, if only with what it holds (APM vol. 3, CMPXCHG); a
 * register that is not equal is left alone, its upper half too.
 */
int emu_do_cmpxchg(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long flags = lodge_rflags(e->vcpu);
	u64 dst, src;
	bool equal;
	int r;

	r = emu_read_target(e, i->dst, &dst);
	if (!r)
		r = emu_read_operand(e, i->src, &src);
	if (r)
		return r;
	emu_alu(OP_CMP, i->size, emu_reg(e, LODGE_RAX, i->size), dst, &flags);
	equal = flags & X86_EFLAGS_ZF;
	if (equal || i->mem)
		r = emu_update_operand(e, i->dst, dst, equal ? src : dst, i->lock);
	if (r)
		return r;
	if (!equal)
		emu_set_reg(e, LODGE_RAX, i->size, dst);
	lodge_set_rflags(e->vcpu, flags);
	return EMU_OK;
}

/* CMPXCHG8B, and with REX.W CMPXCHG16B. */
int emu_do_cmpxchg8b(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long flags = lodge_rflags(e->vcpu), offset = emu_address(e);
	u8 half = i->size == 8 ? 8 : 4;
	u8 old[16] = { }, new[16];
	u64 lo = 0, hi = 0, v;
	bool equal;
	gva_t gva;
	int r;

	if (half == 8) {
		r = emu_linear(e, i->seg, offset, 16, true, &gva);
		if (r)
			return r;
		if (gva & 15)
			return emu_fault_e(e, X86_TRAP_GP, 0);
	}
	r = emu_read_modify(e, i->seg, offset, old, 2 * half);
	if (r)
		return r;
	memcpy(&lo, old, half);
	memcpy(&hi, old + half, half);
	equal = lo == emu_reg(e, LODGE_RAX, half) && hi == emu_reg(e, LODGE_RDX, half);
	memcpy(new, old, sizeof(new));
	if (equal) {
		v = emu_reg(e, LODGE_RBX, half);
		memcpy(new, &v, half);
		v = emu_reg(e, LODGE_RCX, half);
		memcpy(new + half, &v, half);
	}
	if (i->lock)
		r = emu_write_locked(e, i->seg, offset, old, new, 2 * half);
	else
		r = emu_write(e, i->seg, offset, new, 2 * half);
	if (r)
		return r;
	if (!equal) {
		emu_set_reg(e, LODGE_RAX, half, lo);
		emu_set_reg(e, LODGE_RDX, half, hi);
	}
	flags = (flags & ~X86_EFLAGS_ZF) | (equal ? X86_EFLAGS_ZF : 0);
	lodge_set_rflags(e->vcpu, flags);
	return EMU_OK;
}
