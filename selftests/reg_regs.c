// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_SET_REGS then KVM_GET_REGS gives back what was set, the guest
 * sees those values, and what the guest leaves in its registers is what
 * KVM_GET_REGS then reads.  Bit 1 of RFLAGS reads as one.
 */
#include "lodge_test.h"

/* Hands over what it was entered with plus one, in the same registers. */
static __attribute__((naked)) void guest_plus_one(void)
{
	__asm__ volatile("incq %rax; incq %rbx; incq %rcx; incq %rsi;"
			 "incq %rdi; incq %rsp; incq %rbp; incq %r8; incq %r9;"
			 "incq %r10; incq %r11; incq %r12; incq %r13;"
			 "incq %r14; incq %r15; outb %al, $0x80; hlt");
}

FIXTURE(regs) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(regs)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_plus_one);
}

FIXTURE_TEARDOWN(regs)
{
	vm_free(self->vm);
}

static void fill(struct kvm_regs *regs)
{
	uint64_t *r = (uint64_t *)regs;
	unsigned int i;

	for (i = 0; i < sizeof(*regs) / 8; i++)
		r[i] = 0x8123456789abcd00 + i;
	regs->rip = (uintptr_t)guest_plus_one;
	regs->rflags = 2;
}

TEST_F(regs, round_trip)
{
	struct kvm_regs set, get;

	fill(&set);
	set.rflags = 0x8d7;	/* OF, SF, ZF, AF, PF, CF */
	must_ioctl(self->vcpu->fd, KVM_SET_REGS, &set);
	memset(&get, 0xff, sizeof(get));
	vcpu_regs(self->vcpu, &get);
	EXPECT_EQ(0, memcmp(&set, &get, sizeof(set)));
}

TEST_F(regs, through_the_guest)
{
	struct kvm_regs set, get;
	uint64_t *s = (uint64_t *)&set, *g = (uint64_t *)&get;
	unsigned int i;

	fill(&set);
	must_ioctl(self->vcpu->fd, KVM_SET_REGS, &set);
	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(self->vcpu));
	vcpu_regs(self->vcpu, &get);
	for (i = 0; i < 16; i++) {
		bool is_rdx = &s[i] == (uint64_t *)&set.rdx;

		EXPECT_EQ(s[i] + !is_rdx, g[i])
			TH_LOG("register %u", i);
	}
}

TEST_F(regs, reserved_flag_reads_as_one)
{
	struct kvm_regs set, get;

	fill(&set);
	set.rflags = 0;
	must_ioctl(self->vcpu->fd, KVM_SET_REGS, &set);
	vcpu_regs(self->vcpu, &get);
	EXPECT_EQ(2, get.rflags);
}

LODGE_TEST_MAIN()
