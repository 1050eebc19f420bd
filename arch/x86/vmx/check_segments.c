// SPDX-License-Identifier: GPL-2.0
/*
 * What an entry checks of the guest's segment registers (SDM vol. 3, Checks on Guest
 * Segment Registers): one rule for each check and register.
 */
#include <asm/processor-flags.h>

#include "vmx/check.h"

#define SEGS	"SDM vol. 3, Checks on Guest Segment Registers"
#define OF(...)	LODGE_CHECK_OF(__VA_ARGS__)

/* The fields of a register follow each other in the order of ES, CS, ... TR: @arg says which. */
enum { ES, CS, SS, DS, FS, GS, LDTR, TR };

#define SELECTOR(seg)	VMX_V(GUEST_ES_SELECTOR + 2 * (seg))
#define BASE(seg)	VMX_V(GUEST_ES_BASE + 2 * (seg))
#define LIMIT(seg)	VMX_V(GUEST_ES_LIMIT + 2 * (seg))
#define ACCESS(seg)	VMX_V(GUEST_ES_AR_BYTES + 2 * (seg))

static bool vm86(const struct lodge_checker *c)
{
	return VMX_V(GUEST_RFLAGS) & X86_EFLAGS_VM;
}

/* CS and TR are checked whatever they say of themselves. */
static bool usable(const struct lodge_checker *c, u32 seg)
{
	return seg == CS || seg == TR || !(ACCESS(seg) & VMX_AR_UNUSABLE_MASK);
}

/* Access rights count: outside of virtual-8086 mode, and always for LDTR and TR. */
static bool checked(const struct lodge_checker *c, u32 seg)
{
	return usable(c, seg) && (seg >= LDTR || !vm86(c));
}

static u32 type(const struct lodge_checker *c, u32 seg)
{
	return ACCESS(seg) & VMX_AR_TYPE_MASK;
}

static u32 dpl(const struct lodge_checker *c, u32 seg)
{
	return VMX_AR_DPL(ACCESS(seg));
}

/* --- selectors --- */

/* LDTR, TR */
VMX_BROKEN(selector_ti)
{
	return usable(c, r->arg) && (SELECTOR(r->arg) & 4);
}

VMX_BROKEN(ss_rpl)
{
	return !vm86(c) && !vmx_check_unrestricted(c) && ((SELECTOR(SS) ^ SELECTOR(CS)) & 3);
}

/* --- virtual-8086 mode --- */

VMX_BROKEN(vm86_base)
{
	return vm86(c) && BASE(r->arg) != SELECTOR(r->arg) << 4;
}

VMX_BROKEN(vm86_limit)
{
	return vm86(c) && LIMIT(r->arg) != 0xffff;
}

VMX_BROKEN(vm86_access)
{
	return vm86(c) && ACCESS(r->arg) != 0xf3;
}

/* --- bases --- */

/* TR, FS, GS, LDTR */
VMX_BROKEN(base_canonical)
{
	return (r->arg == FS || r->arg == GS || usable(c, r->arg)) &&
	       vmx_check_not_canonical(c, BASE(r->arg));
}

/* CS, SS, DS, ES */
VMX_BROKEN(base_upper)
{
	return usable(c, r->arg) && BASE(r->arg) >> 32;
}

/* --- access rights: type --- */

VMX_BROKEN(cs_type)
{
	if (!checked(c, CS))
		return false;
	switch (type(c, CS)) {
	case 9: case 11: case 13: case 15:
		return false;
	case 3:
		return !vmx_check_unrestricted(c);
	}
	return true;
}

VMX_BROKEN(ss_type)
{
	return checked(c, SS) && type(c, SS) != 3 && type(c, SS) != 7;
}

/* DS, ES, FS, GS: accessed, and where it is code, readable. */
VMX_BROKEN(data_type)
{
	u32 t = type(c, r->arg);

	return checked(c, r->arg) && (!(t & 1) || ((t & 8) && !(t & 2)));
}

VMX_BROKEN(ldtr_type)
{
	return checked(c, LDTR) && type(c, LDTR) != VMX_AR_TYPE_LDT;
}

/* The 16-bit form is none in IA-32e mode, whose busy TSS has the 32-bit form's number. */
VMX_BROKEN(tr_type)
{
	if (type(c, TR) == VMX_AR_TYPE_BUSY_16_TSS)
		return vmx_check_on_entry(c, VM_ENTRY_IA32E_MODE);
	return type(c, TR) != VMX_AR_TYPE_BUSY_32_TSS;
}

/* --- access rights: S, DPL, P --- */

/* One for code and data, zero for LDTR and TR. */
VMX_BROKEN(s_bit)
{
	return checked(c, r->arg) && !(ACCESS(r->arg) & VMX_AR_S_MASK) != (r->arg >= LDTR);
}

VMX_BROKEN(cs_dpl_data)
{
	return checked(c, CS) && type(c, CS) == 3 && dpl(c, CS);
}

VMX_BROKEN(cs_dpl_code)
{
	u32 t = type(c, CS);

	return checked(c, CS) && (t == 9 || t == 11) && dpl(c, CS) != dpl(c, SS);
}

VMX_BROKEN(cs_dpl_conforming)
{
	u32 t = type(c, CS);

	return checked(c, CS) && (t == 13 || t == 15) && dpl(c, CS) > dpl(c, SS);
}

VMX_BROKEN(ss_dpl_rpl)
{
	return !vm86(c) && !vmx_check_unrestricted(c) && dpl(c, SS) != (SELECTOR(SS) & 3);
}

VMX_BROKEN(ss_dpl_zero)
{
	return !vm86(c) && (type(c, CS) == 3 || !(VMX_V(GUEST_CR0) & X86_CR0_PE)) && dpl(c, SS);
}

/* DS, ES, FS, GS: data and non-conforming code. */
VMX_BROKEN(data_dpl)
{
	return !vmx_check_unrestricted(c) && checked(c, r->arg) && type(c, r->arg) <= 11 &&
	       dpl(c, r->arg) < (SELECTOR(r->arg) & 3);
}

VMX_BROKEN(not_present)
{
	return checked(c, r->arg) && !(ACCESS(r->arg) & VMX_AR_P_MASK);
}

/* --- access rights: the rest --- */

VMX_BROKEN(reserved)
{
	return checked(c, r->arg) && (ACCESS(r->arg) & (0xf00 | ~0x1ffffull));
}

VMX_BROKEN(cs_long_and_32_bit)
{
	u64 both = VMX_AR_L_MASK | VMX_AR_DB_MASK;

	return checked(c, CS) && vmx_check_on_entry(c, VM_ENTRY_IA32E_MODE) &&
	       (ACCESS(CS) & both) == both;
}

/* G says in which units the limit was: it must be one that those can express. */
VMX_BROKEN(granularity)
{
	u32 limit = LIMIT(r->arg);

	if (!checked(c, r->arg))
		return false;
	if (ACCESS(r->arg) & VMX_AR_G_MASK)
		return (limit & 0xfff) != 0xfff;
	return limit & 0xfff00000;
}

VMX_BROKEN(tr_unusable)
{
	return ACCESS(TR) & VMX_AR_UNUSABLE_MASK;
}

/* --- the table --- */

#define F(seg, what)	GUEST_##seg##_##what

#define TI(seg, l)								\
	{ l "-ti", "TI of the guest's " #seg " selector must be zero", SEGS,	\
	  selector_ti, seg, OF(F(seg, SELECTOR), F(seg, AR_BYTES)) }
#define VM86(seg, l)								\
	{ l "-vm86-base",							\
	  "in virtual-8086 mode the base of " #seg " must be its selector times 16",	\
	  SEGS, vm86_base, seg, OF(F(seg, BASE), F(seg, SELECTOR), GUEST_RFLAGS) }, \
	{ l "-vm86-limit", "in virtual-8086 mode the limit of " #seg " must be 0xffff", SEGS, \
	  vm86_limit, seg, OF(F(seg, LIMIT), GUEST_RFLAGS) },			\
	{ l "-vm86-access", "in virtual-8086 mode the access rights of " #seg " must be 0xf3",	\
	  SEGS, vm86_access, seg, OF(F(seg, AR_BYTES), GUEST_RFLAGS) }
#define CANONICAL(seg, l)							\
	{ l "-base", "the guest's " #seg " base must be canonical", SEGS,	\
	  base_canonical, seg, OF(F(seg, BASE), VMX_CF_LINEAR_BITS, F(seg, AR_BYTES)) }
#define UPPER(seg, l)								\
	{ l "-base", "bits 63:32 of the guest's " #seg " base must be zero", SEGS,	\
	  base_upper, seg, OF(F(seg, BASE), F(seg, AR_BYTES)) }
#define DATA(seg, l)								\
	{ l "-type", "the guest's " #seg " must be accessed, and readable if it is code", SEGS, \
	  data_type, seg, OF(F(seg, AR_BYTES)) }
#define S_BIT(seg, l, must)							\
	{ l "-s", "the S bit of the guest's " #seg " must be " must, SEGS,	\
	  s_bit, seg, OF(F(seg, AR_BYTES)) }
#define DPL(seg, l)								\
	{ l "-dpl", "DPL of the guest's " #seg " must not be below its selector's RPL", SEGS, \
	  data_dpl, seg, OF(F(seg, AR_BYTES), F(seg, SELECTOR)) }
#define REST(seg, l)								\
	{ l "-present", "the guest's " #seg " must be present", SEGS,		\
	  not_present, seg, OF(F(seg, AR_BYTES)) },				\
	{ l "-reserved",							\
	  "reserved bits of the access rights of the guest's " #seg " must be zero", \
	  SEGS, reserved, seg, OF(F(seg, AR_BYTES)) },				\
	{ l "-granularity", "G of the guest's " #seg " must fit its limit", SEGS,	\
	  granularity, seg, OF(F(seg, LIMIT), F(seg, AR_BYTES)) }

static const struct lodge_rule rules_segments[] = {
	TI(TR, "tr"), TI(LDTR, "ldtr"),
	{ "ss-rpl", "RPL of the guest's SS selector must be that of its CS selector", SEGS,
	  ss_rpl, OF(GUEST_SS_SELECTOR, GUEST_CS_SELECTOR, SECONDARY_VM_EXEC_CONTROL) },

	VM86(CS, "cs"), VM86(SS, "ss"), VM86(DS, "ds"), VM86(ES, "es"), VM86(FS, "fs"),
	VM86(GS, "gs"),

	CANONICAL(TR, "tr"), CANONICAL(FS, "fs"), CANONICAL(GS, "gs"), CANONICAL(LDTR, "ldtr"),
	UPPER(CS, "cs"), UPPER(SS, "ss"), UPPER(DS, "ds"), UPPER(ES, "es"),

	{ "cs-type", "the guest's CS must be accessed code, or with \"unrestricted guest\" writable data",
	  SEGS, cs_type, OF(GUEST_CS_AR_BYTES, SECONDARY_VM_EXEC_CONTROL) },
	{ "ss-type", "the guest's SS must be accessed, writable data", SEGS,
	  ss_type, OF(GUEST_SS_AR_BYTES) },
	DATA(DS, "ds"), DATA(ES, "es"), DATA(FS, "fs"), DATA(GS, "gs"),

	S_BIT(CS, "cs", "one"), S_BIT(SS, "ss", "one"), S_BIT(DS, "ds", "one"),
	S_BIT(ES, "es", "one"), S_BIT(FS, "fs", "one"), S_BIT(GS, "gs", "one"),

	{ "cs-dpl-data", "DPL of the guest's CS must be zero if it is data", SEGS,
	  cs_dpl_data, OF(GUEST_CS_AR_BYTES) },
	{ "ss-dpl-zero", "DPL of the guest's SS must be zero in real mode, and if CS is data", SEGS,
	  ss_dpl_zero, OF(GUEST_SS_AR_BYTES, GUEST_CS_AR_BYTES, GUEST_CR0) },
	{ "ss-dpl-rpl", "DPL of the guest's SS must be its selector's RPL", SEGS,
	  ss_dpl_rpl, OF(GUEST_SS_AR_BYTES, GUEST_SS_SELECTOR, SECONDARY_VM_EXEC_CONTROL) },
	{ "cs-dpl-code", "DPL of the guest's CS must be that of SS if it is non-conforming code",
	  SEGS, cs_dpl_code, OF(GUEST_CS_AR_BYTES, GUEST_SS_AR_BYTES) },
	{ "cs-dpl-conforming", "DPL of the guest's CS must not be above that of SS if it is conforming code",
	  SEGS, cs_dpl_conforming, OF(GUEST_CS_AR_BYTES, GUEST_SS_AR_BYTES) },
	DPL(DS, "ds"), DPL(ES, "es"), DPL(FS, "fs"), DPL(GS, "gs"),

	REST(CS, "cs"), REST(SS, "ss"), REST(DS, "ds"), REST(ES, "es"), REST(FS, "fs"),
	REST(GS, "gs"),
	{ "cs-long-and-32-bit", "CS.L and CS.D must not both be set in IA-32e mode", SEGS,
	  cs_long_and_32_bit, OF(GUEST_CS_AR_BYTES, VM_ENTRY_CONTROLS) },

	{ "tr-unusable", "the guest's TR must be usable", SEGS,
	  tr_unusable, OF(GUEST_TR_AR_BYTES) },
	{ "tr-type", "the guest's TR must be a busy TSS, and no 16-bit one in IA-32e mode", SEGS,
	  tr_type, OF(GUEST_TR_AR_BYTES, VM_ENTRY_CONTROLS) },
	S_BIT(TR, "tr", "zero"), REST(TR, "tr"),
	{ "ldtr-type", "the guest's LDTR must be an LDT", SEGS,
	  ldtr_type, OF(GUEST_LDTR_AR_BYTES) },
	S_BIT(LDTR, "ldtr", "zero"), REST(LDTR, "ldtr"),
};

VMX_TABLE(segments);
