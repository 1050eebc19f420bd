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
		if (i->addr_size < 8)
			offset &= BIT_ULL(i->addr_size * 8) - 1;
		r = emu_write(e, i->seg, offset, &value, i->size);
		if (r)
			return r;
		emu_add_reg(e, LODGE_RSP, width, i->size);
		return EMU_OK;
	}
	/* POP RSP: what was popped is what stays. */
	emu_add_reg(e, LODGE_RSP, width, i->size);
	return emu_write_operand(e, i->dst, value);
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
		if (!__is_canonical_address(target,
					    lodge_cr4(e->vcpu) & X86_CR4_LA57 ? 57 : 48))
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

int emu_do_call(struct lodge_emu *e)
{
	unsigned long from = e->next_rip;
	u64 target;
	int r;

	r = read_target(e, &target);
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

int emu_do_jump(struct lodge_emu *e)
{
	u64 target;
	int r;

	if (e->insn->op == OP_JCC && !emu_condition(e->insn->opcode, lodge_rflags(e->vcpu)))
		return EMU_OK;
	r = read_target(e, &target);
	return r ?: emu_branch(e, target);
}
