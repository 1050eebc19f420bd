// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: IN and OUT of every size to a port that nobody in the kernel owns end
 * in KVM_EXIT_IO with port, size, direction, count and data, the datum of an
 * IN arrives in the register as the CPU would have written it, and the guest
 * goes on behind the instruction (APM vol. 3, IN and OUT: an 8- or 16-bit IN
 * keeps the rest of RAX, a 32-bit one clears its upper half).
 */
#include "lodge_test.h"

#define PORT 0x2f0

FIXTURE(io) {
	struct vm *vm;
};

FIXTURE_SETUP(io)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(io)
{
	vm_free(self->vm);
}

static void guest_out(void)
{
	outb(PORT, 0x5a);
	outw(PORT + 2, 0x1234);
	outl(PORT + 4, 0xdeadbeef);
	__asm__ volatile("outb %%al, $0x80" : : "a"(0x77));
	guest_done();
}

TEST_F(io, out_of_every_size)
{
	static const struct {
		uint16_t port;
		uint8_t size;
		uint32_t data;
	} want[] = {
		{ PORT, 1, 0x5a },
		{ PORT + 2, 2, 0x1234 },
		{ PORT + 4, 4, 0xdeadbeef },
		{ 0x80, 1, 0x77 },
	};
	struct vcpu *vcpu = vcpu_create(self->vm, guest_out);
	struct kvm_run *run = vcpu->run;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
		EXPECT_EQ(KVM_EXIT_IO_OUT, run->io.direction);
		EXPECT_EQ(want[i].port, run->io.port);
		EXPECT_EQ(want[i].size, run->io.size);
		EXPECT_EQ(1, run->io.count);
		EXPECT_EQ(0, memcmp((char *)run + run->io.data_offset,
				    &want[i].data, want[i].size));
	}
	ASSERT_DONE(vcpu);
}

static void guest_in(void)
{
	uint64_t rax = 0x1122334455667788;

	__asm__ volatile("inb %w1, %%al" : "+a"(rax) : "d"(PORT));
	GUEST_ASSERT_EQ(0x11223344556677a5UL, rax);
	rax = 0x1122334455667788;
	__asm__ volatile("inw %w1, %%ax" : "+a"(rax) : "d"(PORT));
	GUEST_ASSERT_EQ(0x112233445566b6a5UL, rax);
	rax = 0x1122334455667788;
	__asm__ volatile("inl %w1, %%eax" : "+a"(rax) : "d"(PORT));
	GUEST_ASSERT_EQ(0xd8c7b6a5UL, rax);
	guest_done();
}

TEST_F(io, in_of_every_size)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_in);
	struct kvm_run *run = vcpu->run;
	const uint32_t data = 0xd8c7b6a5;
	unsigned int size;

	for (size = 1; size <= 4; size *= 2) {
		ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
		EXPECT_EQ(KVM_EXIT_IO_IN, run->io.direction);
		EXPECT_EQ(PORT, run->io.port);
		EXPECT_EQ(size, run->io.size);
		EXPECT_EQ(1, run->io.count);
		memcpy((char *)run + run->io.data_offset, &data, size);
	}
	ASSERT_DONE(vcpu);
}

/*
 * Registers read between an IN's exit and the next KVM_RUN, and written back,
 * must not lose the completion that is due.
 */
TEST_F(io, registers_between_exit_and_completion)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_in);
	struct kvm_run *run = vcpu->run;
	const uint32_t data = 0xd8c7b6a5;
	struct kvm_regs regs;
	unsigned int size;

	for (size = 1; size <= 4; size *= 2) {
		ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
		memcpy((char *)run + run->io.data_offset, &data, size);
		vcpu_regs(vcpu, &regs);
		EXPECT_EQ(0x1122334455667788, regs.rax);
	}
	ASSERT_DONE(vcpu);
}

LODGE_TEST_MAIN()
