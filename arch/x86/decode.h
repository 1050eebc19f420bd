/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From instruction bytes to what they mean: pure functions of the bytes and of
 * the code segment's mode (decode.c over the tables of decode_table.c).  They
 * read no guest state and touch no vCPU, and so can be tested anywhere.
 *
 * Manuals: APM vol. 3, Instruction Encoding and Opcode and Operand Encodings.
 */
#ifndef LODGE_DECODE_H
#define LODGE_DECODE_H

#include <linux/bits.h>
#include <linux/types.h>

#define INSN_MAX_LEN	15	/* a longer one is #GP */

/* What an instruction does.  The order within marked groups is that of the encoding. */
enum insn_op {
	OP_UNKNOWN,
	OP_PREFIX,		/* in the tables only, as the next two */
	OP_ESCAPE,
	OP_GROUP,
	OP_BY_PREFIX,		/* 66, F2 and F3 make it another instruction */
	OP_BY_MODRM,
	OP_SSE,			/* a move; insn.sse tells which */

	/* opcode bits 5:3, and group 1 */
	OP_ADD, OP_OR, OP_ADC, OP_SBB, OP_AND, OP_SUB, OP_XOR, OP_CMP,
	/* group 2 */
	OP_ROL, OP_ROR, OP_RCL, OP_RCR, OP_SHL, OP_SHR, OP_SAL, OP_SAR,
	/* group 8 */
	OP_BT, OP_BTS, OP_BTR, OP_BTC,

	OP_TEST, OP_INC, OP_DEC, OP_NOT, OP_NEG, OP_ADCX, OP_ADOX,
	OP_MOV, OP_MOVZX, OP_MOVSX, OP_MOVBE, OP_LEA, OP_CMOV, OP_SETCC,
	OP_XCHG, OP_XADD, OP_CMPXCHG, OP_CMPXCHG8B,
	OP_PUSH, OP_POP, OP_PUSHA, OP_POPA, OP_ENTER, OP_LEAVE,
	OP_CALL, OP_RET, OP_JMP, OP_JCC, OP_LOOP,
	OP_MOVS, OP_CMPS, OP_STOS, OP_LODS, OP_SCAS, OP_INS, OP_OUTS,
	OP_IN, OP_OUT,
	OP_CLC, OP_STC, OP_CMC, OP_CLD, OP_STD, OP_LAHF, OP_SAHF, OP_NOP, OP_UD,
	/* emulate_muldiv.c; the order within is that of group 3 */
	OP_MUL, OP_IMUL, OP_DIV, OP_IDIV, OP_IMUL_TO,
	/* emulate_bits.c */
	OP_SHLD, OP_SHRD, OP_BSF, OP_BSR, OP_TZCNT, OP_LZCNT, OP_POPCNT, OP_BSWAP, OP_CRC32,
	OP_ANDN, OP_BLSR, OP_BLSMSK, OP_BLSI, OP_BZHI, OP_BEXTR, OP_PEXT, OP_PDEP,
	OP_MULX, OP_RORX, OP_SHLX, OP_SARX, OP_SHRX,
	/* emulate_convert.c */
	OP_CBW, OP_CWD, OP_XLAT, OP_SALC, OP_DAA, OP_DAS, OP_AAA, OP_AAS, OP_AAM, OP_AAD,
	OP_BOUND, OP_ARPL,
	OP_FNINIT, OP_FNCLEX, OP_FNOP, OP_FNSTCW, OP_FNSTSW, OP_FWAIT,

	/* emulate_system.c */
	OP_CLTS, OP_SMSW, OP_LMSW, OP_INVLPG, OP_WBINVD,
	OP_MOV_FROM_CR, OP_MOV_TO_CR, OP_MOV_FROM_DR, OP_MOV_TO_DR,
	OP_CPUID, OP_RDMSR, OP_WRMSR, OP_RDTSC, OP_RDTSCP, OP_RDPMC, OP_HLT,
	OP_VMCALL, OP_VMMCALL, OP_XGETBV, OP_XSETBV, OP_SWAPGS, OP_CLAC, OP_STAC,
	OP_CACHE_LINE, OP_FSGSBASE,
	/* the same, of descriptor tables: emulate_table.c */
	OP_SGDT, OP_SIDT, OP_LGDT, OP_LIDT, OP_SLDT, OP_STR, OP_LLDT, OP_LTR,
	OP_VERR, OP_VERW, OP_LAR, OP_LSL,

	/* segments: emulate_segment.c */
	OP_MOV_FROM_SREG, OP_MOV_TO_SREG, OP_PUSH_SREG, OP_POP_SREG, OP_LOAD_FAR,
	/* far branches: emulate_far.c */
	OP_JMP_FAR, OP_CALL_FAR, OP_RET_FAR,
	/* flags and interrupts: emulate_flags.c, emulate_int.c, emulate_iret.c */
	OP_CLI, OP_STI, OP_PUSHF, OP_POPF, OP_INT, OP_IRET,
	NR_INSN_OPS,
};

/* Where an operand is. */
enum insn_operand {
	OPND_NONE,
	OPND_RM,		/* ModRM.r/m: register or memory */
	OPND_RM8, OPND_RM16, OPND_RM32,	/* the same, of this size whatever the operand size */
	OPND_REG,		/* ModRM.reg */
	OPND_OPREG,		/* the low bits of the opcode */
	OPND_ACC,		/* rAX */
	OPND_MOFFS,		/* memory, its offset in the instruction */
	OPND_IMM,
	OPND_ONE, OPND_CL,	/* counts of shifts */
	OPND_DX,		/* a port */
	OPND_VEX,		/* the register that VEX names */
};

/* Numbers of segment registers as instructions encode them. */
enum insn_seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

#define NO_REG	0xff		/* no base, or no index */

/* What an SSE move is, beside its opcode. */
struct insn_sse {
	u8 size;		/* of the memory operand: 4, 8 or 16; with VEX.L 32 for 16 */
	u16 flags;
};
#define SSE_STORE	BIT(0)	/* from the register to r/m */
#define SSE_ALIGNED	BIT(1)	/* #GP when the memory operand is not */
#define SSE_HIGH	BIT(2)	/* the register's upper half */
#define SSE_MERGE	BIT(3)	/* a load leaves the rest of the register as it is */
#define SSE_GPR		BIT(4)	/* r/m is a general register, not XMM */
#define SSE_MEM		BIT(5)	/* r/m cannot be a register */
#define SSE_MMX		BIT(6)	/* the register is MMX's */
#define SSE_LIG		BIT(7)	/* VEX.L says nothing */
#define SSE_NO_VEX	BIT(8)

struct lodge_insn {
	u8 op;			/* enum insn_op */
	u8 dst, src;		/* enum insn_operand */
	u8 len;			/* bytes, prefixes and all */
	u8 opcode;		/* the last opcode byte */
	u8 mode;		/* of the code: 2, 4 or 8 bytes */
	u8 size;		/* operand size in bytes */
	u8 addr_size;
	u8 rex;			/* the prefix, or 0 */
	u8 rep;			/* 0xf2, 0xf3 or 0 */
	u8 vex_reg;		/* the register that VEX names beside those of ModRM */
	bool vex, vex_256;
	bool opsize;		/* has the 0x66 prefix */
	bool lock;
	u8 reg, rm;		/* from ModRM, extended by REX */
	bool mem;		/* r/m is memory: the fields below */
	bool rip_rel;		/* disp counts from the next instruction */
	u8 seg;			/* enum insn_seg; for strings, of the source */
	u8 base, index;		/* registers, or NO_REG */
	u8 shift;		/* log2 of the index's scale */
	struct insn_sse sse;
	s64 disp;		/* also the offset of OPND_MOFFS, and IMM_FAR's selector */
	u64 imm;		/* sign-extended where the instruction does that */
};

enum insn_status {
	INSN_OK,
	INSN_SHORT,		/* more bytes are needed */
	INSN_UNKNOWN,		/* not in the tables: it may be anything */
	INSN_INVALID,		/* #UD on every CPU */
};

/**
 * lodge_decode - decode one instruction
 * @mode: bytes of the code segment's default: 2, 4, or 8 in 64-bit mode
 * @bytes: the instruction, @n of them; no more are looked at
 *
 * Unless the status is INSN_OK, @insn holds nothing that may be used.
 */
enum insn_status lodge_decode(struct lodge_insn *insn, unsigned int mode, const u8 *bytes,
			      unsigned int n);

/* How many of @bytes are prefixes, REX included in 64-bit mode. */
unsigned int lodge_decode_prefixes(unsigned int mode, const u8 *bytes, unsigned int n);

/* --- decode_table.c, for decode.c --- */

/* What immediate follows. */
enum insn_imm {
	IMM_NONE,
	IMM_8,			/* sign-extended */
	IMM_U8,
	IMM_16,
	IMM_Z,			/* operand size, 4 bytes at most, sign-extended */
	IMM_V,			/* operand size, 8 bytes too */
	IMM_MOFFS,		/* address size */
	IMM_FAR,		/* operand size, then a selector */
	IMM_ENTER,		/* 16 bits, unsigned; then 8, which are disp */
};

#define F_MODRM		BIT(0)
#define F_BYTE		BIT(1)	/* operands are bytes */
#define F_MAY_LOCK		BIT(2)	/* LOCK is allowed, with memory as destination */
#define F_STACK		BIT(3)	/* 64 bits without REX.W in 64-bit mode */
#define F_NO64		BIT(4)	/* #UD in 64-bit mode */
#define F_MEM		BIT(5)	/* r/m must be memory */
#define F_PORT		BIT(6)	/* no more than 32 bits */
#define F_CTRL		BIT(7)	/* r/m is a register whatever ModRM.mod; 32 or 64 bits by mode */
#define F_NO16		BIT(9)	/* 66 is no operand size: 32 or 64 bits */
#define F_ONLY64	BIT(8)	/* #UD outside 64-bit mode */

struct insn_form {
	u8 op;
	u8 dst, src;
	u8 imm;			/* enum insn_imm */
	u16 flags;
	u8 group;		/* for OP_GROUP */
};

enum insn_group {
	GROUP_1, GROUP_1A, GROUP_2, GROUP_3, GROUP_4, GROUP_5, GROUP_6, GROUP_7, GROUP_8,
	GROUP_9, GROUP_11, GROUP_17, NR_INSN_GROUPS
};

/* The maps, by the bytes before the opcode. */
enum insn_map { MAP_ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A };

extern const struct insn_form insn_one_byte[256];
extern const struct insn_form insn_0f[256];
/* Selected by ModRM.reg; what an entry leaves zero comes from the opcode's own. */
extern const struct insn_form insn_groups[NR_INSN_GROUPS][8];

/*
 * What @opcode of @map is with mandatory prefix @prefix (0, 66, f2, f3), and with VEX or
 * without; OP_UNKNOWN when nothing.
 */
struct insn_form insn_by_prefix(enum insn_map map, u8 opcode, u8 prefix, bool vex);
/* The same where all of ModRM says what it is: 0F 01 with a register, 0F AE, x87. */
struct insn_form insn_by_modrm(u8 opcode, u8 prefix, u8 modrm);

/* The SSE move that @opcode of @map is with mandatory prefix @prefix, or NULL. */
const struct insn_sse *insn_sse_find(enum insn_map map, u8 opcode, u8 prefix);

#endif
