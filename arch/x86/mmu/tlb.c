// SPDX-License-Identifier: GPL-2.0
/*
 * TLB flushes on all vCPUs of a VM, by generation.
 *
 * vm->tlb_gen counts the flushes that are owed, vm->tlb_gen_done the newest of
 * them that no vCPU runs without.  Who changes an entry so that less is
 * permitted raises tlb_gen after it.  A vCPU compares tlb_gen with its own
 * before each entry to the guest and flushes if they differ.
 *
 *   changer                             vCPU, interrupts off (enter.c)
 *     change the entry                    mode = IN_GUEST
 *     tlb_gen++        [full barrier]     [full barrier]
 *     for each vCPU: read mode            read tlb_gen
 *     IN_GUEST: interrupt, and wait       differs: flush
 *                                         enter the guest
 *
 * Either the changer reads IN_GUEST, and the interrupt that it waits for has
 * ended whatever the guest was doing with the old translation; or the vCPU has
 * yet to read tlb_gen, finds it raised, and flushes before any guest code runs.
 * It does not matter whether the guest thinks of the vCPU as preempted or
 * halted: no note of the guest's is asked, only the state of the thread.
 *
 * Raising and waiting are apart because zaps raise under mmu_lock, and wait
 * without it.  Between the two another zap may find nothing left of a
 * translation that a TLB still holds; its page must not be given back yet.
 * So every zap waits, at its end, for what anyone owes: lodge_pay_flushes().
 */
#include "tables.h"

void lodge_owe_flush(struct lodge_vm *vm)
{
	atomic64_inc(&vm->tlb_gen);
}

void lodge_pay_flushes(struct lodge_vm *vm)
{
	s64 done = atomic64_read_acquire(&vm->tlb_gen_done);
	s64 owed = atomic64_read(&vm->tlb_gen);

	if (done >= owed)
		return;
	lodge_kick_all_and_wait(vm);
	atomic64_inc(&vm->stats.remote_tlb_flush);
	while (done < owed && !atomic64_try_cmpxchg(&vm->tlb_gen_done, &done, owed))
		;
}

void lodge_flush_remote_tlbs(struct lodge_vm *vm)
{
	lodge_owe_flush(vm);
	lodge_pay_flushes(vm);
}
