// SPDX-License-Identifier: GPL-2.0
/*
 * THE loop: finish what user space answered; then, until something must go to
 * user space, enter the guest when it can run and sleep when it cannot.
 *
 * The thread holds vcpu->mutex throughout, and is in a read section (readers.h)
 * except while it sleeps or works for the host.  The section spans many entries:
 * it costs nothing there, and whoever must wait for readers asks for a new one.
 */
#include <linux/sched/signal.h>

#include "exit.h"
#include "fpu.h"
#include "host_work.h"
#include "irqchip/irqchip.h"
#include "readers.h"
#include "run.h"
#include "trace.h"

/*
 * Sleep until something wakes the vCPU or a signal comes.  No wake-up is lost:
 * who brings one publishes it, then looks at "blocking" and wakes; we set
 * "blocking" and the task state, a full barrier, and then look for it.
 */
static int lodge_block(struct lodge_vcpu *vcpu) __must_hold(&vcpu->vm->srcu)
{
	u64 start = ktime_get_ns();
	bool waited = false;

	lodge_lapic_timer_sleep(vcpu);
	lodge_reader_leave(vcpu);
	vcpu->stats.blocking = 1;
	prepare_to_rcuwait(&vcpu->wait);
	WRITE_ONCE(vcpu->blocking, true);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (lodge_vcpu_has_wakeup(vcpu) || signal_pending(current))
			break;
		waited = true;
		schedule();
	}
	WRITE_ONCE(vcpu->blocking, false);
	finish_rcuwait(&vcpu->wait);
	vcpu->stats.blocking = 0;
	if (waited)
		vcpu->stats.halt_wakeup++;
	trace_kvm_vcpu_wakeup(ktime_get_ns() - start, waited, true);

	lodge_reader_enter(vcpu);
	lodge_vcpu_woken(vcpu);
	return LODGE_RESUME;
}

static int work_for_host(struct lodge_vcpu *vcpu) __must_hold(&vcpu->vm->srcu)
{
	int r;

	lodge_reader_leave(vcpu);
	r = lodge_host_work();
	lodge_reader_enter(vcpu);
	if (!r)
		return LODGE_RESUME;
	vcpu->stats.signal_exits++;
	return r;
}

static int run_loop(struct lodge_vcpu *vcpu)
{
	int r;

	do {
		if (likely(lodge_vcpu_runnable(vcpu)))
			r = lodge_enter(vcpu);
		else
			r = lodge_block(vcpu);
		if (r == LODGE_RESUME && unlikely(lodge_host_work_pending()))
			r = work_for_host(vcpu);
	} while (r == LODGE_RESUME);
	return r;
}

/* What the last exit left for user space to answer; LODGE_RESUME when there is nothing more. */
static int complete_exit(struct lodge_vcpu *vcpu)
{
	int (*complete)(struct lodge_vcpu *vcpu) = vcpu->complete;

	if (!complete)
		return LODGE_RESUME;
	vcpu->complete = NULL;
	return complete(vcpu);
}

static void note_thread(struct lodge_vcpu *vcpu)
{
	struct pid *old = rcu_access_pointer(vcpu->pid);
	struct pid *now;

	if (likely(old == task_pid(current)))
		return;
	now = get_task_pid(current, PIDTYPE_PID);
	rcu_assign_pointer(vcpu->pid, now);
	if (old)
		synchronize_rcu();
	put_pid(old);
}

int lodge_vcpu_run(struct lodge_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	sigset_t saved;
	int r;

	note_thread(vcpu);
	lodge_vcpu_load(vcpu);
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &saved);
	lodge_reader_enter(vcpu);

	r = lodge_run_take(vcpu);
	if (!r) {
		lodge_fpu_enter(vcpu);
		r = complete_exit(vcpu);
		if (r == LODGE_RESUME && READ_ONCE(run->immediate_exit)) {
			/* As with KVM, kvm_run still tells of the exit that this completed. */
			r = -EINTR;
		} else if (r == LODGE_RESUME) {
			run->exit_reason = KVM_EXIT_UNKNOWN;
			r = run_loop(vcpu);
			if (r == -EINTR)
				run->exit_reason = KVM_EXIT_INTR;
		}
		lodge_fpu_leave(vcpu);
		lodge_run_give(vcpu);
	}

	lodge_reader_leave(vcpu);
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &saved, NULL);
	lodge_vcpu_put(vcpu);
	trace_kvm_userspace_exit(run->exit_reason, r);
	return r;
}
