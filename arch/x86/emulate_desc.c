// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors in the guest's GDT and LDT: how they are read and written, and the
 * instructions that only look at one: LAR, LSL, VERR and VERW (SDM vol. 3, Segment
 * Descriptors; APM vol. 2, Descriptors).
 */
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

int emu_selector_fault(struct lodge_emu *e, u8 vector, u16 sel)
{
	return emu_fault_e(e, vector, (sel & ~3) | e->ext);
}

/* Where @len bytes of the descriptor that @sel chooses are; false: in no table. */
static bool find(struct lodge_emu *e, u16 sel, unsigned int len, gva_t *at)
{
	struct kvm_segment ldt;
	struct kvm_dtable gdt;
	u64 base, limit;

	if (sel & 4) {
		lodge_be(get_segment)(e->vcpu, &ldt, LODGE_SEG_LDTR);
		if (ldt.unusable || !ldt.present)
			return false;
		base = ldt.base;
		limit = ldt.limit;
	} else {
		lodge_be(get_gdt)(e->vcpu, &gdt);
		base = gdt.base;
		limit = gdt.limit;
	}
	*at = base + (sel & ~7);
	if (!lodge_is_long_mode(e->vcpu))
		*at = (u32)*at;
	return (sel & ~7) + len - 1 <= limit;
}

int emu_read_desc(struct lodge_emu *e, u16 sel, u8 vector, struct emu_desc *d)
{
	d->sel = sel;
	d->high = 0;
	if (!find(e, sel, sizeof(d->low), &d->at))
		return emu_selector_fault(e, vector, sel);
	return emu_read_system(e, d->at, &d->low, sizeof(d->low));
}

int emu_read_desc_high(struct lodge_emu *e, u8 vector, struct emu_desc *d)
{
	gva_t at;
	int r;

	if (!lodge_is_long_mode(e->vcpu))
		return EMU_OK;
	if (!find(e, d->sel, 16, &at))
		return emu_selector_fault(e, vector, d->sel);
	r = emu_read_system(e, at + 8, &d->high, sizeof(d->high));
	/* The type of the upper half must be none (APM vol. 2, System Descriptors). */
	if (!r && (d->high >> 40 & 31))
		return emu_selector_fault(e, vector, d->sel);
	return r;
}

void emu_unpack_desc(struct kvm_segment *s, const struct emu_desc *d)
{
	u64 low = d->low;
	u32 limit = (low & 0xffff) | ((low >> 32) & 0xf0000);

	*s = (struct kvm_segment) {
		.selector = d->sel,
		.base = ((low >> 16) & 0xffffff) | ((low >> 32) & 0xff000000) | d->high << 32,
		.type = (low >> 40) & 15,
		.s = (low >> 44) & 1,
		.dpl = (low >> 45) & 3,
		.present = (low >> 47) & 1,
		.avl = (low >> 52) & 1,
		.l = (low >> 53) & 1,
		.db = (low >> 54) & 1,
		.g = (low >> 55) & 1,
	};
	s->limit = s->g ? limit << 12 | 0xfff : limit;
}

/* The byte with the type: its low bit is "accessed", its second of a TSS "busy". */
int emu_write_desc_type(struct lodge_emu *e, struct emu_desc *d, u8 type)
{
	u8 byte = (d->low >> 40 & 0xf0) | type;

	if (byte == (u8)(d->low >> 40))
		return EMU_OK;
	d->low = (d->low & ~(0xffull << 40)) | (u64)byte << 40;
	return emu_write_system(e, d->at + 5, &byte, sizeof(byte));
}

int emu_mark_accessed(struct lodge_emu *e, struct emu_desc *d, struct kvm_segment *s)
{
	s->type |= 1;
	return emu_write_desc_type(e, d, s->type);
}

/* --- LAR, LSL, VERR, VERW --- */

/* System descriptors that LAR and LSL know, by type (SDM vol. 2, LAR and LSL). */
#define LAR_LEGACY	(BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(9) | BIT(11) | BIT(12))
#define LAR_LONG	(BIT(2) | BIT(9) | BIT(11) | BIT(12))
#define LSL_LEGACY	(BIT(1) | BIT(2) | BIT(3) | BIT(9) | BIT(11))
#define LSL_LONG	(BIT(2) | BIT(9) | BIT(11))

static bool is_conforming(const struct kvm_segment *s)
{
	return (s->type & 12) == 12;
}

static bool visible(struct lodge_emu *e, const struct kvm_segment *s, u16 sel)
{
	bool system_ok;
	unsigned long types;

	if (s->s) {
		if (e->insn->op == OP_VERR && (s->type & 10) == 8)
			return false;
		if (e->insn->op == OP_VERW && (s->type & 10) != 2)
			return false;
	} else {
		if (lodge_is_long_mode(e->vcpu))
			types = e->insn->op == OP_LAR ? LAR_LONG : LSL_LONG;
		else
			types = e->insn->op == OP_LAR ? LAR_LEGACY : LSL_LEGACY;
		system_ok = e->insn->op == OP_LAR || e->insn->op == OP_LSL;
		if (!system_ok || !(types & BIT(s->type)))
			return false;
	}
	if (s->s && is_conforming(s))
		return true;
	return s->dpl >= emu_cpl(e) && s->dpl >= (sel & 3);
}

/* Whether @sel may be looked at: EMU_OK with the answer in @ok. */
static int look_up(struct lodge_emu *e, u16 sel, struct emu_desc *d, struct kvm_segment *s,
		   bool *ok)
{
	int r;

	*ok = (sel & ~3) && find(e, sel, 8, &d->at);
	if (!*ok)
		return EMU_OK;
	d->sel = sel;
	d->high = 0;
	r = emu_read_system(e, d->at, &d->low, sizeof(d->low));
	if (r)
		return r;
	emu_unpack_desc(s, d);
	*ok = visible(e, s, sel);
	return EMU_OK;
}

int emu_do_look(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long flags = lodge_rflags(e->vcpu);
	struct kvm_segment s;
	struct emu_desc d;
	u64 sel;
	bool ok;
	int r;

	if (!lodge_is_protmode(e->vcpu) || emu_in_vm86(e))
		return emu_fault(e, X86_TRAP_UD);
	r = emu_read_operand(e, OPND_RM16, &sel);
	if (!r)
		r = look_up(e, sel, &d, &s, &ok);
	if (r)
		return r;
	lodge_set_rflags(e->vcpu, ok ? flags | X86_EFLAGS_ZF : flags & ~X86_EFLAGS_ZF);
	if (ok && i->op == OP_LAR)
		emu_set_reg(e, i->reg, i->size, d.low >> 32 & 0x00ffff00);
	else if (ok && i->op == OP_LSL)
		emu_set_reg(e, i->reg, i->size, s.limit);
	return EMU_OK;
}
