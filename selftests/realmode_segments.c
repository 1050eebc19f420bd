// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: in real mode a load of a segment register, by whatever instruction, changes its
 * selector and its base to sixteen times that, and nothing else; KVM_GET_SREGS shows
 * what the guest has loaded and KVM_SET_SREGS sets it, attributes and all (SDM vol. 3,
 * Real-Address Mode Operation; APM vol. 2, Real Addressing).
 */
#include "real.h"

CODE16(code_loads,
"	xorw %ax, %ax\n"
"	movw %ax, %ds\n"
"	movw %ax, %ss\n"
"	movw $0x7000, %sp\n"
"	movw $0x1234, %ax\n"
"	movw %ax, %es\n"
"	pushw $0x2345\n"
"	popw %fs\n"
"	pushw $0x3456\n"
"	popw %gs\n"
"	outw %ax, $0x10\n"
"	lesw " REAL_AT(code_loads, loads_pointer) ", %bx\n"
"	lfsw " REAL_AT(code_loads, loads_pointer) ", %cx\n"
"	movw %bx, %ax\n"
"	outw %ax, $0x10\n"
"	lcallw $0x80, $0x800 + loads_sub - code_loads\n"
"	movw %cs, %ax\n"
"	outw %ax, $0x10\n"
"	ljmpw *" REAL_AT(code_loads, loads_jump) "\n"
"loads_there:\n"
"	pushw %cs\n"
"	popw %ax\n"
"	outw %ax, $0x10\n"
"	pushw $0\n"
"	pushw $" REAL_AT(code_loads, loads_back) "\n"
"	lretw\n"
"loads_back:\n"
"	movw $0x200, %bx\n"
"	movw %bx, %ds\n"
"	movw 0x10, %ax\n"			/* 0x2010 */
"	outw %ax, $0x10\n"
"	hlt\n"
"loads_sub:\n"
"	movw %cs, %ax\n"
"	outw %ax, $0x10\n"
"	lretw\n"
"loads_pointer:\n"
"	.word 0x6789, 0x4567\n"
"loads_jump:\n"
"	.word 0xf00 + loads_there - code_loads, 0x10\n"
)

FIXTURE(segments) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(segments)
{
	self->vm = vm_create();
	self->vcpu = real_vcpu(self->vm, code_loads);
}

FIXTURE_TEARDOWN(segments)
{
	vm_free(self->vm);
}

#define EXPECT_SEGMENT(want, seg) do {					\
	EXPECT_EQ(want, (seg).selector);				\
	EXPECT_EQ((uint64_t)(want) << 4, (seg).base);			\
	EXPECT_EQ(0xffff, (seg).limit);					\
	EXPECT_EQ(0, (seg).dpl);					\
	EXPECT_EQ(0, (seg).db);						\
	EXPECT_EQ(1, (seg).present);					\
} while (0)

TEST_F(segments, loads)
{
	struct vcpu *vcpu = self->vcpu;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	memcpy(vm_hva(self->vm, 0x2010), "\x10\x20", 2);
	ASSERT_OUT(0x1234, 2);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_SEGMENT(0, sregs.cs);
	EXPECT_SEGMENT(0, sregs.ds);
	EXPECT_SEGMENT(0, sregs.ss);
	EXPECT_SEGMENT(0x1234, sregs.es);
	EXPECT_SEGMENT(0x2345, sregs.fs);
	EXPECT_SEGMENT(0x3456, sregs.gs);
	EXPECT_EQ(0, sregs.tr.base);
	EXPECT_EQ(0xffff, sregs.tr.limit);
	EXPECT_EQ(0x60000010, sregs.cr0);
	EXPECT_EQ(0, sregs.cr3);
	EXPECT_EQ(0, sregs.cr4);
	EXPECT_EQ(0, sregs.efer);
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(2, regs.rflags & ~0x8d5UL);
	EXPECT_EQ(0x7000, regs.rsp);

	ASSERT_OUT(0x6789, 2);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_SEGMENT(0x4567, sregs.es);
	EXPECT_SEGMENT(0x4567, sregs.fs);
	ASSERT_OUT(0x80, 2);
	vcpu_sregs(vcpu, &sregs);
	EXPECT_SEGMENT(0x80, sregs.cs);
	ASSERT_OUT(0, 2);
	ASSERT_OUT(0x10, 2);
	ASSERT_OUT(0x2010, 2);
	EXPECT_EQ(KVM_EXIT_HLT, vcpu_run(vcpu));
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(0x7000, regs.rsp);
}

/* What user space sets is there when it asks, before the guest runs and after. */
TEST_F(segments, round_trip)
{
	struct vcpu *vcpu = self->vcpu;
	struct kvm_sregs set, get;
	struct kvm_regs regs;
	int i;

	vcpu_sregs(vcpu, &set);
	set.gs.selector = 0xabcd;
	set.gs.base = 0xabcd0;
	set.gs.limit = 0xffffffff;
	set.gs.g = 1;
	set.tr.base = 0x3000;
	set.tr.limit = 0x67;
	set.tr.selector = 0x30;
	set.cr3 = 0x77000;
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &set);
	vcpu_regs(vcpu, &regs);
	regs.rflags = 0x1002;		/* IOPL 1 */
	must_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
	for (i = 0; i < 2; i++) {
		vcpu_sregs(vcpu, &get);
		EXPECT_EQ(0x77000, get.cr3);
		EXPECT_EQ(0, memcmp(&set.tr, &get.tr, sizeof(set.tr)));
		EXPECT_EQ(0, memcmp(&set.ldt, &get.ldt, sizeof(set.ldt)));
		EXPECT_EQ(set.idt.limit, get.idt.limit);
		EXPECT_EQ(set.gdt.limit, get.gdt.limit);
		EXPECT_EQ(0xffffffff, get.gs.limit);
		vcpu_regs(vcpu, &regs);
		EXPECT_EQ(0x1002, regs.rflags & ~0x8d5UL);
		if (i)
			break;
		EXPECT_EQ(0, memcmp(&set.gs, &get.gs, sizeof(set.gs)));
		ASSERT_OUT(0x1234, 2);
	}
	EXPECT_EQ(0x3456, get.gs.selector);
	EXPECT_EQ(0x34560, get.gs.base);
}

LODGE_TEST_MAIN()
