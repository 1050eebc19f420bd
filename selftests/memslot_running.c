// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: memory slots may be created, deleted, moved and changed while vCPUs
 * run in them: every access of the guest gets the slot's memory or, while there
 * is none, an MMIO exit, and no write of the guest to a slot is lost.
 */
#include "lodge_test.h"

#define GPA	0x10000000UL
#define SIZE	(8 * PAGE_SIZE)
#define CPUS	2
#define ROUNDS	60

static volatile bool stop;
static volatile uint64_t rounds[CPUS];

/*
 * Each vCPU owns a word a page, and counts in it as far as it is memory.  With IF
 * set: there are emulated CPUs that hold back the host's interrupts without it.
 */
static void guest_writes(uint64_t id)
{
	uint64_t i, value = 0;

	sti();
	while (!stop) {
		value++;
		for (i = 0; i < SIZE / PAGE_SIZE; i++)
			write64(GPA + i * PAGE_SIZE + 8 * id, value);
		for (i = 0; i < SIZE / PAGE_SIZE; i++) {
			uint64_t seen = read64(GPA + i * PAGE_SIZE + 8 * id);

			/* -1: from user space; else no later than now. */
			GUEST_ASSERT(seen == -1UL || seen <= value);
		}
		rounds[id]++;
	}
	guest_done();
}

static void *thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct kvm_run *run = vcpu->run;

	for (;;) {
		if (vcpu_run(vcpu) == KVM_EXIT_MMIO) {
			if (!run->mmio.is_write)
				memset(run->mmio.data, 0xff, 8);
			continue;
		}
		if (!vcpu_is_ucall(vcpu, &vcpu->end)) {
			vcpu_describe_exit(vcpu);
			vcpu->end.kind = UCALL_ABORT;
		}
		return NULL;
	}
}

TEST(under_running_vcpus)
{
	struct vm *vm = vm_create();
	char *mem = anon_pages(SIZE);
	unsigned int i;

	for (i = 0; i < CPUS; i++) {
		struct vcpu *vcpu = vcpu_create_arg(vm, guest_writes, i);

		pthread_create(&vcpu->thread, NULL, thread, vcpu);
	}
	for (i = 0; i < ROUNDS; i++) {
		vm_slot(vm, 1, 0, GPA, SIZE, mem);
		usleep(1000);
		switch (i % 4) {
		case 0:
			vm_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, SIZE, mem);
			break;
		case 1:
			vm_slot(vm, 1, 0, GPA + PAGE_SIZE, SIZE, mem);
			break;
		case 2:
			vm_slot(vm, 2, 0, GPA + SIZE, SIZE, mem);
			vm_slot(vm, 2, 0, 0, 0, 0);
			break;
		}
		vm_slot(vm, 1, 0, 0, 0, 0);
	}
	guest_var(vm, stop) = true;
	for (i = 0; i < CPUS; i++) {
		EXPECT_TRUE(vcpu_join(&vm->vcpus[i]));
		EXPECT_LT(0, guest_var(vm, rounds)[i]);
	}
	vm_free(vm);
}

LODGE_TEST_MAIN()
