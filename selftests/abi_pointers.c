// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: every call that takes a structure refuses a null pointer, a kernel
 * address and one that ends in an unmapped page with -EFAULT, and the VM runs
 * on as if nothing had been asked.
 */
#include "lodge_test.h"

static void guest_fine(void)
{
	for (;;)
		guest_sync(1);
}

FIXTURE(pointers) {
	struct vm *vm;
	struct vcpu *vcpu;
	char *edge;	/* eight bytes, then nothing */
};

FIXTURE_SETUP(pointers)
{
	char *p;

	self->vm = vm_create_irqchip();
	self->vcpu = vcpu_create(self->vm, guest_fine);
	p = anon_pages(2 * PAGE_SIZE);
	munmap(p + PAGE_SIZE, PAGE_SIZE);
	self->edge = p + PAGE_SIZE - 4;
	ASSERT_STAGE(1, self->vcpu);
}

FIXTURE_TEARDOWN(pointers)
{
	vm_free(self->vm);
}

#define CALL(c)	{ c, #c }

static const struct call {
	unsigned long req;
	const char *name;
} vm_calls[] = {
	CALL(KVM_SET_USER_MEMORY_REGION), CALL(KVM_GET_DIRTY_LOG),
	CALL(KVM_CREATE_PIT2),
	CALL(KVM_IRQ_LINE), CALL(KVM_IRQ_LINE_STATUS), CALL(KVM_GET_IRQCHIP),
	CALL(KVM_SET_IRQCHIP), CALL(KVM_SET_GSI_ROUTING), CALL(KVM_IRQFD),
	CALL(KVM_IOEVENTFD), CALL(KVM_SIGNAL_MSI), CALL(KVM_SET_CLOCK),
	CALL(KVM_GET_CLOCK), CALL(KVM_ENABLE_CAP), CALL(KVM_CREATE_DEVICE),
	CALL(KVM_REGISTER_COALESCED_MMIO), CALL(KVM_UNREGISTER_COALESCED_MMIO),
}, vcpu_calls[] = {
	CALL(KVM_GET_REGS), CALL(KVM_SET_REGS), CALL(KVM_GET_SREGS),
	CALL(KVM_SET_SREGS), CALL(KVM_INTERRUPT), CALL(KVM_GET_MSRS),
	CALL(KVM_SET_MSRS), CALL(KVM_SET_CPUID2), CALL(KVM_GET_CPUID2),
	CALL(KVM_GET_FPU), CALL(KVM_SET_FPU),
	CALL(KVM_GET_LAPIC), CALL(KVM_SET_LAPIC), CALL(KVM_GET_MP_STATE),
	CALL(KVM_SET_MP_STATE), CALL(KVM_GET_VCPU_EVENTS),
	CALL(KVM_SET_VCPU_EVENTS), CALL(KVM_GET_DEBUGREGS),
	CALL(KVM_SET_DEBUGREGS), CALL(KVM_GET_XSAVE), CALL(KVM_SET_XSAVE),
	CALL(KVM_GET_XCRS), CALL(KVM_SET_XCRS), CALL(KVM_TRANSLATE),
	CALL(KVM_X86_SETUP_MCE), CALL(KVM_SET_GUEST_DEBUG),
};

static void refuse(struct __test_metadata *_metadata, int fd,
		   const struct call *calls, unsigned int nr, void *arg)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		EXPECT_EQ(-EFAULT, try_ioctl(fd, calls[i].req, arg))
			TH_LOG("%s", calls[i].name);
	}
}

#define KERNEL_ADDRESS ((void *)0xffff888000000000UL)

TEST_F(pointers, of_the_vm)
{
	refuse(_metadata, self->vm->fd, vm_calls, ARRAY_SIZE(vm_calls), NULL);
	refuse(_metadata, self->vm->fd, vm_calls, ARRAY_SIZE(vm_calls),
	       KERNEL_ADDRESS);
	refuse(_metadata, self->vm->fd, vm_calls, ARRAY_SIZE(vm_calls),
	       self->edge);
	ASSERT_STAGE(1, self->vcpu);
}

TEST_F(pointers, of_the_vcpu)
{
	struct kvm_regs before, after;

	vcpu_regs(self->vcpu, &before);
	refuse(_metadata, self->vcpu->fd, vcpu_calls, ARRAY_SIZE(vcpu_calls),
	       NULL);
	refuse(_metadata, self->vcpu->fd, vcpu_calls, ARRAY_SIZE(vcpu_calls),
	       KERNEL_ADDRESS);
	vcpu_regs(self->vcpu, &after);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	ASSERT_STAGE(1, self->vcpu);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
