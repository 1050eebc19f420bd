// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: with KVM_CAP_X86_USER_SPACE_MSR an access to an unknown MSR ends in
 * KVM_EXIT_X86_RDMSR or _WRMSR with its number, reason and data, and user
 * space's answer is the guest's value or its #GP; without, it is #GP at once.
 */
#include "lodge_test.h"

#define MSR 0xdeadbeef

static void guest_unknown(void)
{
	uint64_t v;

	GUEST_ASSERT_EQ(0, rdmsr_try(MSR, &v));
	GUEST_ASSERT_EQ(0x1122334455667788UL, v);
	GUEST_ASSERT_EQ(0, wrmsr_try(MSR, 0x8877665544332211));
	GUEST_ASSERT_EQ(VEC_GP, rdmsr_try(MSR, &v));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR, 1));
	guest_done();
}

TEST(unknown_to_user_space)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_unknown);
	struct kvm_run *run = vcpu->run;
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args[0] = KVM_MSR_EXIT_REASON_UNKNOWN,
	};

	must_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
	ASSERT_EQ(KVM_EXIT_X86_RDMSR, vcpu_run(vcpu));
	EXPECT_EQ(MSR, run->msr.index);
	EXPECT_EQ(KVM_MSR_EXIT_REASON_UNKNOWN, run->msr.reason);
	run->msr.data = 0x1122334455667788;
	run->msr.error = 0;
	ASSERT_EQ(KVM_EXIT_X86_WRMSR, vcpu_run(vcpu));
	EXPECT_EQ(MSR, run->msr.index);
	EXPECT_EQ(0x8877665544332211, run->msr.data);
	run->msr.error = 0;
	ASSERT_EQ(KVM_EXIT_X86_RDMSR, vcpu_run(vcpu));
	run->msr.error = 1;
	ASSERT_EQ(KVM_EXIT_X86_WRMSR, vcpu_run(vcpu));
	run->msr.error = 1;
	ASSERT_DONE(vcpu);
	cap.args[0] = 1UL << 40;
	EXPECT_EQ(-EINVAL, try_ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	vm_free(vm);
}

static void guest_faults(void)
{
	uint64_t v;

	GUEST_ASSERT_EQ(VEC_GP, rdmsr_try(MSR, &v));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR, 1));
	guest_done();
}

TEST(fault_without_the_capability)
{
	struct vm *vm = vm_create();

	ASSERT_DONE(vcpu_create(vm, guest_faults));
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_X86_USER_SPACE_MSR)
