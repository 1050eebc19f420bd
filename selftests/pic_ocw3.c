// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: OCW3 of the 8259A gives special mask mode, in which a masked level in
 * service holds no lower one back, and the poll command, whose answer has bit
 * 7 set where a request is there and is the acknowledge (8259A data sheet,
 * Special Mask Mode, Poll Command).
 *
 * KVM fails both: it keeps the special mask bit without looking at it, and
 * answers a poll without bit 7.
 */
#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t order[16], nr;

static GUEST_HANDLER void on_irq(struct trap_frame *frame)
{
	order[nr++ & 15] = frame->vector - 0x20;
}

static void set_up(void)
{
	unsigned int i;

	for (i = 0x20; i < 0x30; i++)
		guest_handlers[i] = on_irq;
	xapic_enable();
	xapic_write(APIC_LVT0, APIC_DM_EXTINT);
	pic_init(0x20, 0x28);
}

static void guest_special_mask(void)
{
	set_up();
	guest_sync(1);				/* IR1 */
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, nr);
	guest_sync(6);				/* IR6 */
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, nr);
	outb(PIC1_DATA, 1 << 1);
	outb(PIC1_CMD, 0x68);
	sti_nop_cli();
	GUEST_ASSERT_EQ(2, nr);
	GUEST_ASSERT_EQ(6, order[1]);
	/* Back to normal, where IR1 and IR6 hold back what is lower. */
	outb(PIC1_CMD, 0x48);
	guest_sync(7);
	sti_nop_cli();
	GUEST_ASSERT_EQ(2, nr);
	guest_done();
}

static void guest_poll(void)
{
	set_up();
	guest_sync(5);
	outb(PIC1_CMD, 0x0c);
	GUEST_ASSERT_EQ(0x85, inb(PIC1_CMD));
	GUEST_ASSERT_EQ(0x20, pic_isr(PIC1_CMD));
	sti_nop_cli();
	GUEST_ASSERT_EQ(0, nr);
	outb(PIC1_CMD, 0x20);
	outb(PIC1_CMD, 0x0c);
	GUEST_ASSERT_EQ(0, inb(PIC1_CMD) & 0x80);
	guest_done();
}

FIXTURE(ocw3) {
	struct vm *vm;
};

FIXTURE_SETUP(ocw3)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(ocw3)
{
	vm_free(self->vm);
}

/* Raises the lines that the guest asks for, to its end. */
static bool drive(struct vcpu *vcpu)
{
	struct ucall uc;

	while (vcpu_run_ucall(vcpu, &uc) == UCALL_SYNC)
		vm_irq_line(vcpu->vm, uc.arg[0], 1);
	return uc.kind == UCALL_DONE;
}

TEST_F(ocw3, special_mask)
{
	EXPECT_TRUE(drive(vcpu_create(self->vm, guest_special_mask)));
}

TEST_F(ocw3, poll)
{
	EXPECT_TRUE(drive(vcpu_create(self->vm, guest_poll)));
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
