// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_IOEVENTFD turns a write of the guest, to a port or to memory, of
 * the length it names or of any, and of the datum it names or of any, into a
 * write of the eventfd without an exit; every other write, and every read,
 * exits as before; the same one twice is -EEXIST, and nonsense -EINVAL.
 */
#include <sys/eventfd.h>

#include "lodge_test.h"

#define PORT 0x2f0

FIXTURE(ioeventfd) {
	struct vm *vm;
	int fd;
};

FIXTURE_SETUP(ioeventfd)
{
	self->vm = vm_create();
	self->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

FIXTURE_TEARDOWN(ioeventfd)
{
	vm_free(self->vm);
}

static int ioeventfd(struct vm *vm, int fd, uint64_t addr, uint32_t len,
		     uint32_t flags, uint64_t match)
{
	struct kvm_ioeventfd args = {
		.fd = fd,
		.addr = addr,
		.len = len,
		.flags = flags,
		.datamatch = match,
	};

	return try_ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

static uint64_t signalled(int fd)
{
	eventfd_t value;

	return eventfd_read(fd, &value) ? 0 : value;
}

static void guest_ports(void)
{
	outw(PORT, 7);
	guest_sync(1);
	outb(PORT, 7);				/* exits: another length */
	outw(PORT, 8);
	guest_sync(2);
	guest_done();
}

TEST_F(ioeventfd, port_of_one_length)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_ports);

	ASSERT_EQ(0, ioeventfd(self->vm, self->fd, PORT, 2,
			       KVM_IOEVENTFD_FLAG_PIO, 0));
	ASSERT_STAGE(1, vcpu);
	EXPECT_EQ(1, signalled(self->fd));
	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
	EXPECT_EQ(1, vcpu->run->io.size);
	ASSERT_STAGE(2, vcpu);
	EXPECT_EQ(1, signalled(self->fd));
	ASSERT_DONE(vcpu);
}

TEST_F(ioeventfd, port_and_datum)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_ports);

	ASSERT_EQ(0, ioeventfd(self->vm, self->fd, PORT, 2,
			       KVM_IOEVENTFD_FLAG_PIO |
			       KVM_IOEVENTFD_FLAG_DATAMATCH, 8));
	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
	EXPECT_EQ(PORT, vcpu->run->io.port);
	ASSERT_STAGE(1, vcpu);
	EXPECT_EQ(0, signalled(self->fd));
	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
	ASSERT_STAGE(2, vcpu);
	EXPECT_EQ(1, signalled(self->fd));
}

static void guest_memory(void)
{
	write32(GPA_MMIO, 0x1234);
	write64(GPA_MMIO, 0x5678);
	write8(GPA_MMIO, 1);
	guest_sync(1);
	read32(GPA_MMIO);
	write32(GPA_MMIO + 4, 0);
	guest_done();
}

TEST_F(ioeventfd, memory_of_any_length)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_memory);

	ASSERT_EQ(0, ioeventfd(self->vm, self->fd, GPA_MMIO, 0, 0, 0));
	ASSERT_STAGE(1, vcpu);
	EXPECT_EQ(3, signalled(self->fd));
	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(vcpu));
	EXPECT_EQ(0, vcpu->run->mmio.is_write);
	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(vcpu));
	EXPECT_EQ(GPA_MMIO + 4, vcpu->run->mmio.phys_addr);
	ASSERT_DONE(vcpu);
	EXPECT_EQ(0, signalled(self->fd));
}

TEST_F(ioeventfd, deassigned)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_memory);

	ASSERT_EQ(0, ioeventfd(self->vm, self->fd, GPA_MMIO, 4, 0, 0));
	ASSERT_EQ(-ENOENT, ioeventfd(self->vm, self->fd, GPA_MMIO, 8,
				     KVM_IOEVENTFD_FLAG_DEASSIGN, 0));
	ASSERT_EQ(0, ioeventfd(self->vm, self->fd, GPA_MMIO, 4,
			       KVM_IOEVENTFD_FLAG_DEASSIGN, 0));
	ASSERT_EQ(-ENOENT, ioeventfd(self->vm, self->fd, GPA_MMIO, 4,
				     KVM_IOEVENTFD_FLAG_DEASSIGN, 0));
	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(vcpu));
	EXPECT_EQ(0, signalled(self->fd));
}

TEST_F(ioeventfd, two_data_at_one_address)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_ports);
	int other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	const uint32_t flags = KVM_IOEVENTFD_FLAG_PIO |
			       KVM_IOEVENTFD_FLAG_DATAMATCH;

	ASSERT_EQ(0, ioeventfd(self->vm, self->fd, PORT, 2, flags, 7));
	ASSERT_EQ(0, ioeventfd(self->vm, other, PORT, 2, flags, 8));
	EXPECT_EQ(-EEXIST, ioeventfd(self->vm, other, PORT, 2, flags, 7));
	ASSERT_STAGE(1, vcpu);
	EXPECT_EQ(1, signalled(self->fd));
	EXPECT_EQ(0, signalled(other));
	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
	ASSERT_STAGE(2, vcpu);
	EXPECT_EQ(0, signalled(self->fd));
	EXPECT_EQ(1, signalled(other));
	close(other);
}

TEST_F(ioeventfd, nonsense_is_refused)
{
	EXPECT_EQ(-EINVAL, ioeventfd(self->vm, self->fd, PORT, 3, 0, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(self->vm, self->fd, PORT, 16, 0, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(self->vm, self->fd, -2UL, 4, 0, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(self->vm, self->fd, PORT, 2, 1U << 31, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(self->vm, self->fd, PORT, 0,
				     KVM_IOEVENTFD_FLAG_DATAMATCH, 0));
	EXPECT_EQ(-EBADF, ioeventfd(self->vm, -1, PORT, 2, 0, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(self->vm, self->vm->fd, PORT, 2, 0, 0));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vm->fd, KVM_IOEVENTFD, NULL));
}

LODGE_TEST_MAIN(KVM_CAP_IOEVENTFD, KVM_CAP_IOEVENTFD_NO_LENGTH)
