// SPDX-License-Identifier: GPL-2.0
/*
 * Requests and kicks: how one thread makes another's vCPU look.
 *
 * The protocol.  A requester publishes what it wants seen (a request bit, an
 * IRR bit, a new memslot table), then reads the vCPU's state.  The vCPU's
 * thread publishes its state (vcpu->mode, vcpu->blocking), then looks for
 * requests.  Both do so with a full barrier between, so one of the two always
 * sees the other:
 *
 *   requester                          vCPU thread, interrupts off
 *     set_bit(requests)   [barrier]      mode = IN_GUEST     [barrier]
 *     read mode                          read requests
 *     IN_GUEST: send the IPI             none: enter the guest
 *
 * If the requester reads OUTSIDE_GUEST, the thread has still to read requests.
 * If the thread reads no request, the requester reads IN_GUEST and sends the
 * IPI, which stays pending while interrupts are off and ends the guest at its
 * first instruction.  Sleeping is the same with "blocking" for "mode": the
 * thread sets it, then its task state (a full barrier), then looks.
 */
#include <linux/cpumask.h>
#include <linux/rcuwait.h>

#include "lodge.h"

/* Scratch for lodge_kick_all_and_wait(); used with preemption off. */
static DEFINE_PER_CPU(struct cpumask, kick_mask);

void lodge_request(struct lodge_vcpu *vcpu, enum lodge_request req)
{
	/* A locked operation: what was written before is seen with the bit. */
	set_bit(req, &vcpu->requests);
}

bool lodge_wake(struct lodge_vcpu *vcpu)
{
	return READ_ONCE(vcpu->blocking) && rcuwait_wake_up(&vcpu->wait);
}

void lodge_kick(struct lodge_vcpu *vcpu)
{
	int cpu;

	/* Every caller came here through a locked operation; this says so. */
	smp_mb__after_atomic();
	if (READ_ONCE(vcpu->blocking)) {
		rcuwait_wake_up(&vcpu->wait);
		return;
	}
	if (READ_ONCE(vcpu->mode) != LODGE_IN_GUEST)
		return;
	/*
	 * One IPI is enough for all who kick at once.  On the vCPU's own CPU
	 * the caller is an interrupt handler, so the guest has already exited.
	 */
	preempt_disable();
	if (cmpxchg(&vcpu->mode, LODGE_IN_GUEST, LODGE_EXITING_GUEST) == LODGE_IN_GUEST) {
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != smp_processor_id())
			lodge_send_reschedule(cpu);
	}
	preempt_enable();
}

/* Runs on a CPU whose guest the interrupt ended; there is no more to do. */
static void acknowledge_kick(void *unused)
{
}

void lodge_kick_all_and_wait(struct lodge_vm *vm)
{
	struct lodge_vcpu *vcpu;
	struct cpumask *mask;
	unsigned long i;
	int me, cpu;

	/* What the caller published comes before the look at the modes. */
	smp_mb();
	me = get_cpu();
	mask = this_cpu_ptr(&kick_mask);
	cpumask_clear(mask);
	lodge_for_each_vcpu(i, vcpu, vm) {
		/*
		 * EXITING_GUEST counts as in the guest: its IPI may be on the
		 * way, and only an interrupt that is waited for proves the exit.
		 */
		if (READ_ONCE(vcpu->mode) == LODGE_OUTSIDE_GUEST)
			continue;
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != me)
			cpumask_set_cpu(cpu, mask);
	}
	if (!cpumask_empty(mask))
		smp_call_function_many(mask, acknowledge_kick, NULL, true);
	put_cpu();
}

void lodge_request_all(struct lodge_vm *vm, enum lodge_request req)
{
	struct lodge_vcpu *vcpu;
	unsigned long i;

	lodge_for_each_vcpu(i, vcpu, vm) {
		lodge_request(vcpu, req);
		lodge_wake(vcpu);
	}
	lodge_kick_all_and_wait(vm);
}
