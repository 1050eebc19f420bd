// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: a local APIC that APIC_BASE disables leaves no registers in memory
 * (they read as ones; as MMIO of user space where the quirk LAPIC_MMIO_HOLE is
 * disabled) and they come back with it; without the software enable it takes
 * no interrupts (APM vol. 2, Local APIC: APIC Base Address Register, Spurious
 * Interrupts).
 */
#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t hole;

static void guest_disables(void)
{
	uint64_t base = rdmsr(MSR_IA32_APICBASE);
	uint32_t v;

	xapic_enable();
	xapic_write(APIC_TASKPRI, 0x40);
	wrmsr(MSR_IA32_APICBASE, base & ~(uint64_t)MSR_IA32_APICBASE_ENABLE);
	v = xapic_read(APIC_SPIV);
	GUEST_ASSERT_EQ(hole, v);
	wrmsr(MSR_IA32_APICBASE, base);
	GUEST_ASSERT_EQ(0xffU, xapic_read(APIC_SPIV) & 0xff);
	guest_done();
}

FIXTURE(base) {
	struct vm *vm;
};

FIXTURE_SETUP(base)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(base)
{
	vm_free(self->vm);
}

TEST_F(base, disabled)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_disables);

	guest_var(self->vm, hole) = 0xffffffff;
	ASSERT_DONE(vcpu);
}

TEST_F(base, disabled_without_the_quirk)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_disables);
	struct kvm_run *run = vcpu->run;
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_DISABLE_QUIRKS2,
		.args[0] = KVM_X86_QUIRK_LAPIC_MMIO_HOLE,
	};

	if (!(node_cap(KVM_CAP_DISABLE_QUIRKS2) &
	      KVM_X86_QUIRK_LAPIC_MMIO_HOLE))
		SKIP(return, "the quirk cannot be disabled");
	must_ioctl(self->vm->fd, KVM_ENABLE_CAP, &cap);
	guest_var(self->vm, hole) = 0x11223344;
	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(vcpu)) {
		vcpu_describe_exit(vcpu);
	}
	EXPECT_EQ(APIC_DEFAULT_PHYS_BASE + APIC_SPIV, run->mmio.phys_addr);
	memcpy(run->mmio.data, "\x44\x33\x22\x11", 4);
	ASSERT_DONE(vcpu);
}

static void guest_waits(void)
{
	guest_sync(1);
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_IRR + 0x20));
	xapic_enable();
	guest_sync(2);
	GUEST_ASSERT_EQ(2U, xapic_read(APIC_IRR + 0x20));
	guest_done();
}

TEST_F(base, software_disabled_takes_nothing)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_waits);

	ASSERT_STAGE(1, vcpu);
	EXPECT_GE(0, vm_signal_msi(self->vm, 0xfee00000, 0x41));
	ASSERT_STAGE(2, vcpu);
	EXPECT_EQ(1, vm_signal_msi(self->vm, 0xfee00000, 0x41));
	ASSERT_DONE(vcpu);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
