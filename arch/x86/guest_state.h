/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the host's time accounting, RCU, lockdep and context tracking are told
 * around the world switch.  In twins; both with interrupts off.
 *
 * lodge_guest_enter_irqoff() is the last thing before the world switch and
 * lodge_guest_exit_irqoff() the first thing after it, called by the backend
 * from a noinstr function: between the two, RCU may not be watching and
 * lockdep takes interrupts for enabled, so nothing there may be instrumented.
 */
#ifndef LODGE_GUEST_STATE_H
#define LODGE_GUEST_STATE_H

#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/vtime.h>

#include "lodge.h"

static __always_inline void lodge_guest_enter_irqoff(struct lodge_vcpu *vcpu)
{
	unsigned long tick = jiffies;

	instrumentation_begin();
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	instrumentation_end();

	/*
	 * Guest mode is a quiescent state for RCU.  Where context tracking does
	 * not say so, it is noted here, but no more than once in each tick: a
	 * grace period has no use for more, since the CPU that waits for one
	 * has to take a tick, and so an exit, between two looks at it.
	 */
	if (!context_tracking_guest_enter() && vcpu->arch.rcu_noted != tick) {
		vcpu->arch.rcu_noted = tick;
		instrumentation_begin();
		rcu_virt_note_context_switch(smp_processor_id());
		instrumentation_end();
	}
	lockdep_hardirqs_on(CALLER_ADDR0);
}

static __always_inline void lodge_guest_exit_irqoff(void)
{
	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();

	instrumentation_begin();
	trace_hardirqs_off_finish();
	instrumentation_end();
}

#endif
