// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_SET_GUEST_DEBUG with single step ends each instruction of the
 * guest in KVM_EXIT_DEBUG with #DB, DR6.BS and the next RIP, an instruction that
 * exits to the kernel included, and off again the guest runs on.  With a DR7 of the
 * debugger's that has GD, a MOV of the guest's to or from a debug register ends so
 * before it is executed, with DR6.BD.
 */
#include "lodge_test.h"

static void debug(struct vcpu *vcpu, uint32_t control)
{
	struct kvm_guest_debug dbg = { .control = control };

	must_ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &dbg);
}

static void guest_steps(void)
{
	guest_sync(1);
	__asm__ volatile("nop; nop; cpuid; nop"
			 : : : "rax", "rbx", "rcx", "rdx");
	guest_done();
}

TEST(single_step)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_steps);
	struct kvm_run *run = vcpu->run;
	uint64_t last = 0;
	unsigned int i;

	ASSERT_STAGE(1, vcpu);
	debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(KVM_EXIT_DEBUG, vcpu_run(vcpu));
		EXPECT_EQ(VEC_DB, run->debug.arch.exception);
		EXPECT_TRUE(run->debug.arch.dr6 & 1 << 14);	/* BS */
		EXPECT_NE(last, run->debug.arch.pc);
		last = run->debug.arch.pc;
	}
	debug(vcpu, 0);
	ASSERT_DONE(vcpu);
	vm_free(vm);
}

static void guest_moves(void)
{
	uint64_t v;

	guest_sync(1);
	__asm__ volatile("mov %%dr0, %0" : "=r"(v));
	guest_sync(2);
	__asm__ volatile("mov %0, %%dr1" : : "r"(v));
	guest_done();
}

TEST(general_detect)
{
	struct kvm_guest_debug dbg = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg[7] = 0x400 | 1 << 13,	/* GD */
	};
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_moves);
	struct kvm_run *run = vcpu->run;
	unsigned int i;

	for (i = 1; i <= 2; i++) {
		ASSERT_STAGE(i, vcpu);
		must_ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &dbg);
		ASSERT_EQ(KVM_EXIT_DEBUG, vcpu_run(vcpu));
		EXPECT_EQ(VEC_DB, run->debug.arch.exception);
		EXPECT_EQ(0xffff0ff0 | 1 << 13, run->debug.arch.dr6);	/* BD */
		EXPECT_EQ(0x0f, *(uint8_t *)vm_hva(vm, run->debug.arch.pc));
		debug(vcpu, 0);
	}
	ASSERT_DONE(vcpu);
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_SET_GUEST_DEBUG)
