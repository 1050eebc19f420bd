// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUID policy: what the module offers to a guest, as a table.
 *
 * Each row names the bits of one register that a guest may be given.  "pass"
 * bits are offered where the host's kernel itself uses the feature (so what it
 * disabled, for a mitigation or an erratum, is not offered either); "always"
 * bits are features that the module emulates whatever the CPU has.
 */
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/sched/stat.h>
#include <asm/cpufeature.h>
#include <asm/kvm_para.h>
#include <asm/processor.h>

#include "backend.h"
#include "cpuid.h"
#include "fpu.h"
#include "xstate_size.h"

#define F(name)		BIT(X86_FEATURE_##name & 31)
#define WORD(name)	(X86_FEATURE_##name / 32)

enum { EAX, EBX, ECX, EDX };

struct policy {
	u32 function, index;
	u8 reg;
	u8 word;	/* of boot_cpu_data.x86_capability */
	u32 pass, always;
};

static const struct policy policies[] = {
	{ 1, 0, ECX, WORD(XMM3),
	  F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(PCID) | F(XMM4_1) |
	  F(XMM4_2) | F(MOVBE) | F(POPCNT) | F(AES) | F(XSAVE) | F(AVX) | F(F16C) | F(RDRAND),
	  /*
	   * Not the TSC-deadline timer: user space adds it where the local APIC is in the
	   * kernel.
	   */
	  F(X2APIC) | F(HYPERVISOR) },
	{ 1, 0, EDX, WORD(FPU),
	  F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) |
	  F(SEP) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) | F(PSE36) | F(CLFLUSH) |
	  F(MMX) | F(FXSR) | F(XMM) | F(XMM2) | F(SELFSNOOP),
	  F(APIC) },
	{ 7, 0, EBX, WORD(FSGSBASE),
	  F(FSGSBASE) | F(BMI1) | F(AVX2) | F(FDP_EXCPTN_ONLY) | F(SMEP) | F(BMI2) | F(ERMS) |
	  F(INVPCID) | F(ZERO_FCS_FDS) | F(AVX512F) | F(AVX512DQ) | F(RDSEED) | F(ADX) |
	  F(SMAP) | F(AVX512IFMA) | F(CLFLUSHOPT) | F(CLWB) | F(AVX512PF) | F(AVX512ER) |
	  F(AVX512CD) | F(SHA_NI) | F(AVX512BW) | F(AVX512VL),
	  F(TSC_ADJUST) },
	{ 7, 0, ECX, WORD(LA57),
	  F(AVX512VBMI) | F(LA57) | F(PKU) | F(RDPID) | F(AVX512_VPOPCNTDQ) | F(UMIP) |
	  F(AVX512_VBMI2) | F(GFNI) | F(VAES) | F(VPCLMULQDQ) | F(AVX512_VNNI) |
	  F(AVX512_BITALG) | F(CLDEMOTE) | F(MOVDIRI) | F(MOVDIR64B), 0 },
	{ 7, 0, EDX, WORD(SPEC_CTRL),
	  F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(SPEC_CTRL) | F(SPEC_CTRL_SSBD) |
	  F(INTEL_STIBP) | F(MD_CLEAR) | F(AVX512_VP2INTERSECT) | F(FSRM) | F(SERIALIZE) |
	  F(TSXLDTRK) | F(AVX512_FP16), 0 },
	{ 7, 1, EAX, WORD(AVX_VNNI), F(AVX_VNNI) | F(AVX512_BF16), 0 },
	{ 0xd, 1, EAX, WORD(XSAVEOPT), F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1) | F(XSAVES), 0 },
	{ 0x80000001, 0, ECX, WORD(LAHF_LM),
	  F(LAHF_LM) | F(CMP_LEGACY) | F(CR8_LEGACY) | F(ABM) | F(SSE4A) | F(MISALIGNSSE) |
	  F(3DNOWPREFETCH) | F(XOP) | F(FMA4) | F(TBM) | F(TOPOEXT), 0 },
	{ 0x80000001, 0, EDX, WORD(SYSCALL),
	  F(SYSCALL) | F(NX) | F(MMXEXT) | F(FXSR_OPT) | F(GBPAGES) | F(RDTSCP) | F(LM) |
	  F(3DNOWEXT) | F(3DNOW), 0 },
	{ 0x80000008, 0, EBX, WORD(CLZERO),
	  F(CLZERO) | F(XSAVEERPTR) | F(WBNOINVD) | F(AMD_IBPB) | F(AMD_IBRS) | F(AMD_SSBD) |
	  F(AMD_SSB_NO) | F(AMD_STIBP) | F(AMD_STIBP_ALWAYS_ON), 0 },
};

/* AMD repeats these bits of 1.EDX in 0x80000001.EDX (APM vol. 3, CPUID Fn8000_0001). */
#define AMD_ALIASES (F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | \
		     F(CX8) | F(APIC) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) | \
		     F(PSE36) | F(MMX) | F(FXSR))

/* CR4 bits that exist only with a CPUID bit. */
static const struct {
	unsigned long cr4;
	u32 function, reg, bit;
} cr4_features[] = {
	{ X86_CR4_VME | X86_CR4_PVI, 1, EDX, F(VME) },
	{ X86_CR4_TSD, 1, EDX, F(TSC) },
	{ X86_CR4_DE, 1, EDX, F(DE) },
	{ X86_CR4_PSE, 1, EDX, F(PSE) },
	{ X86_CR4_PAE, 1, EDX, F(PAE) },
	{ X86_CR4_MCE, 1, EDX, F(MCE) },
	{ X86_CR4_PGE, 1, EDX, F(PGE) },
	{ X86_CR4_OSFXSR, 1, EDX, F(FXSR) },
	{ X86_CR4_OSXMMEXCPT, 1, EDX, F(XMM) },
	{ X86_CR4_PCIDE, 1, ECX, F(PCID) },
	{ X86_CR4_OSXSAVE, 1, ECX, F(XSAVE) },
	{ X86_CR4_FSGSBASE, 7, EBX, F(FSGSBASE) },
	{ X86_CR4_SMEP, 7, EBX, F(SMEP) },
	{ X86_CR4_SMAP, 7, EBX, F(SMAP) },
	{ X86_CR4_UMIP, 7, ECX, F(UMIP) },
	{ X86_CR4_PKE, 7, ECX, F(PKU) },
	{ X86_CR4_LA57, 7, ECX, F(LA57) },
};

unsigned long lodge_cr4_supported __ro_after_init;

static u32 *reg_of(struct kvm_cpuid_entry2 *e, int reg)
{
	u32 *const regs[] = { &e->eax, &e->ebx, &e->ecx, &e->edx };

	return regs[reg];
}

/* Replace every register of @e that the table governs. */
static void apply_policy(struct kvm_cpuid_entry2 *e)
{
	const struct policy *p;

	for (p = policies; p < policies + ARRAY_SIZE(policies); p++) {
		if (p->function != e->function || p->index != e->index)
			continue;
		*reg_of(e, p->reg) = (boot_cpu_data.x86_capability[p->word] & p->pass) |
				     p->always;
	}
}

/* The entries being built; @n counts on past @max, to tell that there were more. */
struct builder {
	struct kvm_cpuid_entry2 *entries;
	u32 n, max;
	struct kvm_cpuid_entry2 overflow;
};

/* Add an entry as the host's CPUID answers it, features by the table. */
static struct kvm_cpuid_entry2 *add(struct builder *b, u32 function, u32 index, u32 flags)
{
	struct kvm_cpuid_entry2 *e = b->n < b->max ? &b->entries[b->n] : &b->overflow;

	b->n++;
	*e = (struct kvm_cpuid_entry2) {
		.function = function, .index = index, .flags = flags,
	};
	cpuid_count(function, index, &e->eax, &e->ebx, &e->ecx, &e->edx);
	apply_policy(e);
	return e;
}

/* One that the host does not answer. */
static struct kvm_cpuid_entry2 *add_own(struct builder *b, u32 function, u32 index, u32 flags)
{
	struct kvm_cpuid_entry2 *e = add(b, function, index, flags);

	e->eax = e->ebx = e->ecx = e->edx = 0;
	return e;
}

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX

/* Leaf 4 and 0x8000001d: a cache each, until the type is "no more". */
static void add_caches(struct builder *b, u32 function)
{
	u32 i = 0;

	while (add(b, function, i, INDEXED)->eax & 0x1f)
		if (++i == 16)
			break;
}

static void add_features(struct builder *b)
{
	struct kvm_cpuid_entry2 *e = add(b, 7, 0, INDEXED);

	e->eax = min(e->eax, 1u);
	if (!e->eax)
		return;
	e = add(b, 7, 1, INDEXED);
	e->ebx = e->ecx = e->edx = 0;
}

static void add_xsave(struct builder *b)
{
	u64 xcr0 = lodge_supported_xcr0(), xss = lodge_caps.supported_xss;
	struct kvm_cpuid_entry2 *e;
	int i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	e = add(b, 0xd, 0, INDEXED);
	e->eax = xcr0;
	e->edx = xcr0 >> 32;
	e->ebx = e->ecx = lodge_xstate_size(xcr0, false);

	e = add(b, 0xd, 1, INDEXED);
	if (!(e->eax & F(XSAVES)))
		xss = 0;
	e->ebx = e->eax & (F(XSAVES) | F(XSAVEC)) ? lodge_xstate_size(xcr0 | xss, true) : 0;
	e->ecx = xss;
	e->edx = xss >> 32;

	for (i = 2; i < 63; i++) {
		if (!((xcr0 | xss) & BIT_ULL(i)))
			continue;
		e = add(b, 0xd, i, INDEXED);
		e->ecx &= ~BIT(2);	/* no extended feature disable */
		e->edx = 0;
	}
}

static void add_basic(struct builder *b)
{
	struct kvm_cpuid_entry2 *e = add(b, 0, 0, 0);
	u32 last = min(e->eax, 0x1fu);

	e->eax = last;
	add(b, 1, 0, 0);
	if (last >= 2)
		add(b, 2, 0, 0);
	if (last >= 4)
		add_caches(b, 4);
	if (last >= 6)
		add_own(b, 6, 0, 0)->eax = 4;	/* ARAT: the APIC timer never stops */
	if (last >= 7)
		add_features(b);
	/* Topology is user space's to give: sub-leaf 0 alone says there is none. */
	if (last >= 0xb)
		add_own(b, 0xb, 0, INDEXED);
	if (last >= 0xd)
		add_xsave(b);
}

static void add_paravirtual(struct builder *b)
{
	struct kvm_cpuid_entry2 *e = add_own(b, KVM_CPUID_SIGNATURE, 0, 0);

	e->eax = KVM_CPUID_FEATURES;
	memcpy(&e->ebx, KVM_SIGNATURE, 4);
	memcpy(&e->ecx, KVM_SIGNATURE + 4, 4);
	memcpy(&e->edx, KVM_SIGNATURE "\0\0" + 8, 4);

	e = add_own(b, KVM_CPUID_FEATURES, 0, 0);
	e->eax = BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) |
		 BIT(KVM_FEATURE_CLOCKSOURCE2) | BIT(KVM_FEATURE_PV_UNHALT) |
		 BIT(KVM_FEATURE_PV_SCHED_YIELD) | BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
	if (sched_info_on())
		e->eax |= BIT(KVM_FEATURE_STEAL_TIME);
}

static void add_address_sizes(struct builder *b)
{
	struct kvm_cpuid_entry2 *e = add(b, 0x80000008, 0, 0);

	/* With EPT or NPT a guest may use all of the CPU's bits, not those a key took. */
	e->eax &= 0xffff;
	if (!lodge_caps.tdp.enabled)
		e->eax = (e->eax & 0xff00) | boot_cpu_data.x86_phys_bits;
	e->ecx = e->edx = 0;
}

static void add_extended(struct builder *b)
{
	struct kvm_cpuid_entry2 *e = add(b, 0x80000000, 0, 0);
	bool amd = lodge_host_is_amd();
	u32 last, f;

	last = e->eax = min(e->eax, 0x80000021u);
	if (last < 0x80000008)
		return;
	e = add(b, 0x80000001, 0, 0);
	if (amd)
		e->edx |= boot_cpu_data.x86_capability[WORD(FPU)] & AMD_ALIASES;
	for (f = 0x80000002; f <= 0x80000006; f++)
		add(b, f, 0, 0);
	e = add(b, 0x80000007, 0, 0);
	e->eax = e->ebx = e->ecx = 0;
	e->edx &= boot_cpu_data.x86_power & BIT(8);	/* invariant TSC */
	add_address_sizes(b);
	if (!amd)
		return;
	if (last >= 0x8000001d)
		add_caches(b, 0x8000001d);
	if (last >= 0x8000001e)
		add_own(b, 0x8000001e, 0, 0);
	if (last >= 0x80000021) {
		e = add(b, 0x80000021, 0, 0);
		/* No nested data breakpoints; LFENCE serializes; null selectors clear the base. */
		e->eax &= BIT(0) | BIT(2) | BIT(6);
		e->ebx = e->ecx = e->edx = 0;
	}
}

int lodge_cpuid_supported(struct kvm_cpuid_entry2 *entries, u32 max)
{
	struct builder b = { .entries = entries, .max = max };

	add_basic(&b);
	add_paravirtual(&b);
	add_extended(&b);
	return b.n > max ? -E2BIG : b.n;
}

int lodge_cpuid_emulated(struct kvm_cpuid_entry2 *entries, u32 max)
{
	struct builder b = { .entries = entries, .max = max };

	add_own(&b, 0, 0, 0)->eax = 1;
	add_own(&b, 1, 0, 0)->ecx = F(MOVBE);
	return b.n > max ? -E2BIG : b.n;
}

static u32 reg_in(const struct kvm_cpuid_entry2 *e, int reg)
{
	return *reg_of((struct kvm_cpuid_entry2 *)e, reg);
}

/* CR4 bits that @find's CPUID allows. */
static unsigned long cr4_allowed(const struct kvm_cpuid_entry2 *(*find)(void *, u32), void *arg)
{
	unsigned long cr4 = X86_CR4_PCE;
	int i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++) {
		const struct kvm_cpuid_entry2 *e = find(arg, cr4_features[i].function);

		if (e && (reg_in(e, cr4_features[i].reg) & cr4_features[i].bit))
			cr4 |= cr4_features[i].cr4;
	}
	return cr4;
}

static const struct kvm_cpuid_entry2 *find_in_guest(void *vcpu, u32 function)
{
	return lodge_cpuid_find(vcpu, function, 0);
}

unsigned long lodge_cpuid_cr4(struct lodge_vcpu *vcpu)
{
	return cr4_allowed(find_in_guest, vcpu);
}

static const struct kvm_cpuid_entry2 *find_in_builder(void *arg, u32 function)
{
	struct builder *b = arg;
	u32 i;

	for (i = 0; i < min(b->n, b->max); i++)
		if (b->entries[i].function == function && !b->entries[i].index)
			return &b->entries[i];
	return NULL;
}

int __init lodge_cpuid_init(void)
{
	struct builder b = { .max = LODGE_MAX_CPUID_ENTRIES };

	b.entries = kvcalloc(b.max, sizeof(*b.entries), GFP_KERNEL);
	if (!b.entries)
		return -ENOMEM;
	add_basic(&b);
	lodge_cr4_supported = cr4_allowed(find_in_builder, &b);
	/*
	 * The extensions to virtual-8086 mode: every CPU with VMX or SVM has them,
	 * but a 64-bit kernel hides them from itself, and so from guests' CPUID.
	 * Before a CPUID is set KVM takes the bits, and clients count on that.
	 */
	lodge_cr4_supported |= X86_CR4_VME | X86_CR4_PVI;
	kvfree(b.entries);
	return 0;
}
