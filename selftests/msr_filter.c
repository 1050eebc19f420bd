// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_X86_SET_MSR_FILTER denies a guest what user space says and no more,
 * also MSRs that the guest otherwise reaches without an exit, and from the
 * ioctl's return on; what is denied is #GP, or an exit where user space asked for
 * it.  A filter that makes no sense is refused and changes nothing.
 */
#include <asm/msr-index.h>

#include "lodge_test.h"

#define VALUE	0x123456789000UL

static struct kvm_msr_filter_range one(uint32_t flags, uint32_t base, uint32_t n, uint8_t *bits)
{
	return (struct kvm_msr_filter_range){
		.flags = flags, .base = base, .nmsrs = n, .bitmap = bits,
	};
}

static void guest_denied_write(void)
{
	uint64_t v;

	GUEST_ASSERT_EQ(0, wrmsr_try(MSR_KERNEL_GS_BASE, VALUE));
	guest_sync(1);
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_KERNEL_GS_BASE, 0));
	GUEST_ASSERT_EQ(0, rdmsr_try(MSR_KERNEL_GS_BASE, &v));
	GUEST_ASSERT_EQ(VALUE, v);
	/* Its neighbours. */
	GUEST_ASSERT_EQ(0, wrmsr_try(MSR_GS_BASE, 0));
	GUEST_ASSERT_EQ(0, wrmsr_try(MSR_LSTAR, 0));
	guest_sync(2);
	GUEST_ASSERT_EQ(0, wrmsr_try(MSR_KERNEL_GS_BASE, 0));
	guest_done();
}

TEST(denied_by_itself)
{
	uint8_t bits[8] = { 0 };
	struct kvm_msr_filter filter = {
		.ranges[3] = one(KVM_MSR_FILTER_WRITE, MSR_KERNEL_GS_BASE, 1, bits),
	}, none = { 0 };
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_denied_write);

	ASSERT_STAGE(1, vcpu);
	must_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter);
	ASSERT_STAGE(2, vcpu);
	must_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &none);
	ASSERT_DONE(vcpu);
	vm_free(vm);
}

static void guest_all_denied(void)
{
	uint64_t v;

	GUEST_ASSERT_EQ(0, rdmsr_try(MSR_IA32_TSC, &v));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_IA32_TSC, 0));
	GUEST_ASSERT_EQ(VEC_GP, rdmsr_try(MSR_EFER, &v));
	GUEST_ASSERT_EQ(VEC_GP, rdmsr_try(MSR_FS_BASE, &v));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_FS_BASE, 0));
	guest_done();
}

TEST(all_but_one)
{
	uint8_t bits[8] = { 1 };
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_DENY,
		.ranges[0] = one(KVM_MSR_FILTER_READ, MSR_IA32_TSC, 1, bits),
	};
	struct vm *vm = vm_create();

	must_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter);
	ASSERT_DONE(vcpu_create(vm, guest_all_denied));
	vm_free(vm);
}

static void guest_asks(void)
{
	uint64_t v;

	GUEST_ASSERT_EQ(0, rdmsr_try(MSR_FS_BASE, &v));
	GUEST_ASSERT_EQ(VALUE, v);
	GUEST_ASSERT_EQ(VEC_GP, rdmsr_try(0xdeadbeef, &v));
	guest_done();
}

TEST(denied_to_user_space)
{
	uint8_t bits[8] = { 0 };
	struct kvm_msr_filter filter = {
		.ranges[0] = one(KVM_MSR_FILTER_READ, MSR_FS_BASE, 1, bits),
	};
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR, .args[0] = KVM_MSR_EXIT_REASON_FILTER,
	};
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_asks);

	must_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter);
	must_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
	ASSERT_EQ(KVM_EXIT_X86_RDMSR, vcpu_run(vcpu));
	EXPECT_EQ(MSR_FS_BASE, vcpu->run->msr.index);
	EXPECT_EQ(KVM_MSR_EXIT_REASON_FILTER, vcpu->run->msr.reason);
	vcpu->run->msr.data = VALUE;
	ASSERT_DONE(vcpu);
	vm_free(vm);
}

TEST(bad_filters)
{
	uint8_t bits[8] = { 0 };
	struct kvm_msr_filter deny_all = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };
	struct kvm_msr_filter flags = { .flags = 2 };
	struct kvm_msr_filter access = { .ranges[0] = one(4, 0, 1, bits) };
	struct kvm_msr_filter large = {
		.ranges[0] = one(KVM_MSR_FILTER_READ, 0, 0x600 * 8 + 1, bits),
	};
	struct kvm_msr_filter lost = {
		.ranges[0] = one(KVM_MSR_FILTER_READ, 0, 64, bits),
		.ranges[1] = one(KVM_MSR_FILTER_READ, 64, 64, (uint8_t *)8),
	};
	struct vm *vm = vm_create();

	EXPECT_EQ(-EINVAL, try_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &deny_all));
	EXPECT_EQ(-EINVAL, try_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &flags));
	EXPECT_EQ(-EINVAL, try_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &access));
	EXPECT_EQ(-EINVAL, try_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &large));
	EXPECT_EQ(-EFAULT, try_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &lost));
	EXPECT_EQ(-EFAULT, try_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, NULL));
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_X86_MSR_FILTER)
