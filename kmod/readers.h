/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who reads what vm->slots_lock guards: the slots, the buses, the MSR filter.
 *
 * An ioctl or the MMU notifier reads in a section of vm->srcu.  A vCPU's thread
 * in KVM_RUN does so in a section of its own kind, which begins and ends with
 * one exchange and spans many entries: vcpu->read_gen is the value that
 * vm->read_gen had when it began, or zero outside.  lodge_synchronize() waits
 * for both; so the one counts as the other, for lockdep and sparse too.
 */
#ifndef LODGE_READERS_H
#define LODGE_READERS_H

#include "lodge.h"

/*
 * Wait until no reader is left that may have seen what was there before the
 * caller published something.  Does not wait for a guest to exit by itself.
 * Under slots_lock, in no read section; sleeps.
 */
void lodge_synchronize(struct lodge_vm *vm);

/* Out of line: somebody may wait for this vCPU. */
void lodge_reader_passed(struct lodge_vcpu *vcpu);

/*
 * Begin a section, leave it, and do both at once.  The vCPU's own thread, in
 * KVM_RUN; may be preempted and may sleep inside.
 *
 * lodge_synchronize() raises vm->read_gen and then looks at vcpu->read_gen,
 * with a full barrier between; we write that (the exchange is a full barrier)
 * and then read what was published.  So if it finds us outside, we find what
 * is new.  That the number written may be old by then is harmless: it makes
 * the next one wait for a section that need not be waited for.
 */
static inline void lodge_reader_enter(struct lodge_vcpu *vcpu) __acquires(&vcpu->vm->srcu)
{
	__acquire(&vcpu->vm->srcu);
	rcu_lock_acquire(&vcpu->vm->srcu.dep_map);
	xchg(&vcpu->read_gen, READ_ONCE(vcpu->vm->read_gen));
}

static inline void lodge_reader_leave(struct lodge_vcpu *vcpu) __releases(&vcpu->vm->srcu)
{
	xchg(&vcpu->read_gen, 0);
	rcu_lock_release(&vcpu->vm->srcu.dep_map);
	__release(&vcpu->vm->srcu);
	/* It asks and then looks; we have left and now look. */
	if (unlikely(test_bit(LODGE_REQ_QUIESCE, &vcpu->requests)))
		lodge_reader_passed(vcpu);
}

/* LODGE_REQ_QUIESCE, already taken. */
static inline void lodge_reader_renew(struct lodge_vcpu *vcpu) __must_hold(&vcpu->vm->srcu)
{
	xchg(&vcpu->read_gen, READ_ONCE(vcpu->vm->read_gen));
	lodge_reader_passed(vcpu);
}

#endif
