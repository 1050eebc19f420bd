// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: CVE-2019-19332: KVM_GET_SUPPORTED_CPUID and its kin write no entry
 * past the count that user space gave, however small, and refuse one that is
 * too small with -E2BIG; a huge count does not allocate without bound.
 */
#include "lodge_test.h"

static void check(struct __test_metadata *_metadata, int fd, unsigned long req)
{
	const size_t entry = sizeof(struct kvm_cpuid_entry2);
	unsigned int nent;

	for (nent = 0; nent < 64; nent++) {
		size_t size = sizeof(struct kvm_cpuid2) + nent * entry;
		char *pages = anon_pages(2 * PAGE_SIZE);
		struct kvm_cpuid2 *cpuid;
		int ret;

		/* Ends where the page does, and the next is not to be had. */
		mprotect(pages + PAGE_SIZE, PAGE_SIZE, PROT_NONE);
		cpuid = (void *)(pages + PAGE_SIZE - size);
		cpuid->nent = nent;
		ret = try_ioctl(fd, req, cpuid);
		EXPECT_TRUE(ret == 0 || ret == -E2BIG) {
			TH_LOG("%u entries: %d", nent, ret);
		}
		munmap(pages, 2 * PAGE_SIZE);
	}
}

TEST(no_entry_too_many)
{
	int fd = node_open();

	check(_metadata, fd, KVM_GET_SUPPORTED_CPUID);
	if (node_cap(KVM_CAP_EXT_EMUL_CPUID))
		check(_metadata, fd, KVM_GET_EMULATED_CPUID);
	close(fd);
}

TEST(huge_count)
{
	struct kvm_cpuid2 *cpuid = anon_pages(4 * PAGE_SIZE);
	int fd = node_open();
	int ret;

	cpuid->nent = -1U;
	ret = try_ioctl(fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	EXPECT_TRUE(ret == 0 || ret == -E2BIG || ret == -EFAULT);
	EXPECT_GE(256, ret ? 0 : cpuid->nent);
	close(fd);
}

LODGE_TEST_MAIN(KVM_CAP_EXT_CPUID)
