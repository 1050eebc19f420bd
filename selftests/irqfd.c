// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an eventfd assigned by KVM_IRQFD raises its GSI each time it is
 * written; with a resample eventfd the line stays high until the guest's EOI,
 * which writes that one and lets the line be raised again; deassigned, or with
 * its eventfd closed, it does nothing; an fd that is no eventfd, the same
 * eventfd twice and unknown flags are refused.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <poll.h>

#include "apic.h"
#include "lodge_test.h"

#define PIN	20
#define VECTOR	0x54

static volatile uint32_t taken;

static GUEST_HANDLER void count(struct trap_frame *frame)
{
	taken++;
	xapic_write(APIC_EOI, 0);
}

static void guest_counts(uint64_t rte)
{
	guest_handlers[VECTOR] = count;
	xapic_enable();
	ioapic_rte(PIN, 0, rte | VECTOR);
	for (;;) {
		guest_sync(1);
		__asm__ volatile("sti; nop; nop; nop; nop; cli" : : : "memory");
	}
}

FIXTURE(irqfd) {
	struct vm *vm;
	struct vcpu *vcpu;
	int fd;
};

FIXTURE_SETUP(irqfd)
{
	self->vm = vm_create_irqchip();
	self->vcpu = vcpu_create_arg(self->vm, guest_counts, 0);
	ASSERT_STAGE(1, self->vcpu);
	self->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(irqfd)
{
	vm_free(self->vm);
}

static int irqfd(struct vm *vm, int fd, uint32_t gsi, uint32_t flags,
		 int resample)
{
	struct kvm_irqfd args = {
		.fd = fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = resample,
	};

	return try_ioctl(vm->fd, KVM_IRQFD, &args);
}

/* The injection may be left to a worker: wait until it can be seen. */
#define EXPECT_TAKEN(count) do {					\
	unsigned int i_;						\
	for (i_ = 0; i_ < 200; i_++) {					\
		ASSERT_STAGE(1, self->vcpu);				\
		if (guest_var(self->vm, taken) == (count))		\
			break;						\
		usleep(1000);						\
	}								\
	EXPECT_EQ(count, guest_var(self->vm, taken));			\
} while (0)

TEST_F(irqfd, raises_each_time)
{
	unsigned int i;

	ASSERT_EQ(0, irqfd(self->vm, self->fd, PIN, 0, 0));
	for (i = 1; i <= 10; i++) {
		ASSERT_EQ(0, eventfd_write(self->fd, 1));
		EXPECT_TAKEN(i);
	}
	ASSERT_EQ(0, irqfd(self->vm, self->fd, PIN, KVM_IRQFD_FLAG_DEASSIGN,
			   0));
	ASSERT_EQ(0, eventfd_write(self->fd, 1));
	usleep(20000);
	EXPECT_TAKEN(10);
}

TEST_F(irqfd, written_before_it_is_assigned)
{
	ASSERT_EQ(0, eventfd_write(self->fd, 1));
	ASSERT_EQ(0, irqfd(self->vm, self->fd, PIN, 0, 0));
	EXPECT_TAKEN(1);
}

TEST_F(irqfd, to_a_message)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} table = {
		.head.nr = 1,
		.entry = {
			.gsi = 30,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000, .data = VECTOR },
		},
	};

	must_ioctl(self->vm->fd, KVM_SET_GSI_ROUTING, &table);
	ASSERT_EQ(0, irqfd(self->vm, self->fd, 30, 0, 0));
	ASSERT_EQ(0, eventfd_write(self->fd, 1));
	EXPECT_TAKEN(1);
	ASSERT_EQ(0, eventfd_write(self->fd, 1));
	EXPECT_TAKEN(2);
}

TEST_F(irqfd, resample)
{
	int resample = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	eventfd_t value;

	vcpu_entry(self->vcpu, (void (*)(void))(uintptr_t)guest_counts,
		   RTE_LEVEL);
	ASSERT_STAGE(1, self->vcpu);
	ASSERT_EQ(0, irqfd(self->vm, self->fd, PIN, KVM_IRQFD_FLAG_RESAMPLE,
			   resample));
	ASSERT_EQ(-1, eventfd_read(resample, &value));
	ASSERT_EQ(0, eventfd_write(self->fd, 1));
	EXPECT_TAKEN(1);
	ASSERT_EQ(0, eventfd_read(resample, &value));
	/* The EOI lowered the line: nothing more comes by itself. */
	ASSERT_STAGE(1, self->vcpu);
	EXPECT_EQ(1, guest_var(self->vm, taken));
	ASSERT_EQ(-1, eventfd_read(resample, &value));
	ASSERT_EQ(0, eventfd_write(self->fd, 1));
	EXPECT_TAKEN(2);
	ASSERT_EQ(0, eventfd_read(resample, &value));
}

TEST_F(irqfd, closed_eventfd)
{
	ASSERT_EQ(0, irqfd(self->vm, self->fd, PIN, 0, 0));
	close(self->fd);
	usleep(20000);
	ASSERT_STAGE(1, self->vcpu);
	/* The GSI is free for another. */
	self->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_EQ(0, irqfd(self->vm, self->fd, PIN, 0, 0));
	ASSERT_EQ(0, eventfd_write(self->fd, 1));
	EXPECT_TAKEN(1);
}

TEST_F(irqfd, nonsense_is_refused)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	EXPECT_EQ(-EBADF, irqfd(self->vm, -1, PIN, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(self->vm, null, PIN, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(self->vm, self->fd, PIN, 1U << 31, 0));
	EXPECT_EQ(-EBADF, irqfd(self->vm, self->fd, PIN,
				KVM_IRQFD_FLAG_RESAMPLE, -1));
	EXPECT_EQ(0, irqfd(self->vm, self->fd, PIN, 0, 0));
	EXPECT_EQ(-EBUSY, irqfd(self->vm, self->fd, PIN, 0, 0));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vm->fd, KVM_IRQFD, NULL));
	close(null);
}

/* Of a VM that goes away while its irqfds are written. */
TEST_F(irqfd, outlives_its_vm)
{
	struct vm *vm = vm_create_irqchip();
	unsigned int i;

	ASSERT_EQ(0, irqfd(vm, self->fd, PIN, 0, 0));
	for (i = 0; i < 100; i++)
		eventfd_write(self->fd, 1);
	vm_free(vm);
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, eventfd_write(self->fd, 1));
}

LODGE_TEST_MAIN(KVM_CAP_IRQFD, KVM_CAP_IRQFD_RESAMPLE)
