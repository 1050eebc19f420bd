// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction decoder: prefixes, opcode, ModRM and SIB, displacement,
 * immediate, in the order in which they stand (APM vol. 3, Instruction
 * Encoding).
 */
#include <linux/string.h>

#include "decode.h"

#define REX_B	BIT(0)
#define REX_X	BIT(1)
#define REX_R	BIT(2)
#define REX_W	BIT(3)

#define NO_SEG	0xff

/* The bytes, and how far they are read. */
struct cursor {
	const u8 *bytes;
	unsigned int pos, n;
};

/* Little-endian, sign-extended. False when the bytes end first. */
static bool take(struct cursor *c, unsigned int size, s64 *value)
{
	const u8 *p = c->bytes + c->pos;
	s32 v32;
	s16 v16;

	if (c->n - c->pos < size)
		return false;
	c->pos += size;
	switch (size) {
	case 1:
		*value = (s8)*p;
		return true;
	case 2:
		memcpy(&v16, p, 2);
		*value = v16;
		return true;
	case 4:
		memcpy(&v32, p, 4);
		*value = v32;
		return true;
	default:
		memcpy(value, p, 8);
		return true;
	}
}

static bool is_prefix(unsigned int mode, u8 byte)
{
	return insn_one_byte[byte].op == OP_PREFIX || (mode == 8 && (byte & 0xf0) == 0x40);
}

unsigned int lodge_decode_prefixes(unsigned int mode, const u8 *bytes, unsigned int n)
{
	unsigned int i = 0;

	while (i < n && is_prefix(mode, bytes[i]))
		i++;
	return i;
}

/* Legacy prefixes and REX.  A REX that is not the last of them has no effect. */
static bool decode_prefixes(struct lodge_insn *insn, struct cursor *c, bool *addrsize)
{
	for (; c->pos < c->n; c->pos++) {
		u8 byte = c->bytes[c->pos];

		if (!is_prefix(insn->mode, byte))
			return true;
		insn->rex = 0;
		switch (byte) {
		case 0x26: case 0x2e: case 0x36: case 0x3e:
			/* In 64-bit mode these are ignored, and do not undo FS or GS. */
			if (insn->mode != 8)
				insn->seg = (byte >> 3) & 3;
			break;
		case 0x64: case 0x65:
			insn->seg = byte & 7;
			break;
		case 0x66:
			insn->opsize = true;
			break;
		case 0x67:
			*addrsize = true;
			break;
		case 0xf0:
			insn->lock = true;
			break;
		case 0xf2: case 0xf3:
			insn->rep = byte;
			break;
		default:
			insn->rex = byte;
		}
	}
	return false;
}

/* APM vol. 3, ModRM and SIB Bytes: 16-bit addressing. */
static const u8 base16[8] = { 3, 3, 5, 5, 6, 7, 5, 3 };
static const u8 index16[8] = { 6, 7, 6, 7, NO_REG, NO_REG, NO_REG, NO_REG };

static bool decode_mem16(struct lodge_insn *insn, struct cursor *c, u8 mod)
{
	insn->base = base16[insn->rm];
	insn->index = index16[insn->rm];
	if (mod == 0 && insn->rm == 6) {
		insn->base = NO_REG;
		mod = 2;
	}
	return mod == 0 || take(c, mod == 1 ? 1 : 2, &insn->disp);
}

static bool decode_mem(struct lodge_insn *insn, struct cursor *c, u8 mod)
{
	u8 rm = insn->rm & 7;

	if (rm == 4) {
		u8 sib;

		if (c->pos == c->n)
			return false;
		sib = c->bytes[c->pos++];
		rm = sib & 7;
		insn->shift = sib >> 6;
		insn->index = ((sib >> 3) & 7) | (insn->rex & REX_X ? 8 : 0);
		if (insn->index == 4)
			insn->index = NO_REG;
	} else if (mod == 0 && rm == 5 && insn->mode == 8) {
		insn->rip_rel = true;
	}
	if (mod == 0 && rm == 5)
		return take(c, 4, &insn->disp);
	insn->base = rm | (insn->rex & REX_B ? 8 : 0);
	return mod == 0 || take(c, mod == 1 ? 1 : 4, &insn->disp);
}

static bool decode_modrm(struct lodge_insn *insn, struct cursor *c, u8 modrm, bool ctrl)
{
	u8 mod = modrm >> 6;

	insn->reg |= insn->rex & REX_R ? 8 : 0;
	insn->mem = mod != 3 && !ctrl;
	if (!insn->mem) {
		insn->rm |= insn->rex & REX_B ? 8 : 0;
		return true;
	}
	if (insn->addr_size == 2) {
		if (!decode_mem16(insn, c, mod))
			return false;
	} else if (!decode_mem(insn, c, mod)) {
		return false;
	}
	if (insn->seg == NO_SEG && (insn->base == 4 || insn->base == 5))
		insn->seg = SEG_SS;
	return true;
}

static void decode_sizes(struct lodge_insn *insn, u16 flags)
{
	if (flags & F_BYTE) {
		insn->size = 1;
	} else if (insn->mode == 8) {
		if (insn->rex & REX_W)
			insn->size = 8;
		else if (insn->opsize && !(flags & F_NO16))
			insn->size = 2;
		else
			insn->size = flags & F_STACK ? 8 : 4;
	} else {
		insn->size = insn->opsize ? 6 - insn->mode : insn->mode;
		if (flags & F_NO16)
			insn->size = 4;
	}
	if ((flags & F_PORT) && insn->size == 8)
		insn->size = 4;
	if (flags & F_CTRL)
		insn->size = insn->mode == 8 ? 8 : 4;
}

static bool decode_imm(struct lodge_insn *insn, struct cursor *c, u8 kind)
{
	s64 value = 0;
	bool ok;

	switch (kind) {
	case IMM_NONE:
		return true;
	case IMM_8:
		ok = take(c, 1, &value);
		break;
	case IMM_U8:
		ok = take(c, 1, &value);
		value = (u8)value;
		break;
	case IMM_16:
		ok = take(c, 2, &value);
		value = (u16)value;
		break;
	case IMM_Z:
		ok = take(c, insn->size == 8 ? 4 : insn->size, &value);
		break;
	case IMM_V:
		ok = take(c, insn->size, &value);
		break;
	case IMM_ENTER:
		ok = take(c, 2, &value) && take(c, 1, &insn->disp);
		value = (u16)value;
		break;
	case IMM_FAR:
		ok = take(c, insn->size, &value) && take(c, 2, &insn->disp);
		value &= GENMASK_ULL(insn->size * 8 - 1, 0);
		insn->disp &= 0xffff;
		break;
	default:
		ok = take(c, insn->addr_size, &insn->disp);
		if (insn->addr_size < 8)
			insn->disp &= GENMASK_ULL(insn->addr_size * 8 - 1, 0);
	}
	insn->imm = value;
	return ok;
}

/* The prefix that is a part of the opcode, where one is: F2 and F3 go before 66. */
static u8 mandatory_prefix(const struct lodge_insn *insn)
{
	return insn->rep ? insn->rep : insn->opsize ? 0x66 : 0;
}

/*
 * VEX moves (APM vol. 4): no second source but for the half registers, which merge with
 * it, and 256 bits only of what is a whole register.
 */
static enum insn_status decode_vex_move(struct lodge_insn *insn)
{
	struct insn_sse *sse = &insn->sse;
	bool merges = (sse->flags & SSE_MERGE) && !(sse->flags & SSE_STORE);

	if (sse->flags & SSE_MMX)
		return INSN_UNKNOWN;
	if (insn->vex_reg && !merges)
		return insn->mem ? INSN_INVALID : INSN_UNKNOWN;
	if (insn->vex_256 && !(sse->flags & SSE_LIG)) {
		if (sse->size != 16)
			return INSN_INVALID;
		sse->size = 32;
	}
	return INSN_OK;
}

/* The opcode, and the prefix that is a part of it where it is an SSE move. */
static enum insn_status decode_sse(struct lodge_insn *insn, enum insn_map map)
{
	const struct insn_sse *sse = insn_sse_find(map, insn->opcode, mandatory_prefix(insn));

	if (!sse)
		return INSN_UNKNOWN;
	insn->sse = *sse;
	/* A register form of these is another instruction, or not one at all. */
	if ((sse->flags & SSE_MEM) && !insn->mem)
		return INSN_UNKNOWN;
	if ((sse->flags & SSE_GPR) && (insn->rex & REX_W) && insn->mode == 8)
		insn->sse.size = 8;
	return insn->vex ? decode_vex_move(insn) : INSN_OK;
}

/*
 * VEX (APM vol. 1, VEX/XOP Prefix): C4 and C5 where LES and LDS would have a register as
 * memory operand, and always in 64-bit mode.
 */
static bool is_vex(const struct lodge_insn *insn, const struct cursor *c)
{
	u8 first = c->bytes[c->pos - 1];

	if (first != 0xc4 && first != 0xc5)
		return false;
	return insn->mode == 8 || (c->pos < c->n && c->bytes[c->pos] >= 0xc0);
}

static enum insn_status decode_vex(struct lodge_insn *insn, struct cursor *c, enum insn_map *map)
{
	static const u8 prefixes[] = { 0, 0x66, 0xf3, 0xf2 };
	bool three = c->bytes[c->pos - 1] == 0xc4;
	u8 first, last, prefix;

	if (c->n - c->pos < (three ? 3 : 2))
		return INSN_SHORT;
	if (insn->opsize || insn->rep || insn->lock || insn->rex)
		return INSN_INVALID;
	first = c->bytes[c->pos++];
	last = three ? c->bytes[c->pos++] : first & 0x7f;
	*map = three ? first & 0x1f : MAP_0F;
	insn->vex = true;
	insn->rex = (first & 0x80 ? 0 : REX_R) | (last & 0x80 ? REX_W : 0);
	if (three)
		insn->rex |= (first & 0x40 ? 0 : REX_X) | (first & 0x20 ? 0 : REX_B);
	insn->vex_reg = (~last >> 3) & 15;
	if (insn->mode != 8)
		insn->rex &= REX_W;
	insn->vex_256 = last & 4;
	prefix = prefixes[last & 3];
	insn->opsize = prefix == 0x66;
	insn->rep = prefix == 0x66 ? 0 : prefix;
	insn->opcode = c->bytes[c->pos++];
	return INSN_OK;
}

/* What the opcode says by itself; ModRM, and a mandatory prefix, may say more. */
static struct insn_form find_form(const struct lodge_insn *insn, enum insn_map map)
{
	struct insn_form form = { OP_UNKNOWN };

	if (map == MAP_ONE_BYTE && !insn->vex)
		form = insn_one_byte[insn->opcode];
	else if (map == MAP_0F)
		form = insn_0f[insn->opcode];
	if (insn->vex && form.op != OP_SSE)
		form.op = OP_BY_PREFIX;
	if (form.op == OP_BY_PREFIX || map == MAP_0F38 || map == MAP_0F3A) {
		u8 prefix = mandatory_prefix(insn);

		form = insn_by_prefix(map, insn->opcode, prefix, insn->vex);
		if (form.op == OP_UNKNOWN && insn_sse_find(map, insn->opcode, prefix))
			form = (struct insn_form) { OP_SSE, .flags = F_MODRM };
	}
	return form;
}

static enum insn_status decode_opcode(struct lodge_insn *insn, struct cursor *c,
				      enum insn_map *map)
{
	*map = MAP_ONE_BYTE;
	if (c->pos == c->n)
		return INSN_SHORT;
	insn->opcode = c->bytes[c->pos++];
	if (is_vex(insn, c))
		return decode_vex(insn, c, map);
	if (insn_one_byte[insn->opcode].op != OP_ESCAPE)
		return INSN_OK;
	*map = MAP_0F;
	if (c->pos == c->n)
		return INSN_SHORT;
	insn->opcode = c->bytes[c->pos++];
	if (insn->opcode != 0x38 && insn->opcode != 0x3a)
		return INSN_OK;
	*map = insn->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
	if (c->pos == c->n)
		return INSN_SHORT;
	insn->opcode = c->bytes[c->pos++];
	return INSN_OK;
}

/* ModRM.reg chooses the instruction. */
static void decode_group(struct lodge_insn *insn, struct insn_form *form, u8 modrm)
{
	const struct insn_form *g = &insn_groups[form->group][insn->reg];

	/* A register form of one that has none: a set of other instructions. */
	if (form->group == GROUP_7 && modrm >= 0xc0 && (!g->op || (g->flags & F_MEM))) {
		*form = insn_by_modrm(insn->opcode, mandatory_prefix(insn), modrm);
		form->flags |= F_MODRM;
		return;
	}
	form->op = g->op;
	form->dst = g->dst ?: form->dst;
	form->src = g->src ?: form->src;
	form->imm = g->imm ?: form->imm;
	form->flags |= g->flags;
}

/* APM vol. 3, Lock Prefix: only with memory as the destination of an instruction that allows it. */
static bool lock_valid(const struct lodge_insn *insn, u16 flags)
{
	return (flags & F_MAY_LOCK) && insn->mem && insn->dst == OPND_RM;
}

/*
 * AMD's way to CR8 for code that has no REX: LOCK stands for the fourth bit of
 * the register (APM vol. 3, MOV CRn).  A CPU without it raises #UD and does not
 * exit.
 */
static void decode_alternate_cr8(struct lodge_insn *insn)
{
	if (insn->lock && !insn->reg &&
	    (insn->op == OP_MOV_FROM_CR || insn->op == OP_MOV_TO_CR)) {
		insn->reg |= 8;
		insn->lock = false;
	}
}

/* ModRM, and what it makes of the form. */
static enum insn_status decode_form(struct lodge_insn *insn, struct cursor *c,
				    struct insn_form *form, u8 *modrm)
{
	if (form->flags & F_MODRM) {
		if (c->pos == c->n)
			return INSN_SHORT;
		*modrm = c->bytes[c->pos++];
		insn->reg = (*modrm >> 3) & 7;
		insn->rm = *modrm & 7;
	}
	if (form->op == OP_GROUP) {
		decode_group(insn, form, *modrm);
	} else if (form->op == OP_BY_MODRM) {
		*form = insn_by_modrm(insn->opcode, mandatory_prefix(insn), *modrm);
		form->flags |= F_MODRM;
	} else if (insn->opcode == 0x63 && form->op == OP_MOVSX && insn->mode != 8) {
		*form = (struct insn_form) { OP_ARPL, OPND_RM, OPND_REG, 0, F_MODRM };
	} else if (form->op == OP_XCHG && insn->opcode == 0x90 && !(insn->rex & REX_B)) {
		/* XCHG rAX, rAX: it does nothing, not even to the upper half. */
		*form = (struct insn_form) { OP_NOP };
	}
	return form->op == OP_UNKNOWN ? INSN_UNKNOWN : INSN_OK;
}

/* What makes the instruction #UD whatever its operands hold. */
static bool is_valid(const struct lodge_insn *insn, u16 flags)
{
	if (flags & (insn->mode == 8 ? F_NO64 : F_ONLY64))
		return false;
	if ((flags & F_MEM) && !insn->mem)
		return false;
	/* 256 bits are the moves' alone; and one has no use for another register. */
	if (insn->vex && insn->vex_256 && insn->op != OP_SSE)
		return false;
	if (insn->op == OP_RORX && insn->vex_reg)
		return false;
	return !insn->lock || lock_valid(insn, flags);
}

enum insn_status lodge_decode(struct lodge_insn *insn, unsigned int mode, const u8 *bytes,
			      unsigned int n)
{
	struct cursor c = { .bytes = bytes, .n = n < INSN_MAX_LEN ? n : INSN_MAX_LEN };
	enum insn_status status;
	struct insn_form form;
	bool addrsize = false;
	enum insn_map map;
	u8 modrm = 0;

	*insn = (struct lodge_insn) {
		.mode = mode, .seg = NO_SEG, .base = NO_REG, .index = NO_REG,
	};
	if (!decode_prefixes(insn, &c, &addrsize))
		return INSN_SHORT;
	if (mode == 8)
		insn->addr_size = addrsize ? 4 : 8;
	else
		insn->addr_size = addrsize ? 6 - mode : mode;

	status = decode_opcode(insn, &c, &map);
	if (status != INSN_OK)
		return status;
	form = find_form(insn, map);
	status = decode_form(insn, &c, &form, &modrm);
	if (status != INSN_OK)
		return status;

	insn->op = form.op;
	insn->dst = form.dst;
	insn->src = form.src;
	decode_sizes(insn, form.flags);
	if ((form.flags & F_MODRM) && !decode_modrm(insn, &c, modrm, form.flags & F_CTRL))
		return INSN_SHORT;
	if (!decode_imm(insn, &c, form.imm))
		return INSN_SHORT;
	if (insn->seg == NO_SEG)
		insn->seg = SEG_DS;
	insn->len = c.pos;

	decode_alternate_cr8(insn);
	if (!is_valid(insn, form.flags))
		return INSN_INVALID;
	status = insn->op == OP_SSE ? decode_sse(insn, map) : INSN_OK;
	/* Outside 64-bit mode there are eight. */
	if (mode != 8)
		insn->vex_reg &= 7;
	return status;
}
