// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: exceptions that the guest raises come with the right vector, error
 * code, RIP (of the instruction for a fault, behind it for a trap) and CR2,
 * also where they are raised by an instruction that is emulated or intercepted
 * (APM vol. 2, Exceptions and Interrupts); an exception that user space queues
 * by KVM_SET_VCPU_EVENTS arrives with its error code before the next
 * instruction; and #PF while #PF is delivered is #DF.
 */
#include <asm/msr-index.h>

#include "lodge_test.h"

static volatile struct {
	uint64_t count, error, rip, cr2, rflags;
} seen[32];

/* Notes what came; the fault of an instruction of @skip bytes is passed over. */
static volatile uint64_t skip;

static GUEST_HANDLER void note(struct trap_frame *frame)
{
	unsigned int v = frame->vector;

	seen[v].count++;
	seen[v].error = frame->error;
	seen[v].rip = frame->rip;
	seen[v].rflags = frame->rflags;
	seen[v].cr2 = read_cr2();
	frame->rip += skip;
}

FIXTURE(exception) {
	struct vm *vm;
};

FIXTURE_SETUP(exception)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(exception)
{
	vm_free(self->vm);
}

static void guest_faults(void)
{
	uint64_t nowhere = (1UL << 40) + 0x123;

	GUEST_ASSERT_EQ(VEC_UD, guest_try("ud2", (), ()));
	GUEST_ASSERT_EQ(VEC_PF, guest_try("movb $0, (%1)", (), ("r"(nowhere))));
	GUEST_ASSERT_EQ(2, guest_try_error);
	GUEST_ASSERT_EQ(nowhere, read_cr2());
	GUEST_ASSERT_EQ(VEC_PF, guest_try("movb (%1), %%al", (),
					  ("r"(nowhere)), "rax"));
	GUEST_ASSERT_EQ(0, guest_try_error);
	GUEST_ASSERT_EQ(VEC_GP, guest_try("movb (%1), %%al", (),
					  ("r"(1UL << 62)), "rax"));
	GUEST_ASSERT_EQ(0, guest_try_error);
	/* Past the limit of the GDT: the selector is the error code. */
	GUEST_ASSERT_EQ(VEC_GP, guest_try("mov %w1, %%fs", (), ("r"(0x38))));
	GUEST_ASSERT_EQ(0x38, guest_try_error);
	guest_done();
}

TEST_F(exception, of_plain_instructions)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_faults));
}

/* Faults of instructions that the CPU hands to the hypervisor. */
static void guest_intercepted(void)
{
	uint64_t v;

	GUEST_ASSERT_EQ(VEC_GP, rdmsr_try(0xdeadbeef, &v));
	GUEST_ASSERT_EQ(0, guest_try_error);
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(0xdeadbeef, 1));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_EFER, 1UL << 40));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_IA32_APICBASE, 1UL << 62));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_MTRRdefType, 0xff));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_IA32_CR_PAT, 2));
	GUEST_ASSERT_EQ(VEC_GP, write_cr0_try(read_cr0() & ~1UL));
	GUEST_ASSERT_EQ(VEC_GP, write_cr4_try(read_cr4() | 1UL << 15));
	GUEST_ASSERT_EQ(VEC_GP, write_cr4_try(read_cr4() & ~0x20UL));
	GUEST_ASSERT_EQ(VEC_GP, write_cr8_try(1UL << 32));
	/* CR4.OSXSAVE is clear. */
	GUEST_ASSERT_EQ(VEC_UD, guest_try("xsetbv", (),
					  ("c"(0), "a"(1), "d"(0))));
	guest_done();
}

TEST_F(exception, of_intercepted_instructions)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_intercepted));
}

static void guest_traps(void)
{
	uint64_t at;

	guest_handlers[VEC_BP] = note;
	__asm__ volatile("leaq 1f(%%rip), %0; int3; 1:" : "=r"(at));
	GUEST_ASSERT_EQ(1, seen[VEC_BP].count);
	GUEST_ASSERT_EQ(at, seen[VEC_BP].rip);
	/* A fault: RIP is on the instruction. */
	guest_handlers[VEC_UD] = note;
	skip = 2;
	__asm__ volatile("leaq 1f(%%rip), %0; 1: ud2" : "=r"(at));
	GUEST_ASSERT_EQ(at, seen[VEC_UD].rip);
	/* Single step: behind the instruction that it was set for. */
	skip = 0;
	guest_handlers[VEC_DB] = note;
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq;"
			 "nop; 1: pushfq; andl $~0x100, (%%rsp); popfq;"
			 "leaq 1b(%%rip), %0" : "=r"(at) : : "memory", "cc");
	GUEST_ASSERT(seen[VEC_DB].count >= 3);
	guest_done();
}

TEST_F(exception, traps_and_faults_point_where_they_should)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_traps));
}

/* The trap flag over instructions that exit: #DB comes behind each. */
static void guest_step_over_exits(void)
{
	uint64_t at;

	guest_handlers[VEC_DB] = note;
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t"
			 "xorl %%eax, %%eax; cpuid; 1: nop\n\t"
			 "pushfq; andl $~0x100, (%%rsp); popfq\n\t"
			 "leaq 1b(%%rip), %0"
			 : "=r"(at) : : "rax", "rbx", "rcx", "rdx", "memory",
			 "cc");
	/* XOR, CPUID, NOP, PUSHF, AND; and POPF, whose TF was still set. */
	GUEST_ASSERT_EQ(6, seen[VEC_DB].count);
	guest_done();
}

TEST_F(exception, single_step_over_an_exit)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_step_over_exits));
}

static void guest_queued(void)
{
	guest_handlers[VEC_GP] = note;
	guest_sync(1);
	GUEST_ASSERT_EQ(1, seen[VEC_GP].count);
	GUEST_ASSERT_EQ(0x5678, seen[VEC_GP].error);
	guest_done();
}

TEST_F(exception, queued_by_user_space)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_queued);
	struct kvm_vcpu_events events;

	ASSERT_STAGE(1, vcpu);
	must_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	events.exception.injected = 1;
	events.exception.nr = VEC_GP;
	events.exception.has_error_code = 1;
	events.exception.error_code = 0x5678;
	must_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	ASSERT_DONE(vcpu);
}

static GUEST_HANDLER void on_double_fault(struct trap_frame *frame)
{
	GUEST_ASSERT_EQ(0, frame->error);
	GUEST_ASSERT_EQ((1UL << 40) - 8, read_cr2());
	guest_done();
}

static void guest_double_fault(void)
{
	guest_handlers[VEC_DF] = on_double_fault;
	/* The stack is gone, so #PF cannot be delivered; #DF has its own. */
	__asm__ volatile("movq %0, %%rsp; pushq $0" : : "r"(1UL << 40));
}

TEST_F(exception, double_fault)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_double_fault));
}

LODGE_TEST_MAIN(KVM_CAP_VCPU_EVENTS)
