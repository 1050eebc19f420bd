// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: of every opcode there is, the decoder knows what it is, or there is a reason here
 * why it need not.  The maps are walked whole, with every ModRM.reg, mandatory prefix and
 * mode; an opcode that is unknown and has no reason fails, and so does a reason for one
 * that is known.
 */
#include <kselftest.h>

#include "decode.h"

enum { ONE_BYTE, OF, OF38, OF3A, VEX_0F, VEX_0F38, VEX_0F3A, NR_TEST_MAPS };

static const char *const map_names[] = {
	"one byte", "0F", "0F 38", "0F 3A", "VEX 0F", "VEX 0F 38", "VEX 0F 3A",
};

#define UNDEFINED	"undefined: #UD from the CPU, or reserved"
#define X87		"no driver computes with a device's registers in the x87 unit"
#define SIMD		"vector arithmetic: what a device's register holds is moved first"
#define NO_MEMORY	"no memory operand, and no intercept: it executes on the CPU"
#define OWN_EXIT	"exits by itself where it is intercepted, and is handled there"
#define STATE		"saves and restores of whole states go to RAM"
#define TSX		"a transaction aborts at a device, before it gets here"
#define KEYS		"shadow stacks, enclaves, tiles, keys: no guest is offered them"
#define VENDOR		"of one maker's CPUs, and gone from them"

#define ALL	0xff

/* Opcodes @first to @last, with those of ModRM.reg whose bit is set. */
static const struct reason {
	unsigned char map, first, last, regs;
	const char *why;
} reasons[] = {
	{ ONE_BYTE, 0x8f, 0x8f, 0xfe, VENDOR },		/* XOP */
	{ ONE_BYTE, 0xc6, 0xc7, 0xfe, TSX },
	{ ONE_BYTE, 0xd8, 0xd8, ALL, X87 },
	{ ONE_BYTE, 0xd9, 0xd9, 0x7b, X87 },
	{ ONE_BYTE, 0xda, 0xda, ALL, X87 },
	{ ONE_BYTE, 0xdb, 0xdb, 0xef, X87 },
	{ ONE_BYTE, 0xdc, 0xdc, ALL, X87 },
	{ ONE_BYTE, 0xdd, 0xdd, 0x7f, X87 },
	{ ONE_BYTE, 0xde, 0xde, ALL, X87 },
	{ ONE_BYTE, 0xdf, 0xdf, 0xef, X87 },
	{ ONE_BYTE, 0xf1, 0xf1, ALL, NO_MEMORY },	/* INT1 */
	{ ONE_BYTE, 0xfe, 0xfe, 0xfc, UNDEFINED },
	{ ONE_BYTE, 0xff, 0xff, 0x80, UNDEFINED },

	{ OF, 0x00, 0x00, 0xc0, UNDEFINED },
	{ OF, 0x01, 0x01, 0x20, KEYS },
	{ OF, 0x04, 0x04, ALL, UNDEFINED },
	{ OF, 0x05, 0x05, ALL, NO_MEMORY },		/* SYSCALL */
	{ OF, 0x07, 0x07, ALL, NO_MEMORY },		/* SYSRET */
	{ OF, 0x0a, 0x0a, ALL, UNDEFINED },
	{ OF, 0x0c, 0x0c, ALL, UNDEFINED },
	{ OF, 0x0e, 0x0f, ALL, VENDOR },		/* 3DNow! */
	{ OF, 0x14, 0x15, ALL, SIMD },
	{ OF, 0x24, 0x27, ALL, UNDEFINED },
	{ OF, 0x2a, 0x2a, ALL, SIMD },
	{ OF, 0x2c, 0x2f, ALL, SIMD },
	{ OF, 0x34, 0x35, ALL, NO_MEMORY },		/* SYSENTER, SYSEXIT */
	{ OF, 0x36, 0x36, ALL, UNDEFINED },
	{ OF, 0x37, 0x37, ALL, OWN_EXIT },		/* GETSEC */
	{ OF, 0x39, 0x39, ALL, UNDEFINED },
	{ OF, 0x3b, 0x3f, ALL, UNDEFINED },
	{ OF, 0x50, 0x6d, ALL, SIMD },
	{ OF, 0x70, 0x76, ALL, SIMD },
	{ OF, 0x77, 0x77, ALL, NO_MEMORY },		/* EMMS */
	{ OF, 0x78, 0x79, ALL, OWN_EXIT },		/* VMREAD, VMWRITE */
	{ OF, 0x7a, 0x7b, ALL, UNDEFINED },
	{ OF, 0x7c, 0x7d, ALL, SIMD },
	{ OF, 0xa6, 0xa7, ALL, VENDOR },
	{ OF, 0xaa, 0xaa, ALL, OWN_EXIT },		/* RSM */
	{ OF, 0xae, 0xae, 0x10, STATE },
	{ OF, 0xba, 0xba, 0x0f, UNDEFINED },
	{ OF, 0xc2, 0xc2, ALL, SIMD },
	{ OF, 0xc4, 0xc6, ALL, SIMD },
	{ OF, 0xc7, 0xc7, 0x3d, STATE },
	{ OF, 0xc7, 0xc7, 0xc0, OWN_EXIT },		/* VMPTRLD, VMPTRST, RDSEED */
	{ OF, 0xd0, 0xd5, ALL, SIMD },
	{ OF, 0xd7, 0xe6, ALL, SIMD },
	{ OF, 0xe8, 0xef, ALL, SIMD },
	{ OF, 0xf1, 0xfe, ALL, SIMD },

	{ OF38, 0x00, 0x29, ALL, SIMD },
	{ OF38, 0x2b, 0x7f, ALL, SIMD },
	{ OF38, 0x80, 0x82, ALL, OWN_EXIT },		/* INVEPT, INVVPID, INVPCID */
	{ OF38, 0x83, 0xef, ALL, SIMD },
	{ OF38, 0xf2, 0xf4, ALL, UNDEFINED },
	{ OF38, 0xf5, 0xf5, ALL, KEYS },
	{ OF38, 0xf7, 0xf7, ALL, UNDEFINED },
	{ OF38, 0xf8, 0xff, ALL, KEYS },		/* and the direct stores */
	{ OF3A, 0x00, 0xff, ALL, SIMD },

	{ VEX_0F, 0x00, 0x0f, ALL, UNDEFINED },
	{ VEX_0F, 0x14, 0x15, ALL, SIMD },
	{ VEX_0F, 0x18, 0x27, ALL, UNDEFINED },
	{ VEX_0F, 0x2a, 0x2a, ALL, SIMD },
	{ VEX_0F, 0x2c, 0x6d, ALL, SIMD },		/* and the masks of AVX-512 */
	{ VEX_0F, 0x70, 0x7d, ALL, SIMD },
	{ VEX_0F, 0x80, 0xd5, ALL, SIMD },
	{ VEX_0F, 0xd7, 0xe6, ALL, SIMD },
	{ VEX_0F, 0xe8, 0xef, ALL, SIMD },
	{ VEX_0F, 0xf1, 0xff, ALL, SIMD },
	{ VEX_0F38, 0x00, 0x29, ALL, SIMD },
	{ VEX_0F38, 0x2b, 0xf1, ALL, SIMD },
	{ VEX_0F38, 0xf3, 0xf3, 0xf1, UNDEFINED },
	{ VEX_0F38, 0xf4, 0xf4, ALL, UNDEFINED },
	{ VEX_0F38, 0xf8, 0xff, ALL, UNDEFINED },
	{ VEX_0F3A, 0x00, 0xef, ALL, SIMD },
	{ VEX_0F3A, 0xf1, 0xff, ALL, UNDEFINED },
};

static bool used[ARRAY_SIZE(reasons)];

static bool has_reason(unsigned int map, unsigned int opcode, unsigned int reg)
{
	bool found = false;

	for (unsigned int i = 0; i < ARRAY_SIZE(reasons); i++) {
		const struct reason *r = &reasons[i];

		if (r->map != map || opcode < r->first || opcode > r->last ||
		    !(r->regs >> reg & 1))
			continue;
		used[i] = true;
		found = true;
	}
	return found;
}

static unsigned int put_opcode(u8 *b, unsigned int map, unsigned int opcode, unsigned int prefix)
{
	static const u8 prefixes[] = { 0, 0x66, 0xf3, 0xf2 };
	unsigned int n = 0;

	if (map >= VEX_0F) {
		b[n++] = 0xc4;
		b[n++] = 0xe1 + map - VEX_0F;
		b[n++] = 0x78 | prefix;
	} else {
		if (prefix)
			b[n++] = prefixes[prefix];
		if (map != ONE_BYTE)
			b[n++] = 0x0f;
		if (map >= OF38)
			b[n++] = map == OF38 ? 0x38 : 0x3a;
	}
	b[n++] = opcode;
	return n;
}

/* In any mode, with any mandatory prefix, and with memory or a register as operand. */
static bool is_known(unsigned int map, unsigned int opcode, unsigned int reg)
{
	for (unsigned int i = 0; i < 3 * 4 * 9; i++) {
		unsigned int mode = 8 >> i / 36, prefix = i / 9 % 4, form = i % 9;
		struct lodge_insn insn;
		u8 b[INSN_MAX_LEN] = { };
		unsigned int n = put_opcode(b, map, opcode, prefix);
		enum insn_status status;

		b[n] = form == 8 ? reg << 3 : 0xc0 | reg << 3 | form;
		status = lodge_decode(&insn, mode, b, INSN_MAX_LEN);
		if (status == INSN_OK)
			return true;
	}
	return false;
}

/* Prefixes and escapes are none. */
static bool is_opcode(unsigned int map, unsigned int opcode)
{
	if (map == ONE_BYTE)
		return insn_one_byte[opcode].op != OP_PREFIX && opcode != 0x0f;
	return map != OF || (opcode != 0x38 && opcode != 0x3a);
}

static unsigned int walk(unsigned int map)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < 256 * 8; i++) {
		unsigned int opcode = i / 8, reg = i % 8;
		bool known, reason;

		if (!is_opcode(map, opcode))
			continue;
		known = is_known(map, opcode, reg);
		reason = has_reason(map, opcode, reg);
		if (known != reason)
			continue;
		wrong++;
		ksft_print_msg("%s: %02x /%u is %s\n", map_names[map], opcode, reg,
			       known ? "known, and has a reason not to be" : "unknown");
	}
	return wrong;
}

int main(void)
{
	unsigned int map, i, unused = 0;

	ksft_print_header();
	ksft_set_plan(NR_TEST_MAPS + 1);
	for (map = 0; map < NR_TEST_MAPS; map++)
		ksft_test_result(!walk(map), "%s: known, or left out for a reason\n",
				 map_names[map]);
	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		unused += !used[i];
	ksft_test_result(!unused, "no reason is for nothing\n");
	ksft_finished();
}
