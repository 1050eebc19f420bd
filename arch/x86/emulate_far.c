// SPDX-License-Identifier: GPL-2.0
/*
 * Far JMP and CALL: to a code segment, through a call gate, to a task (SDM vol. 3, Privilege
 * Level Checking when Transferring Program Control Between Code Segments; vol. 2, JMP and
 * CALL).
 */
#include <linux/mm.h>
#include <asm/trapnr.h>

#include "cpuid.h"
#include "emu.h"
#include "regs_inline.h"

static bool conforming(const struct kvm_segment *s)
{
	return s->type & 4;
}

int emu_check_target(struct lodge_emu *e, const struct kvm_segment *cs, unsigned long offset)
{
	bool ok = lodge_is_long_mode(e->vcpu) && cs->l ? emu_canonical(e->vcpu, offset) :
							 offset <= cs->limit;

	return ok ? EMU_OK : emu_fault_e(e, X86_TRAP_GP, e->ext);
}

void emu_go_far(struct lodge_emu *e, const struct kvm_segment *cs, unsigned long offset)
{
	lodge_be(set_segment)(e->vcpu, cs, LODGE_SEG_CS);
	e->next_rip = offset;
}

int emu_read_far_pointer(struct lodge_emu *e, u16 *sel, u64 *offset)
{
	const struct lodge_insn *i = e->insn;
	unsigned long at = emu_address(e);
	u8 size = i->size;
	int r;

	/* AMD's CPUs have no pointer of 64 bits (APM vol. 3, LFS; JMP (Far)). */
	if (lodge_host_is_amd())
		size = min_t(u8, size, 4);
	*offset = 0;
	r = emu_read(e, i->seg, at, offset, size);
	return r ?: emu_read(e, i->seg, emu_wrap(e, at + size), sel, sizeof(*sel));
}

/* --- a code segment named by the instruction --- */

static int direct(struct lodge_emu *e, struct emu_desc *d, struct kvm_segment *cs)
{
	unsigned int cpl = emu_cpl(e), rpl = d->sel & 3;

	if (!(cs->type & 8))
		return emu_selector_fault(e, X86_TRAP_GP, d->sel);
	if (conforming(cs) ? cs->dpl > cpl : rpl > cpl || cs->dpl != cpl)
		return emu_selector_fault(e, X86_TRAP_GP, d->sel);
	if (lodge_is_long_mode(e->vcpu) && cs->l && cs->db)
		return emu_selector_fault(e, X86_TRAP_GP, d->sel);
	if (!cs->present)
		return emu_selector_fault(e, X86_TRAP_NP, d->sel);
	cs->selector = (d->sel & ~3) | cpl;
	return emu_mark_accessed(e, d, cs);
}

/* CS and the return address: nothing is changed before both are written. */
static int push_return(struct lodge_emu *e, u8 size)
{
	u64 cs = emu_selector(e, SEG_CS), ip = e->next_rip;
	u8 width = emu_stack_width(e);
	int r;

	r = emu_write(e, SEG_SS, emu_stack_offset(e, width, -size), &cs, size);
	if (!r)
		r = emu_write(e, SEG_SS, emu_stack_offset(e, width, -2 * size), &ip, size);
	if (!r)
		emu_add_reg(e, LODGE_RSP, width, -2 * size);
	return r;
}

static int branch(struct lodge_emu *e, const struct kvm_segment *cs, unsigned long offset, u8 size)
{
	int r = emu_check_target(e, cs, offset);

	if (!r && e->insn->op == OP_CALL_FAR)
		r = push_return(e, size);
	if (!r)
		emu_go_far(e, cs, offset);
	return r;
}

/* --- call gates --- */

struct gate {
	u16 sel;
	u64 offset;
	u8 size;		/* of what is pushed: 2, 4 or 8 */
	u8 params;
};

/* SDM vol. 3, Call Gates; IA-32e Mode Call Gates. */
static int read_gate(struct lodge_emu *e, struct emu_desc *d, const struct kvm_segment *s,
		     struct gate *g)
{
	int r;

	if (s->dpl < emu_cpl(e) || s->dpl < (d->sel & 3))
		return emu_selector_fault(e, X86_TRAP_GP, d->sel);
	r = emu_read_desc_high(e, X86_TRAP_GP, d);
	if (r)
		return r;
	if (!s->present)
		return emu_selector_fault(e, X86_TRAP_NP, d->sel);
	g->sel = d->low >> 16;
	g->offset = (d->low & 0xffff) | (d->low >> 32 & 0xffff0000);
	g->size = s->type & 8 ? 4 : 2;
	g->params = d->low >> 32 & 31;
	if (lodge_is_long_mode(e->vcpu)) {
		g->offset |= d->high << 32;
		g->size = 8;
		g->params = 0;
	} else if (g->size == 2) {
		g->offset = (u16)g->offset;
	}
	return EMU_OK;
}

static int gate_target(struct lodge_emu *e, const struct gate *g, struct emu_desc *d,
		       struct kvm_segment *cs)
{
	unsigned int cpl = emu_cpl(e);
	bool same = e->insn->op == OP_JMP_FAR;
	int r;

	if (!(g->sel & ~3))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = emu_read_desc(e, g->sel, X86_TRAP_GP, d);
	if (r)
		return r;
	emu_unpack_desc(cs, d);
	if (!cs->s || !(cs->type & 8) || cs->dpl > cpl ||
	    (same && !conforming(cs) && cs->dpl != cpl))
		return emu_selector_fault(e, X86_TRAP_GP, g->sel);
	if (lodge_is_long_mode(e->vcpu) && (!cs->l || cs->db))
		return emu_selector_fault(e, X86_TRAP_GP, g->sel);
	if (!cs->present)
		return emu_selector_fault(e, X86_TRAP_NP, g->sel);
	return EMU_OK;
}

/* To an inner level: its stack, with the outer one's pointer and parameters. */
static int call_inner(struct lodge_emu *e, const struct gate *g, struct emu_desc *d,
		      struct kvm_segment *cs)
{
	u8 width = emu_stack_width(e);
	struct emu_frame f;
	u64 params[31] = { };
	int r, i;

	for (i = 0, r = EMU_OK; !r && i < g->params; i++)
		r = emu_read(e, SEG_SS, emu_stack_offset(e, width, i * g->size), &params[i],
			     g->size);
	if (!r)
		r = emu_inner_stack(e, &f, cs->dpl, 0);
	if (r)
		return r;
	f.size = g->size;
	emu_frame_push(&f, emu_selector(e, SEG_SS));
	emu_frame_push(&f, lodge_reg(e->vcpu, LODGE_RSP));
	for (i = g->params; i > 0; i--)
		emu_frame_push(&f, params[i - 1]);
	emu_frame_push(&f, emu_selector(e, SEG_CS));
	emu_frame_push(&f, e->next_rip);
	cs->selector = (g->sel & ~3) | cs->dpl;
	r = emu_check_target(e, cs, g->offset);
	if (!r)
		r = emu_mark_accessed(e, d, cs);
	if (!r)
		r = emu_frame_write(e, &f);
	if (r)
		return r;
	emu_frame_load(e, &f);
	emu_go_far(e, cs, g->offset);
	return EMU_OK;
}

static int through_gate(struct lodge_emu *e, struct emu_desc *d, const struct kvm_segment *s)
{
	struct kvm_segment cs;
	struct emu_desc code;
	struct gate g;
	int r;

	r = read_gate(e, d, s, &g);
	if (!r)
		r = gate_target(e, &g, &code, &cs);
	if (r)
		return r;
	if (!conforming(&cs) && cs.dpl < emu_cpl(e))
		return call_inner(e, &g, &code, &cs);
	cs.selector = (g.sel & ~3) | emu_cpl(e);
	r = emu_mark_accessed(e, &code, &cs);
	return r ?: branch(e, &cs, g.offset, g.size);
}

/* --- what the selector names --- */

static int far_protected(struct lodge_emu *e, u16 sel, u64 offset)
{
	struct kvm_segment s;
	struct emu_desc d;
	int r;

	if (!(sel & ~3))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = emu_read_desc(e, sel, X86_TRAP_GP, &d);
	if (r)
		return r;
	emu_unpack_desc(&s, &d);
	if (s.s) {
		r = direct(e, &d, &s);
		return r ?: branch(e, &s, offset, e->insn->size);
	}
	if (s.type == GATE_CALL || (s.type == EMU_GATE_CALL16 && !lodge_is_long_mode(e->vcpu)))
		return through_gate(e, &d, &s);
	if (!lodge_is_long_mode(e->vcpu) &&
	    (s.type == GATE_TASK || s.type == EMU_DESC_TSS16 || s.type == DESC_TSS))
		return emu_task_by_branch(e, &d, &s);
	return emu_selector_fault(e, X86_TRAP_GP, sel);
}

int emu_do_far(struct lodge_emu *e)
{
	struct kvm_segment cs;
	u64 offset;
	u16 sel;
	int r;

	if (e->insn->src == OPND_IMM) {
		sel = e->insn->disp;
		offset = e->insn->imm;
	} else {
		r = emu_read_far_pointer(e, &sel, &offset);
		if (r)
			return r;
	}
	if (emu_has_descriptors(e))
		return far_protected(e, sel, offset);
	lodge_be(get_segment)(e->vcpu, &cs, LODGE_SEG_CS);
	cs.selector = sel;
	cs.base = sel << 4;
	return branch(e, &cs, offset, e->insn->size);
}
