// SPDX-License-Identifier: GPL-2.0
/*
 * Bits: double shifts, scans and counts, BSWAP, CRC32, and the VEX forms of BMI (APM vol. 3,
 * General-Purpose Instruction Reference).  Flags that the manual leaves undefined are kept as
 * they were.
 */
#include <linux/bitops.h>
#include <linux/swab.h>

#include "emu.h"
#include "regs_inline.h"

static void set_flags(struct lodge_emu *e, unsigned long which, unsigned long value)
{
	lodge_set_rflags(e->vcpu, (lodge_rflags(e->vcpu) & ~which) | (value & which));
}

static u64 truncate(u64 value, u8 size)
{
	return value & GENMASK_ULL(size * 8 - 1, 0);
}

static unsigned long flag_if(bool on, unsigned long flag)
{
	return on ? flag : 0;
}

/* --- SHLD, SHRD --- */

static int do_double_shift(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned int bits = i->size * 8;
	unsigned int count = i->opcode & 1 ? lodge_reg(e->vcpu, LODGE_RCX) : i->imm;
	unsigned long flags = lodge_rflags(e->vcpu);
	u64 dst, src, result;
	int r;

	r = emu_read_target(e, OPND_RM, &dst);
	if (r)
		return r;
	count &= i->size == 8 ? 63 : 31;
	/* More than the operand has: the result is undefined, and is kept. */
	if (!count || count > bits)
		return emu_write_operand(e, OPND_RM, dst);
	src = emu_reg(e, i->reg, i->size);
	result = emu_double_shift(i->op, i->size, dst, src, count, &flags);
	r = emu_write_operand(e, OPND_RM, result);
	if (!r)
		lodge_set_rflags(e->vcpu, flags);
	return r;
}

/* --- one source, one destination --- */

static u64 crc32c(u32 crc, u64 data, u8 size)
{
	unsigned int i;

	for (i = 0; i < size * 8u; i++, data >>= 1)
		crc = crc >> 1 ^ ((crc ^ data) & 1 ? 0x82f63b78 : 0);
	return crc;
}

static int do_crc32(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u8 size = i->src == OPND_RM8 ? 1 : i->size;
	u64 data;
	int r = emu_read_operand(e, i->src, &data);

	if (r)
		return r;
	/* The destination has 32 bits, or 64 of which the upper half is cleared. */
	lodge_set_reg(e->vcpu, i->reg, crc32c(lodge_reg(e->vcpu, i->reg), data, size));
	return EMU_OK;
}

static int do_bswap(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u64 value;

	emu_read_operand(e, i->dst, &value);
	/* Of 16 bits it is undefined, and gives 0 on every CPU. */
	value = i->size == 2 ? 0 : swab64(value) >> (64 - 8 * i->size);
	return emu_write_operand(e, i->dst, value);
}

/* BSF and BSR leave the destination alone when there is no bit; the others count them. */
static int do_scan(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned int bits = i->size * 8;
	u64 v, result;
	int r;

	r = emu_read_operand(e, OPND_RM, &v);
	if (r)
		return r;
	switch (i->op) {
	case OP_BSF:
	case OP_BSR:
		set_flags(e, X86_EFLAGS_ZF, flag_if(!v, X86_EFLAGS_ZF));
		if (!v)
			return EMU_OK;
		result = i->op == OP_BSF ? __ffs64(v) : fls64(v) - 1;
		break;
	case OP_POPCNT:
		result = hweight64(v);
		set_flags(e, EMU_STATUS_FLAGS, flag_if(!v, X86_EFLAGS_ZF));
		break;
	default:
		if (i->op == OP_TZCNT)
			result = v ? __ffs64(v) : bits;
		else
			result = bits - fls64(v);
		set_flags(e, X86_EFLAGS_CF | X86_EFLAGS_ZF, flag_if(!v, X86_EFLAGS_CF) |
			  flag_if(!result, X86_EFLAGS_ZF));
	}
	return emu_write_operand(e, OPND_REG, result);
}

/* --- BMI --- */

static u64 deposit(u64 value, u64 mask)
{
	u64 result = 0, bit;

	for (; mask; mask &= mask - 1, value >>= 1) {
		bit = mask & -mask;
		if (value & 1)
			result |= bit;
	}
	return result;
}

static u64 extract(u64 value, u64 mask)
{
	u64 result = 0, bit = 1;

	for (; mask; mask &= mask - 1, bit <<= 1)
		if (value & mask & -mask)
			result |= bit;
	return result;
}

/* Those that change no flags. */
static int do_bmi_plain(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned int bits = i->size * 8, count;
	u64 v, by;
	int r;

	r = emu_read_operand(e, OPND_RM, &v);
	if (r)
		return r;
	by = i->op == OP_RORX ? i->imm : emu_reg(e, i->vex_reg, i->size);
	count = by & (bits - 1);
	switch (i->op) {
	case OP_PEXT:
		v = extract(by, v);
		break;
	case OP_PDEP:
		v = deposit(by, v);
		break;
	case OP_RORX:
		v = v >> count | (count ? v << (bits - count) : 0);
		break;
	case OP_SHLX:
		v <<= count;
		break;
	case OP_SHRX:
		v >>= count;
		break;
	default:
		v = sign_extend64(v, bits - 1) >> count;
	}
	return emu_write_operand(e, OPND_REG, v);
}

static u64 bzhi(u64 v, u8 from, unsigned int bits)
{
	return from < bits ? v & (BIT_ULL(from) - 1) : v;
}

static u64 bextr(u64 v, u16 control)
{
	u8 start = control, len = control >> 8;

	v = start < 64 ? v >> start : 0;
	return len < 64 ? v & (BIT_ULL(len) - 1) : v;
}

static int do_bmi(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	unsigned int bits = i->size * 8;
	u8 dst = i->dst;
	unsigned long flags, status = EMU_STATUS_FLAGS & ~(X86_EFLAGS_AF | X86_EFLAGS_PF);
	u64 v, other, result;
	bool carry = false;
	int r;

	r = emu_read_operand(e, OPND_RM, &v);
	if (r)
		return r;
	other = emu_reg(e, i->vex_reg, i->size);
	switch (i->op) {
	case OP_ANDN:
		result = ~other & v;
		break;
	case OP_BLSR:
		result = v & (v - 1);
		carry = !v;
		break;
	case OP_BLSMSK:
		result = v ^ (v - 1);
		carry = !v;
		break;
	case OP_BLSI:
		result = v & -v;
		carry = v;
		break;
	case OP_BZHI:
		result = bzhi(v, other, bits);
		carry = (u8)other >= bits;
		break;
	default:	/* BEXTR leaves SF undefined */
		result = bextr(v, other);
		status &= ~X86_EFLAGS_SF;
	}
	result = truncate(result, i->size);
	flags = flag_if(carry, X86_EFLAGS_CF) | flag_if(!result, X86_EFLAGS_ZF) |
		flag_if(result >> (bits - 1), X86_EFLAGS_SF);
	set_flags(e, status, flags);
	return emu_write_operand(e, dst, result);
}

int emu_do_bits(struct lodge_emu *e)
{
	switch (e->insn->op) {
	case OP_SHLD:
	case OP_SHRD:
		return do_double_shift(e);
	case OP_BSWAP:
		return do_bswap(e);
	case OP_CRC32:
		return do_crc32(e);
	case OP_BSF ... OP_POPCNT:
		return do_scan(e);
	case OP_ANDN ... OP_BEXTR:
		return do_bmi(e);
	default:
		return do_bmi_plain(e);
	}
}
