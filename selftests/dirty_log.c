// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_GET_DIRTY_LOG names exactly the pages that the guest, or user
 * space through KVM, wrote since the last time, and forgets them; with
 * KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 it forgets only what
 * KVM_CLEAR_DIRTY_LOG names; both also where the slot is mapped by large
 * pages, and where logging begins in the life of a slot.
 */
#include "lodge_test.h"

#define GPA	0x10000000UL
#define SIZE	(2 * HUGE_SIZE)
#define PAGES	(SIZE / PAGE_SIZE)

/* What the host asks for: write the page @first, then every @step. */
static volatile uint64_t first, step, count;
static volatile bool read_all;

static void guest_writes(void)
{
	uint64_t i;

	for (;;) {
		for (i = 0; i < count; i++)
			write64(GPA + (first + i * step) * PAGE_SIZE + 8, i);
		for (i = 0; read_all && i < PAGES; i++)
			read64(GPA + i * PAGE_SIZE);
		guest_sync(1);
	}
}

FIXTURE(log) {
	struct vm *vm;
	struct vcpu *vcpu;
	char *mem;
};

FIXTURE_SETUP(log)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_writes);
	self->mem = anon_pages_aligned(SIZE, HUGE_SIZE);
	madvise(self->mem, SIZE, MADV_HUGEPAGE);
	memset(self->mem, 1, SIZE);
	vm_slot(self->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, SIZE, self->mem);
}

FIXTURE_TEARDOWN(log)
{
	vm_free(self->vm);
}

static uint64_t bitmap[PAGES / 64];

static int get_log(struct vm *vm, uint32_t slot)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };

	memset(bitmap, 0xff, sizeof(bitmap));
	return try_ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static bool is_dirty(unsigned int page)
{
	return bitmap[page / 64] >> page % 64 & 1;
}

static unsigned int nr_dirty(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < PAGES; i++)
		n += is_dirty(i);
	return n;
}

#define ASSERT_WRITES(first_, step_, count_) do {			\
	guest_var(self->vm, first) = (first_);				\
	guest_var(self->vm, step) = (step_);				\
	guest_var(self->vm, count) = (count_);				\
	ASSERT_STAGE(1, self->vcpu);					\
} while (0)

#define ASSERT_EXACTLY(first, step, count) do {				\
	unsigned int i_;						\
	for (i_ = 0; i_ < (count); i_++)				\
		EXPECT_TRUE(is_dirty((first) + i_ * (step)));		\
	ASSERT_EQ(count, nr_dirty());					\
} while (0)

TEST_F(log, exact_and_forgotten)
{
	ASSERT_WRITES(0, 1, 0);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EQ(0, nr_dirty());
	ASSERT_WRITES(3, 5, 100);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EXACTLY(3, 5, 100);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EQ(0, nr_dirty());
	/* The same pages again, though their translations are warm. */
	ASSERT_WRITES(3, 5, 100);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EXACTLY(3, 5, 100);
	ASSERT_WRITES(PAGES - 1, 1, 1);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EXACTLY(PAGES - 1, 1, 1);
}

TEST_F(log, turned_on_under_warm_translations)
{
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
	ASSERT_WRITES(0, 1, PAGES);
	ASSERT_EQ(-ENOENT, get_log(self->vm, 1));
	vm_slot(self->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, SIZE, self->mem);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EQ(0, nr_dirty());
	ASSERT_WRITES(600, 3, 50);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EXACTLY(600, 3, 50);
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
	ASSERT_WRITES(0, 1, PAGES);
	ASSERT_EQ(-ENOENT, get_log(self->vm, 1));
}

/*
 * Of pages that have been mapped.  A page that a read maps for the first time
 * may be logged, as KVM does: it maps it writable there and then.
 */
TEST_F(log, reading_is_no_writing)
{
	ASSERT_WRITES(0, 1, PAGES);
	ASSERT_EQ(0, get_log(self->vm, 1));
	guest_var(self->vm, read_all) = true;
	ASSERT_WRITES(100, 2, 30);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EXACTLY(100, 2, 30);
}

/* Data that the guest wrote under logging is in memory, of course. */
TEST_F(log, nothing_is_lost)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_WRITES(i, 4, PAGES / 4);
		ASSERT_EQ(0, get_log(self->vm, 1));
	}
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(i / 4, *(uint64_t *)(self->mem + i * PAGE_SIZE + 8));
}

static int clear_log(struct vm *vm, uint32_t slot, uint64_t first_page,
		     uint32_t num_pages)
{
	struct kvm_clear_dirty_log log = {
		.slot = slot,
		.num_pages = num_pages,
		.first_page = first_page,
		.dirty_bitmap = bitmap,
	};

	return try_ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &log);
}

static void manual_protect(struct vm *vm, uint64_t flags)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args[0] = flags,
	};

	must_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

TEST_F(log, manual_protect_forgets_what_is_cleared)
{
	manual_protect(self->vm, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
	ASSERT_WRITES(0, 2, 64);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EXACTLY(0, 2, 64);
	/* Still there: nobody cleared it. */
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EXACTLY(0, 2, 64);
	ASSERT_EQ(0, clear_log(self->vm, 1, 0, 64));
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EXACTLY(64, 2, 32);
	/* A page that is not yet cleared logs nothing new, a cleared one does. */
	ASSERT_WRITES(0, 4, 32);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EQ(16 + 32, nr_dirty());
	EXPECT_TRUE(is_dirty(0));
	EXPECT_FALSE(is_dirty(2));
	EXPECT_TRUE(is_dirty(66));
}

TEST_F(log, initially_set)
{
	manual_protect(self->vm, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
		       KVM_DIRTY_LOG_INITIALLY_SET);
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
	vm_slot(self->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, SIZE, self->mem);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EQ(PAGES, nr_dirty());
	ASSERT_EQ(0, clear_log(self->vm, 1, 0, PAGES));
	ASSERT_WRITES(10, 3, 20);
	ASSERT_EQ(0, get_log(self->vm, 1));
	ASSERT_EXACTLY(10, 3, 20);
}

TEST_F(log, nonsense_is_refused)
{
	EXPECT_EQ(-ENOENT, get_log(self->vm, 0));	/* not logged */
	EXPECT_EQ(-ENOENT, get_log(self->vm, 7));
	EXPECT_EQ(-EINVAL, get_log(self->vm, 0xffff));
	manual_protect(self->vm, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
	EXPECT_EQ(-EINVAL, clear_log(self->vm, 1, 1, 64));
	EXPECT_EQ(-EINVAL, clear_log(self->vm, 1, 0, 63));
	EXPECT_EQ(-EINVAL, clear_log(self->vm, 1, PAGES, 64));
	EXPECT_EQ(-EINVAL, clear_log(self->vm, 1, 1UL << 60, 64));
	EXPECT_EQ(-ENOENT, clear_log(self->vm, 0, 0, 64));
}

LODGE_TEST_MAIN(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)
