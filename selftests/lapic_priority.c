// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the local APIC delivers the highest pending vector whose class is
 * above the processor priority, PPR is the higher of TPR and the vector in
 * service, EOI ends the highest one in service, lower ones wait, a higher one
 * nests, and CR8 and TPR[7:4] are one register (APM vol. 2, Interrupt
 * Prioritization, and the PPR and EOI registers).
 */
#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t order[8], nr;
static volatile bool nest;

static void self_ipi(uint8_t vector)
{
	xapic_icr(0, APIC_DEST_SELF | APIC_DM_FIXED | vector);
}

static GUEST_HANDLER void note(struct trap_frame *frame)
{
	uint32_t v = frame->vector;

	order[nr++] = v;
	GUEST_ASSERT(xapic_bit(APIC_ISR, v));
	GUEST_ASSERT(!xapic_bit(APIC_IRR, v));
	GUEST_ASSERT_EQ(v & 0xf0, xapic_read(APIC_PROCPRI));
	if (nest && v == 0x50) {
		/* Same class: must wait.  A higher one: comes now. */
		self_ipi(0x51);
		self_ipi(0x60);
		sti_nop_cli();
		GUEST_ASSERT_EQ(2, nr);
		GUEST_ASSERT_EQ(0x60, order[1]);
		GUEST_ASSERT(xapic_bit(APIC_IRR, 0x51));
		GUEST_ASSERT_EQ(0x50U, xapic_read(APIC_PROCPRI));
	}
	xapic_write(APIC_EOI, 0);
	GUEST_ASSERT(!xapic_bit(APIC_ISR, v));
}

static void set_up(void)
{
	unsigned int i;

	for (i = 0x20; i < 0xff; i++)
		guest_handlers[i] = note;
	xapic_enable();
}

static void guest_order(void)
{
	set_up();
	self_ipi(0x35);
	self_ipi(0x91);
	self_ipi(0x62);
	self_ipi(0x62);			/* the same once more is still one */
	GUEST_ASSERT(xapic_bit(APIC_IRR, 0x35));
	GUEST_ASSERT(xapic_bit(APIC_IRR, 0x91));
	__asm__ volatile("sti; nop; nop; nop; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(3, nr);
	GUEST_ASSERT_EQ(0x91, order[0]);
	GUEST_ASSERT_EQ(0x62, order[1]);
	GUEST_ASSERT_EQ(0x35, order[2]);
	guest_done();
}

static void guest_nesting(void)
{
	set_up();
	nest = true;
	self_ipi(0x50);
	__asm__ volatile("sti; nop; nop; nop; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(3, nr);
	GUEST_ASSERT_EQ(0x50, order[0]);
	GUEST_ASSERT_EQ(0x60, order[1]);
	GUEST_ASSERT_EQ(0x51, order[2]);
	guest_done();
}

static void guest_tpr(void)
{
	set_up();
	write_cr8(5);
	GUEST_ASSERT_EQ(0x50U, xapic_read(APIC_TASKPRI));
	GUEST_ASSERT_EQ(0x50U, xapic_read(APIC_PROCPRI));
	xapic_write(APIC_TASKPRI, 0x60);
	GUEST_ASSERT_EQ(6, read_cr8());
	GUEST_ASSERT_EQ(0x60U, xapic_read(APIC_PROCPRI));
	self_ipi(0x6f);
	self_ipi(0x45);
	sti_nop_cli();
	GUEST_ASSERT_EQ(0, nr);
	/* One class lower and the higher of the two comes through. */
	sti();
	write_cr8(5);
	__asm__ volatile("nop; nop" : : : "memory");
	GUEST_ASSERT_EQ(1, nr);
	GUEST_ASSERT_EQ(0x6f, order[0]);
	xapic_write(APIC_TASKPRI, 0x30);
	__asm__ volatile("nop; nop" : : : "memory");
	cli();
	GUEST_ASSERT_EQ(2, nr);
	GUEST_ASSERT_EQ(0x45, order[1]);
	guest_done();
}

FIXTURE(priority) {
	struct vm *vm;
};

FIXTURE_SETUP(priority)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(priority)
{
	vm_free(self->vm);
}

TEST_F(priority, highest_first)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_order));
}

TEST_F(priority, higher_nests_and_same_class_waits)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_nesting));
}

TEST_F(priority, tpr_and_cr8_are_one)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_tpr));
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
