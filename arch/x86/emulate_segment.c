// SPDX-License-Identifier: GPL-2.0
/*
 * Loads of segment registers: MOV, PUSH, POP, and LDS and its kin (SDM vol. 2, MOV, "Loading
 * a segment register"; vol. 3, Privilege Level Checking when Accessing Data Segments).
 *
 * In real mode a load changes selector and base, and leaves limit and attributes as
 * they are, which is how "big real mode" stays big.  In protected mode it reads a
 * descriptor.
 */
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

bool emu_in_vm86(const struct lodge_emu *e)
{
	return lodge_is_protmode(e->vcpu) && (lodge_rflags(e->vcpu) & X86_EFLAGS_VM);
}

bool emu_has_descriptors(const struct lodge_emu *e)
{
	return lodge_is_protmode(e->vcpu) && !(lodge_rflags(e->vcpu) & X86_EFLAGS_VM);
}

/* --- in protected mode --- */

/* SS must be of the CPL itself. */
static bool ss_allowed(const struct kvm_segment *s, unsigned int rpl, unsigned int cpl)
{
	return s->s && (s->type & 0xa) == 2 && rpl == cpl && s->dpl == cpl;
}

/* The others: data, or code that can be read, and privilege unless conforming. */
static bool data_allowed(const struct kvm_segment *s, unsigned int rpl, unsigned int cpl)
{
	if (!s->s || (s->type & 0xa) == 8)
		return false;
	return (s->type & 0xc) == 0xc || (rpl <= s->dpl && cpl <= s->dpl);
}

/* 64-bit code of an inner level needs no stack segment. */
static bool null_allowed(struct lodge_emu *e, u8 seg, u16 sel, unsigned int cpl)
{
	return seg != SEG_SS || (lodge_is_64bit(e->vcpu) && cpl != 3 && (sel & 3) == cpl);
}

void emu_null_segment(struct kvm_segment *s, u16 sel, unsigned int cpl)
{
	/* The CPL is SS's, usable or not. */
	*s = (struct kvm_segment) { .selector = sel, .unusable = 1, .dpl = cpl };
}

int emu_check_segment(struct lodge_emu *e, u8 seg, u16 sel, unsigned int cpl, u8 vector,
		      struct kvm_segment *s)
{
	struct emu_desc d;
	int r;

	if (!(sel & ~3)) {
		if (!null_allowed(e, seg, sel, cpl))
			return emu_fault_e(e, vector, e->ext);
		emu_null_segment(s, sel, seg == SEG_SS ? cpl : 0);
		return EMU_OK;
	}
	r = emu_read_desc(e, sel, vector, &d);
	if (r)
		return r;
	emu_unpack_desc(s, &d);
	if (!(seg == SEG_SS ? ss_allowed : data_allowed)(s, sel & 3, cpl))
		return emu_selector_fault(e, vector, sel);
	if (!s->present)
		return emu_selector_fault(e, seg == SEG_SS ? X86_TRAP_SS : X86_TRAP_NP, sel);
	return emu_mark_accessed(e, &d, s);
}

/* SDM vol. 3, Virtual-8086 Mode: what a segment register has there. */
void emu_vm86_segment(struct lodge_emu *e, u8 seg, u16 sel)
{
	const struct kvm_segment s = {
		.selector = sel, .base = sel << 4, .limit = 0xffff, .type = 3, .s = 1, .dpl = 3,
		.present = 1,
	};

	lodge_be(set_segment)(e->vcpu, &s, seg);
}

static void load_real(struct lodge_emu *e, u8 seg, u16 sel)
{
	struct kvm_segment s;

	lodge_be(get_segment)(e->vcpu, &s, seg);
	s.selector = sel;
	s.base = sel << 4;
	lodge_be(set_segment)(e->vcpu, &s, seg);
}

static int load_segment(struct lodge_emu *e, u8 seg, u16 sel)
{
	struct kvm_segment s;
	int r;

	if (!emu_has_descriptors(e)) {
		load_real(e, seg, sel);
		return EMU_OK;
	}
	r = emu_check_segment(e, seg, sel, emu_cpl(e), X86_TRAP_GP, &s);
	if (!r)
		lodge_be(set_segment)(e->vcpu, &s, seg);
	return r;
}

/* --- MOV, PUSH, POP --- */

u16 emu_selector(struct lodge_emu *e, u8 seg)
{
	struct kvm_segment s;

	lodge_be(get_segment)(e->vcpu, &s, seg);
	return s.selector;
}

/* Memory gets 16 bits, a register as many as it has. */
static int store_sreg(struct lodge_emu *e, u8 seg)
{
	const struct lodge_insn *i = e->insn;
	u16 sel = emu_selector(e, seg);

	if (i->mem)
		return emu_write(e, i->seg, emu_address(e), &sel, sizeof(sel));
	emu_set_reg(e, i->rm, i->size, sel);
	return EMU_OK;
}

static int push_sreg(struct lodge_emu *e, u8 seg)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	u64 sel = emu_selector(e, seg);
	int r;

	r = emu_write(e, SEG_SS, emu_stack_offset(e, width, -size), &sel, size);
	if (!r)
		emu_add_reg(e, LODGE_RSP, width, -size);
	return r;
}

static int pop_sreg(struct lodge_emu *e, u8 seg)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	u64 sel = 0;
	int r;

	r = emu_read(e, SEG_SS, emu_stack_offset(e, width, 0), &sel, size);
	if (!r)
		r = load_segment(e, seg, sel);
	/* The pointer is as wide as the old stack was. */
	if (!r)
		emu_add_reg(e, LODGE_RSP, width, size);
	return r;
}

static int move_to_sreg(struct lodge_emu *e, u8 seg)
{
	u64 sel;
	int r = emu_read_operand(e, OPND_RM16, &sel);

	return r ?: load_segment(e, seg, sel);
}

int emu_do_sreg(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	bool move = i->op == OP_MOV_FROM_SREG || i->op == OP_MOV_TO_SREG;
	/* ModRM names it, or the opcode: 06 to 1f, and 0F A0 to A9. */
	u8 seg = move ? i->reg & 7 : (i->opcode >> 3) & 7;
	int r;

	if (seg > SEG_GS || (i->op == OP_MOV_TO_SREG && seg == SEG_CS))
		return emu_fault(e, X86_TRAP_UD);
	if (i->op == OP_MOV_FROM_SREG)
		return store_sreg(e, seg);
	if (i->op == OP_PUSH_SREG)
		return push_sreg(e, seg);
	r = i->op == OP_POP_SREG ? pop_sreg(e, seg) : move_to_sreg(e, seg);
	/* SDM vol. 2, MOV: what loads the stack pointer next comes without an interrupt between. */
	if (!r && seg == SEG_SS)
		e->shadow = KVM_X86_SHADOW_INT_MOV_SS;
	return r;
}

/* --- LES, LDS, LSS, LFS, LGS: a far pointer into two registers --- */

int emu_do_load_far(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u64 offset;
	u16 sel;
	u8 seg;
	int r;

	switch (i->opcode) {
	case 0xc4:
		seg = SEG_ES;
		break;
	case 0xc5:
		seg = SEG_DS;
		break;
	default:	/* 0F B2, B4, B5 */
		seg = i->opcode & 7;
	}
	r = emu_read_far_pointer(e, &sel, &offset);
	if (!r)
		r = load_segment(e, seg, sel);
	if (!r)
		emu_set_reg(e, i->reg, i->size, offset);
	return r;
}
