// SPDX-License-Identifier: GPL-2.0
/* Exits of MOV to and from control and debug registers, INVLPG and INVPCID. */
#include "backend.h"
#include "debug_regs.h"
#include "exit.h"
#include "regs_inline.h"
#include "trace.h"

/* The operand as the instruction takes it: 32 bits outside 64-bit mode. */
static unsigned long operand(struct lodge_vcpu *vcpu, int reg)
{
	unsigned long value = lodge_reg(vcpu, reg);

	return lodge_is_64bit(vcpu) ? value : (u32)value;
}

int lodge_exit_cr_write(struct lodge_vcpu *vcpu, int cr, int reg)
{
	unsigned long value = operand(vcpu, reg);
	int err;

	trace_kvm_cr(true, cr, value);
	switch (cr) {
	case 0:
		err = lodge_write_cr0(vcpu, value);
		break;
	case 3:
		err = lodge_write_cr3(vcpu, value);
		break;
	case 4:
		err = lodge_write_cr4(vcpu, value);
		break;
	case 8: {
		unsigned long before = lodge_read_cr8(vcpu);
		int r;

		err = lodge_write_cr8(vcpu, value);
		r = lodge_complete_insn_gp(vcpu, err);
		/* User space keeps the interrupt controller: it wants to know of a lower TPR. */
		if (r != LODGE_RESUME || err || vcpu->arch.lapic || before <= value)
			return r;
		vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
		return LODGE_TO_USER;
	}
	default:
		lodge_queue_exception(vcpu, X86_TRAP_UD);
		return LODGE_RESUME;
	}
	return lodge_complete_insn_gp(vcpu, err);
}

int lodge_exit_cr_read(struct lodge_vcpu *vcpu, int cr, int reg)
{
	unsigned long value;

	if (lodge_read_cr(vcpu, cr, &value)) {
		lodge_queue_exception(vcpu, X86_TRAP_UD);
		return LODGE_RESUME;
	}
	lodge_set_reg(vcpu, reg, lodge_is_64bit(vcpu) ? value : (u32)value);
	return lodge_be(skip_instruction)(vcpu);
}

/*
 * What MOV DR checks before it acts (SDM vol. 3, Debug Registers): CPL, the
 * aliases of DR4 and DR5, and general detection, which may be the debugger's.  True
 * when it may go on; else the handler returns *@r.
 */
static bool dr_access_allowed(struct lodge_vcpu *vcpu, int dr, int *r)
{
	*r = LODGE_RESUME;
	if (lodge_be(get_cpl)(vcpu)) {
		lodge_inject_gp(vcpu, 0);
		return false;
	}
	if ((dr == 4 || dr == 5) && (lodge_cr4(vcpu) & X86_CR4_DE)) {
		lodge_queue_exception(vcpu, X86_TRAP_UD);
		return false;
	}
	if (lodge_dr7_in_force(vcpu) & LODGE_DR7_GD) {
		*r = lodge_exit_debug(vcpu, LODGE_DR6_BD | LODGE_DR6_ACTIVE_LOW);
		return false;
	}
	return true;
}

int lodge_exit_dr_write(struct lodge_vcpu *vcpu, int dr, int reg)
{
	int r;

	if (!dr_access_allowed(vcpu, dr, &r))
		return r;
	return lodge_complete_insn_gp(vcpu, lodge_write_dr(vcpu, dr, operand(vcpu, reg)));
}

int lodge_exit_dr_read(struct lodge_vcpu *vcpu, int dr, int reg)
{
	int r;

	if (!dr_access_allowed(vcpu, dr, &r))
		return r;
	lodge_set_reg(vcpu, reg, lodge_read_dr(vcpu, dr));
	return lodge_be(skip_instruction)(vcpu);
}

int lodge_exit_invlpg(struct lodge_vcpu *vcpu, gva_t gva)
{
	lodge_mmu_invlpg(vcpu, gva);
	vcpu->stats.invlpg++;
	return lodge_be(skip_instruction)(vcpu);
}

/* SDM vol. 2, INVPCID: the types. */
enum { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_ALL_GLOBAL, INVPCID_ALL };

/* 0, or 1 for #GP. */
static int invpcid(struct lodge_vcpu *vcpu, unsigned long type, u64 pcid, gva_t gva)
{
	bool pcide = lodge_cr4(vcpu) & X86_CR4_PCIDE;
	u64 current_pcid = pcide ? lodge_cr3(vcpu) & X86_CR3_PCID_MASK : 0;

	if (type > INVPCID_ALL || (pcid & ~(u64)X86_CR3_PCID_MASK))
		return 1;
	switch (type) {
	case INVPCID_ADDRESS:
		if ((pcid && !pcide) ||
		    !__is_canonical_address(gva, lodge_cr4(vcpu) & X86_CR4_LA57 ? 57 : 48))
			return 1;
		/* What others have is looked at when CR3 leads to it. */
		if (pcid == current_pcid)
			lodge_mmu_invlpg(vcpu, gva);
		return 0;
	case INVPCID_CONTEXT:
		if (pcid && !pcide)
			return 1;
		if (pcid != current_pcid)
			return 0;
		break;
	}
	lodge_request(vcpu, LODGE_REQ_TLB_FLUSH_GUEST);
	return 0;
}

int lodge_exit_invpcid(struct lodge_vcpu *vcpu, unsigned long type, gva_t gva)
{
	struct lodge_walk walk;
	u64 descriptor[2];
	int r;

	if (lodge_be(get_cpl)(vcpu)) {
		lodge_inject_gp(vcpu, 0);
		return LODGE_RESUME;
	}
	r = lodge_read_gva(vcpu, gva, descriptor, sizeof(descriptor), 0, &walk);
	if (r == -EFAULT) {
		lodge_queue_page_fault(vcpu, walk.addr, walk.error_code);
		return LODGE_RESUME;
	}
	/* A descriptor that is in no memory reads as all ones, as from a bus without a device. */
	if (r)
		memset(descriptor, 0xff, sizeof(descriptor));
	vcpu->stats.invlpg++;
	return lodge_complete_insn_gp(vcpu, invpcid(vcpu, type, descriptor[0], descriptor[1]));
}
