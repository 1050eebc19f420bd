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

static void decode_sizes(struct lodge_insn *insn, u8 flags)
{
	if (flags & F_BYTE) {
		insn->size = 1;
	} else if (insn->mode == 8) {
		if (insn->rex & REX_W)
			insn->size = 8;
		else if (insn->opsize)
			insn->size = 2;
		else
			insn->size = flags & F_STACK ? 8 : 4;
	} else {
		insn->size = insn->opsize ? 6 - insn->mode : insn->mode;
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

/* The opcode, and the prefix that is a part of it where it is an SSE move. */
static enum insn_status decode_sse(struct lodge_insn *insn)
{
	const struct insn_sse *sse;
	u8 prefix = insn->rep;

	if (!prefix && insn->opsize)
		prefix = 0x66;
	sse = insn_sse_find(insn->opcode, prefix);
	if (!sse)
		return INSN_UNKNOWN;
	insn->sse = *sse;
	/* A register form of these is another instruction, or not one at all. */
	if ((sse->flags & SSE_MEM) && !insn->mem)
		return INSN_UNKNOWN;
	if ((sse->flags & SSE_GPR) && (insn->rex & REX_W))
		insn->sse.size = 8;
	return INSN_OK;
}

/* 0F 38: of that map, only MOVBE, which F2 (CRC32) would turn into another. */
static enum insn_status decode_0f38(struct lodge_insn *insn, struct cursor *c,
				    struct insn_form *form)
{
	if (c->pos == c->n)
		return INSN_SHORT;
	insn->opcode = c->bytes[c->pos++];
	if ((insn->opcode & 0xfe) != 0xf0 || insn->rep)
		return INSN_UNKNOWN;
	*form = (struct insn_form) { OP_MOVBE, OPND_REG, OPND_RM, 0, F_MODRM | F_MEM };
	if (insn->opcode & 1) {
		form->dst = OPND_RM;
		form->src = OPND_REG;
	}
	return INSN_OK;
}

static enum insn_status decode_opcode(struct lodge_insn *insn, struct cursor *c,
				      struct insn_form *form)
{
	if (c->pos == c->n)
		return INSN_SHORT;
	insn->opcode = c->bytes[c->pos++];
	*form = insn_one_byte[insn->opcode];
	if (form->op != OP_ESCAPE) {
		/* ARPL */
		if (insn->opcode == 0x63 && insn->mode != 8)
			return INSN_UNKNOWN;
		return INSN_OK;
	}
	if (c->pos == c->n)
		return INSN_SHORT;
	insn->opcode = c->bytes[c->pos++];
	if (insn->opcode == 0x38)
		return decode_0f38(insn, c, form);
	*form = insn_two_byte[insn->opcode];
	return INSN_OK;
}

/* ModRM.reg chooses the instruction. */
static void decode_group(struct lodge_insn *insn, struct insn_form *form, u8 modrm)
{
	const struct insn_form *g = &insn_groups[form->group][insn->reg];

	/* A register form of one that has none: a set of other instructions. */
	if (form->group == GROUP_7 && modrm >= 0xc0 && (!g->op || (g->flags & F_MEM))) {
		form->op = modrm == 0xc1 ? OP_VMCALL :
			   modrm == 0xd9 ? OP_VMMCALL : OP_UNKNOWN;
		return;
	}
	form->op = g->op;
	form->dst = g->dst ?: form->dst;
	form->src = g->src ?: form->src;
	form->imm = g->imm ?: form->imm;
	form->flags |= g->flags;
}

/* APM vol. 3, Lock Prefix: only with memory as the destination of an instruction that allows it. */
static bool lock_valid(const struct lodge_insn *insn, u8 flags)
{
	return (flags & F_LOCK) && insn->mem && insn->dst == OPND_RM;
}

/*
 * AMD's way to CR8 for code that has no REX: LOCK stands for the fourth bit of
 * the register (APM vol. 3, MOV CRn).  A CPU without it raises #UD and does not
 * exit.
 */
static void decode_alternate_cr8(struct lodge_insn *insn)
{
	if (insn->lock && (insn->op == OP_MOV_FROM_CR || insn->op == OP_MOV_TO_CR)) {
		insn->reg |= 8;
		insn->lock = false;
	}
}

enum insn_status lodge_decode(struct lodge_insn *insn, unsigned int mode, const u8 *bytes,
			      unsigned int n)
{
	struct cursor c = { .bytes = bytes, .n = n < INSN_MAX_LEN ? n : INSN_MAX_LEN };
	enum insn_status status;
	struct insn_form form;
	bool addrsize = false;
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

	status = decode_opcode(insn, &c, &form);
	if (status != INSN_OK)
		return status;
	if (form.flags & F_MODRM) {
		if (c.pos == c.n)
			return INSN_SHORT;
		modrm = c.bytes[c.pos++];
		insn->reg = (modrm >> 3) & 7;
		insn->rm = modrm & 7;
		if (form.op == OP_GROUP)
			decode_group(insn, &form, modrm);
	}
	if (form.op == OP_UNKNOWN)
		return INSN_UNKNOWN;
	/* XCHG rAX, rAX: it does nothing, not even to the upper half. */
	if (form.op == OP_XCHG && insn->opcode == 0x90 && !(insn->rex & REX_B))
		form = (struct insn_form) { OP_NOP };

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

	if ((form.flags & F_NO64) && mode == 8)
		return INSN_INVALID;
	if ((form.flags & F_MEM) && !insn->mem)
		return INSN_INVALID;
	decode_alternate_cr8(insn);
	if (insn->lock && !lock_valid(insn, form.flags))
		return INSN_INVALID;
	if (insn->op == OP_SSE)
		return decode_sse(insn);
	return INSN_OK;
}
