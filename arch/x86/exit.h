/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The neutral half of exit handling: a backend decodes an exit into one of
 * these calls, and returns what it returns (enum lodge_next or -errno).
 * All run with the vCPU loaded, interrupts and preemption on, inside vm->srcu.
 */
#ifndef LODGE_EXIT_H
#define LODGE_EXIT_H

#include "lodge.h"

/* arch/x86/enter.c: one turn of the loop: requests, injection, entry, dispatch. */
int lodge_enter(struct lodge_vcpu *vcpu);

/*
 * arch/x86/exit_io.c: @size is 1, 2 or 4 bytes, @next_rip behind the instruction
 * (both vendors' CPUs tell).  INS and OUTS are the emulator's.
 */
int lodge_exit_in(struct lodge_vcpu *vcpu, u16 port, u8 size, unsigned long next_rip);
int lodge_exit_out(struct lodge_vcpu *vcpu, u16 port, u8 size, unsigned long next_rip);
int lodge_exit_string_io(struct lodge_vcpu *vcpu);

/* arch/x86/exit_cpuid.c, exit_msr.c, exit_hlt.c */
int lodge_exit_cpuid(struct lodge_vcpu *vcpu);
int lodge_exit_rdmsr(struct lodge_vcpu *vcpu);
int lodge_exit_wrmsr(struct lodge_vcpu *vcpu);
int lodge_exit_hlt(struct lodge_vcpu *vcpu);
/* A HLT was executed.  True: its thread is to sleep; false: it is user space's to wait. */
bool lodge_halt(struct lodge_vcpu *vcpu);
int lodge_exit_pause(struct lodge_vcpu *vcpu);
int lodge_exit_mwait(struct lodge_vcpu *vcpu);	/* and MONITOR */
int lodge_exit_wbinvd(struct lodge_vcpu *vcpu);	/* and INVD */
int lodge_exit_rdpmc(struct lodge_vcpu *vcpu);
int lodge_exit_xsetbv(struct lodge_vcpu *vcpu);
int lodge_exit_hypercall(struct lodge_vcpu *vcpu);

/* arch/x86/exit_cr.c: @reg is the general register of the MOV. */
int lodge_exit_cr_write(struct lodge_vcpu *vcpu, int cr, int reg);
int lodge_exit_cr_read(struct lodge_vcpu *vcpu, int cr, int reg);
int lodge_exit_dr_write(struct lodge_vcpu *vcpu, int dr, int reg);
int lodge_exit_dr_read(struct lodge_vcpu *vcpu, int dr, int reg);
int lodge_exit_invlpg(struct lodge_vcpu *vcpu, gva_t gva);
/* @gva: of the descriptor. */
int lodge_exit_invpcid(struct lodge_vcpu *vcpu, unsigned long type, gva_t gva);

/*
 * arch/x86/exit_exception.c: what was intercepted.  #DB and #BP go to user space
 * when it debugs the guest, and to the guest otherwise.
 */
int lodge_exit_debug(struct lodge_vcpu *vcpu, unsigned long dr6);
int lodge_exit_breakpoint(struct lodge_vcpu *vcpu);

/*
 * A second-dimension fault at guest-physical @addr.  PFERR_* bits
 * (arch/x86/mmu/mmu.h) in @error; @insn/@len are the bytes the CPU recorded,
 * if it did (@len 0 otherwise).
 */
int lodge_exit_page_fault(struct lodge_vcpu *vcpu, u64 addr, u64 error,
			  const void *insn, int len);
/* The same with shadow paging: a #PF at linear address @gva, the guest's own or not. */
int lodge_exit_shadow_fault(struct lodge_vcpu *vcpu, gva_t gva, u64 error,
			    const void *insn, int len);

/* arch/x86/exit_complete.c: what ends in user space. */
/* KVM_EXIT_INTERNAL_ERROR, with up to 16 words. */
int lodge_internal_error(struct lodge_vcpu *vcpu, u32 suberror, const u64 *data, int n);
/*
 * The same for an instruction that cannot be emulated: KVM_INTERNAL_ERROR_EMULATION with
 * its bytes.
 */
int lodge_emulation_failure(struct lodge_vcpu *vcpu, const u8 *insn, int len);
/* KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON */
int lodge_unknown_exit(struct lodge_vcpu *vcpu, u32 reason);
int lodge_fail_entry(struct lodge_vcpu *vcpu, u64 reason);	/* KVM_EXIT_FAIL_ENTRY */
int lodge_shutdown(struct lodge_vcpu *vcpu);		/* KVM_EXIT_SHUTDOWN */

#endif
