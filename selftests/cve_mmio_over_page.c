// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: CVE-2026-23401: a page that was memory and becomes MMIO, or the other
 * way round, leaves no stale translation: the guest never reaches the old page,
 * nor is an access to new memory taken for MMIO; and CVE-2021-22543 and
 * CVE-2022-1158: memory that the process has given back is not the guest's any
 * more.
 */
#include "lodge_test.h"

#define GPA 0x10000000UL

static void guest_writes(void)
{
	uint64_t i;

	for (i = 1;; i++) {
		write64(GPA, i);
		guest_sync(i);
	}
}

TEST(memory_and_mmio_in_turn)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_writes);
	uint64_t *a = anon_pages(PAGE_SIZE), *b = anon_pages(PAGE_SIZE);
	unsigned int i = 1;

	for (; i < 60; i += 3) {
		vm_slot(vm, 1, 0, GPA, PAGE_SIZE, a);
		ASSERT_STAGE(i, vcpu);
		ASSERT_EQ(i, a[0]);
		vm_slot(vm, 1, 0, 0, 0, 0);
		ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(vcpu));
		ASSERT_STAGE(i + 1, vcpu);
		ASSERT_EQ(i, a[0]);
		vm_slot(vm, 1, 0, GPA, PAGE_SIZE, b);
		ASSERT_STAGE(i + 2, vcpu);
		ASSERT_EQ(i + 2, b[0]);
		ASSERT_EQ(i, a[0]);
		vm_slot(vm, 1, 0, 0, 0, 0);
	}
	vm_free(vm);
}

TEST(given_back_to_the_host)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_writes);
	uint64_t *mem = anon_pages(PAGE_SIZE), *again;
	unsigned int i, j;

	vm_slot(vm, 1, 0, GPA, PAGE_SIZE, mem);
	for (i = 1; i < 20; i += 2) {
		ASSERT_STAGE(i, vcpu);
		/* What gets the page now must not be written by the guest. */
		madvise(mem, PAGE_SIZE, MADV_DONTNEED);
		again = anon_pages(16 * PAGE_SIZE);
		memset(again, 0x5a, 16 * PAGE_SIZE);
		ASSERT_STAGE(i + 1, vcpu);
		ASSERT_EQ(i + 1, mem[0]);
		for (j = 0; j < 16 * 512; j++)
			ASSERT_EQ(0x5a5a5a5a5a5a5a5aUL, again[j]);
		munmap(again, 16 * PAGE_SIZE);
	}
	vm_free(vm);
}

LODGE_TEST_MAIN()
