// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the system descriptor speaks KVM's ABI, version 12: the calls and the
 * capabilities without which QEMU, kvmtool and Firecracker refuse to start are
 * there, an argument where none belongs is -EINVAL, and a call that is none is
 * -EINVAL or -ENOTTY and nothing else.
 */
#include <cpuid.h>

#include "lodge_test.h"

FIXTURE(system) {
	int fd;
};

FIXTURE_SETUP(system)
{
	self->fd = node_open();
}

FIXTURE_TEARDOWN(system)
{
	close(self->fd);
}

TEST_F(system, version)
{
	EXPECT_EQ(KVM_API_VERSION, try_ioctl(self->fd, KVM_GET_API_VERSION, 0));
	EXPECT_EQ(-EINVAL, try_ioctl(self->fd, KVM_GET_API_VERSION, 1));
}

TEST_F(system, capabilities_that_clients_insist_on)
{
	static const int caps[] = {
		KVM_CAP_IRQCHIP, KVM_CAP_HLT, KVM_CAP_USER_MEMORY,
		KVM_CAP_SET_TSS_ADDR, KVM_CAP_EXT_CPUID, KVM_CAP_MP_STATE,
		KVM_CAP_COALESCED_MMIO, KVM_CAP_DESTROY_MEMORY_REGION_WORKS,
		KVM_CAP_IRQ_ROUTING, KVM_CAP_IRQ_INJECT_STATUS,
		KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, KVM_CAP_IRQFD, KVM_CAP_PIT2,
		KVM_CAP_PIT_STATE2, KVM_CAP_IOEVENTFD, KVM_CAP_ADJUST_CLOCK,
		KVM_CAP_VCPU_EVENTS, KVM_CAP_DEBUGREGS, KVM_CAP_XSAVE,
		KVM_CAP_GET_TSC_KHZ, KVM_CAP_SIGNAL_MSI,
		KVM_CAP_TSC_DEADLINE_TIMER, KVM_CAP_READONLY_MEM,
		KVM_CAP_IMMEDIATE_EXIT, KVM_CAP_NR_VCPUS, KVM_CAP_MAX_VCPUS,
		KVM_CAP_NR_MEMSLOTS, KVM_CAP_SYNC_MMU,
	};
	unsigned int i, a, b, c, d;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		EXPECT_LT(0, try_ioctl(self->fd, KVM_CHECK_EXTENSION, caps[i]))
			TH_LOG("capability %d", caps[i]);
	}
	__cpuid(1, a, b, c, d);
	EXPECT_EQ(!!(c & bit_XSAVE), try_ioctl(self->fd, KVM_CHECK_EXTENSION, KVM_CAP_XCRS));
	EXPECT_EQ(0, try_ioctl(self->fd, KVM_CHECK_EXTENSION, 0x7fffffff));
	EXPECT_EQ(0, try_ioctl(self->fd, KVM_CHECK_EXTENSION, -1));
}

TEST_F(system, sizes)
{
	int size = try_ioctl(self->fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	EXPECT_LE((int)(2 * PAGE_SIZE), size);
	EXPECT_EQ(0, size % PAGE_SIZE);
	EXPECT_EQ(-EINVAL, try_ioctl(self->fd, KVM_GET_VCPU_MMAP_SIZE, 1));
}

TEST_F(system, vm_of_an_unknown_type)
{
	EXPECT_EQ(-EINVAL, try_ioctl(self->fd, KVM_CREATE_VM, 1));
	EXPECT_EQ(-EINVAL, try_ioctl(self->fd, KVM_CREATE_VM, -1));
}

TEST_F(system, unknown_calls)
{
	unsigned int nr;

	/* 0xAE00 and up, in the three directions that carry an argument. */
	for (nr = 0; nr < 256; nr++) {
		int ret = try_ioctl(self->fd, _IOWR(KVMIO, nr, char[8]), NULL);

		EXPECT_TRUE(ret == -EINVAL || ret == -ENOTTY || ret == -EFAULT)
			TH_LOG("call %#x: %d", nr, ret);
	}
	/* What belongs to a VM or to a vCPU is unknown here. */
	EXPECT_EQ(-EINVAL, try_ioctl(self->fd, KVM_RUN, 0));
	EXPECT_EQ(-EINVAL, try_ioctl(self->fd, KVM_CREATE_VCPU, 0));
}

LODGE_TEST_MAIN()
