// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the pair of 8259As works as its data sheet says: initialization by
 * ICW1 to ICW4, IMR, IRR and ISR as OCW3 selects, fixed priority with IR0
 * first, the slave behind IR2, specific and non-specific EOI, automatic EOI,
 * rotation, and ELCR for levels (8259A data sheet, Programming the 8259A).
 */
#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t order[16], nr;
static volatile bool no_eoi, until_3;

/* Asks the host to raise, or to lower, the lines of @mask. */
static void raise_lines(uint32_t mask)
{
	guest_sync_args(1, mask, 0, 0);
}

static void lower_lines(uint32_t mask)
{
	guest_sync_args(2, mask, 0, 0);
}

static GUEST_HANDLER void on_irq(struct trap_frame *frame)
{
	uint32_t line = frame->vector - 0x20;

	order[nr++ & 15] = line;
	if (no_eoi)
		return;
	/* A level comes as often as it is taken; three times will do. */
	if (until_3 && nr == 3)
		lower_lines(1 << line);
	if (line >= 8)
		outb(PIC2_CMD, 0x20);
	outb(PIC1_CMD, 0x20);
}

static void set_up(void)
{
	unsigned int i;

	for (i = 0x20; i < 0x30; i++)
		guest_handlers[i] = on_irq;
	/* The wire mode: LINT0 takes ExtINT from the PIC. */
	xapic_enable();
	xapic_write(APIC_LVT0, APIC_DM_EXTINT);
	pic_init(0x20, 0x28);
}

static void take_all(void)
{
	__asm__ volatile("sti; nop; nop; nop; nop; nop; nop; nop; nop; cli"
			 : : : "memory");
}

static void guest_registers(void)
{
	set_up();
	outb(PIC1_DATA, 0xa5);
	outb(PIC2_DATA, 0x5a);
	GUEST_ASSERT_EQ(0xa5, inb(PIC1_DATA));
	GUEST_ASSERT_EQ(0x5a, inb(PIC2_DATA));
	/* Masked requests show in IRR all the same. */
	outb(PIC1_DATA, 0xff);
	outb(PIC2_DATA, 0xff);
	raise_lines(1 << 3 | 1 << 10);
	GUEST_ASSERT_EQ(0x08, pic_irr(PIC1_CMD) & ~4);
	GUEST_ASSERT_EQ(0x04, pic_irr(PIC2_CMD));
	take_all();
	GUEST_ASSERT_EQ(0, nr);
	lower_lines(1 << 3 | 1 << 10);
	/* ICW1 clears the mask and what was in service. */
	pic_init(0x20, 0x28);
	GUEST_ASSERT_EQ(0, inb(PIC1_DATA));
	GUEST_ASSERT_EQ(0, pic_isr(PIC1_CMD));
	guest_done();
}

static void guest_priority(void)
{
	set_up();
	raise_lines(1 << 6 | 1 << 1 | 1 << 12 | 1 << 9);
	take_all();
	GUEST_ASSERT_EQ(4, nr);
	/* IR1; then the slave on IR2, IR9 before IR12; then IR6. */
	GUEST_ASSERT_EQ(1, order[0]);
	GUEST_ASSERT_EQ(9, order[1]);
	GUEST_ASSERT_EQ(12, order[2]);
	GUEST_ASSERT_EQ(6, order[3]);
	GUEST_ASSERT_EQ(0, pic_isr(PIC1_CMD));
	GUEST_ASSERT_EQ(0, pic_isr(PIC2_CMD));
	guest_done();
}

static void guest_in_service(void)
{
	set_up();
	no_eoi = true;
	raise_lines(1 << 5);
	take_all();
	GUEST_ASSERT_EQ(1, nr);
	GUEST_ASSERT_EQ(0x20, pic_isr(PIC1_CMD));
	/* Lower and equal ones wait, a higher one does not. */
	lower_lines(1 << 5);
	raise_lines(1 << 5 | 1 << 7 | 1 << 3);
	take_all();
	GUEST_ASSERT_EQ(2, nr);
	GUEST_ASSERT_EQ(3, order[1]);
	GUEST_ASSERT_EQ(0x28, pic_isr(PIC1_CMD));
	/* Non-specific EOI ends the highest, specific the one it names. */
	outb(PIC1_CMD, 0x20);
	GUEST_ASSERT_EQ(0x20, pic_isr(PIC1_CMD));
	outb(PIC1_CMD, 0x65);
	GUEST_ASSERT_EQ(0, pic_isr(PIC1_CMD));
	take_all();
	GUEST_ASSERT_EQ(3, nr);
	GUEST_ASSERT_EQ(5, order[2]);
	guest_done();
}

static void guest_auto_eoi(void)
{
	set_up();
	no_eoi = true;
	outb(PIC1_CMD, 0x11);
	outb(PIC1_DATA, 0x20);
	outb(PIC1_DATA, 0x04);
	outb(PIC1_DATA, 0x03);			/* 8086, AEOI */
	raise_lines(1 << 4 | 1 << 6);
	take_all();
	GUEST_ASSERT_EQ(2, nr);
	GUEST_ASSERT_EQ(4, order[0]);
	GUEST_ASSERT_EQ(6, order[1]);
	GUEST_ASSERT_EQ(0, pic_isr(PIC1_CMD));
	guest_done();
}

static void guest_rotation(void)
{
	set_up();
	/* Set priority: IR3 lowest, so IR4 first. */
	outb(PIC1_CMD, 0xc3);
	raise_lines(1 << 1 | 1 << 4 | 1 << 6);
	take_all();
	GUEST_ASSERT_EQ(3, nr);
	GUEST_ASSERT_EQ(4, order[0]);
	GUEST_ASSERT_EQ(6, order[1]);
	GUEST_ASSERT_EQ(1, order[2]);
	guest_done();
}

static void guest_elcr(void)
{
	set_up();
	outb(ELCR1, 0xff);
	outb(ELCR2, 0xff);
	/* IRQ 0, 1, 2, 8 and 13 cannot be levels. */
	GUEST_ASSERT_EQ(0xf8, inb(ELCR1));
	GUEST_ASSERT_EQ(0xde, inb(ELCR2));
	until_3 = true;
	raise_lines(1 << 11);
	take_all();
	GUEST_ASSERT_EQ(3, nr);
	GUEST_ASSERT_EQ(11, order[2]);
	take_all();
	GUEST_ASSERT_EQ(3, nr);
	guest_done();
}

static void guest_edge(void)
{
	set_up();
	raise_lines(1 << 11);
	take_all();
	take_all();
	GUEST_ASSERT_EQ(1, nr);			/* high still, but no new edge */
	lower_lines(1 << 11);
	raise_lines(1 << 11);
	take_all();
	GUEST_ASSERT_EQ(2, nr);
	guest_done();
}

FIXTURE(pic) {
	struct vm *vm;
};

FIXTURE_VARIANT(pic) {
	void (*guest)(void);
};

FIXTURE_VARIANT_ADD(pic, registers) { guest_registers };
FIXTURE_VARIANT_ADD(pic, priority) { guest_priority };
FIXTURE_VARIANT_ADD(pic, in_service) { guest_in_service };
FIXTURE_VARIANT_ADD(pic, auto_eoi) { guest_auto_eoi };
FIXTURE_VARIANT_ADD(pic, rotation) { guest_rotation };
FIXTURE_VARIANT_ADD(pic, elcr) { guest_elcr };
FIXTURE_VARIANT_ADD(pic, edge) { guest_edge };

FIXTURE_SETUP(pic)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(pic)
{
	vm_free(self->vm);
}

TEST_F(pic, follows_the_data_sheet)
{
	struct vcpu *vcpu = vcpu_create(self->vm, variant->guest);
	struct ucall uc;
	unsigned int i;

	while (vcpu_run_ucall(vcpu, &uc) == UCALL_SYNC) {
		for (i = 0; i < 16; i++) {
			if (uc.arg[1] >> i & 1)
				vm_irq_line(self->vm, i, uc.arg[0] == 1);
		}
	}
	EXPECT_EQ(UCALL_DONE, uc.kind);
}

TEST(state_round_trip)
{
	struct vm *vm = vm_create_irqchip();
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_SLAVE };
	struct kvm_pic_state *pic = &chip.chip.pic;

	must_ioctl(vm->fd, KVM_GET_IRQCHIP, &chip);
	pic->irq_base = 0x70;
	pic->imr = 0x5c;
	must_ioctl(vm->fd, KVM_SET_IRQCHIP, &chip);
	memset(pic, 0xff, sizeof(*pic));
	must_ioctl(vm->fd, KVM_GET_IRQCHIP, &chip);
	EXPECT_EQ(0x70, pic->irq_base);
	EXPECT_EQ(0x5c, pic->imr);
	chip.chip_id = KVM_IRQCHIP_PIC_MASTER;
	must_ioctl(vm->fd, KVM_GET_IRQCHIP, &chip);
	EXPECT_NE(0x5c, pic->imr);
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
