// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: CVE-2020-36313: a lookup of a memory slot that has just been deleted,
 * the last of them, does not use an index past the end: reads, writes, MMIO,
 * the dirty log and the deletion of all slots under a guest that runs in them.
 */
#include "lodge_test.h"

#define GPA	0x10000000UL
#define SLOTS	8

static void guest_touches(void)
{
	uint64_t i;

	for (;;) {
		for (i = 0; i < SLOTS; i++)
			write64(GPA + i * 2 * PAGE_SIZE, i);
		guest_sync(1);
	}
}

TEST(last_slot_goes_away)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_touches);
	char *mem = anon_pages(PAGE_SIZE);
	struct ucall uc;
	unsigned int round, i, left;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < SLOTS; i++)
			vm_slot(vm, 1 + i, 0, GPA + i * 2 * PAGE_SIZE,
				PAGE_SIZE, mem);
		/* Without each in turn, from the top and from the bottom. */
		for (left = SLOTS; left--;) {
			unsigned int mmio = 0;

			do {
				mmio += vcpu_run(vcpu) == KVM_EXIT_MMIO;
			} while (!vcpu_is_ucall(vcpu, &uc));
			ASSERT_EQ(SLOTS - 1 - left, mmio);
			i = round & 1 ? left : SLOTS - 1 - left;
			vm_slot(vm, 1 + i, 0, 0, 0, 0);
		}
	}
	vm_free(vm);
}

LODGE_TEST_MAIN()
