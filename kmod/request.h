/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cross-vCPU requests: one bit each in lodge_vcpu.requests, set by anyone,
 * handled by the vCPU's own thread before it next enters the guest
 * (arch/x86/enter.c).  kmod/request.c has the protocol and its argument.
 */
#ifndef LODGE_REQUEST_H
#define LODGE_REQUEST_H

#include <linux/types.h>

struct lodge_vm;
struct lodge_vcpu;

enum lodge_request {
	LODGE_REQ_EVENT,		/* look for something to inject */
	LODGE_REQ_QUIESCE,		/* begin a new read section: kmod/readers.h */
	LODGE_REQ_MMU_RELOAD,		/* the root is obsolete: make and load another */
	LODGE_REQ_TLB_FLUSH,		/* all of this vCPU's translations */
	LODGE_REQ_TLB_FLUSH_GUEST,	/* the guest's own linear translations only */
	LODGE_REQ_DIRTY_LOG,		/* whether any slot is logged has changed */
	LODGE_REQ_CLOCK_UPDATE,		/* rewrite the guest's pvclock page */
	LODGE_REQ_MASTERCLOCK,		/* resynchronise the VM's master clock */
	LODGE_REQ_STEAL_UPDATE,		/* rewrite the guest's steal-time record */
	LODGE_REQ_NMI,			/* arch.nmi_queued is not zero */
	LODGE_REQ_TRIPLE_FAULT,		/* KVM_EXIT_SHUTDOWN */
	LODGE_REQ_IOAPIC_EOI,		/* KVM_EXIT_IOAPIC_EOI: the IOAPIC is user space's */
	LODGE_REQ_MSR_FILTER,		/* recompute MSR interception */
	LODGE_REQ_VM_DEAD,		/* KVM_RUN answers -EIO */
	LODGE_REQ_CPU_OFF,		/* no guest may run on this CPU: lodge_vcpu_leave_cpu() */
	LODGE_NR_REQUESTS,
};

/* Set @req.  Does not kick.  Any context. */
void lodge_request(struct lodge_vcpu *vcpu, enum lodge_request req);
/*
 * Make the vCPU look at its requests soon: wake it if it sleeps, interrupt the
 * CPU if it is in guest mode.  Any context with interrupts on or off; does not wait.
 */
void lodge_kick(struct lodge_vcpu *vcpu);
/* Wake it if it is halted; no IPI if it runs.  True if it slept. */
bool lodge_wake(struct lodge_vcpu *vcpu);
/*
 * Set @req on all vCPUs and wait until none of them is still in the guest with
 * the request unseen.  Process context, interrupts on; may be called under a spinlock.
 */
void lodge_request_all(struct lodge_vm *vm, enum lodge_request req);
/* No vCPU runs guest code begun before this call once it returns. Same context. */
void lodge_kick_all_and_wait(struct lodge_vm *vm);

#endif
