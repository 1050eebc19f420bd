// SPDX-License-Identifier: GPL-2.0
/*
 * What an entry checks of the guest's control, debug and descriptor-table registers,
 * MSRs, RIP and RFLAGS, once the controls and the host's state have passed: where it
 * does not hold, the CPU exits with reason 33.
 *
 * Not here: CET state, PKRS, IA32_RTIT_CTL, IA32_LBR_CTL, UINV and FRED, which Lodge's
 * entries never load.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vmx/check.h"

#define REGS	"SDM vol. 3, Checks on Guest Control Registers, Debug Registers, and MSRs"
#define TABLES	"SDM vol. 3, Checks on Guest Descriptor-Table Registers"
#define RIP	"SDM vol. 3, Checks on Guest RIP, RFLAGS, and SSP"
#define OF(...)	LODGE_CHECK_OF(__VA_ARGS__)

static bool long_mode(const struct lodge_checker *c)
{
	return vmx_check_on_entry(c, VM_ENTRY_IA32E_MODE);
}

/* --- control registers --- */

VMX_BROKEN(cr0_fixed)
{
	u64 cr0 = VMX_V(GUEST_CR0), one = VMX_V(VMX_CF_CR0_FIXED0);

	if (vmx_check_unrestricted(c))
		one &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
	/* Caching is not looked at. */
	return (~cr0 & one) ||
	       (cr0 & ~VMX_V(VMX_CF_CR0_FIXED1) & ~(u64)(X86_CR0_CD | X86_CR0_NW));
}

VMX_BROKEN(paging_without_protection)
{
	return (VMX_V(GUEST_CR0) & (X86_CR0_PG | X86_CR0_PE)) == X86_CR0_PG;
}

VMX_BROKEN(cr4_fixed)
{
	u64 cr4 = VMX_V(GUEST_CR4);

	return (~cr4 & VMX_V(VMX_CF_CR4_FIXED0)) || (cr4 & ~VMX_V(VMX_CF_CR4_FIXED1));
}

VMX_BROKEN(cet_without_wp)
{
	return (VMX_V(GUEST_CR4) & X86_CR4_CET) && !(VMX_V(GUEST_CR0) & X86_CR0_WP);
}

VMX_BROKEN(long_without_paging)
{
	return long_mode(c) && !(VMX_V(GUEST_CR0) & X86_CR0_PG);
}

VMX_BROKEN(long_without_pae)
{
	return long_mode(c) && !(VMX_V(GUEST_CR4) & X86_CR4_PAE);
}

VMX_BROKEN(pcid_without_long)
{
	return !long_mode(c) && (VMX_V(GUEST_CR4) & X86_CR4_PCIDE);
}

VMX_BROKEN(cr3_beyond)
{
	return vmx_check_bad_cr3(c, VMX_V(GUEST_CR3));
}

/* --- debug registers and MSRs --- */

VMX_BROKEN(debugctl)
{
	return vmx_check_on_entry(c, VM_ENTRY_LOAD_DEBUG_CONTROLS) &&
	       (VMX_V(GUEST_IA32_DEBUGCTL) & ~VMX_V(VMX_CF_DEBUGCTL_VALID));
}

VMX_BROKEN(dr7_upper)
{
	return vmx_check_on_entry(c, VM_ENTRY_LOAD_DEBUG_CONTROLS) && VMX_V(GUEST_DR7) >> 32;
}

/* @arg: a field with a linear address. */
VMX_BROKEN(not_canonical)
{
	return vmx_check_not_canonical(c, VMX_V(r->arg));
}

VMX_BROKEN(perf_global)
{
	return vmx_check_on_entry(c, VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL) &&
	       (VMX_V(GUEST_IA32_PERF_GLOBAL_CTRL) & ~VMX_V(VMX_CF_PERF_GLOBAL_VALID));
}

VMX_BROKEN(bad_pat)
{
	return vmx_check_on_entry(c, VM_ENTRY_LOAD_IA32_PAT) &&
	       lodge_check_bad_pat(VMX_V(GUEST_IA32_PAT));
}

VMX_BROKEN(efer_reserved)
{
	return vmx_check_on_entry(c, VM_ENTRY_LOAD_IA32_EFER) &&
	       (VMX_V(GUEST_IA32_EFER) & ~VMX_V(VMX_CF_EFER_VALID));
}

VMX_BROKEN(efer_lma)
{
	return vmx_check_on_entry(c, VM_ENTRY_LOAD_IA32_EFER) &&
	       !!(VMX_V(GUEST_IA32_EFER) & EFER_LMA) != long_mode(c);
}

VMX_BROKEN(efer_lme)
{
	u64 efer = VMX_V(GUEST_CR0) & X86_CR0_PG && vmx_check_on_entry(c, VM_ENTRY_LOAD_IA32_EFER) ?
		   VMX_V(GUEST_IA32_EFER) : 0;

	return !!(efer & EFER_LMA) != !!(efer & EFER_LME);
}

VMX_BROKEN(bndcfgs)
{
	u64 value;

	if (!vmx_check_on_entry(c, VM_ENTRY_LOAD_BNDCFGS))
		return false;
	value = VMX_V(GUEST_BNDCFGS);
	return (value & 0xffc) || vmx_check_not_canonical(c, value & ~0xfffull);
}

/* --- GDTR and IDTR --- */

/* @arg: a field with a limit. */
VMX_BROKEN(table_limit)
{
	return VMX_V(r->arg) >> 16;
}

/* --- RIP and RFLAGS --- */

static bool code_64_bit(const struct lodge_checker *c)
{
	return long_mode(c) && (VMX_V(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK);
}

VMX_BROKEN(rip_upper)
{
	return !code_64_bit(c) && VMX_V(GUEST_RIP) >> 32;
}

/*
 * Not as strict as canonical form: the highest bit that counts may differ from those
 * above, as it does behind the last instruction of the lower half.
 */
VMX_BROKEN(rip_too_wide)
{
	return code_64_bit(c) &&
	       lodge_check_not_canonical(VMX_V(GUEST_RIP), VMX_V(VMX_CF_LINEAR_BITS) + 1);
}

VMX_BROKEN(rflags_reserved)
{
	return (VMX_V(GUEST_RFLAGS) & (~0x3fffffull | 1 << 15 | 1 << 5 | 1 << 3)) ||
	       !(VMX_V(GUEST_RFLAGS) & X86_EFLAGS_FIXED);
}

VMX_BROKEN(rflags_vm)
{
	return (VMX_V(GUEST_RFLAGS) & X86_EFLAGS_VM) &&
	       (long_mode(c) || !(VMX_V(GUEST_CR0) & X86_CR0_PE));
}

VMX_BROKEN(rflags_if)
{
	return vmx_check_injects(c, INTR_TYPE_EXT_INTR) && !(VMX_V(GUEST_RFLAGS) & X86_EFLAGS_IF);
}

#define CANONICAL(name, what, field, section)					\
	{ name, "the guest's " what " must be canonical", section, not_canonical, field, \
	  OF(field, VMX_CF_LINEAR_BITS) }

static const struct lodge_rule rules_guest[] = {
	{ "cr0-fixed", "the guest's CR0 must have the bits that VMX operation fixes", REGS,
	  cr0_fixed,
	  OF(GUEST_CR0, VMX_CF_CR0_FIXED0, VMX_CF_CR0_FIXED1, SECONDARY_VM_EXEC_CONTROL) },
	{ "cr0-pg-pe", "the guest's CR0.PG needs CR0.PE", REGS,
	  paging_without_protection, OF(GUEST_CR0) },
	{ "cr4-fixed", "the guest's CR4 must have the bits that VMX operation fixes", REGS,
	  cr4_fixed, OF(GUEST_CR4, VMX_CF_CR4_FIXED0, VMX_CF_CR4_FIXED1) },
	{ "cet-wp", "the guest's CR4.CET needs CR0.WP", REGS,
	  cet_without_wp, OF(GUEST_CR4, GUEST_CR0) },
	{ "debugctl", "reserved bits of the guest's IA32_DEBUGCTL must be zero", REGS,
	  debugctl, OF(GUEST_IA32_DEBUGCTL, VMX_CF_DEBUGCTL_VALID) },
	{ "long-mode-pg", "\"IA-32e mode guest\" needs CR0.PG", REGS,
	  long_without_paging, OF(VM_ENTRY_CONTROLS, GUEST_CR0) },
	{ "long-mode-pae", "\"IA-32e mode guest\" needs CR4.PAE", REGS,
	  long_without_pae, OF(VM_ENTRY_CONTROLS, GUEST_CR4) },
	{ "pcid", "CR4.PCIDE needs \"IA-32e mode guest\"", REGS,
	  pcid_without_long, OF(GUEST_CR4, VM_ENTRY_CONTROLS) },
	{ "cr3", "bits of the guest's CR3 beyond the physical address width must be zero", REGS,
	  cr3_beyond, OF(GUEST_CR3, VMX_CF_PHYS_BITS) },
	{ "dr7-upper", "bits 63:32 of the guest's DR7 must be zero", REGS,
	  dr7_upper, OF(GUEST_DR7) },
	CANONICAL("sysenter-esp", "IA32_SYSENTER_ESP", GUEST_SYSENTER_ESP, REGS),
	CANONICAL("sysenter-eip", "IA32_SYSENTER_EIP", GUEST_SYSENTER_EIP, REGS),
	{ "perf-global", "reserved bits of the guest's IA32_PERF_GLOBAL_CTRL must be zero", REGS,
	  perf_global, OF(GUEST_IA32_PERF_GLOBAL_CTRL, VMX_CF_PERF_GLOBAL_VALID) },
	{ "pat", "every entry of the guest's IA32_PAT must be a memory type", REGS,
	  bad_pat, OF(GUEST_IA32_PAT) },
	{ "efer-reserved", "reserved bits of the guest's IA32_EFER must be zero", REGS,
	  efer_reserved, OF(GUEST_IA32_EFER, VMX_CF_EFER_VALID) },
	{ "efer-lma", "the guest's EFER.LMA must be what \"IA-32e mode guest\" is", REGS,
	  efer_lma, OF(GUEST_IA32_EFER, VM_ENTRY_CONTROLS) },
	{ "efer-lme", "with CR0.PG the guest's EFER.LME must be what EFER.LMA is", REGS,
	  efer_lme, OF(GUEST_IA32_EFER, GUEST_CR0) },
	{ "bndcfgs", "the guest's IA32_BNDCFGS must have a canonical address and no reserved bit",
	  REGS, bndcfgs, OF(GUEST_BNDCFGS, VMX_CF_LINEAR_BITS) },

	CANONICAL("gdtr-base", "GDTR base", GUEST_GDTR_BASE, TABLES),
	CANONICAL("idtr-base", "IDTR base", GUEST_IDTR_BASE, TABLES),
	{ "gdtr-limit", "bits 31:16 of the guest's GDTR limit must be zero", TABLES,
	  table_limit, GUEST_GDTR_LIMIT, OF(GUEST_GDTR_LIMIT) },
	{ "idtr-limit", "bits 31:16 of the guest's IDTR limit must be zero", TABLES,
	  table_limit, GUEST_IDTR_LIMIT, OF(GUEST_IDTR_LIMIT) },

	{ "rip-upper", "bits 63:32 of RIP must be zero outside of 64-bit code", RIP,
	  rip_upper, OF(GUEST_RIP, GUEST_CS_AR_BYTES, VM_ENTRY_CONTROLS) },
	{ "rip-width", "the bits of RIP above the linear-address width must all be the same in 64-bit code",
	  RIP, rip_too_wide, OF(GUEST_RIP, VMX_CF_LINEAR_BITS, GUEST_CS_AR_BYTES) },
	{ "rflags-reserved", "of RFLAGS bit 1 must be one, and bits 63:22, 15, 5 and 3 zero", RIP,
	  rflags_reserved, OF(GUEST_RFLAGS) },
	{ "rflags-vm", "RFLAGS.VM must be zero in IA-32e mode and in real mode", RIP,
	  rflags_vm, OF(GUEST_RFLAGS, VM_ENTRY_CONTROLS, GUEST_CR0) },
	{ "rflags-if", "injecting an external interrupt needs RFLAGS.IF", RIP,
	  rflags_if, OF(GUEST_RFLAGS, VM_ENTRY_INTR_INFO_FIELD) },
};

VMX_TABLE(guest);
