// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: the module walks a guest's page tables as the CPU does (APM vol. 2,
 * Page Translation and Protection): without paging, with 2 levels and pages of
 * 4 KiB and 4 MiB (PSE-36 too), PAE, and 4 levels with pages of 4 KiB, 2 MiB and
 * 1 GiB.  Reserved bits and entries that are not present end the walk, accessed
 * bits are set in what it used, and tables that are in no memory are no tables.
 */
#include "lodge_test.h"

#define TOP	GPA_FREE		/* the table that CR3 points to */
#define MID	(GPA_FREE + 0x1000)
#define LOW	(GPA_FREE + 0x2000)
#define LAST	(GPA_FREE + 0x3000)
#define NOWHERE	GPA_MMIO

#define P	0x1ul
#define W	0x2ul
#define A	0x20ul
#define D	0x40ul
#define PS	0x80ul
#define NX	(1ul << 63)

#define CR0_PE	0x1ul
#define CR0_PG	(1ul << 31)
#define CR4_PSE	0x10ul
#define CR4_PAE	0x20ul
#define LME_LMA	0x500ul
#define NXE	0x800ul

FIXTURE(walk) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(walk)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create_bare(self->vm, 0);
	vcpu_set_cpuid(self->vcpu, self->vm->cpuid);
}

FIXTURE_TEARDOWN(walk)
{
	vm_free(self->vm);
}

static void put64(struct vm *vm, uint64_t table, unsigned int index, uint64_t entry)
{
	((uint64_t *)vm_hva(vm, table))[index] = entry;
}

static uint64_t get64(struct vm *vm, uint64_t table, unsigned int index)
{
	return ((uint64_t *)vm_hva(vm, table))[index];
}

static void put32(struct vm *vm, uint64_t table, unsigned int index, uint32_t entry)
{
	((uint32_t *)vm_hva(vm, table))[index] = entry;
}

static void paging(struct vcpu *vcpu, uint64_t cr3, uint64_t cr4, uint64_t efer)
{
	struct kvm_sregs s;

	vcpu_sregs(vcpu, &s);
	s.cr0 |= CR0_PE | CR0_PG;
	s.cr3 = cr3;
	s.cr4 = cr4;
	s.efer = efer;
	s.cs.l = !!(efer & LME_LMA);
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &s);
}

#define NOT_VALID	(~0ul)

static uint64_t translate(struct vcpu *vcpu, uint64_t linear)
{
	struct kvm_translation t = { .linear_address = linear };

	must_ioctl(vcpu->fd, KVM_TRANSLATE, &t);
	return t.valid ? t.physical_address : NOT_VALID;
}

TEST_F(walk, without_paging)
{
	EXPECT_EQ(0x12345, translate(self->vcpu, 0x12345));
	EXPECT_EQ(0xfffffff0, translate(self->vcpu, 0xfffffff0));
}

TEST_F(walk, two_levels)
{
	put32(self->vm, TOP, 1, MID | P | W);
	put32(self->vm, MID, 2, 0x5000 | P);
	put32(self->vm, TOP, 2, 0x00c00000 | PS | P);
	put32(self->vm, TOP, 3, 0x00c00000 | 3 << 13 | PS | P);
	paging(self->vcpu, TOP, CR4_PSE, 0);
	EXPECT_EQ(0x5678, translate(self->vcpu, 0x402678));
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, 0x403678));
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, 0x1000));
	EXPECT_EQ(0xd23456, translate(self->vcpu, 0x923456));
	EXPECT_EQ(0x300d23456, translate(self->vcpu, 0xd23456));

	/* Bit 21 of a large page's entry is reserved. */
	put32(self->vm, TOP, 2, 0x00e00000 | PS | P);
	paging(self->vcpu, TOP, CR4_PSE, 0);
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, 0x923456));

	/* Without PSE the bit says nothing: it is a table. */
	put32(self->vm, TOP, 2, MID | PS | P);
	paging(self->vcpu, TOP, 0, 0);
	EXPECT_EQ(0x5678, translate(self->vcpu, 0x802678));
}

TEST_F(walk, pae)
{
	put64(self->vm, TOP, 1, MID | P);
	put64(self->vm, MID, 0, LOW | P | W);
	put64(self->vm, MID, 1, 0x1200000 | PS | P);
	put64(self->vm, MID, 2, 0x1200000 | PS | P | NX);
	put64(self->vm, MID, 3, 0x1200000 | PS | P | 1ul << 55);
	put64(self->vm, LOW, 3, 0x200005000 | P);
	paging(self->vcpu, TOP, CR4_PAE, 0);
	EXPECT_EQ(0x200005678, translate(self->vcpu, 0x40003678));
	EXPECT_EQ(0x1234567, translate(self->vcpu, 0x40234567));
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, 0x40434567));
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, 0x40634567));
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, 0x3678));
	/* With EFER.NXE the bit is not reserved; this is no fetch. */
	paging(self->vcpu, TOP, CR4_PAE, NXE);
	EXPECT_EQ(0x1234567, translate(self->vcpu, 0x40434567));
}

static void four_levels(struct vm *vm)
{
	put64(vm, TOP, 256, MID | P | W);
	put64(vm, MID, 0, LOW | P | W);
	put64(vm, LOW, 0, LAST | P | W);
	put64(vm, LOW, 1, 0x1200000 | PS | P);
	put64(vm, LAST, 3, 0x5000 | P);
}

#define BASE	0xffff800000000000ul

TEST_F(walk, long_mode)
{
	four_levels(self->vm);
	paging(self->vcpu, TOP, CR4_PAE, LME_LMA | NXE);
	EXPECT_EQ(0x5678, translate(self->vcpu, BASE + 0x3678));
	EXPECT_EQ(0x1234567, translate(self->vcpu, BASE + 0x234567));
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, BASE + 0x4678));
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, 0x3678));
}

TEST_F(walk, accessed_bits)
{
	four_levels(self->vm);
	paging(self->vcpu, TOP, CR4_PAE, LME_LMA | NXE);
	EXPECT_EQ(0x5678, translate(self->vcpu, BASE + 0x3678));
	EXPECT_EQ(MID | P | W | A, get64(self->vm, TOP, 256));
	EXPECT_EQ(LOW | P | W | A, get64(self->vm, MID, 0));
	EXPECT_EQ(LAST | P | W | A, get64(self->vm, LOW, 0));
	/* Read, and not written. */
	EXPECT_EQ(0x5000 | P | A, get64(self->vm, LAST, 3));
	/* What was not used stays as it was; again all goes by what is there. */
	EXPECT_EQ(0x1200000 | PS | P, get64(self->vm, LOW, 1));
	EXPECT_EQ(0x5678, translate(self->vcpu, BASE + 0x3678));
}

TEST_F(walk, gigabyte_pages)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(self->vm->cpuid, 0x80000001, 0);

	if (!e || !(e->edx >> 26 & 1))
		SKIP(return, "the CPU has no pages of 1 GiB");
	four_levels(self->vm);
	put64(self->vm, MID, 1, 0x80000000 | PS | P);
	put64(self->vm, MID, 2, 0x80002000 | PS | P);
	paging(self->vcpu, TOP, CR4_PAE, LME_LMA | NXE);
	EXPECT_EQ(0x92345678, translate(self->vcpu, BASE + 0x52345678));
	/* Bits 13 to 29 are reserved. */
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, BASE + 0x92345678));
}

TEST_F(walk, reserved_bits)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(self->vm->cpuid, 0x80000008, 0);
	int bits = e ? e->eax & 0xff : 36;

	four_levels(self->vm);
	paging(self->vcpu, TOP, CR4_PAE, LME_LMA);
	EXPECT_EQ(0x5678, translate(self->vcpu, BASE + 0x3678));
	/* NX without EFER.NXE. */
	put64(self->vm, LAST, 3, 0x5000 | P | NX);
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, BASE + 0x3678));
	/* The software's bits are free. */
	put64(self->vm, LAST, 3, 0x5000 | P | 1ul << 55);
	EXPECT_EQ(0x5678, translate(self->vcpu, BASE + 0x3678));
	if (bits < 52) {
		put64(self->vm, LAST, 3, 0x5000 | P | 1ul << bits);
		EXPECT_EQ(NOT_VALID, translate(self->vcpu, BASE + 0x3678));
	}
	put64(self->vm, LAST, 3, 0x5000 | P);
	put64(self->vm, LOW, 1, 0x1202000 | PS | P);
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, BASE + 0x234567));
	/* No page is as large as an entry of level 4. */
	put64(self->vm, TOP, 256, MID | P | W | PS);
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, BASE + 0x3678));
}

TEST_F(walk, tables_in_no_memory)
{
	paging(self->vcpu, NOWHERE, CR4_PAE, LME_LMA | NXE);
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, BASE + 0x3678));
	four_levels(self->vm);
	put64(self->vm, LOW, 0, NOWHERE | P | W);
	paging(self->vcpu, TOP, CR4_PAE, LME_LMA | NXE);
	EXPECT_EQ(NOT_VALID, translate(self->vcpu, BASE + 0x3678));
	EXPECT_EQ(0x1234567, translate(self->vcpu, BASE + 0x234567));
}

/* Tables in read-only memory are used, and left unmarked. */
TEST_F(walk, tables_in_read_only_memory)
{
	uint64_t *tables = anon_pages(4 * PAGE_SIZE);
	uint64_t gpa = 0x10000000;

	tables[256] = (gpa + 0x1000) | P | W;
	tables[512] = (gpa + 0x2000) | P | W;
	tables[1024] = 0x1200000 | PS | P;
	vm_slot(self->vm, 1, KVM_MEM_READONLY, gpa, 4 * PAGE_SIZE, tables);
	paging(self->vcpu, gpa, CR4_PAE, LME_LMA | NXE);
	EXPECT_EQ(0x1234567, translate(self->vcpu, BASE + 0x34567));
	EXPECT_EQ((gpa + 0x1000) | P | W, tables[256]);
	EXPECT_EQ(0x1200000 | PS | P, tables[1024]);
}

LODGE_TEST_MAIN(KVM_CAP_USER_MEMORY, KVM_CAP_READONLY_MEM)
