// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the guest's CPUID gives what KVM_SET_CPUID2 was given, zeros for what
 * it was not, with the bits that follow other state filled in (OSXSAVE after
 * CR4, APIC after APIC_BASE: APM vol. 3, CPUID Fn0000_0001); KVM_GET_CPUID2
 * returns it; and KVM_GET_SUPPORTED_CPUID is a policy that a vCPU takes whole.
 */
#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t leaf, subleaf, regs[4];

static void guest_cpuids(void)
{
	for (;;) {
		uint32_t r[4];
		unsigned int i;

		guest_cpuid(leaf, subleaf, r);
		for (i = 0; i < 4; i++)
			regs[i] = r[i];
		guest_sync(1);
	}
}

FIXTURE(cpuid) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(cpuid)
{
	self->vm = vm_create_irqchip();
	self->vcpu = vcpu_create(self->vm, guest_cpuids);
}

FIXTURE_TEARDOWN(cpuid)
{
	vm_free(self->vm);
}

#define ASSERT_CPUID(f, i) do {						\
	guest_var(self->vm, leaf) = (f);				\
	guest_var(self->vm, subleaf) = (i);				\
	ASSERT_STAGE(1, self->vcpu);					\
} while (0)

TEST_F(cpuid, the_guest_sees_what_was_set)
{
	unsigned int i;

	for (i = 0; i < self->vm->cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &self->vm->cpuid->entries[i];

		ASSERT_CPUID(e->function, e->index);
		if (e->function == 1) {
			EXPECT_EQ(e->ebx, guest_var(self->vm, regs)[1]);
			continue;	/* ECX and EDX: below */
		}
		/* The sizes of 0xd follow XCR0; 7 has OSPKE. */
		if (e->function == 0xd || e->function == 7)
			continue;
		EXPECT_EQ(e->eax, guest_var(self->vm, regs)[0])
			TH_LOG("leaf %#x.%u", e->function, e->index);
		EXPECT_EQ(e->ebx, guest_var(self->vm, regs)[1])
			TH_LOG("leaf %#x.%u", e->function, e->index);
		EXPECT_EQ(e->ecx, guest_var(self->vm, regs)[2])
			TH_LOG("leaf %#x.%u", e->function, e->index);
		EXPECT_EQ(e->edx, guest_var(self->vm, regs)[3])
			TH_LOG("leaf %#x.%u", e->function, e->index);
	}
}

TEST_F(cpuid, osxsave_follows_cr4)
{
	struct kvm_sregs s;

	ASSERT_CPUID(1, 0);
	if (!(guest_var(self->vm, regs)[2] & 1 << 26))
		SKIP(return, "the CPU has no XSAVE");
	EXPECT_FALSE(guest_var(self->vm, regs)[2] & 1 << 27);
	vcpu_sregs(self->vcpu, &s);
	s.cr4 |= 1 << 18;
	must_ioctl(self->vcpu->fd, KVM_SET_SREGS, &s);
	ASSERT_CPUID(1, 0);
	EXPECT_TRUE(guest_var(self->vm, regs)[2] & 1 << 27);
}

TEST_F(cpuid, apic_follows_apic_base)
{
	ASSERT_CPUID(1, 0);
	EXPECT_TRUE(guest_var(self->vm, regs)[3] & 1 << 9);
	vcpu_set_msr(self->vcpu, MSR_IA32_APICBASE, APIC_DEFAULT_PHYS_BASE);
	ASSERT_CPUID(1, 0);
	EXPECT_FALSE(guest_var(self->vm, regs)[3] & 1 << 9);
}

TEST_F(cpuid, get_returns_what_was_set)
{
	struct kvm_cpuid2 *get;
	unsigned int i;

	get = calloc(1, sizeof(*get) + 256 * sizeof(get->entries[0]));
	get->nent = 1;
	EXPECT_EQ(-E2BIG, try_ioctl(self->vcpu->fd, KVM_GET_CPUID2, get));
	get->nent = 256;
	must_ioctl(self->vcpu->fd, KVM_GET_CPUID2, get);
	for (i = 0; i < self->vm->cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &self->vm->cpuid->entries[i];

		EXPECT_EQ(e->function, get->entries[i].function);
		EXPECT_EQ(e->index, get->entries[i].index);
		if (e->function == 0x80000001)
			EXPECT_EQ(e->ecx, get->entries[i].ecx);
	}
	free(get);
}

/* Of the hypervisor's own leaves: the signature, and the features of kvmclock. */
TEST_F(cpuid, hypervisor_leaves)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(self->vm->cpuid, 0x40000000, 0);
	struct kvm_cpuid_entry2 *f = cpuid_find(self->vm->cpuid, 0x40000001, 0);

	ASSERT_NE(NULL, e);
	ASSERT_NE(NULL, f);
	EXPECT_EQ(0x4b4d564b, e->ebx);		/* KVMKVMKVM */
	EXPECT_EQ(0x564b4d56, e->ecx);
	EXPECT_EQ(0x4d, e->edx);
	EXPECT_TRUE(f->eax & 1 << 0);
	EXPECT_TRUE(f->eax & 1 << 3);
	EXPECT_TRUE(f->eax & 1 << 24);
}

/* What the policy may never show: features that are not the guest's to use. */
TEST_F(cpuid, policy)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(self->vm->cpuid, 1, 0);
	struct kvm_cpuid_entry2 *x = cpuid_find(self->vm->cpuid, 0x80000008, 0);

	ASSERT_NE(NULL, e);
	EXPECT_TRUE(e->ecx & 1 << 21);		/* x2APIC, emulated */
	EXPECT_FALSE(e->ecx & 1 << 3);		/* MONITOR */
	EXPECT_FALSE(e->ecx & 1 << 5);		/* VMX */
	EXPECT_TRUE(e->edx & 1 << 4);		/* TSC */
	EXPECT_FALSE(e->edx & 1 << 22);		/* ACPI thermal */
	ASSERT_NE(NULL, x);
	EXPECT_LE(36, x->eax & 0xff);
	EXPECT_GE(52, x->eax & 0xff);
}

TEST_F(cpuid, counts_and_pointers)
{
	struct kvm_cpuid2 many = { .nent = 1 << 20 }, one = { .nent = 1 };
	int fd = node_open();

	EXPECT_EQ(-E2BIG, try_ioctl(self->vcpu->fd, KVM_SET_CPUID2, &many));
	EXPECT_EQ(-E2BIG, try_ioctl(fd, KVM_GET_SUPPORTED_CPUID, &one));
	one.nent = 0;
	EXPECT_EQ(-E2BIG, try_ioctl(fd, KVM_GET_SUPPORTED_CPUID, &one));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vcpu->fd, KVM_SET_CPUID2, NULL));
	EXPECT_EQ(-EFAULT, try_ioctl(fd, KVM_GET_SUPPORTED_CPUID, NULL));
	close(fd);
}

/* After the vCPU has run only the same CPUID may be set again. */
TEST_F(cpuid, fixed_after_the_first_run)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(self->vm->cpuid, 0x80000002, 0);

	ASSERT_CPUID(0, 0);
	EXPECT_EQ(0, try_ioctl(self->vcpu->fd, KVM_SET_CPUID2,
			       self->vm->cpuid));
	ASSERT_NE(NULL, e);
	e->eax ^= 1;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_CPUID2,
				     self->vm->cpuid));
}

LODGE_TEST_MAIN(KVM_CAP_EXT_CPUID, KVM_CAP_IRQCHIP)
