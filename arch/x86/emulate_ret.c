// SPDX-License-Identifier: GPL-2.0
/*
 * Far returns: RET and IRET, to the same level, to an outer one, to virtual-8086 mode, and
 * to the task before (SDM vol. 2, RET and IRET/IRETD/IRETQ).
 */
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

unsigned long emu_flags_mask(struct lodge_emu *e)
{
	unsigned long mask = EMU_POPF_FLAGS;
	unsigned int cpl = emu_cpl(e);

	if (cpl)
		mask &= ~X86_EFLAGS_IOPL;
	if (cpl > emu_iopl(e))
		mask &= ~X86_EFLAGS_IF;
	return mask;
}

void emu_load_flags(struct lodge_emu *e, u64 value, u8 size, unsigned long mask)
{
	unsigned long flags = lodge_rflags(e->vcpu);

	if (size == 2)
		mask &= U16_MAX;
	lodge_set_rflags(e->vcpu, (flags & ~mask) | (value & mask));
}

/* @n words from the stack's top, @skip bytes below it; the selector before the offset. */
static int read_words(struct lodge_emu *e, unsigned int skip, u64 *word, unsigned int n)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	int r = EMU_OK, i;

	for (i = n - 1; !r && i >= 0; i--) {
		word[i] = 0;
		r = emu_read(e, SEG_SS, emu_stack_offset(e, width, skip + i * size), &word[i],
			     size);
	}
	return r;
}

/* --- to a code segment --- */

/* The code segment at the level that the selector asks for; not an inner one. */
static int return_segment(struct lodge_emu *e, u16 sel, struct kvm_segment *cs)
{
	unsigned int rpl = sel & 3;
	struct emu_desc d;
	int r;

	if (!(sel & ~3))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = emu_read_desc(e, sel, X86_TRAP_GP, &d);
	if (r)
		return r;
	emu_unpack_desc(cs, &d);
	if (!cs->s || !(cs->type & 8) || rpl < emu_cpl(e))
		return emu_selector_fault(e, X86_TRAP_GP, sel);
	if (cs->type & 4 ? cs->dpl > rpl : cs->dpl != rpl)
		return emu_selector_fault(e, X86_TRAP_GP, sel);
	if (lodge_is_long_mode(e->vcpu) && cs->l && cs->db)
		return emu_selector_fault(e, X86_TRAP_GP, sel);
	if (!cs->present)
		return emu_selector_fault(e, X86_TRAP_NP, sel);
	return emu_mark_accessed(e, &d, cs);
}

/* The stack of the outer level: 64-bit code needs none, but at level 3. */
static int return_stack(struct lodge_emu *e, u16 sel, const struct kvm_segment *cs,
			struct kvm_segment *ss)
{
	unsigned int rpl = cs->selector & 3;

	if (!(sel & ~3) && lodge_is_long_mode(e->vcpu) && cs->l && rpl != 3 && (sel & 3) == rpl) {
		emu_null_segment(ss, sel, rpl);
		return EMU_OK;
	}
	/* No segment is none here, whatever code this is. */
	if (!(sel & ~3))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	return emu_check_segment(e, SEG_SS, sel, rpl, X86_TRAP_GP, ss);
}

/* The outer level must not be left what it could not have loaded. */
static void drop_inner_segments(struct lodge_emu *e, unsigned int cpl)
{
	static const u8 segs[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	struct kvm_segment s;
	int i;

	for (i = 0; i < ARRAY_SIZE(segs); i++) {
		lodge_be(get_segment)(e->vcpu, &s, segs[i]);
		if (s.unusable || s.dpl >= cpl || (s.type & 0xc) == 0xc)
			continue;
		emu_null_segment(&s, 0, 0);
		lodge_be(set_segment)(e->vcpu, &s, segs[i]);
	}
}

static void set_stack(struct lodge_emu *e, const struct kvm_segment *cs,
		      const struct kvm_segment *ss, u64 sp)
{
	u8 width = lodge_is_long_mode(e->vcpu) && cs->l ? 8 : ss->db ? 4 : 2;

	lodge_be(set_segment)(e->vcpu, ss, LODGE_SEG_SS);
	emu_set_reg(e, LODGE_RSP, width, sp);
}

/*
 * Return to @ip in @sel; the outer level's stack, if it is one, is @above bytes above the
 * stack pointer.  @always: 64-bit IRET restores the stack at any level.  All that can fail
 * is done before anything is changed.
 */
static int return_to(struct lodge_emu *e, u16 sel, u64 ip, unsigned int above, bool always)
{
	u8 width = emu_stack_width(e);
	unsigned int cpl = emu_cpl(e), pop = e->insn->op == OP_RET_FAR ? e->insn->imm : 0;
	struct kvm_segment cs, ss;
	u64 stack[2];
	bool outer;
	int r;

	r = return_segment(e, sel, &cs);
	if (r)
		return r;
	outer = (sel & 3) > cpl;
	if (outer || always) {
		r = read_words(e, above, stack, 2);
		if (!r)
			r = return_stack(e, stack[1], &cs, &ss);
	}
	if (!r)
		r = emu_check_target(e, &cs, ip);
	if (r)
		return r;
	/* CS first: the width of the stack goes by it. */
	emu_go_far(e, &cs, ip);
	if (outer || always) {
		set_stack(e, &cs, &ss, stack[0]);
		if (pop)
			emu_add_reg(e, LODGE_RSP, cs.l && lodge_is_long_mode(e->vcpu) ? 8 :
				    ss.db ? 4 : 2, pop);
	} else {
		emu_add_reg(e, LODGE_RSP, width, above);
	}
	if (outer)
		drop_inner_segments(e, sel & 3);
	return EMU_OK;
}

static int go_real(struct lodge_emu *e, u16 sel, u64 ip, unsigned int pop)
{
	u8 width = emu_stack_width(e);
	struct kvm_segment cs;

	lodge_be(get_segment)(e->vcpu, &cs, LODGE_SEG_CS);
	cs.selector = sel;
	cs.base = sel << 4;
	if (ip > cs.limit)
		return emu_fault_e(e, X86_TRAP_GP, 0);
	emu_go_far(e, &cs, ip);
	emu_add_reg(e, LODGE_RSP, width, pop);
	return EMU_OK;
}

int emu_do_ret_far(struct lodge_emu *e)
{
	unsigned int above = 2 * e->insn->size + e->insn->imm;
	u64 word[2];
	int r;

	r = read_words(e, 0, word, 2);
	if (r)
		return r;
	if (!emu_has_descriptors(e))
		return go_real(e, word[1], word[0], above);
	return return_to(e, word[1], word[0], above, false);
}

/* --- IRET --- */

/* From level 0 to virtual-8086 mode: nine words, of which three are above. */
static int iret_to_vm86(struct lodge_emu *e, const u64 *word)
{
	static const u8 segs[] = { SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	u64 above[6];
	int r, i;

	r = read_words(e, 12, above, 6);
	if (r)
		return r;
	if (word[0] > U16_MAX)
		return emu_fault_e(e, X86_TRAP_GP, 0);
	emu_load_flags(e, word[2], 4, EMU_ALL_FLAGS);
	emu_vm86_segment(e, SEG_CS, word[1]);
	for (i = 0; i < ARRAY_SIZE(segs); i++)
		emu_vm86_segment(e, segs[i], above[i + 1]);
	lodge_set_reg(e->vcpu, LODGE_RSP, (u32)above[0]);
	e->next_rip = word[0];
	return EMU_OK;
}

static int iret_protected(struct lodge_emu *e)
{
	u8 size = e->insn->size;
	unsigned int cpl = emu_cpl(e);
	unsigned long mask = emu_flags_mask(e);
	u64 word[3];
	int r;

	if (lodge_rflags(e->vcpu) & X86_EFLAGS_NT)
		return lodge_is_long_mode(e->vcpu) ? emu_fault_e(e, X86_TRAP_GP, 0) :
						     emu_task_return(e);
	r = read_words(e, 0, word, 3);
	if (r)
		return r;
	if ((word[2] & X86_EFLAGS_VM) && size == 4 && !cpl && !lodge_is_long_mode(e->vcpu))
		return iret_to_vm86(e, word);
	if (!cpl)
		mask |= X86_EFLAGS_VIF | X86_EFLAGS_VIP;
	r = return_to(e, word[1], word[0], 3 * size, e->insn->mode == 8);
	if (!r)
		emu_load_flags(e, word[2], size, mask);
	return r;
}

/* Real mode, and virtual-8086 mode. */
static int iret_real(struct lodge_emu *e)
{
	unsigned long rip, rsp;
	struct kvm_segment cs;
	u64 word[3];
	int r;

	r = read_words(e, 0, word, 3);
	if (r)
		return r;
	lodge_be(get_segment)(e->vcpu, &cs, LODGE_SEG_CS);
	rip = e->next_rip;
	rsp = lodge_reg(e->vcpu, LODGE_RSP);
	r = go_real(e, word[1], word[0], 3 * e->insn->size);
	if (!r)
		r = emu_load_flags_checked(e, word[2]);
	if (r) {
		/* The flags are refused: nothing has happened. */
		emu_go_far(e, &cs, rip);
		lodge_set_reg(e->vcpu, LODGE_RSP, rsp);
	}
	return r;
}

int emu_do_iret(struct lodge_emu *e)
{
	int r = emu_has_descriptors(e) ? iret_protected(e) : iret_real(e);

	if (!r)
		lodge_be(set_nmi_mask)(e->vcpu, false);
	return r;
}
