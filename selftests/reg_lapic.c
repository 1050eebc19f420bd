// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_GET_LAPIC gives the register page of the local APIC as the manual
 * says it is after reset (APM vol. 2, Local APIC: register reset values), and
 * what KVM_SET_LAPIC writes the guest sees; an IRR bit restored is delivered.
 */
#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t taken;

static GUEST_HANDLER void on_irq(struct trap_frame *frame)
{
	taken++;
	xapic_write(APIC_EOI, 0);
}

static void guest_sees(void)
{
	guest_handlers[0x71] = on_irq;
	GUEST_ASSERT_EQ(0x20U, xapic_read(APIC_TASKPRI));
	GUEST_ASSERT_EQ(0x08000000U, xapic_read(APIC_LDR));
	GUEST_ASSERT_EQ(0x100e5U, xapic_read(APIC_LVT0));
	GUEST_ASSERT(xapic_bit(APIC_IRR, 0x71));
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken);
	guest_done();
}

FIXTURE(lapic) {
	struct vm *vm;
	struct vcpu *vcpu;
	struct kvm_lapic_state state;
};

static uint32_t *reg(struct kvm_lapic_state *state, unsigned int offset)
{
	return (uint32_t *)(state->regs + offset);
}

FIXTURE_SETUP(lapic)
{
	self->vm = vm_create_irqchip();
	self->vcpu = vcpu_create(self->vm, guest_sees);
	must_ioctl(self->vcpu->fd, KVM_GET_LAPIC, &self->state);
}

FIXTURE_TEARDOWN(lapic)
{
	vm_free(self->vm);
}

TEST_F(lapic, after_reset)
{
	struct kvm_lapic_state *s = &self->state;
	unsigned int i;

	EXPECT_EQ(0, *reg(s, APIC_ID));
	EXPECT_EQ(0x10, *reg(s, APIC_LVR) & 0xf0);
	EXPECT_EQ(0, *reg(s, APIC_TASKPRI));
	EXPECT_EQ(0, *reg(s, APIC_LDR));
	EXPECT_EQ(0xffffffff, *reg(s, APIC_DFR));
	EXPECT_EQ(0xff, *reg(s, APIC_SPIV));
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(0, *reg(s, APIC_ISR + 16 * i));
		EXPECT_EQ(0, *reg(s, APIC_TMR + 16 * i));
		EXPECT_EQ(0, *reg(s, APIC_IRR + 16 * i));
	}
	EXPECT_EQ(0, *reg(s, APIC_ESR));
	EXPECT_EQ(0x10000, *reg(s, APIC_LVTT));
	EXPECT_EQ(0x10000, *reg(s, APIC_LVT1));
	EXPECT_EQ(0x10000, *reg(s, APIC_LVTERR));
	EXPECT_EQ(0, *reg(s, APIC_TMICT));
	EXPECT_EQ(0, *reg(s, APIC_TDCR));
}

TEST_F(lapic, id_of_each)
{
	struct vcpu *ap = vcpu_create_bare(self->vm, 3);

	EXPECT_EQ(3 << 24, vcpu_lapic_reg(ap, APIC_ID));
}

TEST_F(lapic, restored_state_is_live)
{
	struct kvm_lapic_state get, *s = &self->state;

	*reg(s, APIC_SPIV) = 0x1ff;
	*reg(s, APIC_TASKPRI) = 0x20;
	*reg(s, APIC_LDR) = 0x08000000;
	*reg(s, APIC_LVT0) = 0x100e5;
	*reg(s, APIC_IRR + (0x71 / 32) * 16) = 1 << (0x71 % 32);
	must_ioctl(self->vcpu->fd, KVM_SET_LAPIC, s);
	must_ioctl(self->vcpu->fd, KVM_GET_LAPIC, &get);
	EXPECT_EQ(0x1ff, *reg(&get, APIC_SPIV));
	EXPECT_EQ(0x20, *reg(&get, APIC_TASKPRI));
	EXPECT_EQ(1 << (0x71 % 32), *reg(&get, APIC_IRR + (0x71 / 32) * 16));
	ASSERT_DONE(self->vcpu);
	must_ioctl(self->vcpu->fd, KVM_GET_LAPIC, &get);
	EXPECT_EQ(0, *reg(&get, APIC_IRR + (0x71 / 32) * 16));
	EXPECT_EQ(0, *reg(&get, APIC_ISR + (0x71 / 32) * 16));
}

TEST(not_without_irqchip)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_sees);
	struct kvm_lapic_state state;

	EXPECT_EQ(-EINVAL, try_ioctl(vcpu->fd, KVM_GET_LAPIC, &state));
	EXPECT_EQ(-EINVAL, try_ioctl(vcpu->fd, KVM_SET_LAPIC, &state));
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
