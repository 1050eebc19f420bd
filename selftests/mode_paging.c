// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the guest's own page tables work as the manual says, whatever the
 * pages below them: present, writable, user, no-execute and reserved bits give
 * #PF with the right error code, CR0.WP counts for the supervisor, accessed and
 * dirty bits are set, a change is seen after INVLPG; compatibility mode runs
 * 32-bit code, MMIO included (APM vol. 2, Page Translation and Protection,
 * Page-Fault Error Code).
 */
#include "lodge_test.h"

#define GVA	(1UL << 39)
#define PT	(0x9d000UL + 2 * PAGE_SIZE)	/* the table of vm_map_4k() */

#define P	1UL
#define W	2UL
#define U	4UL
#define A	0x20UL
#define D	0x40UL
#define NX	(1UL << 63)

static void set_pte(uint64_t flags)
{
	volatile uint64_t *pte = (uint64_t *)PT;

	*pte = GPA_FREE | flags;
	invlpg(GVA);
}

static uint64_t pte_flags(void)
{
	return *(volatile uint64_t *)PT & 0xfff;
}

static unsigned int read_try(void)
{
	return guest_try("movb (%1), %%al", (), ("r"(GVA)), "rax");
}

static unsigned int write_try(void)
{
	return guest_try("movb $0x90, (%1)", (), ("r"(GVA)));
}

/* The page begins with a RET; a fault leaves the return address behind. */
static unsigned int fetch_try(void)
{
	unsigned int vec;

	vec = guest_try("call *%1", (), ("r"(GVA)));
	return vec;
}

static volatile uint64_t fetch_fault, fetch_error;

/* Returns from the call that could not be made. */
static GUEST_HANDLER void on_fetch(struct trap_frame *frame)
{
	fetch_fault = read_cr2();
	fetch_error = frame->error;
	frame->rip = *(uint64_t *)frame->rsp;
	frame->rsp += 8;
}

static void guest_permissions(void)
{
	*(volatile uint8_t *)GPA_FREE = 0xc3;
	set_pte(P | W);
	GUEST_ASSERT_EQ(0, read_try());
	GUEST_ASSERT_EQ(P | W | A, pte_flags());
	GUEST_ASSERT_EQ(0, write_try());
	GUEST_ASSERT_EQ(P | W | A | D, pte_flags());

	set_pte(0);
	GUEST_ASSERT_EQ(VEC_PF, read_try());
	GUEST_ASSERT_EQ(0UL, guest_try_error);
	GUEST_ASSERT_EQ(GVA, read_cr2());
	GUEST_ASSERT_EQ(VEC_PF, write_try());
	GUEST_ASSERT_EQ(2UL, guest_try_error);

	set_pte(P);
	GUEST_ASSERT_EQ(0, read_try());
	GUEST_ASSERT_EQ(VEC_PF, write_try());
	GUEST_ASSERT_EQ(3UL, guest_try_error);
	write_cr0(read_cr0() & ~(1UL << 16));		/* WP */
	GUEST_ASSERT_EQ(0, write_try());
	GUEST_ASSERT_EQ(P | A | D, pte_flags());
	write_cr0(read_cr0() | 1UL << 16);
	GUEST_ASSERT_EQ(VEC_PF, write_try());

	set_pte(P | W | 1UL << 51);			/* reserved */
	GUEST_ASSERT_EQ(VEC_PF, read_try());
	GUEST_ASSERT_EQ(8UL, guest_try_error & 8);
	guest_done();
}

static void guest_execution(void)
{
	*(volatile uint8_t *)GPA_FREE = 0xc3;
	set_pte(P | W);
	GUEST_ASSERT_EQ(0, fetch_try());
	guest_handlers[VEC_PF] = on_fetch;
	set_pte(P | W | NX);
	__asm__ volatile("call *%0" : : "r"(GVA) : "memory");
	GUEST_ASSERT_EQ(GVA, fetch_fault);
	GUEST_ASSERT_EQ(0x11UL, fetch_error);
	guest_done();
}

/* A page that is mapped read-only first: its translation must not stick. */
static void guest_changes(void)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		set_pte(P);
		GUEST_ASSERT_EQ(VEC_PF, write_try());
		set_pte(P | W);
		GUEST_ASSERT_EQ(0, write_try());
		*(volatile uint64_t *)PT = (GPA_FREE + PAGE_SIZE) | P | W;
		invlpg(GVA);
		write64(GPA_FREE + PAGE_SIZE, i);
		GUEST_ASSERT_EQ(i, read64(GVA));
	}
	guest_done();
}

static void guest_compatibility(void)
{
	uint64_t v;

	/* Far return to 32-bit code, far jump back. */
	__asm__ volatile("pushq %1; leaq 1f(%%rip), %%rax; pushq %%rax; lretq\n"
			 ".code32\n"
			 "1: movl (%%ebx), %%ecx; incl %%ecx\n"
			 "movl %%ecx, 4(%%ebx); movl %%ecx, %%eax; outl %%eax, $0x10\n"
			 "ljmp $0x08, $2f\n"
			 ".code64\n"
			 "2: movl %%ecx, %k0"
			 : "=&r"(v) : "i"(SEL_CODE32), "b"(GPA_MMIO)
			 : "rax", "rcx", "memory");
	GUEST_ASSERT_EQ(0x42UL, v);
	guest_done();
}

FIXTURE(paging) {
	struct vm *vm;
};

FIXTURE_VARIANT(paging) {
	void (*guest)(void);
};

FIXTURE_VARIANT_ADD(paging, permissions) { guest_permissions };
FIXTURE_VARIANT_ADD(paging, execution) { guest_execution };
FIXTURE_VARIANT_ADD(paging, changes) { guest_changes };

FIXTURE_SETUP(paging)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(paging)
{
	vm_free(self->vm);
}

TEST_F(paging, as_the_manual_says)
{
	vm_map_4k(self->vm, GVA, GPA_FREE, 0);
	ASSERT_DONE(vcpu_create(self->vm, variant->guest));
}

TEST(compatibility_mode)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_compatibility);
	struct kvm_run *run = vcpu->run;

	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(vcpu));
	EXPECT_EQ(0, run->mmio.is_write);
	memcpy(run->mmio.data, "\x41\0\0\0", 4);
	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(vcpu));
	EXPECT_EQ(1, run->mmio.is_write);
	EXPECT_EQ(GPA_MMIO + 4, run->mmio.phys_addr);
	EXPECT_EQ(0x42, run->mmio.data[0]);
	ASSERT_EQ(KVM_EXIT_IO, vcpu_run(vcpu));
	EXPECT_EQ(0x10, run->io.port);
	ASSERT_DONE(vcpu);
	vm_free(vm);
}

LODGE_TEST_MAIN()
