/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction emulator, as exit handlers call it.  It fetches, decodes
 * (arch/x86/decode.c) and executes one instruction of the guest; a memory or
 * port access that user space must answer ends it with LODGE_TO_USER and
 * vcpu->complete set, and the next KVM_RUN carries on.
 */
#ifndef LODGE_EMULATE_H
#define LODGE_EMULATE_H

#include "lodge.h"

#define LODGE_EMU_SKIP		BIT(0)	/* only go on behind the instruction */
#define LODGE_EMU_UD		BIT(1)	/* a #UD: emulate what the CPU lacks, or reflect it */
#define LODGE_EMU_PF		BIT(2)	/* a fault at a guest-physical address, @gpa */

int lodge_emu_create(struct lodge_vcpu *vcpu);
void lodge_emu_destroy(struct lodge_vcpu *vcpu);

/**
 * lodge_emulate - run the instruction at RIP in software
 * @gpa: where the fault was, when LODGE_EMU_PF is in @flags
 * @insn: bytes the CPU recorded, or NULL to fetch them
 * @len: number of those bytes
 *
 * Return: enum lodge_next; guest faults are queued and count as LODGE_RESUME.
 */
int lodge_emulate(struct lodge_vcpu *vcpu, gpa_t gpa, u32 flags, const void *insn, int len);

/*
 * The instruction at RIP is done in software: go on at @rip, without interrupt
 * shadow and RF, and take the trap of a single step if one is due.  enum lodge_next.
 */
int lodge_advance_rip(struct lodge_vcpu *vcpu, unsigned long rip);

/* What switches tasks, as VMX numbers it (SDM vol. 3, Exit Qualification for Task Switches). */
enum lodge_task_switch { LODGE_TASK_CALL, LODGE_TASK_IRET, LODGE_TASK_JMP, LODGE_TASK_GATE };

/**
 * lodge_task_switch - switch to the task of the TSS that @sel chooses
 * @reason: LODGE_TASK_GATE for any event; it counts as delivered then
 * @insn: an instruction asked for it, and RIP is still there; else RIP is where the old task
 *	is to go on
 * @has_error: the event pushes @error
 *
 * The checks of privilege have been made by the CPU.  Return: enum lodge_next; guest faults, of the
 * old task or the new one, are queued.
 */
int lodge_task_switch(struct lodge_vcpu *vcpu, u16 sel, enum lodge_task_switch reason,
		      bool insn, bool has_error, u32 error);

/**
 * lodge_real_mode_interrupt - deliver an event as a CPU in real mode does
 * @ip: where the handler returns to
 *
 * Through the vector table at IDTR: FLAGS, CS and @ip are pushed, IF, TF, AC and RF cleared
 * (SDM vol. 3, Interrupt and Exception Handling in real-address mode).  For INT n, and
 * for a CPU that runs the guest's real mode by other means.
 *
 * Return: 0, -EINVAL when the vector is beyond the table, or -EFAULT when table or stack
 * are not in memory.
 */
int lodge_real_mode_interrupt(struct lodge_vcpu *vcpu, u8 vector, u16 ip);

/**
 * lodge_skip_known - move RIP past an instruction whose opcode is known
 * @opcode: its bytes without prefixes; @len of them
 * @total: the instruction's length without prefixes
 *
 * For CPUs without NRIP save: fetches the bytes at RIP, skips the prefixes and checks the
 * opcode; what else belongs to going on is lodge_advance_rip()'s.  Return: LODGE_RESUME, also
 * when the fetch faults (queued, and RIP as it was), or what lodge_emulation_failure()
 * answers when another instruction is there.
 */
int lodge_skip_known(struct lodge_vcpu *vcpu, const u8 *opcode, int len, int total);

#endif
