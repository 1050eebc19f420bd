// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: of a VMCS with which an entry fails, the rule that is broken is named, with
 * its fields: each rule of arch/x86/vmx/check_*.c in turn, on an array of fields.  No
 * node, and no Intel CPU, is needed.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "check_rules.h"
#include "vmx/check.h"

static u64 fields[0x8000];
static u64 facts[VMX_NR_FACTS];
static u8 absent[0x8000];	/* a field that must not be read: the CPU has none */
static int absent_reads;

static u64 image_read(const struct lodge_checker *c, u32 field)
{
	if (field >= VMX_CF_FACTS)
		return facts[field - VMX_CF_FACTS];
	absent_reads += absent[field];
	return fields[field];
}

static const struct lodge_checker checker = { image_read, vmx_check_name };

#define F(field)	fields[field]
#define FACT(fact)	facts[VMX_CF_##fact - VMX_CF_FACTS]
#define PIN		F(PIN_BASED_VM_EXEC_CONTROL)
#define CPU		F(CPU_BASED_VM_EXEC_CONTROL)
#define CPU2		F(SECONDARY_VM_EXEC_CONTROL)
#define ENTRY		F(VM_ENTRY_CONTROLS)
#define EXIT		F(VM_EXIT_CONTROLS)
#define EVENT		F(VM_ENTRY_INTR_INFO_FIELD)
#define SHADOW		F(GUEST_INTERRUPTIBILITY_INFO)

enum { ES, CS, SS, DS, FS, GS, LDTR, TR };
#define SEL(seg)	F(GUEST_ES_SELECTOR + 2 * (seg))
#define BASE(seg)	F(GUEST_ES_BASE + 2 * (seg))
#define LIMIT(seg)	F(GUEST_ES_LIMIT + 2 * (seg))
#define AR(seg)		F(GUEST_ES_AR_BYTES + 2 * (seg))

#define BEYOND		(1ull << 39)		/* with 39 bits of physical address */
#define CROOKED		(1ull << 47)		/* not canonical with 48 bits */

static void make_facts(void)
{
	FACT(PHYS_BITS) = 39;
	FACT(LINEAR_BITS) = 48;
	FACT(PIN_FIXED) = 0x16;
	FACT(PIN_ALLOWED) = 0xff;
	FACT(CPU_FIXED) = 0x04006172;
	FACT(CPU_ALLOWED) = 0xfff9fffe;
	FACT(CPU2_FIXED) = 0;
	FACT(CPU2_ALLOWED) = 0x7fffff;
	FACT(EXIT_FIXED) = 0x36dfb;
	FACT(EXIT_ALLOWED) = 0x1ffffff;
	FACT(ENTRY_FIXED) = 0x11fb;
	FACT(ENTRY_ALLOWED) = 0x1ffff;
	FACT(CR0_FIXED0) = X86_CR0_PG | X86_CR0_NE | X86_CR0_PE;
	FACT(CR0_FIXED1) = 0xffffffff;
	FACT(CR4_FIXED0) = X86_CR4_VMXE;
	FACT(CR4_FIXED1) = 0x3727ff | X86_CR4_CET;
	FACT(BASIC) = 0;
	FACT(MISC) = VMX_MISC_ACTIVITY_HLT | 1 << 7 | VMX_MISC_ACTIVITY_WAIT_SIPI | 4 << 16;
	FACT(EPT_VPID) = VMX_EPT_PAGE_WALK_4_BIT | VMX_EPTP_WB_BIT | VMX_EPT_AD_BIT;
	FACT(EFER_VALID) = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	FACT(DEBUGCTL_VALID) = 0x7fc3;
	FACT(PERF_GLOBAL_VALID) = 0x70000000full;
	FACT(VTPR) = 0x20;
	FACT(HAS_RTM) = 1;
	FACT(HAS_SGX) = 1;
}

static void make_controls(void)
{
	PIN = FACT(PIN_FIXED) | PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING |
	      PIN_BASED_VIRTUAL_NMIS;
	CPU = FACT(CPU_FIXED) | CPU_BASED_TPR_SHADOW | CPU_BASED_USE_MSR_BITMAPS |
	      CPU_BASED_ACTIVATE_SECONDARY_CONTROLS;
	CPU2 = SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID;
	EXIT = FACT(EXIT_FIXED) | VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_LOAD_IA32_EFER |
	       VM_EXIT_LOAD_IA32_PAT | VM_EXIT_ACK_INTR_ON_EXIT;
	ENTRY = FACT(ENTRY_FIXED) | VM_ENTRY_IA32E_MODE | VM_ENTRY_LOAD_IA32_EFER |
		VM_ENTRY_LOAD_IA32_PAT | VM_ENTRY_LOAD_DEBUG_CONTROLS;
	F(MSR_BITMAP) = 0x10000;
	F(VIRTUAL_APIC_PAGE_ADDR) = 0x11000;
	F(VIRTUAL_PROCESSOR_ID) = 1;
	F(EPT_POINTER) = 0x20000 | VMX_EPTP_PWL_4 | VMX_EPTP_MT_WB | VMX_EPTP_AD_ENABLE_BIT;
}

static void make_host(void)
{
	F(HOST_CR0) = X86_CR0_PG | X86_CR0_NE | X86_CR0_PE | X86_CR0_WP;
	F(HOST_CR3) = 0x1000;
	F(HOST_CR4) = X86_CR4_PAE | X86_CR4_VMXE;
	F(HOST_CS_SELECTOR) = 0x10;
	F(HOST_SS_SELECTOR) = 0x18;
	F(HOST_TR_SELECTOR) = 0x40;
	F(HOST_IA32_EFER) = EFER_LME | EFER_LMA | EFER_NX;
	F(HOST_IA32_PAT) = 0x0007040600070406ull;
	F(HOST_RIP) = 0xffffffff81000000ull;
}

static void make_guest(void)
{
	F(GUEST_CR0) = X86_CR0_PG | X86_CR0_NE | X86_CR0_PE | X86_CR0_WP;
	F(GUEST_CR3) = 0x1000;
	F(GUEST_CR4) = X86_CR4_PAE | X86_CR4_VMXE;
	F(GUEST_DR7) = 0x400;
	F(GUEST_IA32_EFER) = EFER_LME | EFER_LMA;
	F(GUEST_IA32_PAT) = 0x0007040600070406ull;
	F(GUEST_RFLAGS) = 2;
	F(GUEST_RIP) = 0x1000;
	F(VMCS_LINK_POINTER) = ~0ull;
	for (int seg = ES; seg <= GS; seg++) {
		SEL(seg) = 0x18;
		LIMIT(seg) = 0xffffffff;
		AR(seg) = 0xc093;
	}
	AR(CS) = 0xa09b;
	SEL(TR) = 0x40;
	LIMIT(TR) = 0x67;
	AR(TR) = 0x8b;
	SEL(LDTR) = 0x50;
	LIMIT(LDTR) = 0x7;
	AR(LDTR) = 0x82;
}

static void make_valid(void)
{
	memset(fields, 0, sizeof(fields));
	memset(facts, 0, sizeof(facts));
	memset(absent, 0, sizeof(absent));
	absent_reads = 0;
	make_facts();
	make_controls();
	make_host();
	make_guest();
}

/* --- other modes --- */

/* Protected mode with PAE paging. */
static void legacy(void)
{
	ENTRY &= ~VM_ENTRY_IA32E_MODE;
	F(GUEST_IA32_EFER) = 0;
	AR(CS) = 0xc09b;
}

static void unrestricted(void)
{
	CPU2 |= SECONDARY_EXEC_UNRESTRICTED_GUEST;
}

static void real_mode(void)
{
	unrestricted();
	legacy();
	F(GUEST_CR0) = X86_CR0_NE;
	F(GUEST_CR4) = X86_CR4_VMXE;
	for (int seg = ES; seg <= GS; seg++) {
		LIMIT(seg) = 0xffff;
		AR(seg) = 0x93;
	}
	AR(CS) = 0x9b;
}

static void vm86(void)
{
	legacy();
	F(GUEST_RFLAGS) |= X86_EFLAGS_VM;
	for (int seg = ES; seg <= GS; seg++) {
		SEL(seg) = 0x1000;
		BASE(seg) = 0x10000;
		LIMIT(seg) = 0xffff;
		AR(seg) = 0xf3;
	}
}

static void user_mode(void)
{
	SEL(CS) = SEL(SS) = 0x2b;
	AR(CS) |= 3 << VMX_AR_DPL_SHIFT;
	AR(SS) |= 3 << VMX_AR_DPL_SHIFT;
}

static void posted(void)
{
	PIN |= PIN_BASED_POSTED_INTR;
	CPU2 |= SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
	F(POSTED_INTR_NV) = 0xf2;
	F(POSTED_INTR_DESC_ADDR) = 0x12340;
}

static void event(u32 type, u32 vector)
{
	EVENT = INTR_INFO_VALID_MASK | type | vector;
}

static void interrupts_on(void)
{
	F(GUEST_RFLAGS) |= X86_EFLAGS_IF;
}

/* --- the breakers --- */

struct vmx_breaker {
	const char *name;
	u32 error;		/* VM-instruction error; 0: exit reason @reason */
	u32 reason;
	void (*break_it)(void);
};

#define B(fn, ...)	static void fn(void) { __VA_ARGS__; }
#include "check_vmx_rules.h"

/* States that an entry takes, at the edge of a rule. */
B(fine_unrestricted_real, real_mode())
B(fine_legacy, legacy())
B(fine_vm86, vm86())
B(fine_user, user_mode())
B(fine_unrestricted, unrestricted(); SEL(CS) |= 3)
B(fine_posted, posted())
B(fine_nmi, event(INTR_TYPE_NMI_INTR, 2))
B(fine_interrupt, interrupts_on(); event(INTR_TYPE_EXT_INTR, 0xff))
B(fine_page_fault, event(INTR_TYPE_HARD_EXCEPTION, 14 | INTR_INFO_DELIVER_CODE_MASK))
B(fine_any_code, FACT(BASIC) = 1ull << 56; event(INTR_TYPE_HARD_EXCEPTION, 13))
B(fine_soft, event(INTR_TYPE_SOFT_INTR, 0x80); F(VM_ENTRY_INSTRUCTION_LEN) = 15)
B(fine_halted, F(GUEST_ACTIVITY_STATE) = GUEST_ACTIVITY_HLT; event(INTR_TYPE_NMI_INTR, 2))
B(fine_step, SHADOW = GUEST_INTR_STATE_MOV_SS; F(GUEST_RFLAGS) |= X86_EFLAGS_TF;
	F(GUEST_PENDING_DBG_EXCEPTIONS) = 1 << 14)
B(fine_unusable, AR(LDTR) = AR(DS) = VMX_AR_UNUSABLE_MASK; BASE(DS) = ~0ull >> 1;
	SEL(LDTR) = 0; BASE(LDTR) = CROOKED)
B(fine_event_not_valid, EVENT = ~INTR_INFO_VALID_MASK)
B(fine_rip_at_the_edge, F(GUEST_RIP) = CROOKED)
B(fine_code_with_cp, FACT(BASIC) = 1ull << 56;
	event(INTR_TYPE_HARD_EXCEPTION, 21 | INTR_INFO_DELIVER_CODE_MASK))
B(fine_bus_lock, FACT(DEBUGCTL_VALID) |= 1 << 2; F(GUEST_PENDING_DBG_EXCEPTIONS) = 1 << 11)
B(fine_masking, FACT(HAS_LAM) = 1; F(GUEST_CR3) |= 3ull << 61; F(HOST_CR3) |= 1ull << 62)
B(fine_shadow_stacks, FACT(EPT_VPID) |= 1 << 23; F(EPT_POINTER) |= 0x80)
B(fine_host_caches, F(HOST_CR0) |= X86_CR0_CD; FACT(CR0_FIXED1) &= ~(u64)X86_CR0_CD)
B(fine_cr3_targets, F(CR3_TARGET_COUNT) = 4)
B(fine_pdptes_unused, F(GUEST_PDPTR0) = ~0ull)
B(fine_caches, F(GUEST_CR0) |= X86_CR0_CD | X86_CR0_NW)
B(fine_threshold, F(TPR_THRESHOLD) = 2)
B(fine_msr_area, F(VM_ENTRY_MSR_LOAD_COUNT) = 1; F(VM_ENTRY_MSR_LOAD_ADDR) = BEYOND - 16)

static void forbid(u32 field)
{
	absent[field] = 1;
}

/* A CPU without what is optional: its fields do not exist. */
static void fine_old_cpu(void)
{
	CPU &= ~(u64)(CPU_BASED_TPR_SHADOW | CPU_BASED_USE_MSR_BITMAPS |
		      CPU_BASED_ACTIVATE_SECONDARY_CONTROLS);
	EXIT &= ~(u64)(VM_EXIT_LOAD_IA32_EFER | VM_EXIT_LOAD_IA32_PAT);
	ENTRY &= ~(u64)(VM_ENTRY_LOAD_IA32_EFER | VM_ENTRY_LOAD_IA32_PAT);
	forbid(SECONDARY_VM_EXEC_CONTROL);
	forbid(MSR_BITMAP);
	forbid(VIRTUAL_APIC_PAGE_ADDR);
	forbid(TPR_THRESHOLD);
	forbid(APIC_ACCESS_ADDR);
	forbid(POSTED_INTR_NV);
	forbid(POSTED_INTR_DESC_ADDR);
	forbid(VIRTUAL_PROCESSOR_ID);
	forbid(EPT_POINTER);
	forbid(PML_ADDRESS);
	forbid(TSC_MULTIPLIER);
	forbid(HOST_IA32_PAT);
	forbid(HOST_IA32_EFER);
	forbid(HOST_IA32_PERF_GLOBAL_CTRL);
	forbid(GUEST_IA32_PAT);
	forbid(GUEST_IA32_EFER);
	forbid(GUEST_IA32_PERF_GLOBAL_CTRL);
	forbid(GUEST_BNDCFGS);
	forbid(GUEST_PDPTR0);
	forbid(GUEST_PDPTR1);
	forbid(GUEST_PDPTR2);
	forbid(GUEST_PDPTR3);
}

static const struct {
	const char *name;
	void (*make)(void);
} fine[] = {
	{ "as made", make_valid },
	{ "real mode with unrestricted guest", fine_unrestricted_real },
	{ "protected mode", fine_legacy },
	{ "virtual-8086 mode", fine_vm86 },
	{ "user mode", fine_user },
	{ "unrestricted guest, RPLs that differ", fine_unrestricted },
	{ "posted interrupts", fine_posted },
	{ "an NMI", fine_nmi },
	{ "an external interrupt", fine_interrupt },
	{ "a page fault", fine_page_fault },
	{ "an error code left out, where the CPU permits it", fine_any_code },
	{ "a software interrupt", fine_soft },
	{ "an NMI while halted", fine_halted },
	{ "a single step in a shadow", fine_step },
	{ "unusable segments", fine_unusable },
	{ "an event that is not valid", fine_event_not_valid },
	{ "RIP behind the lower half", fine_rip_at_the_edge },
	{ "an error code with #CP, where the CPU permits it", fine_code_with_cp },
	{ "a bus lock", fine_bus_lock },
	{ "linear-address masking", fine_masking },
	{ "supervisor shadow stacks", fine_shadow_stacks },
	{ "the host's caches off", fine_host_caches },
	{ "four CR3-target values", fine_cr3_targets },
	{ "PDPTEs that do not count", fine_pdptes_unused },
	{ "caches off", fine_caches },
	{ "a TPR threshold", fine_threshold },
	{ "the last address for an MSR area", fine_msr_area },
	{ "a CPU without what is optional", fine_old_cpu },
};

static bool names_vmx_rule(const char *name)
{
	struct lodge_check_report report = {};
	bool broken = vmx_check(&checker, &report);

	if (absent_reads) {
		ksft_print_msg("%s: fields were read that the CPU does not have\n",
			       name ?: "valid state");
		return false;
	}
	if (!name && broken)
		ksft_print_msg("nothing should be broken, but %s is\n", report.name);
	if (!name)
		return !broken;
	if (!broken || strcmp(report.name, name)) {
		ksft_print_msg("%s: named %s instead\n", name, broken ? report.name : "no rule");
		return false;
	}
	for (unsigned int i = 0; i < report.nr_fields; i++) {
		if (report.fields[i].name && strcmp(report.fields[i].name, "VMCS field"))
			continue;
		ksft_print_msg("%s: field %u has no name\n", name, i);
		return false;
	}
	return report.rule && report.section && report.nr_fields;
}

/* Nothing is broken, whatever way the entry is said to have failed. */
static bool all_fine(void)
{
	FACT(EXIT_REASON) = EXIT_REASON_INVALID_STATE;
	if (!names_vmx_rule(NULL))
		return false;
	FACT(INSTRUCTION_ERROR) = 7;
	if (!names_vmx_rule(NULL))
		return false;
	FACT(INSTRUCTION_ERROR) = 8;
	return names_vmx_rule(NULL);
}

static int without_breaker(void)
{
	static const struct lodge_rules *const tables[] = {
		&vmx_rules_instruction, &vmx_rules_controls, &vmx_rules_host, &vmx_rules_guest,
		&vmx_rules_segments, &vmx_rules_state, &vmx_rules_msr_load,
	};
	static struct breaker by_name[ARRAY_SIZE(breakers)];
	int missing = 0, rules = 0;

	for (int i = 0; i < ARRAY_SIZE(breakers); i++)
		by_name[i].name = breakers[i].name;
	for (int i = 0; i < ARRAY_SIZE(tables); i++) {
		missing += rules_without_breaker(tables[i], by_name, ARRAY_SIZE(by_name));
		rules += tables[i]->nr;
	}
	ksft_print_msg("%d rules\n", rules);
	return missing;
}

int main(void)
{
	const int n = ARRAY_SIZE(breakers), nr_fine = ARRAY_SIZE(fine);

	ksft_print_header();
	ksft_set_plan(1 + nr_fine + n);
	ksft_test_result(!without_breaker(), "every rule has a state that breaks it\n");
	for (int i = 0; i < nr_fine; i++) {
		make_valid();
		fine[i].make();
		ksft_test_result(all_fine(), "nothing is broken: %s\n", fine[i].name);
	}
	for (int i = 0; i < n; i++) {
		make_valid();
		FACT(INSTRUCTION_ERROR) = breakers[i].error;
		FACT(EXIT_REASON) = breakers[i].reason;
		breakers[i].break_it();
		ksft_test_result(names_vmx_rule(breakers[i].name), "%s\n", breakers[i].name);
	}
	ksft_finished();
}
