// SPDX-License-Identifier: GPL-2.0
/*
 * Steal time: how long the vCPU's thread was runnable but not running, in a
 * record in guest memory; and in the same record, whether it is preempted now.
 */
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>

#include "backend.h"
#include "msr.h"
#include "pvclock.h"
#include "time.h"

int lodge_steal_msr_write(struct lodge_vcpu *vcpu, u64 data)
{
	struct lodge_pv *pv = vcpu->arch.pv;
	gpa_t gpa = data & KVM_STEAL_VALID_BITS;

	if (!sched_info_on() || (data & KVM_STEAL_RESERVED_MASK))
		return LODGE_MSR_INVALID;
	vcpu->arch.steal_msr = data;
	pv->steal_cache.len = 0;
	if (!(data & KVM_MSR_ENABLED))
		return 0;
	if (lodge_gpa_cache_init(vcpu->vm, &pv->steal_cache, gpa, sizeof(pv->steal)) ||
	    lodge_read_cached(vcpu->vm, &pv->steal_cache, &pv->steal, 0, sizeof(pv->steal))) {
		pv->steal_cache.len = 0;
		return 0;
	}
	pv->run_delay = current->sched_info.run_delay;
	lodge_request(vcpu, LODGE_REQ_STEAL_UPDATE);
	return 0;
}

void lodge_steal_update(struct lodge_vcpu *vcpu)
{
	const unsigned int version = offsetof(struct kvm_steal_time, version);
	struct lodge_pv *pv = vcpu->arch.pv;
	u64 delay = current->sched_info.run_delay;

	if (!pv->steal_cache.len)
		return;
	/* Odd while it changes, as kvmclock's record. */
	pv->steal.version = (pv->steal.version + 1) | 1;
	lodge_write_cached(vcpu->vm, &pv->steal_cache, &pv->steal.version, version,
			   sizeof(pv->steal.version));
	/* The odd version before the fields, ... */
	smp_wmb();
	/* Another thread may run the vCPU now, with less delay behind it. */
	if (delay > pv->run_delay)
		pv->steal.steal += delay - pv->run_delay;
	pv->run_delay = delay;
	pv->steal.preempted = 0;
	lodge_write_cached(vcpu->vm, &pv->steal_cache, &pv->steal, 0, sizeof(pv->steal));
	/* ... and those before the even one. */
	smp_wmb();
	pv->steal.version++;
	lodge_write_cached(vcpu->vm, &pv->steal_cache, &pv->steal.version, version,
			   sizeof(pv->steal.version));
}

void lodge_steal_preempted(struct lodge_vcpu *vcpu)
{
	struct lodge_pv *pv = vcpu->arch.pv;
	u8 __user *preempted;
	int idx;

	if (!pv->steal_cache.len || pv->steal.preempted)
		return;
	/*
	 * The scheduler is at work, so the page cannot be faulted in: a page
	 * that is out tells the guest nothing, which is safe.  The slot may be
	 * gone; the generation says whether the address is still the guest's.
	 */
	idx = srcu_read_lock(&vcpu->vm->srcu);
	if (pv->steal_cache.generation == lodge_memslots_generation(vcpu->vm) &&
	    current->mm == vcpu->vm->mm) {
		preempted = (u8 __user *)pv->steal_cache.hva +
			    offsetof(struct kvm_steal_time, preempted);
		pagefault_disable();
		if (!__put_user(KVM_VCPU_PREEMPTED, preempted)) {
			pv->steal.preempted = KVM_VCPU_PREEMPTED;
			lodge_mark_page_dirty(pv->steal_cache.slot,
					      pv->steal_cache.gpa >> PAGE_SHIFT);
		}
		pagefault_enable();
	}
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	vcpu->stats.preemption_reported++;
}
