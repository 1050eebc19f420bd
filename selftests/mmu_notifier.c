// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: guest memory is the process's memory, followed as it changes: after
 * madvise(DONTNEED), mprotect, munmap, mremap, a fork that makes it
 * copy-on-write, and a hole punched in a memfd, the guest's next access sees
 * what the process would see; what the process may not access ends KVM_RUN
 * with -EFAULT, and the access succeeds once it may.
 */
#include <sys/wait.h>

#include "lodge_test.h"

#define GPA	0x10000000UL
#define SIZE	(8 * PAGE_SIZE)

static void guest_reads(void)
{
	for (;;)
		guest_sync_args(1, read64(GPA), read64(GPA + PAGE_SIZE), 0);
}

static void guest_writes(void)
{
	uint64_t i;

	for (i = 1;; i++) {
		write64(GPA, i);
		guest_sync(1);
	}
}

FIXTURE(notifier) {
	struct vm *vm;
	struct vcpu *vcpu;
	uint64_t *mem;
};

FIXTURE_SETUP(notifier)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_reads);
	self->mem = anon_pages(SIZE);
	self->mem[0] = 0x1111;
	self->mem[512] = 0x2222;
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
}

FIXTURE_TEARDOWN(notifier)
{
	vm_free(self->vm);
}

#define ASSERT_READS(first, second) do {				\
	struct ucall uc_;						\
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(self->vcpu, &uc_));	\
	ASSERT_EQ(first, uc_.arg[1]);					\
	ASSERT_EQ(second, uc_.arg[2]);					\
} while (0)

TEST_F(notifier, dontneed)
{
	ASSERT_READS(0x1111, 0x2222);
	ASSERT_EQ(0, madvise(self->mem, PAGE_SIZE, MADV_DONTNEED));
	ASSERT_READS(0, 0x2222);
	self->mem[0] = 0x3333;
	ASSERT_READS(0x3333, 0x2222);
}

TEST_F(notifier, replaced_mapping)
{
	void *p;

	ASSERT_READS(0x1111, 0x2222);
	p = mmap(self->mem, PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ASSERT_EQ((void *)self->mem, p);
	self->mem[0] = 0x4444;
	ASSERT_READS(0x4444, 0x2222);
}

TEST_F(notifier, mremap_moves_other_memory_in)
{
	uint64_t *other = anon_pages(PAGE_SIZE);

	ASSERT_READS(0x1111, 0x2222);
	other[0] = 0x5555;
	ASSERT_EQ((void *)self->mem,
		  mremap(other, PAGE_SIZE, PAGE_SIZE,
			 MREMAP_MAYMOVE | MREMAP_FIXED, self->mem));
	ASSERT_READS(0x5555, 0x2222);
}

TEST_F(notifier, unmapped_is_efault)
{
	ASSERT_READS(0x1111, 0x2222);
	ASSERT_EQ(0, munmap(self->mem, PAGE_SIZE));
	EXPECT_EQ(-EFAULT, vcpu_run_try(self->vcpu));
	mmap(self->mem, PAGE_SIZE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ASSERT_READS(0, 0x2222);
}

TEST_F(notifier, mprotect)
{
	vcpu_entry(self->vcpu, guest_writes, 0);
	ASSERT_STAGE(1, self->vcpu);
	EXPECT_EQ(1, self->mem[0]);
	ASSERT_EQ(0, mprotect(self->mem, SIZE, PROT_READ));
	EXPECT_EQ(-EFAULT, vcpu_run_try(self->vcpu));
	EXPECT_EQ(1, self->mem[0]);
	ASSERT_EQ(0, mprotect(self->mem, SIZE, PROT_READ | PROT_WRITE));
	ASSERT_STAGE(1, self->vcpu);
	EXPECT_EQ(2, self->mem[0]);
	ASSERT_EQ(0, mprotect(self->mem, SIZE, PROT_NONE));
	EXPECT_EQ(-EFAULT, vcpu_run_try(self->vcpu));
	ASSERT_EQ(0, mprotect(self->mem, SIZE, PROT_READ | PROT_WRITE));
	ASSERT_STAGE(1, self->vcpu);
	EXPECT_EQ(3, self->mem[0]);
}

/* After a fork the pages are shared: the guest's write must get a copy. */
TEST_F(notifier, fork_and_copy_on_write)
{
	int to_child[2], status;
	char byte = 0;
	pid_t pid;

	vcpu_entry(self->vcpu, guest_writes, 0);
	ASSERT_STAGE(1, self->vcpu);
	ASSERT_EQ(0, pipe(to_child));
	pid = fork();
	if (!pid) {
		if (read(to_child[0], &byte, 1) != 1)
			_exit(2);
		_exit(self->mem[0] != 1);
	}
	ASSERT_STAGE(1, self->vcpu);
	ASSERT_STAGE(1, self->vcpu);
	EXPECT_EQ(3, self->mem[0]);
	ASSERT_EQ(1, write(to_child[1], &byte, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(notifier, hole_punched_in_a_memfd)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	uint64_t *mem;

	ASSERT_EQ(0, ftruncate(fd, SIZE));
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	vm_slot(self->vm, 1, 0, 0, 0, 0);
	mem[0] = 0x7777;
	mem[512] = 0x8888;
	vm_slot(self->vm, 1, 0, GPA, SIZE, mem);
	ASSERT_READS(0x7777, 0x8888);
	ASSERT_EQ(0, madvise(mem, PAGE_SIZE, MADV_REMOVE));
	ASSERT_READS(0, 0x8888);
	ASSERT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(-EFAULT, vcpu_run_try(self->vcpu));
	close(fd);
}

/* While the guest runs, and never stops to be told. */
static volatile bool seen_zero;

/* With IF set: there are emulated CPUs that hold back the host's interrupts without it. */
static void guest_watches(void)
{
	sti();
	while (read64(GPA) != 0)
		;
	seen_zero = true;
	guest_done();
}

TEST_F(notifier, under_a_running_vcpu)
{
	vcpu_entry(self->vcpu, guest_watches, 0);
	vcpu_start(self->vcpu);
	usleep(20000);
	EXPECT_FALSE(guest_var(self->vm, seen_zero));
	ASSERT_EQ(0, madvise(self->mem, PAGE_SIZE, MADV_DONTNEED));
	EXPECT_TRUE(vcpu_join(self->vcpu));
}

LODGE_TEST_MAIN(KVM_CAP_SYNC_MMU)
