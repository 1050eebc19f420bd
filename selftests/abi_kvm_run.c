// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: kvm_run is shared with user space, which may write what it likes into
 * it at any time: lengths, offsets, counts and reasons changed between an exit
 * and the next KVM_RUN, or by another thread while the guest runs, neither
 * leak nor corrupt anything of the kernel.
 *
 * Also holds CVE-2021-3501, a field of kvm_run used as an array index.
 */
#include "lodge_test.h"

#define PORT 0x2f0

static uint8_t buffer[64];

static void guest_io(void)
{
	for (;;) {
		uint64_t ptr = (uintptr_t)buffer, count = 16;

		inl(PORT);
		__asm__ volatile("rep insb" : "+D"(ptr), "+c"(count)
				 : "d"(PORT) : "memory");
		read64(GPA_MMIO);
		write64(GPA_MMIO + 0xffc, 5);
	}
}

FIXTURE(kvm_run) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(kvm_run)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_io);
}

FIXTURE_TEARDOWN(kvm_run)
{
	vm_free(self->vm);
}

TEST_F(kvm_run, changed_between_exit_and_completion)
{
	struct kvm_run *run = self->vcpu->run;
	unsigned int i;

	for (i = 0; i < 200; i++) {
		uint32_t reason = vcpu_run(self->vcpu);

		ASSERT_TRUE(reason == KVM_EXIT_IO || reason == KVM_EXIT_MMIO);
		if (reason == KVM_EXIT_IO) {
			run->io.size = 1 << i % 8;
			run->io.count = -1U >> i % 16;
			run->io.data_offset = 1UL << i % 64;
			run->io.port = i;
			run->io.direction = 0xff;
		} else {
			run->mmio.len = 0xffffff00 + i;
			run->mmio.phys_addr = -1UL << i % 64;
			run->mmio.is_write = !run->mmio.is_write;
		}
		run->exit_reason = i;
	}
}

static volatile bool stop;

static void *scribble(void *arg)
{
	struct vcpu *vcpu = arg;
	uint64_t x = 88172645463325252UL;
	uint32_t *words = (uint32_t *)vcpu->run;

	while (!stop) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		/* The page of kvm_run, the data page and the ring's. */
		words[x % (vcpu->run_size / 4)] = x >> 32;
		vcpu->run->immediate_exit = 0;
	}
	return NULL;
}

TEST_F(kvm_run, changed_all_the_time)
{
	pthread_t thread;
	unsigned int i;
	int ret;

	pthread_create(&thread, NULL, scribble, self->vcpu);
	for (i = 0; i < 2000; i++) {
		ret = vcpu_run_try(self->vcpu);
		EXPECT_TRUE(ret == 0 || ret == -EINTR || ret == -EINVAL)
			TH_LOG("KVM_RUN: %d", ret);
	}
	stop = true;
	pthread_join(thread, NULL);
}

LODGE_TEST_MAIN()
