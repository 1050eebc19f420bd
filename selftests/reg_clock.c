// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_GET_CLOCK is the guest's clock in nanoseconds, goes forward with
 * the host's, starts near zero, and is what KVM_SET_CLOCK makes it; unknown
 * flags are -EINVAL.
 */
#include <time.h>
#include <unistd.h>

#include "lodge_test.h"

#define SECOND 1000000000UL

FIXTURE(clock) {
	struct vm *vm;
};

FIXTURE_SETUP(clock)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(clock)
{
	vm_free(self->vm);
}

static uint64_t get_clock(struct vm *vm)
{
	struct kvm_clock_data data;

	must_ioctl(vm->fd, KVM_GET_CLOCK, &data);
	return data.clock;
}

TEST_F(clock, starts_near_zero_and_goes_on)
{
	uint64_t first = get_clock(self->vm), second;

	EXPECT_GT(20 * SECOND, first);
	usleep(100000);
	second = get_clock(self->vm);
	EXPECT_LE(first + SECOND / 10, second);
	EXPECT_GT(first + 20 * SECOND, second);
}

TEST_F(clock, is_what_it_is_set_to)
{
	struct kvm_clock_data data = { .clock = 1000 * SECOND };
	uint64_t now;

	must_ioctl(self->vm->fd, KVM_SET_CLOCK, &data);
	now = get_clock(self->vm);
	EXPECT_LE(1000 * SECOND - SECOND / 100, now);
	EXPECT_GT(1010 * SECOND, now);
	data.clock = 5 * SECOND;
	must_ioctl(self->vm->fd, KVM_SET_CLOCK, &data);
	EXPECT_GT(15 * SECOND, get_clock(self->vm));
}

TEST_F(clock, nonsense_is_refused)
{
	struct kvm_clock_data data = { .clock = 1000 * SECOND, .flags = 1 << 31 };

	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_SET_CLOCK, &data));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vm->fd, KVM_SET_CLOCK, NULL));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vm->fd, KVM_GET_CLOCK, NULL));
	EXPECT_GT(100 * SECOND, get_clock(self->vm));
}

LODGE_TEST_MAIN(KVM_CAP_ADJUST_CLOCK)
