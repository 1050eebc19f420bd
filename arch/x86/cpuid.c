// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID as user space gave it to a vCPU, and as the guest reads it.
 *
 * The table keeps user space's order, for KVM_GET_CPUID2.  Beside it is an
 * index by function, so that the instruction costs a few steps, not a search.
 */
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>

#include "backend.h"
#include "cpuid.h"
#include "fpu.h"
#include "irqchip/irqchip.h"
#include "regs_inline.h"
#include "trace.h"
#include "xstate_size.h"

#define F(name)		BIT(X86_FEATURE_##name & 31)
#define NONE		0xffff
#define NR_SLOTS	128

struct lodge_cpuid {
	u32 n;
	u16 first[NR_SLOTS];	/* the first entry of a slot's functions, or NONE */
	struct kvm_cpuid_entry2 entries[];
};

/* Two bits tell basic, hypervisor's and extended functions apart, five the function. */
static unsigned int slot_of(u32 function)
{
	return (function >> 30) << 5 | (function & 0x1f);
}

static struct kvm_cpuid_entry2 *find(struct lodge_cpuid *c, u32 function, u32 index)
{
	struct kvm_cpuid_entry2 *e, *end;
	u16 first;

	if (unlikely(!c))
		return NULL;
	first = c->first[slot_of(function)];
	if (first == NONE)
		return NULL;
	end = c->entries + c->n;
	for (e = c->entries + first; e < end; e++) {
		if (e->function == function &&
		    (e->index == index || !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return e;
	}
	return NULL;
}

const struct kvm_cpuid_entry2 *lodge_cpuid_find(struct lodge_vcpu *vcpu, u32 function, u32 index)
{
	return find(vcpu->arch.cpuid, function, index);
}

/*
 * Beyond the last function: AMD's CPUs answer zeros, Intel's the last basic
 * function (SDM vol. 2, CPUID).
 */
static const struct kvm_cpuid_entry2 *out_of_range(struct lodge_vcpu *vcpu, u32 function, u32 index)
{
	const struct kvm_cpuid_entry2 *base = lodge_cpuid_find(vcpu, function & 0xc0000000, 0);
	const struct kvm_cpuid_entry2 *basic = lodge_cpuid_find(vcpu, 0, 0);

	if (!basic || lodge_has(&vcpu->arch, LODGE_F_AMD))
		return NULL;
	if (base && function <= base->eax)
		return NULL;
	return lodge_cpuid_find(vcpu, basic->eax, index);
}

/* Topology leaves: a sub-leaf past the last still names itself and the APIC ID. */
static bool is_topology(u32 function)
{
	return function == 0xb || function == 0x1f;
}

static __always_inline void answer(struct lodge_vcpu *vcpu, u32 function, u32 index, u32 eax,
				   u32 ebx, u32 ecx, u32 edx)
{
	trace_kvm_cpuid(function, index, eax, ebx, ecx, edx);
	lodge_set_reg(vcpu, LODGE_RAX, eax);
	lodge_set_reg(vcpu, LODGE_RBX, ebx);
	lodge_set_reg(vcpu, LODGE_RCX, ecx);
	lodge_set_reg(vcpu, LODGE_RDX, edx);
}

static noinline void answer_missing(struct lodge_vcpu *vcpu, u32 function, u32 index)
{
	const struct kvm_cpuid_entry2 *e = out_of_range(vcpu, function, index);

	if (e) {
		answer(vcpu, function, index, e->eax, e->ebx, e->ecx, e->edx);
	} else if (is_topology(function)) {
		e = find(vcpu->arch.cpuid, function, 1);
		answer(vcpu, function, index, 0, 0, index & 0xff, e ? e->edx : 0);
	} else {
		answer(vcpu, function, index, 0, 0, 0, 0);
	}
}

void lodge_cpuid_execute(struct lodge_vcpu *vcpu)
{
	u32 function = lodge_reg(vcpu, LODGE_RAX), index = lodge_reg(vcpu, LODGE_RCX);
	const struct kvm_cpuid_entry2 *e = find(vcpu->arch.cpuid, function, index);

	if (likely(e))
		answer(vcpu, function, index, e->eax, e->ebx, e->ecx, e->edx);
	else
		answer_missing(vcpu, function, index);
}

static void set_bit_if(u32 *reg, u32 bit, bool on)
{
	*reg = on ? *reg | bit : *reg & ~bit;
}

/* Write the bits that mirror the vCPU's state into @c. */
static void update_runtime(struct lodge_vcpu *vcpu, struct lodge_cpuid *c)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	unsigned long cr4 = lodge_cr4(vcpu);
	struct kvm_cpuid_entry2 *e;

	e = find(c, 1, 0);
	if (e) {
		if (e->ecx & F(XSAVE))
			set_bit_if(&e->ecx, F(OSXSAVE), cr4 & X86_CR4_OSXSAVE);
		set_bit_if(&e->edx, F(APIC), a->apic_base & MSR_IA32_APICBASE_ENABLE);
		if (vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT)
			set_bit_if(&e->ecx, F(MWAIT),
				   a->misc_enable & MSR_IA32_MISC_ENABLE_MWAIT);
	}
	e = find(c, 7, 0);
	if (e && (e->ecx & F(PKU)))
		set_bit_if(&e->ecx, F(OSPKE), cr4 & X86_CR4_PKE);
	e = find(c, 0xd, 0);
	if (e)
		e->ebx = lodge_xstate_size(a->xcr0, false);
	e = find(c, 0xd, 1);
	if (e && (e->eax & (F(XSAVES) | F(XSAVEC))))
		e->ebx = lodge_xstate_size(a->xcr0 | a->xss, true);
}

void lodge_cpuid_update_runtime(struct lodge_vcpu *vcpu)
{
	if (vcpu->arch.cpuid)
		update_runtime(vcpu, vcpu->arch.cpuid);
	lodge_xstate_changed(vcpu);
}

static bool gives(struct lodge_cpuid *c, u32 function, u32 reg, u32 bit)
{
	const struct kvm_cpuid_entry2 *e = find(c, function, 0);

	return e && ((&e->eax)[reg] & bit);
}

static bool is_vendor(const struct kvm_cpuid_entry2 *e, const char *name)
{
	return e && !memcmp(&e->ebx, name, 4) && !memcmp(&e->edx, name + 4, 4) &&
	       !memcmp(&e->ecx, name + 8, 4);
}

/* enum lodge_feature: the answers that hot paths ask for. */
static u64 features_of(struct lodge_cpuid *c)
{
	enum { EAX, EBX, ECX, EDX };
	static const struct {
		u8 feature;
		u8 reg;
		u32 function, bit;
	} table[] = {
		{ LODGE_F_X2APIC, ECX, 1, F(X2APIC) },
		{ LODGE_F_TSC_DEADLINE, ECX, 1, F(TSC_DEADLINE_TIMER) },
		{ LODGE_F_XSAVE, ECX, 1, F(XSAVE) },
		{ LODGE_F_LM, EDX, 0x80000001, F(LM) },
		{ LODGE_F_NX, EDX, 0x80000001, F(NX) },
		{ LODGE_F_GBPAGES, EDX, 0x80000001, F(GBPAGES) },
		{ LODGE_F_RDTSCP, EDX, 0x80000001, F(RDTSCP) },
		{ LODGE_F_PV_UNHALT, EAX, KVM_CPUID_FEATURES, BIT(KVM_FEATURE_PV_UNHALT) },
	};
	const struct kvm_cpuid_entry2 *e = find(c, 0, 0);
	u64 features = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (gives(c, table[i].function, table[i].reg, table[i].bit))
			features |= BIT_ULL(table[i].feature);
	if (is_vendor(e, "AuthenticAMD") || is_vendor(e, "HygonGenuine"))
		features |= BIT_ULL(LODGE_F_AMD);
	e = find(c, 0xd, 1);
	if (e && (e->eax & F(XSAVES)))
		features |= BIT_ULL(LODGE_F_XSAVES);
	return features;
}

/* Guest-physical address width; 36 where CPUID does not say (SDM vol. 3, Paging). */
static int maxphyaddr_of(struct lodge_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = find(c, 0x80000000, 0);

	if (e && e->eax >= 0x80000008) {
		e = find(c, 0x80000008, 0);
		if (e)
			return min_t(int, e->eax & 0xff, 52);
	}
	return 36;
}

static u64 xcr0_of(struct lodge_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = find(c, 0xd, 0);

	return e ? (e->eax | (u64)e->edx << 32) & lodge_supported_xcr0() : 0;
}

static struct lodge_cpuid *make_table(const struct kvm_cpuid_entry2 *entries, u32 n)
{
	struct lodge_cpuid *c = kvzalloc(struct_size(c, entries, n), GFP_KERNEL_ACCOUNT);
	u32 i;

	if (!c)
		return NULL;
	c->n = n;
	memset(c->first, 0xff, sizeof(c->first));
	memcpy(c->entries, entries, n * sizeof(*entries));
	for (i = n; i-- > 0;)
		c->first[slot_of(entries[i].function)] = i;
	return c;
}

static bool linear_width_valid(struct lodge_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = find(c, 0x80000008, 0);
	u32 bits = e ? (e->eax >> 8) & 0xff : 0;

	/* The canonical checks know 48 and 57 bits; 0 is "not said". */
	return !bits || bits == 48 || bits == 57;
}

static bool same_table(const struct lodge_cpuid *a, const struct lodge_cpuid *b)
{
	return a->n == b->n && !memcmp(a->entries, b->entries, a->n * sizeof(*a->entries));
}

int lodge_cpuid_set(struct lodge_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, u32 n)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	struct lodge_cpuid *c;
	int r = 0;

	if (n > LODGE_MAX_CPUID_ENTRIES)
		return -E2BIG;
	c = make_table(entries, n);
	if (!c)
		return -ENOMEM;

	/*
	 * A vCPU that ran keeps its CPUID: translations, intercepts and the
	 * guest itself already rely on it.  Saying the same again is no change.
	 */
	if (vcpu->stats.exits) {
		update_runtime(vcpu, c);
		if (!a->cpuid || !same_table(c, a->cpuid))
			r = -EINVAL;
		kvfree(c);
		return r;
	}
	if (!linear_width_valid(c)) {
		kvfree(c);
		return -EINVAL;
	}

	swap(a->cpuid, c);
	kvfree(c);
	a->cpu_features = features_of(a->cpuid);
	a->maxphyaddr = maxphyaddr_of(a->cpuid);
	a->guest_supported_xcr0 = xcr0_of(a->cpuid);
	a->cr4_guest_rsvd = ~lodge_cpuid_cr4(vcpu);
	lodge_cpuid_update_runtime(vcpu);
	if (a->lapic)
		lodge_lapic_cpuid_changed(vcpu);
	lodge_be(cpuid_changed)(vcpu);
	lodge_mmu_mode_changed(vcpu);
	return 0;
}

int lodge_cpuid_get(struct lodge_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, u32 max)
{
	struct lodge_cpuid *c = vcpu->arch.cpuid;

	if (!c)
		return 0;
	if (c->n > max)
		return -E2BIG;
	memcpy(entries, c->entries, c->n * sizeof(*entries));
	return c->n;
}

void lodge_cpuid_free(struct lodge_vcpu *vcpu)
{
	kvfree(vcpu->arch.cpuid);
	vcpu->arch.cpuid = NULL;
}
