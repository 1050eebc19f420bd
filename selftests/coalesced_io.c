// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: writes of the guest to a coalesced zone, of memory or of ports, are
 * put in the ring behind kvm_run in order and without an exit, until the ring
 * is full; outside the zone, and after it is gone, they exit.
 *
 * Also holds CVE-2019-14821: the ring's indices are user space's to write, and
 * whatever it writes there, the kernel writes nowhere but in the ring.
 */
#include "lodge_test.h"

#define PORT 0x2f0

FIXTURE(ring) {
	struct vm *vm;
	struct vcpu *vcpu;
	struct kvm_coalesced_mmio_ring *ring;
};

static void guest_memory(void)
{
	uint64_t i;

	for (;;) {
		for (i = 0; i < 10; i++)
			write32(GPA_MMIO + 4 * i, 0x100 + i);
		guest_sync(1);
	}
}

FIXTURE_SETUP(ring)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_memory);
	self->ring = (void *)((char *)self->vcpu->run +
			      node_cap(KVM_CAP_COALESCED_MMIO) * PAGE_SIZE);
}

FIXTURE_TEARDOWN(ring)
{
	vm_free(self->vm);
}

static int zone(struct vm *vm, unsigned long req, uint64_t addr, uint32_t size,
		uint32_t pio)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = addr,
		.size = size,
		.pio = pio,
	};

	return try_ioctl(vm->fd, req, &zone);
}

TEST_F(ring, memory)
{
	unsigned int i;

	ASSERT_EQ(0, zone(self->vm, KVM_REGISTER_COALESCED_MMIO, GPA_MMIO,
			  PAGE_SIZE, 0));
	ASSERT_STAGE(1, self->vcpu);
	EXPECT_EQ(0, self->ring->first);
	ASSERT_EQ(10, self->ring->last);
	for (i = 0; i < 10; i++) {
		struct kvm_coalesced_mmio *e = &self->ring->coalesced_mmio[i];

		EXPECT_EQ(GPA_MMIO + 4 * i, e->phys_addr);
		EXPECT_EQ(4, e->len);
		EXPECT_EQ(0, e->pio);
		EXPECT_EQ(i, e->data[0]);
		EXPECT_EQ(1, e->data[1]);
	}
	ASSERT_EQ(0, zone(self->vm, KVM_UNREGISTER_COALESCED_MMIO, GPA_MMIO,
			  PAGE_SIZE, 0));
	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(self->vcpu));
}

TEST_F(ring, full)
{
	uint32_t last;

	ASSERT_EQ(0, zone(self->vm, KVM_REGISTER_COALESCED_MMIO, GPA_MMIO,
			  PAGE_SIZE, 0));
	for (;;) {
		struct ucall uc;

		if (vcpu_run(self->vcpu) == KVM_EXIT_MMIO)
			break;
		ASSERT_TRUE(vcpu_is_ucall(self->vcpu, &uc));
	}
	last = self->ring->last;
	/* How full is full is the kernel's choice: one entry must stay free. */
	EXPECT_LE(10, last);
	EXPECT_GE(KVM_COALESCED_MMIO_MAX - 1, last);
	/* Emptied, it takes more. */
	self->ring->first = last;
	ASSERT_STAGE(1, self->vcpu);
	ASSERT_STAGE(1, self->vcpu);
	EXPECT_NE(last, self->ring->last);
}

static void guest_ports(void)
{
	outb(PORT, 0x55);
	outw(PORT + 1, 0x6677);
	outl(PORT + 8, 1);
	guest_done();
}

TEST_F(ring, ports)
{
	if (!node_cap(KVM_CAP_COALESCED_PIO))
		SKIP(return, "no coalesced ports");
	vcpu_entry(self->vcpu, guest_ports, 0);
	ASSERT_EQ(0, zone(self->vm, KVM_REGISTER_COALESCED_MMIO, PORT, 8, 1));
	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(self->vcpu));
	EXPECT_EQ(PORT + 8, self->vcpu->run->io.port);
	ASSERT_EQ(2, self->ring->last);
	EXPECT_EQ(PORT, self->ring->coalesced_mmio[0].phys_addr);
	EXPECT_EQ(1, self->ring->coalesced_mmio[0].len);
	EXPECT_EQ(1, self->ring->coalesced_mmio[0].pio);
	EXPECT_EQ(0x55, self->ring->coalesced_mmio[0].data[0]);
	ASSERT_DONE(self->vcpu);
}

TEST_F(ring, indices_of_user_space)
{
	static const uint32_t evil[] = {
		KVM_COALESCED_MMIO_MAX, 0xffff, 0x7fffffff, 0x80000000, -1U,
	};
	unsigned int i;

	ASSERT_EQ(0, zone(self->vm, KVM_REGISTER_COALESCED_MMIO, GPA_MMIO,
			  PAGE_SIZE, 0));
	for (i = 0; i < ARRAY_SIZE(evil); i++) {
		struct ucall uc;

		self->ring->first = 0;
		self->ring->last = evil[i];
		do {
			vcpu_run(self->vcpu);
		} while (!vcpu_is_ucall(self->vcpu, &uc));
		self->ring->first = evil[i];
		self->ring->last = 0;
		do {
			vcpu_run(self->vcpu);
		} while (!vcpu_is_ucall(self->vcpu, &uc));
	}
}

TEST_F(ring, nonsense_is_refused)
{
	EXPECT_EQ(-EINVAL, zone(self->vm, KVM_REGISTER_COALESCED_MMIO, GPA_MMIO,
				PAGE_SIZE, 2));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vm->fd, KVM_REGISTER_COALESCED_MMIO,
				     NULL));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vm->fd,
				     KVM_UNREGISTER_COALESCED_MMIO, NULL));
}

LODGE_TEST_MAIN(KVM_CAP_COALESCED_MMIO)
