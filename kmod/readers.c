// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for readers: vCPUs are asked to begin a new section, and answer by
 * the number in it; the others are SRCU's.
 *
 * Waiting for SRCU alone would not do for vCPUs.  Its grace period has two
 * halves, and a section begun anew between them holds up the second: a guest
 * that does not exit would have to be kicked again, nobody knows when.
 */
#include "readers.h"

static bool has_passed(struct lodge_vcpu *vcpu, unsigned long gen)
{
	unsigned long seen = READ_ONCE(vcpu->read_gen);

	return !seen || seen >= gen;
}

void lodge_reader_passed(struct lodge_vcpu *vcpu)
{
	rcuwait_wake_up(&vcpu->vm->readers_wait);
}

void lodge_synchronize(struct lodge_vm *vm)
{
	struct lodge_vcpu *vcpu;
	unsigned long i, gen;

	lockdep_assert_held(&vm->slots_lock);
	gen = vm->read_gen + 1;
	WRITE_ONCE(vm->read_gen, gen);
	/* What was published, and the number, come before the looks: lodge_reader_enter(). */
	smp_mb();
	lodge_for_each_vcpu(i, vcpu, vm) {
		if (has_passed(vcpu, gen))
			continue;
		lodge_request(vcpu, LODGE_REQ_QUIESCE);
		lodge_kick(vcpu);
	}
	/* slots_lock makes us the only one who waits here. */
	lodge_for_each_vcpu(i, vcpu, vm)
		rcuwait_wait_event(&vm->readers_wait, has_passed(vcpu, gen), TASK_UNINTERRUPTIBLE);
	synchronize_srcu_expedited(&vm->srcu);
}
