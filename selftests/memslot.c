// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_SET_USER_MEMORY_REGION creates, moves, deletes and changes the
 * flags of a slot, and the guest's next access sees it; what overlaps is
 * -EEXIST, what is misaligned, empty, wraps or has unknown flags is -EINVAL,
 * and a refused call changes nothing.
 */
#include "lodge_test.h"

#define GPA	0x10000000UL
#define SIZE	(4 * PAGE_SIZE)

static void guest_read(void)
{
	for (;;)
		guest_sync_args(1, read64(GPA), 0, 0);
}

FIXTURE(slot) {
	struct vm *vm;
	struct vcpu *vcpu;
	uint64_t *mem;
};

FIXTURE_SETUP(slot)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_read);
	self->mem = anon_pages(SIZE);
	self->mem[0] = 0x1111;
	self->mem[512] = 0x2222;
}

FIXTURE_TEARDOWN(slot)
{
	vm_free(self->vm);
}

#define ASSERT_READS(value) do {					\
	struct ucall uc;						\
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(self->vcpu, &uc));		\
	ASSERT_EQ(value, uc.arg[1]);					\
} while (0)

#define ASSERT_MMIO() do {						\
	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(self->vcpu));			\
	ASSERT_EQ(GPA, self->vcpu->run->mmio.phys_addr);		\
	memset(self->vcpu->run->mmio.data, 0, 8);			\
	ASSERT_READS(0);						\
} while (0)

TEST_F(slot, create_delete_create)
{
	ASSERT_MMIO();
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
	ASSERT_READS(0x1111);
	vm_slot(self->vm, 1, 0, GPA, 0, self->mem);
	ASSERT_MMIO();
	vm_slot(self->vm, 1, 0, GPA, PAGE_SIZE, (char *)self->mem + PAGE_SIZE);
	ASSERT_READS(0x2222);
}

TEST_F(slot, move)
{
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
	ASSERT_READS(0x1111);
	vm_slot(self->vm, 1, 0, GPA - PAGE_SIZE, SIZE, self->mem);
	ASSERT_READS(0x2222);
	vm_slot(self->vm, 1, 0, GPA + PAGE_SIZE, SIZE, self->mem);
	ASSERT_MMIO();
}

TEST_F(slot, two_slots_of_the_same_memory)
{
	vm_slot(self->vm, 1, 0, GPA, PAGE_SIZE, self->mem);
	vm_slot(self->vm, 2, 0, GPA + PAGE_SIZE, PAGE_SIZE, self->mem);
	ASSERT_READS(0x1111);
	vm_slot(self->vm, 1, 0, 0, 0, 0);
	ASSERT_MMIO();
	vm_slot(self->vm, 2, 0, GPA, PAGE_SIZE, self->mem);
	ASSERT_READS(0x1111);
}

TEST_F(slot, overlap_is_refused)
{
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
	EXPECT_EQ(-EEXIST, vm_slot_try(self->vm, 2, 0, GPA, SIZE, self->mem));
	EXPECT_EQ(-EEXIST, vm_slot_try(self->vm, 2, 0, GPA + SIZE - PAGE_SIZE,
				       SIZE, self->mem));
	EXPECT_EQ(-EEXIST, vm_slot_try(self->vm, 2, 0, GPA - PAGE_SIZE,
				       2 * PAGE_SIZE, self->mem));
	EXPECT_EQ(0, vm_slot_try(self->vm, 2, 0, GPA + SIZE, SIZE, self->mem));
	EXPECT_EQ(-EEXIST, vm_slot_try(self->vm, 2, 0, GPA + PAGE_SIZE, SIZE,
				       self->mem));
	ASSERT_READS(0x1111);
}

TEST_F(slot, nonsense_is_refused)
{
	int spaces = node_cap(KVM_CAP_MULTI_ADDRESS_SPACE) ?: 1;
	char *p = (char *)self->mem;

	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0, GPA + 1, SIZE, p));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0, GPA, SIZE + 1, p));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0, GPA, SIZE, p + 1));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0x80, GPA, SIZE, p));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0, -PAGE_SIZE,
				       2 * PAGE_SIZE, p));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0, GPA, SIZE,
				       (void *)(1UL << 63)));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 0x7fff, 0, GPA, SIZE, p));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, -1U, 0, GPA, SIZE, p));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, spaces << 16 | 1, 0, GPA,
				       SIZE, p));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0, GPA,
				       ((1UL << 31) + 1) * PAGE_SIZE, p));
	/* Of nothing there is nothing to delete. */
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0, GPA, 0, p));
	ASSERT_MMIO();
}

TEST_F(slot, size_and_memory_of_a_slot_do_not_change)
{
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0, GPA, SIZE - PAGE_SIZE,
				       self->mem));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, 0, GPA, SIZE,
				       (char *)self->mem + PAGE_SIZE));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, 1, KVM_MEM_READONLY, GPA,
				       SIZE, self->mem));
	EXPECT_EQ(0, vm_slot_try(self->vm, 1, 0, GPA, SIZE, self->mem));
	ASSERT_READS(0x1111);
}

/* The last slot there is, and the end of what a guest can address. */
TEST_F(slot, limits)
{
	int nr = node_cap(KVM_CAP_NR_MEMSLOTS);

	ASSERT_LE(32, nr);
	EXPECT_EQ(0, vm_slot_try(self->vm, nr - 1, 0, GPA, SIZE, self->mem));
	EXPECT_EQ(-EINVAL, vm_slot_try(self->vm, nr, 0, GPA + SIZE, SIZE,
				       self->mem));
	ASSERT_READS(0x1111);
}

static void guest_write(void)
{
	GUEST_ASSERT_EQ(0x1111, read64(GPA));
	write64(GPA, 0x3333);
	guest_sync(2);
	GUEST_ASSERT_EQ(0x1111, read64(GPA));
	write64(GPA, 0x4444);
	GUEST_ASSERT_EQ(0x4444, read64(GPA));
	guest_done();
}

TEST_F(slot, read_only)
{
	vcpu_entry(self->vcpu, guest_write, 0);
	vm_slot(self->vm, 1, KVM_MEM_READONLY, GPA, SIZE, self->mem);
	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(self->vcpu));
	EXPECT_EQ(GPA, self->vcpu->run->mmio.phys_addr);
	EXPECT_EQ(8, self->vcpu->run->mmio.len);
	EXPECT_EQ(1, self->vcpu->run->mmio.is_write);
	EXPECT_EQ(0x33, self->vcpu->run->mmio.data[0]);
	ASSERT_STAGE(2, self->vcpu);
	EXPECT_EQ(0x1111, self->mem[0]);
	vm_slot(self->vm, 1, 0, 0, 0, 0);
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
	ASSERT_DONE(self->vcpu);
	EXPECT_EQ(0x4444, self->mem[0]);
}

LODGE_TEST_MAIN(KVM_CAP_USER_MEMORY, KVM_CAP_READONLY_MEM)
