// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: a task switch by hardware saves the old task, loads the new one and leaves
 * descriptors, link and NT as SDM vol. 3, Task Management, has it: by CALL, JMP, IRET, through
 * a task gate in the GDT and in the IDT, with an exception's error code, to 32-bit and 16-bit
 * tasks; and what is wrong with the new task faults in the old one or in the new one.
 *
 * Each by the exit that the CPU makes of it, if it does, and forced into the emulator.
 */
#include "prot.h"

#define SEL_OLD		SEL_TSS_OWN	/* its TSS is at PROT_TSS */
#define SEL_NEW		SEL_TASKS	/* 32 bits */
#define SEL_NEW16	(SEL_TASKS + 0x08)
#define SEL_TASK_GATE	(SEL_TASKS + 0x10)	/* to SEL_NEW */
#define SEL_SMALL	(SEL_TASKS + 0x18)
#define SEL_NONE	(SEL_TASKS + 0x20)	/* not present */

#define NEW		PROT_TASKS
#define NEW16		(PROT_TASKS + 0x100)
#define NEW_CODE	0x1400u
#define NEW_STACK	PROT_STACK0

struct tss32 {
	uint32_t link, stacks[6], cr3, eip, eflags;
	uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, io_map;
};

struct tss16 {
	uint16_t link, stacks[6], ip, flags;
	uint16_t ax, cx, dx, bx, sp, bp, si, di;
	uint16_t es, cs, ss, ds, ldt;
};

FIXTURE(task) {
	struct vm *vm;
	struct vcpu *vcpu;
	struct tss32 *old, *new;
	struct tss16 *new16;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
};

FIXTURE_VARIANT(task) {
	bool forced;
};

FIXTURE_VARIANT_ADD(task, exits) { .forced = false };
FIXTURE_VARIANT_ADD(task, emulator) { .forced = true };

FIXTURE_SETUP(task)
{
	struct vm *vm = vm_create();
	uint64_t *gdt = vm_hva(vm, PROT_GDT);

	self->vm = vm;
	self->vcpu = vcpu_create_real(vm, "", 0);
	self->old = vm_hva(vm, PROT_TSS);
	self->new = vm_hva(vm, NEW);
	self->new16 = vm_hva(vm, NEW16);
	prot_tables(vm, false);
	memset(vm_hva(vm, PROT_TASKS), 0, PROT_END - PROT_TASKS);
	prot_desc(vm, SEL_NEW, NEW, sizeof(struct tss32) - 1, 0x0089);
	prot_desc(vm, SEL_NEW16, NEW16, sizeof(struct tss16) - 1, 0x0081);
	prot_desc(vm, SEL_SMALL, NEW, sizeof(struct tss32) - 2, 0x0089);
	prot_desc(vm, SEL_NONE, NEW, sizeof(struct tss32) - 1, 0x0009);
	gdt[SEL_TASK_GATE >> 3] = prot_gate(SEL_NEW, 0, 0x85, 0);
	*self->new = (struct tss32) {
		.eip = NEW_CODE, .eflags = 2, .eax = 0xa1, .ecx = 0xc1, .edx = 0xd1, .ebx = 0xb1,
		.esp = NEW_STACK, .ebp = 0xb91, .esi = 0x51, .edi = 0xd11, .cs = SEL_CODE,
		.ss = SEL_DATA0, .ds = SEL_DATA3, .es = SEL_DATA0, .gs = SEL_DATA3,
		.ldt = SEL_LDT, .io_map = 0x67,
	};
	*self->new16 = (struct tss16) {
		.ip = NEW_CODE, .flags = 2, .ax = 0xa2, .cx = 0xc2, .sp = NEW_STACK,
		.cs = SEL_CODE16, .ss = SEL_DATA0, .ds = SEL_DATA0, .es = SEL_DATA0,
	};
	/* HLT, and when it goes on IRET. */
	if (variant->forced)
		memcpy(vm_hva(vm, NEW_CODE + 1), PROT_PREFIX "\xcf", 6);
	else
		memcpy(vm_hva(vm, NEW_CODE + 1), "\xcf", 1);
	if (variant->forced && !prot_force(true))
		SKIP(return, "force_emulation_prefix cannot be set");
}

FIXTURE_TEARDOWN(task)
{
	if (variant->forced)
		prot_force(false);
	vm_free(self->vm);
}

static unsigned int type_of(struct vm *vm, uint16_t sel)
{
	return ((uint64_t *)vm_hva(vm, PROT_GDT))[sel >> 3] >> 40 & 15;
}

/* Execute the instruction in the old task: the guest is then at a HLT. */
#define RUN(insn) do {								\
	unsigned int before_ = variant->forced ? 5 : 0;				\
	struct kvm_regs r_ = { .rax = 0x7f8, .rbx = 0xb0, .rbp = 0xb90, .rflags = 2 };	\
										\
	memcpy(vm_hva(self->vm, PROT_INSN - before_), PROT_PREFIX, before_);	\
	memcpy(vm_hva(self->vm, PROT_INSN), insn, sizeof(insn) - 1);		\
	prot_enter(self->vm, self->vcpu, &r_, SEL_DATA0,			\
		   (uint32_t[]) { PROT_INSN - before_, SEL_CODE, 2 }, 3);	\
	must_ioctl(self->vcpu->fd, KVM_SET_REGS, &r_);				\
	GO_ON();								\
} while (0)

#define GO_ON() do {								\
	ASSERT_EQ(KVM_EXIT_HLT, vcpu_run(self->vcpu)) {				\
		vcpu_describe_exit(self->vcpu);					\
	}									\
	vcpu_regs(self->vcpu, &self->regs);					\
	vcpu_sregs(self->vcpu, &self->sregs);					\
} while (0)

/* In the new task, before its first instruction but for the HLT. */
#define EXPECT_NEW_TASK() do {							\
	EXPECT_EQ(SEL_NEW, self->sregs.tr.selector);				\
	EXPECT_EQ(NEW, self->sregs.tr.base);					\
	EXPECT_EQ(11, type_of(self->vm, SEL_NEW));				\
	EXPECT_EQ(NEW_CODE + 1, self->regs.rip);				\
	EXPECT_EQ(0xa1, self->regs.rax);					\
	EXPECT_EQ(0xb1, self->regs.rbx);					\
	EXPECT_EQ(0xb91, self->regs.rbp);					\
	EXPECT_EQ(0xd11, self->regs.rdi);					\
	EXPECT_EQ(SEL_CODE, self->sregs.cs.selector);				\
	EXPECT_EQ(SEL_DATA3, self->sregs.ds.selector);				\
	EXPECT_EQ(3, self->sregs.ds.dpl);					\
	EXPECT_EQ(0, self->sregs.fs.selector);					\
	EXPECT_EQ(SEL_LDT, self->sregs.ldt.selector);				\
	EXPECT_EQ(PROT_GDT, self->sregs.ldt.base);				\
	EXPECT_EQ(CR0_TS, self->sregs.cr0 & CR0_TS);				\
} while (0)

#define EXPECT_SAVED(ip) do {							\
	EXPECT_EQ(ip, self->old->eip);						\
	EXPECT_EQ(0x7f8, self->old->eax);					\
	EXPECT_EQ(0xb0, self->old->ebx);					\
	EXPECT_EQ(PROT_STACK, self->old->esp);					\
	EXPECT_EQ(0xb90, self->old->ebp);					\
	EXPECT_EQ(SEL_CODE, (uint16_t)self->old->cs);				\
	EXPECT_EQ(SEL_DATA0, (uint16_t)self->old->ss);				\
} while (0)

/* The new task was called: the old one waits for it. */
#define EXPECT_NESTED() do {							\
	EXPECT_EQ(FLAGS_NT, self->regs.rflags & FLAGS_NT);			\
	EXPECT_EQ(SEL_OLD, self->new->link & 0xffff);				\
	EXPECT_EQ(11, type_of(self->vm, SEL_OLD));				\
} while (0)

/* A handler of the old level's IDT, with this error code. */
#define EXPECT_FAULT(vector, error) do {					\
	EXPECT_EQ(prot_handler(vector) + 1, self->regs.rip);			\
	EXPECT_EQ(error, *(uint32_t *)vm_hva(self->vm, self->regs.rsp));	\
} while (0)

TEST_F(task, call_and_return)
{
	RUN("\x9a\0\0\0\0\xb0\0");
	EXPECT_NEW_TASK();
	EXPECT_SAVED(PROT_INSN + 7);
	EXPECT_NESTED();
	EXPECT_EQ(NEW_STACK, self->regs.rsp);

	GO_ON();
	EXPECT_EQ(SEL_OLD, self->sregs.tr.selector);
	EXPECT_EQ(PROT_INSN + 8, self->regs.rip);
	EXPECT_EQ(PROT_STACK, self->regs.rsp);
	EXPECT_EQ(0x7f8, self->regs.rax);
	EXPECT_EQ(0, self->regs.rflags & FLAGS_NT);
	EXPECT_EQ(9, type_of(self->vm, SEL_NEW));
	EXPECT_EQ(11, type_of(self->vm, SEL_OLD));
	/* Behind the IRET, and no longer nested. */
	EXPECT_EQ(NEW_CODE + 2 + (variant->forced ? 5 : 0), self->new->eip);
	EXPECT_EQ(0, self->new->eflags & FLAGS_NT);
}

TEST_F(task, jump)
{
	RUN("\xea\0\0\0\0\xb0\0");
	EXPECT_NEW_TASK();
	EXPECT_SAVED(PROT_INSN + 7);
	EXPECT_EQ(0, self->regs.rflags & FLAGS_NT);
	EXPECT_EQ(0, self->new->link);
	EXPECT_EQ(9, type_of(self->vm, SEL_OLD));
}

/* Bits of a TSS that EFLAGS does not have are not loaded: no VM entry would take them. */
TEST_F(task, reserved_flags)
{
	self->new->eflags = 0xffc08028 | 1;	/* with CF */
	RUN("\xea\0\0\0\0\xb0\0");
	EXPECT_NEW_TASK();
	EXPECT_EQ(3, self->regs.rflags);
}

TEST_F(task, call_through_a_gate)
{
	RUN("\x9a\0\0\0\0\xc0\0");
	EXPECT_NEW_TASK();
	EXPECT_SAVED(PROT_INSN + 7);
	EXPECT_NESTED();
}

TEST_F(task, int_through_a_gate)
{
	prot_idt(self->vm, false, 0x40, prot_gate(SEL_NEW, 0, 0x85, 0));
	RUN("\xcd\x40");
	EXPECT_NEW_TASK();
	EXPECT_SAVED(PROT_INSN + 2);
	EXPECT_NESTED();
	EXPECT_EQ(NEW_STACK, self->regs.rsp);
}

TEST_F(task, exception_through_a_gate)
{
	prot_idt(self->vm, false, VEC_GP, prot_gate(SEL_NEW, 0, 0x85, 0));
	RUN("\x8e\xd8");	/* mov %eax, %ds: beyond the GDT's limit */
	EXPECT_NEW_TASK();
	EXPECT_SAVED(PROT_INSN);
	EXPECT_NESTED();
	EXPECT_EQ(NEW_STACK - 4, self->regs.rsp);
	EXPECT_EQ(0x7f8, *(uint32_t *)vm_hva(self->vm, NEW_STACK - 4));
}

TEST_F(task, of_16_bits)
{
	RUN("\x9a\0\0\0\0\xb8\0");
	EXPECT_SAVED(PROT_INSN + 7);
	EXPECT_EQ(SEL_NEW16, self->sregs.tr.selector);
	EXPECT_EQ(3, type_of(self->vm, SEL_NEW16));
	EXPECT_EQ(NEW_CODE + 1, self->regs.rip);
	EXPECT_EQ(0xa2, self->regs.rax & 0xffff);
	EXPECT_EQ(0xc2, self->regs.rcx & 0xffff);
	EXPECT_EQ(NEW_STACK, self->regs.rsp & 0xffff);
	EXPECT_EQ(SEL_CODE16, self->sregs.cs.selector);
	EXPECT_EQ(0, self->sregs.gs.selector);
	EXPECT_EQ(SEL_OLD, self->new16->link);
	EXPECT_EQ(FLAGS_NT, self->regs.rflags & FLAGS_NT);

	GO_ON();
	EXPECT_EQ(SEL_OLD, self->sregs.tr.selector);
	EXPECT_EQ(PROT_INSN + 8, self->regs.rip);
	EXPECT_EQ(1, type_of(self->vm, SEL_NEW16));
	EXPECT_EQ(NEW_CODE + 2 + (variant->forced ? 5 : 0), self->new16->ip);
}

TEST_F(task, faults_of_the_old_task)
{
	RUN("\xea\0\0\0\0\xa8\0");	/* busy */
	EXPECT_FAULT(VEC_GP, SEL_OLD);
	EXPECT_EQ(SEL_OLD, self->sregs.tr.selector);
	prot_desc(self->vm, SEL_OLD, PROT_TSS, PROT_TSS_LIMIT, 0x0089);
	RUN("\x9a\0\0\0\0\xd0\0");
	EXPECT_FAULT(VEC_NP, SEL_NONE);
	prot_desc(self->vm, SEL_OLD, PROT_TSS, PROT_TSS_LIMIT, 0x0089);
	RUN("\x9a\0\0\0\0\xc8\0");
	EXPECT_FAULT(VEC_TS, SEL_SMALL);
	EXPECT_EQ(SEL_OLD, self->sregs.tr.selector);
	EXPECT_EQ(9, type_of(self->vm, SEL_SMALL));
}

TEST_F(task, fault_of_the_new_task)
{
	self->new->ds = 0x7f8;
	RUN("\x9a\0\0\0\0\xb0\0");
	EXPECT_FAULT(VEC_TS, 0x7f8);
	EXPECT_EQ(SEL_NEW, self->sregs.tr.selector);
	EXPECT_EQ(0xa1, self->regs.rax);
	/* A CPU that does not exit, since it is emulated itself, may push another. */
	if (variant->forced)
		EXPECT_EQ(NEW_CODE, ((uint32_t *)vm_hva(self->vm, self->regs.rsp))[1]);
	EXPECT_SAVED(PROT_INSN + 7);
	EXPECT_EQ(11, type_of(self->vm, SEL_NEW));
}

LODGE_TEST_MAIN()
