/* SPDX-License-Identifier: GPL-2.0 */
/* Arithmetic and its flags: pure functions, as decode.h's are. */
#ifndef LODGE_EMULATE_ALU_H
#define LODGE_EMULATE_ALU_H

#include <linux/types.h>
#include <asm/processor-flags.h>

#define EMU_STATUS_FLAGS (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
			  X86_EFLAGS_SF | X86_EFLAGS_OF)
/* What POPF and IRET may change at level 0 (SDM vol. 2, POPF). */
#define EMU_POPF_FLAGS	(EMU_STATUS_FLAGS | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | \
			 X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_AC | \
			 X86_EFLAGS_ID)
/* All that there are: the others are reserved, and no entry takes them but as they are. */
#define EMU_ALL_FLAGS	(EMU_POPF_FLAGS | X86_EFLAGS_VM | X86_EFLAGS_VIF | X86_EFLAGS_VIP)

/*
 * The result of @op (enum insn_op) on @size bytes, with @flags made what it
 * leaves.  The shifts' count and the bit instructions' number are in @src.
 */
u64 emu_alu(u8 op, u8 size, u64 dst, u64 src, unsigned long *flags);

/* SHLD and SHRD, by @count bits: 1 to those of the operand. */
u64 emu_double_shift(u8 op, u8 size, u64 dst, u64 src, unsigned int count, unsigned long *flags);

/* The condition in the low four bits of @opcode: Jcc, SETcc, CMOVcc. */
bool emu_condition(u8 opcode, unsigned long flags);

#endif
