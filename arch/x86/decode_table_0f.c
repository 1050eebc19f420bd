// SPDX-License-Identifier: GPL-2.0
/*
 * The map of opcodes after 0F, and what the maps have that depends on a mandatory prefix
 * (APM vol. 3, Opcode and Operand Encodings; vol. 4 for the moves).  See decode_table.c.
 */
#include <linux/kernel.h>

#include "decode.h"

const struct insn_form insn_0f[256] = {
	[0x00] = { OP_GROUP, 0, 0, 0, F_MODRM, GROUP_6 },
	[0x01] = { OP_GROUP, 0, 0, 0, F_MODRM, GROUP_7 },
	[0x02] = { OP_LAR, OPND_REG, OPND_RM16, 0, F_MODRM },
	[0x03] = { OP_LSL, OPND_REG, OPND_RM16, 0, F_MODRM },
	[0x06] = { OP_CLTS },
	[0x08 ... 0x09] = { OP_WBINVD },
	[0x0b] = { OP_UD },
	[0x0d] = { OP_NOP, 0, 0, 0, F_MODRM | F_MEM },	/* PREFETCH, PREFETCHW */
	[0x10 ... 0x13] = { OP_SSE, 0, 0, 0, F_MODRM },
	[0x16 ... 0x17] = { OP_SSE, 0, 0, 0, F_MODRM },
	[0x18 ... 0x1f] = { OP_NOP, 0, 0, 0, F_MODRM },	/* PREFETCHh, and hints */
	[0x20] = { OP_MOV_FROM_CR, OPND_RM, 0, 0, F_MODRM | F_CTRL },
	[0x21] = { OP_MOV_FROM_DR, OPND_RM, 0, 0, F_MODRM | F_CTRL },
	[0x22] = { OP_MOV_TO_CR, 0, OPND_RM, 0, F_MODRM | F_CTRL },
	[0x23] = { OP_MOV_TO_DR, 0, OPND_RM, 0, F_MODRM | F_CTRL },
	[0x28 ... 0x29] = { OP_SSE, 0, 0, 0, F_MODRM },
	[0x2b] = { OP_SSE, 0, 0, 0, F_MODRM },
	[0x30] = { OP_WRMSR },
	[0x31] = { OP_RDTSC },
	[0x32] = { OP_RDMSR },
	[0x33] = { OP_RDPMC },
	[0x40 ... 0x4f] = { OP_CMOV, OPND_REG, OPND_RM, 0, F_MODRM },
	[0x6e ... 0x6f] = { OP_SSE, 0, 0, 0, F_MODRM },
	[0x7e ... 0x7f] = { OP_SSE, 0, 0, 0, F_MODRM },
	[0x80 ... 0x8f] = { OP_JCC, 0, OPND_IMM, IMM_Z, F_STACK },
	[0x90 ... 0x9f] = { OP_SETCC, OPND_RM, 0, 0, F_MODRM | F_BYTE },
	[0xa0] = { OP_PUSH_SREG, 0, 0, 0, F_STACK },		/* FS */
	[0xa1] = { OP_POP_SREG, 0, 0, 0, F_STACK },
	[0xa2] = { OP_CPUID },
	[0xa3] = { OP_BT, OPND_RM, OPND_REG, 0, F_MODRM },
	[0xa4] = { OP_SHLD, OPND_RM, OPND_REG, IMM_U8, F_MODRM },
	[0xa5] = { OP_SHLD, OPND_RM, OPND_REG, 0, F_MODRM },
	[0xa8] = { OP_PUSH_SREG, 0, 0, 0, F_STACK },		/* GS */
	[0xa9] = { OP_POP_SREG, 0, 0, 0, F_STACK },
	[0xab] = { OP_BTS, OPND_RM, OPND_REG, 0, F_MODRM | F_MAY_LOCK },
	[0xac] = { OP_SHRD, OPND_RM, OPND_REG, IMM_U8, F_MODRM },
	[0xad] = { OP_SHRD, OPND_RM, OPND_REG, 0, F_MODRM },
	[0xae] = { OP_BY_MODRM, OPND_RM, 0, 0, F_MODRM },
	[0xaf] = { OP_IMUL_TO, OPND_REG, OPND_RM, 0, F_MODRM },
	[0xb0] = { OP_CMPXCHG, OPND_RM, OPND_REG, 0, F_MODRM | F_BYTE | F_MAY_LOCK },
	[0xb1] = { OP_CMPXCHG, OPND_RM, OPND_REG, 0, F_MODRM | F_MAY_LOCK },
	[0xb2] = { OP_LOAD_FAR, OPND_REG, 0, 0, F_MODRM | F_MEM },	/* LSS */
	[0xb3] = { OP_BTR, OPND_RM, OPND_REG, 0, F_MODRM | F_MAY_LOCK },
	[0xb4 ... 0xb5] = { OP_LOAD_FAR, OPND_REG, 0, 0, F_MODRM | F_MEM },	/* LFS, LGS */
	[0xb6] = { OP_MOVZX, OPND_REG, OPND_RM8, 0, F_MODRM },
	[0xb7] = { OP_MOVZX, OPND_REG, OPND_RM16, 0, F_MODRM },
	[0xb8] = { OP_BY_PREFIX, OPND_REG, OPND_RM, 0, F_MODRM },
	[0xb9] = { OP_UD },
	[0xba] = { OP_GROUP, OPND_RM, OPND_IMM, IMM_U8, F_MODRM, GROUP_8 },
	[0xbb] = { OP_BTC, OPND_RM, OPND_REG, 0, F_MODRM | F_MAY_LOCK },
	[0xbc ... 0xbd] = { OP_BY_PREFIX, OPND_REG, OPND_RM, 0, F_MODRM },
	[0xbe] = { OP_MOVSX, OPND_REG, OPND_RM8, 0, F_MODRM },
	[0xbf] = { OP_MOVSX, OPND_REG, OPND_RM16, 0, F_MODRM },
	[0xc0] = { OP_XADD, OPND_RM, OPND_REG, 0, F_MODRM | F_BYTE | F_MAY_LOCK },
	[0xc1] = { OP_XADD, OPND_RM, OPND_REG, 0, F_MODRM | F_MAY_LOCK },
	[0xc3] = { OP_BY_PREFIX, 0, 0, 0, F_MODRM },
	[0xc7] = { OP_GROUP, OPND_RM, 0, 0, F_MODRM, GROUP_9 },
	[0xc8 ... 0xcf] = { OP_BSWAP, OPND_OPREG },
	[0xd6] = { OP_SSE, 0, 0, 0, F_MODRM },
	[0xe7] = { OP_SSE, 0, 0, 0, F_MODRM },
	[0xf0] = { OP_SSE, 0, 0, 0, F_MODRM },
	[0xff] = { OP_UD },
};

/* --- by mandatory prefix --- */

#define RM_REG(op)	{ op, OPND_REG, OPND_RM, 0, F_MODRM }
#define RM_REG32(op)	{ op, OPND_REG, OPND_RM, 0, F_MODRM | F_NO16 }

static const struct {
	u8 map, opcode, prefix;
	bool vex;
	struct insn_form form;
} by_prefix[] = {
	{ MAP_0F, 0xb8, 0xf3, false, RM_REG(OP_POPCNT) },
	{ MAP_0F, 0xbc, 0x00, false, RM_REG(OP_BSF) },
	{ MAP_0F, 0xbc, 0x66, false, RM_REG(OP_BSF) },
	{ MAP_0F, 0xbc, 0xf2, false, RM_REG(OP_BSF) },
	{ MAP_0F, 0xbc, 0xf3, false, RM_REG(OP_TZCNT) },
	{ MAP_0F, 0xbd, 0x00, false, RM_REG(OP_BSR) },
	{ MAP_0F, 0xbd, 0x66, false, RM_REG(OP_BSR) },
	{ MAP_0F, 0xbd, 0xf2, false, RM_REG(OP_BSR) },
	{ MAP_0F, 0xbd, 0xf3, false, RM_REG(OP_LZCNT) },
	/* MOVNTI */
	{ MAP_0F, 0xc3, 0x00, false, { OP_MOV, OPND_RM, OPND_REG, 0, F_MODRM | F_MEM | F_NO16 } },
	{ MAP_0F38, 0xf0, 0x00, false, { OP_MOVBE, OPND_REG, OPND_RM, 0, F_MODRM | F_MEM } },
	{ MAP_0F38, 0xf0, 0x66, false, { OP_MOVBE, OPND_REG, OPND_RM, 0, F_MODRM | F_MEM } },
	{ MAP_0F38, 0xf0, 0xf2, false, { OP_CRC32, OPND_REG, OPND_RM8, 0, F_MODRM } },
	{ MAP_0F38, 0xf1, 0x00, false, { OP_MOVBE, OPND_RM, OPND_REG, 0, F_MODRM | F_MEM } },
	{ MAP_0F38, 0xf1, 0x66, false, { OP_MOVBE, OPND_RM, OPND_REG, 0, F_MODRM | F_MEM } },
	{ MAP_0F38, 0xf1, 0xf2, false, RM_REG(OP_CRC32) },
	{ MAP_0F38, 0xf6, 0x66, false, RM_REG32(OP_ADCX) },
	{ MAP_0F38, 0xf6, 0xf3, false, RM_REG32(OP_ADOX) },
	{ MAP_0F38, 0xf2, 0x00, true, RM_REG32(OP_ANDN) },
	{ MAP_0F38, 0xf3, 0x00, true,
	  { OP_GROUP, OPND_VEX, OPND_RM, 0, F_MODRM | F_NO16, GROUP_17 } },
	{ MAP_0F38, 0xf5, 0x00, true, RM_REG32(OP_BZHI) },
	{ MAP_0F38, 0xf5, 0xf3, true, RM_REG32(OP_PEXT) },
	{ MAP_0F38, 0xf5, 0xf2, true, RM_REG32(OP_PDEP) },
	{ MAP_0F38, 0xf6, 0xf2, true, RM_REG32(OP_MULX) },
	{ MAP_0F38, 0xf7, 0x00, true, RM_REG32(OP_BEXTR) },
	{ MAP_0F38, 0xf7, 0x66, true, RM_REG32(OP_SHLX) },
	{ MAP_0F38, 0xf7, 0xf3, true, RM_REG32(OP_SARX) },
	{ MAP_0F38, 0xf7, 0xf2, true, RM_REG32(OP_SHRX) },
	{ MAP_0F3A, 0xf0, 0xf2, true, { OP_RORX, OPND_REG, OPND_RM, IMM_U8, F_MODRM | F_NO16 } },
};

struct insn_form insn_by_prefix(enum insn_map map, u8 opcode, u8 prefix, bool vex)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(by_prefix); i++)
		if (by_prefix[i].map == map && by_prefix[i].opcode == opcode &&
		    by_prefix[i].prefix == prefix && by_prefix[i].vex == vex)
			return by_prefix[i].form;
	return (struct insn_form) { OP_UNKNOWN };
}

/* --- by all of ModRM --- */

/* The register forms of 0F 01. */
static struct insn_form group7_register(u8 modrm)
{
	switch (modrm) {
	case 0xc1:
		return (struct insn_form) { OP_VMCALL };
	case 0xca:
		return (struct insn_form) { OP_CLAC };
	case 0xcb:
		return (struct insn_form) { OP_STAC };
	case 0xd0:
		return (struct insn_form) { OP_XGETBV };
	case 0xd1:
		return (struct insn_form) { OP_XSETBV };
	case 0xd9:
		return (struct insn_form) { OP_VMMCALL };
	case 0xf8:
		return (struct insn_form) { OP_SWAPGS, .flags = F_ONLY64 };
	case 0xf9:
		return (struct insn_form) { OP_RDTSCP };
	default:
		return (struct insn_form) { OP_UNKNOWN };
	}
}

/* 0F AE: barriers have registers; with memory, only what acts on cache lines. */
static struct insn_form group15(u8 prefix, u8 modrm)
{
	u8 reg = (modrm >> 3) & 7;
	bool mem = modrm < 0xc0;

	if (mem && ((prefix == 0 && reg == 7) || (prefix == 0x66 && reg >= 6)))
		return (struct insn_form) { OP_CACHE_LINE, OPND_RM };
	if (!mem && prefix == 0 && reg >= 5)
		return (struct insn_form) { OP_NOP };
	if (!mem && prefix == 0xf3 && reg < 4)
		return (struct insn_form) { OP_FSGSBASE, OPND_RM, .flags = F_ONLY64 };
	return (struct insn_form) { OP_UNKNOWN };
}

/* x87: the few that firmware and boot loaders find out about the unit with. */
static struct insn_form x87(u8 opcode, u8 modrm)
{
	switch (opcode << 8 | (modrm < 0xc0 ? modrm & 0x38 : modrm)) {
	case 0xd938:
		return (struct insn_form) { OP_FNSTCW, OPND_RM };
	case 0xd9d0:
		return (struct insn_form) { OP_FNOP };
	case 0xdbe2:
		return (struct insn_form) { OP_FNCLEX };
	case 0xdbe3:
		return (struct insn_form) { OP_FNINIT };
	case 0xdd38:
		return (struct insn_form) { OP_FNSTSW, OPND_RM };
	case 0xdfe0:
		return (struct insn_form) { OP_FNSTSW, OPND_ACC };
	default:
		return (struct insn_form) { OP_UNKNOWN };
	}
}

struct insn_form insn_by_modrm(u8 opcode, u8 prefix, u8 modrm)
{
	if (opcode == 0x01)
		return prefix ? (struct insn_form) { OP_UNKNOWN } : group7_register(modrm);
	return opcode == 0xae ? group15(prefix, modrm) : x87(opcode, modrm);
}

/* --- moves --- */

static const struct {
	u8 opcode, prefix;
	struct insn_sse sse;
} sse_moves[] = {
	{ 0x10, 0x00, { 16 } },					/* MOVUPS */
	{ 0x10, 0x66, { 16 } },					/* MOVUPD */
	{ 0x10, 0xf3, { 4, SSE_LIG } },				/* MOVSS */
	{ 0x10, 0xf2, { 8, SSE_LIG } },				/* MOVSD */
	{ 0x11, 0x00, { 16, SSE_STORE } },
	{ 0x11, 0x66, { 16, SSE_STORE } },
	{ 0x11, 0xf3, { 4, SSE_STORE | SSE_LIG } },
	{ 0x11, 0xf2, { 8, SSE_STORE | SSE_LIG } },
	{ 0x12, 0x00, { 8, SSE_MERGE | SSE_MEM } },		/* MOVLPS */
	{ 0x12, 0x66, { 8, SSE_MERGE | SSE_MEM } },		/* MOVLPD */
	{ 0x13, 0x00, { 8, SSE_STORE | SSE_MEM } },
	{ 0x13, 0x66, { 8, SSE_STORE | SSE_MEM } },
	{ 0x16, 0x00, { 8, SSE_HIGH | SSE_MERGE | SSE_MEM } },	/* MOVHPS */
	{ 0x16, 0x66, { 8, SSE_HIGH | SSE_MERGE | SSE_MEM } },	/* MOVHPD */
	{ 0x17, 0x00, { 8, SSE_STORE | SSE_HIGH | SSE_MEM } },
	{ 0x17, 0x66, { 8, SSE_STORE | SSE_HIGH | SSE_MEM } },
	{ 0x28, 0x00, { 16, SSE_ALIGNED } },			/* MOVAPS */
	{ 0x28, 0x66, { 16, SSE_ALIGNED } },			/* MOVAPD */
	{ 0x29, 0x00, { 16, SSE_STORE | SSE_ALIGNED } },
	{ 0x29, 0x66, { 16, SSE_STORE | SSE_ALIGNED } },
	{ 0x2b, 0x00, { 16, SSE_STORE | SSE_ALIGNED | SSE_MEM } },	/* MOVNTPS */
	{ 0x2b, 0x66, { 16, SSE_STORE | SSE_ALIGNED | SSE_MEM } },	/* MOVNTPD */
	{ 0x6e, 0x00, { 4, SSE_GPR | SSE_MMX } },		/* MOVD, MOVQ with REX.W */
	{ 0x6e, 0x66, { 4, SSE_GPR } },				/* MOVD, MOVQ with REX.W */
	{ 0x6f, 0x00, { 8, SSE_MMX } },				/* MOVQ */
	{ 0x6f, 0x66, { 16, SSE_ALIGNED } },			/* MOVDQA */
	{ 0x6f, 0xf3, { 16 } },					/* MOVDQU */
	{ 0x7e, 0x00, { 4, SSE_STORE | SSE_GPR | SSE_MMX } },
	{ 0x7e, 0x66, { 4, SSE_STORE | SSE_GPR } },
	{ 0x7e, 0xf3, { 8 } },					/* MOVQ */
	{ 0x7f, 0x00, { 8, SSE_STORE | SSE_MMX } },
	{ 0x7f, 0x66, { 16, SSE_STORE | SSE_ALIGNED } },
	{ 0x7f, 0xf3, { 16, SSE_STORE } },
	{ 0xd6, 0x66, { 8, SSE_STORE } },			/* MOVQ */
	{ 0xe7, 0x00, { 8, SSE_STORE | SSE_MEM | SSE_MMX } },	/* MOVNTQ */
	{ 0xe7, 0x66, { 16, SSE_STORE | SSE_ALIGNED | SSE_MEM } },	/* MOVNTDQ */
	{ 0xf0, 0xf2, { 16, SSE_MEM } },			/* LDDQU */
};

/* 66 0F 38 2A: the one load of that map. */
static const struct insn_sse movntdqa = { 16, SSE_ALIGNED | SSE_MEM };

const struct insn_sse *insn_sse_find(enum insn_map map, u8 opcode, u8 prefix)
{
	unsigned int i;

	if (map == MAP_0F38)
		return opcode == 0x2a && prefix == 0x66 ? &movntdqa : NULL;
	if (map != MAP_0F)
		return NULL;

	for (i = 0; i < ARRAY_SIZE(sse_moves); i++)
		if (sse_moves[i].opcode == opcode && sse_moves[i].prefix == prefix)
			return &sse_moves[i].sse;
	return NULL;
}
