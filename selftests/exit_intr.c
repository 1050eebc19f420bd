// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_RUN comes back with -EINTR and KVM_EXIT_INTR for a signal that is
 * deliverable, also one that only the mask of KVM_SET_SIGNAL_MASK unblocks,
 * and before any guest instruction where immediate_exit is set; a completion
 * that was due (of an IN, say) has then been carried out.
 */
#include <signal.h>
#include <unistd.h>

#include "lodge_test.h"

static volatile uint64_t spins;

/* With IF set: there are emulated CPUs that hold back the host's interrupts without it. */
static void guest_spin(void)
{
	sti();
	for (;;)
		spins++;
}

static void nothing(int sig)
{
}

FIXTURE(intr) {
	struct vm *vm;
};

FIXTURE_SETUP(intr)
{
	struct sigaction sa = { .sa_handler = nothing };

	sigaction(SIGALRM, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(intr)
{
	vm_free(self->vm);
}

TEST_F(intr, signal)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_spin);

	ualarm(100000, 0);
	EXPECT_EQ(-EINTR, vcpu_run_try(vcpu));
	EXPECT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);
	EXPECT_LT(0, guest_var(self->vm, spins));
}

TEST_F(intr, immediate_exit_runs_nothing)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_spin);
	struct kvm_regs before, after;

	vcpu_regs(vcpu, &before);
	vcpu->run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, vcpu_run_try(vcpu));
	EXPECT_EQ(0, guest_var(self->vm, spins));
	vcpu_regs(vcpu, &after);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

static void guest_in(void)
{
	GUEST_ASSERT_EQ(0x42, inb(0x2f0));
	guest_done();
}

TEST_F(intr, immediate_exit_completes_what_is_due)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_in);
	struct kvm_run *run = vcpu->run;
	struct kvm_regs before, after;

	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
	vcpu_regs(vcpu, &before);
	*((uint8_t *)run + run->io.data_offset) = 0x42;
	run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, vcpu_run_try(vcpu));
	vcpu_regs(vcpu, &after);
	EXPECT_EQ(0x42, after.rax & 0xff);
	EXPECT_LT(before.rip, after.rip);
	run->immediate_exit = 0;
	ASSERT_DONE(vcpu);
}

TEST_F(intr, signal_mask_of_the_vcpu)
{
	struct {
		struct kvm_signal_mask head;
		uint64_t set;
	} __attribute__((packed)) mask = { .head.len = 8 };
	struct vcpu *vcpu = vcpu_create(self->vm, guest_spin);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	mask.set = 1UL << (SIGALRM - 1);
	must_ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask);
	raise(SIGUSR1);
	EXPECT_EQ(-EINTR, vcpu_run_try(vcpu));
	EXPECT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);

	/* Still pending: the mask outside KVM_RUN is as it was. */
	sigpending(&set);
	EXPECT_TRUE(sigismember(&set, SIGUSR1));
	EXPECT_EQ(-EINTR, vcpu_run_try(vcpu));

	mask.head.len = 4;
	EXPECT_EQ(-EINVAL, try_ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask));
	EXPECT_EQ(0, try_ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, NULL));
}

LODGE_TEST_MAIN(KVM_CAP_IMMEDIATE_EXIT)
