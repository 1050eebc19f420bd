// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: without an interrupt controller in the kernel, run->cr8 is what the
 * guest reads from CR8, run->cr8 after an exit is what it wrote, and a write
 * that lowers it gives KVM_EXIT_SET_TPR behind the instruction, since that may
 * let an interrupt of user space's APIC through.
 */
#include "lodge_test.h"

static void guest_cr8(void)
{
	GUEST_ASSERT_EQ(3, read_cr8());
	write_cr8(9);
	guest_sync(1);
	write_cr8(5);
	GUEST_ASSERT_EQ(5, read_cr8());
	GUEST_ASSERT_EQ(VEC_GP, write_cr8_try(0x10));
	GUEST_ASSERT_EQ(5, read_cr8());
	guest_done();
}

TEST(tpr_of_user_space)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_cr8);
	struct kvm_run *run = vcpu->run;

	run->cr8 = 3;
	ASSERT_STAGE(1, vcpu);
	EXPECT_EQ(9, run->cr8);
	ASSERT_EQ(KVM_EXIT_SET_TPR, vcpu_run(vcpu));
	EXPECT_EQ(5, run->cr8);
	ASSERT_DONE(vcpu);
	vm_free(vm);
}

LODGE_TEST_MAIN()
