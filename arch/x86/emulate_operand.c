// SPDX-License-Identifier: GPL-2.0
/* Registers of every size, addresses of memory operands, operands of every kind. */
#include "emu.h"
#include "regs_inline.h"

/* Without REX, byte registers 4 to 7 are AH, CH, DH and BH (APM vol. 3, Encoding). */
static bool is_high_byte(const struct lodge_emu *e, u8 reg, u8 size)
{
	return size == 1 && !e->insn->rex && !e->insn->vex && (reg & ~3) == 4;
}

u64 emu_reg(struct lodge_emu *e, u8 reg, u8 size)
{
	unsigned long value;

	if (unlikely(is_high_byte(e, reg, size)))
		return (u8)(lodge_reg(e->vcpu, reg & 3) >> 8);
	value = lodge_reg(e->vcpu, reg);
	switch (size) {
	case 1:
		return (u8)value;
	case 2:
		return (u16)value;
	case 4:
		return (u32)value;
	default:
		return value;
	}
}

static void set_part(struct lodge_vcpu *vcpu, u8 reg, u64 mask, u64 value)
{
	lodge_set_reg(vcpu, reg, (lodge_reg(vcpu, reg) & ~mask) | (value & mask));
}

void emu_set_reg(struct lodge_emu *e, u8 reg, u8 size, u64 value)
{
	if (unlikely(is_high_byte(e, reg, size))) {
		set_part(e->vcpu, reg & 3, 0xff00, value << 8);
		return;
	}
	switch (size) {
	case 1:
		set_part(e->vcpu, reg, 0xff, value);
		break;
	case 2:
		set_part(e->vcpu, reg, 0xffff, value);
		break;
	case 4:
		lodge_set_reg(e->vcpu, reg, (u32)value);
		break;
	default:
		lodge_set_reg(e->vcpu, reg, value);
	}
}

void emu_add_reg(struct lodge_emu *e, u8 reg, u8 size, s64 delta)
{
	unsigned long value = lodge_reg(e->vcpu, reg) + delta;

	if (size == 2)
		set_part(e->vcpu, reg, 0xffff, value);
	else
		lodge_set_reg(e->vcpu, reg, size == 4 ? (u32)value : value);
}

unsigned long emu_wrap(const struct lodge_emu *e, unsigned long offset)
{
	switch (e->insn->addr_size) {
	case 2:
		return (u16)offset;
	case 4:
		return (u32)offset;
	default:
		return offset;
	}
}

unsigned long emu_address(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned long offset = i->disp;

	if (i->rip_rel)
		offset += e->next_rip;
	if (i->base != NO_REG)
		offset += lodge_reg(e->vcpu, i->base);
	if (i->index != NO_REG)
		offset += lodge_reg(e->vcpu, i->index) << i->shift;
	return emu_wrap(e, offset);
}

static int read_rm(struct lodge_emu *e, u8 size, u64 *value)
{
	if (!e->insn->mem) {
		*value = emu_reg(e, e->insn->rm, size);
		return EMU_OK;
	}
	*value = 0;
	return emu_read(e, e->insn->seg, emu_address(e), value, size);
}

int emu_read_target(struct lodge_emu *e, u8 operand, u64 *value)
{
	if (operand != OPND_RM || !e->insn->mem)
		return emu_read_operand(e, operand, value);
	*value = 0;
	return emu_read_modify(e, e->insn->seg, emu_address(e), value, e->insn->size);
}

static u8 opcode_reg(const struct lodge_insn *insn)
{
	return (insn->opcode & 7) | (insn->rex & 1 ? 8 : 0);
}

int emu_read_operand(struct lodge_emu *e, u8 operand, u64 *value)
{
	const struct lodge_insn *i = e->insn;

	switch (operand) {
	case OPND_RM:
		return read_rm(e, i->size, value);
	case OPND_RM8:
		return read_rm(e, 1, value);
	case OPND_RM16:
		return read_rm(e, 2, value);
	case OPND_RM32:
		return read_rm(e, 4, value);
	case OPND_REG:
		*value = emu_reg(e, i->reg, i->size);
		return EMU_OK;
	case OPND_OPREG:
		*value = emu_reg(e, opcode_reg(i), i->size);
		return EMU_OK;
	case OPND_VEX:
		*value = emu_reg(e, i->vex_reg, i->size);
		return EMU_OK;
	case OPND_ACC:
		*value = emu_reg(e, LODGE_RAX, i->size);
		return EMU_OK;
	case OPND_MOFFS:
		*value = 0;
		return emu_read(e, i->seg, i->disp, value, i->size);
	case OPND_IMM:
		*value = i->imm;
		return EMU_OK;
	case OPND_ONE:
		*value = 1;
		return EMU_OK;
	case OPND_CL:
		*value = (u8)lodge_reg(e->vcpu, LODGE_RCX);
		return EMU_OK;
	case OPND_DX:
		*value = (u16)lodge_reg(e->vcpu, LODGE_RDX);
		return EMU_OK;
	default:
		return EMU_UNKNOWN;
	}
}

int emu_write_operand(struct lodge_emu *e, u8 operand, u64 value)
{
	const struct lodge_insn *i = e->insn;

	switch (operand) {
	case OPND_RM:
		if (i->mem)
			return emu_write(e, i->seg, emu_address(e), &value, i->size);
		emu_set_reg(e, i->rm, i->size, value);
		return EMU_OK;
	case OPND_REG:
		emu_set_reg(e, i->reg, i->size, value);
		return EMU_OK;
	case OPND_OPREG:
		emu_set_reg(e, opcode_reg(i), i->size, value);
		return EMU_OK;
	case OPND_VEX:
		emu_set_reg(e, i->vex_reg, i->size, value);
		return EMU_OK;
	case OPND_ACC:
		emu_set_reg(e, LODGE_RAX, i->size, value);
		return EMU_OK;
	case OPND_MOFFS:
		return emu_write(e, i->seg, i->disp, &value, i->size);
	default:
		return EMU_UNKNOWN;
	}
}

int emu_update_operand(struct lodge_emu *e, u8 operand, u64 old, u64 value, bool lock)
{
	const struct lodge_insn *i = e->insn;

	if (operand == OPND_RM && i->mem && lock)
		return emu_write_locked(e, i->seg, emu_address(e), &old, &value, i->size);
	return emu_write_operand(e, operand, value);
}
