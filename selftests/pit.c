// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the i8254 counts down at 1,193,182 Hz as its modes say, the access
 * modes, the latch and the read-back command work, counter 2 has its gate and
 * output in port 0x61, and counter 0 in modes 0, 2 and 3 raises IRQ 0; its
 * state goes through KVM_GET/SET_PIT2 (8254 data sheet, Mode Definitions, Read
 * Operations; KVM_CREATE_PIT2).
 */
#include <unistd.h>

#include "apic.h"
#include "lodge_test.h"

#define PIT_CMD		0x43
#define PIT_CH0		0x40
#define PIT_CH2		0x42
#define PORT_B		0x61

static volatile uint32_t taken;

static GUEST_HANDLER void on_irq(struct trap_frame *frame)
{
	taken++;
	outb(PIC1_CMD, 0x20);
}

static void set_up(void)
{
	guest_handlers[0x20] = on_irq;
	xapic_enable();
	xapic_write(APIC_LVT0, APIC_DM_EXTINT);
	pic_init(0x20, 0x28);
}

static uint16_t latched(unsigned int channel)
{
	uint8_t lo;

	outb(PIT_CMD, channel << 6);
	lo = inb(PIT_CH0 + channel);
	return lo | inb(PIT_CH0 + channel) << 8;
}

static void load(unsigned int channel, unsigned int mode, uint16_t count)
{
	outb(PIT_CMD, channel << 6 | 0x30 | mode << 1);
	outb(PIT_CH0 + channel, count & 0xff);
	outb(PIT_CH0 + channel, count >> 8);
}

static void guest_counts(void)
{
	uint16_t a, b;

	outb(PORT_B, 1);			/* gate of counter 2 */
	load(2, 0, 0xffff);
	a = latched(2);
	b = latched(2);
	GUEST_ASSERT(a >= b);
	/* The latch holds until it has been read whole. */
	outb(PIT_CMD, 0x80);
	a = inb(PIT_CH2);
	b = inb(PIT_CH2);
	GUEST_ASSERT(b <= 0xff);
	/* Status: mode 0, both bytes, binary. */
	outb(PIT_CMD, 0xe8);			/* read back: status of 2 */
	GUEST_ASSERT_EQ(0x30, inb(PIT_CH2) & 0x3f);
	guest_done();
}

static void guest_gate(void)
{
	uint16_t a, b;

	outb(PORT_B, 0);
	load(2, 2, 0x8000);
	outb(PORT_B, 1);
	/* Reads back what is written, and OUT above it. */
	GUEST_ASSERT_EQ(1, inb(PORT_B) & 3);
	outb(PORT_B, 3);
	GUEST_ASSERT_EQ(3, inb(PORT_B) & 3);
	a = latched(2);
	b = latched(2);
	GUEST_ASSERT(a != 0 || b != 0);
	guest_done();
}

/* Mode 0: OUT is low while counting, high from the end on. */
static void guest_one_shot(void)
{
	unsigned int i;

	outb(PORT_B, 1);
	load(2, 0, 20000);			/* 17 ms */
	GUEST_ASSERT_EQ(0, inb(PORT_B) & 0x20);
	for (i = 0; !(inb(PORT_B) & 0x20); i++)
		GUEST_ASSERT(i < 10000000);
	GUEST_ASSERT_EQ(0x20, inb(PORT_B) & 0x20);
	guest_done();
}

static void guest_interrupts(uint64_t mode)
{
	set_up();
	load(0, mode, 11932);			/* 10 ms */
	sti_hlt_cli();
	GUEST_ASSERT(taken);
	if (mode) {
		while (taken < 5)
			sti_hlt_cli();
		load(0, 0, 0);
	} else {
		guest_sync(1);			/* the host sleeps */
		sti_nop_cli();
		GUEST_ASSERT_EQ(1, taken);
	}
	guest_done();
}

FIXTURE(pit) {
	struct vm *vm;
};

FIXTURE_VARIANT(pit) {
	void (*guest)(void);
	void (*guest_arg)(uint64_t mode);
	uint64_t mode;
};

FIXTURE_VARIANT_ADD(pit, counts) { .guest = guest_counts };
FIXTURE_VARIANT_ADD(pit, gate) { .guest = guest_gate };
FIXTURE_VARIANT_ADD(pit, one_shot) { .guest = guest_one_shot };
FIXTURE_VARIANT_ADD(pit, irq_mode_0) { .guest_arg = guest_interrupts };
FIXTURE_VARIANT_ADD(pit, irq_mode_2) {
	.guest_arg = guest_interrupts, .mode = 2,
};
FIXTURE_VARIANT_ADD(pit, irq_mode_3) {
	.guest_arg = guest_interrupts, .mode = 3,
};

FIXTURE_SETUP(pit)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	self->vm = vm_create_irqchip();
	must_ioctl(self->vm->fd, KVM_CREATE_PIT2, &config);
}

FIXTURE_TEARDOWN(pit)
{
	vm_free(self->vm);
}

TEST_F(pit, follows_the_data_sheet)
{
	struct vcpu *vcpu;
	struct ucall uc;

	if (variant->guest)
		vcpu = vcpu_create(self->vm, variant->guest);
	else
		vcpu = vcpu_create_arg(self->vm, variant->guest_arg,
				       variant->mode);
	while (vcpu_run_ucall(vcpu, &uc) == UCALL_SYNC)
		usleep(50000);
	EXPECT_EQ(UCALL_DONE, uc.kind);
}

TEST(state_round_trip)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct kvm_pit_state2 state;
	struct vm *vm = vm_create_irqchip();

	EXPECT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_GET_PIT2, &state));
	must_ioctl(vm->fd, KVM_CREATE_PIT2, &config);
	EXPECT_EQ(-EEXIST, try_ioctl(vm->fd, KVM_CREATE_PIT2, &config));
	must_ioctl(vm->fd, KVM_GET_PIT2, &state);
	state.channels[0].count = 0x1234;
	state.channels[0].mode = 2;
	state.channels[2].gate = 1;
	state.channels[2].mode = 3;
	must_ioctl(vm->fd, KVM_SET_PIT2, &state);
	memset(&state, 0xee, sizeof(state));
	must_ioctl(vm->fd, KVM_GET_PIT2, &state);
	EXPECT_EQ(0x1234, state.channels[0].count);
	EXPECT_EQ(2, state.channels[0].mode);
	EXPECT_EQ(3, state.channels[2].mode);
	EXPECT_EQ(1, state.channels[2].gate);
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_PIT2, KVM_CAP_PIT_STATE2)
