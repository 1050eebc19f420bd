// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: INS and OUTS, with and without REP, move every element between the
 * port and memory in order, whatever the size, the direction flag and the page
 * boundary in between, however the elements are grouped into exits; and they
 * leave RCX, RSI and RDI as the CPU would (APM vol. 3, INS and OUTS).
 */
#include "lodge_test.h"

#define PORT	0x2f0
#define COUNT	2500	/* more than a page, and more than fits one exit */

static uint8_t buffer[3 * 4096] __attribute__((aligned(4096)));
static uint64_t guest_rcx, guest_ptr;

#define DEFINE_OUTS(suffix)						\
static void guest_rep_outs##suffix(uint64_t count)			\
{									\
	uint64_t ptr = (uintptr_t)buffer + 1;				\
									\
	__asm__ volatile("rep outs" #suffix : "+c"(count), "+S"(ptr)	\
			 : "d"(PORT) : "memory");			\
	guest_rcx = count;						\
	guest_ptr = ptr;						\
	guest_done();							\
}
DEFINE_OUTS(b)
DEFINE_OUTS(w)
DEFINE_OUTS(l)

#define DEFINE_INS(suffix)						\
static void guest_rep_ins##suffix(uint64_t count)			\
{									\
	uint64_t ptr = (uintptr_t)buffer + 1;				\
									\
	__asm__ volatile("rep ins" #suffix : "+c"(count), "+D"(ptr)	\
			 : "d"(PORT) : "memory");			\
	guest_rcx = count;						\
	guest_ptr = ptr;						\
	guest_done();							\
}
DEFINE_INS(b)
DEFINE_INS(w)
DEFINE_INS(l)

static uint8_t pattern(unsigned int i)
{
	return i * 7 + (i >> 8) + 1;
}

FIXTURE(string) {
	struct vm *vm;
};

FIXTURE_SETUP(string)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(string)
{
	vm_free(self->vm);
}

FIXTURE_VARIANT(string) {
	unsigned int size;
	unsigned int count;
	void (*outs)(uint64_t count);
	void (*ins)(uint64_t count);
};

FIXTURE_VARIANT_ADD(string, byte) {
	.size = 1, .count = 2 * COUNT, .outs = guest_rep_outsb,
	.ins = guest_rep_insb,
};

FIXTURE_VARIANT_ADD(string, word) {
	.size = 2, .count = COUNT, .outs = guest_rep_outsw,
	.ins = guest_rep_insw,
};

FIXTURE_VARIANT_ADD(string, dword) {
	.size = 4, .count = COUNT, .outs = guest_rep_outsl,
	.ins = guest_rep_insl,
};

FIXTURE_VARIANT_ADD(string, single) {
	.size = 4, .count = 1, .outs = guest_rep_outsl, .ins = guest_rep_insl,
};

FIXTURE_VARIANT_ADD(string, none) {
	.size = 2, .count = 0, .outs = guest_rep_outsw, .ins = guest_rep_insw,
};

TEST_F(string, rep_outs)
{
	struct vcpu *vcpu = vcpu_create_arg(self->vm, variant->outs,
					    variant->count);
	volatile uint8_t *guest = guest_var(self->vm, buffer);
	unsigned int total = variant->size * variant->count;
	struct kvm_run *run = vcpu->run;
	unsigned int i, done = 0;
	struct ucall uc;

	for (i = 0; i < total; i++)
		guest[i + 1] = pattern(i);
	for (;;) {
		ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
		if (vcpu_is_ucall(vcpu, &uc))
			break;
		EXPECT_EQ(KVM_EXIT_IO_OUT, run->io.direction);
		EXPECT_EQ(PORT, run->io.port);
		EXPECT_EQ(variant->size, run->io.size);
		ASSERT_LE(run->io.data_offset + run->io.size * run->io.count,
			  vcpu->run_size);
		for (i = 0; i < run->io.size * run->io.count; i++, done++)
			ASSERT_EQ(pattern(done), ((uint8_t *)run)
				  [run->io.data_offset + i]);
	}
	ASSERT_EQ(UCALL_DONE, uc.kind);
	EXPECT_EQ(total, done);
	EXPECT_EQ(0, guest_var(self->vm, guest_rcx));
	EXPECT_EQ((uintptr_t)buffer + 1 + total,
		  guest_var(self->vm, guest_ptr));
}

TEST_F(string, rep_ins)
{
	struct vcpu *vcpu = vcpu_create_arg(self->vm, variant->ins,
					    variant->count);
	volatile uint8_t *guest = guest_var(self->vm, buffer);
	unsigned int total = variant->size * variant->count;
	struct kvm_run *run = vcpu->run;
	unsigned int i, done = 0;
	struct ucall uc;

	for (;;) {
		ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
		if (vcpu_is_ucall(vcpu, &uc))
			break;
		EXPECT_EQ(KVM_EXIT_IO_IN, run->io.direction);
		EXPECT_EQ(PORT, run->io.port);
		EXPECT_EQ(variant->size, run->io.size);
		ASSERT_LE(run->io.data_offset + run->io.size * run->io.count,
			  vcpu->run_size);
		for (i = 0; i < run->io.size * run->io.count; i++, done++)
			((uint8_t *)run)[run->io.data_offset + i] =
				pattern(done);
	}
	ASSERT_EQ(UCALL_DONE, uc.kind);
	EXPECT_EQ(total, done);
	for (i = 0; i < total; i++)
		ASSERT_EQ(pattern(i), guest[i + 1]);
	EXPECT_EQ(0, guest[0]);
	EXPECT_EQ(0, guest[total + 1]);
	EXPECT_EQ(0, guest_var(self->vm, guest_rcx));
	EXPECT_EQ((uintptr_t)buffer + 1 + total,
		  guest_var(self->vm, guest_ptr));
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

static void guest_down(void)
{
	uint64_t ptr = (uintptr_t)buffer + 5 * 2, rcx = 4;

	__asm__ volatile("std; rep outsw; cld"
			 : "+S"(ptr), "+c"(rcx) : "d"(PORT) : "memory");
	GUEST_ASSERT_EQ(0, rcx);
	GUEST_ASSERT_EQ((uintptr_t)buffer + 2, ptr);
	guest_done();
}

TEST_F(order, direction_flag_runs_down)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_down);
	volatile uint16_t *words = (volatile uint16_t *)
		vm_hva(self->vm, (uintptr_t)buffer);
	struct kvm_run *run = vcpu->run;
	unsigned int i, next = 5;
	struct ucall uc;

	for (i = 0; i < 6; i++)
		words[i] = 0x1100 * i + i;
	for (;;) {
		uint16_t *data;

		ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
		if (vcpu_is_ucall(vcpu, &uc))
			break;
		data = (uint16_t *)((char *)run + run->io.data_offset);
		for (i = 0; i < run->io.count; i++, next--)
			EXPECT_EQ(0x1100 * next + next, data[i]);
	}
	ASSERT_EQ(UCALL_DONE, uc.kind);
	EXPECT_EQ(1, next);
}

static void guest_not_repeated(void)
{
	uint64_t ptr = (uintptr_t)buffer, rcx = 77;

	__asm__ volatile("outsb" : "+S"(ptr), "+c"(rcx) : "d"(PORT) : "memory");
	GUEST_ASSERT_EQ(77, rcx);
	GUEST_ASSERT_EQ((uintptr_t)buffer + 1, ptr);
	guest_done();
}

TEST_F(order, without_rep_one_element)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_not_repeated);
	struct kvm_run *run = vcpu->run;

	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
	EXPECT_EQ(1, run->io.count);
	EXPECT_EQ(1, run->io.size);
	ASSERT_DONE(vcpu);
}

LODGE_TEST_MAIN()
