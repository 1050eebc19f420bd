/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Access to a vCPU's registers, wherever they are at the moment: in regs[]
 * (always, on SVM, where the exit path copies them) or still in the VMCS.
 * The accessors that take a vCPU need it loaded.
 */
#ifndef LODGE_REGS_H
#define LODGE_REGS_H

#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/msr-index.h>

struct lodge_vcpu;

/* Defined in regs_inline.h, which needs struct lodge_vcpu and backend.h. */

/* --- arch/x86/regs.c: state ioctls; vcpu->mutex held, vCPU loaded by the callee's caller --- */
void lodge_get_regs(struct lodge_vcpu *vcpu, struct kvm_regs *regs);
void lodge_set_regs(struct lodge_vcpu *vcpu, const struct kvm_regs *regs);
void lodge_get_sregs(struct lodge_vcpu *vcpu, struct kvm_sregs *sregs);
/* 0, or -EINVAL with nothing changed when the CPU could not be in that state. */
int lodge_set_sregs(struct lodge_vcpu *vcpu, const struct kvm_sregs *sregs);
void lodge_get_sregs2(struct lodge_vcpu *vcpu, struct kvm_sregs2 *sregs);
int lodge_set_sregs2(struct lodge_vcpu *vcpu, const struct kvm_sregs2 *sregs);
void lodge_get_debugregs(struct lodge_vcpu *vcpu, struct kvm_debugregs *d);
int lodge_set_debugregs(struct lodge_vcpu *vcpu, const struct kvm_debugregs *d);
void lodge_get_vcpu_events(struct lodge_vcpu *vcpu, struct kvm_vcpu_events *ev);
int lodge_set_vcpu_events(struct lodge_vcpu *vcpu, const struct kvm_vcpu_events *ev);
int lodge_get_mp_state(struct lodge_vcpu *vcpu, struct kvm_mp_state *mp);
int lodge_set_mp_state(struct lodge_vcpu *vcpu, const struct kvm_mp_state *mp);
int lodge_translate(struct lodge_vcpu *vcpu, struct kvm_translation *tr);
int lodge_set_guest_debug(struct lodge_vcpu *vcpu, const struct kvm_guest_debug *dbg);

/* RESET (init false) or INIT of the whole vCPU.  Loaded. */
void lodge_vcpu_reset(struct lodge_vcpu *vcpu, bool init);
/* The state a STARTUP IPI leaves: CS from @vector.  Loaded. */
void lodge_vcpu_sipi(struct lodge_vcpu *vcpu, u8 vector);

/* --- arch/x86/cr.c: loaded.  0, or 1 where the CPU would raise #GP --- */
/* CR4 bits the CPU and the module have; cpuid_policy.c */
extern unsigned long lodge_cr4_supported;
bool lodge_cr0_valid(struct lodge_vcpu *vcpu, unsigned long cr0);
bool lodge_cr4_valid(struct lodge_vcpu *vcpu, unsigned long cr4);
bool lodge_efer_valid(struct lodge_vcpu *vcpu, u64 efer);
int lodge_write_cr0(struct lodge_vcpu *vcpu, unsigned long cr0);
int lodge_write_cr3(struct lodge_vcpu *vcpu, unsigned long cr3);
int lodge_write_cr4(struct lodge_vcpu *vcpu, unsigned long cr4);
int lodge_write_cr8(struct lodge_vcpu *vcpu, unsigned long cr8);
unsigned long lodge_read_cr8(struct lodge_vcpu *vcpu);
/* What a MOV from control register @cr reads: 0, or -ENOENT, for #UD. */
int lodge_read_cr(struct lodge_vcpu *vcpu, int cr, unsigned long *value);
int lodge_write_efer(struct lodge_vcpu *vcpu, u64 efer, bool host);
int lodge_write_xcr0(struct lodge_vcpu *vcpu, u32 index, u64 xcr0, bool host);
/* 0, or 1 for #GP */
int lodge_write_dr(struct lodge_vcpu *vcpu, int dr, unsigned long value);
unsigned long lodge_read_dr(struct lodge_vcpu *vcpu, int dr);
/* What DR7 and DR6 should be given guest_debug; calls the backend. */
void lodge_update_dr7(struct lodge_vcpu *vcpu);
/* The debugger's DR7 while user space debugs with hardware breakpoints, or the guest's. */
unsigned long lodge_dr7_in_force(const struct lodge_vcpu *vcpu);

/* --- arch/x86/exception.c: loaded --- */
/*
 * Queue an exception the guest's own instruction caused; merges to #DF and shutdown by the
 * manual's table.
 */
void lodge_queue_exception(struct lodge_vcpu *vcpu, u8 nr);
void lodge_queue_exception_e(struct lodge_vcpu *vcpu, u8 nr, u32 error_code);
void lodge_queue_exception_p(struct lodge_vcpu *vcpu, u8 nr, u64 payload);
void lodge_queue_page_fault(struct lodge_vcpu *vcpu, gva_t addr, u32 error_code);
/* An event was in delivery when the exit came: put it back to be injected again. */
void lodge_requeue_exception(struct lodge_vcpu *vcpu, u8 nr, bool has_error, u32 error_code);
void lodge_inject_nmi(struct lodge_vcpu *vcpu);	/* any context: queue one NMI */
/* Move a payload into CR2 or DR6, as delivery does. */
void lodge_deliver_payload(struct lodge_vcpu *vcpu);
/* #GP(0) or skip the instruction: how most handlers end.  Returns enum lodge_next or errno. */
int lodge_complete_insn_gp(struct lodge_vcpu *vcpu, int err);
static inline void lodge_inject_gp(struct lodge_vcpu *vcpu, u32 error_code)
{
	lodge_queue_exception_e(vcpu, 13, error_code);
}

#endif
