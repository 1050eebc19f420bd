// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the debug registers round-trip through KVM_SET/GET_DEBUGREGS and
 * through the guest, the host's own are untouched, a breakpoint that the guest
 * sets fires with the right DR6 (APM vol. 2, Breakpoints), and DR6 and DR7
 * with bits above 31, or unknown flags, are -EINVAL.
 */
#include "lodge_test.h"

FIXTURE(debugregs) {
	struct vm *vm;
};

FIXTURE_SETUP(debugregs)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(debugregs)
{
	vm_free(self->vm);
}

#define READ_DR(n) ({							\
	uint64_t v_;							\
	__asm__ volatile("mov %%dr" #n ", %0" : "=r"(v_));		\
	v_;								\
})
#define WRITE_DR(n, v) ({						\
	__asm__ volatile("mov %0, %%dr" #n : : "r"((uint64_t)(v)));	\
})

static void guest_sees(void)
{
	GUEST_ASSERT_EQ(0x1000UL, READ_DR(0));
	GUEST_ASSERT_EQ(0x2000UL, READ_DR(1));
	GUEST_ASSERT_EQ(0x3000UL, READ_DR(2));
	GUEST_ASSERT_EQ(0x4000UL, READ_DR(3));
	GUEST_ASSERT_EQ(0xffff0ff1UL, READ_DR(6));
	WRITE_DR(0, 0x5000);
	WRITE_DR(3, 0x6000);
	guest_done();
}

TEST_F(debugregs, round_trip)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_sees);
	struct kvm_debugregs set = {
		.db = { 0x1000, 0x2000, 0x3000, 0x4000 },
		.dr6 = 0xffff0ff1,
		.dr7 = 0x400,
	}, get;

	must_ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &get);
	EXPECT_EQ(0xffff0ff0, get.dr6);
	EXPECT_EQ(0x400, get.dr7);
	must_ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &set);
	must_ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &get);
	EXPECT_EQ(0, memcmp(&set, &get, sizeof(set)));
	ASSERT_DONE(vcpu);
	must_ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &get);
	EXPECT_EQ(0x5000, get.db[0]);
	EXPECT_EQ(0x2000, get.db[1]);
	EXPECT_EQ(0x6000, get.db[3]);
}

static volatile uint64_t hits, dr6, rip, watched;

static GUEST_HANDLER void on_db(struct trap_frame *frame)
{
	hits++;
	dr6 = READ_DR(6);
	rip = frame->rip;
	frame->rflags |= 1 << 16;	/* RF: past an execution breakpoint */
	WRITE_DR(6, 0xffff0ff0);
}

static void guest_breaks(void)
{
	uint64_t at;

	guest_handlers[VEC_DB] = on_db;
	__asm__ volatile("leaq 1f(%%rip), %0; mov %0, %%dr0; mov %1, %%dr7;"
			 "nop; 1: nop" : "=&r"(at) : "r"(0x402UL));
	GUEST_ASSERT_EQ(1, hits);
	GUEST_ASSERT_EQ(at, rip);
	GUEST_ASSERT_EQ(1, dr6 & 0xf);

	/* DR1 on a write of eight bytes. */
	WRITE_DR(1, &watched);
	WRITE_DR(7, 0x400 | 8 | 9 << 20);
	watched = 1;
	GUEST_ASSERT_EQ(2, hits);
	GUEST_ASSERT_EQ(2, dr6 & 0xf);
	WRITE_DR(7, 0x400);
	watched = 2;
	GUEST_ASSERT_EQ(2, hits);
	guest_done();
}

TEST_F(debugregs, breakpoints_of_the_guest)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_breaks));
}

TEST_F(debugregs, impossible_values_are_refused)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_sees);
	struct kvm_debugregs good, bad;

	must_ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &good);
	bad = good;
	bad.dr6 |= 1UL << 32;
	EXPECT_EQ(-EINVAL, try_ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &bad));
	bad = good;
	bad.dr7 |= 1UL << 32;
	EXPECT_EQ(-EINVAL, try_ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &bad));
	bad = good;
	bad.flags = 1;
	EXPECT_EQ(-EINVAL, try_ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &bad));
	must_ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &bad);
	EXPECT_EQ(0, memcmp(&good, &bad, sizeof(good)));
}

LODGE_TEST_MAIN(KVM_CAP_DEBUGREGS)
