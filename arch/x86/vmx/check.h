/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rules that a VM entry checks, over a VMCS or an image of one; see
 * entry_check.h.  A field's number is its encoding, a fact's is above all of those.
 *
 * A rule reads a field only where the controls say that it counts: the CPU may not
 * have it otherwise.
 */
#ifndef LODGE_VMX_CHECK_H
#define LODGE_VMX_CHECK_H

#include <linux/types.h>
#include <asm/vmx.h>

#include "entry_check.h"

enum vmx_check_fact {
	VMX_CF_FACTS = 0x10000,
	VMX_CF_PHYS_BITS = VMX_CF_FACTS,	/* width of a physical address */
	VMX_CF_LINEAR_BITS,			/* of a linear address, as the CPU supports it */
	/* Of each control word: bits that must be one, and after them those that may be. */
	VMX_CF_PIN_FIXED, VMX_CF_PIN_ALLOWED,
	VMX_CF_CPU_FIXED, VMX_CF_CPU_ALLOWED,
	VMX_CF_CPU2_FIXED, VMX_CF_CPU2_ALLOWED,
	VMX_CF_EXIT_FIXED, VMX_CF_EXIT_ALLOWED,
	VMX_CF_ENTRY_FIXED, VMX_CF_ENTRY_ALLOWED,
	/* Capability MSRs, as they are. */
	VMX_CF_CR0_FIXED0, VMX_CF_CR0_FIXED1, VMX_CF_CR4_FIXED0, VMX_CF_CR4_FIXED1,
	VMX_CF_BASIC, VMX_CF_MISC, VMX_CF_EPT_VPID,
	/* Bits of MSRs that may be one. */
	VMX_CF_EFER_VALID, VMX_CF_DEBUGCTL_VALID, VMX_CF_PERF_GLOBAL_VALID,
	VMX_CF_VTPR,			/* of the virtual-APIC page, where there is one */
	VMX_CF_HAS_RTM, VMX_CF_HAS_SGX, VMX_CF_HAS_LAM,
	/* How the entry failed: a basic exit reason, or the VM-instruction error, else 0. */
	VMX_CF_EXIT_REASON, VMX_CF_INSTRUCTION_ERROR,
	VMX_CF_QUALIFICATION,		/* of reason 33 */
	/* The entry of the MSR-load area that could not be loaded, from 1, and what it says. */
	VMX_CF_MSR_NUMBER, VMX_CF_MSR_INDEX, VMX_CF_MSR_RESERVED, VMX_CF_MSR_DATA,
	VMX_CF_END,
};

#define VMX_NR_FACTS	(VMX_CF_END - VMX_CF_FACTS)

/* Which of the rules of the table that fits the failure is broken. */
bool vmx_check(const struct lodge_checker *c, struct lodge_check_report *report);

/* The manual's name of a field or a fact. */
const char *vmx_check_name(u32 field);

extern const struct lodge_rules vmx_rules_instruction, vmx_rules_controls, vmx_rules_host,
	vmx_rules_guest, vmx_rules_segments, vmx_rules_state, vmx_rules_msr_load;

/* --- for the tables --- */

#define VMX_V(field)	lodge_check_read(c, field)
#define VMX_BROKEN(fn)	static bool fn(const struct lodge_checker *c, const struct lodge_rule *r)

#define VMX_TABLE(table)								\
	const struct lodge_rules vmx_rules_##table = {				\
		rules_##table, ARRAY_SIZE(rules_##table) }

static inline bool vmx_check_pin(const struct lodge_checker *c, u32 bits)
{
	return VMX_V(PIN_BASED_VM_EXEC_CONTROL) & bits;
}

static inline bool vmx_check_cpu(const struct lodge_checker *c, u32 bits)
{
	return VMX_V(CPU_BASED_VM_EXEC_CONTROL) & bits;
}

/* The secondary controls are zero where they are not activated. */
static inline bool vmx_check_cpu2(const struct lodge_checker *c, u32 bits)
{
	return vmx_check_cpu(c, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS) &&
	       (VMX_V(SECONDARY_VM_EXEC_CONTROL) & bits);
}

static inline bool vmx_check_on_exit(const struct lodge_checker *c, u32 bits)
{
	return VMX_V(VM_EXIT_CONTROLS) & bits;
}

static inline bool vmx_check_on_entry(const struct lodge_checker *c, u32 bits)
{
	return VMX_V(VM_ENTRY_CONTROLS) & bits;
}

static inline bool vmx_check_unrestricted(const struct lodge_checker *c)
{
	return vmx_check_cpu2(c, SECONDARY_EXEC_UNRESTRICTED_GUEST);
}

/* @address is not a multiple of @align, or ends beyond physical memory. */
static inline bool vmx_check_bad_address(const struct lodge_checker *c, u64 address, u64 align)
{
	return (address & (align - 1)) || lodge_check_beyond(address, VMX_V(VMX_CF_PHYS_BITS));
}

static inline bool vmx_check_bad_page(const struct lodge_checker *c, u32 field)
{
	return vmx_check_bad_address(c, VMX_V(field), 4096);
}

/* Linear-address masking has two bits of CR3, which no address reaches. */
static inline bool vmx_check_bad_cr3(const struct lodge_checker *c, u64 cr3)
{
	if (VMX_V(VMX_CF_HAS_LAM))
		cr3 &= ~(3ull << 61);
	return lodge_check_beyond(cr3, VMX_V(VMX_CF_PHYS_BITS));
}

static inline bool vmx_check_not_canonical(const struct lodge_checker *c, u64 address)
{
	return lodge_check_not_canonical(address, VMX_V(VMX_CF_LINEAR_BITS));
}

/* An event is injected, of @type (INTR_TYPE_*). */
static inline bool vmx_check_injects(const struct lodge_checker *c, u32 type)
{
	u32 info = VMX_V(VM_ENTRY_INTR_INFO_FIELD);

	return (info & INTR_INFO_VALID_MASK) && (info & INTR_INFO_INTR_TYPE_MASK) == type;
}

#endif
