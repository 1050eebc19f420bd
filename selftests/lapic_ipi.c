// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an IPI reaches exactly the processors that its destination names:
 * physical, physical broadcast, logical flat and cluster, shorthands, and of a
 * lowest-priority one exactly one; to nobody where nobody matches (APM vol. 2,
 * Interprocessor Interrupts, Logical Destination Mode).
 */
#include "apic.h"
#include "lodge_test.h"

#define CPUS	4
#define VECTOR	0x70

static volatile uint32_t received[CPUS], ready, model;

static GUEST_HANDLER void on_ipi(struct trap_frame *frame)
{
	__atomic_add_fetch(&received[xapic_read(APIC_ID) >> 24], 1,
			   __ATOMIC_SEQ_CST);
	xapic_write(APIC_EOI, 0);
}

static void set_up(uint64_t id)
{
	xapic_enable();
	if (model) {				/* cluster: two of two */
		xapic_write(APIC_DFR, 0x0fffffff);
		xapic_write(APIC_LDR, (1 + id / 2) << 28 | (1 << id % 2) << 24);
	} else {
		xapic_write(APIC_DFR, 0xffffffff);
		xapic_write(APIC_LDR, 1U << (24 + id));
	}
	atomic_inc(&ready);
}

static void guest_target(uint64_t id)
{
	set_up(id);
	sti();
	for (;;)
		__asm__ volatile("hlt");
}

/* Waits until @total have come, and a moment for one too many. */
static void settle(unsigned int total)
{
	unsigned int i, sum;

	sti();
	do {
		for (sum = 0, i = 0; i < CPUS; i++)
			sum += received[i];
		cpu_relax();
	} while (sum < total);
	for (i = 0; i < 2000; i++)
		cpu_relax();
	cli();
}

#define EXPECT_SET(dest, low, mask) do {				\
	unsigned int i_;						\
	for (i_ = 0; i_ < CPUS; i_++)					\
		received[i_] = 0;					\
	xapic_icr(dest, (low) | VECTOR);				\
	settle(__builtin_popcount(mask));				\
	for (i_ = 0; i_ < CPUS; i_++)					\
		GUEST_ASSERT_EQ((mask) >> i_ & 1, (int)received[i_]);	\
} while (0)

static void start(void)
{
	guest_handlers[VECTOR] = on_ipi;
	set_up(0);
	guest_sync(1);
	guest_wait(ready == CPUS);
}

static void guest_physical(void)
{
	start();
	EXPECT_SET(0, APIC_DM_FIXED, 1);
	EXPECT_SET(2, APIC_DM_FIXED, 4);
	EXPECT_SET(3, APIC_DM_FIXED, 8);
	EXPECT_SET(9, APIC_DM_FIXED, 0);
	EXPECT_SET(0xff, APIC_DM_FIXED, 15);
	EXPECT_SET(0, APIC_DEST_SELF, 1);
	EXPECT_SET(0, APIC_DEST_ALLINC, 15);
	EXPECT_SET(0, APIC_DEST_ALLBUT, 14);
	guest_done();
}

static void guest_flat(void)
{
	start();
	EXPECT_SET(0x01, APIC_DEST_LOGICAL, 1);
	EXPECT_SET(0x0a, APIC_DEST_LOGICAL, 10);
	EXPECT_SET(0x07, APIC_DEST_LOGICAL, 7);
	EXPECT_SET(0xff, APIC_DEST_LOGICAL, 15);
	EXPECT_SET(0x10, APIC_DEST_LOGICAL, 0);
	guest_done();
}

static void guest_cluster(void)
{
	start();
	EXPECT_SET(0x11, APIC_DEST_LOGICAL, 1);
	EXPECT_SET(0x13, APIC_DEST_LOGICAL, 3);
	EXPECT_SET(0x22, APIC_DEST_LOGICAL, 8);
	EXPECT_SET(0x23, APIC_DEST_LOGICAL, 12);
	EXPECT_SET(0x31, APIC_DEST_LOGICAL, 0);
	guest_done();
}

static void guest_lowest(void)
{
	unsigned int i, j, sum;

	start();
	for (i = 0; i < 20; i++) {
		for (j = 0; j < CPUS; j++)
			received[j] = 0;
		xapic_icr(0x0e, APIC_DEST_LOGICAL | APIC_DM_LOWEST | VECTOR);
		settle(1);
		for (sum = 0, j = 0; j < CPUS; j++)
			sum += received[j];
		GUEST_ASSERT_EQ(1, sum);
		GUEST_ASSERT_EQ(0, received[0]);
	}
	guest_done();
}

FIXTURE(ipi) {
	struct vm *vm;
};

FIXTURE_VARIANT(ipi) {
	void (*guest)(void);
	unsigned int model;
};

FIXTURE_VARIANT_ADD(ipi, physical) { .guest = guest_physical };
FIXTURE_VARIANT_ADD(ipi, flat) { .guest = guest_flat };
FIXTURE_VARIANT_ADD(ipi, cluster) { .guest = guest_cluster, .model = 1 };
FIXTURE_VARIANT_ADD(ipi, lowest_priority) { .guest = guest_lowest };

FIXTURE_SETUP(ipi)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(ipi)
{
}

TEST_F(ipi, exactly_those)
{
	struct vcpu *bsp = vcpu_create(self->vm, variant->guest);
	unsigned int i;

	guest_var(self->vm, model) = variant->model;
	for (i = 1; i < CPUS; i++)
		vcpu_start(vcpu_create_arg(self->vm, guest_target, i));
	ASSERT_STAGE(1, bsp);
	ASSERT_DONE(bsp);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
