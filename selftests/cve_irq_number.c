// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: CVE-2017-1000252: an interrupt number past every table, in an irqfd,
 * KVM_IRQ_LINE, a route or a message, is refused or ignored, and no reason to
 * stop the host; and CVE-2018-19407: what scans the IOAPIC does nothing where
 * there is none.
 */
#include <sys/eventfd.h>

#include "apic.h"
#include "lodge_test.h"

static GUEST_HANDLER void ignore(struct trap_frame *frame)
{
}

static void guest_fine(void)
{
	/* One of the messages is an NMI, and that is what it should be. */
	guest_handlers[VEC_NMI] = ignore;
	for (;;)
		guest_sync(1);
}

static const uint32_t numbers[] = {
	24, 255, 256, 1023, 1024, 4095, 4096, 65535, 1 << 20, 0x7fffffff,
	0x80000000, -1U,
};

TEST(past_every_table)
{
	struct vm *vm = vm_create_irqchip();
	struct vcpu *vcpu = vcpu_create(vm, guest_fine);
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	unsigned int i;

	ASSERT_STAGE(1, vcpu);
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct kvm_irqfd irqfd = { .fd = fd, .gsi = numbers[i] };
		struct kvm_irq_level irq = { .irq = numbers[i], .level = 1 };

		if (!try_ioctl(vm->fd, KVM_IRQFD, &irqfd)) {
			eventfd_write(fd, 1);
			usleep(1000);
			irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
			EXPECT_EQ(0, try_ioctl(vm->fd, KVM_IRQFD, &irqfd));
		}
		try_ioctl(vm->fd, KVM_IRQ_LINE, &irq);
		irq.level = 0;
		try_ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &irq);
	}
	for (i = 0; i < 64; i++)
		vm_signal_msi(vm, 0xfee00000UL | 1UL << i, 1U << i % 32);
	ASSERT_STAGE(1, vcpu);
	vm_free(vm);
}

/* An x2APIC's state, and self-made level interrupts, without any IOAPIC. */
TEST(no_ioapic_to_scan)
{
	struct vm *vm = vm_create();
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args[0] = 24,
	};
	struct kvm_lapic_state state;
	struct vcpu *vcpu;

	if (try_ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		SKIP(return, "no split irqchip");
	vm->irqchip = true;
	vcpu = vcpu_create(vm, guest_fine);
	must_ioctl(vcpu->fd, KVM_GET_LAPIC, &state);
	memset(state.regs + APIC_TMR, 0xff, 0x80);
	must_ioctl(vcpu->fd, KVM_SET_LAPIC, &state);
	ASSERT_STAGE(1, vcpu);
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_IRQFD, KVM_CAP_IRQ_ROUTING)
