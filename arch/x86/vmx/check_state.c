// SPDX-License-Identifier: GPL-2.0
/*
 * What an entry checks of the guest's state that is in no register, of the PDPTEs,
 * and of the MSRs that it loads.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vmx/check.h"

#define STATE	"SDM vol. 3, Checks on Guest Non-Register State"
#define PDPTES	"SDM vol. 3, Checks on Guest Page-Directory-Pointer-Table Entries"
#define MSRS	"SDM vol. 3, Loading MSRs"
#define OF(...)	LODGE_CHECK_OF(__VA_ARGS__)

static bool shadow(const struct lodge_checker *c, u32 bits)
{
	return VMX_V(GUEST_INTERRUPTIBILITY_INFO) & bits;
}

static u32 event_vector(const struct lodge_checker *c)
{
	return VMX_V(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VECTOR_MASK;
}

static bool injects(const struct lodge_checker *c)
{
	return VMX_V(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VALID_MASK;
}

/* --- activity --- */

VMX_BROKEN(activity)
{
	u64 misc = VMX_V(VMX_CF_MISC);

	switch (VMX_V(GUEST_ACTIVITY_STATE)) {
	case GUEST_ACTIVITY_ACTIVE:
		return false;
	case GUEST_ACTIVITY_HLT:
		return !(misc & VMX_MISC_ACTIVITY_HLT);
	case GUEST_ACTIVITY_SHUTDOWN:
		return !(misc & 1 << 7);
	case GUEST_ACTIVITY_WAIT_SIPI:
		return !(misc & VMX_MISC_ACTIVITY_WAIT_SIPI);
	}
	return true;
}

VMX_BROKEN(halted_in_user_mode)
{
	return VMX_V(GUEST_ACTIVITY_STATE) == GUEST_ACTIVITY_HLT &&
	       VMX_AR_DPL(VMX_V(GUEST_SS_AR_BYTES));
}

VMX_BROKEN(inactive_in_shadow)
{
	return VMX_V(GUEST_ACTIVITY_STATE) != GUEST_ACTIVITY_ACTIVE &&
	       shadow(c, GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS);
}

/* What may be injected into a CPU that is not active. */
VMX_BROKEN(event_while_inactive)
{
	u32 vector = event_vector(c);
	bool machine_check = vmx_check_injects(c, INTR_TYPE_HARD_EXCEPTION) && vector == 18;
	bool nmi = vmx_check_injects(c, INTR_TYPE_NMI_INTR);

	if (!injects(c))
		return false;
	switch (VMX_V(GUEST_ACTIVITY_STATE)) {
	case GUEST_ACTIVITY_HLT:
		return !nmi && !machine_check && !vmx_check_injects(c, INTR_TYPE_EXT_INTR) &&
		       !(vmx_check_injects(c, INTR_TYPE_HARD_EXCEPTION) && vector == 1) &&
		       !vmx_check_injects(c, INTR_TYPE_OTHER_EVENT);
	case GUEST_ACTIVITY_SHUTDOWN:
		return !nmi && !machine_check;
	case GUEST_ACTIVITY_WAIT_SIPI:
		return true;
	}
	return false;
}

/* --- interruptibility --- */

VMX_BROKEN(shadow_reserved)
{
	return shadow(c, ~0x1fu);
}

VMX_BROKEN(both_shadows)
{
	return shadow(c, GUEST_INTR_STATE_STI) && shadow(c, GUEST_INTR_STATE_MOV_SS);
}

VMX_BROKEN(sti_without_if)
{
	return shadow(c, GUEST_INTR_STATE_STI) && !(VMX_V(GUEST_RFLAGS) & X86_EFLAGS_IF);
}

VMX_BROKEN(interrupt_in_shadow)
{
	return vmx_check_injects(c, INTR_TYPE_EXT_INTR) &&
	       shadow(c, GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS);
}

VMX_BROKEN(nmi_in_mov_ss)
{
	return vmx_check_injects(c, INTR_TYPE_NMI_INTR) && shadow(c, GUEST_INTR_STATE_MOV_SS);
}

VMX_BROKEN(smi_blocking)
{
	return shadow(c, GUEST_INTR_STATE_SMI);
}

VMX_BROKEN(nmi_while_blocked)
{
	return vmx_check_pin(c, PIN_BASED_VIRTUAL_NMIS) &&
	       vmx_check_injects(c, INTR_TYPE_NMI_INTR) &&
	       shadow(c, GUEST_INTR_STATE_NMI);
}

VMX_BROKEN(enclave)
{
	return shadow(c, GUEST_INTR_STATE_ENCLAVE_INTR) &&
	       (!VMX_V(VMX_CF_HAS_SGX) || shadow(c, GUEST_INTR_STATE_MOV_SS));
}

VMX_BROKEN(nmi_in_sti)
{
	return vmx_check_injects(c, INTR_TYPE_NMI_INTR) && shadow(c, GUEST_INTR_STATE_STI);
}

/* --- pending debug exceptions --- */

#define PENDING_BUS_LOCK	(1 << 11)
#define PENDING_ENABLED		(1 << 12)
#define PENDING_BS		(1 << 14)
#define PENDING_RTM		(1 << 16)

/* Bit 11 says that a bus lock was seen, where the CPU has BUS_LOCK_DETECT in DEBUGCTL. */
VMX_BROKEN(pending_reserved)
{
	u64 reserved = 0xff0 | 1 << 13 | 1 << 15 | ~0x1ffffull;

	if (VMX_V(VMX_CF_DEBUGCTL_VALID) & 1 << 2)
		reserved &= ~(u64)PENDING_BUS_LOCK;
	return VMX_V(GUEST_PENDING_DBG_EXCEPTIONS) & reserved;
}

/* A trap that RFLAGS.TF owes is pending where the instruction before is not over yet. */
VMX_BROKEN(pending_step)
{
	bool step, trap;

	if (!shadow(c, GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS) &&
	    VMX_V(GUEST_ACTIVITY_STATE) != GUEST_ACTIVITY_HLT)
		return false;
	step = VMX_V(GUEST_PENDING_DBG_EXCEPTIONS) & PENDING_BS;
	trap = (VMX_V(GUEST_RFLAGS) & X86_EFLAGS_TF) &&
	       !(VMX_V(GUEST_IA32_DEBUGCTL) & DEBUGCTLMSR_BTF);
	return step != trap;
}

VMX_BROKEN(pending_rtm)
{
	u64 pending = VMX_V(GUEST_PENDING_DBG_EXCEPTIONS);

	return (pending & PENDING_RTM) &&
	       (!VMX_V(VMX_CF_HAS_RTM) || (pending & 0xefff) || !(pending & PENDING_ENABLED) ||
		shadow(c, GUEST_INTR_STATE_MOV_SS));
}

/* --- VMCS link pointer --- */

VMX_BROKEN(link_pointer)
{
	u64 link = VMX_V(VMCS_LINK_POINTER);

	return link != ~0ull && vmx_check_bad_address(c, link, 4096);
}

/* What is behind it in memory is not looked at here; the CPU says that it was that. */
VMX_BROKEN(link_target)
{
	return VMX_V(VMX_CF_QUALIFICATION) == ENTRY_FAIL_VMCS_LINK_PTR;
}

/* --- PDPTEs --- */

/* @arg: GUEST_PDPTR0 and so on.  With EPT; without it they are loaded from memory. */
VMX_BROKEN(pdpte)
{
	u64 pdpte;

	if (!vmx_check_cpu2(c, SECONDARY_EXEC_ENABLE_EPT) ||
	    vmx_check_on_entry(c, VM_ENTRY_IA32E_MODE) ||
	    !(VMX_V(GUEST_CR0) & X86_CR0_PG) || !(VMX_V(GUEST_CR4) & X86_CR4_PAE))
		return false;
	pdpte = VMX_V(r->arg);
	return (pdpte & 1) &&
	       ((pdpte & 0x1e6) || lodge_check_beyond(pdpte, VMX_V(VMX_CF_PHYS_BITS)));
}

VMX_BROKEN(pdptes_in_memory)
{
	return !vmx_check_cpu2(c, SECONDARY_EXEC_ENABLE_EPT) &&
	       VMX_V(VMX_CF_QUALIFICATION) == ENTRY_FAIL_PDPTE;
}

#define SHADOW	GUEST_INTERRUPTIBILITY_INFO
#define EVENT	VM_ENTRY_INTR_INFO_FIELD

#define PDPTE(n)								\
	{ "pdpte" #n, "reserved bits of PDPTE " #n " must be zero if it is present", PDPTES, \
	  pdpte, GUEST_PDPTR##n, OF(GUEST_PDPTR##n, VMX_CF_PHYS_BITS) }

static const struct lodge_rule rules_state[] = {
	{ "activity", "the activity state must be one that the CPU supports", STATE,
	  activity, OF(GUEST_ACTIVITY_STATE, VMX_CF_MISC) },
	{ "halted-cpl", "the activity state must not be HLT unless DPL of SS is zero", STATE,
	  halted_in_user_mode, OF(GUEST_ACTIVITY_STATE, GUEST_SS_AR_BYTES) },
	{ "inactive-shadow", "the activity state must be active while STI or MOV SS blocks", STATE,
	  inactive_in_shadow, OF(GUEST_ACTIVITY_STATE, SHADOW) },
	{ "inactive-event", "the event must be one that the activity state lets pass", STATE,
	  event_while_inactive, OF(GUEST_ACTIVITY_STATE, EVENT) },

	{ "shadow-reserved", "bits 31:5 of the interruptibility state must be zero", STATE,
	  shadow_reserved, OF(SHADOW) },
	{ "shadow-both", "blocking by STI and blocking by MOV SS must not both be one", STATE,
	  both_shadows, OF(SHADOW) },
	{ "sti-if", "blocking by STI needs RFLAGS.IF", STATE,
	  sti_without_if, OF(SHADOW, GUEST_RFLAGS) },
	{ "interrupt-shadow", "no external interrupt may be injected while STI or MOV SS blocks",
	  STATE, interrupt_in_shadow, OF(EVENT, SHADOW) },
	{ "nmi-mov-ss", "no NMI may be injected while MOV SS blocks", STATE,
	  nmi_in_mov_ss, OF(EVENT, SHADOW) },
	{ "smi-blocking", "outside of SMM blocking by SMI must be zero", STATE,
	  smi_blocking, OF(SHADOW) },
	{ "nmi-blocked", "with \"virtual NMIs\" no NMI may be injected while NMIs are blocked",
	  STATE, nmi_while_blocked, OF(EVENT, SHADOW, PIN_BASED_VM_EXEC_CONTROL) },
	{ "enclave", "an enclave interruption needs a CPU with SGX, and no blocking by MOV SS",
	  STATE, enclave, OF(SHADOW, VMX_CF_HAS_SGX) },

	{ "pending-rtm", "a pending debug exception in a transaction needs RTM, the \"enabled breakpoint\" bit alone, and no blocking by MOV SS",
	  STATE, pending_rtm, OF(GUEST_PENDING_DBG_EXCEPTIONS, SHADOW, VMX_CF_HAS_RTM) },
	{ "pending-reserved", "bits 10:4, 13, 15 and 63:17 of the pending debug exceptions must be zero, and 11 on a CPU without bus-lock detection",
	  STATE, pending_reserved, OF(GUEST_PENDING_DBG_EXCEPTIONS, VMX_CF_DEBUGCTL_VALID) },
	{ "pending-step", "in an interrupt shadow or HLT, a single step must be pending if, and only if, RFLAGS.TF is set and DEBUGCTL.BTF is not",
	  STATE, pending_step,
	  OF(GUEST_PENDING_DBG_EXCEPTIONS, GUEST_RFLAGS, GUEST_IA32_DEBUGCTL, SHADOW,
	     GUEST_ACTIVITY_STATE) },

	{ "link-pointer", "the VMCS link pointer must be all ones, or a page within the physical address width",
	  STATE, link_pointer, OF(VMCS_LINK_POINTER, VMX_CF_PHYS_BITS) },

	{ "link-target", "the VMCS link pointer must not point to the current VMCS, but to one with the CPU's revision identifier, and a shadow VMCS as \"VMCS shadowing\" says",
	  STATE, link_target, OF(VMCS_LINK_POINTER, VMX_CF_QUALIFICATION, VMX_CF_BASIC) },

	PDPTE(0), PDPTE(1), PDPTE(2), PDPTE(3),
	{ "pdptes-in-memory", "reserved bits of the PDPTEs that CR3 points to must be zero where they are present",
	  PDPTES, pdptes_in_memory, OF(GUEST_CR3, GUEST_CR4, VMX_CF_QUALIFICATION) },

	/* Not of every CPU, and so behind all that are. */
	{ "nmi-sti", "some CPUs let no NMI be injected while STI blocks", STATE,
	  nmi_in_sti, OF(EVENT, SHADOW) },
};

VMX_TABLE(state);

/* --- MSRs loaded on entry: the one that failed --- */

VMX_BROKEN(msr_base)
{
	u32 index = VMX_V(VMX_CF_MSR_INDEX);

	return index == MSR_FS_BASE || index == MSR_GS_BASE;
}

/* Those of the local APIC in x2APIC mode. */
VMX_BROKEN(msr_x2apic)
{
	return VMX_V(VMX_CF_MSR_INDEX) >> 8 == 8;
}

VMX_BROKEN(msr_smm)
{
	return VMX_V(VMX_CF_MSR_INDEX) == 0x9b;		/* IA32_SMM_MONITOR_CTL */
}

VMX_BROKEN(msr_reserved)
{
	return VMX_V(VMX_CF_MSR_RESERVED);
}

/* What is left: WRMSR would have faulted. */
VMX_BROKEN(msr_value)
{
	return true;
}

#define MSR(name, rule, fn)							\
	{ name, rule, MSRS, fn, OF(VMX_CF_MSR_NUMBER, VMX_CF_MSR_INDEX, VMX_CF_MSR_DATA) }

static const struct lodge_rule rules_msr_load[] = {
	MSR("load-base-msr", "IA32_FS_BASE and IA32_GS_BASE cannot be loaded from a list",
	    msr_base),
	MSR("load-x2apic-msr", "an x2APIC register cannot be loaded from a list", msr_x2apic),
	MSR("load-smm-msr", "IA32_SMM_MONITOR_CTL cannot be loaded from a list", msr_smm),
	{ "load-reserved", "bits 63:32 of an entry for an MSR to load must be zero", MSRS,
	  msr_reserved, OF(VMX_CF_MSR_NUMBER, VMX_CF_MSR_RESERVED, VMX_CF_MSR_INDEX) },
	MSR("load-value", "an MSR to load must exist, and take the value", msr_value),
};

VMX_TABLE(msr_load);
