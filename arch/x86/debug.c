// SPDX-License-Identifier: GPL-2.0
/*
 * Debug registers, and user space as the guest's debugger.
 *
 * The guest's accesses to them exit, so arch.db, dr6 and dr7 are what it sees;
 * eff_db and the DR7 that the backend is given are what the CPU runs with:
 * the guest's, or user space's while it debugs with hardware breakpoints.
 */
#include "backend.h"
#include "debug_regs.h"
#include "exit.h"
#include "regs_inline.h"

unsigned long lodge_dr7_in_force(const struct lodge_vcpu *vcpu)
{
	const struct lodge_vcpu_arch *a = &vcpu->arch;

	return a->guest_debug & KVM_GUESTDBG_USE_HW_BP ? a->guest_debug_dr7 : a->dr7;
}

void lodge_update_dr7(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	bool by_user = a->guest_debug & KVM_GUESTDBG_USE_HW_BP;
	unsigned long dr7 = lodge_dr7_in_force(vcpu);

	memcpy(a->eff_db, by_user ? a->guest_debug_db : a->db, sizeof(a->eff_db));
	a->dr_dirty = dr7 & LODGE_DR7_ENABLES;
	lodge_be(set_dr7)(vcpu, dr7);
}

unsigned long lodge_read_dr(struct lodge_vcpu *vcpu, int dr)
{
	switch (dr) {
	case 0 ... 3:
		return vcpu->arch.db[dr];
	case 4:
	case 6:
		return vcpu->arch.dr6;
	default:
		return vcpu->arch.dr7;
	}
}

int lodge_write_dr(struct lodge_vcpu *vcpu, int dr, unsigned long value)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	switch (dr) {
	case 0 ... 3:
		a->db[dr] = value;
		lodge_update_dr7(vcpu);
		return 0;
	case 4:
	case 6:
		if (value >> 32)
			return 1;
		a->dr6 = (value & LODGE_DR6_WRITABLE) | LODGE_DR6_ACTIVE_LOW;
		return 0;
	default:
		if (value >> 32)
			return 1;
		a->dr7 = (value & LODGE_DR7_WRITABLE) | LODGE_DR7_FIXED;
		lodge_update_dr7(vcpu);
		return 0;
	}
}

void lodge_get_debugregs(struct lodge_vcpu *vcpu, struct kvm_debugregs *d)
{
	memset(d, 0, sizeof(*d));
	memcpy(d->db, vcpu->arch.db, sizeof(d->db));
	d->dr6 = vcpu->arch.dr6;
	d->dr7 = vcpu->arch.dr7;
}

int lodge_set_debugregs(struct lodge_vcpu *vcpu, const struct kvm_debugregs *d)
{
	if (d->flags || d->dr6 >> 32 || d->dr7 >> 32)
		return -EINVAL;
	memcpy(vcpu->arch.db, d->db, sizeof(d->db));
	vcpu->arch.dr6 = d->dr6;
	vcpu->arch.dr7 = d->dr7;
	lodge_update_dr7(vcpu);
	return 0;
}

int lodge_set_guest_debug(struct lodge_vcpu *vcpu, const struct kvm_guest_debug *dbg)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	unsigned long rflags;
	int i;

	if (dbg->control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		if (a->exception.pending)
			return -EBUSY;
		lodge_queue_exception(vcpu, dbg->control & KVM_GUESTDBG_INJECT_DB ?
				      X86_TRAP_DB : X86_TRAP_BP);
	}

	/* TF as the guest has it, without what single-stepping added. */
	rflags = lodge_rflags(vcpu);
	if (a->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		rflags = (rflags & ~X86_EFLAGS_TF) | a->guest_tf;

	a->guest_debug = dbg->control & KVM_GUESTDBG_ENABLE ? dbg->control : 0;
	if (a->guest_debug & KVM_GUESTDBG_USE_HW_BP) {
		for (i = 0; i < 4; i++)
			a->guest_debug_db[i] = dbg->arch.debugreg[i];
		a->guest_debug_dr7 = (dbg->arch.debugreg[7] & LODGE_DR7_WRITABLE) |
				     LODGE_DR7_FIXED;
	}
	if (a->guest_debug & KVM_GUESTDBG_SINGLESTEP) {
		a->guest_tf = rflags & X86_EFLAGS_TF;
		rflags |= X86_EFLAGS_TF;
	}
	lodge_set_rflags(vcpu, rflags);
	lodge_update_dr7(vcpu);
	lodge_be(update_exception_bitmap)(vcpu);
	return 0;
}

static int debug_exit(struct lodge_vcpu *vcpu, u32 exception, unsigned long dr6)
{
	struct kvm_segment cs;
	struct kvm_run *run = vcpu->run;

	lodge_be(get_segment)(vcpu, &cs, LODGE_SEG_CS);
	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.exception = exception;
	run->debug.arch.pc = cs.base + lodge_rip(vcpu);
	run->debug.arch.dr6 = dr6 | LODGE_DR6_FIXED | BIT(16);
	run->debug.arch.dr7 = vcpu->arch.guest_debug_dr7;
	return LODGE_TO_USER;
}

int lodge_exit_debug(struct lodge_vcpu *vcpu, unsigned long dr6)
{
	u32 debug = vcpu->arch.guest_debug;

	if (debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		return debug_exit(vcpu, X86_TRAP_DB, dr6);
	lodge_queue_exception_p(vcpu, X86_TRAP_DB, dr6 ^ LODGE_DR6_ACTIVE_LOW);
	return LODGE_RESUME;
}

int lodge_exit_breakpoint(struct lodge_vcpu *vcpu)
{
	/* A trap for the guest, but the debugger sees the INT3 it put there, not what follows. */
	return debug_exit(vcpu, X86_TRAP_BP, 0);
}
