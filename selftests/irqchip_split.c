// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: with KVM_CAP_SPLIT_IRQCHIP the local APICs are in the kernel and the
 * rest is user space's: the EOI of a level-triggered interrupt of one of its
 * IOAPIC's pins goes there as KVM_EXIT_IOAPIC_EOI, and that of an edge does
 * not; KVM_INTERRUPT arrives where LVT0 lets ExtINT through, and
 * ready_for_interrupt_injection says whether it would.
 */
#include "apic.h"
#include "lodge_test.h"

#define PINS		24
#define LEVEL_PIN	5
#define EDGE_PIN	6
#define LEVEL_VECTOR	0x41
#define EDGE_VECTOR	0x51
#define PIC_VECTOR	0x33

static volatile uint32_t taken[256];

static GUEST_HANDLER void message(struct trap_frame *frame)
{
	taken[frame->vector]++;
	xapic_write(APIC_EOI, 0);
}

static GUEST_HANDLER void extint(struct trap_frame *frame)
{
	taken[frame->vector]++;
}

static void set_up(void)
{
	guest_handlers[LEVEL_VECTOR] = message;
	guest_handlers[EDGE_VECTOR] = message;
	guest_handlers[PIC_VECTOR] = extint;
	xapic_enable();
}

static void guest_messages(void)
{
	set_up();
	guest_sync(1);
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken[LEVEL_VECTOR]);
	guest_sync(2);
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken[EDGE_VECTOR]);
	guest_done();
}

static void guest_extint(void)
{
	set_up();
	xapic_write(APIC_LVT0, APIC_LVT_MASKED | APIC_DM_EXTINT);
	sti();
	guest_sync(1);
	xapic_write(APIC_LVT0, APIC_DM_EXTINT);
	guest_sync(2);
	__asm__ volatile("nop");
	GUEST_ASSERT_EQ(1, taken[PIC_VECTOR]);
	guest_done();
}

static int enable_split(struct vm *vm, uint64_t pins)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SPLIT_IRQCHIP, .args = { pins },
	};

	return try_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

static void route(struct kvm_irq_routing_entry *e, uint32_t gsi, uint32_t data)
{
	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_MSI;
	e->u.msi.address_lo = 0xfee00000;
	e->u.msi.data = data;
}

static void route_pins(struct vm *vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[2];
	} routes = { .head.nr = 2 };

	route(&routes.entry[0], LEVEL_PIN, APIC_INT_LEVELTRIG | APIC_INT_ASSERT | LEVEL_VECTOR);
	route(&routes.entry[1], EDGE_PIN, EDGE_VECTOR);
	must_ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes);
}

FIXTURE(split) {
	struct vm *vm;
};

FIXTURE_SETUP(split)
{
	if (!node_cap(KVM_CAP_SPLIT_IRQCHIP))
		SKIP(return, "no split irqchip");
	self->vm = vm_create();
	ASSERT_EQ(0, enable_split(self->vm, PINS));
}

FIXTURE_TEARDOWN(split)
{
	vm_free(self->vm);
}

TEST_F(split, a_level_eoi_goes_to_user_space)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_messages);

	route_pins(self->vm);
	ASSERT_STAGE(1, vcpu);
	vm_irq_line(self->vm, LEVEL_PIN, 1);
	ASSERT_EQ(KVM_EXIT_IOAPIC_EOI, vcpu_run(vcpu));
	EXPECT_EQ(LEVEL_VECTOR, vcpu->run->eoi.vector);
	ASSERT_STAGE(2, vcpu);
	vm_irq_line(self->vm, EDGE_PIN, 1);
	ASSERT_DONE(vcpu);
}

TEST_F(split, the_pic_is_let_through_by_lvt0)
{
	struct kvm_interrupt irq = { .irq = PIC_VECTOR };
	struct vcpu *vcpu = vcpu_create(self->vm, guest_extint);

	ASSERT_STAGE(1, vcpu);
	EXPECT_EQ(0, vcpu->run->ready_for_interrupt_injection);
	ASSERT_STAGE(2, vcpu);
	EXPECT_EQ(1, vcpu->run->ready_for_interrupt_injection);
	must_ioctl(vcpu->fd, KVM_INTERRUPT, &irq);
	EXPECT_EQ(-EEXIST, try_ioctl(vcpu->fd, KVM_INTERRUPT, &irq));
	ASSERT_DONE(vcpu);
}

TEST_F(split, the_rest_is_not_in_the_kernel)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	EXPECT_EQ(-ENXIO, try_ioctl(self->vm->fd, KVM_GET_IRQCHIP, &chip));
	EXPECT_EQ(-EEXIST, try_ioctl(self->vm->fd, KVM_CREATE_IRQCHIP, 0));
	EXPECT_EQ(-EEXIST, enable_split(self->vm, PINS));
}

TEST_F(split, before_the_first_vcpu)
{
	struct vm *vm = vm_create();

	EXPECT_EQ(-EINVAL, enable_split(vm, 1ull << 32));
	vcpu_create(vm, guest_messages);
	EXPECT_EQ(-EEXIST, enable_split(vm, PINS));
	vm_free(vm);
}

LODGE_TEST_MAIN()
