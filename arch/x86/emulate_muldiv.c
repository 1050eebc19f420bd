// SPDX-License-Identifier: GPL-2.0
/*
 * Multiplication and division (APM vol. 3: MUL, IMUL, DIV, IDIV, MULX).  The product of the
 * one-operand forms, and the dividend, are in rDX:rAX, or for bytes in AX.  Flags that the
 * manual leaves undefined are kept as they were.
 */
#include <linux/bitops.h>
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

struct wide {
	u64 low, high;
};

static struct wide multiply(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (struct wide) { product, product >> 64 };
}

static struct wide negate(struct wide v)
{
	return (struct wide) { -v.low, ~v.high + !v.low };
}

/* A product of 2 * @size bytes in as many halves. */
static struct wide split(struct wide product, u8 size)
{
	if (size < 8)
		product.high = product.low >> (size * 8);
	return product;
}

static void put_wide(struct lodge_emu *e, u8 size, u64 low, u64 high)
{
	if (size == 1) {
		emu_set_reg(e, LODGE_RAX, 2, (u8)low | (high & 0xff) << 8);
		return;
	}
	emu_set_reg(e, LODGE_RAX, size, low);
	emu_set_reg(e, LODGE_RDX, size, high);
}

/* CF and OF: the product is wider than one operand. */
static void set_overflow(struct lodge_emu *e, bool over)
{
	unsigned long flags = lodge_rflags(e->vcpu) & ~(X86_EFLAGS_CF | X86_EFLAGS_OF);

	lodge_set_rflags(e->vcpu, over ? flags | X86_EFLAGS_CF | X86_EFLAGS_OF : flags);
}

static int multiply_acc(struct lodge_emu *e)
{
	u8 size = e->insn->size, sign = size * 8 - 1;
	bool is_signed = e->insn->op == OP_IMUL;
	u64 a = emu_reg(e, LODGE_RAX, size), b, extension;
	struct wide p;
	int r;

	r = emu_read_operand(e, e->insn->dst, &b);
	if (r)
		return r;
	if (is_signed) {
		s64 x = sign_extend64(a, sign), y = sign_extend64(b, sign);

		p = multiply(x < 0 ? -(u64)x : x, y < 0 ? -(u64)y : y);
		if ((x < 0) != (y < 0))
			p = negate(p);
	} else {
		p = multiply(a, b);
	}
	p = split(p, size);
	extension = is_signed && (p.low >> sign & 1) ? ~0ull : 0;
	put_wide(e, size, p.low, p.high);
	set_overflow(e, (p.high ^ extension) & GENMASK_ULL(sign, 0));
	return EMU_OK;
}

/* IMUL with two operands, and with an immediate as the third. */
static int multiply_to(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u8 sign = i->size * 8 - 1;
	u64 a, b = i->imm;
	s64 product;
	bool over;
	int r;

	r = emu_read_operand(e, OPND_RM, &a);
	if (r)
		return r;
	/* 0F AF has none: the destination is the other factor. */
	if (i->opcode == 0xaf)
		b = emu_reg(e, i->reg, i->size);
	over = __builtin_mul_overflow(sign_extend64(a, sign), sign_extend64(b, sign), &product);
	over |= product != sign_extend64(product, sign);
	emu_set_reg(e, i->reg, i->size, product);
	set_overflow(e, over);
	return EMU_OK;
}

/* No flags; when both destinations are one register, it gets the high half. */
static int multiply_x(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	struct wide p;
	u64 b;
	int r;

	r = emu_read_operand(e, OPND_RM, &b);
	if (r)
		return r;
	p = split(multiply(emu_reg(e, LODGE_RDX, i->size), b), i->size);
	emu_set_reg(e, i->vex_reg, i->size, p.low);
	emu_set_reg(e, i->reg, i->size, p.high);
	return EMU_OK;
}

/* False: the quotient does not fit. */
static bool divide_unsigned(u8 size, struct wide n, u64 d, u64 *quotient, u64 *remainder)
{
	if (size < 8) {
		if (!d || n.low / d > GENMASK_ULL(size * 8 - 1, 0))
			return false;
		*quotient = n.low / d;
		*remainder = n.low % d;
		return true;
	}
	/* What makes the host's own DIV fault. */
	if (n.high >= d)
		return false;
	asm("divq %4" : "=a"(*quotient), "=d"(*remainder) : "a"(n.low), "d"(n.high), "rm"(d) : "cc");
	return true;
}

static bool divide_signed(u8 size, struct wide n, u64 d, u64 *quotient, u64 *remainder)
{
	u8 sign = size * 8 - 1;
	bool n_negative = size < 8 ? (s64)n.low < 0 : (s64)n.high < 0;
	s64 divisor = sign_extend64(d, sign);
	bool q_negative = n_negative != (divisor < 0);
	u64 largest = BIT_ULL(sign) - !q_negative;

	if (n_negative)
		n = size < 8 ? (struct wide) { -n.low, 0 } : negate(n);
	if (!divide_unsigned(size, n, divisor < 0 ? -(u64)divisor : divisor, quotient, remainder) ||
	    *quotient > largest)
		return false;
	if (q_negative)
		*quotient = -*quotient;
	if (n_negative)
		*remainder = -*remainder;
	return true;
}

static struct wide dividend(struct lodge_emu *e, u8 size, bool is_signed)
{
	struct wide n = { emu_reg(e, LODGE_RAX, size == 1 ? 2 : size) };

	if (size == 8)
		n.high = lodge_reg(e->vcpu, LODGE_RDX);
	else if (size > 1)
		n.low |= emu_reg(e, LODGE_RDX, size) << (size * 8);
	if (is_signed && size < 8)
		n.low = sign_extend64(n.low, size * 16 - 1);
	return n;
}

static int divide(struct lodge_emu *e)
{
	bool is_signed = e->insn->op == OP_IDIV;
	u8 size = e->insn->size;
	u64 d, quotient, remainder;
	struct wide n;
	bool fits;
	int r;

	r = emu_read_operand(e, e->insn->dst, &d);
	if (r)
		return r;
	n = dividend(e, size, is_signed);
	fits = is_signed ? divide_signed(size, n, d, &quotient, &remainder) :
			   divide_unsigned(size, n, d, &quotient, &remainder);
	if (!fits)
		return emu_fault(e, X86_TRAP_DE);
	put_wide(e, size, quotient, remainder);
	return EMU_OK;
}

int emu_do_muldiv(struct lodge_emu *e)
{
	switch (e->insn->op) {
	case OP_MUL:
	case OP_IMUL:
		return multiply_acc(e);
	case OP_IMUL_TO:
		return multiply_to(e);
	case OP_MULX:
		return multiply_x(e);
	default:
		return divide(e);
	}
}
