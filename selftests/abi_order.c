// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: what comes twice, too late, too early or too large is refused with
 * the errno that KVM's clients know: a vCPU ID twice or past the limit, the
 * interrupt controller twice or after a vCPU, an unknown capability, an
 * unknown device, an identity map after a vCPU, an argument to KVM_RUN.
 */
#include "lodge_test.h"

static void guest_fine(void)
{
	guest_done();
}

FIXTURE(order) {
	struct vm *vm;
};

FIXTURE_SETUP(order)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(order)
{
	vm_free(self->vm);
}

TEST_F(order, vcpu_ids)
{
	int max = node_cap(KVM_CAP_MAX_VCPU_ID);

	vcpu_create(self->vm, guest_fine);
	EXPECT_EQ(-EEXIST, try_ioctl(self->vm->fd, KVM_CREATE_VCPU, 0));
	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_CREATE_VCPU, max));
	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_CREATE_VCPU, -1));
	ASSERT_DONE(&self->vm->vcpus[0]);
}

TEST_F(order, irqchip)
{
	EXPECT_EQ(0, try_ioctl(self->vm->fd, KVM_CREATE_IRQCHIP, 0));
	EXPECT_EQ(-EEXIST, try_ioctl(self->vm->fd, KVM_CREATE_IRQCHIP, 0));
	ASSERT_DONE(vcpu_create(self->vm, guest_fine));
}

TEST_F(order, irqchip_after_a_vcpu)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_fine);

	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_CREATE_IRQCHIP, 0));
	ASSERT_DONE(vcpu);
}

TEST_F(order, calls_that_need_the_irqchip)
{
	struct kvm_irqchip chip = { .chip_id = 0 };
	struct kvm_irq_level irq = { .irq = 1, .level = 1 };
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x40 };

	EXPECT_EQ(-ENXIO, try_ioctl(self->vm->fd, KVM_GET_IRQCHIP, &chip));
	EXPECT_EQ(-ENXIO, try_ioctl(self->vm->fd, KVM_SET_IRQCHIP, &chip));
	EXPECT_EQ(-ENXIO, try_ioctl(self->vm->fd, KVM_IRQ_LINE, &irq));
	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_SIGNAL_MSI, &msi));
}

TEST_F(order, identity_map_and_tss)
{
	uint64_t addr = 0xfffbc000;

	EXPECT_EQ(0, try_ioctl(self->vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_SET_TSS_ADDR,
				     0xfffffffff000));
	vcpu_create(self->vm, guest_fine);
	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_SET_IDENTITY_MAP_ADDR,
				     &addr));
}

TEST_F(order, unknown_capabilities_and_devices)
{
	struct kvm_enable_cap cap = { .cap = 0x7fffffff };
	struct kvm_create_device device = { .type = 0x7fffffff };
	struct vcpu *vcpu = vcpu_create(self->vm, guest_fine);

	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_ENABLE_CAP, &cap));
	EXPECT_EQ(-EINVAL, try_ioctl(vcpu->fd, KVM_ENABLE_CAP, &cap));
	cap.cap = KVM_CAP_EXCEPTION_PAYLOAD;
	cap.flags = 1;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_ENABLE_CAP, &cap));
	EXPECT_EQ(-ENODEV, try_ioctl(self->vm->fd, KVM_CREATE_DEVICE,
				     &device));
	ASSERT_DONE(vcpu);
}

TEST_F(order, unknown_calls)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_fine);
	int ret;

	ret = try_ioctl(self->vm->fd, _IO(KVMIO, 0xfe), 0);
	EXPECT_TRUE(ret == -ENOTTY || ret == -EINVAL);
	ret = try_ioctl(vcpu->fd, _IO(KVMIO, 0xfe), 0);
	EXPECT_TRUE(ret == -ENOTTY || ret == -EINVAL);
	ret = try_ioctl(vcpu->fd, _IO('x', 1), 0);
	EXPECT_TRUE(ret == -ENOTTY || ret == -EINVAL);
	EXPECT_EQ(-EINVAL, try_ioctl(vcpu->fd, KVM_RUN, 1));
	ASSERT_DONE(vcpu);
}

/* mmap of a vCPU: its own pages, and a fault past them. */
TEST_F(order, mapping_of_a_vcpu)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_fine);
	void *p;

	p = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, vcpu->fd,
		 1UL << 40);
	if (p != MAP_FAILED) {
		struct kvm_regs regs;

		/* The kernel faults like the process, without being killed. */
		EXPECT_EQ(-EFAULT, try_ioctl(vcpu->fd, KVM_SET_REGS, p));
		vcpu_regs(vcpu, &regs);
		munmap(p, PAGE_SIZE);
	}
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED,
				   self->vm->fd, 0));
	ASSERT_DONE(vcpu);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
