// SPDX-License-Identifier: GPL-2.0
/*
 * Events by software: INT n, INT3 and INTO, and in real mode, for a CPU that runs it by
 * other means, any (SDM vol. 3, Interrupt and Exception Handling).
 */
#include <asm/trapnr.h>

#include "emu.h"
#include "emulate.h"
#include "memslot.h"
#include "regs_inline.h"

/* --- delivery in real mode --- */

/* Three words, each pushed for itself: the stack pointer wraps between two. */
static int push_frame(struct lodge_vcpu *vcpu, const u16 frame[3])
{
	unsigned long rsp = lodge_reg(vcpu, LODGE_RSP), mask, sp;
	struct kvm_segment ss;
	int i;

	lodge_be(get_segment)(vcpu, &ss, LODGE_SEG_SS);
	mask = ss.db ? U32_MAX : U16_MAX;
	sp = rsp;
	for (i = 0; i < 3; i++) {
		sp = (sp - 2) & mask;
		/* A word across the end of the segment is #SS: it cannot be delivered either. */
		if (sp + 1 > ss.limit)
			return -EFAULT;
		if (lodge_write_guest(vcpu->vm, (u32)(ss.base + sp), &frame[i], sizeof(frame[i])))
			return -EFAULT;
	}
	lodge_set_reg(vcpu, LODGE_RSP, (rsp & ~mask) | sp);
	return 0;
}

int lodge_real_mode_interrupt(struct lodge_vcpu *vcpu, u8 vector, u16 ip)
{
	unsigned long flags = lodge_rflags(vcpu);
	struct kvm_segment cs;
	struct kvm_dtable idt;
	u16 entry[2], frame[3];

	lodge_be(get_idt)(vcpu, &idt);
	if (vector * sizeof(entry) + sizeof(entry) - 1 > idt.limit)
		return -EINVAL;
	if (lodge_read_guest(vcpu->vm, (u32)(idt.base + vector * sizeof(entry)), entry,
			     sizeof(entry)))
		return -EFAULT;
	lodge_be(get_segment)(vcpu, &cs, LODGE_SEG_CS);
	frame[0] = flags;
	frame[1] = cs.selector;
	frame[2] = ip;
	if (push_frame(vcpu, frame))
		return -EFAULT;

	cs.selector = entry[1];
	cs.base = cs.selector << 4;
	lodge_be(set_segment)(vcpu, &cs, LODGE_SEG_CS);
	lodge_set_reg(vcpu, LODGE_RIP, entry[0]);
	lodge_set_rflags(vcpu, flags & ~(X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_AC |
					 X86_EFLAGS_RF));
	lodge_be(set_interrupt_shadow)(vcpu, 0);
	return 0;
}

static int int_real(struct lodge_emu *e, u8 vector)
{
	switch (lodge_real_mode_interrupt(e->vcpu, vector, e->next_rip)) {
	case 0:
		e->next_rip = lodge_rip(e->vcpu);
		return EMU_OK;
	case -EINVAL:
		return emu_fault_e(e, X86_TRAP_GP, 0);
	default:
		return EMU_UNKNOWN;
	}
}

/* --- the same in protected mode --- */

struct int_gate {
	u16 sel;
	u64 offset;
	u8 type, ist;
	u8 size;		/* of a word of the frame */
	u16 error;		/* which names it, of its faults */
};

#define IDT_ERROR	BIT(1)	/* an error code's: the index is of the IDT */

static int read_gate(struct lodge_emu *e, u8 vector, struct int_gate *g)
{
	bool long_mode = lodge_is_long_mode(e->vcpu);
	unsigned int len = long_mode ? 16 : 8;
	struct kvm_dtable idt;
	u64 entry[2] = { };
	int r;

	g->error = vector << 3 | IDT_ERROR;
	lodge_be(get_idt)(e->vcpu, &idt);
	if (vector * len + len - 1 > idt.limit)
		return emu_fault_e(e, X86_TRAP_GP, g->error);
	r = emu_read_system(e, idt.base + vector * len, entry, len);
	if (r)
		return r;
	g->sel = entry[0] >> 16;
	g->offset = (entry[0] & 0xffff) | (entry[0] >> 32 & 0xffff0000) | entry[1] << 32;
	g->type = entry[0] >> 40 & 31;
	g->ist = long_mode ? entry[0] >> 32 & 7 : 0;
	g->size = long_mode ? 8 : g->type & 8 ? 4 : 2;
	if (g->size == 2)
		g->offset = (u16)g->offset;
	/* 64-bit interrupt and trap gates have the types of 32-bit ones. */
	if ((g->type & ~9) != 6 && (long_mode || g->type != GATE_TASK))
		return emu_fault_e(e, X86_TRAP_GP, g->error);
	if (long_mode && !(g->type & 8))
		return emu_fault_e(e, X86_TRAP_GP, g->error);
	if ((entry[0] >> 45 & 3) < emu_cpl(e))
		return emu_fault_e(e, X86_TRAP_GP, g->error);
	if (!(entry[0] >> 47 & 1))
		return emu_fault_e(e, X86_TRAP_NP, g->error);
	return EMU_OK;
}

/* The handler's segment, of this level or an inner one; its selector gets the level. */
static int handler_segment(struct lodge_emu *e, const struct int_gate *g, struct kvm_segment *cs)
{
	unsigned int cpl = emu_cpl(e);
	struct emu_desc d;
	int r;

	if (!(g->sel & ~3))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = emu_read_desc(e, g->sel, X86_TRAP_GP, &d);
	if (r)
		return r;
	emu_unpack_desc(cs, &d);
	if (!cs->s || !(cs->type & 8) || cs->dpl > cpl)
		return emu_selector_fault(e, X86_TRAP_GP, g->sel);
	if (lodge_is_long_mode(e->vcpu) && (!cs->l || cs->db))
		return emu_selector_fault(e, X86_TRAP_GP, g->sel);
	if (!cs->present)
		return emu_selector_fault(e, X86_TRAP_NP, g->sel);
	if (!(cs->type & 4) && cs->dpl < cpl)
		cpl = cs->dpl;
	/* Virtual-8086 mode is left to level 0 alone. */
	if (emu_in_vm86(e) && cpl)
		return emu_selector_fault(e, X86_TRAP_GP, g->sel);
	cs->selector = (g->sel & ~3) | cpl;
	return emu_mark_accessed(e, &d, cs);
}

static int choose_stack(struct lodge_emu *e, const struct int_gate *g, unsigned int cpl,
			struct emu_frame *f)
{
	int r = EMU_OK;

	if (cpl < emu_cpl(e) || g->ist)
		r = emu_inner_stack(e, f, cpl, g->ist);
	else
		emu_same_stack(e, f);
	if (!r && lodge_is_long_mode(e->vcpu))
		f->sp &= ~15ul;
	f->size = g->size;
	return r;
}

static void push_outer(struct lodge_emu *e, struct emu_frame *f)
{
	if (emu_in_vm86(e)) {
		emu_frame_push(f, emu_selector(e, SEG_GS));
		emu_frame_push(f, emu_selector(e, SEG_FS));
		emu_frame_push(f, emu_selector(e, SEG_DS));
		emu_frame_push(f, emu_selector(e, SEG_ES));
	}
	emu_frame_push(f, emu_selector(e, SEG_SS));
	emu_frame_push(f, lodge_reg(e->vcpu, LODGE_RSP));
}

/* The handler is in protected mode: they mean nothing there. */
static void drop_vm86_segments(struct lodge_emu *e)
{
	static const u8 segs[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	struct kvm_segment s;
	int i;

	emu_null_segment(&s, 0, 0);
	for (i = 0; i < ARRAY_SIZE(segs); i++)
		lodge_be(set_segment)(e->vcpu, &s, segs[i]);
}

static int int_protected(struct lodge_emu *e, u8 vector)
{
	unsigned long flags = lodge_rflags(e->vcpu);
	struct kvm_segment cs;
	struct int_gate g;
	struct emu_frame f;
	unsigned int cpl;
	int r;

	r = read_gate(e, vector, &g);
	if (r)
		return r;
	if (g.type == GATE_TASK)
		return emu_task_by_gate(e, g.sel);
	r = handler_segment(e, &g, &cs);
	if (r)
		return r;
	cpl = cs.selector & 3;
	r = choose_stack(e, &g, cpl, &f);
	if (r)
		return r;
	if (lodge_is_long_mode(e->vcpu) || cpl < emu_cpl(e))
		push_outer(e, &f);
	emu_frame_push(&f, flags);
	emu_frame_push(&f, emu_selector(e, SEG_CS));
	emu_frame_push(&f, e->next_rip);
	r = emu_check_target(e, &cs, g.offset);
	if (!r)
		r = emu_frame_write(e, &f);
	if (r)
		return r;
	if (flags & X86_EFLAGS_VM)
		drop_vm86_segments(e);
	emu_frame_load(e, &f);
	emu_go_far(e, &cs, g.offset);
	flags &= ~(X86_EFLAGS_TF | X86_EFLAGS_VM | X86_EFLAGS_RF | X86_EFLAGS_NT);
	/* An interrupt gate's type is even, a trap gate's odd. */
	lodge_set_rflags(e->vcpu, g.type & 1 ? flags : flags & ~X86_EFLAGS_IF);
	return EMU_OK;
}

int emu_do_int(struct lodge_emu *e)
{
	u8 vector = e->insn->imm;
	int r;

	if (e->insn->opcode == 0xcc) {
		vector = X86_TRAP_BP;
	} else if (e->insn->opcode == 0xce) {
		vector = X86_TRAP_OF;
		if (!(lodge_rflags(e->vcpu) & X86_EFLAGS_OF))
			return EMU_OK;
	}
	if (!lodge_is_protmode(e->vcpu)) {
		r = int_real(e, vector);
	} else if (emu_in_vm86(e) && e->insn->opcode == 0xcd && emu_iopl(e) < 3) {
		/* With VME the TSS has a map of those that go to the 8086's own vectors. */
		r = lodge_cr4(e->vcpu) & X86_CR4_VME ? EMU_UNKNOWN : emu_fault_e(e, X86_TRAP_GP, 0);
	} else {
		r = int_protected(e, vector);
	}
	/* TF is cleared before the handler's first instruction: there is no trap behind it. */
	if (!r)
		e->tf = false;
	return r;
}
