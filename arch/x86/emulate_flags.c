// SPDX-License-Identifier: GPL-2.0
/*
 * RFLAGS as a whole: CLI, STI, PUSHF and POPF, with the virtual interrupt flag of
 * virtual-8086 mode and of CPL 3 (SDM vol. 3, Interrupt and Exception Handling in
 * Virtual-8086 Mode; Protected-Mode Virtual Interrupts).
 */
#include <asm/trapnr.h>

#include "emu.h"
#include "regs_inline.h"

unsigned int emu_iopl(struct lodge_emu *e)
{
	return (lodge_rflags(e->vcpu) & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;
}

/* Whether it is VIF that stands for IF here. */
static bool has_vif(struct lodge_emu *e)
{
	unsigned long cr4 = lodge_cr4(e->vcpu);

	if (emu_in_vm86(e))
		return cr4 & X86_CR4_VME;
	return (cr4 & X86_CR4_PVI) && emu_cpl(e) == 3;
}

/* The flags are the code's own: real mode, a privilege that suffices, or IOPL 3. */
static bool owns_if(struct lodge_emu *e)
{
	return !lodge_is_protmode(e->vcpu) || emu_cpl(e) <= emu_iopl(e);
}

static int set_if(struct lodge_emu *e, bool on)
{
	unsigned long flags = lodge_rflags(e->vcpu), flag = X86_EFLAGS_IF;

	if (!owns_if(e)) {
		if (!has_vif(e) || (on && (flags & X86_EFLAGS_VIP)))
			return emu_fault_e(e, X86_TRAP_GP, 0);
		flag = X86_EFLAGS_VIF;
	} else if (on && !(flags & X86_EFLAGS_IF)) {
		e->shadow = KVM_X86_SHADOW_INT_STI;
	}
	lodge_set_rflags(e->vcpu, on ? flags | flag : flags & ~flag);
	return EMU_OK;
}

static int push_flags(struct lodge_emu *e)
{
	unsigned long flags = lodge_rflags(e->vcpu) & ~(X86_EFLAGS_VM | X86_EFLAGS_RF);

	if (emu_in_vm86(e) && emu_iopl(e) < 3) {
		if (!has_vif(e) || e->insn->size != 2)
			return emu_fault_e(e, X86_TRAP_GP, 0);
		flags &= ~X86_EFLAGS_IF;
		flags |= X86_EFLAGS_IOPL | (flags & X86_EFLAGS_VIF ? X86_EFLAGS_IF : 0);
	}
	return emu_push(e, flags);
}

/* In virtual-8086 mode, with VME: IF goes to VIF, and TF is the monitor's. */
static int load_virtual(struct lodge_emu *e, u64 value, unsigned long mask)
{
	unsigned long flags = lodge_rflags(e->vcpu);

	if (!has_vif(e) || e->insn->size != 2 || (value & X86_EFLAGS_TF) ||
	    ((value & X86_EFLAGS_IF) && (flags & X86_EFLAGS_VIP)))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	emu_load_flags(e, value, 2, mask & ~(X86_EFLAGS_IF | X86_EFLAGS_IOPL));
	flags = lodge_rflags(e->vcpu) & ~X86_EFLAGS_VIF;
	lodge_set_rflags(e->vcpu, value & X86_EFLAGS_IF ? flags | X86_EFLAGS_VIF : flags);
	return EMU_OK;
}

int emu_load_flags_checked(struct lodge_emu *e, u64 value)
{
	unsigned long mask = emu_flags_mask(e);

	if (emu_in_vm86(e) && emu_iopl(e) < 3)
		return load_virtual(e, value, mask);
	emu_load_flags(e, value, e->insn->size, mask);
	return EMU_OK;
}

static int pop_flags(struct lodge_emu *e)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	u64 value = 0;
	int r;

	r = emu_read(e, SEG_SS, emu_stack_offset(e, width, 0), &value, size);
	if (!r)
		r = emu_load_flags_checked(e, value & ~(u64)X86_EFLAGS_RF);
	if (!r)
		emu_add_reg(e, LODGE_RSP, width, size);
	return r;
}

int emu_do_flags(struct lodge_emu *e)
{
	switch (e->insn->op) {
	case OP_CLI:
		return set_if(e, false);
	case OP_STI:
		return set_if(e, true);
	case OP_PUSHF:
		return push_flags(e);
	default:
		return pop_flags(e);
	}
}
