// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: guest state that the CPU refuses to enter (APM vol. 2, VMRUN
 * Instruction: Canonicalization and Consistency Checks) is either refused when
 * user space sets it, or KVM_RUN ends in KVM_EXIT_FAIL_ENTRY with the
 * hardware's reason and the CPU; the vCPU can be given another state and run.
 */
#include "lodge_test.h"

static void guest_fine(void)
{
	guest_done();
}

FIXTURE(entry) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(entry)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_fine);
}

FIXTURE_TEARDOWN(entry)
{
	vm_free(self->vm);
}

#define CANNOT_ENTER(change) do {					\
	struct kvm_sregs bad;						\
	int ret;							\
	vcpu_sregs(self->vcpu, &bad);					\
	change;								\
	ret = try_ioctl(self->vcpu->fd, KVM_SET_SREGS, &bad);		\
	if (ret == 0) {							\
		struct kvm_run *run = self->vcpu->run;			\
		ASSERT_EQ(KVM_EXIT_FAIL_ENTRY, vcpu_run(self->vcpu));	\
		EXPECT_NE(0, run->fail_entry.hardware_entry_failure_reason); \
		EXPECT_GE(sysconf(_SC_NPROCESSORS_CONF), run->fail_entry.cpu); \
	} else {							\
		EXPECT_EQ(-EINVAL, ret);				\
	}								\
	vcpu_long_mode(self->vcpu);					\
	vcpu_entry(self->vcpu, guest_fine, 0);				\
} while (0)

TEST_F(entry, reserved_efer_bit)
{
	CANNOT_ENTER(bad.efer |= 1UL << 9);
	ASSERT_DONE(self->vcpu);
}

TEST_F(entry, long_mode_with_32_bit_and_64_bit_code)
{
	CANNOT_ENTER(bad.cs.db = 1);		/* CS.L and CS.D at once */
	ASSERT_DONE(self->vcpu);
}

LODGE_TEST_MAIN()
