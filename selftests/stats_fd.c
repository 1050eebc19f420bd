// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_GET_STATS_FD of a VM and of a vCPU gives a file that describes
 * itself: header, id, descriptors and data lie where the header says, within
 * the file, every descriptor has a name and a valid type and unit, and the
 * count of exits grows as the guest exits.
 */
#include "lodge_test.h"

static void guest_exits(void)
{
	for (;;)
		guest_sync(1);
}

FIXTURE(stats) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(stats)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_exits);
}

FIXTURE_TEARDOWN(stats)
{
	vm_free(self->vm);
}

static void check(struct __test_metadata *_metadata, int fd)
{
	struct kvm_stats_header header;
	unsigned int i, size;
	char id[64];

	ASSERT_EQ(sizeof(header), pread(fd, &header, sizeof(header), 0));
	EXPECT_EQ(0, header.flags);
	ASSERT_LT(0, header.num_desc);
	ASSERT_LE(1, header.name_size);
	ASSERT_GE(64, header.name_size);
	ASSERT_EQ(header.name_size, pread(fd, id, header.name_size,
					  header.id_offset));
	EXPECT_NE(0, id[0]);
	size = sizeof(struct kvm_stats_desc) + header.name_size;
	for (i = 0; i < header.num_desc; i++) {
		uint8_t raw[sizeof(struct kvm_stats_desc) + 64];
		struct kvm_stats_desc *desc = (void *)raw;
		uint64_t value;

		ASSERT_EQ(size, pread(fd, raw, size,
				      header.desc_offset + i * size));
		EXPECT_GE(KVM_STATS_TYPE_MAX, desc->flags & KVM_STATS_TYPE_MASK);
		EXPECT_GE(KVM_STATS_UNIT_MAX, desc->flags & KVM_STATS_UNIT_MASK);
		EXPECT_LT(0, desc->size);
		EXPECT_NE(0, raw[sizeof(*desc)]);
		ASSERT_EQ(8, pread(fd, &value, 8,
				   header.data_offset + desc->offset));
	}
}

TEST_F(stats, of_the_vm)
{
	int fd = must_ioctl(self->vm->fd, KVM_GET_STATS_FD, 0);

	check(_metadata, fd);
	close(fd);
}

TEST_F(stats, of_the_vcpu)
{
	int fd = must_ioctl(self->vcpu->fd, KVM_GET_STATS_FD, 0);
	int64_t before, after;
	unsigned int i;

	check(_metadata, fd);
	before = stat_value(fd, "exits");
	ASSERT_LE(0, before);
	for (i = 0; i < 10; i++)
		ASSERT_STAGE(1, self->vcpu);
	after = stat_value(fd, "exits");
	EXPECT_LE(before + 10, after);
	close(fd);
}

TEST_F(stats, reads_past_the_end)
{
	int fd = must_ioctl(self->vcpu->fd, KVM_GET_STATS_FD, 0);
	void * volatile nowhere = (void *)8;
	char byte = 0;

	EXPECT_EQ(0, pread(fd, &byte, 1, 1UL << 40));
	EXPECT_EQ(-1, write(fd, &byte, 1));
	EXPECT_EQ(-1, pread(fd, nowhere, 64, 0));
	EXPECT_EQ(EFAULT, errno);
	close(fd);
}

LODGE_TEST_MAIN(KVM_CAP_BINARY_STATS_FD)
