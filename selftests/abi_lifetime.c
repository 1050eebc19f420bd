// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the descriptors may be closed in any order and at any time: a vCPU
 * outlives its VM's descriptor, a process may be killed in the middle of
 * KVM_RUN, another process's calls on an inherited VM are -EIO, two threads
 * cannot run one vCPU at once, and a thousand VMs come and go.
 */
#include <signal.h>
#include <sys/wait.h>

#include "lodge_test.h"

static void guest_fine(void)
{
	for (;;)
		guest_sync(1);
}

/* With IF set: there are emulated CPUs that hold back the host's interrupts without it. */
static void guest_spins(void)
{
	sti();
	for (;;)
		;
}

TEST(vcpu_outlives_the_descriptor_of_its_vm)
{
	struct vm *vm = vm_create_irqchip();
	struct vcpu *vcpu = vcpu_create(vm, guest_fine);

	ASSERT_STAGE(1, vcpu);
	close(vm->fd);
	ASSERT_STAGE(1, vcpu);
	close(vcpu->fd);
	/* The mapping of kvm_run holds the pages. */
	EXPECT_EQ(KVM_EXIT_IO, vcpu->run->exit_reason);
	munmap(vcpu->run, vcpu->run_size);
}

TEST(vm_is_closed_in_mid_run)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_spins);

	vcpu_start(vcpu);
	usleep(20000);
	close(vm->fd);
	usleep(20000);
	/* The thread is still in the ioctl; the process's end takes it along. */
	close(vcpu->fd);
	usleep(20000);
}

TEST(killed_in_mid_run)
{
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0; i < 10; i++) {
		pid = fork();
		if (!pid) {
			struct vm *vm = vm_create_irqchip();

			vcpu_start(vcpu_create(vm, guest_spins));
			vcpu_run(vcpu_create(vm, guest_spins));
			_exit(1);
		}
		usleep(20000 + i * 3000);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
}

TEST(of_another_process)
{
	struct vm *vm = vm_create_irqchip();
	struct vcpu *vcpu = vcpu_create(vm, guest_fine);
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		struct kvm_regs regs;

		if (try_ioctl(vm->fd, KVM_CREATE_VCPU, 1) != -EIO)
			_exit(1);
		if (try_ioctl(vcpu->fd, KVM_RUN, NULL) != -EIO)
			_exit(2);
		if (try_ioctl(vcpu->fd, KVM_GET_REGS, &regs) != -EIO)
			_exit(3);
		if (vm_slot_try(vm, 1, 0, 0x10000000, PAGE_SIZE, vm->ram) !=
		    -EIO)
			_exit(4);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
	ASSERT_STAGE(1, vcpu);
	vm_free(vm);
}

static void *other_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct kvm_regs regs;

	/* Waits for the vCPU, does not break in. */
	vcpu_regs(vcpu, &regs);
	return NULL;
}

static void nothing(int sig)
{
}

TEST(one_thread_at_a_time)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_spins);
	pthread_t thread;

	sigaction(SIGALRM, &sa, NULL);
	ualarm(100000, 0);
	pthread_create(&thread, NULL, other_thread, vcpu);
	EXPECT_EQ(-EINTR, vcpu_run_try(vcpu));
	pthread_join(thread, NULL);
	vm_free(vm);
}

TEST(many_vms)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		struct vm *vm = vm_create_bare();

		must_ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0);
		close(must_ioctl(vm->fd, KVM_CREATE_VCPU, 0));
		close(must_ioctl(vm->fd, KVM_CREATE_VCPU, 5));
		vm_free(vm);
	}
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
