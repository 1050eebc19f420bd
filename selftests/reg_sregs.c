// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: KVM_SET_SREGS then KVM_GET_SREGS gives back what was set, the reset
 * state is that of APM vol. 2, Processor Initialization State, and values
 * that no CPU can hold (reserved bits of CR0 and CR4, paging without
 * protection, long mode without PAE) are refused with -EINVAL and change
 * nothing.
 */
#include "lodge_test.h"

static void guest_nop(void)
{
	guest_done();
}

FIXTURE(sregs) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(sregs)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_nop);
}

FIXTURE_TEARDOWN(sregs)
{
	vm_free(self->vm);
}

TEST_F(sregs, reset_state)
{
	struct vcpu *vcpu = vcpu_create_bare(self->vm, 1);
	struct kvm_sregs s;
	struct kvm_regs r;

	vcpu_sregs(vcpu, &s);
	vcpu_regs(vcpu, &r);
	EXPECT_EQ(0x60000010, s.cr0);
	EXPECT_EQ(0, s.cr2);
	EXPECT_EQ(0, s.cr3);
	EXPECT_EQ(0, s.cr4);
	EXPECT_EQ(0, s.efer);
	EXPECT_EQ(0xf000, s.cs.selector);
	EXPECT_EQ(0xffff0000, s.cs.base);
	EXPECT_EQ(0xffff, s.cs.limit);
	EXPECT_EQ(0, s.ds.selector);
	EXPECT_EQ(0, s.ds.base);
	EXPECT_EQ(0xffff, s.ds.limit);
	EXPECT_EQ(0xffff, s.gdt.limit);
	EXPECT_EQ(0xffff, s.idt.limit);
	EXPECT_EQ(0xfff0, r.rip);
	EXPECT_EQ(2, r.rflags);
	EXPECT_EQ(0xfee00000, s.apic_base & ~0xfffUL);
}

TEST_F(sregs, round_trip)
{
	struct kvm_sregs set, get;

	vcpu_sregs(self->vcpu, &set);
	set.cr2 = 0x123456789abc;
	set.cr8 = 5;
	set.fs.base = 0x7fff12345678;
	set.gs.base = 0xffff888012345678;
	set.ds.selector = 0x33;
	set.ds.dpl = 3;
	set.ldt.base = 0x5000;
	set.ldt.limit = 0xff;
	set.ldt.selector = 0x40;
	set.ldt.type = 2;
	set.ldt.present = 1;
	set.ldt.unusable = 0;
	set.gdt.limit = 0x1234;
	set.idt.base = 0x9000;
	must_ioctl(self->vcpu->fd, KVM_SET_SREGS, &set);
	vcpu_sregs(self->vcpu, &get);
	EXPECT_EQ(set.cr0, get.cr0);
	EXPECT_EQ(set.cr2, get.cr2);
	EXPECT_EQ(set.cr3, get.cr3);
	EXPECT_EQ(set.cr4, get.cr4);
	EXPECT_EQ(set.cr8, get.cr8);
	EXPECT_EQ(set.efer, get.efer);
	EXPECT_EQ(set.apic_base, get.apic_base);
#define SEG(s)	EXPECT_EQ(0, memcmp(&set.s, &get.s, sizeof(set.s)))
	SEG(cs);
	SEG(ds);
	SEG(es);
	SEG(fs);
	SEG(gs);
	SEG(ss);
	SEG(tr);
	SEG(ldt);
	EXPECT_EQ(set.gdt.base, get.gdt.base);
	EXPECT_EQ(set.gdt.limit, get.gdt.limit);
	EXPECT_EQ(set.idt.base, get.idt.base);
	EXPECT_EQ(set.idt.limit, get.idt.limit);
}

static void guest_sees(void)
{
	uint16_t gs;
	uint64_t v;

	GUEST_ASSERT_EQ(0xabcdef, read_cr2());
	GUEST_ASSERT_EQ(0xd01UL, rdmsr(0xc0000080));
	GUEST_ASSERT_EQ(0x7fff12345678UL, rdmsr(0xc0000100));
	__asm__ volatile("mov %%gs, %0" : "=r"(gs));
	GUEST_ASSERT_EQ(SEL_DATA, gs);
	__asm__ volatile("movq %%gs:8, %0" : "=r"(v));
	GUEST_ASSERT_EQ(0x1122334455667788UL, v);
	guest_done();
}

TEST_F(sregs, the_guest_sees_them)
{
	const uint64_t v = 0x1122334455667788;
	struct kvm_sregs s;

	vcpu_entry(self->vcpu, guest_sees, 0);
	memcpy(vm_hva(self->vm, GPA_SCRATCH + 8), &v, sizeof(v));
	vcpu_sregs(self->vcpu, &s);
	s.cr2 = 0xabcdef;
	s.fs.base = 0x7fff12345678;
	s.gs.base = GPA_SCRATCH;
	must_ioctl(self->vcpu->fd, KVM_SET_SREGS, &s);
	ASSERT_DONE(self->vcpu);
}

#define REFUSED(change) do {						\
	struct kvm_sregs before, bad, after;				\
	vcpu_sregs(self->vcpu, &before);				\
	bad = before;							\
	change;								\
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_SREGS, &bad)) \
		TH_LOG("%s is taken", #change);				\
	vcpu_sregs(self->vcpu, &after);					\
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));		\
} while (0)

TEST_F(sregs, impossible_ones_are_refused)
{
	REFUSED(bad.cr4 |= 1UL << 15);		/* reserved */
	REFUSED(bad.cr4 |= 1UL << 40);
	REFUSED(bad.cr0 |= 1UL << 40);
	REFUSED(bad.cr0 |= 1UL << 29; bad.cr0 &= ~(1UL << 30)); /* NW, no CD */
	REFUSED(bad.cr0 &= ~1UL);		/* PG without PE */
	REFUSED(bad.cr4 &= ~(1UL << 5));	/* LMA without PAE */
	REFUSED(bad.cr3 |= 1UL << 62);		/* past MAXPHYADDR */
	REFUSED(bad.apic_base |= 1UL << 62);
	ASSERT_DONE(self->vcpu);
}

TEST_F(sregs, pending_interrupt_bitmap)
{
	struct kvm_sregs s, get;

	vcpu_sregs(self->vcpu, &s);
	s.interrupt_bitmap[1] = 1UL << 5;
	must_ioctl(self->vcpu->fd, KVM_SET_SREGS, &s);
	vcpu_sregs(self->vcpu, &get);
	EXPECT_EQ(1UL << 5, get.interrupt_bitmap[1]);
	EXPECT_EQ(0, get.interrupt_bitmap[0]);
}

LODGE_TEST_MAIN()
