// SPDX-License-Identifier: GPL-2.0
/*
 * What VMRUN checks before it enters a guest, and ends with VMEXIT_INVALID where it
 * does not hold (APM vol. 2, VMRUN Instruction and the sections named).
 *
 * Not here, as Lodge never turns on what they are about: the rules of AVIC, of
 * encrypted guests (SEV, SEV-ES, SEV-SNP) and of U_CET, which is in no VMCB
 * without SEV-ES.
 */
#include <linux/stddef.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "svm/check.h"

#define CANON	"APM vol. 2, VMRUN Instruction, Canonicalization and Consistency Checks"
#define EVENT	"APM vol. 2, Event Injection"
#define NESTED	"APM vol. 2, Nested Paging, Nested Paging and VMRUN/#VMEXIT"

/* The VMCB's format of segment attributes: those of a descriptor, without the limit. */
#define ATTRIB_L	(1 << 9)
#define ATTRIB_D	(1 << 10)

/* APM vol. 2, VMCB Layout: V_NMI_ENABLE in the word of the virtual interrupt. */
#define INT_CTL_V_NMI_ENABLE	(1u << 26)

/* --- the reader --- */

struct svm_check_place {
	const char *name;
	u16 offset;
	u8 size;
};

#define PLACE(part, field)							\
	offsetof(struct vmcb, part.field), sizeof(((struct vmcb *)0)->part.field)
#define CONTROL(field)		PLACE(control, field)
#define SAVE(field)		PLACE(save, field)

static const struct svm_check_place svm_check_places[SVM_NR_CF] = {
	[SVM_CF_INTERCEPTS_4]	= { "intercepts (word 4)", CONTROL(intercepts[INTERCEPT_WORD4]) },
	[SVM_CF_INTERCEPTS_3]	= { "intercepts (word 3)", CONTROL(intercepts[INTERCEPT_WORD3]) },
	[SVM_CF_IOPM]		= { "IOPM_BASE_PA", CONTROL(iopm_base_pa) },
	[SVM_CF_MSRPM]		= { "MSRPM_BASE_PA", CONTROL(msrpm_base_pa) },
	[SVM_CF_ASID]		= { "guest ASID", CONTROL(asid) },
	[SVM_CF_TLB_CTL]	= { "TLB_CONTROL", CONTROL(tlb_ctl) },
	[SVM_CF_INT_CTL]	= { "virtual interrupt control", CONTROL(int_ctl) },
	[SVM_CF_EVENT_INJ]	= { "EVENTINJ", CONTROL(event_inj) },
	[SVM_CF_NESTED_CTL]	= { "nested control", CONTROL(nested_ctl) },
	[SVM_CF_NESTED_CR3]	= { "N_CR3", CONTROL(nested_cr3) },
	[SVM_CF_CS_ATTRIB]	= { "CS attributes", SAVE(cs.attrib) },
	[SVM_CF_EFER]		= { "EFER", SAVE(efer) },
	[SVM_CF_CR0]		= { "CR0", SAVE(cr0) },
	[SVM_CF_CR3]		= { "CR3", SAVE(cr3) },
	[SVM_CF_CR4]		= { "CR4", SAVE(cr4) },
	[SVM_CF_DR6]		= { "DR6", SAVE(dr6) },
	[SVM_CF_DR7]		= { "DR7", SAVE(dr7) },
	[SVM_CF_S_CET]		= { "S_CET", SAVE(s_cet) },
	[SVM_CF_G_PAT]		= { "G_PAT", SAVE(g_pat) },
	[SVM_CF_PHYS_BITS]	= { "physical address bits" },
	[SVM_CF_NR_ASIDS]	= { "ASIDs of this CPU" },
	[SVM_CF_FLUSH_BY_ASID]	= { "CPU has flush by ASID" },
	[SVM_CF_LONG_MODE]	= { "CPU has long mode" },
	[SVM_CF_EFER_VALID]	= { "EFER bits of this CPU" },
	[SVM_CF_CR4_VALID]	= { "CR4 bits of this CPU" },
	[SVM_CF_S_CET_VALID]	= { "S_CET bits of this CPU" },
	[SVM_CF_HOST_CR0]	= { "host's CR0" },
};

static u64 svm_check_read(const struct lodge_checker *checker, u32 field)
{
	const struct svm_checker *c = (const void *)checker;
	const struct svm_check_place *p = &svm_check_places[field];
	u64 value = 0;

	if (field >= SVM_CF_FACTS)
		return c->facts[field - SVM_CF_FACTS];
	/* The CPU's byte order is the VMCB's. */
	__builtin_memcpy(&value, (const char *)c->vmcb + p->offset, p->size);
	return value;
}

static const char *svm_check_name(u32 field)
{
	return svm_check_places[field].name;
}

void svm_checker_init(struct svm_checker *c, const struct vmcb *vmcb)
{
	*c = (struct svm_checker) {
		.checker = { .read = svm_check_read, .field_name = svm_check_name },
		.vmcb = vmcb,
	};
}

/* --- the rules --- */

#define SVM_V(what)	lodge_check_read(c, SVM_CF_##what)
#define BROKEN(fn)	static bool fn(const struct lodge_checker *c, const struct lodge_rule *r)

BROKEN(no_vmrun_intercept)
{
	return !(SVM_V(INTERCEPTS_4) & 1u << (INTERCEPT_VMRUN % 32));
}

BROKEN(no_asid)
{
	return !SVM_V(ASID);
}

BROKEN(asid_too_large)
{
	return SVM_V(ASID) >= SVM_V(NR_ASIDS);
}

/* A map's last byte; @arg the field, @arg2 the map's size. */
BROKEN(map_beyond)
{
	u64 base = lodge_check_read(c, r->arg);

	return lodge_check_beyond(base, SVM_V(PHYS_BITS)) ||
	       lodge_check_beyond((base & ~0xfffull) + r->arg2 - 1, SVM_V(PHYS_BITS));
}

BROKEN(bad_tlb_control)
{
	switch (SVM_V(TLB_CTL)) {
	case TLB_CONTROL_DO_NOTHING:
	case TLB_CONTROL_FLUSH_ALL_ASID:
		return false;
	case TLB_CONTROL_FLUSH_ASID:
	case TLB_CONTROL_FLUSH_ASID_LOCAL:
		return !SVM_V(FLUSH_BY_ASID);
	}
	return true;
}

BROKEN(vnmi_without_intercept)
{
	return (SVM_V(INT_CTL) & INT_CTL_V_NMI_ENABLE) &&
	       !(SVM_V(INTERCEPTS_3) & 1u << (INTERCEPT_NMI % 32));
}

BROKEN(no_svme)
{
	return !(SVM_V(EFER) & EFER_SVME);
}

BROKEN(reserved_efer)
{
	return SVM_V(EFER) & ~SVM_V(EFER_VALID);
}

BROKEN(no_long_mode)
{
	return (SVM_V(EFER) & (EFER_LME | EFER_LMA)) && !SVM_V(LONG_MODE);
}

BROKEN(nw_without_cd)
{
	return (SVM_V(CR0) & (X86_CR0_CD | X86_CR0_NW)) == X86_CR0_NW;
}

/* @arg: a register whose upper half must be zero. */
BROKEN(upper_half)
{
	return lodge_check_read(c, r->arg) >> 32;
}

static bool long_paging(const struct lodge_checker *c)
{
	return (SVM_V(EFER) & EFER_LME) && (SVM_V(CR0) & X86_CR0_PG);
}

BROKEN(long_cr3_beyond)
{
	return long_paging(c) && lodge_check_beyond(SVM_V(CR3), SVM_V(PHYS_BITS));
}

BROKEN(legacy_cr3_beyond)
{
	return !long_paging(c) && SVM_V(CR3) >> 32;
}

BROKEN(reserved_cr4)
{
	return SVM_V(CR4) & ~SVM_V(CR4_VALID);
}

BROKEN(long_without_pae)
{
	return long_paging(c) && !(SVM_V(CR4) & X86_CR4_PAE);
}

BROKEN(long_without_pe)
{
	return long_paging(c) && !(SVM_V(CR0) & X86_CR0_PE);
}

BROKEN(code_long_and_32_bit)
{
	return long_paging(c) && (SVM_V(CR4) & X86_CR4_PAE) &&
	       (SVM_V(CS_ATTRIB) & (ATTRIB_L | ATTRIB_D)) == (ATTRIB_L | ATTRIB_D);
}

BROKEN(cet_without_wp)
{
	return (SVM_V(CR4) & X86_CR4_CET) && !(SVM_V(CR0) & X86_CR0_WP);
}

BROKEN(reserved_s_cet)
{
	return SVM_V(S_CET) & ~SVM_V(S_CET_VALID);
}

BROKEN(bad_event_type)
{
	u64 event = SVM_V(EVENT_INJ);

	if (!(event & SVM_EVTINJ_VALID))
		return false;
	switch (event & SVM_EVTINJ_TYPE_MASK) {
	case SVM_EVTINJ_TYPE_INTR:
	case SVM_EVTINJ_TYPE_NMI:
	case SVM_EVTINJ_TYPE_EXEPT:
	case SVM_EVTINJ_TYPE_SOFT:
		return false;
	}
	return true;
}

static bool injects_exception(const struct lodge_checker *c)
{
	u32 event = SVM_V(EVENT_INJ);

	return (event & SVM_EVTINJ_VALID) &&
	       (event & SVM_EVTINJ_TYPE_MASK) == SVM_EVTINJ_TYPE_EXEPT;
}

BROKEN(bad_exception)
{
	u32 vector = SVM_V(EVENT_INJ) & SVM_EVTINJ_VEC_MASK;

	return injects_exception(c) && (vector == 2 || vector > 31);
}

/* APM vol. 2, Vectors, Interrupt Vector Source and Cause: 9, 15, 20, 22 to 27 and 31. */
BROKEN(reserved_exception)
{
	u32 vector = SVM_V(EVENT_INJ) & SVM_EVTINJ_VEC_MASK;

	return injects_exception(c) && vector < 32 && (0x8fd08200u >> vector & 1);
}

static bool nested_paging(const struct lodge_checker *c)
{
	return SVM_V(NESTED_CTL) & SVM_NESTED_CTL_NP_ENABLE;
}

BROKEN(nested_without_host_paging)
{
	return nested_paging(c) && !(SVM_V(HOST_CR0) & X86_CR0_PG);
}

BROKEN(nested_cr3_beyond)
{
	return nested_paging(c) && lodge_check_beyond(SVM_V(NESTED_CR3), SVM_V(PHYS_BITS));
}

BROKEN(bad_g_pat)
{
	return nested_paging(c) && lodge_check_bad_pat(SVM_V(G_PAT));
}

#define OF(...)		LODGE_CHECK_OF(__VA_ARGS__)

static const struct lodge_rule rules[] = {
	{ "vmrun-intercept", "the intercept of VMRUN must be set", CANON,
	  no_vmrun_intercept, OF(SVM_CF_INTERCEPTS_4) },
	{ "asid-zero", "the guest's ASID must not be zero, which is the host's", CANON,
	  no_asid, OF(SVM_CF_ASID) },
	{ "iopm-address", "the I/O permission map must lie below the end of physical memory",
	  CANON, map_beyond, SVM_CF_IOPM, 0x3000, OF(SVM_CF_IOPM, SVM_CF_PHYS_BITS) },
	{ "msrpm-address", "the MSR permission map must lie below the end of physical memory",
	  CANON, map_beyond, SVM_CF_MSRPM, 0x2000, OF(SVM_CF_MSRPM, SVM_CF_PHYS_BITS) },
	{ "tlb-control", "TLB_CONTROL must have a value that this CPU defines",
	  "APM vol. 2, TLB Control, TLB Flush", bad_tlb_control,
	  OF(SVM_CF_TLB_CTL, SVM_CF_FLUSH_BY_ASID) },
	{ "vnmi-intercept", "virtual NMIs need the intercept of NMI",
	  "APM vol. 2, NMI Virtualization", vnmi_without_intercept,
	  OF(SVM_CF_INT_CTL, SVM_CF_INTERCEPTS_3) },

	{ "efer-svme", "EFER.SVME must be set", CANON, no_svme, OF(SVM_CF_EFER) },
	{ "efer-long-mode", "EFER.LME and EFER.LMA must be zero on a CPU without long mode",
	  CANON, no_long_mode, OF(SVM_CF_EFER, SVM_CF_LONG_MODE) },
	{ "efer-reserved", "reserved bits of EFER must be zero", CANON,
	  reserved_efer, OF(SVM_CF_EFER, SVM_CF_EFER_VALID) },
	{ "cr0-nw", "CR0.NW must not be set while CR0.CD is zero", CANON,
	  nw_without_cd, OF(SVM_CF_CR0) },
	{ "cr0-upper", "bits 63:32 of CR0 must be zero", CANON,
	  upper_half, SVM_CF_CR0, OF(SVM_CF_CR0) },
	{ "cr3-reserved-long", "bits of CR3 beyond the physical address width must be zero",
	  CANON, long_cr3_beyond, OF(SVM_CF_CR3, SVM_CF_PHYS_BITS) },
	{ "cr3-reserved-legacy", "bits 63:32 of CR3 must be zero outside of long mode",
	  CANON, legacy_cr3_beyond, OF(SVM_CF_CR3, SVM_CF_EFER, SVM_CF_CR0) },
	{ "cr4-reserved", "reserved bits of CR4 must be zero", CANON,
	  reserved_cr4, OF(SVM_CF_CR4, SVM_CF_CR4_VALID) },
	{ "dr6-upper", "bits 63:32 of DR6 must be zero", CANON,
	  upper_half, SVM_CF_DR6, OF(SVM_CF_DR6) },
	{ "dr7-upper", "bits 63:32 of DR7 must be zero", CANON,
	  upper_half, SVM_CF_DR7, OF(SVM_CF_DR7) },
	{ "long-mode-pe", "EFER.LME and CR0.PG need CR0.PE", CANON,
	  long_without_pe, OF(SVM_CF_EFER, SVM_CF_CR0) },
	{ "long-mode-pae", "EFER.LME and CR0.PG need CR4.PAE", CANON,
	  long_without_pae, OF(SVM_CF_EFER, SVM_CF_CR0, SVM_CF_CR4) },
	{ "cs-long-and-32-bit", "CS.L and CS.D must not both be set in long mode", CANON,
	  code_long_and_32_bit,
	  OF(SVM_CF_CS_ATTRIB, SVM_CF_EFER, SVM_CF_CR0, SVM_CF_CR4) },
	{ "cet-wp", "CR4.CET needs CR0.WP", CANON, cet_without_wp, OF(SVM_CF_CR4, SVM_CF_CR0) },
	{ "s-cet-reserved", "reserved bits of S_CET must be zero", CANON,
	  reserved_s_cet, OF(SVM_CF_S_CET, SVM_CF_S_CET_VALID) },

	{ "event-type", "EVENTINJ must have a type that is defined", EVENT,
	  bad_event_type, OF(SVM_CF_EVENT_INJ) },
	{ "event-vector", "an exception in EVENTINJ must have an exception's vector, not 2 or above 31",
	  EVENT, bad_exception, OF(SVM_CF_EVENT_INJ) },

	{ "nested-host-paging", "nested paging needs CR0.PG of the host", NESTED,
	  nested_without_host_paging, OF(SVM_CF_NESTED_CTL, SVM_CF_HOST_CR0) },
	{ "nested-cr3", "bits of N_CR3 beyond the physical address width must be zero", NESTED,
	  nested_cr3_beyond, OF(SVM_CF_NESTED_CR3, SVM_CF_PHYS_BITS) },
	{ "nested-g-pat", "every entry of G_PAT must be a memory type", NESTED,
	  bad_g_pat, OF(SVM_CF_G_PAT) },

	/* What CPUs make of these is not said, or not the same: behind all that is sure. */
	{ "event-vector-reserved", "an exception in EVENTINJ must have the vector of one that is defined",
	  EVENT, reserved_exception, OF(SVM_CF_EVENT_INJ) },
	{ "asid-range", "the guest's ASID must be one that the CPU has",
	  "APM vol. 2, TLB Control", asid_too_large, OF(SVM_CF_ASID, SVM_CF_NR_ASIDS) },
};

const struct lodge_rules svm_rules = { rules, ARRAY_SIZE(rules) };
