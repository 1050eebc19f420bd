// SPDX-License-Identifier: GPL-2.0
/*
 * RFLAGS as a whole, and interrupts: CLI, STI, PUSHF, POPF everywhere but in
 * virtual-8086 mode; INT n, INT3, INTO and IRET in real mode, where an event goes
 * through a table of far pointers.
 */
#include <asm/trapnr.h>

#include "emu.h"
#include "emulate.h"
#include "memslot.h"
#include "regs_inline.h"

/* What POPF and IRET may change: not VM, VIF, VIP (SDM vol. 2). */
#define FLAGS_ALL	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |	\
			 X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF |	\
			 X86_EFLAGS_OF | X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF |	\
			 X86_EFLAGS_AC | X86_EFLAGS_ID)

/* --- delivery in real mode --- */

/* Three words, each pushed for itself: the stack pointer wraps between two. */
static int push_frame(struct lodge_vcpu *vcpu, const u16 frame[3])
{
	unsigned long rsp = lodge_reg(vcpu, LODGE_RSP), mask, sp;
	struct kvm_segment ss;
	int i;

	lodge_be(get_segment)(vcpu, &ss, LODGE_SEG_SS);
	mask = ss.db ? U32_MAX : U16_MAX;
	sp = rsp;
	for (i = 0; i < 3; i++) {
		sp = (sp - 2) & mask;
		/* A word across the end of the segment is #SS: it cannot be delivered either. */
		if (sp + 1 > ss.limit)
			return -EFAULT;
		if (lodge_write_guest(vcpu->vm, (u32)(ss.base + sp), &frame[i], sizeof(frame[i])))
			return -EFAULT;
	}
	lodge_set_reg(vcpu, LODGE_RSP, (rsp & ~mask) | sp);
	return 0;
}

int lodge_real_mode_interrupt(struct lodge_vcpu *vcpu, u8 vector, u16 ip)
{
	unsigned long flags = lodge_rflags(vcpu);
	struct kvm_segment cs;
	struct kvm_dtable idt;
	u16 entry[2], frame[3];

	lodge_be(get_idt)(vcpu, &idt);
	if (vector * sizeof(entry) + sizeof(entry) - 1 > idt.limit)
		return -EINVAL;
	if (lodge_read_guest(vcpu->vm, (u32)(idt.base + vector * sizeof(entry)), entry,
			     sizeof(entry)))
		return -EFAULT;
	lodge_be(get_segment)(vcpu, &cs, LODGE_SEG_CS);
	frame[0] = flags;
	frame[1] = cs.selector;
	frame[2] = ip;
	if (push_frame(vcpu, frame))
		return -EFAULT;

	cs.selector = entry[1];
	cs.base = cs.selector << 4;
	lodge_be(set_segment)(vcpu, &cs, LODGE_SEG_CS);
	lodge_set_reg(vcpu, LODGE_RIP, entry[0]);
	lodge_set_rflags(vcpu, flags & ~(X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_AC |
					 X86_EFLAGS_RF));
	lodge_be(set_interrupt_shadow)(vcpu, 0);
	return 0;
}

/* --- INT, IRET --- */

int emu_do_int(struct lodge_emu *e)
{
	struct lodge_vcpu *vcpu = e->vcpu;
	u8 vector = e->insn->imm;

	if (lodge_is_protmode(vcpu))
		return EMU_UNKNOWN;
	if (e->insn->opcode == 0xcc) {
		vector = X86_TRAP_BP;
	} else if (e->insn->opcode == 0xce) {
		vector = X86_TRAP_OF;
		if (!(lodge_rflags(vcpu) & X86_EFLAGS_OF))
			return EMU_OK;
	}
	switch (lodge_real_mode_interrupt(vcpu, vector, e->next_rip)) {
	case 0:
		e->next_rip = lodge_rip(vcpu);
		return EMU_OK;
	case -EINVAL:
		return emu_fault_e(e, X86_TRAP_GP, 0);
	default:
		return EMU_UNKNOWN;
	}
}

/* @value, of @size bytes, in place of RFLAGS; @mask has the bits that may change. */
static void load_flags(struct lodge_emu *e, u64 value, u8 size, unsigned long mask)
{
	unsigned long flags = lodge_rflags(e->vcpu);

	if (size == 2)
		mask &= U16_MAX;
	lodge_set_rflags(e->vcpu, (flags & ~mask) | (value & mask));
}

int emu_do_iret(struct lodge_emu *e)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	u64 frame[3] = {};
	struct kvm_segment cs;
	int r = EMU_OK, i;

	if (lodge_is_protmode(e->vcpu))
		return EMU_UNKNOWN;
	for (i = 0; !r && i < 3; i++)
		r = emu_read(e, SEG_SS, emu_stack_offset(e, width, i * size), &frame[i], size);
	if (r)
		return r;
	lodge_be(get_segment)(e->vcpu, &cs, LODGE_SEG_CS);
	cs.selector = frame[1];
	cs.base = cs.selector << 4;
	if (frame[0] > cs.limit)
		return emu_fault_e(e, X86_TRAP_GP, 0);
	lodge_be(set_segment)(e->vcpu, &cs, LODGE_SEG_CS);
	load_flags(e, frame[2], size, FLAGS_ALL);
	emu_add_reg(e, LODGE_RSP, width, 3 * size);
	e->next_rip = frame[0];
	lodge_be(set_nmi_mask)(e->vcpu, false);
	return EMU_OK;
}

/* --- RFLAGS --- */

static unsigned int iopl_of(unsigned long flags)
{
	return (flags & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;
}

static int set_if(struct lodge_emu *e, bool on)
{
	unsigned long flags = lodge_rflags(e->vcpu);

	/* With CR4.PVI it is VIF that is meant. */
	if (emu_cpl(e) > iopl_of(flags))
		return lodge_cr4(e->vcpu) & X86_CR4_PVI ? EMU_UNKNOWN :
							  emu_fault_e(e, X86_TRAP_GP, 0);
	if (on && !(flags & X86_EFLAGS_IF))
		e->shadow = KVM_X86_SHADOW_INT_STI;
	lodge_set_rflags(e->vcpu, on ? flags | X86_EFLAGS_IF : flags & ~X86_EFLAGS_IF);
	return EMU_OK;
}

static int push_flags(struct lodge_emu *e)
{
	return emu_push(e, lodge_rflags(e->vcpu) & ~(X86_EFLAGS_VM | X86_EFLAGS_RF));
}

static int pop_flags(struct lodge_emu *e)
{
	u8 size = e->insn->size, width = emu_stack_width(e);
	unsigned long mask = FLAGS_ALL;
	unsigned int cpl = emu_cpl(e);
	u64 value = 0;
	int r;

	r = emu_read(e, SEG_SS, emu_stack_offset(e, width, 0), &value, size);
	if (r)
		return r;
	if (cpl)
		mask &= ~X86_EFLAGS_IOPL;
	if (cpl > iopl_of(lodge_rflags(e->vcpu)))
		mask &= ~X86_EFLAGS_IF;
	load_flags(e, value & ~X86_EFLAGS_RF, size, mask);
	emu_add_reg(e, LODGE_RSP, width, size);
	return EMU_OK;
}

int emu_do_flags(struct lodge_emu *e)
{
	if (emu_in_vm86(e))
		return EMU_UNKNOWN;
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
