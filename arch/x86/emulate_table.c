// SPDX-License-Identifier: GPL-2.0
/*
 * The registers of descriptor tables: GDTR, IDTR, LDTR and TR (SDM vol. 2, LGDT/LIDT,
 * SGDT, SIDT, LLDT, SLDT, LTR, STR).
 */
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

/* With CR4.UMIP what these store is the kernel's alone. */
static bool may_store(struct lodge_emu *e)
{
	return !(lodge_cr4(e->vcpu) & X86_CR4_UMIP) || !emu_cpl(e);
}

static int load_table(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long at = emu_address(e);
	struct kvm_dtable table = {};
	u64 base = 0;
	u16 limit;
	int r;

	if (emu_cpl(e))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = emu_read(e, i->seg, at, &limit, sizeof(limit));
	if (!r)
		r = emu_read(e, i->seg, emu_wrap(e, at + 2), &base, i->mode == 8 ? 8 : 4);
	if (r)
		return r;
	if (i->mode == 8 && !emu_canonical(e->vcpu, base))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	/* With 16-bit operands a base has 24 bits (SDM vol. 2, LGDT/LIDT). */
	table.base = i->size == 2 && i->mode != 8 ? base & 0xffffff : base;
	table.limit = limit;
	if (i->op == OP_LGDT)
		lodge_be(set_gdt)(e->vcpu, &table);
	else
		lodge_be(set_idt)(e->vcpu, &table);
	return EMU_OK;
}

static int store_table(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long at = emu_address(e);
	struct kvm_dtable table;
	int r;

	if (!may_store(e))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	if (i->op == OP_SGDT)
		lodge_be(get_gdt)(e->vcpu, &table);
	else
		lodge_be(get_idt)(e->vcpu, &table);
	r = emu_write(e, i->seg, at, &table.limit, sizeof(table.limit));
	return r ?: emu_write(e, i->seg, emu_wrap(e, at + 2), &table.base, i->mode == 8 ? 8 : 4);
}

/* Memory gets 16 bits, a register as many as it has. */
static int store_selector(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u16 sel = emu_selector(e, i->op == OP_SLDT ? LODGE_SEG_LDTR : LODGE_SEG_TR);

	if (!may_store(e))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	if (i->mem)
		return emu_write(e, i->seg, emu_address(e), &sel, sizeof(sel));
	emu_set_reg(e, i->rm, i->size, sel);
	return EMU_OK;
}

static int load_task_register(struct lodge_emu *e, u16 sel)
{
	struct kvm_segment s;
	struct emu_desc d;
	int r;

	if (!(sel & ~3))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	if (sel & 4)
		return emu_selector_fault(e, X86_TRAP_GP, sel);
	r = emu_read_desc(e, sel, X86_TRAP_GP, &d);
	if (!r)
		r = emu_read_desc_high(e, X86_TRAP_GP, &d);
	if (r)
		return r;
	emu_unpack_desc(&s, &d);
	if (s.s || (s.type & ~8) != EMU_DESC_TSS16 ||
	    (s.type != DESC_TSS && lodge_is_long_mode(e->vcpu)))
		return emu_selector_fault(e, X86_TRAP_GP, sel);
	if (!s.present)
		return emu_selector_fault(e, X86_TRAP_NP, sel);
	s.type |= 2;
	r = emu_write_desc_type(e, &d, s.type);
	if (!r)
		lodge_be(set_segment)(e->vcpu, &s, LODGE_SEG_TR);
	return r;
}

static int load_selector(struct lodge_emu *e)
{
	u64 sel;
	int r;

	if (emu_cpl(e))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = emu_read_operand(e, OPND_RM16, &sel);
	if (r)
		return r;
	return e->insn->op == OP_LLDT ? emu_load_ldt(e, sel, X86_TRAP_GP) :
					load_task_register(e, sel);
}

int emu_do_table(struct lodge_emu *e)
{
	switch (e->insn->op) {
	case OP_LGDT:
	case OP_LIDT:
		return load_table(e);
	case OP_SGDT:
	case OP_SIDT:
		return store_table(e);
	}
	/* These are of protected mode alone. */
	if (!emu_has_descriptors(e))
		return emu_fault(e, X86_TRAP_UD);
	switch (e->insn->op) {
	case OP_SLDT:
	case OP_STR:
		return store_selector(e);
	default:
		return load_selector(e);
	}
}
