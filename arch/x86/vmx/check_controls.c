// SPDX-License-Identifier: GPL-2.0
/*
 * What VMLAUNCH and VMRESUME check of the VMX controls: where it does not hold, they
 * fail with VM-instruction error 7 and nothing has been loaded (SDM vol. 3, Checks on
 * VMX Controls).  And the errors that are no field's.
 *
 * Not here, as Lodge never turns on what they are about, and a CPU that has it would
 * have to be told so first: VM functions, VMCS shadowing, EPT-violation #VE, sub-page
 * permissions, Processor Trace in guest-physical addresses, the tertiary controls, the
 * secondary exit controls, system-management mode.
 */
#include "vmx/check.h"

#define EXEC	"SDM vol. 3, Checks on VMX Controls, VM-Execution Control Fields"
#define EXIT	"SDM vol. 3, Checks on VMX Controls, VM-Exit Control Fields"
#define ENTRY	"SDM vol. 3, Checks on VMX Controls, VM-Entry Control Fields"
#define OF(...)	LODGE_CHECK_OF(__VA_ARGS__)

/* --- execution controls --- */

/* Of the word @arg, with @arg2 the fact of its fixed bits. */
VMX_BROKEN(reserved_controls)
{
	u64 value;

	if (r->arg == SECONDARY_VM_EXEC_CONTROL &&
	    !vmx_check_cpu(c, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS))
		return false;
	value = VMX_V(r->arg);
	return (value & ~VMX_V(r->arg2 + 1)) || (~value & VMX_V(r->arg2));
}

VMX_BROKEN(cr3_targets)
{
	return VMX_V(CR3_TARGET_COUNT) > vmx_misc_cr3_count(VMX_V(VMX_CF_MISC));
}

/* Of the field @arg, which counts with the primary control @arg2. */
VMX_BROKEN(page_by_primary)
{
	return vmx_check_cpu(c, r->arg2) && vmx_check_bad_page(c, r->arg);
}

/* The same with the secondary control @arg2. */
VMX_BROKEN(page_by_secondary)
{
	return vmx_check_cpu2(c, r->arg2) && vmx_check_bad_page(c, r->arg);
}

VMX_BROKEN(tpr_threshold)
{
	return vmx_check_cpu(c, CPU_BASED_TPR_SHADOW) &&
	       !vmx_check_cpu2(c, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) &&
	       (VMX_V(TPR_THRESHOLD) & ~0xfull);
}

VMX_BROKEN(tpr_threshold_above)
{
	return vmx_check_cpu(c, CPU_BASED_TPR_SHADOW) &&
	       !vmx_check_cpu2(c, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES |
			    SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) &&
	       (VMX_V(TPR_THRESHOLD) & 0xf) > ((VMX_V(VMX_CF_VTPR) >> 4) & 0xf);
}

VMX_BROKEN(apic_without_shadow)
{
	return !vmx_check_cpu(c, CPU_BASED_TPR_SHADOW) &&
	       vmx_check_cpu2(c, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE |
			   SECONDARY_EXEC_APIC_REGISTER_VIRT |
			   SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY);
}

VMX_BROKEN(vnmi_without_exiting)
{
	return !vmx_check_pin(c, PIN_BASED_NMI_EXITING) && vmx_check_pin(c, PIN_BASED_VIRTUAL_NMIS);
}

VMX_BROKEN(nmi_window_without_vnmi)
{
	return !vmx_check_pin(c, PIN_BASED_VIRTUAL_NMIS) &&
	       vmx_check_cpu(c, CPU_BASED_NMI_WINDOW_EXITING);
}

VMX_BROKEN(x2apic_and_accesses)
{
	return vmx_check_cpu2(c, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) &&
	       vmx_check_cpu2(c, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
}

VMX_BROKEN(delivery_without_exiting)
{
	return vmx_check_cpu2(c, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) &&
	       !vmx_check_pin(c, PIN_BASED_EXT_INTR_MASK);
}

VMX_BROKEN(posted_without_delivery)
{
	return vmx_check_pin(c, PIN_BASED_POSTED_INTR) &&
	       !vmx_check_cpu2(c, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY);
}

VMX_BROKEN(posted_without_ack)
{
	return vmx_check_pin(c, PIN_BASED_POSTED_INTR) &&
	       !vmx_check_on_exit(c, VM_EXIT_ACK_INTR_ON_EXIT);
}

VMX_BROKEN(posted_vector)
{
	return vmx_check_pin(c, PIN_BASED_POSTED_INTR) && (VMX_V(POSTED_INTR_NV) & 0xff00);
}

VMX_BROKEN(posted_descriptor)
{
	return vmx_check_pin(c, PIN_BASED_POSTED_INTR) &&
	       vmx_check_bad_address(c, VMX_V(POSTED_INTR_DESC_ADDR), 64);
}

VMX_BROKEN(no_vpid)
{
	return vmx_check_cpu2(c, SECONDARY_EXEC_ENABLE_VPID) && !VMX_V(VIRTUAL_PROCESSOR_ID);
}

static bool ept_on(const struct lodge_checker *c)
{
	return vmx_check_cpu2(c, SECONDARY_EXEC_ENABLE_EPT);
}

VMX_BROKEN(eptp_memory_type)
{
	u64 caps = VMX_V(VMX_CF_EPT_VPID);

	if (!ept_on(c))
		return false;
	switch (VMX_V(EPT_POINTER) & VMX_EPTP_MT_MASK) {
	case VMX_EPTP_MT_UC:
		return !(caps & VMX_EPTP_UC_BIT);
	case VMX_EPTP_MT_WB:
		return !(caps & VMX_EPTP_WB_BIT);
	}
	return true;
}

VMX_BROKEN(eptp_levels)
{
	u64 caps = VMX_V(VMX_CF_EPT_VPID);

	if (!ept_on(c))
		return false;
	switch (VMX_V(EPT_POINTER) & VMX_EPTP_PWL_MASK) {
	case VMX_EPTP_PWL_4:
		return !(caps & VMX_EPT_PAGE_WALK_4_BIT);
	case VMX_EPTP_PWL_5:
		return !(caps & VMX_EPT_PAGE_WALK_5_BIT);
	}
	return true;
}

VMX_BROKEN(eptp_dirty_bits)
{
	return ept_on(c) && (VMX_V(EPT_POINTER) & VMX_EPTP_AD_ENABLE_BIT) &&
	       !(VMX_V(VMX_CF_EPT_VPID) & VMX_EPT_AD_BIT);
}

/* Bit 7, which is about supervisor shadow stacks, is reserved where the CPU has no such control. */
VMX_BROKEN(eptp_reserved)
{
	u64 eptp, shadow_stacks = VMX_V(VMX_CF_EPT_VPID) >> 23 & 1;

	if (!ept_on(c))
		return false;
	eptp = VMX_V(EPT_POINTER) & ~(shadow_stacks << 7);
	return (eptp & 0xf80) || lodge_check_beyond(eptp, VMX_V(VMX_CF_PHYS_BITS));
}

/* @arg: secondary controls that need EPT. */
VMX_BROKEN(needs_ept)
{
	return vmx_check_cpu2(c, r->arg) && !ept_on(c);
}

VMX_BROKEN(no_multiplier)
{
	return vmx_check_cpu2(c, SECONDARY_EXEC_TSC_SCALING) && !VMX_V(TSC_MULTIPLIER);
}

/* --- exit controls --- */

VMX_BROKEN(save_timer_without_timer)
{
	return !vmx_check_pin(c, PIN_BASED_VMX_PREEMPTION_TIMER) &&
	       vmx_check_on_exit(c, VM_EXIT_SAVE_VMX_PREEMPTION_TIMER);
}

/* An MSR area: @arg its count's field, @arg2 its address's.  Entries have 16 bytes. */
VMX_BROKEN(msr_area)
{
	u64 count = VMX_V(r->arg), address = VMX_V(r->arg2);

	if (!count)
		return false;
	return vmx_check_bad_address(c, address, 16) ||
	       lodge_check_beyond(address + count * 16 - 1, VMX_V(VMX_CF_PHYS_BITS));
}

/* --- entry controls --- */

static bool injects(const struct lodge_checker *c)
{
	return VMX_V(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VALID_MASK;
}

VMX_BROKEN(event_type)
{
	return vmx_check_injects(c, INTR_TYPE_RESERVED) ||
	       (vmx_check_injects(c, INTR_TYPE_OTHER_EVENT) &&
		!(VMX_V(VMX_CF_CPU_ALLOWED) & CPU_BASED_MONITOR_TRAP_FLAG));
}

VMX_BROKEN(event_vector)
{
	u32 vector = VMX_V(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VECTOR_MASK;

	return (vmx_check_injects(c, INTR_TYPE_NMI_INTR) && vector != 2) ||
	       (vmx_check_injects(c, INTR_TYPE_HARD_EXCEPTION) && vector > 31) ||
	       (vmx_check_injects(c, INTR_TYPE_OTHER_EVENT) && vector);
}

/*
 * Vectors that want an error code: #DF, #TS, #NP, #SS, #GP, #PF and #AC.  Not #CP: CPUs
 * that have it have bit 56 of VMX_BASIC set.
 */
static bool has_error_code(u32 vector)
{
	return vector < 32 && (0x00027d00u >> vector & 1);
}

/*
 * VMX_BASIC bit 56: either is taken for any exception.  Without, the code must be
 * there in protected mode for the vectors that want one, and only then.
 */
VMX_BROKEN(event_error_code)
{
	u32 info = VMX_V(VM_ENTRY_INTR_INFO_FIELD), vector = info & INTR_INFO_VECTOR_MASK;
	bool real = vmx_check_unrestricted(c) && !(VMX_V(GUEST_CR0) & 1);
	bool code = info & INTR_INFO_DELIVER_CODE_MASK;

	if (!injects(c))
		return false;
	if (real || !vmx_check_injects(c, INTR_TYPE_HARD_EXCEPTION))
		return code;
	if (VMX_V(VMX_CF_BASIC) & 1ull << 56)
		return false;
	return code != has_error_code(vector);
}

VMX_BROKEN(event_reserved)
{
	return injects(c) && (VMX_V(VM_ENTRY_INTR_INFO_FIELD) & 0x7ffff000);
}

VMX_BROKEN(error_code_reserved)
{
	return injects(c) &&
	       (VMX_V(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_DELIVER_CODE_MASK) &&
	       VMX_V(VM_ENTRY_EXCEPTION_ERROR_CODE) >> 16;
}

/* The first manuals have bit 15 reserved as well, which is #PF's for SGX since. */
VMX_BROKEN(error_code_bit_15)
{
	return injects(c) &&
	       (VMX_V(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_DELIVER_CODE_MASK) &&
	       (VMX_V(VM_ENTRY_EXCEPTION_ERROR_CODE) & 1 << 15);
}

VMX_BROKEN(event_length)
{
	u32 len = VMX_V(VM_ENTRY_INSTRUCTION_LEN);

	if (!vmx_check_injects(c, INTR_TYPE_SOFT_INTR) &&
	    !vmx_check_injects(c, INTR_TYPE_SOFT_EXCEPTION) &&
	    !vmx_check_injects(c, INTR_TYPE_PRIV_SW_EXCEPTION))
		return false;
	return len > 15 || (!len && !(VMX_V(VMX_CF_MISC) & VMX_MISC_ZERO_LEN_INS));
}

VMX_BROKEN(entry_to_smm)
{
	return vmx_check_on_entry(c, VM_ENTRY_SMM | VM_ENTRY_DEACT_DUAL_MONITOR);
}

#define CONTROLS(name, what, field, caps, section)				\
	{ name, "the " what " must have the bits that must be one, and none that must be zero", \
	  section, reserved_controls, field, caps, OF(field, caps, caps + 1) }

#define PAGE(name, what, field, by, control_field, control)			\
	{ name, "the " what " must be a page, within the physical address width", EXEC,	\
	  page_by_##by, field, control, OF(field, control_field, VMX_CF_PHYS_BITS) }
#define PAGE1(name, what, field, control)	\
	PAGE(name, what, field, primary, CPU_BASED_VM_EXEC_CONTROL, control)
#define PAGE2(name, what, field, control)	\
	PAGE(name, what, field, secondary, SECONDARY_VM_EXEC_CONTROL, control)

#define MSR_AREA(name, what, count, address, section)				\
	{ name, "the " what " area must be 16-byte aligned and within the physical address width", \
	  section, msr_area, count, address, OF(address, count, VMX_CF_PHYS_BITS) }

static const struct lodge_rule rules_controls[] = {
	CONTROLS("pin-controls", "pin-based controls", PIN_BASED_VM_EXEC_CONTROL,
		 VMX_CF_PIN_FIXED, EXEC),
	CONTROLS("primary-controls", "primary processor-based controls",
		 CPU_BASED_VM_EXEC_CONTROL, VMX_CF_CPU_FIXED, EXEC),
	CONTROLS("secondary-controls", "secondary processor-based controls",
		 SECONDARY_VM_EXEC_CONTROL, VMX_CF_CPU2_FIXED, EXEC),
	{ "cr3-target-count", "there must be no more CR3-target values than the CPU has", EXEC,
	  cr3_targets, OF(CR3_TARGET_COUNT, VMX_CF_MISC) },
	PAGE1("io-bitmap-a", "address of I/O bitmap A", IO_BITMAP_A, CPU_BASED_USE_IO_BITMAPS),
	PAGE1("io-bitmap-b", "address of I/O bitmap B", IO_BITMAP_B, CPU_BASED_USE_IO_BITMAPS),
	PAGE1("msr-bitmap", "address of the MSR bitmaps", MSR_BITMAP, CPU_BASED_USE_MSR_BITMAPS),
	PAGE1("virtual-apic-address", "virtual-APIC address", VIRTUAL_APIC_PAGE_ADDR,
	      CPU_BASED_TPR_SHADOW),
	{ "tpr-threshold", "bits 31:4 of the TPR threshold must be zero", EXEC,
	  tpr_threshold, OF(TPR_THRESHOLD, CPU_BASED_VM_EXEC_CONTROL) },
	{ "tpr-threshold-above", "the TPR threshold must not be above bits 7:4 of VTPR", EXEC,
	  tpr_threshold_above, OF(TPR_THRESHOLD, VMX_CF_VTPR, SECONDARY_VM_EXEC_CONTROL) },
	{ "tpr-shadow", "x2APIC virtualization, APIC-register virtualization and virtual-interrupt delivery need \"use TPR shadow\"",
	  EXEC, apic_without_shadow, OF(CPU_BASED_VM_EXEC_CONTROL, SECONDARY_VM_EXEC_CONTROL) },
	{ "virtual-nmis", "\"virtual NMIs\" needs \"NMI exiting\"", EXEC,
	  vnmi_without_exiting, OF(PIN_BASED_VM_EXEC_CONTROL) },
	{ "nmi-window", "\"NMI-window exiting\" needs \"virtual NMIs\"", EXEC,
	  nmi_window_without_vnmi, OF(CPU_BASED_VM_EXEC_CONTROL, PIN_BASED_VM_EXEC_CONTROL) },
	PAGE2("apic-access-address", "APIC-access address", APIC_ACCESS_ADDR,
	      SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES),
	{ "x2apic-mode", "\"virtualize x2APIC mode\" and \"virtualize APIC accesses\" must not both be one",
	  EXEC, x2apic_and_accesses, OF(SECONDARY_VM_EXEC_CONTROL) },
	{ "interrupt-delivery", "\"virtual-interrupt delivery\" needs \"external-interrupt exiting\"",
	  EXEC, delivery_without_exiting,
	  OF(SECONDARY_VM_EXEC_CONTROL, PIN_BASED_VM_EXEC_CONTROL) },
	{ "posted-delivery", "\"process posted interrupts\" needs \"virtual-interrupt delivery\"",
	  EXEC, posted_without_delivery,
	  OF(PIN_BASED_VM_EXEC_CONTROL, SECONDARY_VM_EXEC_CONTROL) },
	{ "posted-ack", "\"process posted interrupts\" needs \"acknowledge interrupt on exit\"",
	  EXEC, posted_without_ack, OF(PIN_BASED_VM_EXEC_CONTROL, VM_EXIT_CONTROLS) },
	{ "posted-vector", "bits 15:8 of the posted-interrupt notification vector must be zero",
	  EXEC, posted_vector, OF(POSTED_INTR_NV) },
	{ "posted-descriptor", "the posted-interrupt descriptor must be 64-byte aligned and within the physical address width",
	  EXEC, posted_descriptor, OF(POSTED_INTR_DESC_ADDR, VMX_CF_PHYS_BITS) },
	{ "vpid-zero", "the VPID must not be zero, which is the host's", EXEC,
	  no_vpid, OF(VIRTUAL_PROCESSOR_ID, SECONDARY_VM_EXEC_CONTROL) },
	{ "eptp-memory-type", "the EPT pointer must have a memory type that the CPU supports",
	  EXEC, eptp_memory_type, OF(EPT_POINTER, VMX_CF_EPT_VPID) },
	{ "eptp-levels", "the EPT pointer must have a page-walk length that the CPU supports",
	  EXEC, eptp_levels, OF(EPT_POINTER, VMX_CF_EPT_VPID) },
	{ "eptp-dirty-bits", "the EPT pointer must not enable accessed and dirty bits where the CPU has none",
	  EXEC, eptp_dirty_bits, OF(EPT_POINTER, VMX_CF_EPT_VPID) },
	{ "eptp-reserved", "reserved bits of the EPT pointer must be zero", EXEC,
	  eptp_reserved, OF(EPT_POINTER, VMX_CF_PHYS_BITS, VMX_CF_EPT_VPID) },
	{ "pml-ept", "\"enable PML\" needs \"enable EPT\"", EXEC,
	  needs_ept, SECONDARY_EXEC_ENABLE_PML, OF(SECONDARY_VM_EXEC_CONTROL) },
	PAGE2("pml-address", "PML address", PML_ADDRESS, SECONDARY_EXEC_ENABLE_PML),
	{ "unrestricted-ept", "\"unrestricted guest\" needs \"enable EPT\"", EXEC,
	  needs_ept, SECONDARY_EXEC_UNRESTRICTED_GUEST, OF(SECONDARY_VM_EXEC_CONTROL) },
	{ "mode-based-ept", "\"mode-based execute control for EPT\" needs \"enable EPT\"", EXEC,
	  needs_ept, SECONDARY_EXEC_MODE_BASED_EPT_EXEC, OF(SECONDARY_VM_EXEC_CONTROL) },
	{ "tsc-multiplier", "the TSC multiplier must not be zero", EXEC,
	  no_multiplier, OF(TSC_MULTIPLIER, SECONDARY_VM_EXEC_CONTROL) },

	CONTROLS("exit-controls", "VM-exit controls", VM_EXIT_CONTROLS, VMX_CF_EXIT_FIXED, EXIT),
	{ "save-timer", "\"save VMX-preemption timer value\" needs \"activate VMX-preemption timer\"",
	  EXIT, save_timer_without_timer, OF(VM_EXIT_CONTROLS, PIN_BASED_VM_EXEC_CONTROL) },
	MSR_AREA("exit-msr-store", "VM-exit MSR-store", VM_EXIT_MSR_STORE_COUNT,
		 VM_EXIT_MSR_STORE_ADDR, EXIT),
	MSR_AREA("exit-msr-load", "VM-exit MSR-load", VM_EXIT_MSR_LOAD_COUNT,
		 VM_EXIT_MSR_LOAD_ADDR, EXIT),

	CONTROLS("entry-controls", "VM-entry controls", VM_ENTRY_CONTROLS,
		 VMX_CF_ENTRY_FIXED, ENTRY),
	{ "event-type", "the event to inject must have a type that is defined", ENTRY,
	  event_type, OF(VM_ENTRY_INTR_INFO_FIELD) },
	{ "event-vector", "the event to inject must have a vector of its type: 2 for an NMI, no more than 31 for an exception",
	  ENTRY, event_vector, OF(VM_ENTRY_INTR_INFO_FIELD) },
	{ "event-error-code", "an error code must come with an exception that has one, in protected mode, and with no other event",
	  ENTRY, event_error_code, OF(VM_ENTRY_INTR_INFO_FIELD, GUEST_CR0, VMX_CF_BASIC) },
	{ "event-reserved", "bits 30:12 of the event to inject must be zero", ENTRY,
	  event_reserved, OF(VM_ENTRY_INTR_INFO_FIELD) },
	{ "event-error-code-reserved", "bits 31:16 of the error code to deliver must be zero",
	  ENTRY, error_code_reserved, OF(VM_ENTRY_EXCEPTION_ERROR_CODE, VM_ENTRY_INTR_INFO_FIELD) },
	{ "event-length", "a software event must have an instruction length of 1 to 15", ENTRY,
	  event_length, OF(VM_ENTRY_INSTRUCTION_LEN, VM_ENTRY_INTR_INFO_FIELD) },
	MSR_AREA("entry-msr-load", "VM-entry MSR-load", VM_ENTRY_MSR_LOAD_COUNT,
		 VM_ENTRY_MSR_LOAD_ADDR, ENTRY),
	{ "entry-to-smm", "outside of SMM, \"entry to SMM\" and \"deactivate dual-monitor treatment\" must be zero",
	  ENTRY, entry_to_smm, OF(VM_ENTRY_CONTROLS) },

	/* Not of every CPU, and so behind all that are. */
	{ "event-error-code-15", "some CPUs let bit 15 of the error code to deliver not be one",
	  ENTRY, error_code_bit_15, OF(VM_ENTRY_EXCEPTION_ERROR_CODE, VM_ENTRY_INTR_INFO_FIELD) },
};

VMX_TABLE(controls);

/* --- errors that are no field's --- */

VMX_BROKEN(instruction_error)
{
	return VMX_V(VMX_CF_INSTRUCTION_ERROR) == r->arg;
}

#define NUMBERS	"SDM vol. 3, VM Instruction Error Numbers"

static const struct lodge_rule rules_instruction[] = {
	{ "launch-clear", "VMLAUNCH needs a VMCS whose launch state is clear", NUMBERS,
	  instruction_error, 4, OF(VMX_CF_INSTRUCTION_ERROR) },
	{ "resume-launched", "VMRESUME needs a VMCS whose launch state is launched", NUMBERS,
	  instruction_error, 5, OF(VMX_CF_INSTRUCTION_ERROR) },
	{ "resume-after-vmxoff", "VMRESUME needs a VMCS that has not seen VMXOFF and VMXON since VMLAUNCH",
	  NUMBERS, instruction_error, 6, OF(VMX_CF_INSTRUCTION_ERROR) },
	{ "blocked-by-mov-ss", "no VM entry may be made while events are blocked by MOV SS",
	  NUMBERS, instruction_error, 26, OF(VMX_CF_INSTRUCTION_ERROR) },
};

VMX_TABLE(instruction);
