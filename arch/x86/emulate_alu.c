// SPDX-License-Identifier: GPL-2.0
/*
 * Arithmetic and its flags, as pure functions (APM vol. 3, General-Purpose
 * Instruction Reference).  A flag that the manual leaves undefined is cleared
 * for logic, and kept as it was for shifts.
 */
#include <linux/bitops.h>
#include <linux/bits.h>

#include "decode.h"
#include "emulate_alu.h"

static u64 mask_of(u8 size)
{
	return GENMASK_ULL(size * 8 - 1, 0);
}

static u64 sign_of(u8 size)
{
	return BIT_ULL(size * 8 - 1);
}

static unsigned long flags_of_result(u8 size, u64 result)
{
	unsigned long flags = 0;

	result &= mask_of(size);
	if (!result)
		flags |= X86_EFLAGS_ZF;
	if (result & sign_of(size))
		flags |= X86_EFLAGS_SF;
	if (!(hweight8(result) & 1))
		flags |= X86_EFLAGS_PF;
	return flags;
}

static void set_flags(unsigned long *flags, unsigned long which, unsigned long value)
{
	*flags = (*flags & ~which) | (value & which);
}

static u64 add(u8 size, u64 a, u64 b, bool carry, unsigned long *flags)
{
	u64 r = (a + b + carry) & mask_of(size);
	/* The carry out of every bit position. */
	u64 carries = (a & b) | ((a | b) & ~r);
	unsigned long f = flags_of_result(size, r);

	if (carries & sign_of(size))
		f |= X86_EFLAGS_CF;
	if (carries & BIT(3))
		f |= X86_EFLAGS_AF;
	if ((a ^ r) & (b ^ r) & sign_of(size))
		f |= X86_EFLAGS_OF;
	set_flags(flags, EMU_STATUS_FLAGS, f);
	return r;
}

static u64 sub(u8 size, u64 a, u64 b, bool borrow, unsigned long *flags)
{
	u64 r = (a - b - borrow) & mask_of(size);
	u64 borrows = (~a & b) | ((~a | b) & r);
	unsigned long f = flags_of_result(size, r);

	if (borrows & sign_of(size))
		f |= X86_EFLAGS_CF;
	if (borrows & BIT(3))
		f |= X86_EFLAGS_AF;
	if ((a ^ b) & (a ^ r) & sign_of(size))
		f |= X86_EFLAGS_OF;
	set_flags(flags, EMU_STATUS_FLAGS, f);
	return r;
}

static u64 logic(u8 size, u64 r, unsigned long *flags)
{
	set_flags(flags, EMU_STATUS_FLAGS, flags_of_result(size, r));
	return r & mask_of(size);
}

/* INC and DEC leave CF alone. */
static u64 step(u8 op, u8 size, u64 dst, unsigned long *flags)
{
	unsigned long cf = *flags & X86_EFLAGS_CF;
	u64 r = op == OP_INC ? add(size, dst, 1, false, flags) : sub(size, dst, 1, false, flags);

	set_flags(flags, X86_EFLAGS_CF, cf);
	return r;
}

static u64 shift(u8 op, u8 size, u64 dst, unsigned int count, unsigned long *flags)
{
	unsigned int bits = size * 8;
	unsigned long f;
	bool cf, of;
	u64 r;

	switch (op) {
	case OP_SHR:
		r = dst >> (count - 1);
		cf = r & 1;
		r >>= 1;
		of = dst & sign_of(size);
		break;
	case OP_SAR: {
		s64 s = (s64)(dst << (64 - bits)) >> (64 - bits);

		cf = (s >> (count - 1)) & 1;
		r = (u64)(s >> (count - 1) >> 1) & mask_of(size);
		of = false;
		break;
	}
	default:	/* SHL, SAL */
		cf = count <= bits && ((dst >> (bits - count)) & 1);
		r = (dst << (count - 1) << 1) & mask_of(size);
		of = !!(r & sign_of(size)) != cf;
	}
	f = flags_of_result(size, r) | (cf ? X86_EFLAGS_CF : 0) | (of ? X86_EFLAGS_OF : 0);
	/* OF is defined for a count of one only. */
	set_flags(flags, X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_ZF | X86_EFLAGS_SF |
		  (count == 1 ? X86_EFLAGS_OF : 0), f);
	return r;
}

/* SHLD and SHRD: @dst, with the bits of @src coming in. */
u64 emu_double_shift(u8 op, u8 size, u64 dst, u64 src, unsigned int count, unsigned long *flags)
{
	unsigned int bits = size * 8, back = bits - count;
	unsigned long f;
	u64 r;
	bool cf;

	if (op == OP_SHLD) {
		cf = (dst >> back) & 1;
		r = (back ? dst << count : 0) | src >> back;
	} else {
		cf = (dst >> (count - 1)) & 1;
		r = (back ? dst >> count : 0) | src << back;
	}
	r &= mask_of(size);
	f = flags_of_result(size, r) | (cf ? X86_EFLAGS_CF : 0);
	if ((dst ^ r) & sign_of(size))
		f |= X86_EFLAGS_OF;
	/* OF is defined for a count of one only. */
	set_flags(flags, X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_ZF | X86_EFLAGS_SF |
		  (count == 1 ? X86_EFLAGS_OF : 0), f);
	return r;
}

/* ADCX and ADOX: a carry chain in one flag, the others as they were. */
static u64 add_through(u8 size, u64 a, u64 b, unsigned long flag, unsigned long *flags)
{
	unsigned long f = 0;
	u64 r = add(size, a, b, *flags & flag, &f);

	set_flags(flags, flag, f & X86_EFLAGS_CF ? flag : 0);
	return r;
}

/* ROL and ROR, and RCL and RCR, which rotate through CF.  Only CF and OF change. */
static u64 rotate(u8 op, u8 size, u64 dst, unsigned int count, unsigned long *flags)
{
	unsigned int bits = size * 8, i, n = count;
	bool left = op == OP_ROL || op == OP_RCL;
	bool through = op == OP_RCL || op == OP_RCR;
	bool cf = *flags & X86_EFLAGS_CF, of;

	for (i = 0; i < n; i++) {
		bool out = left ? !!(dst & sign_of(size)) : dst & 1;
		bool in = through ? cf : out;

		if (left)
			dst = ((dst << 1) | in) & mask_of(size);
		else
			dst = (dst >> 1) | ((u64)in << (bits - 1));
		cf = out;
	}
	if (left)
		of = !!(dst & sign_of(size)) != cf;
	else
		of = !!(dst & sign_of(size)) != !!(dst & (sign_of(size) >> 1));
	set_flags(flags, X86_EFLAGS_CF | (count == 1 ? X86_EFLAGS_OF : 0),
		  (cf ? X86_EFLAGS_CF : 0) | (of ? X86_EFLAGS_OF : 0));
	return dst;
}

static u64 bit(u8 op, u8 size, u64 dst, unsigned int nr, unsigned long *flags)
{
	u64 b = BIT_ULL(nr & (size * 8 - 1));

	set_flags(flags, X86_EFLAGS_CF, dst & b ? X86_EFLAGS_CF : 0);
	switch (op) {
	case OP_BTS:
		return dst | b;
	case OP_BTR:
		return dst & ~b;
	case OP_BTC:
		return dst ^ b;
	default:
		return dst;
	}
}

u64 emu_alu(u8 op, u8 size, u64 dst, u64 src, unsigned long *flags)
{
	bool cf = *flags & X86_EFLAGS_CF;

	dst &= mask_of(size);
	switch (op) {
	case OP_ROL ... OP_SAR:
		/* APM vol. 3: the count is taken modulo 32, or 64 for 64 bits; 0 does nothing. */
		src &= size == 8 ? 63 : 31;
		if (!src)
			return dst;
		if (op < OP_SHL)
			return rotate(op, size, dst, src, flags);
		return shift(op, size, dst, src, flags);
	case OP_BT ... OP_BTC:
		return bit(op, size, dst, src, flags);
	}
	src &= mask_of(size);
	switch (op) {
	case OP_ADD:
	case OP_XADD:
		return add(size, dst, src, false, flags);
	case OP_ADCX:
		return add_through(size, dst, src, X86_EFLAGS_CF, flags);
	case OP_ADOX:
		return add_through(size, dst, src, X86_EFLAGS_OF, flags);
	case OP_ADC:
		return add(size, dst, src, cf, flags);
	case OP_SUB:
	case OP_CMP:
		return sub(size, dst, src, false, flags);
	case OP_SBB:
		return sub(size, dst, src, cf, flags);
	case OP_AND:
	case OP_TEST:
		return logic(size, dst & src, flags);
	case OP_OR:
		return logic(size, dst | src, flags);
	case OP_XOR:
		return logic(size, dst ^ src, flags);
	case OP_INC:
	case OP_DEC:
		return step(op, size, dst, flags);
	case OP_NEG:
		return sub(size, 0, dst, false, flags);
	case OP_NOT:
		return ~dst & mask_of(size);
	default:
		return dst;
	}
}

/* The low four bits of Jcc, SETcc and CMOVcc (APM vol. 3, rFLAGS Condition Codes). */
bool emu_condition(u8 opcode, unsigned long flags)
{
	bool less = !(flags & X86_EFLAGS_SF) != !(flags & X86_EFLAGS_OF);
	bool r;

	switch ((opcode >> 1) & 7) {
	case 0:
		r = flags & X86_EFLAGS_OF;
		break;
	case 1:
		r = flags & X86_EFLAGS_CF;
		break;
	case 2:
		r = flags & X86_EFLAGS_ZF;
		break;
	case 3:
		r = flags & (X86_EFLAGS_CF | X86_EFLAGS_ZF);
		break;
	case 4:
		r = flags & X86_EFLAGS_SF;
		break;
	case 5:
		r = flags & X86_EFLAGS_PF;
		break;
	case 6:
		r = less;
		break;
	default:
		r = less || (flags & X86_EFLAGS_ZF);
	}
	return r != (opcode & 1);
}
