// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: vCPUs that fault the same memory in at the same time, in pages of
 * 4 KiB and of 2 MiB, lose no write and see no other page's data, also while
 * the pages are taken away from below them again and again.
 */
#include "lodge_test.h"

#define GPA	0x10000000UL
#define SIZE	(4 * HUGE_SIZE)
#define PAGES	(SIZE / PAGE_SIZE)
#define CPUS	4

static volatile uint32_t at_work;

/* A counter a page, incremented by all: the pages start out zero. */
static void guest_increments(uint64_t id)
{
	uint64_t i;

	atomic_inc(&at_work);
	guest_wait(at_work == CPUS);
	for (i = 0; i < PAGES; i++) {
		uint64_t page = (i + id * (PAGES / CPUS)) % PAGES;

		atomic_inc((uint32_t *)(GPA + page * PAGE_SIZE));
	}
	guest_done();
}

FIXTURE(parallel) {
	struct vm *vm;
	char *mem;
};

FIXTURE_VARIANT(parallel) {
	int advice;
};

FIXTURE_VARIANT_ADD(parallel, small) { MADV_NOHUGEPAGE };
FIXTURE_VARIANT_ADD(parallel, huge) { MADV_HUGEPAGE };

FIXTURE_SETUP(parallel)
{
	self->vm = vm_create();
	self->mem = anon_pages_aligned(SIZE, HUGE_SIZE);
	madvise(self->mem, SIZE, variant->advice);
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
}

FIXTURE_TEARDOWN(parallel)
{
	vm_free(self->vm);
}

TEST_F(parallel, demand_faults)
{
	unsigned int i;

	for (i = 0; i < CPUS; i++)
		vcpu_start(vcpu_create_arg(self->vm, guest_increments, i));
	for (i = 0; i < CPUS; i++)
		EXPECT_TRUE(vcpu_join(&self->vm->vcpus[i]));
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(CPUS, *(uint32_t *)(self->mem + i * PAGE_SIZE));
}

static volatile bool stop;

/* A page is zero, or has its own number in it: never another one's. */
static void guest_checks(uint64_t id)
{
	uint64_t i;

	sti();
	while (!stop) {
		for (i = 0; i < PAGES; i += 32) {
			uint64_t v = read64(GPA + i * PAGE_SIZE + 8);

			GUEST_ASSERT(v == 0 || v == i);
			write64(GPA + i * PAGE_SIZE + 8, i);
		}
	}
	guest_done();
}

TEST_F(parallel, while_pages_are_taken_away)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		vcpu_start(vcpu_create_arg(self->vm, guest_checks, i));
	for (i = 0; i < 24; i++) {
		madvise(self->mem + i % 4 * HUGE_SIZE, HUGE_SIZE,
			MADV_DONTNEED);
		madvise(self->mem + i * 64 % PAGES * PAGE_SIZE, 4 * PAGE_SIZE,
			MADV_DONTNEED);
		usleep(2000);
	}
	guest_var(self->vm, stop) = true;
	for (i = 0; i < 2; i++)
		EXPECT_TRUE(vcpu_join(&self->vm->vcpus[i]));
}

LODGE_TEST_MAIN(KVM_CAP_SYNC_MMU)
