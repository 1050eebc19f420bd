// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: of a VMCB that VMRUN refuses, the rule that is broken is named, with its
 * fields: each rule of arch/x86/svm/check_rules.c in turn, on an image.  No node,
 * and no AMD CPU, is needed.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "check_rules.h"
#include "svm/check.h"

#define ATTRIB_L	(1 << 9)
#define ATTRIB_D	(1 << 10)

static struct vmcb vmcb;
static struct svm_checker checker;

#define C	vmcb.control
#define S	vmcb.save

/* A guest in 64-bit mode, on a CPU that has all but shadow stacks. */
static void make_valid(void)
{
	memset(&vmcb, 0, sizeof(vmcb));
	C.intercepts[INTERCEPT_WORD4] = 1 << (INTERCEPT_VMRUN % 32);
	C.intercepts[INTERCEPT_WORD3] = 1 << (INTERCEPT_NMI % 32);
	C.asid = 1;
	C.iopm_base_pa = 0x100000;
	C.msrpm_base_pa = 0x104000;
	C.nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	C.nested_cr3 = 0x200000;
	S.cs.attrib = ATTRIB_L | 0x9b;
	S.efer = EFER_SVME | EFER_LME | EFER_LMA;
	S.cr0 = X86_CR0_PG | X86_CR0_WP | X86_CR0_PE;
	S.cr3 = 0x1000;
	S.cr4 = X86_CR4_PAE;
	S.dr6 = 0xffff0ff0;
	S.dr7 = 0x400;
	S.rflags = 2;
	S.g_pat = 0x0007040600070406ull;

	svm_checker_init(&checker, &vmcb);
	svm_checker_fact(&checker, SVM_CF_PHYS_BITS, 40);
	svm_checker_fact(&checker, SVM_CF_NR_ASIDS, 16);
	svm_checker_fact(&checker, SVM_CF_FLUSH_BY_ASID, 1);
	svm_checker_fact(&checker, SVM_CF_LONG_MODE, 1);
	svm_checker_fact(&checker, SVM_CF_EFER_VALID,
			 EFER_SVME | EFER_LME | EFER_LMA | EFER_NX | EFER_SCE);
	svm_checker_fact(&checker, SVM_CF_CR4_VALID, 0x7fff | X86_CR4_SMEP);
	svm_checker_fact(&checker, SVM_CF_S_CET_VALID, ~0ull);
	svm_checker_fact(&checker, SVM_CF_HOST_CR0, X86_CR0_PG | X86_CR0_PE);
}

static void with_cet(void)
{
	svm_checker_fact(&checker, SVM_CF_CR4_VALID, 0x7fff | X86_CR4_CET);
	svm_checker_fact(&checker, SVM_CF_S_CET_VALID, 3);
}

static void leave_long_mode(void)
{
	S.efer = EFER_SVME;
	S.cs.attrib = ATTRIB_D | 0x9b;
}

static void event(u32 type, u32 vector)
{
	C.event_inj = SVM_EVTINJ_VALID | type << SVM_EVTINJ_TYPE_SHIFT | vector;
}

#define BREAK(fn, ...)	static void fn(void) { __VA_ARGS__; }

BREAK(break_vmrun_intercept, C.intercepts[INTERCEPT_WORD4] = 0)
BREAK(break_asid_zero, C.asid = 0)
BREAK(break_asid_range, C.asid = 16)
BREAK(break_iopm, C.iopm_base_pa = 1ull << 40)
BREAK(break_iopm_end, C.iopm_base_pa = (1ull << 40) - 0x2000)
BREAK(break_msrpm, C.msrpm_base_pa = 1ull << 51)
BREAK(break_msrpm_end, C.msrpm_base_pa = (1ull << 40) - 0x1000)
BREAK(break_tlb_control, C.tlb_ctl = 2)
BREAK(break_tlb_control_of_cpu,
	svm_checker_fact(&checker, SVM_CF_FLUSH_BY_ASID, 0); C.tlb_ctl = TLB_CONTROL_FLUSH_ASID)
BREAK(break_vnmi, C.int_ctl = 1 << 26; C.intercepts[INTERCEPT_WORD3] = 0)
BREAK(break_efer_svme, S.efer &= ~EFER_SVME)
BREAK(break_efer_reserved, S.efer |= 1 << 9)
BREAK(break_efer_long_mode, svm_checker_fact(&checker, SVM_CF_LONG_MODE, 0))
BREAK(break_cr0_nw, S.cr0 |= X86_CR0_NW)
BREAK(break_cr0_upper, S.cr0 |= 1ull << 32)
BREAK(break_cr3_long, S.cr3 = 1ull << 40)
BREAK(break_cr3_legacy, leave_long_mode(); S.cr3 = 1ull << 32)
BREAK(break_cr4_reserved, S.cr4 |= 1ull << 15)
BREAK(break_cr4_upper, S.cr4 |= 1ull << 32)
BREAK(break_dr6, S.dr6 |= 1ull << 32)
BREAK(break_dr7, S.dr7 |= 1ull << 63)
BREAK(break_long_pe, S.cr0 &= ~X86_CR0_PE)
BREAK(break_long_pae, S.cr4 = 0)
BREAK(break_cs, S.cs.attrib |= ATTRIB_D)
BREAK(break_cet_wp, with_cet(); S.cr4 |= X86_CR4_CET; S.cr0 &= ~X86_CR0_WP)
BREAK(break_s_cet, with_cet(); S.s_cet = 1 << 2)
BREAK(break_event_type_1, event(1, 0))
BREAK(break_event_type_5, event(5, 0))
BREAK(break_event_vector_nmi, event(3, 2))
BREAK(break_event_vector_high, event(3, 32))
BREAK(break_event_vector_15, event(3, 15))
BREAK(break_event_vector_20, event(3, 20))
BREAK(break_event_vector_31, event(3, 31))
BREAK(break_nested_host, svm_checker_fact(&checker, SVM_CF_HOST_CR0, X86_CR0_PE))
BREAK(break_nested_cr3, C.nested_cr3 = 1ull << 40)
BREAK(break_g_pat_type, S.g_pat = 2)
BREAK(break_g_pat_reserved, S.g_pat = 0x80)

static const struct breaker breakers[] = {
	{ "vmrun-intercept", break_vmrun_intercept },
	{ "asid-zero", break_asid_zero },
	{ "iopm-address", break_iopm },
	{ "iopm-address", break_iopm_end },
	{ "msrpm-address", break_msrpm },
	{ "msrpm-address", break_msrpm_end },
	{ "tlb-control", break_tlb_control },
	{ "tlb-control", break_tlb_control_of_cpu },
	{ "vnmi-intercept", break_vnmi },
	{ "efer-svme", break_efer_svme },
	{ "efer-reserved", break_efer_reserved },
	{ "efer-long-mode", break_efer_long_mode },
	{ "cr0-nw", break_cr0_nw },
	{ "cr0-upper", break_cr0_upper },
	{ "cr3-reserved-long", break_cr3_long },
	{ "cr3-reserved-legacy", break_cr3_legacy },
	{ "cr4-reserved", break_cr4_reserved },
	{ "cr4-reserved", break_cr4_upper },
	{ "dr6-upper", break_dr6 },
	{ "dr7-upper", break_dr7 },
	{ "long-mode-pe", break_long_pe },
	{ "long-mode-pae", break_long_pae },
	{ "cs-long-and-32-bit", break_cs },
	{ "cet-wp", break_cet_wp },
	{ "s-cet-reserved", break_s_cet },
	{ "event-type", break_event_type_1 },
	{ "event-type", break_event_type_5 },
	{ "event-vector", break_event_vector_nmi },
	{ "event-vector", break_event_vector_high },
	{ "event-vector-reserved", break_event_vector_15 },
	{ "event-vector-reserved", break_event_vector_20 },
	{ "event-vector-reserved", break_event_vector_31 },
	{ "nested-host-paging", break_nested_host },
	{ "nested-cr3", break_nested_cr3 },
	{ "nested-g-pat", break_g_pat_type },
	{ "nested-g-pat", break_g_pat_reserved },
	{ "asid-range", break_asid_range },
};

/* States that VMRUN takes, at the edge of a rule. */
BREAK(fine_real_mode, S.efer = EFER_SVME; S.cr0 = 0x10; S.cr4 = 0; S.cs.attrib = 0x9b)
BREAK(fine_legacy, leave_long_mode(); S.cr3 = 0xffffffe0)
BREAK(fine_caches_off, S.cr0 |= X86_CR0_NW | X86_CR0_CD)
BREAK(fine_nmi, event(2, 2))
BREAK(fine_cp, event(3, 21))
BREAK(fine_sx, event(3, 30))
BREAK(fine_shadow_stacks, with_cet(); S.s_cet = 3)
BREAK(fine_soft, event(4, 0x80))
BREAK(fine_not_valid, C.event_inj = 7 << SVM_EVTINJ_TYPE_SHIFT)
BREAK(fine_no_nesting, C.nested_ctl = 0; C.nested_cr3 = ~0ull; S.g_pat = ~0ull)
BREAK(fine_last_address, C.msrpm_base_pa = (1ull << 40) - 0x2000)

static const struct breaker fine[] = {
	{ "as made", make_valid },
	{ "real mode", fine_real_mode },
	{ "protected mode", fine_legacy },
	{ "caches off", fine_caches_off },
	{ "an NMI", fine_nmi },
	{ "#CP", fine_cp },
	{ "#SX", fine_sx },
	{ "shadow stacks", fine_shadow_stacks },
	{ "a software interrupt", fine_soft },
	{ "an event that is not valid", fine_not_valid },
	{ "no nested paging", fine_no_nesting },
	{ "the last address for a map", fine_last_address },
};

int main(void)
{
	const int n = ARRAY_SIZE(breakers), nr_fine = ARRAY_SIZE(fine);

	ksft_print_header();
	ksft_set_plan(1 + nr_fine + n);
	ksft_test_result(!rules_without_breaker(&svm_rules, breakers, n),
			 "every rule has a state that breaks it\n");
	for (int i = 0; i < nr_fine; i++) {
		make_valid();
		fine[i].break_it();
		ksft_test_result(names_rule(&checker.checker, &svm_rules, NULL),
				 "nothing is broken: %s\n", fine[i].name);
	}
	for (int i = 0; i < n; i++) {
		make_valid();
		breakers[i].break_it();
		ksft_test_result(names_rule(&checker.checker, &svm_rules, breakers[i].name),
				 "%s\n", breakers[i].name);
	}
	ksft_finished();
}
