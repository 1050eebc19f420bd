// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: guest memory may be registered with userfaultfd: a missing page that
 * the guest touches raises a fault there, KVM_RUN waits for the page, and the
 * guest reads what was copied in.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#include "lodge_test.h"

#define GPA	0x10000000UL
#define PAGES	16

static void guest_sums(void)
{
	uint64_t i;

	for (i = 0; i < PAGES; i++)
		GUEST_ASSERT_EQ(0x100 + i, read64(GPA + i * PAGE_SIZE));
	guest_done();
}

TEST(missing_pages)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_sums);
	uint64_t page[512] = { 0 };
	unsigned int i;
	char *mem;
	int fd;

	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		SKIP(return, "userfaultfd: %s", strerror(errno));
	ASSERT_EQ(0, ioctl(fd, UFFDIO_API, &api));
	mem = anon_pages(PAGES * PAGE_SIZE);
	reg.range.start = (uintptr_t)mem;
	reg.range.len = PAGES * PAGE_SIZE;
	ASSERT_EQ(0, ioctl(fd, UFFDIO_REGISTER, &reg));
	vm_slot(vm, 1, 0, GPA, PAGES * PAGE_SIZE, mem);
	vcpu_start(vcpu);
	for (i = 0; i < PAGES; i++) {
		struct uffdio_copy copy = { .len = PAGE_SIZE };
		struct uffd_msg msg;

		ASSERT_EQ(sizeof(msg), read(fd, &msg, sizeof(msg)));
		ASSERT_EQ(UFFD_EVENT_PAGEFAULT, msg.event);
		copy.dst = msg.arg.pagefault.address & ~(PAGE_SIZE - 1);
		copy.src = (uintptr_t)page;
		page[0] = 0x100 + (copy.dst - (uintptr_t)mem) / PAGE_SIZE;
		ASSERT_EQ(0, ioctl(fd, UFFDIO_COPY, &copy));
	}
	EXPECT_TRUE(vcpu_join(vcpu));
	close(fd);
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_SYNC_MMU)
