// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the local APIC timer counts down from the initial count at the rate
 * of the divider, fires once in one-shot mode and again and again in periodic,
 * never before its time, not while masked, stops at an initial count of zero;
 * in TSC-deadline mode it fires when the TSC has reached the deadline, the MSR
 * then reads zero, and a deadline in the past fires at once (APM vol. 2, APIC
 * Timer Interrupt; SDM vol. 3, TSC-Deadline Mode).
 */
#include "apic.h"
#include "lodge_test.h"

#define VECTOR 0x5a

static volatile uint64_t taken, last;

static GUEST_HANDLER void on_timer(struct trap_frame *frame)
{
	taken++;
	last = rdtsc();
	xapic_write(APIC_EOI, 0);
}

static void set_up(uint32_t lvtt)
{
	guest_handlers[VECTOR] = on_timer;
	xapic_enable();
	xapic_write(APIC_TDCR, APIC_TDR_DIV_1);
	xapic_write(APIC_LVTT, lvtt | VECTOR);
}

static void guest_one_shot(void)
{
	uint32_t first, second;

	set_up(0);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_TMCCT));
	xapic_write(APIC_TMICT, 100000000);
	first = xapic_read(APIC_TMCCT);
	second = xapic_read(APIC_TMCCT);
	GUEST_ASSERT(first <= 100000000 && first > 0);
	GUEST_ASSERT(second <= first);
	xapic_write(APIC_TMICT, 0);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_TMCCT));
	sti_nop_cli();
	GUEST_ASSERT_EQ(0, taken);

	xapic_write(APIC_TMICT, 1000000);
	sti_hlt_cli();
	GUEST_ASSERT_EQ(1, taken);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_TMCCT));
	/* Over is over: the initial count still reads, nothing more comes. */
	GUEST_ASSERT_EQ(1000000U, xapic_read(APIC_TMICT));
	guest_sync(1);
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken);
	guest_done();
}

static void guest_periodic(void)
{
	unsigned int i;

	set_up(APIC_LVT_TIMER_PERIODIC);
	xapic_write(APIC_TMICT, 1000000);
	for (i = 1; i <= 5; i++) {
		sti_hlt_cli();
		GUEST_ASSERT(taken >= i);
	}
	xapic_write(APIC_TMICT, 0);
	sti_nop_cli();
	i = taken;
	guest_sync(1);
	sti_nop_cli();
	GUEST_ASSERT_EQ(i, taken);
	guest_done();
}

static void guest_masked(void)
{
	set_up(APIC_LVT_MASKED);
	xapic_write(APIC_TMICT, 1000);
	guest_sync(1);			/* the host sleeps here */
	sti_nop_cli();
	GUEST_ASSERT_EQ(0, taken);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_TMCCT));
	guest_done();
}

static void guest_deadline(void)
{
	uint64_t when;

	set_up(APIC_LVT_TIMER_TSCDEADLINE);
	GUEST_ASSERT_EQ(0UL, rdmsr(MSR_IA32_TSC_DEADLINE));
	when = rdtsc() + 10000000;
	wrmsr(MSR_IA32_TSC_DEADLINE, when);
	GUEST_ASSERT_EQ(when, rdmsr(MSR_IA32_TSC_DEADLINE));
	sti_hlt_cli();
	GUEST_ASSERT_EQ(1, taken);
	GUEST_ASSERT(last >= when);
	GUEST_ASSERT_EQ(0UL, rdmsr(MSR_IA32_TSC_DEADLINE));

	/* In the past: now. */
	wrmsr(MSR_IA32_TSC_DEADLINE, 1);
	sti_hlt_cli();
	GUEST_ASSERT_EQ(2, taken);
	GUEST_ASSERT_EQ(0UL, rdmsr(MSR_IA32_TSC_DEADLINE));

	/* Zero disarms. */
	wrmsr(MSR_IA32_TSC_DEADLINE, rdtsc() + 1000000000000);
	wrmsr(MSR_IA32_TSC_DEADLINE, 0);
	GUEST_ASSERT_EQ(0UL, rdmsr(MSR_IA32_TSC_DEADLINE));
	/* In this mode the initial count does nothing. */
	xapic_write(APIC_TMICT, 1000);
	guest_sync(1);
	sti_nop_cli();
	GUEST_ASSERT_EQ(2, taken);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_TMCCT));
	guest_done();
}

/* The other modes ignore the deadline. */
static void guest_no_deadline(void)
{
	set_up(0);
	wrmsr(MSR_IA32_TSC_DEADLINE, rdtsc() + 1);
	GUEST_ASSERT_EQ(0UL, rdmsr(MSR_IA32_TSC_DEADLINE));
	guest_sync(1);
	sti_nop_cli();
	GUEST_ASSERT_EQ(0, taken);
	guest_done();
}

/* The divider makes it slower: 128 against 1 over the same count. */
static void guest_divider(void)
{
	uint64_t start, fast, slow;

	set_up(0);
	start = rdtsc();
	xapic_write(APIC_TMICT, 3000000);
	sti_hlt_cli();
	fast = last - start;
	xapic_write(APIC_TMICT, 0);
	xapic_write(APIC_TDCR, APIC_TDR_DIV_128);
	start = rdtsc();
	xapic_write(APIC_TMICT, 3000000);
	sti_hlt_cli();
	slow = last - start;
	GUEST_ASSERT_EQ(2, taken);
	GUEST_ASSERT(slow > fast * 4);
	guest_done();
}

FIXTURE(timer) {
	struct vm *vm;
};

FIXTURE_VARIANT(timer) {
	void (*guest)(void);
};

FIXTURE_VARIANT_ADD(timer, one_shot) { guest_one_shot };
FIXTURE_VARIANT_ADD(timer, periodic) { guest_periodic };
FIXTURE_VARIANT_ADD(timer, masked) { guest_masked };
FIXTURE_VARIANT_ADD(timer, deadline) { guest_deadline };
FIXTURE_VARIANT_ADD(timer, deadline_in_another_mode) { guest_no_deadline };
FIXTURE_VARIANT_ADD(timer, divider) { guest_divider };

FIXTURE_SETUP(timer)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(timer)
{
	vm_free(self->vm);
}

TEST_F(timer, fires_as_it_should)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(self->vm->cpuid, 1, 0);
	struct vcpu *vcpu;
	struct ucall uc;

	e->ecx |= 1 << 24;		/* TSC-deadline mode */
	vcpu = vcpu_create(self->vm, variant->guest);
	while (vcpu_run_ucall(vcpu, &uc) == UCALL_SYNC)
		usleep(50000);
	EXPECT_EQ(UCALL_DONE, uc.kind);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP, KVM_CAP_TSC_DEADLINE_TIMER)
