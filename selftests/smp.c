// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: application processors wait for INIT and SIPI, start at the SIPI's
 * vector in real mode, and 1, 2, 4 and 8 processors run at once, share memory
 * atomically, and reach each other by IPI, every one to every one (APM vol. 2,
 * Processor Initialization State and Interprocessor Interrupts).
 */
#include "apic.h"
#include "lodge_test.h"

/* One vector a sender: two of the same would be one while it is pending. */
#define VECTOR 0x60

static volatile uint32_t started, received[8], finished, counter;
static volatile uint32_t nr_cpus;

static GUEST_HANDLER void on_ipi(struct trap_frame *frame)
{
	received[xapic_read(APIC_ID) >> 24]++;
	xapic_write(APIC_EOI, 0);
}

/* Sends to every other, and waits until all of theirs have come. */
static void exchange(unsigned int me)
{
	unsigned int i;

	/* An APIC that is not yet enabled would lose what is sent to it. */
	guest_wait(started == nr_cpus - 1);
	sti();
	for (i = 0; i < nr_cpus; i++) {
		if (i != me)
			xapic_icr(i, APIC_DM_FIXED | (VECTOR + me));
	}
	while (received[me] < nr_cpus - 1)
		cpu_relax();
	for (i = 0; i < 1000; i++)
		atomic_inc(&counter);
	cli();
	atomic_inc(&finished);
}

void guest_ap_main(uint64_t apic_id)
{
	xapic_enable();
	GUEST_ASSERT_EQ(apic_id, xapic_read(APIC_ID) >> 24);
	GUEST_ASSERT(!(rdmsr(MSR_IA32_APICBASE) & MSR_IA32_APICBASE_BSP));
	atomic_inc(&started);
	exchange(apic_id);
	for (;;)
		__asm__ volatile("hlt");
}

static void guest_bsp(void)
{
	unsigned int i;

	for (i = 0; i < nr_cpus; i++)
		guest_handlers[VECTOR + i] = on_ipi;
	xapic_enable();
	GUEST_ASSERT(rdmsr(MSR_IA32_APICBASE) & MSR_IA32_APICBASE_BSP);
	GUEST_ASSERT_EQ(0, started);
	if (nr_cpus > 1) {
		xapic_icr(0, APIC_DEST_ALLBUT | APIC_INT_LEVELTRIG |
			  APIC_INT_ASSERT | APIC_DM_INIT);
		xapic_icr(0, APIC_DEST_ALLBUT | APIC_DM_STARTUP |
			  GPA_SIPI_PAGE);
		/* The second one that the protocol asks for must do nothing. */
		xapic_icr(0, APIC_DEST_ALLBUT | APIC_DM_STARTUP |
			  GPA_SIPI_PAGE);
	}
	exchange(0);
	while (finished < nr_cpus)
		cpu_relax();
	GUEST_ASSERT_EQ(nr_cpus - 1, started);
	GUEST_ASSERT_EQ(nr_cpus * 1000, counter);
	guest_done();
}

FIXTURE(smp) {
	struct vm *vm;
};

FIXTURE_VARIANT(smp) {
	unsigned int cpus;
};

FIXTURE_VARIANT_ADD(smp, one) { .cpus = 1 };
FIXTURE_VARIANT_ADD(smp, two) { .cpus = 2 };
FIXTURE_VARIANT_ADD(smp, four) { .cpus = 4 };
FIXTURE_VARIANT_ADD(smp, eight) { .cpus = 8 };

FIXTURE_SETUP(smp)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(smp)
{
}

TEST_F(smp, start_and_exchange)
{
	struct vcpu *bsp = vcpu_create(self->vm, guest_bsp);
	unsigned int i;

	guest_var(self->vm, nr_cpus) = variant->cpus;
	for (i = 1; i < variant->cpus; i++) {
		struct vcpu *ap = vcpu_create_bare(self->vm, i);
		struct kvm_mp_state mp;

		vcpu_set_cpuid(ap, self->vm->cpuid);
		must_ioctl(ap->fd, KVM_GET_MP_STATE, &mp);
		EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, mp.mp_state);
		/* Halts for good at the end: the process ends the thread. */
		vcpu_start(ap);
	}
	ASSERT_DONE(bsp);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP, KVM_CAP_MP_STATE)
