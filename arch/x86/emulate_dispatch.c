// SPDX-License-Identifier: GPL-2.0
/* From an operation to its handler; and the handlers of moves, and of what is as simple. */
#include <linux/swab.h>
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

/* Moves, and what is as simple. */
static int do_move(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	u64 value;
	int r;

	r = emu_read_operand(e, i->src, &value);
	if (r)
		return r;
	switch (i->op) {
	case OP_MOVSX:
		if (i->src == OPND_RM8)
			value = (s8)value;
		else if (i->src == OPND_RM16)
			value = (s16)value;
		else
			value = (s32)value;
		break;
	case OP_MOVBE:
		value = swab64(value) >> (64 - 8 * i->size);
		break;
	case OP_CMOV:
		/* The source is read in any case, and 32 bits clear the upper half in any case. */
		if (!emu_condition(i->opcode, lodge_rflags(e->vcpu)))
			value = emu_reg(e, i->reg, i->size);
		break;
	}
	return emu_write_operand(e, i->dst, value);
}

static int do_flag(struct lodge_emu *e)
{
	unsigned long flags = lodge_rflags(e->vcpu);

	switch (e->insn->op) {
	case OP_CLC:
		flags &= ~X86_EFLAGS_CF;
		break;
	case OP_STC:
		flags |= X86_EFLAGS_CF;
		break;
	case OP_CMC:
		flags ^= X86_EFLAGS_CF;
		break;
	case OP_CLD:
		flags &= ~X86_EFLAGS_DF;
		break;
	default:
		flags |= X86_EFLAGS_DF;
	}
	lodge_set_rflags(e->vcpu, flags);
	return EMU_OK;
}

int emu_run_handler(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;

	/* VEX exists in protected mode alone (APM vol. 1, VEX/XOP Prefix). */
	if (unlikely(i->vex) && (!lodge_is_protmode(e->vcpu) || emu_in_vm86(e)))
		return emu_fault(e, X86_TRAP_UD);
	switch (i->op) {
	case OP_MOV:
	case OP_MOVZX:
	case OP_MOVSX:
	case OP_MOVBE:
	case OP_CMOV:
		return do_move(e);
	case OP_ADD ... OP_SAR:
	case OP_TEST ... OP_ADOX:
		return emu_do_alu(e);
	case OP_BT ... OP_BTC:
		return emu_do_bit(e);
	case OP_MOVS ... OP_SCAS:
		return emu_do_string(e);
	case OP_INS:
	case OP_OUTS:
		return emu_do_string_io(e);
	case OP_SSE:
		return emu_do_sse(e);
	case OP_XCHG:
		return emu_do_xchg(e);
	case OP_XADD:
		return emu_do_xadd(e);
	case OP_CMPXCHG:
		return emu_do_cmpxchg(e);
	case OP_CMPXCHG8B:
		return emu_do_cmpxchg8b(e);
	case OP_LEA:
		return emu_write_operand(e, i->dst, emu_address(e));
	case OP_SETCC:
		return emu_write_operand(e, i->dst,
					 emu_condition(i->opcode, lodge_rflags(e->vcpu)));
	case OP_PUSH:
		return emu_do_push(e);
	case OP_POP:
		return emu_do_pop(e);
	case OP_PUSHA:
		return emu_do_pusha(e);
	case OP_POPA:
		return emu_do_popa(e);
	case OP_ENTER:
		return emu_do_enter(e);
	case OP_LEAVE:
		return emu_do_leave(e);
	case OP_LOOP:
		return emu_do_loop(e);
	case OP_MUL ... OP_IMUL_TO:
	case OP_MULX:
		return emu_do_muldiv(e);
	case OP_SHLD ... OP_PDEP:
	case OP_RORX ... OP_SHRX:
		return emu_do_bits(e);
	case OP_CBW ... OP_ARPL:
	case OP_LAHF:
	case OP_SAHF:
		return emu_do_convert(e);
	case OP_FNINIT ... OP_FWAIT:
		return emu_do_x87(e);
	case OP_UD:
		return emu_fault(e, X86_TRAP_UD);
	case OP_CALL:
		return emu_do_call(e);
	case OP_RET:
		return emu_do_ret(e);
	case OP_JMP:
	case OP_JCC:
		return emu_do_jump(e);
	case OP_IN:
		return emu_in(e);
	case OP_OUT:
		return emu_out(e);
	case OP_CLC ... OP_STD:
		return do_flag(e);
	case OP_NOP:
		return EMU_OK;
	case OP_MOV_FROM_SREG ... OP_POP_SREG:
		return emu_do_sreg(e);
	case OP_LOAD_FAR:
		return emu_do_load_far(e);
	case OP_JMP_FAR:
	case OP_CALL_FAR:
		return emu_do_far(e);
	case OP_RET_FAR:
		return emu_do_ret_far(e);
	case OP_SGDT ... OP_LTR:
		return emu_do_table(e);
	case OP_VERR ... OP_LSL:
		return emu_do_look(e);
	case OP_CLI ... OP_POPF:
		return emu_do_flags(e);
	case OP_INT:
		return emu_do_int(e);
	case OP_IRET:
		return emu_do_iret(e);
	default:
		return emu_do_system(e);
	}
}
