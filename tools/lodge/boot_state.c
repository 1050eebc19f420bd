// SPDX-License-Identifier: GPL-2.0
/*
 * The machine state that the boot protocols ask for: Documentation/x86/boot.rst,
 * "64-bit Boot Protocol", and for PVH Xen's "x86/HVM direct boot ABI".
 */
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "boot_state.h"
#include "layout.h"

#define CR0_PE		(1u << 0)
#define CR0_ET		(1u << 4)
#define CR0_NE		(1u << 5)
#define CR0_PG		(1u << 31)
#define CR4_PAE		(1u << 5)
#define EFER_LME	(1u << 8)
#define EFER_LMA	(1u << 10)
#define RFLAGS_FIXED	(1u << 1)

#define PTE_PRESENT	(1u << 0)
#define PTE_WRITE	(1u << 1)
#define PTE_LARGE	(1u << 7)

#define PAGE_SIZE	4096
#define PAGE_ENTRIES	512
#define IDENTITY_GIB	4

/* Segment types: code read/execute accessed, data read/write, busy TSS. */
#define TYPE_CODE	0xb
#define TYPE_DATA	0x3
#define TYPE_TSS	0xb

#define BOOT_CS		0x10
#define BOOT_DS		0x18
#define BOOT_TR		0x20

static void identity_map_write(struct guest_memory *mem)
{
	uint64_t *pml4 = guest_memory_at(mem, GPA_PAGE_TABLES, (2 + IDENTITY_GIB) * PAGE_SIZE);
	uint64_t *pdpt = pml4 + PAGE_ENTRIES;
	uint64_t *pd = pdpt + PAGE_ENTRIES;

	pml4[0] = (GPA_PAGE_TABLES + PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < IDENTITY_GIB; i++)
		pdpt[i] = (GPA_PAGE_TABLES + (2 + i) * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < IDENTITY_GIB * PAGE_ENTRIES; i++)
		pd[i] = i * MIB(2) | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

/* The descriptor that loads as seg: SDM vol. 3, "Segment Descriptors". */
static uint64_t descriptor(const struct kvm_segment *seg)
{
	uint64_t limit = seg->g ? seg->limit >> 12 : seg->limit;
	uint64_t low = (limit & 0xffff) | (seg->base & 0xffffff) << 16;
	uint64_t attributes = seg->type | seg->s << 4 | seg->dpl << 5 | seg->present << 7 |
			      ((limit >> 16) & 0xf) << 8 | seg->l << 13 | seg->db << 14 |
			      seg->g << 15;

	return low | attributes << 40 | (seg->base >> 24) << 56;
}

static void segments_set(struct kvm_sregs *sregs, struct guest_memory *mem, bool long_mode)
{
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = BOOT_CS, .type = TYPE_CODE,
		.present = 1, .s = 1, .g = 1, .l = long_mode, .db = !long_mode,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = BOOT_DS, .type = TYPE_DATA,
		.present = 1, .s = 1, .g = 1, .db = 1,
	};
	struct kvm_segment tss = {
		.limit = 0x67, .selector = BOOT_TR, .type = TYPE_TSS, .present = 1,
	};
	uint64_t *gdt;

	/* The TSS descriptor of long mode takes two entries; its base is zero. */
	sregs->gdt.base = GPA_GDT;
	sregs->gdt.limit = BOOT_TR + 16 - 1;
	gdt = guest_memory_at(mem, GPA_GDT, sregs->gdt.limit + 1);
	gdt[BOOT_CS / 8] = descriptor(&code);
	gdt[BOOT_DS / 8] = descriptor(&data);
	gdt[BOOT_TR / 8] = descriptor(&tss);

	sregs->cs = code;
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
	sregs->tr = tss;
	/* No interrupt descriptor: any exception before the kernel's own is fatal. */
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
}

int boot_state_set(int vcpu_fd, struct guest_memory *mem, const struct boot *boot)
{
	bool long_mode = boot->entry == BOOT_LONG_MODE;
	struct kvm_regs regs = {
		.rip = boot->entry_gpa,
		.rflags = RFLAGS_FIXED,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs))
		return complain("KVM_GET_SREGS: %m");
	segments_set(&sregs, mem, long_mode);
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE;
	sregs.cr4 = 0;
	if (long_mode) {
		identity_map_write(mem);
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = GPA_PAGE_TABLES;
		sregs.cr4 = CR4_PAE;
		sregs.efer |= EFER_LME | EFER_LMA;
		regs.rsi = boot->info_gpa;
	} else {
		/* "cr0: bit 0 (PE) must be set. All the other writeable bits are cleared." */
		sregs.cr0 = CR0_PE | CR0_ET;
		regs.rbx = boot->info_gpa;
	}
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs))
		return complain("KVM_SET_SREGS: %m");
	if (ioctl(vcpu_fd, KVM_SET_REGS, &regs))
		return complain("KVM_SET_REGS: %m");
	return 0;
}
