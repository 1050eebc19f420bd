// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: a guest that keeps interrupts off keeps nothing from the host: a signal
 * ends KVM_RUN, and another thread gets what it waits for.
 *
 * Not for the emulated Intel host: Bochs holds back the host's interrupts from a
 * guest entered with IF clear, and hangs, with KVM as well.
 */
#include <signal.h>
#include <unistd.h>

#include "lodge_test.h"

#define GPA 0x10000000UL

static volatile uint64_t spins;
static volatile bool stop;

static void guest_spin(void)
{
	cli();
	while (!stop)
		spins++;
	guest_done();
}

static void nothing(int sig)
{
}

TEST(ended_by_a_signal)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_spin);

	sigaction(SIGALRM, &sa, NULL);
	ualarm(100000, 0);
	EXPECT_EQ(-EINTR, vcpu_run_try(vcpu));
	EXPECT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);
	EXPECT_LT(0, guest_var(vm, spins));
	vm_free(vm);
}

/* A change of slots waits until the vCPU has seen it. */
TEST(slots_changed_under_it)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_spin);
	char *mem = anon_pages(PAGE_SIZE);
	int i;

	vcpu_start(vcpu);
	for (i = 0; i < 20; i++) {
		vm_slot(vm, 1, 0, GPA, PAGE_SIZE, mem);
		usleep(1000);
		vm_slot(vm, 1, 0, 0, 0, 0);
	}
	guest_var(vm, stop) = true;
	EXPECT_TRUE(vcpu_join(vcpu));
	vm_free(vm);
}

LODGE_TEST_MAIN()
