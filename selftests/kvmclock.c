// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: kvmclock: the page that the guest names in MSR_KVM_SYSTEM_TIME_NEW is
 * kept up to date (even version, the guest's own TSC scale), has the stable
 * bit, agrees with KVM_GET_CLOCK, and never goes back, on one vCPU or from one
 * to the next; the wall clock is the host's at the VM's start; bad addresses
 * and reserved bits are #GP or ignored, never a write elsewhere (KVM's own
 * documentation: x86 MSRs, "MSR_KVM_SYSTEM_TIME_NEW").
 */
#include <linux/kvm_para.h>
#include <time.h>

#include "lodge_test.h"

#define PVCLOCK_STABLE	1
#define CPUS		3

struct pvclock {
	uint32_t version;
	uint32_t pad;
	uint64_t tsc_timestamp;
	uint64_t system_time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags;
	uint8_t pad2[2];
};

struct wall_clock {
	uint32_t version;
	uint32_t sec;
	uint32_t nsec;
};

static volatile struct pvclock clocks[CPUS] __attribute__((aligned(64)));
static volatile struct wall_clock wall __attribute__((aligned(64)));

/* How a guest reads it: the scaled TSC since the stamp, on a quiet version. */
static uint64_t read_clock(volatile struct pvclock *c)
{
	uint32_t version;
	uint64_t delta, ns;

	do {
		version = c->version & ~1U;
		__asm__ volatile("lfence" : : : "memory");
		delta = rdtsc() - c->tsc_timestamp;
		if (c->shift >= 0)
			delta <<= c->shift;
		else
			delta >>= -c->shift;
		ns = c->system_time +
		     (uint64_t)((__uint128_t)delta * c->mul >> 32);
		__asm__ volatile("lfence" : : : "memory");
	} while (version != c->version);
	return ns;
}

static void enable(uint64_t id)
{
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, (uintptr_t)&clocks[id] | 1);
}

static void guest_reads(void)
{
	uint64_t last = 0, now;
	unsigned int i;

	enable(0);
	GUEST_ASSERT(clocks[0].version && !(clocks[0].version & 1));
	GUEST_ASSERT(clocks[0].mul);
	for (i = 0; i < 1000; i++) {
		now = read_clock(&clocks[0]);
		GUEST_ASSERT(now >= last);
		last = now;
		if (i % 100 == 0)
			guest_sync_args(1, now, clocks[0].flags, 0);
	}
	/* Off: the page is left alone. */
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, 0);
	clocks[0].version = 0x78;
	guest_sync_args(2, read_clock(&clocks[0]), 0, 0);
	GUEST_ASSERT_EQ(0x78U, clocks[0].version);
	guest_done();
}

FIXTURE(kvmclock) {
	struct vm *vm;
};

FIXTURE_SETUP(kvmclock)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(kvmclock)
{
	vm_free(self->vm);
}

TEST_F(kvmclock, agrees_with_the_ioctl)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_reads);
	struct kvm_clock_data data;
	uint64_t before;
	struct ucall uc;

	must_ioctl(self->vm->fd, KVM_GET_CLOCK, &data);
	before = data.clock;
	while (vcpu_run_ucall(vcpu, &uc) == UCALL_SYNC && uc.arg[0] == 1) {
		/* A millisecond for what two ways of scaling may differ. */
		must_ioctl(self->vm->fd, KVM_GET_CLOCK, &data);
		EXPECT_LE(before, uc.arg[1] + 1000000);
		EXPECT_LE(uc.arg[1], data.clock + 1000000);
		before = data.clock;
	}
	ASSERT_EQ(2, uc.arg[0]);
}

static volatile uint64_t latest;
static volatile uint32_t ready;

/* All take turns at one word: nobody may find a time there that is to come. */
static void guest_races(uint64_t id)
{
	unsigned int i;

	enable(id);
	atomic_inc(&ready);
	guest_wait(ready == CPUS);
	for (i = 0; i < 3000; i++) {
		uint64_t seen = __atomic_load_n(&latest, __ATOMIC_ACQUIRE);
		uint64_t now = read_clock(&clocks[id]);

		GUEST_ASSERT(now >= seen);
		while (seen < now &&
		       !__atomic_compare_exchange_n(&latest, &seen, now, false,
						    __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
	}
	guest_sync_args(3, clocks[id].flags, 0, 0);
	guest_done();
}

TEST_F(kvmclock, never_goes_back_from_one_vcpu_to_the_next)
{
	struct kvm_clock_data data;
	unsigned int i;

	for (i = 0; i < CPUS; i++)
		vcpu_start(vcpu_create_arg(self->vm, guest_races, i));
	for (i = 0; i < CPUS; i++) {
		bool done = vcpu_join(&self->vm->vcpus[i]);

		must_ioctl(self->vm->fd, KVM_GET_CLOCK, &data);
		/*
		 * Without the stable bit a guest has to keep the last value
		 * itself, and may see it go back.
		 */
		if (!(data.flags & KVM_CLOCK_TSC_STABLE))
			SKIP(return, "the host's TSC is not its clock");
		EXPECT_TRUE(done);
		EXPECT_EQ(PVCLOCK_STABLE, guest_var(self->vm, clocks)[i].flags &
			  PVCLOCK_STABLE);
	}
}

static void guest_wall(void)
{
	wrmsr(MSR_KVM_WALL_CLOCK_NEW, (uintptr_t)&wall);
	GUEST_ASSERT(wall.version && !(wall.version & 1));
	guest_sync_args(1, wall.sec, wall.nsec, 0);
	/* The two old numbers do the same. */
	wrmsr(MSR_KVM_WALL_CLOCK, (uintptr_t)&wall);
	wrmsr(MSR_KVM_SYSTEM_TIME, (uintptr_t)&clocks[1] | 1);
	GUEST_ASSERT(clocks[1].version && !(clocks[1].version & 1));
	guest_done();
}

TEST_F(kvmclock, wall_clock_of_the_start)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_wall);
	struct timespec now;
	struct ucall uc;

	clock_gettime(CLOCK_REALTIME, &now);
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(vcpu, &uc));
	EXPECT_LE(now.tv_sec - 30, uc.arg[1]);
	EXPECT_GE(now.tv_sec + 30, uc.arg[1]);
	ASSERT_DONE(vcpu);
}

static void guest_nowhere(void)
{
	/* Addresses that nobody backs: ignored, or a fault, but no harm. */
	wrmsr_try(MSR_KVM_SYSTEM_TIME_NEW, GPA_MMIO | 1);
	guest_sync(1);
	wrmsr_try(MSR_KVM_SYSTEM_TIME_NEW, -1UL);
	guest_sync(2);
	wrmsr_try(MSR_KVM_WALL_CLOCK_NEW, -4UL);
	guest_sync(3);
	/* Across the end of memory. */
	wrmsr_try(MSR_KVM_SYSTEM_TIME_NEW, (RAM_SIZE - 4) | 1);
	guest_sync(4);
	guest_done();
}

TEST_F(kvmclock, at_addresses_that_are_none)
{
	EXPECT_TRUE(vcpu_finish(vcpu_create(self->vm, guest_nowhere)));
}

LODGE_TEST_MAIN(KVM_CAP_ADJUST_CLOCK, KVM_CAP_IRQCHIP)
