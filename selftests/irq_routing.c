// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_SET_GSI_ROUTING replaces the table at once: a GSI goes to the pin,
 * or as the message, that it names, or nowhere;
 * KVM_SIGNAL_MSI needs no route; a table with a chip, pin or type that is none
 * is -EINVAL and leaves the old one in force (AMD's and Intel's MSI format:
 * SDM vol. 3, Message Signalled Interrupts).
 */
#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t taken[256];

static GUEST_HANDLER void count(struct trap_frame *frame)
{
	taken[frame->vector]++;
	xapic_write(APIC_EOI, 0);
}

static void guest_counts(void)
{
	unsigned int i;

	for (i = 0x30; i < 0x100; i++)
		guest_handlers[i] = count;
	xapic_enable();
	ioapic_rte(20, 0, 0x45);
	ioapic_rte(21, 0, 0x46);
	for (;;) {
		guest_sync(1);
		__asm__ volatile("sti; nop; nop; nop; nop; cli" : : : "memory");
	}
}

FIXTURE(routing) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(routing)
{
	self->vm = vm_create_irqchip();
	self->vcpu = vcpu_create(self->vm, guest_counts);
	ASSERT_STAGE(1, self->vcpu);
}

FIXTURE_TEARDOWN(routing)
{
	vm_free(self->vm);
}

struct table {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entry[4];
};

static int set_routing(struct vm *vm, struct table *table, unsigned int nr)
{
	table->head.nr = nr;
	return try_ioctl(vm->fd, KVM_SET_GSI_ROUTING, table);
}

static struct kvm_irq_routing_entry to_pin(uint32_t gsi, uint32_t pin)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC, .pin = pin },
	};
}

static struct kvm_irq_routing_entry to_msi(uint32_t gsi, uint32_t vector)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = vector },
	};
}

static void pulse(struct vm *vm, uint32_t gsi)
{
	vm_irq_line(vm, gsi, 1);
	vm_irq_line(vm, gsi, 0);
}

#define EXPECT_TAKEN(vector, count) do {				\
	ASSERT_STAGE(1, self->vcpu);					\
	EXPECT_EQ(count, guest_var(self->vm, taken)[vector]);		\
} while (0)

TEST_F(routing, default_table)
{
	pulse(self->vm, 20);
	EXPECT_TAKEN(0x45, 1);
}

TEST_F(routing, to_another_pin_and_to_a_message)
{
	struct table table = { .entry = {
		to_pin(20, 21), to_msi(40, 0x61), to_msi(41, 0x62),
	} };

	ASSERT_EQ(0, set_routing(self->vm, &table, 3));
	pulse(self->vm, 20);
	EXPECT_TAKEN(0x46, 1);
	EXPECT_EQ(0, guest_var(self->vm, taken)[0x45]);
	vm_irq_line(self->vm, 40, 1);
	EXPECT_TAKEN(0x61, 1);
	vm_irq_line(self->vm, 41, 1);
	EXPECT_TAKEN(0x62, 1);
	/* A table of nothing. */
	ASSERT_EQ(0, set_routing(self->vm, &table, 0));
	try_ioctl(self->vm->fd, KVM_IRQ_LINE,
		  (&(struct kvm_irq_level) { .irq = 20, .level = 1 }));
	EXPECT_TAKEN(0x46, 1);
}

TEST_F(routing, signal_msi)
{
	EXPECT_EQ(1, vm_signal_msi(self->vm, 0xfee00000, 0x91));
	EXPECT_TAKEN(0x91, 1);
	/* To an APIC ID that nobody has. */
	EXPECT_GE(0, vm_signal_msi(self->vm, 0xfee0f000, 0x91));
	EXPECT_TAKEN(0x91, 1);
}

TEST_F(routing, nonsense_is_refused_and_changes_nothing)
{
	struct table table = { .entry = { to_pin(20, 21), to_pin(7, 99) } };

	EXPECT_EQ(-EINVAL, set_routing(self->vm, &table, 2));
	table.entry[1] = to_pin(7, 7);
	table.entry[1].u.irqchip.irqchip = 9;
	EXPECT_EQ(-EINVAL, set_routing(self->vm, &table, 2));
	table.entry[1].type = 77;
	EXPECT_EQ(-EINVAL, set_routing(self->vm, &table, 2));
	table.entry[1] = to_msi(7, 0x60);
	table.entry[1].flags = 1 << 30;
	EXPECT_EQ(-EINVAL, set_routing(self->vm, &table, 2));
	/* One GSI as a message and at a pin. */
	table.entry[1] = to_msi(20, 0x60);
	EXPECT_EQ(-EINVAL, set_routing(self->vm, &table, 2));
	table.entry[1] = to_pin(1 << 20, 7);
	EXPECT_EQ(-EINVAL, set_routing(self->vm, &table, 2));
	table.head.flags = 1;
	EXPECT_EQ(-EINVAL, set_routing(self->vm, &table, 1));
	table.head.flags = 0;
	EXPECT_EQ(-EINVAL, set_routing(self->vm, &table, 1 << 20));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vm->fd, KVM_SET_GSI_ROUTING, NULL));
	pulse(self->vm, 20);
	EXPECT_TAKEN(0x45, 1);
}

TEST_F(routing, irq_line_status)
{
	struct kvm_irq_level irq = { .irq = 20, .level = 1 };

	must_ioctl(self->vm->fd, KVM_IRQ_LINE_STATUS, &irq);
	EXPECT_LT(0, (int)irq.status);
	EXPECT_TAKEN(0x45, 1);
}

LODGE_TEST_MAIN(KVM_CAP_IRQ_ROUTING, KVM_CAP_SIGNAL_MSI,
		KVM_CAP_IRQ_INJECT_STATUS)
