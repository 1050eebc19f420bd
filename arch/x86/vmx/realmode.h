/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guests on a CPU that has no "unrestricted guest": realmode.c has the idea.  All of
 * it is for such a CPU alone, and called only where !vmx_caps.unrestricted, or is
 * without effect elsewhere, since .real and .unpaged stay false and
 * VMX_SLOW_REALMODE clear.  vCPU loaded, unless said.
 */
#ifndef LODGE_VMX_REALMODE_H
#define LODGE_VMX_REALMODE_H

#include <linux/kvm.h>
#include <linux/types.h>

struct page;
struct lodge_vcpu;
struct vmx_vcpu;
struct vmx_vm;

#define VMX_RM_SEGMENTS	6	/* ES, CS, SS, DS, FS, GS */

/* vmx_vcpu.realmode; vcpu->mutex, loaded. */
struct vmx_realmode {
	bool real;		/* the guest has CR0.PE clear */
	bool unpaged;		/* and CR0.PG: the CPU runs on our page table */
	bool loaded;		/* the VMCS has the stand-in: selectors in it are newer than @seg */
	bool direct;		/* INT n, CLI and their like need no exit: IOPL is 3 for the CPU */
	unsigned long iopl;	/* the guest's, in place */
	struct kvm_segment seg[VMX_RM_SEGMENTS];	/* the guest's while @real, */
	struct kvm_segment tr;				/* and TR */
};

/* realmode_map.c: what such a guest's CPU reads of guest-physical memory. */
#define VMX_RM_TSS_LIMIT	(104 + 32 + 8192)	/* one byte of ones ends the I/O map */

struct vmx_realmode_map {
	struct page *page_table;	/* constant; NULL where there is no need of it */
	struct page *tss[3];
};

int vmx_realmode_vm_init(struct vmx_vm *vm);	/* 0 or -ENOMEM */
void vmx_realmode_vm_destroy(struct vmx_vm *vm);
u32 vmx_realmode_cr3(struct vmx_vm *vm);	/* where they are */
u32 vmx_realmode_tss(struct vmx_vm *vm);
/* An EPT violation at @gpa is one of theirs: LODGE_RESUME or -errno; 0: it is not. */
int vmx_realmode_map_page(struct lodge_vcpu *vcpu, u64 gpa);

/* realmode.c */
void vmx_realmode_vcpu_reset(struct vmx_vcpu *vmx);
/* CR0 is to be @cr0: change over.  What the CPU gets of @hw, which is @cr0 made valid. */
unsigned long vmx_realmode_set_cr0(struct vmx_vcpu *vmx, unsigned long cr0, unsigned long hw);
/* What the CPU gets of @cr4, while .unpaged. */
unsigned long vmx_realmode_cr4(const struct vmx_vcpu *vmx, unsigned long cr4);
/* Between RFLAGS as the guest has it and as the CPU has it, while .real. */
unsigned long vmx_realmode_rflags_in(struct vmx_vcpu *vmx, unsigned long rflags);
unsigned long vmx_realmode_rflags_out(const struct vmx_vcpu *vmx, unsigned long rflags);
/* While .real, for all but LDTR. */
void vmx_realmode_get_segment(struct vmx_vcpu *vmx, struct kvm_segment *s, int seg);
void vmx_realmode_set_segment(struct vmx_vcpu *vmx, const struct kvm_segment *s, int seg);
/* While .real, IDTR or a segment is another: look again before the entry. */
void vmx_realmode_changed(struct vmx_vcpu *vmx);

/*
 * VMX_SLOW_REALMODE, before an entry: bring the VMCS to a form that it accepts.  False when
 * there is none: the guest's next instruction is for the emulator.  Any context.
 */
bool vmx_realmode_settle(struct vmx_vcpu *vmx);
/* In place of an entry.  enum lodge_next or -errno. */
int vmx_realmode_emulate(struct lodge_vcpu *vcpu);
/* An exception that is intercepted for being in real mode.  enum lodge_next or -errno. */
int vmx_realmode_exception(struct lodge_vcpu *vcpu, u8 vector);
/* Deliver an event, which returns @len bytes behind RIP, while .real. */
void vmx_realmode_inject(struct lodge_vcpu *vcpu, u8 vector, u8 len);

#endif
