// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an instruction that reaches memory nobody backs in a way that is not
 * emulated ends in KVM_EXIT_INTERNAL_ERROR with suberror EMULATION and the
 * bytes of the instruction, RIP still on it; never in a guess, and not in a
 * spin.  So does a fetch from such memory.
 */
#include "lodge_test.h"

FIXTURE(error) {
	struct vm *vm;
};

FIXTURE_SETUP(error)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(error)
{
	vm_free(self->vm);
}

static uint64_t at;

/* FXSAVE to a device: no sane guest, and no emulator, does that. */
static void guest_unknown(void)
{
	__asm__ volatile("leaq 1f(%%rip), %%rax; movq %%rax, %0;"
			 "1: vaddpd (%1), %%ymm0, %%ymm1"
			 : "=m"(at) : "r"(GPA_MMIO) : "rax");
	guest_done();
}

static void enable_avx(struct vcpu *vcpu)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };
	struct kvm_sregs sregs;

	vcpu_sregs(vcpu, &sregs);
	sregs.cr4 |= 1 << 18;			/* OSXSAVE */
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	xcrs.xcrs[0].value = 7;			/* x87, SSE, AVX */
	must_ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs);
}

TEST_F(error, unknown_instruction_on_mmio)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_unknown);
	struct kvm_run *run = vcpu->run;
	struct kvm_cpuid_entry2 *e = cpuid_find(self->vm->cpuid, 1, 0);
	struct kvm_regs regs;

	if (!e || !(e->ecx & 1 << 28))
		SKIP(return, "the CPU has no AVX");
	enable_avx(vcpu);
	ASSERT_EQ(KVM_EXIT_INTERNAL_ERROR, vcpu_run(vcpu));
	EXPECT_EQ(KVM_INTERNAL_ERROR_EMULATION, run->internal.suberror);
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(guest_var(self->vm, at), regs.rip);
	ASSERT_GE(run->internal.ndata, 1);
	ASSERT_TRUE(run->emulation_failure.flags &
		    KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES);
	ASSERT_GE(run->emulation_failure.insn_size, 4);
	EXPECT_EQ(0, memcmp(run->emulation_failure.insn_bytes,
			    vm_hva(self->vm, regs.rip), 4));
}

static void guest_fetch(void)
{
	__asm__ volatile("jmp *%0" : : "r"(GPA_MMIO));
}

TEST_F(error, fetch_from_mmio)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_fetch);
	struct kvm_regs regs;

	ASSERT_EQ(KVM_EXIT_INTERNAL_ERROR, vcpu_run(vcpu));
	EXPECT_EQ(KVM_INTERNAL_ERROR_EMULATION,
		  vcpu->run->internal.suberror);
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(GPA_MMIO, regs.rip);
}

LODGE_TEST_MAIN()
