// SPDX-License-Identifier: GPL-2.0
/*
 * The map of one-byte opcodes, and the groups (APM vol. 3, Opcode and Operand Encodings):
 * only what the emulator executes.  An entry that is not here decodes to OP_UNKNOWN;
 * selftests/emulator/emulator_maps.c has the reason.
 */
#include <linux/kernel.h>

#include "decode.h"

/* The six forms of the instructions that opcode bits 5:3 choose. */
#define ALU(base, op, lock)							\
	[(base) + 0] = { op, OPND_RM, OPND_REG, 0, F_MODRM | F_BYTE | (lock) },	\
	[(base) + 1] = { op, OPND_RM, OPND_REG, 0, F_MODRM | (lock) },		\
	[(base) + 2] = { op, OPND_REG, OPND_RM, 0, F_MODRM | F_BYTE },		\
	[(base) + 3] = { op, OPND_REG, OPND_RM, 0, F_MODRM },			\
	[(base) + 4] = { op, OPND_ACC, OPND_IMM, IMM_8, F_BYTE },		\
	[(base) + 5] = { op, OPND_ACC, OPND_IMM, IMM_Z }

#define PREFIX	{ OP_PREFIX }

/* A string instruction: bytes at the even opcode, operand size at the odd one. */
#define STRING(base, op)							\
	[(base) + 0] = { op, 0, 0, 0, F_BYTE },					\
	[(base) + 1] = { op }

/* PUSH and POP of a segment register, which the opcode names. */
#define SREG(push, pop, flags)							\
	[push] = { OP_PUSH_SREG, 0, 0, 0, flags },				\
	[pop] = { OP_POP_SREG, 0, 0, 0, flags }

const struct insn_form insn_one_byte[256] = {
	ALU(0x00, OP_ADD, F_MAY_LOCK),
	ALU(0x08, OP_OR, F_MAY_LOCK),
	ALU(0x10, OP_ADC, F_MAY_LOCK),
	ALU(0x18, OP_SBB, F_MAY_LOCK),
	ALU(0x20, OP_AND, F_MAY_LOCK),
	ALU(0x28, OP_SUB, F_MAY_LOCK),
	ALU(0x30, OP_XOR, F_MAY_LOCK),
	ALU(0x38, OP_CMP, 0),
	SREG(0x06, 0x07, F_NO64),				/* ES */
	[0x0e] = { OP_PUSH_SREG, 0, 0, 0, F_NO64 },		/* CS */
	SREG(0x16, 0x17, F_NO64),				/* SS */
	SREG(0x1e, 0x1f, F_NO64),				/* DS */
	[0x0f] = { OP_ESCAPE },
	[0x26] = PREFIX, [0x2e] = PREFIX, [0x36] = PREFIX, [0x3e] = PREFIX,
	[0x27] = { OP_DAA, 0, 0, 0, F_NO64 },
	[0x2f] = { OP_DAS, 0, 0, 0, F_NO64 },
	[0x37] = { OP_AAA, 0, 0, 0, F_NO64 },
	[0x3f] = { OP_AAS, 0, 0, 0, F_NO64 },
	[0x40 ... 0x47] = { OP_INC, OPND_OPREG, 0, 0, F_NO64 },
	[0x48 ... 0x4f] = { OP_DEC, OPND_OPREG, 0, 0, F_NO64 },
	[0x50 ... 0x57] = { OP_PUSH, 0, OPND_OPREG, 0, F_STACK },
	[0x58 ... 0x5f] = { OP_POP, OPND_OPREG, 0, 0, F_STACK },
	[0x60] = { OP_PUSHA, 0, 0, 0, F_NO64 },
	[0x61] = { OP_POPA, 0, 0, 0, F_NO64 },
	[0x62] = { OP_BOUND, 0, 0, 0, F_MODRM | F_NO64 | F_MEM },
	/* 63 is ARPL outside 64-bit mode: decode.c looks. */
	[0x63] = { OP_MOVSX, OPND_REG, OPND_RM32, 0, F_MODRM },
	[0x64 ... 0x67] = PREFIX,
	[0x68] = { OP_PUSH, 0, OPND_IMM, IMM_Z, F_STACK },
	[0x69] = { OP_IMUL_TO, OPND_REG, OPND_RM, IMM_Z, F_MODRM },
	[0x6a] = { OP_PUSH, 0, OPND_IMM, IMM_8, F_STACK },
	[0x6b] = { OP_IMUL_TO, OPND_REG, OPND_RM, IMM_8, F_MODRM },
	[0x6c] = { OP_INS, 0, OPND_DX, 0, F_BYTE },
	[0x6d] = { OP_INS, 0, OPND_DX, 0, F_PORT },
	[0x6e] = { OP_OUTS, OPND_DX, 0, 0, F_BYTE },
	[0x6f] = { OP_OUTS, OPND_DX, 0, 0, F_PORT },
	[0x70 ... 0x7f] = { OP_JCC, 0, OPND_IMM, IMM_8, F_STACK },
	[0x80] = { OP_GROUP, OPND_RM, OPND_IMM, IMM_8, F_MODRM | F_BYTE, GROUP_1 },
	[0x81] = { OP_GROUP, OPND_RM, OPND_IMM, IMM_Z, F_MODRM, GROUP_1 },
	[0x82] = { OP_GROUP, OPND_RM, OPND_IMM, IMM_8, F_MODRM | F_BYTE | F_NO64, GROUP_1 },
	[0x83] = { OP_GROUP, OPND_RM, OPND_IMM, IMM_8, F_MODRM, GROUP_1 },
	[0x84] = { OP_TEST, OPND_RM, OPND_REG, 0, F_MODRM | F_BYTE },
	[0x85] = { OP_TEST, OPND_RM, OPND_REG, 0, F_MODRM },
	[0x86] = { OP_XCHG, OPND_RM, OPND_REG, 0, F_MODRM | F_BYTE | F_MAY_LOCK },
	[0x87] = { OP_XCHG, OPND_RM, OPND_REG, 0, F_MODRM | F_MAY_LOCK },
	[0x88] = { OP_MOV, OPND_RM, OPND_REG, 0, F_MODRM | F_BYTE },
	[0x89] = { OP_MOV, OPND_RM, OPND_REG, 0, F_MODRM },
	[0x8a] = { OP_MOV, OPND_REG, OPND_RM, 0, F_MODRM | F_BYTE },
	[0x8b] = { OP_MOV, OPND_REG, OPND_RM, 0, F_MODRM },
	[0x8c] = { OP_MOV_FROM_SREG, OPND_RM, 0, 0, F_MODRM },
	[0x8d] = { OP_LEA, OPND_REG, OPND_RM, 0, F_MODRM | F_MEM },
	[0x8e] = { OP_MOV_TO_SREG, 0, OPND_RM16, 0, F_MODRM },
	[0x8f] = { OP_GROUP, OPND_RM, 0, 0, F_MODRM | F_STACK, GROUP_1A },
	[0x90 ... 0x97] = { OP_XCHG, OPND_OPREG, OPND_ACC },
	[0x98] = { OP_CBW },
	[0x99] = { OP_CWD },
	[0x9a] = { OP_CALL_FAR, 0, OPND_IMM, IMM_FAR, F_NO64 },
	[0x9b] = { OP_FWAIT },
	[0x9c] = { OP_PUSHF, 0, 0, 0, F_STACK },
	[0x9d] = { OP_POPF, 0, 0, 0, F_STACK },
	[0x9e] = { OP_SAHF },
	[0x9f] = { OP_LAHF },
	[0xa0] = { OP_MOV, OPND_ACC, OPND_MOFFS, IMM_MOFFS, F_BYTE },
	[0xa1] = { OP_MOV, OPND_ACC, OPND_MOFFS, IMM_MOFFS },
	[0xa2] = { OP_MOV, OPND_MOFFS, OPND_ACC, IMM_MOFFS, F_BYTE },
	[0xa3] = { OP_MOV, OPND_MOFFS, OPND_ACC, IMM_MOFFS },
	STRING(0xa4, OP_MOVS),
	STRING(0xa6, OP_CMPS),
	[0xa8] = { OP_TEST, OPND_ACC, OPND_IMM, IMM_8, F_BYTE },
	[0xa9] = { OP_TEST, OPND_ACC, OPND_IMM, IMM_Z },
	STRING(0xaa, OP_STOS),
	STRING(0xac, OP_LODS),
	STRING(0xae, OP_SCAS),
	[0xb0 ... 0xb7] = { OP_MOV, OPND_OPREG, OPND_IMM, IMM_8, F_BYTE },
	[0xb8 ... 0xbf] = { OP_MOV, OPND_OPREG, OPND_IMM, IMM_V },
	[0xc0] = { OP_GROUP, OPND_RM, OPND_IMM, IMM_U8, F_MODRM | F_BYTE, GROUP_2 },
	[0xc1] = { OP_GROUP, OPND_RM, OPND_IMM, IMM_U8, F_MODRM, GROUP_2 },
	[0xc2] = { OP_RET, 0, OPND_IMM, IMM_16, F_STACK },
	[0xc3] = { OP_RET, 0, 0, 0, F_STACK },
	/* Without memory, and in 64-bit mode, these two are VEX: decode.c looks. */
	[0xc4] = { OP_LOAD_FAR, OPND_REG, 0, 0, F_MODRM | F_NO64 | F_MEM },	/* LES */
	[0xc5] = { OP_LOAD_FAR, OPND_REG, 0, 0, F_MODRM | F_NO64 | F_MEM },	/* LDS */
	[0xc6] = { OP_GROUP, OPND_RM, OPND_IMM, IMM_8, F_MODRM | F_BYTE, GROUP_11 },
	[0xc7] = { OP_GROUP, OPND_RM, OPND_IMM, IMM_Z, F_MODRM, GROUP_11 },
	[0xc8] = { OP_ENTER, 0, OPND_IMM, IMM_ENTER, F_STACK },
	[0xc9] = { OP_LEAVE, 0, 0, 0, F_STACK },
	[0xca] = { OP_RET_FAR, 0, OPND_IMM, IMM_16 },
	[0xcb] = { OP_RET_FAR },
	[0xcc] = { OP_INT },
	[0xcd] = { OP_INT, 0, OPND_IMM, IMM_U8 },
	[0xce] = { OP_INT, 0, 0, 0, F_NO64 },
	[0xcf] = { OP_IRET },
	[0xd0] = { OP_GROUP, OPND_RM, OPND_ONE, 0, F_MODRM | F_BYTE, GROUP_2 },
	[0xd1] = { OP_GROUP, OPND_RM, OPND_ONE, 0, F_MODRM, GROUP_2 },
	[0xd2] = { OP_GROUP, OPND_RM, OPND_CL, 0, F_MODRM | F_BYTE, GROUP_2 },
	[0xd3] = { OP_GROUP, OPND_RM, OPND_CL, 0, F_MODRM, GROUP_2 },
	[0xd4] = { OP_AAM, 0, OPND_IMM, IMM_U8, F_NO64 },
	[0xd5] = { OP_AAD, 0, OPND_IMM, IMM_U8, F_NO64 },
	[0xd6] = { OP_SALC, 0, 0, 0, F_NO64 },
	[0xd7] = { OP_XLAT, 0, 0, 0, F_BYTE },
	[0xd9] = { OP_BY_MODRM, 0, 0, 0, F_MODRM },
	[0xdb] = { OP_BY_MODRM, 0, 0, 0, F_MODRM },
	[0xdd] = { OP_BY_MODRM, 0, 0, 0, F_MODRM },
	[0xdf] = { OP_BY_MODRM, 0, 0, 0, F_MODRM },
	[0xe0 ... 0xe3] = { OP_LOOP, 0, OPND_IMM, IMM_8, F_STACK },
	[0xe4] = { OP_IN, OPND_ACC, OPND_IMM, IMM_U8, F_BYTE },
	[0xe5] = { OP_IN, OPND_ACC, OPND_IMM, IMM_U8, F_PORT },
	[0xe6] = { OP_OUT, OPND_IMM, OPND_ACC, IMM_U8, F_BYTE },
	[0xe7] = { OP_OUT, OPND_IMM, OPND_ACC, IMM_U8, F_PORT },
	[0xe8] = { OP_CALL, 0, OPND_IMM, IMM_Z, F_STACK },
	[0xe9] = { OP_JMP, 0, OPND_IMM, IMM_Z, F_STACK },
	[0xea] = { OP_JMP_FAR, 0, OPND_IMM, IMM_FAR, F_NO64 },
	[0xeb] = { OP_JMP, 0, OPND_IMM, IMM_8, F_STACK },
	[0xec] = { OP_IN, OPND_ACC, OPND_DX, 0, F_BYTE },
	[0xed] = { OP_IN, OPND_ACC, OPND_DX, 0, F_PORT },
	[0xee] = { OP_OUT, OPND_DX, OPND_ACC, 0, F_BYTE },
	[0xef] = { OP_OUT, OPND_DX, OPND_ACC, 0, F_PORT },
	[0xf0] = PREFIX, [0xf2] = PREFIX, [0xf3] = PREFIX,
	[0xf4] = { OP_HLT },
	[0xf5] = { OP_CMC },
	[0xf6] = { OP_GROUP, OPND_RM, 0, 0, F_MODRM | F_BYTE, GROUP_3 },
	[0xf7] = { OP_GROUP, OPND_RM, 0, 0, F_MODRM, GROUP_3 },
	[0xf8] = { OP_CLC },
	[0xf9] = { OP_STC },
	[0xfa] = { OP_CLI },
	[0xfb] = { OP_STI },
	[0xfc] = { OP_CLD },
	[0xfd] = { OP_STD },
	[0xfe] = { OP_GROUP, OPND_RM, 0, 0, F_MODRM | F_BYTE, GROUP_4 },
	[0xff] = { OP_GROUP, 0, 0, 0, F_MODRM, GROUP_5 },
};

const struct insn_form insn_groups[NR_INSN_GROUPS][8] = {
	[GROUP_1] = {
		{ OP_ADD, .flags = F_MAY_LOCK }, { OP_OR, .flags = F_MAY_LOCK },
		{ OP_ADC, .flags = F_MAY_LOCK }, { OP_SBB, .flags = F_MAY_LOCK },
		{ OP_AND, .flags = F_MAY_LOCK }, { OP_SUB, .flags = F_MAY_LOCK },
		{ OP_XOR, .flags = F_MAY_LOCK }, { OP_CMP },
	},
	[GROUP_1A] = { { OP_POP } },
	[GROUP_2] = {
		{ OP_ROL }, { OP_ROR }, { OP_RCL }, { OP_RCR },
		{ OP_SHL }, { OP_SHR }, { OP_SAL }, { OP_SAR },
	},
	[GROUP_3] = {
		{ OP_TEST, .src = OPND_IMM, .imm = IMM_Z },
		{ OP_TEST, .src = OPND_IMM, .imm = IMM_Z },
		{ OP_NOT, .flags = F_MAY_LOCK }, { OP_NEG, .flags = F_MAY_LOCK },
		{ OP_MUL }, { OP_IMUL }, { OP_DIV }, { OP_IDIV },
	},
	[GROUP_4] = { { OP_INC, .flags = F_MAY_LOCK }, { OP_DEC, .flags = F_MAY_LOCK } },
	[GROUP_5] = {
		{ OP_INC, OPND_RM, .flags = F_MAY_LOCK }, { OP_DEC, OPND_RM, .flags = F_MAY_LOCK },
		{ OP_CALL, .src = OPND_RM, .flags = F_STACK },
		{ OP_CALL_FAR, .src = OPND_RM, .flags = F_MEM },
		{ OP_JMP, .src = OPND_RM, .flags = F_STACK },
		{ OP_JMP_FAR, .src = OPND_RM, .flags = F_MEM },
		{ OP_PUSH, .src = OPND_RM, .flags = F_STACK }, { },
	},
	[GROUP_6] = {
		{ OP_SLDT, OPND_RM }, { OP_STR, OPND_RM },
		{ OP_LLDT, .src = OPND_RM16 }, { OP_LTR, .src = OPND_RM16 },
		{ OP_VERR, .src = OPND_RM16 }, { OP_VERW, .src = OPND_RM16 },
	},
	/* With a register as r/m, 0F 01 is many things: insn_by_modrm(). */
	[GROUP_7] = {
		[0] = { OP_SGDT, .flags = F_MEM }, [1] = { OP_SIDT, .flags = F_MEM },
		[2] = { OP_LGDT, .flags = F_MEM }, [3] = { OP_LIDT, .flags = F_MEM },
		[4] = { OP_SMSW, OPND_RM }, [6] = { OP_LMSW, .src = OPND_RM16 },
		[7] = { OP_INVLPG, .flags = F_MEM },
	},
	[GROUP_8] = {
		[4] = { OP_BT }, [5] = { OP_BTS, .flags = F_MAY_LOCK },
		[6] = { OP_BTR, .flags = F_MAY_LOCK }, [7] = { OP_BTC, .flags = F_MAY_LOCK },
	},
	[GROUP_9] = { [1] = { OP_CMPXCHG8B, .flags = F_MAY_LOCK | F_MEM } },
	[GROUP_11] = { { OP_MOV } },
	[GROUP_17] = { [1] = { OP_BLSR }, [2] = { OP_BLSMSK }, [3] = { OP_BLSI } },
};
