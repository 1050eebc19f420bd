// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the IOAPIC's registers read and write as its data sheet says; an
 * edge is delivered once for each rise, also one that came while masked; a
 * level is delivered with remote IRR set and no more until EOI, and again
 * while the line stays high; NMI delivery and destinations work (82093AA
 * IOAPIC data sheet, I/O Redirection Table Registers).
 */
#include "apic.h"
#include "lodge_test.h"

#define PIN	20	/* not one of the PIC's */
#define VECTOR	0x53

static volatile uint32_t taken;
static volatile bool hold_eoi;

static GUEST_HANDLER void on_irq(struct trap_frame *frame)
{
	taken++;
	if (!hold_eoi)
		xapic_write(APIC_EOI, 0);
}

static void set_up(void)
{
	guest_handlers[VECTOR] = on_irq;
	guest_handlers[VEC_NMI] = on_irq;
	xapic_enable();
}

static void guest_registers(void)
{
	uint32_t version = ioapic_read(1);
	unsigned int i;

	GUEST_ASSERT_EQ(23U, version >> 16 & 0xff);
	ioapic_write(1, 0);
	GUEST_ASSERT_EQ(version, ioapic_read(1));
	ioapic_write(0, 0x05ffffff);
	GUEST_ASSERT_EQ(0x05000000U, ioapic_read(0) & 0x0f000000);
	for (i = 0; i < 24; i++) {
		GUEST_ASSERT_EQ((uint32_t)RTE_MASKED,
				ioapic_rte_low(i) & RTE_MASKED);
		ioapic_rte(i, i, RTE_MASKED | RTE_LEVEL | (0x30 + i));
		GUEST_ASSERT_EQ((uint32_t)(RTE_MASKED | RTE_LEVEL | (0x30 + i)),
				ioapic_rte_low(i));
		GUEST_ASSERT_EQ(i << 24, ioapic_read(0x11 + 2 * i));
	}
	/* Remote IRR and delivery status are not the guest's to write. */
	ioapic_rte(0, 0, RTE_MASKED | RTE_LEVEL | RTE_REMOTE_IRR | 1 << 12);
	GUEST_ASSERT_EQ((uint32_t)(RTE_MASKED | RTE_LEVEL), ioapic_rte_low(0));
	guest_done();
}

FIXTURE(ioapic) {
	struct vm *vm;
};

FIXTURE_SETUP(ioapic)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(ioapic)
{
	vm_free(self->vm);
}

TEST_F(ioapic, registers)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_registers));
}

static void guest_edge(void)
{
	set_up();
	ioapic_rte(PIN, 0, VECTOR);
	guest_sync(1);				/* up, down */
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken);
	guest_sync(2);				/* up, and up again */
	sti_nop_cli();
	sti_nop_cli();
	GUEST_ASSERT_EQ(2, taken);
	guest_sync(3);				/* down, up */
	sti_nop_cli();
	GUEST_ASSERT_EQ(3, taken);
	guest_done();
}

TEST_F(ioapic, edge)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_edge);

	ASSERT_STAGE(1, vcpu);
	vm_irq_line(self->vm, PIN, 1);
	vm_irq_line(self->vm, PIN, 0);
	ASSERT_STAGE(2, vcpu);
	vm_irq_line(self->vm, PIN, 1);
	vm_irq_line(self->vm, PIN, 1);
	ASSERT_STAGE(3, vcpu);
	vm_irq_line(self->vm, PIN, 0);
	vm_irq_line(self->vm, PIN, 1);
	ASSERT_DONE(vcpu);
}

static void guest_level(void)
{
	set_up();
	ioapic_rte(PIN, 0, RTE_LEVEL | VECTOR);
	hold_eoi = true;
	guest_sync(1);				/* up */
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken);
	GUEST_ASSERT(ioapic_rte_low(PIN) & RTE_REMOTE_IRR);
	GUEST_ASSERT(xapic_bit(APIC_TMR, VECTOR));
	guest_sync(2);				/* down, up: no second one */
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken);
	/* EOI with the line still high: it comes again. */
	xapic_write(APIC_EOI, 0);
	sti_nop_cli();
	GUEST_ASSERT_EQ(2, taken);
	guest_sync(3);				/* down */
	xapic_write(APIC_EOI, 0);
	GUEST_ASSERT(!(ioapic_rte_low(PIN) & RTE_REMOTE_IRR));
	sti_nop_cli();
	GUEST_ASSERT_EQ(2, taken);
	guest_done();
}

TEST_F(ioapic, level)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_level);

	ASSERT_STAGE(1, vcpu);
	vm_irq_line(self->vm, PIN, 1);
	ASSERT_STAGE(2, vcpu);
	vm_irq_line(self->vm, PIN, 0);
	vm_irq_line(self->vm, PIN, 1);
	ASSERT_STAGE(3, vcpu);
	vm_irq_line(self->vm, PIN, 0);
	ASSERT_DONE(vcpu);
}

static void guest_masked(void)
{
	set_up();
	ioapic_rte(PIN, 0, RTE_MASKED | RTE_LEVEL | VECTOR);
	guest_sync(1);				/* up */
	sti_nop_cli();
	GUEST_ASSERT_EQ(0, taken);
	GUEST_ASSERT(!(ioapic_rte_low(PIN) & RTE_REMOTE_IRR));
	ioapic_rte(PIN, 0, RTE_LEVEL | VECTOR);
	hold_eoi = true;
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken);
	guest_done();
}

TEST_F(ioapic, masked_level_waits)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_masked);

	ASSERT_STAGE(1, vcpu);
	vm_irq_line(self->vm, PIN, 1);
	ASSERT_DONE(vcpu);
}

static void guest_nmi(void)
{
	set_up();
	hold_eoi = true;
	ioapic_rte(PIN, 0, RTE_NMI);
	guest_sync(1);
	GUEST_ASSERT_EQ(1, taken);
	guest_done();
}

TEST_F(ioapic, nmi)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_nmi);

	ASSERT_STAGE(1, vcpu);
	vm_irq_line(self->vm, PIN, 1);
	ASSERT_DONE(vcpu);
}

/* What KVM_SET_IRQCHIP restores is what the guest then reads. */
static void guest_state(void)
{
	set_up();
	ioapic_rte(PIN, 3, RTE_LEVEL | RTE_MASKED | VECTOR);
	guest_sync(1);
	GUEST_ASSERT_EQ(0x06000000U, ioapic_read(0x11 + 2 * PIN));
	guest_done();
}

TEST_F(ioapic, state_round_trip)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_state);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	ASSERT_STAGE(1, vcpu);
	must_ioctl(self->vm->fd, KVM_GET_IRQCHIP, &chip);
	EXPECT_EQ(0xfec00000, chip.chip.ioapic.base_address);
	EXPECT_EQ(VECTOR, chip.chip.ioapic.redirtbl[PIN].fields.vector + 0);
	EXPECT_EQ(1, chip.chip.ioapic.redirtbl[PIN].fields.trig_mode + 0);
	EXPECT_EQ(1, chip.chip.ioapic.redirtbl[PIN].fields.mask + 0);
	EXPECT_EQ(3, chip.chip.ioapic.redirtbl[PIN].fields.dest_id + 0);
	chip.chip.ioapic.redirtbl[PIN].fields.dest_id = 6;
	must_ioctl(self->vm->fd, KVM_SET_IRQCHIP, &chip);
	ASSERT_DONE(vcpu);
	chip.chip_id = 7;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_GET_IRQCHIP, &chip));
	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_SET_IRQCHIP, &chip));
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
