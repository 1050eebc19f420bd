// SPDX-License-Identifier: GPL-2.0
/* The stack, and near branches. */
#include <asm/page.h>
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

u8 emu_stack_width(struct lodge_emu *e)
{
	struct kvm_segment ss;

	if (e->insn->mode == 8)
		return 8;
	lodge_be(get_segment)(e->vcpu, &ss, LODGE_SEG_SS);
	return ss.db ? 4 : 2;
}

unsigned long emu_stack_offset(struct lodge_emu *e, u8 width, s64 delta)
{
	unsigned long sp = lodge_reg(e->vcpu, LODGE_RSP) + delta;

	return width == 8 ? sp : width == 4 ? (u32)sp : (u16)sp;
}

int emu_push(struct lodge_emu *e, u64 value)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	int r;

	r = emu_write(e, SEG_SS, emu_stack_offset(e, width, -size), &value, size);
	if (!r)
		emu_add_reg(e, LODGE_RSP, width, -size);
	return r;
}

int emu_do_push(struct lodge_emu *e)
{
	u64 value;
	int r = emu_read_operand(e, e->insn->src, &value);

	return r ?: emu_push(e, value);
}

int emu_do_pop(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u8 width = emu_stack_width(e);
	unsigned long offset;
	u64 value = 0;
	int r;

	r = emu_read(e, SEG_SS, emu_stack_offset(e, width, 0), &value, i->size);
	if (r)
		return r;
	if (i->dst == OPND_RM && i->mem) {
		/* An address by RSP is made of it as it is after the pop (APM vol. 3, POP). */
		offset = emu_address(e);
		if (i->base == LODGE_RSP)
			offset += i->size;
		r = emu_write(e, i->seg, emu_wrap(e, offset), &value, i->size);
		if (r)
			return r;
		emu_add_reg(e, LODGE_RSP, width, i->size);
		return EMU_OK;
	}
	/* POP RSP: what was popped is what stays. */
	emu_add_reg(e, LODGE_RSP, width, i->size);
	return emu_write_operand(e, i->dst, value);
}

/* AX, CX, DX, BX, SP as it was, BP, SI, DI. */
int emu_do_pusha(struct lodge_emu *e)
{
	u8 size = e->insn->size, width = emu_stack_width(e), reg;
	int r = EMU_OK;

	for (reg = 0; !r && reg < 8; reg++) {
		u64 value = lodge_reg(e->vcpu, reg);

		r = emu_write(e, SEG_SS, emu_stack_offset(e, width, -(reg + 1) * size), &value,
			      size);
	}
	if (!r)
		emu_add_reg(e, LODGE_RSP, width, -8 * size);
	return r;
}

int emu_do_popa(struct lodge_emu *e)
{
	u8 size = e->insn->size, width = emu_stack_width(e), reg;
	u64 value[8] = { };
	int r = EMU_OK, i;

	for (i = 0; !r && i < 8; i++)
		r = emu_read(e, SEG_SS, emu_stack_offset(e, width, i * size), &value[i], size);
	if (r)
		return r;
	/* The first is the last pushed; SP's is left aside. */
	for (reg = 0; reg < 8; reg++)
		if (reg != LODGE_RSP)
			emu_set_reg(e, reg, size, value[7 - reg]);
	emu_add_reg(e, LODGE_RSP, width, 8 * size);
	return EMU_OK;
}

/* The frame pointers of @level outer procedures, and the new one, below what is at @at. */
static int push_frames(struct lodge_emu *e, u8 width, unsigned int level, s64 at, u64 frame)
{
	u8 size = e->insn->size;
	s64 bp = lodge_reg(e->vcpu, LODGE_RBP) - lodge_reg(e->vcpu, LODGE_RSP);
	unsigned int i;
	int r;

	for (i = 1; i < level; i++) {
		u64 value = 0;

		r = emu_read(e, SEG_SS, emu_stack_offset(e, width, bp - (s64)i * size), &value,
			     size);
		if (!r)
			r = emu_write(e, SEG_SS, emu_stack_offset(e, width, at - (s64)i * size),
				      &value, size);
		if (r)
			return r;
	}
	return emu_write(e, SEG_SS, emu_stack_offset(e, width, at - (s64)level * size), &frame,
			 size);
}

int emu_do_enter(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u8 width = emu_stack_width(e);
	unsigned int level = i->disp & 31;
	u64 bp = lodge_reg(e->vcpu, LODGE_RBP), frame, byte = 0;
	s64 down = -(s64)(level + 1) * i->size - (s64)i->imm;
	int r;

	frame = emu_stack_offset(e, width, -i->size);
	r = emu_write(e, SEG_SS, frame, &bp, i->size);
	if (!r && level)
		r = push_frames(e, width, level, -i->size, frame);
	/* Where the new stack ends must be writable (APM vol. 3, ENTER). */
	if (!r)
		r = emu_read_modify(e, SEG_SS, emu_stack_offset(e, width, down), &byte, i->size);
	if (r)
		return r;
	emu_set_reg(e, LODGE_RBP, i->size, frame);
	emu_add_reg(e, LODGE_RSP, width, down);
	return EMU_OK;
}

int emu_do_leave(struct lodge_emu *e)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	s64 up = lodge_reg(e->vcpu, LODGE_RBP) - lodge_reg(e->vcpu, LODGE_RSP);
	u64 value = 0;
	int r;

	r = emu_read(e, SEG_SS, emu_stack_offset(e, width, up), &value, size);
	if (r)
		return r;
	emu_add_reg(e, LODGE_RSP, width, up + size);
	emu_set_reg(e, LODGE_RBP, size, value);
	return EMU_OK;
}

int emu_branch(struct lodge_emu *e, unsigned long target)
{
	struct kvm_segment cs;

	switch (e->insn->size) {
	case 2:
		target = (u16)target;
		break;
	case 4:
		target = (u32)target;
		break;
	}
	if (e->insn->mode == 8) {
		if (!emu_canonical(e->vcpu, target))
			return emu_fault_e(e, X86_TRAP_GP, 0);
	} else {
		lodge_be(get_segment)(e->vcpu, &cs, LODGE_SEG_CS);
		if (target > cs.limit)
			return emu_fault_e(e, X86_TRAP_GP, 0);
	}
	e->next_rip = target;
	return EMU_OK;
}

/* The target of a relative branch, or what the operand of an indirect one holds. */
static int read_target(struct lodge_emu *e, u64 *target)
{
	int r = emu_read_operand(e, e->insn->src, target);

	if (!r && e->insn->src == OPND_IMM)
		*target += e->next_rip;
	return r;
}

static int probe_push(struct lodge_emu *e)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	gva_t gva;
	int r;

	r = emu_linear(e, SEG_SS, emu_stack_offset(e, width, -size), size, true, &gva);
	return r ?: emu_probe_write(e, gva, size);
}

int emu_do_call(struct lodge_emu *e)
{
	unsigned long from = e->next_rip;
	u64 target;
	int r;

	r = read_target(e, &target);
	/* What forbids the push comes before what forbids the branch. */
	if (!r)
		r = probe_push(e);
	if (!r)
		r = emu_branch(e, target);
	if (!r)
		r = emu_push(e, from);
	if (r)
		e->next_rip = from;
	return r;
}

int emu_do_ret(struct lodge_emu *e)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	u64 target = 0;
	int r;

	r = emu_read(e, SEG_SS, emu_stack_offset(e, width, 0), &target, size);
	if (!r)
		r = emu_branch(e, target);
	if (!r)
		emu_add_reg(e, LODGE_RSP, width, size + e->insn->imm);
	return r;
}

/* LOOPNE, LOOPE, LOOP and JCXZ: rCX has the address size. */
int emu_do_loop(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	bool zf = lodge_rflags(e->vcpu) & X86_EFLAGS_ZF, taken;
	u64 count = emu_reg(e, LODGE_RCX, i->addr_size);
	int r = EMU_OK;

	if (i->opcode == 0xe3)
		taken = !count;
	else
		taken = emu_wrap(e, count - 1) && (i->opcode == 0xe2 || zf == (i->opcode & 1));
	if (taken)
		r = emu_branch(e, e->next_rip + i->imm);
	if (!r && i->opcode != 0xe3)
		emu_add_reg(e, LODGE_RCX, i->addr_size, -1);
	return r;
}

int emu_do_jump(struct lodge_emu *e)
{
	u64 target;
	int r;

	if (e->insn->op == OP_JCC && !emu_condition(e->insn->opcode, lodge_rflags(e->vcpu)))
		return EMU_OK;
	r = read_target(e, &target);
	return r ?: emu_branch(e, target);
}
