// SPDX-License-Identifier: GPL-2.0
/*
 * What VMLAUNCH and VMRESUME check of the host-state area: where it does not hold,
 * they fail with VM-instruction error 8.  The host is always one in 64-bit mode.
 *
 * Not here: CET state, PKRS and the like, which Lodge's entries never load.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vmx/check.h"

#define REGS	"SDM vol. 3, Checks on Host Control Registers, MSRs, and SSP"
#define SEGS	"SDM vol. 3, Checks on Host Segment and Descriptor-Table Registers"
#define SIZE	"SDM vol. 3, Checks Related to Address-Space Size"
#define OF(...)	LODGE_CHECK_OF(__VA_ARGS__)

/* No exit changes CD and NW, and they are not looked at. */
VMX_BROKEN(cr0_fixed)
{
	u64 cr0 = VMX_V(HOST_CR0) & ~(u64)(X86_CR0_CD | X86_CR0_NW);

	return (~cr0 & VMX_V(VMX_CF_CR0_FIXED0)) || (cr0 & ~VMX_V(VMX_CF_CR0_FIXED1));
}

VMX_BROKEN(cr4_fixed)
{
	u64 cr4 = VMX_V(HOST_CR4);

	return (~cr4 & VMX_V(VMX_CF_CR4_FIXED0)) || (cr4 & ~VMX_V(VMX_CF_CR4_FIXED1));
}

VMX_BROKEN(cet_without_wp)
{
	return (VMX_V(HOST_CR4) & X86_CR4_CET) && !(VMX_V(HOST_CR0) & X86_CR0_WP);
}

VMX_BROKEN(cr3_beyond)
{
	return vmx_check_bad_cr3(c, VMX_V(HOST_CR3));
}

/* @arg: a field with a linear address. */
VMX_BROKEN(not_canonical)
{
	return vmx_check_not_canonical(c, VMX_V(r->arg));
}

VMX_BROKEN(perf_global)
{
	return vmx_check_on_exit(c, VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL) &&
	       (VMX_V(HOST_IA32_PERF_GLOBAL_CTRL) & ~VMX_V(VMX_CF_PERF_GLOBAL_VALID));
}

VMX_BROKEN(bad_pat)
{
	return vmx_check_on_exit(c, VM_EXIT_LOAD_IA32_PAT) &&
	       lodge_check_bad_pat(VMX_V(HOST_IA32_PAT));
}

VMX_BROKEN(efer_reserved)
{
	return vmx_check_on_exit(c, VM_EXIT_LOAD_IA32_EFER) &&
	       (VMX_V(HOST_IA32_EFER) & ~VMX_V(VMX_CF_EFER_VALID));
}

VMX_BROKEN(efer_mode)
{
	u64 mode = vmx_check_on_exit(c, VM_EXIT_HOST_ADDR_SPACE_SIZE) ? EFER_LMA | EFER_LME : 0;

	return vmx_check_on_exit(c, VM_EXIT_LOAD_IA32_EFER) &&
	       (VMX_V(HOST_IA32_EFER) & (EFER_LMA | EFER_LME)) != mode;
}

/* @arg: a selector, of which RPL and TI must be zero. */
VMX_BROKEN(selector_rpl)
{
	return VMX_V(r->arg) & 7;
}

VMX_BROKEN(selector_null)
{
	return !VMX_V(r->arg);
}

VMX_BROKEN(no_address_size)
{
	return !vmx_check_on_exit(c, VM_EXIT_HOST_ADDR_SPACE_SIZE);
}

VMX_BROKEN(no_pae)
{
	return !(VMX_V(HOST_CR4) & X86_CR4_PAE);
}

#define CANONICAL(name, what, field, section)					\
	{ name, "the host's " what " must be canonical", section, not_canonical, field,	\
	  OF(field, VMX_CF_LINEAR_BITS) }
#define SELECTOR(seg, name)							\
	{ "host-" name "-selector", "RPL and TI of the host's " #seg " selector must be zero",	\
	  SEGS, selector_rpl, HOST_##seg##_SELECTOR, OF(HOST_##seg##_SELECTOR) }
#define NOT_NULL(seg, name)							\
	{ "host-" name "-null", "the host's " #seg " selector must not be null", SEGS,	\
	  selector_null, HOST_##seg##_SELECTOR, OF(HOST_##seg##_SELECTOR) }

static const struct lodge_rule rules_host[] = {
	{ "host-address-size", "\"host address-space size\" must be one for a host in 64-bit mode",
	  SIZE, no_address_size, OF(VM_EXIT_CONTROLS) },
	{ "host-cr0-fixed", "the host's CR0 must have the bits that VMX operation fixes", REGS,
	  cr0_fixed, OF(HOST_CR0, VMX_CF_CR0_FIXED0, VMX_CF_CR0_FIXED1) },
	{ "host-cr4-pae", "the host's CR4.PAE must be set", SIZE, no_pae, OF(HOST_CR4) },
	{ "host-cet-wp", "the host's CR4.CET needs CR0.WP", REGS,
	  cet_without_wp, OF(HOST_CR4, HOST_CR0) },
	{ "host-cr4-fixed", "the host's CR4 must have the bits that VMX operation fixes", REGS,
	  cr4_fixed, OF(HOST_CR4, VMX_CF_CR4_FIXED0, VMX_CF_CR4_FIXED1) },
	{ "host-cr3", "bits of the host's CR3 beyond the physical address width must be zero",
	  REGS, cr3_beyond, OF(HOST_CR3, VMX_CF_PHYS_BITS) },
	CANONICAL("host-sysenter-esp", "IA32_SYSENTER_ESP", HOST_IA32_SYSENTER_ESP, REGS),
	CANONICAL("host-sysenter-eip", "IA32_SYSENTER_EIP", HOST_IA32_SYSENTER_EIP, REGS),
	{ "host-perf-global", "reserved bits of the host's IA32_PERF_GLOBAL_CTRL must be zero",
	  REGS, perf_global, OF(HOST_IA32_PERF_GLOBAL_CTRL, VMX_CF_PERF_GLOBAL_VALID) },
	{ "host-pat", "every entry of the host's IA32_PAT must be a memory type", REGS,
	  bad_pat, OF(HOST_IA32_PAT) },
	{ "host-efer-reserved", "reserved bits of the host's IA32_EFER must be zero", REGS,
	  efer_reserved, OF(HOST_IA32_EFER, VMX_CF_EFER_VALID) },
	{ "host-efer-mode", "LMA and LME of the host's IA32_EFER must be what \"host address-space size\" is",
	  REGS, efer_mode, OF(HOST_IA32_EFER, VM_EXIT_CONTROLS) },
	SELECTOR(CS, "cs"), SELECTOR(SS, "ss"), SELECTOR(DS, "ds"), SELECTOR(ES, "es"),
	SELECTOR(FS, "fs"), SELECTOR(GS, "gs"), SELECTOR(TR, "tr"),
	NOT_NULL(CS, "cs"), NOT_NULL(TR, "tr"),
	CANONICAL("host-fs-base", "FS base", HOST_FS_BASE, SEGS),
	CANONICAL("host-gs-base", "GS base", HOST_GS_BASE, SEGS),
	CANONICAL("host-gdtr-base", "GDTR base", HOST_GDTR_BASE, SEGS),
	CANONICAL("host-idtr-base", "IDTR base", HOST_IDTR_BASE, SEGS),
	CANONICAL("host-tr-base", "TR base", HOST_TR_BASE, SEGS),
	CANONICAL("host-rip", "RIP", HOST_RIP, SIZE),
};

VMX_TABLE(host);
