// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: what the host has in a large page the guest has in one.  The guest executes what
 * it wrote there, and what it then writes over it, and loses no data of the page; with the
 * module's nx_huge_pages=1 (CPUs with the iTLB multihit erratum) the mapping is split
 * for that, and not otherwise.
 */
#include "lodge_test.h"

#define GPA	0x10000000UL
#define PAGES	(HUGE_SIZE / PAGE_SIZE)
#define CODE	(GPA + 7 * PAGE_SIZE)

/* mov $value, %eax; ret */
static uint32_t guest_returns(uint8_t value)
{
	uint32_t eax;

	write64(CODE, 0xb8 | (uint64_t)value << 8 | 0xc3ULL << 40);
	__asm__ volatile("call *%1" : "=a"(eax) : "r"(CODE) : "memory");
	return eax;
}

static void guest_main(void)
{
	uint64_t i;

	for (i = 0; i < PAGES; i++)
		write64(GPA + i * PAGE_SIZE + 8, i);
	guest_sync(1);
	GUEST_ASSERT_EQ(42, guest_returns(42));
	GUEST_ASSERT_EQ(43, guest_returns(43));
	guest_sync(2);
	for (i = 0; i < PAGES; i++)
		GUEST_ASSERT_EQ(i, read64(GPA + i * PAGE_SIZE + 8));
	guest_done();
}

/* What the parameter says; -1: the CPU decides, or there is none. */
static int nx_huge_pages(void)
{
	FILE *f = fopen("/sys/module/lodge/parameters/nx_huge_pages", "r");
	int value = -1;

	if (f) {
		if (fscanf(f, "%d", &value) != 1)
			value = -1;
		fclose(f);
	}
	return value;
}

TEST(executed)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_main);
	int stats = must_ioctl(vm->fd, KVM_GET_STATS_FD, 0), nx = nx_huge_pages();
	char *mem = anon_pages_aligned(HUGE_SIZE, HUGE_SIZE);
	int64_t before, large;

	before = stat_value(stats, "pages_2m");
	ASSERT_EQ(0, madvise(mem, HUGE_SIZE, MADV_HUGEPAGE));
	vm_slot(vm, 1, 0, GPA, HUGE_SIZE, mem);
	ASSERT_STAGE(1, vcpu);
	large = stat_value(stats, "pages_2m");
	TH_LOG("%ld large pages", (long)large);
	ASSERT_STAGE(2, vcpu);
	/* Without memory in one piece the host has none to give. */
	if (large > before && nx >= 0)
		EXPECT_EQ(nx ? large - 1 : large, stat_value(stats, "pages_2m"));
	ASSERT_DONE(vcpu);
	close(stats);
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_BINARY_STATS_FD)
