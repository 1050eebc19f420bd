/* SPDX-License-Identifier: GPL-2.0 */
/* The run loop's questions to the CPU's side, and who answers them. */
#ifndef LODGE_RUN_H
#define LODGE_RUN_H

#include "lodge.h"

/* Nothing stops it from executing instructions now.  Own thread. */
static inline bool lodge_vcpu_runnable(const struct lodge_vcpu *vcpu)
{
	return vcpu->arch.mp_state == KVM_MP_STATE_RUNNABLE && !vcpu->arch.pending_init_sipi;
}

/* arch/x86/events.c.  Loaded, own thread; must not sleep. */
/* Halted or waiting for INIT or SIPI: something has come that ends the wait. */
bool lodge_vcpu_has_wakeup(struct lodge_vcpu *vcpu);
/* After a wait: act on what came (timer, INIT, SIPI), and leave HALTED if it ends the halt. */
void lodge_vcpu_woken(struct lodge_vcpu *vcpu);

/* arch/x86/sync_regs.c.  Loaded. */
/* Before the first entry of KVM_RUN: take what user space changed in kvm_run.  0 or -EINVAL. */
int lodge_run_take(struct lodge_vcpu *vcpu);
/* After the last exit: put into kvm_run what user space may read there. */
void lodge_run_give(struct lodge_vcpu *vcpu);

#endif
