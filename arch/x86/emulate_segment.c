// SPDX-License-Identifier: GPL-2.0
/*
 * Segment registers and what loads them: MOV, PUSH and POP, far branches, LGDT and
 * LIDT (SDM vol. 3, Segment Descriptors; vol. 2, MOV, JMP, CALL, RET).
 *
 * In real mode a load changes selector and base, and leaves limit and attributes as
 * they are, which is how "big real mode" stays big.  In protected mode it reads a
 * descriptor.  What needs more than a segment of the same privilege (gates, tasks,
 * returns to an outer level) and 64-bit mode are unknown here.
 */
#include <asm/trapnr.h>

#include "emu.h"
#include "mmu/mmu.h"
#include "regs_inline.h"

#define DESC_ACCESSED	BIT_ULL(40)

bool emu_in_vm86(const struct lodge_emu *e)
{
	return lodge_is_protmode(e->vcpu) && (lodge_rflags(e->vcpu) & X86_EFLAGS_VM);
}

static bool can_load(struct lodge_emu *e)
{
	return !lodge_is_long_mode(e->vcpu) && !emu_in_vm86(e);
}

/* --- descriptors --- */

static int selector_fault(struct lodge_emu *e, u8 vector, u16 sel)
{
	return emu_fault_e(e, vector, sel & ~3);
}

/* The 8 bytes that @sel chooses of the GDT or LDT, and where they are. */
static int read_descriptor(struct lodge_emu *e, u16 sel, u64 *desc, gva_t *gva)
{
	struct kvm_dtable gdt;
	struct kvm_segment ldt;
	u64 base, limit;

	if (sel & 4) {
		lodge_be(get_segment)(e->vcpu, &ldt, LODGE_SEG_LDTR);
		if (ldt.unusable || !ldt.present)
			return selector_fault(e, X86_TRAP_GP, sel);
		base = ldt.base;
		limit = ldt.limit;
	} else {
		lodge_be(get_gdt)(e->vcpu, &gdt);
		base = gdt.base;
		limit = gdt.limit;
	}
	if ((sel | 7) > limit)
		return selector_fault(e, X86_TRAP_GP, sel);
	*gva = (u32)(base + (sel & ~7));
	return emu_read_system(e, *gva, desc, sizeof(*desc));
}

/* SDM vol. 3, Segment Descriptors: the figure of the format. */
static void unpack(struct kvm_segment *s, u16 sel, u64 desc)
{
	u32 limit = (desc & 0xffff) | ((desc >> 32) & 0xf0000);

	*s = (struct kvm_segment) {
		.selector = sel,
		.base = ((desc >> 16) & 0xffffff) | ((desc >> 32) & 0xff000000),
		.type = (desc >> 40) & 15,
		.s = (desc >> 44) & 1,
		.dpl = (desc >> 45) & 3,
		.present = (desc >> 47) & 1,
		.avl = (desc >> 52) & 1,
		.l = (desc >> 53) & 1,
		.db = (desc >> 54) & 1,
		.g = (desc >> 55) & 1,
	};
	s->limit = s->g ? limit << 12 | 0xfff : limit;
}

static int mark_accessed(struct lodge_emu *e, struct kvm_segment *s, u64 desc, gva_t gva)
{
	struct lodge_walk walk;
	int r;

	s->type |= 1;
	if (desc & DESC_ACCESSED)
		return EMU_OK;
	desc |= DESC_ACCESSED;
	r = lodge_write_gva(e->vcpu, gva + 5, (u8 *)&desc + 5, 1, PFERR_WRITE, &walk);
	if (r == -EFAULT) {
		lodge_queue_page_fault(e->vcpu, walk.addr, walk.error_code);
		return EMU_FAULT;
	}
	return r ? EMU_UNKNOWN : EMU_OK;
}

/* SDM vol. 2, MOV, "Loading a segment register": SS, which must be of the CPL itself. */
static bool ss_allowed(const struct kvm_segment *s, unsigned int rpl, unsigned int cpl)
{
	return s->s && (s->type & 0xa) == 2 && rpl == cpl && s->dpl == cpl;
}

/* The same of the others: data, or code that can be read, and privilege unless conforming. */
static bool data_allowed(const struct kvm_segment *s, unsigned int rpl, unsigned int cpl)
{
	if (!s->s || (s->type & 0xa) == 8)
		return false;
	return (s->type & 0xc) == 0xc || (rpl <= s->dpl && cpl <= s->dpl);
}

static int load_protected(struct lodge_emu *e, u8 seg, u16 sel)
{
	unsigned int cpl = emu_cpl(e);
	struct kvm_segment s;
	gva_t gva;
	u64 desc;
	int r;

	if (!(sel & ~3)) {
		if (seg == SEG_SS)
			return emu_fault_e(e, X86_TRAP_GP, 0);
		s = (struct kvm_segment) { .selector = sel, .unusable = 1 };
		lodge_be(set_segment)(e->vcpu, &s, seg);
		return EMU_OK;
	}
	r = read_descriptor(e, sel, &desc, &gva);
	if (r)
		return r;
	unpack(&s, sel, desc);
	if (!(seg == SEG_SS ? ss_allowed : data_allowed)(&s, sel & 3, cpl))
		return selector_fault(e, X86_TRAP_GP, sel);
	if (!s.present)
		return selector_fault(e, seg == SEG_SS ? X86_TRAP_SS : X86_TRAP_NP, sel);
	r = mark_accessed(e, &s, desc, gva);
	if (!r)
		lodge_be(set_segment)(e->vcpu, &s, seg);
	return r;
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
	if (lodge_is_protmode(e->vcpu))
		return load_protected(e, seg, sel);
	load_real(e, seg, sel);
	return EMU_OK;
}

/* --- MOV, PUSH, POP --- */

static u16 selector_of(struct lodge_emu *e, u8 seg)
{
	struct kvm_segment s;

	lodge_be(get_segment)(e->vcpu, &s, seg);
	return s.selector;
}

/* Memory gets 16 bits, a register as many as it has. */
static int store_sreg(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u16 sel = selector_of(e, i->reg);

	if (i->mem)
		return emu_write(e, i->seg, emu_address(e), &sel, sizeof(sel));
	emu_set_reg(e, i->rm, i->size, sel);
	return EMU_OK;
}

static int pop_sreg(struct lodge_emu *e, u8 seg)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	u64 sel = 0;
	int r;

	r = emu_read(e, SEG_SS, emu_stack_offset(e, width, 0), &sel, size);
	if (!r)
		r = load_segment(e, seg, sel);
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
		return store_sreg(e);
	if (i->op == OP_PUSH_SREG)
		return emu_push(e, selector_of(e, seg));
	if (!can_load(e))
		return EMU_UNKNOWN;
	r = i->op == OP_POP_SREG ? pop_sreg(e, seg) : move_to_sreg(e, seg);
	/* SDM vol. 2, MOV: what loads the stack pointer next comes without an interrupt between. */
	if (!r && seg == SEG_SS)
		e->shadow = KVM_X86_SHADOW_INT_MOV_SS;
	return r;
}

/* --- far branches --- */

/* SDM vol. 2, JMP and CALL, far: a code segment of the same privilege. */
static int code_segment(struct lodge_emu *e, u16 sel, bool ret, struct kvm_segment *s)
{
	unsigned int cpl = emu_cpl(e), rpl = sel & 3;
	gva_t gva;
	u64 desc;
	int r;

	if (!(sel & ~3))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = read_descriptor(e, sel, &desc, &gva);
	if (r)
		return r;
	unpack(s, sel, desc);
	/* A gate or a task; or a return to an outer level. */
	if (!s->s || (ret && rpl > cpl))
		return EMU_UNKNOWN;
	if (!(s->type & 8) || (ret && rpl < cpl))
		return selector_fault(e, X86_TRAP_GP, sel);
	if (s->type & 4 ? s->dpl > cpl : rpl > cpl || s->dpl != cpl)
		return selector_fault(e, X86_TRAP_GP, sel);
	if (!s->present)
		return selector_fault(e, X86_TRAP_NP, sel);
	s->selector = (sel & ~3) | cpl;
	return mark_accessed(e, s, desc, gva);
}

/* What CS becomes, in either mode. */
static int far_target(struct lodge_emu *e, u16 sel, unsigned long offset, bool ret,
		      struct kvm_segment *cs)
{
	if (lodge_is_protmode(e->vcpu)) {
		int r = code_segment(e, sel, ret, cs);

		if (r)
			return r;
	} else {
		lodge_be(get_segment)(e->vcpu, cs, LODGE_SEG_CS);
		cs->selector = sel;
		cs->base = sel << 4;
	}
	return offset > cs->limit ? emu_fault_e(e, X86_TRAP_GP, 0) : EMU_OK;
}

static void go_far(struct lodge_emu *e, const struct kvm_segment *cs, unsigned long offset)
{
	lodge_be(set_segment)(e->vcpu, cs, LODGE_SEG_CS);
	e->next_rip = offset;
}

static int read_far_pointer(struct lodge_emu *e, u16 *sel, u64 *offset)
{
	const struct lodge_insn *i = e->insn;
	unsigned long at;
	int r;

	if (i->src == OPND_IMM) {
		*sel = i->disp;
		*offset = i->imm;
		return EMU_OK;
	}
	*offset = 0;
	at = emu_address(e);
	r = emu_read(e, i->seg, at, offset, i->size);
	return r ?: emu_read(e, i->seg, at + i->size, sel, sizeof(*sel));
}

/* CS and the return address: nothing is changed before both are written. */
static int push_return(struct lodge_emu *e)
{
	u64 cs = selector_of(e, SEG_CS), ip = e->next_rip;
	u8 size = e->insn->size, width = emu_stack_width(e);
	int r;

	r = emu_write(e, SEG_SS, emu_stack_offset(e, width, -size), &cs, size);
	if (!r)
		r = emu_write(e, SEG_SS, emu_stack_offset(e, width, -2 * size), &ip, size);
	if (!r)
		emu_add_reg(e, LODGE_RSP, width, -2 * size);
	return r;
}

static int return_far(struct lodge_emu *e)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	struct kvm_segment cs;
	u64 offset = 0, sel = 0;
	int r;

	r = emu_read(e, SEG_SS, emu_stack_offset(e, width, 0), &offset, size);
	if (!r)
		r = emu_read(e, SEG_SS, emu_stack_offset(e, width, size), &sel, size);
	if (!r)
		r = far_target(e, sel, offset, true, &cs);
	if (r)
		return r;
	emu_add_reg(e, LODGE_RSP, width, 2 * size + e->insn->imm);
	go_far(e, &cs, offset);
	return EMU_OK;
}

int emu_do_far(struct lodge_emu *e)
{
	struct kvm_segment cs;
	u64 offset;
	u16 sel;
	int r;

	if (!can_load(e))
		return EMU_UNKNOWN;
	if (e->insn->op == OP_RET_FAR)
		return return_far(e);
	r = read_far_pointer(e, &sel, &offset);
	if (!r)
		r = far_target(e, sel, offset, false, &cs);
	if (!r && e->insn->op == OP_CALL_FAR)
		r = push_return(e);
	if (!r)
		go_far(e, &cs, offset);
	return r;
}

/* --- LGDT, LIDT --- */

int emu_do_load_table(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long at = emu_address(e);
	struct kvm_dtable table = {};
	u64 base = 0;
	u16 limit;
	int r;

	if (i->mode == 8)
		return EMU_UNKNOWN;
	if (emu_cpl(e) || emu_in_vm86(e))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = emu_read(e, i->seg, at, &limit, sizeof(limit));
	if (!r)
		r = emu_read(e, i->seg, at + 2, &base, 4);
	if (r)
		return r;
	/* With 16-bit operands a base has 24 bits (SDM vol. 2, LGDT/LIDT). */
	table.base = i->size == 2 ? base & 0xffffff : base;
	table.limit = limit;
	if (i->op == OP_LGDT)
		lodge_be(set_gdt)(e->vcpu, &table);
	else
		lodge_be(set_idt)(e->vcpu, &table);
	return EMU_OK;
}
