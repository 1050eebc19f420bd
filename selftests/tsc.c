// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the guest's TSC starts near zero and goes at KVM_GET_TSC_KHZ; a write
 * of the guest to IA32_TSC moves it and TSC_ADJUST alike, a write to
 * TSC_ADJUST moves both, the host's write of the TSC leaves TSC_ADJUST, and
 * vCPUs of one VM that nobody wrote run in step (SDM vol. 3, Time-Stamp
 * Counter Adjustment).
 */
#include <asm/msr-index.h>
#include <time.h>

#include "lodge_test.h"

FIXTURE(tsc) {
	struct vm *vm;
};

FIXTURE_SETUP(tsc)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(tsc)
{
	vm_free(self->vm);
}

#define GUEST_ASSERT_NEAR(want, got) do {				\
	uint64_t want__ = (want), got__ = (got);			\
	GUEST_ASSERT(got__ >= want__ && got__ < want__ + (1UL << 40));	\
} while (0)

static void guest_adjusts(void)
{
	uint64_t now;

	GUEST_ASSERT_EQ(0UL, rdmsr(MSR_IA32_TSC_ADJUST));
	now = rdtsc();
	GUEST_ASSERT_NEAR(now, rdmsr(MSR_IA32_TSC));

	wrmsr(MSR_IA32_TSC_ADJUST, 1UL << 50);
	GUEST_ASSERT_EQ(1UL << 50, rdmsr(MSR_IA32_TSC_ADJUST));
	GUEST_ASSERT_NEAR(now + (1UL << 50), rdtsc());

	wrmsr(MSR_IA32_TSC, 1UL << 52);
	GUEST_ASSERT_NEAR(1UL << 52, rdtsc());
	/* As much in the one as in the other. */
	GUEST_ASSERT_NEAR((1UL << 52) - now - (1UL << 40),
			  rdmsr(MSR_IA32_TSC_ADJUST));
	guest_done();
}

TEST_F(tsc, adjust)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_adjusts));
}

static void guest_reads(void)
{
	for (;;)
		guest_sync_args(1, rdtsc(), rdmsr(MSR_IA32_TSC_ADJUST), 0);
}

TEST_F(tsc, written_by_the_host)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_reads);
	struct ucall uc;

	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(vcpu, &uc));
	EXPECT_GT(1UL << 44, uc.arg[1]);
	vcpu_set_msr(vcpu, MSR_IA32_TSC, 1UL << 51);
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(vcpu, &uc));
	EXPECT_LE(1UL << 51, uc.arg[1]);
	EXPECT_GT((1UL << 51) + (1UL << 44), uc.arg[1]);
	EXPECT_EQ(0, uc.arg[2]);
	EXPECT_LE(uc.arg[1], vcpu_get_msr(vcpu, MSR_IA32_TSC));
}

TEST_F(tsc, frequency)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_reads);
	struct timespec a, b;
	struct ucall first, second;
	double khz, seconds;

	khz = must_ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	ASSERT_LT(1000, khz);
	EXPECT_EQ(UCALL_SYNC, vcpu_run_ucall(vcpu, &first));
	clock_gettime(CLOCK_MONOTONIC_RAW, &a);
	usleep(500000);
	EXPECT_EQ(UCALL_SYNC, vcpu_run_ucall(vcpu, &second));
	clock_gettime(CLOCK_MONOTONIC_RAW, &b);
	seconds = (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9;
	/* Within a quarter: the emulated host may stop for a while anywhere. */
	EXPECT_LT(seconds * khz * 1000 * 0.75, second.arg[1] - first.arg[1]);
	EXPECT_GT(seconds * khz * 1000 * 1.25, second.arg[1] - first.arg[1]);
}

static volatile uint64_t latest;

static void guest_in_step(uint64_t id)
{
	unsigned int i;

	for (i = 0; i < 3000; i++) {
		uint64_t seen = __atomic_load_n(&latest, __ATOMIC_ACQUIRE);
		uint64_t now = rdtsc();

		/* Less than a thousandth of a second apart. */
		GUEST_ASSERT(now + 1000000 >= seen);
		while (seen < now &&
		       !__atomic_compare_exchange_n(&latest, &seen, now, false,
						    __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
	}
	guest_done();
}

TEST_F(tsc, vcpus_in_step)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		vcpu_create_arg(self->vm, guest_in_step, i);
	for (i = 0; i < 2; i++)
		vcpu_start(&self->vm->vcpus[i]);
	for (i = 0; i < 2; i++)
		EXPECT_TRUE(vcpu_join(&self->vm->vcpus[i]));
}

TEST_F(tsc, offset_attribute)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_reads);
	uint64_t offset = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&offset,
	};
	struct ucall uc;

	if (try_ioctl(vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr))
		SKIP(return, "no attribute for the offset");
	must_ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr);
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(vcpu, &uc));
	EXPECT_GT(1UL << 44, uc.arg[1]);
	offset += 1UL << 48;
	must_ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attr);
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(vcpu, &uc));
	EXPECT_LE(1UL << 48, uc.arg[1]);
	attr.attr = 99;
	EXPECT_EQ(-ENXIO, try_ioctl(vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr));
}

LODGE_TEST_MAIN(KVM_CAP_GET_TSC_KHZ)
