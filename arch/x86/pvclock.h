/* SPDX-License-Identifier: GPL-2.0 */
/* A vCPU's records shared with the guest: kvmclock (pvclock.c) and steal time (steal.c). */
#ifndef LODGE_PVCLOCK_H
#define LODGE_PVCLOCK_H

#include <linux/kvm_para.h>
#include <asm/pvclock-abi.h>

#include "memslot.h"

/* vcpu->mutex, own thread.  A cache with length zero is not in use. */
struct lodge_pv {
	struct lodge_gpa_cache clock_cache;
	struct pvclock_vcpu_time_info clock;	/* as last written */
	u32 scaled_khz;				/* what clock's multiplier was computed for */
	bool stopped;				/* tell the guest that it was paused */

	struct lodge_gpa_cache steal_cache;
	struct kvm_steal_time steal;		/* as last written */
	u64 run_delay;				/* of the thread, when last counted; ns */
};

/* steal.c: MSR_KVM_STEAL_TIME.  0 or LODGE_MSR_INVALID. */
int lodge_steal_msr_write(struct lodge_vcpu *vcpu, u64 data);

#endif
