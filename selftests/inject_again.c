// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an event whose delivery exits half-way (its IDT, its stack, or the
 * stack of #DF lies on a page that is not mapped yet) is delivered again, once,
 * with its error code, and not lost: interrupts, NMIs, exceptions and INT n
 * (APM vol. 2, EXITINTINFO: "the hypervisor can re-inject the event"); also
 * where user space swaps the memory slot below the IDT in between.
 */
#include "apic.h"
#include "lodge_test.h"

#define GPA	0x10000000UL		/* slot 1: never touched before */
#define SIZE	(16 * PAGE_SIZE)
#define VECTOR	0x55

static volatile uint32_t taken[256];
static volatile uint64_t error;

static GUEST_HANDLER void count(struct trap_frame *frame)
{
	taken[frame->vector]++;
	error = frame->error;
	if (frame->vector >= 32)
		xapic_write(APIC_EOI, 0);
}

static void set_up(void)
{
	unsigned int i;

	for (i = 0; i < 256; i++)
		guest_handlers[i] = count;
	xapic_enable();
}

/* Switches to a stack on a fresh page for the time of @insn. */
#define ON_FRESH_STACK(page, insn) ({					\
	__asm__ volatile("movq %%rsp, %%rbx; movq %0, %%rsp\n\t"	\
			 insn "\n\t"					\
			 "movq %%rbx, %%rsp"				\
			 : : "r"(GPA + (page) * PAGE_SIZE)		\
			 : "rax", "rbx", "memory", "cc");		\
})

static void guest_stack(void)
{
	set_up();
	xapic_icr(0, APIC_DEST_SELF | APIC_DM_FIXED | VECTOR);
	ON_FRESH_STACK(2, "sti; nop; nop; cli");
	GUEST_ASSERT_EQ(1, taken[VECTOR]);
	ON_FRESH_STACK(4, "int3");
	GUEST_ASSERT_EQ(1, taken[VEC_BP]);
	ON_FRESH_STACK(6, "int $0x77");
	GUEST_ASSERT_EQ(1, taken[0x77]);
	xapic_icr(0, APIC_DM_NMI);
	GUEST_ASSERT_EQ(1, taken[VEC_NMI]);
	guest_done();
}

FIXTURE(again) {
	struct vm *vm;
	char *mem;
};

FIXTURE_SETUP(again)
{
	self->vm = vm_create_irqchip();
	self->mem = anon_pages(SIZE);
	madvise(self->mem, SIZE, MADV_NOHUGEPAGE);
	vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
}

FIXTURE_TEARDOWN(again)
{
	vm_free(self->vm);
}

TEST_F(again, stack_not_yet_mapped)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_stack));
}

static void guest_idt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { 0xfff, GPA };

	set_up();
	__asm__ volatile("lidt %0" : : "m"(idtr));
	guest_sync(1);			/* the host renews the slot */
	xapic_icr(0, APIC_DEST_SELF | APIC_DM_FIXED | VECTOR);
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken[VECTOR]);
	guest_sync(2);
	__asm__ volatile("int $0x66");
	GUEST_ASSERT_EQ(1, taken[0x66]);
	guest_sync(3);
	__asm__ volatile("int3");
	GUEST_ASSERT_EQ(1, taken[VEC_BP]);
	guest_sync(4);
	GUEST_ASSERT_EQ(0, taken[VEC_PF]);
	guest_done();
}

TEST_F(again, idt_not_yet_mapped)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_idt);
	unsigned int stage;

	memcpy(self->mem, vm_hva(self->vm, GPA_IDT), PAGE_SIZE);
	for (stage = 1; stage <= 4; stage++) {
		ASSERT_STAGE(stage, vcpu);
		vm_slot(self->vm, 1, 0, 0, 0, 0);
		vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
		if (stage == 4)
			must_ioctl(vcpu->fd, KVM_NMI, 0);
	}
	ASSERT_DONE(vcpu);
	EXPECT_EQ(1, guest_var(self->vm, taken)[VEC_NMI]);
}

/* #PF with its error code and CR2, through an IDT that is not mapped yet. */
static void guest_fault(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { 0xfff, GPA };

	__asm__ volatile("lidt %0" : : "m"(idtr));
	guest_sync(1);
	GUEST_ASSERT_EQ(VEC_PF, guest_try("movb $1, (%1)", (),
					  ("r"(1UL << 40))));
	GUEST_ASSERT_EQ(2, guest_try_error);
	GUEST_ASSERT_EQ(1UL << 40, read_cr2());
	guest_sync(2);
	GUEST_ASSERT_EQ(VEC_GP, guest_try("mov %w1, %%fs", (), ("r"(0x38))));
	GUEST_ASSERT_EQ(0x38, guest_try_error);
	guest_done();
}

TEST_F(again, exception_keeps_its_error_code)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_fault);
	unsigned int stage;

	memcpy(self->mem, vm_hva(self->vm, GPA_IDT), PAGE_SIZE);
	for (stage = 1; stage <= 2; stage++) {
		ASSERT_STAGE(stage, vcpu);
		vm_slot(self->vm, 1, 0, 0, 0, 0);
		vm_slot(self->vm, 1, 0, GPA, SIZE, self->mem);
	}
	ASSERT_DONE(vcpu);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
