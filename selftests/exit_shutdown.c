// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: a guest that cannot go on ends in KVM_EXIT_SHUTDOWN, and neither the
 * host nor the VM's file descriptors come to harm: a triple fault (APM vol. 2,
 * Double-Fault Exception: a fault while #DF is delivered is shutdown) from an
 * empty IDT, from a jump into nothing, and from a stack that is not there.
 */
#include "lodge_test.h"

FIXTURE(shutdown) {
	struct vm *vm;
};

FIXTURE_SETUP(shutdown)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(shutdown)
{
	vm_free(self->vm);
}

static void guest_no_idt(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr;

	__asm__ volatile("lidt %0; ud2" : : "m"(idtr));
}

TEST_F(shutdown, empty_idt)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_no_idt);

	EXPECT_EQ(KVM_EXIT_SHUTDOWN, vcpu_run(vcpu));
}

static void guest_no_stack(void)
{
	/* Above the identity map, for #PF, and for the #DF that follows. */
	__asm__ volatile("movq %0, %%rsp; xorl %%eax, %%eax; movq %%rax, %%cr2;"
			 "pushq %%rax" : : "r"(1UL << 40));
}

TEST_F(shutdown, no_stack)
{
	uint64_t nowhere = 1UL << 41;
	struct vcpu *vcpu;

	vcpu = vcpu_create(self->vm, guest_no_stack);
	/* IST 1 of the TSS: #DF has no stack either. */
	memcpy(vm_hva(self->vm, GPA_CPU + 0x100 + 36), &nowhere,
	       sizeof(nowhere));
	EXPECT_EQ(KVM_EXIT_SHUTDOWN, vcpu_run(vcpu));
}

static void guest_jump(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { .base = 1UL << 40, .limit = 0xfff };

	__asm__ volatile("lidt %0; jmp *%1" : : "m"(idtr), "r"(1UL << 42));
}

TEST_F(shutdown, jump_into_nothing)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_jump);

	EXPECT_EQ(KVM_EXIT_SHUTDOWN, vcpu_run(vcpu));
}

static void guest_fine(void)
{
	guest_done();
}

/* User space may set the state anew, and the vCPU runs again. */
TEST_F(shutdown, usable_afterwards)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_no_idt);

	ASSERT_EQ(KVM_EXIT_SHUTDOWN, vcpu_run(vcpu));
	vcpu_long_mode(vcpu);
	vcpu_entry(vcpu, guest_fine, 0);
	ASSERT_DONE(vcpu);
}

LODGE_TEST_MAIN()
