// SPDX-License-Identifier: GPL-2.0
/* Names of fields and facts, and which tables fit which failure. */
#include "vmx/check.h"

struct vmx_check_field_name {
	u32 field;
	const char *name;
};

#define SEGMENT(who, WHO, seg)							\
	{ WHO##_##seg##_SELECTOR, who " " #seg " selector" }
#define GUEST_SEGMENT(seg)							\
	SEGMENT("guest", GUEST, seg),						\
	{ GUEST_##seg##_BASE, "guest " #seg " base" },				\
	{ GUEST_##seg##_LIMIT, "guest " #seg " limit" },			\
	{ GUEST_##seg##_AR_BYTES, "guest " #seg " access rights" }

/* SDM vol. 3, Field Encoding in VMCS; those that rules are about. */
static const struct vmx_check_field_name names[] = {
	{ PIN_BASED_VM_EXEC_CONTROL, "pin-based controls" },
	{ CPU_BASED_VM_EXEC_CONTROL, "primary processor-based controls" },
	{ SECONDARY_VM_EXEC_CONTROL, "secondary processor-based controls" },
	{ VM_EXIT_CONTROLS, "VM-exit controls" },
	{ VM_ENTRY_CONTROLS, "VM-entry controls" },
	{ CR3_TARGET_COUNT, "CR3-target count" },
	{ IO_BITMAP_A, "I/O bitmap A" },
	{ IO_BITMAP_B, "I/O bitmap B" },
	{ MSR_BITMAP, "MSR bitmaps" },
	{ VIRTUAL_APIC_PAGE_ADDR, "virtual-APIC address" },
	{ APIC_ACCESS_ADDR, "APIC-access address" },
	{ TPR_THRESHOLD, "TPR threshold" },
	{ POSTED_INTR_NV, "posted-interrupt notification vector" },
	{ POSTED_INTR_DESC_ADDR, "posted-interrupt descriptor" },
	{ VIRTUAL_PROCESSOR_ID, "VPID" },
	{ EPT_POINTER, "EPT pointer" },
	{ PML_ADDRESS, "PML address" },
	{ TSC_MULTIPLIER, "TSC multiplier" },
	{ VM_EXIT_MSR_STORE_COUNT, "VM-exit MSR-store count" },
	{ VM_EXIT_MSR_STORE_ADDR, "VM-exit MSR-store address" },
	{ VM_EXIT_MSR_LOAD_COUNT, "VM-exit MSR-load count" },
	{ VM_EXIT_MSR_LOAD_ADDR, "VM-exit MSR-load address" },
	{ VM_ENTRY_MSR_LOAD_COUNT, "VM-entry MSR-load count" },
	{ VM_ENTRY_MSR_LOAD_ADDR, "VM-entry MSR-load address" },
	{ VM_ENTRY_INTR_INFO_FIELD, "VM-entry interruption information" },
	{ VM_ENTRY_EXCEPTION_ERROR_CODE, "VM-entry exception error code" },
	{ VM_ENTRY_INSTRUCTION_LEN, "VM-entry instruction length" },

	{ HOST_CR0, "host CR0" }, { HOST_CR3, "host CR3" }, { HOST_CR4, "host CR4" },
	{ HOST_IA32_SYSENTER_ESP, "host IA32_SYSENTER_ESP" },
	{ HOST_IA32_SYSENTER_EIP, "host IA32_SYSENTER_EIP" },
	{ HOST_IA32_PERF_GLOBAL_CTRL, "host IA32_PERF_GLOBAL_CTRL" },
	{ HOST_IA32_PAT, "host IA32_PAT" },
	{ HOST_IA32_EFER, "host IA32_EFER" },
	SEGMENT("host", HOST, ES), SEGMENT("host", HOST, CS), SEGMENT("host", HOST, SS),
	SEGMENT("host", HOST, DS), SEGMENT("host", HOST, FS), SEGMENT("host", HOST, GS),
	SEGMENT("host", HOST, TR),
	{ HOST_FS_BASE, "host FS base" }, { HOST_GS_BASE, "host GS base" },
	{ HOST_TR_BASE, "host TR base" }, { HOST_GDTR_BASE, "host GDTR base" },
	{ HOST_IDTR_BASE, "host IDTR base" }, { HOST_RIP, "host RIP" },

	{ GUEST_CR0, "guest CR0" }, { GUEST_CR3, "guest CR3" }, { GUEST_CR4, "guest CR4" },
	{ GUEST_DR7, "guest DR7" },
	{ GUEST_IA32_DEBUGCTL, "guest IA32_DEBUGCTL" },
	{ GUEST_SYSENTER_ESP, "guest IA32_SYSENTER_ESP" },
	{ GUEST_SYSENTER_EIP, "guest IA32_SYSENTER_EIP" },
	{ GUEST_IA32_PERF_GLOBAL_CTRL, "guest IA32_PERF_GLOBAL_CTRL" },
	{ GUEST_IA32_PAT, "guest IA32_PAT" },
	{ GUEST_IA32_EFER, "guest IA32_EFER" },
	{ GUEST_BNDCFGS, "guest IA32_BNDCFGS" },
	{ GUEST_GDTR_BASE, "guest GDTR base" }, { GUEST_GDTR_LIMIT, "guest GDTR limit" },
	{ GUEST_IDTR_BASE, "guest IDTR base" }, { GUEST_IDTR_LIMIT, "guest IDTR limit" },
	{ GUEST_RIP, "guest RIP" }, { GUEST_RFLAGS, "guest RFLAGS" },
	GUEST_SEGMENT(ES), GUEST_SEGMENT(CS), GUEST_SEGMENT(SS), GUEST_SEGMENT(DS),
	GUEST_SEGMENT(FS), GUEST_SEGMENT(GS), GUEST_SEGMENT(LDTR), GUEST_SEGMENT(TR),
	{ GUEST_ACTIVITY_STATE, "guest activity state" },
	{ GUEST_INTERRUPTIBILITY_INFO, "guest interruptibility state" },
	{ GUEST_PENDING_DBG_EXCEPTIONS, "guest pending debug exceptions" },
	{ VMCS_LINK_POINTER, "VMCS link pointer" },
	{ GUEST_PDPTR0, "guest PDPTE0" }, { GUEST_PDPTR1, "guest PDPTE1" },
	{ GUEST_PDPTR2, "guest PDPTE2" }, { GUEST_PDPTR3, "guest PDPTE3" },

	{ VMX_CF_PHYS_BITS, "physical address bits" },
	{ VMX_CF_LINEAR_BITS, "linear address bits" },
	{ VMX_CF_PIN_FIXED, "pin-based bits that must be one" },
	{ VMX_CF_PIN_ALLOWED, "pin-based bits that may be one" },
	{ VMX_CF_CPU_FIXED, "primary bits that must be one" },
	{ VMX_CF_CPU_ALLOWED, "primary bits that may be one" },
	{ VMX_CF_CPU2_FIXED, "secondary bits that must be one" },
	{ VMX_CF_CPU2_ALLOWED, "secondary bits that may be one" },
	{ VMX_CF_EXIT_FIXED, "VM-exit bits that must be one" },
	{ VMX_CF_EXIT_ALLOWED, "VM-exit bits that may be one" },
	{ VMX_CF_ENTRY_FIXED, "VM-entry bits that must be one" },
	{ VMX_CF_ENTRY_ALLOWED, "VM-entry bits that may be one" },
	{ VMX_CF_CR0_FIXED0, "IA32_VMX_CR0_FIXED0" },
	{ VMX_CF_CR0_FIXED1, "IA32_VMX_CR0_FIXED1" },
	{ VMX_CF_CR4_FIXED0, "IA32_VMX_CR4_FIXED0" },
	{ VMX_CF_CR4_FIXED1, "IA32_VMX_CR4_FIXED1" },
	{ VMX_CF_BASIC, "IA32_VMX_BASIC" },
	{ VMX_CF_MISC, "IA32_VMX_MISC" },
	{ VMX_CF_EPT_VPID, "IA32_VMX_EPT_VPID_CAP" },
	{ VMX_CF_EFER_VALID, "IA32_EFER bits of this CPU" },
	{ VMX_CF_DEBUGCTL_VALID, "IA32_DEBUGCTL bits of this CPU" },
	{ VMX_CF_PERF_GLOBAL_VALID, "IA32_PERF_GLOBAL_CTRL bits" },
	{ VMX_CF_VTPR, "VTPR" },
	{ VMX_CF_HAS_RTM, "CPU has RTM" },
	{ VMX_CF_HAS_SGX, "CPU has SGX" },
	{ VMX_CF_HAS_LAM, "CPU has linear-address masking" },
	{ VMX_CF_INSTRUCTION_ERROR, "VM-instruction error" },
	{ VMX_CF_QUALIFICATION, "exit qualification" },
	{ VMX_CF_MSR_NUMBER, "entry of the MSR-load list" },
	{ VMX_CF_MSR_INDEX, "MSR" },
	{ VMX_CF_MSR_RESERVED, "reserved half of the entry" },
	{ VMX_CF_MSR_DATA, "MSR's value" },
};

const char *vmx_check_name(u32 field)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].field == field)
			return names[i].name;
	}
	return "VMCS field";
}

/*
 * In the order of the manual (SDM vol. 3, VM Entries): controls, then the host's
 * state, then the guest's; within those the CPU is free, and so is the table.
 */
bool vmx_check(const struct lodge_checker *c, struct lodge_check_report *report)
{
	switch (VMX_V(VMX_CF_INSTRUCTION_ERROR)) {
	case 0:
		break;
	case 7:
		return lodge_check(c, &vmx_rules_controls, report);
	case 8:
		return lodge_check(c, &vmx_rules_host, report);
	default:
		return lodge_check(c, &vmx_rules_instruction, report);
	}
	switch (VMX_V(VMX_CF_EXIT_REASON)) {
	case EXIT_REASON_INVALID_STATE:
		return lodge_check(c, &vmx_rules_guest, report) ||
		       lodge_check(c, &vmx_rules_segments, report) ||
		       lodge_check(c, &vmx_rules_state, report);
	case EXIT_REASON_MSR_LOAD_FAIL:
		return lodge_check(c, &vmx_rules_msr_load, report);
	}
	return false;
}
