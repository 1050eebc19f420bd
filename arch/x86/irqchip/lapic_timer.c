// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline (SDM vol. 3, APIC
 * Timer), each a high-resolution timer on the CPU where the vCPU runs, so that
 * the host's own timer interrupt is what ends the guest when it fires.
 *
 * The callback runs in hard interrupt context and sets IRR itself: that takes no
 * lock.  All else is the vCPU's own thread, which stops the timer, and so waits
 * for a running callback, before it changes what the callback reads.
 *
 * A deadline needs no timer of the host's while the guest runs on a CPU that can
 * watch its TSC (the backend's set_deadline).  Nobody watches it while the thread
 * does something else; it is looked at again before the guest runs, and before
 * the thread sleeps a host's timer takes over.
 */
#include <linux/math64.h>
#include <asm/tsc.h>

#include "backend.h"
#include "lapic_regs.h"
#include "time.h"

#define LVT_TIMER_MODE		(APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE)
/* A guest may not make the host take timer interrupts faster than this. */
#define MIN_PERIOD_NS		(200 * NSEC_PER_USEC)
/* The longest wait whose nanoseconds cannot overflow; a longer one is done in parts. */
#define MAX_TSC_DELTA		(U64_MAX / USEC_PER_SEC)

static u64 periodic_interval(const struct lodge_lapic_timer *t)
{
	return max_t(u64, t->period, MIN_PERIOD_NS);
}

static void timer_start(struct lodge_lapic *l, ktime_t target)
{
	WRITE_ONCE(l->timer.target, target);
	hrtimer_start(&l->timer.hrtimer, target, HRTIMER_MODE_ABS_PINNED_HARD);
}

/* Nanoseconds until the guest's TSC reaches the deadline, rounded up; 0: it has. */
static u64 deadline_wait(struct lodge_lapic *l)
{
	struct lodge_vcpu *vcpu = l->vcpu;
	u64 deadline = READ_ONCE(l->timer.deadline);
	u64 now = lodge_guest_tsc(vcpu, rdtsc());
	u32 khz = READ_ONCE(vcpu->arch.tsc_khz);

	if (now >= deadline)
		return 0;
	if (unlikely(!khz))
		khz = lodge_host_tsc_khz();
	return min_t(u64, deadline - now, MAX_TSC_DELTA) * USEC_PER_SEC / khz + 1;
}

static void deadline_reached(struct lodge_lapic *l)
{
	WRITE_ONCE(l->timer.deadline, 0);
	lodge_lapic_local(l, APIC_LVTT);
}

static void leave_cpu(struct lodge_lapic *l)
{
	if (!l->timer.in_cpu)
		return;
	l->timer.in_cpu = false;
	lodge_be(set_deadline)(l->vcpu, 0);
}

static void arm_deadline(struct lodge_lapic *l, bool sleeps)
{
	u64 wait;

	if (!l->timer.deadline)
		return;
	wait = min_t(u64, deadline_wait(l), KTIME_MAX);
	if (wait && !sleeps)
		l->timer.in_cpu = lodge_be(set_deadline)(l->vcpu, l->timer.deadline);
	if (l->timer.in_cpu)
		return;
	if (wait)
		timer_start(l, ktime_add_safe(ktime_get(), ns_to_ktime(wait)));
	else
		deadline_reached(l);
}

static enum hrtimer_restart timer_fired(struct hrtimer *hrtimer)
{
	struct lodge_lapic *l = container_of(hrtimer, struct lodge_lapic, timer.hrtimer);
	struct lodge_lapic_timer *t = &l->timer;

	if (t->mode == APIC_LVT_TIMER_TSCDEADLINE) {
		/* The host's clock is disciplined and the TSC is not: it may be early. */
		u64 wait = deadline_wait(l);

		if (wait) {
			hrtimer_forward_now(hrtimer, ns_to_ktime(min_t(u64, wait, KTIME_MAX)));
			return HRTIMER_RESTART;
		}
		deadline_reached(l);
		return HRTIMER_NORESTART;
	}
	lodge_lapic_local(l, APIC_LVTT);
	if (t->mode != APIC_LVT_TIMER_PERIODIC || !t->period)
		return HRTIMER_NORESTART;
	/* Ticks missed while the host was late would only coalesce in IRR. */
	hrtimer_forward_now(hrtimer, ns_to_ktime(periodic_interval(t)));
	WRITE_ONCE(t->target, hrtimer_get_expires(hrtimer));
	return HRTIMER_RESTART;
}

void lodge_lapic_timer_create(struct lodge_lapic *l)
{
	lodge_hrtimer_setup(&l->timer.hrtimer, timer_fired, CLOCK_MONOTONIC,
			    HRTIMER_MODE_ABS_PINNED_HARD);
}

void lodge_lapic_timer_stop(struct lodge_lapic *l)
{
	leave_cpu(l);
	hrtimer_cancel(&l->timer.hrtimer);
}

void lodge_lapic_timer_sleep(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	if (!l || !l->timer.in_cpu)
		return;
	leave_cpu(l);
	arm_deadline(l, true);
}

void lodge_lapic_deadline_passed(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	if (!l || !l->timer.in_cpu || lodge_guest_tsc(vcpu, rdtsc()) < l->timer.deadline)
		return;
	leave_cpu(l);
	deadline_reached(l);
}

/* SDM vol. 3, Divide Configuration Register: bits 3, 1 and 0; 111 divides by one. */
static u32 tdcr_divisor(u32 tdcr)
{
	u32 code = (tdcr & 3) | (tdcr & 8) >> 1;

	return 1u << ((code + 1) & 7);
}

void lodge_lapic_timer_reset(struct lodge_lapic *l)
{
	struct lodge_lapic_timer *t = &l->timer;

	lodge_lapic_timer_stop(l);
	t->mode = APIC_LVT_TIMER_ONESHOT;
	t->divisor = tdcr_divisor(0);
	t->period = 0;
	t->deadline = 0;
	t->target = 0;
}

/* How long @count takes to reach zero. */
static u64 count_to_ns(const struct lodge_lapic_timer *t, u32 count)
{
	return (u64)count * t->divisor * LAPIC_BUS_NS;
}

void lodge_lapic_timer_set_initial(struct lodge_lapic *l, u32 count)
{
	struct lodge_lapic_timer *t = &l->timer;

	if (t->mode == APIC_LVT_TIMER_TSCDEADLINE)
		return;
	lodge_lapic_timer_stop(l);
	lapic_set(l, APIC_TMICT, count);
	t->period = count_to_ns(t, count);
	if (!count)
		return;
	timer_start(l, ktime_add_ns(ktime_get(), t->mode == APIC_LVT_TIMER_PERIODIC ?
						 periodic_interval(t) : t->period));
}

u32 lodge_lapic_timer_current(struct lodge_lapic *l)
{
	const struct lodge_lapic_timer *t = &l->timer;
	s64 left;

	if (t->mode == APIC_LVT_TIMER_TSCDEADLINE || !t->period)
		return 0;
	left = ktime_to_ns(ktime_sub(READ_ONCE(t->target), ktime_get()));
	if (left <= 0)
		return 0;
	return min_t(u64, div_u64(left, t->divisor * LAPIC_BUS_NS), lapic_get(l, APIC_TMICT));
}

/* Run on from @count instead of the initial count. */
static void timer_continue(struct lodge_lapic *l, u32 count)
{
	struct lodge_lapic_timer *t = &l->timer;

	t->period = count_to_ns(t, lapic_get(l, APIC_TMICT));
	if (!t->period)
		return;
	if (count)
		timer_start(l, ktime_add_ns(ktime_get(), count_to_ns(t, count)));
	else if (t->mode == APIC_LVT_TIMER_PERIODIC)
		timer_start(l, ktime_add_ns(ktime_get(), periodic_interval(t)));
}

void lodge_lapic_timer_set_divide(struct lodge_lapic *l, u32 tdcr)
{
	u32 count = lodge_lapic_timer_current(l);

	lodge_lapic_timer_stop(l);
	lapic_set(l, APIC_TDCR, tdcr);
	l->timer.divisor = tdcr_divisor(tdcr);
	if (l->timer.mode == APIC_LVT_TIMER_TSCDEADLINE)
		arm_deadline(l, false);
	else
		timer_continue(l, count);
}

/* The reserved fourth mode counts as one-shot. */
static u32 lvt_timer_mode(u32 lvtt)
{
	u32 mode = lvtt & LVT_TIMER_MODE;

	return mode == LVT_TIMER_MODE ? APIC_LVT_TIMER_ONESHOT : mode;
}

void lodge_lapic_timer_set_lvt(struct lodge_lapic *l, u32 lvtt)
{
	struct lodge_lapic_timer *t = &l->timer;
	u32 mode = lvt_timer_mode(lvtt);

	if (mode != t->mode) {
		/* SDM vol. 3, TSC-Deadline Mode: entering or leaving it disarms the timer. */
		if (mode == APIC_LVT_TIMER_TSCDEADLINE || t->mode == APIC_LVT_TIMER_TSCDEADLINE) {
			lodge_lapic_timer_stop(l);
			lapic_set(l, APIC_TMICT, 0);
			t->period = 0;
			t->deadline = 0;
		}
		WRITE_ONCE(t->mode, mode);
	}
	lapic_set(l, APIC_LVTT, lvtt);
}

void lodge_lapic_timer_restore(struct lodge_lapic *l, u32 current_count)
{
	struct lodge_lapic_timer *t = &l->timer;

	t->mode = lvt_timer_mode(lapic_get(l, APIC_LVTT));
	t->divisor = tdcr_divisor(lapic_get(l, APIC_TDCR));
	t->period = 0;
	if (t->mode == APIC_LVT_TIMER_TSCDEADLINE)
		arm_deadline(l, false);
	else
		timer_continue(l, min(current_count, lapic_get(l, APIC_TMICT)));
}

u64 lodge_lapic_tsc_deadline(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	if (!l || l->timer.mode != APIC_LVT_TIMER_TSCDEADLINE)
		return 0;
	return READ_ONCE(l->timer.deadline);
}

void lodge_lapic_set_tsc_deadline(struct lodge_vcpu *vcpu, u64 value)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	/* SDM vol. 3, TSC-Deadline Mode: in other modes the write is ignored. */
	if (!l || l->timer.mode != APIC_LVT_TIMER_TSCDEADLINE)
		return;
	lodge_lapic_timer_stop(l);
	l->timer.deadline = value;
	arm_deadline(l, false);
}

void lodge_lapic_timer_tsc_changed(struct lodge_vcpu *vcpu)
{
	lodge_lapic_set_tsc_deadline(vcpu, lodge_lapic_tsc_deadline(vcpu));
}

void lodge_lapic_timer_migrate(struct lodge_vcpu *vcpu)
{
	struct hrtimer *hrtimer = &vcpu->arch.lapic->timer.hrtimer;

	if (hrtimer_cancel(hrtimer))
		hrtimer_start_expires(hrtimer, HRTIMER_MODE_ABS_PINNED_HARD);
}
