// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: in xAPIC mode the registers of the local APIC are 32 bits at 16-byte
 * steps; read-only ones ignore writes, reserved bits of the others read as
 * zero, software disable masks every LVT entry and refuses to unmask them, and
 * after software enable the entries are still masked (APM vol. 2, Local APIC
 * Registers, APIC Software Enable, Local Vector Table).
 */
#include "apic.h"
#include "lodge_test.h"

static void guest_registers(void)
{
	uint32_t version = xapic_read(APIC_LVR);

	GUEST_ASSERT_EQ(0x10U, version & 0xf0);
	GUEST_ASSERT((version >> 16 & 0xff) >= 4);
	xapic_write(APIC_LVR, 0);
	GUEST_ASSERT_EQ(version, xapic_read(APIC_LVR));
	xapic_write(APIC_PROCPRI, 0x55);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_PROCPRI));
	xapic_write(APIC_IRR, -1U);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_IRR));
	xapic_write(APIC_ISR, -1U);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_ISR));
	xapic_write(APIC_TMCCT, 1234);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_TMCCT));

	xapic_enable();
	GUEST_ASSERT_EQ(0x1ffU, xapic_read(APIC_SPIV));
	/* The sub-class may be lost: CR8 and the VMCB's V_TPR have no room. */
	xapic_write(APIC_TASKPRI, 0xffffff35);
	GUEST_ASSERT_EQ(0x30U, xapic_read(APIC_TASKPRI) & ~0xfU);
	xapic_write(APIC_TASKPRI, 0);
	xapic_write(APIC_LDR, 0xffffffff);
	GUEST_ASSERT_EQ(0xff000000U, xapic_read(APIC_LDR));
	xapic_write(APIC_DFR, 0);
	GUEST_ASSERT_EQ(0x0fffffffU, xapic_read(APIC_DFR));
	xapic_write(APIC_DFR, -1U);
	GUEST_ASSERT_EQ(0xffffffffU, xapic_read(APIC_DFR));
	xapic_write(APIC_TDCR, 0xb);
	GUEST_ASSERT_EQ(0xbU, xapic_read(APIC_TDCR));
	xapic_write(APIC_ICR2, 0x12ffffff);
	GUEST_ASSERT_EQ(0x12000000U, xapic_read(APIC_ICR2) & 0xff000000);
	guest_done();
}

FIXTURE(lapic) {
	struct vm *vm;
};

FIXTURE_SETUP(lapic)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(lapic)
{
	vm_free(self->vm);
}

TEST_F(lapic, register_rules)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_registers));
}

static const uint16_t lvts[] = {
	APIC_LVTT, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
};

static void guest_lvt(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lvts); i++) {
		/* Disabled, as after reset: the mask bit stays. */
		xapic_write(lvts[i], 0x40);
		GUEST_ASSERT_EQ(0x10040U, xapic_read(lvts[i]));
	}
	xapic_enable();
	for (i = 0; i < ARRAY_SIZE(lvts); i++) {
		GUEST_ASSERT_EQ(0x10040U, xapic_read(lvts[i]));
		xapic_write(lvts[i], 0x41);
		GUEST_ASSERT_EQ(0x41U, xapic_read(lvts[i]));
	}
	xapic_write(APIC_SPIV, SPURIOUS_VECTOR);
	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		GUEST_ASSERT_EQ(0x10000U, xapic_read(lvts[i]) & 0x10000);
	guest_done();
}

TEST_F(lapic, software_disable_masks_the_lvt)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_lvt));
}

static void guest_sizes(void)
{
	uint32_t v;

	xapic_enable();
	/* The rest of the 16 bytes holds nothing that breaks anybody. */
	v = read32(APIC_DEFAULT_PHYS_BASE + APIC_SPIV + 4);
	(void)v;
	write32(APIC_DEFAULT_PHYS_BASE + APIC_SPIV + 8, 0);
	GUEST_ASSERT_EQ(0x1ffU, xapic_read(APIC_SPIV));
	GUEST_ASSERT_EQ(0xffU, read8(APIC_DEFAULT_PHYS_BASE + APIC_SPIV));
	GUEST_ASSERT_EQ(0x1U, read8(APIC_DEFAULT_PHYS_BASE + APIC_SPIV + 1));
	guest_done();
}

TEST_F(lapic, unaligned_accesses_change_nothing)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_sizes));
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
