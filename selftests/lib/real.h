/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of 16-bit code: it is run from a copy at REAL_CODE, in segment 0, and tells what
 * it finds out by OUTs to REAL_PORT, each of which is a stop for the test to look around.
 */
#ifndef LODGE_SELFTEST_REAL_H
#define LODGE_SELFTEST_REAL_H

#include "lodge_test.h"

#define REAL_PORT	0x10
#define REAL_SIZE	0x400UL		/* of the copy */

/* In the text, where a label of it is at run time. */
#define REAL_AT(name, label)	"(0x1000 + " #label " - " #name ")"

#define CODE16(name, text)						\
static __attribute__((naked, used)) void name(void)			\
{									\
	__asm__ volatile(".code16\n" text "\n.code64\n");		\
}

static inline struct vcpu *real_vcpu(struct vm *vm, void (*code)(void))
{
	return vcpu_create_real(vm, (void *)(uintptr_t)code, REAL_SIZE);
}

/* Vector @nr of the table at @table leads to @label of @code, which is in the copy. */
static inline void real_vector(struct vm *vm, uint32_t table, unsigned int nr,
			       void (*code)(void), const char *label)
{
	uint16_t *entry = vm_hva(vm, table + 4 * nr);

	entry[0] = REAL_CODE + (uintptr_t)label - (uintptr_t)code;
	entry[1] = 0;
}

/* The next stop gives @want, of @bytes bytes. */
#define ASSERT_OUT(want, bytes) do {					\
	uint32_t value_ = 0;						\
	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu)) {			\
		vcpu_describe_exit(vcpu);				\
	}								\
	ASSERT_EQ(REAL_PORT, vcpu->run->io.port);			\
	ASSERT_EQ(bytes, vcpu->run->io.size);				\
	memcpy(&value_, (char *)vcpu->run + vcpu->run->io.data_offset, bytes); \
	EXPECT_EQ(want, value_);					\
} while (0)

/*
 * With the vectors at @vectors and FS at @fs_base, which need not be what its selector
 * says.  A CPU that cannot run a guest's real mode as it is may do one thing where both are
 * in their usual places, and others elsewhere: what is to hold however it is done has a
 * variant for each.
 */
static inline void real_variant(struct vcpu *vcpu, uint32_t vectors, uint32_t fs_base)
{
	struct kvm_sregs sregs;

	vcpu_sregs(vcpu, &sregs);
	sregs.idt.base = vectors;
	sregs.idt.limit = 0x3ff;
	sregs.fs.base = fs_base;
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
}

/*
 * A VM without an interrupt controller, and the variants: both in their usual places, and
 * either elsewhere.
 */
#define REAL_FIXTURE(fixture)						\
FIXTURE(fixture) {							\
	struct vm *vm;							\
};									\
									\
FIXTURE_VARIANT(fixture) {						\
	uint32_t vectors, fs_base;					\
};									\
									\
FIXTURE_VARIANT_ADD(fixture, usual) { };				\
FIXTURE_VARIANT_ADD(fixture, vectors_elsewhere) { .vectors = 0x5000 };	\
FIXTURE_VARIANT_ADD(fixture, segment_elsewhere) { .fs_base = 0x12345 };	\
									\
FIXTURE_SETUP(fixture)							\
{									\
	self->vm = vm_create();						\
}									\
									\
FIXTURE_TEARDOWN(fixture)						\
{									\
	vm_free(self->vm);						\
}

#endif
