/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Access to the current VMCS, and where each VMCS is loaded (SDM vol. 3, Use of
 * Virtual-Machine Control Structures).
 *
 * The accessors work on the VMCS that is current on this CPU.  Between
 * lodge_vcpu_load() and lodge_vcpu_put() that is the vCPU's own, also after the
 * thread was preempted and came back: vmx_vcpu_load() makes it current.  Where
 * VMX has been turned off under a vCPU (a CPU going offline, a machine going
 * down), reads give zero and writes are lost; run() reports it.
 */
#ifndef LODGE_VMX_VMCS_H
#define LODGE_VMX_VMCS_H

#include <linux/build_bug.h>
#include <linux/list.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

/* The region the CPU keeps; only its first word is software's (SDM vol. 3, VMCS Region). */
struct vmx_region {
	u32 revision;
	u32 abort;		/* why a VM exit failed; written by the CPU */
	u8 data[];
};

/*
 * A VMCS and its place.  @cpu and @link are changed on the CPU where it is loaded,
 * interrupts off; @cpu is -1 when it is on none.
 */
struct vmx_vmcs {
	struct vmx_region *region;
	u64 pa;
	int cpu;
	struct list_head link;	/* of vmx_cpu.loaded */
};

/* Widths are in the field's encoding, bits 14:13 (SDM vol. 3, Field Encoding in VMCS). */
#define vmcs_check_width(field, width)						\
	BUILD_BUG_ON_MSG(__builtin_constant_p(field) && (((field) >> 13) & 3) != (width), \
			 "VMCS field of another width")

static __always_inline unsigned long vmcs_read(unsigned long field)
{
	unsigned long value;

	asm volatile("1:	vmread %[field], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_ZERO_REG, %[value])
		     : [value] "=r" (value)
		     : [field] "r" (field)
		     : "cc");
	return value;
}

/* The CPU refused: vmcs.c says so, once. */
void vmcs_write_failed(unsigned long field, unsigned long value);
void vmcs_region_failed(const char *what, u64 pa);

static __always_inline void vmcs_write(unsigned long field, unsigned long value)
{
	asm goto("1:	vmwrite %[value], %[field]\n"
		 "	jna %l[failed]\n"
		 _ASM_EXTABLE(1b, %l[off])
		 : : [value] "rm" (value), [field] "r" (field)
		 : "cc" : failed, off);
off:
	return;
failed:
	vmcs_write_failed(field, value);
}

static __always_inline u16 vmcs_read16(unsigned long field)
{
	vmcs_check_width(field, 0);
	return vmcs_read(field);
}

static __always_inline u64 vmcs_read64(unsigned long field)
{
	vmcs_check_width(field, 1);
	return vmcs_read(field);
}

static __always_inline u32 vmcs_read32(unsigned long field)
{
	vmcs_check_width(field, 2);
	return vmcs_read(field);
}

/* "Natural width": 64 bits here. */
static __always_inline unsigned long vmcs_readl(unsigned long field)
{
	vmcs_check_width(field, 3);
	return vmcs_read(field);
}

static __always_inline void vmcs_write16(unsigned long field, u16 value)
{
	vmcs_check_width(field, 0);
	vmcs_write(field, value);
}

static __always_inline void vmcs_write64(unsigned long field, u64 value)
{
	vmcs_check_width(field, 1);
	vmcs_write(field, value);
}

static __always_inline void vmcs_write32(unsigned long field, u32 value)
{
	vmcs_check_width(field, 2);
	vmcs_write(field, value);
}

static __always_inline void vmcs_writel(unsigned long field, unsigned long value)
{
	vmcs_check_width(field, 3);
	vmcs_write(field, value);
}

/* Write back what this CPU holds of a VMCS, and let go of it. */
static __always_inline void vmclear(u64 pa)
{
	asm goto("1:	vmclear %[pa]\n"
		 "	jna %l[failed]\n"
		 _ASM_EXTABLE(1b, %l[off])
		 : : [pa] "m" (pa) : "cc", "memory" : failed, off);
off:
	return;
failed:
	vmcs_region_failed("VMCLEAR", pa);
}

/* Make it the one that VMREAD, VMWRITE and entries work on. */
static __always_inline void vmptrld(u64 pa)
{
	asm goto("1:	vmptrld %[pa]\n"
		 "	jna %l[failed]\n"
		 _ASM_EXTABLE(1b, %l[off])
		 : : [pa] "m" (pa) : "cc", "memory" : failed, off);
off:
	return;
failed:
	vmcs_region_failed("VMPTRLD", pa);
}

/* init.c: 0, -ENOMEM.  A VMCS that is clear and loaded nowhere. */
int vmx_vmcs_alloc(struct vmx_vmcs *vmcs);
void vmx_vmcs_free(struct vmx_vmcs *vmcs);
/*
 * Make it current on this CPU, from wherever it was.  Preemption off, interrupts on.
 * True when it comes from another CPU, or from none.
 */
bool vmx_vmcs_load(struct vmx_vmcs *vmcs);

#endif
