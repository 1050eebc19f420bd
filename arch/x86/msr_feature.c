// SPDX-License-Identifier: GPL-2.0
/* MSRs that tell features as CPUID does: what this host offers in them. */
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "msr_table.h"

/* Bits that say something of the CPU alone, and so are true in a guest too. */
#define ARCH_CAP_PASSED							\
	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA |		\
	 ARCH_CAP_SKIP_VMENTRY_L1DFLUSH | ARCH_CAP_SSB_NO | ARCH_CAP_MDS_NO | \
	 ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO | \
	 ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR |	\
	 ARCH_CAP_RRSBA | ARCH_CAP_PBRSB_NO)

/* A flaw the host's CPU does not have is one the guest need not work around. */
u64 lodge_arch_capabilities(void)
{
	static const struct {
		u32 bug;
		u64 bit;
	} no[] = {
		{ X86_BUG_CPU_MELTDOWN, ARCH_CAP_RDCL_NO },
		{ X86_BUG_SPEC_STORE_BYPASS, ARCH_CAP_SSB_NO },
		{ X86_BUG_MDS, ARCH_CAP_MDS_NO },
		{ X86_BUG_ITLB_MULTIHIT, ARCH_CAP_PSCHANGE_MC_NO },
	};
	u64 cap = 0;
	int i;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES)) {
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, cap);
		cap &= ARCH_CAP_PASSED;
	}
	for (i = 0; i < ARRAY_SIZE(no); i++) {
		if (!boot_cpu_has_bug(no[i].bug))
			cap |= no[i].bit;
	}
	return cap;
}

static bool has_lfence_bit(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
	       boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;
}

int lodge_get_msr_feature(u32 index, u64 *data)
{
	*data = 0;
	switch (index) {
	case MSR_IA32_ARCH_CAPABILITIES:
		*data = lodge_arch_capabilities();
		return 0;
	case MSR_IA32_UCODE_REV:
		/* An emulated CPU may lack it: then there is no revision to tell. */
		rdmsrl_safe(index, data);
		return 0;
	case MSR_IA32_PERF_CAPABILITIES:
		/* Of performance counters there are none, nor capabilities. */
		return 0;
	case MSR_AMD64_DE_CFG:
		if (!has_lfence_bit())
			return LODGE_MSR_INVALID;
		if (boot_cpu_has(X86_FEATURE_LFENCE_RDTSC))
			*data = MSR_AMD64_DE_CFG_LFENCE_SERIALIZE;
		return 0;
	}
	return LODGE_MSR_INVALID;
}
