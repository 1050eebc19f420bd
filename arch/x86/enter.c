// SPDX-License-Identifier: GPL-2.0
/*
 * One turn of the run loop: handle requests, inject an event, switch to the
 * guest with interrupts off, and hand its exit to the backend's decoder.
 */
#include <linux/hw_breakpoint.h>
#include <linux/kvm_host.h>
#include <asm/debugreg.h>

#include "backend.h"
#include "events.h"
#include "exit.h"
#include "fpu.h"
#include "host_work.h"
#include "irqchip/irqchip.h"
#include "readers.h"
#include "regs_inline.h"
#include "time.h"
#include "trace.h"

/* Requests about memory and its translation. */
static int handle_mmu_requests(struct lodge_vcpu *vcpu)
{
	if (lodge_take_request(vcpu, LODGE_REQ_QUIESCE))
		lodge_reader_renew(vcpu);
	if (lodge_take_request(vcpu, LODGE_REQ_MMU_RELOAD)) {
		int r = lodge_mmu_reload(vcpu);

		if (r)
			return r;
	}
	if (lodge_take_request(vcpu, LODGE_REQ_DIRTY_LOG))
		lodge_be(set_dirty_log)(vcpu, READ_ONCE(vcpu->vm->nr_logged));
	if (lodge_take_request(vcpu, LODGE_REQ_TLB_FLUSH)) {
		lodge_be(flush_tlb_all)(vcpu);
		vcpu->stats.tlb_flush++;
	}
	if (lodge_take_request(vcpu, LODGE_REQ_TLB_FLUSH_GUEST))
		lodge_mmu_flush_guest(vcpu);
	return LODGE_RESUME;
}

static void handle_time_requests(struct lodge_vcpu *vcpu)
{
	if (lodge_take_request(vcpu, LODGE_REQ_MASTERCLOCK))
		lodge_masterclock_update(vcpu->vm);
	if (lodge_take_request(vcpu, LODGE_REQ_CLOCK_UPDATE))
		lodge_clock_update(vcpu);
	if (lodge_take_request(vcpu, LODGE_REQ_STEAL_UPDATE))
		lodge_steal_update(vcpu);
}

static int handle_requests(struct lodge_vcpu *vcpu)
{
	int r;

	if (lodge_take_request(vcpu, LODGE_REQ_VM_DEAD))
		return -EIO;
	if (lodge_take_request(vcpu, LODGE_REQ_CPU_OFF)) {
		r = lodge_vcpu_leave_cpu(vcpu);
		if (r)
			return r;
	}
	if (lodge_take_request(vcpu, LODGE_REQ_TRIPLE_FAULT))
		return lodge_shutdown(vcpu);
	r = handle_mmu_requests(vcpu);
	if (r != LODGE_RESUME)
		return r;
	handle_time_requests(vcpu);
	if (lodge_take_request(vcpu, LODGE_REQ_MSR_FILTER))
		lodge_be(update_msr_intercepts)(vcpu);
	if (lodge_take_request(vcpu, LODGE_REQ_NMI))
		lodge_collect_nmis(vcpu);
	if (lodge_take_request(vcpu, LODGE_REQ_IOAPIC_EOI))
		return lodge_exit_ioapic_eoi(vcpu);
	return LODGE_RESUME;
}

/* Debug registers around the world switch, in twins.  DR6 and DR7 are the backend's. */
static void debug_regs_enter(struct lodge_vcpu *vcpu)
{
	if (likely(!vcpu->arch.dr_dirty))
		return;
	set_debugreg(0, 7);
	set_debugreg(vcpu->arch.eff_db[0], 0);
	set_debugreg(vcpu->arch.eff_db[1], 1);
	set_debugreg(vcpu->arch.eff_db[2], 2);
	set_debugreg(vcpu->arch.eff_db[3], 3);
}

static void debug_regs_leave(struct lodge_vcpu *vcpu)
{
	if (unlikely(vcpu->arch.dr_dirty))
		lodge_be(sync_debug_regs)(vcpu);
	/* Exits disable the host's own breakpoints too, whatever the guest did. */
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
}

/*
 * Translations that others made obsolete.  A flusher raises tlb_gen and then
 * looks at vcpu->mode; we have set the mode, with a full barrier, and now look
 * at tlb_gen.  So either we see the new generation here or the flusher sees us
 * in the guest and waits for our exit.  The backend keeps the flush owed until
 * an entry has succeeded.
 */
static void flush_obsolete(struct lodge_vcpu *vcpu)
{
	u64 gen = atomic64_read(&vcpu->vm->tlb_gen);

	if (likely(gen == vcpu->arch.tlb_gen))
		return;
	lodge_be(flush_tlb_all)(vcpu);
	vcpu->arch.tlb_gen = gen;
	vcpu->stats.tlb_flush++;
}

/*
 * With interrupts off, and so with nothing able to change on this CPU between
 * the last look at requests and the guest's first instruction: an interrupt
 * that arrives now ends the guest at once.
 */
static void switch_to_guest(struct lodge_vcpu *vcpu)
{
	flush_obsolete(vcpu);
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	lodge_xstate_enter(vcpu);
	debug_regs_enter(vcpu);
	guest_timing_enter_irqoff();

	lodge_be(run)(vcpu);

	debug_regs_leave(vcpu);
	lodge_xstate_leave(vcpu);
}

/* Apart, so that its frame is not every exit's. */
static noinline void trace_exit(struct lodge_vcpu *vcpu)
{
	struct lodge_exit_info info;

	lodge_be(get_exit_info)(vcpu, &info);
	trace_kvm_exit(vcpu, lodge_backend->isa, info.reason, info.info1, info.info2,
		       info.intr_info, info.error_code);
}

int lodge_enter(struct lodge_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->requests)) {
		int r = handle_requests(vcpu);

		if (r != LODGE_RESUME)
			return r;
	}
	if (lodge_take_request(vcpu, LODGE_REQ_EVENT) || lodge_event_under_way(vcpu) ||
	    unlikely(lodge_user_waits(vcpu))) {
		vcpu->stats.req_event++;
		lodge_inject_events(vcpu);
		if (lodge_user_waits(vcpu) && lodge_user_irq_ready(vcpu)) {
			vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
			vcpu->stats.request_irq_exits++;
			return LODGE_TO_USER;
		}
	}

	preempt_disable();
	local_irq_disable();
	/* The full barrier that kmod/request.c argues from. */
	smp_store_mb(vcpu->mode, LODGE_IN_GUEST);
	if (unlikely(READ_ONCE(vcpu->requests) || lodge_host_work_pending())) {
		WRITE_ONCE(vcpu->mode, LODGE_OUTSIDE_GUEST);
		lodge_be(cancel_injection)(vcpu);
		local_irq_enable();
		preempt_enable();
		return LODGE_RESUME;
	}

	trace_kvm_entry(vcpu);
	switch_to_guest(vcpu);

	/* Whoever sees this also sees that no guest instruction is executing. */
	smp_store_release(&vcpu->mode, LODGE_OUTSIDE_GUEST);
	lodge_be(handle_exit_irqoff)(vcpu);
	/*
	 * Interrupts that ended the guest are taken here, while its time is
	 * still being counted: a tick charges the guest, not the host.  STI
	 * holds them off for one instruction more, so there must be one.
	 */
	local_irq_enable();
	vcpu->stats.exits++;
	local_irq_disable();
	guest_timing_exit_irqoff();
	local_irq_enable();
	preempt_enable();

	if (trace_kvm_exit_enabled())
		trace_exit(vcpu);
	return lodge_be(handle_exit)(vcpu);
}
