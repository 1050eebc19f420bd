// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: CVE-2017-2583 and -2584: loads of segment registers and stores of
 * FXSAVE, SGDT and SIDT, by the CPU or through MMIO by the emulator, check what
 * the manual checks (a null SS is #GP, a store to MMIO stores what it should
 * or is refused) and write nowhere else; and CVE-2017-17741: an MMIO access of
 * any length, down to one byte, is recorded without reading past it.
 *
 * KVM fails the stores of SGDT and SIDT: it enters the guest again and again on
 * them.
 */
#include "lodge_test.h"

static void guest_segments(void)
{
	GUEST_ASSERT_EQ(VEC_GP, guest_try("mov %w1, %%ss", (),
					  ("r"(SEL_CODE64))));
	GUEST_ASSERT_EQ(VEC_GP, guest_try("mov %w1, %%ds", (), ("r"(0x7c))));
	/* From a device, and null with an RPL that is not the CPL. */
	GUEST_ASSERT_EQ(VEC_GP, guest_try("mov (%1), %%ss", (),
					  ("r"(GPA_MMIO))));
	guest_done();
}

FIXTURE(segments) {
	struct vm *vm;
};

FIXTURE_SETUP(segments)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(segments)
{
	vm_free(self->vm);
}

/*
 * Answers MMIO with @value to the end of the guest, which may also be an
 * internal error: what the emulator does not know, it says so.
 */
static bool drive(struct vcpu *vcpu, uint64_t value)
{
	struct kvm_run *run = vcpu->run;
	unsigned int exits;
	struct ucall uc;

	for (exits = 0; exits < 100; exits++) {
		switch (vcpu_run(vcpu)) {
		case KVM_EXIT_MMIO:
			if (run->mmio.len > 8)
				return false;
			if (!run->mmio.is_write)
				memcpy(run->mmio.data, &value, 8);
			continue;
		case KVM_EXIT_INTERNAL_ERROR:
			return run->internal.suberror ==
			       KVM_INTERNAL_ERROR_EMULATION;
		case KVM_EXIT_IO:
			if (!vcpu_is_ucall(vcpu, &uc) ||
			    uc.kind != UCALL_DONE) {
				fprintf(stderr, "# guest: line %u, %lu\n",
					uc.line, uc.arg[0]);
				return false;
			}
			return true;
		default:
			vcpu_describe_exit(vcpu);
			return false;
		}
	}
	fprintf(stderr, "# no end of it\n");
	return false;
}

TEST_F(segments, loads)
{
	EXPECT_TRUE(drive(vcpu_create(self->vm, guest_segments), 3));
}

static void guest_store_tables(void)
{
	__asm__ volatile("sgdt (%0); sidt 16(%0)" : : "r"(GPA_MMIO));
	guest_done();
}

static void guest_fxsave(void)
{
	__asm__ volatile("fxsave (%0)" : : "r"(GPA_MMIO));
	guest_done();
}

static void guest_lengths(void)
{
	__asm__ volatile("movb $1, 7(%0); movw $2, 6(%0); movl $3, 4(%0)"
			 : : "r"(GPA_MMIO + 0xff8));
	__asm__ volatile("movw $2, 0xfff(%0)" : : "r"(GPA_MMIO));
	guest_done();
}

TEST_F(segments, stores_of_tables)
{
	EXPECT_TRUE(drive(vcpu_create(self->vm, guest_store_tables), 0));
}

TEST_F(segments, store_of_fpu_state)
{
	EXPECT_TRUE(drive(vcpu_create(self->vm, guest_fxsave), 0));
}

TEST_F(segments, lengths)
{
	EXPECT_TRUE(drive(vcpu_create(self->vm, guest_lengths), 0));
}

LODGE_TEST_MAIN()
