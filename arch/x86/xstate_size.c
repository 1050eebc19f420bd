// SPDX-License-Identifier: GPL-2.0
/*
 * The size of an XSAVE area, as CPUID function 0xd reports it to a guest (SDM
 * vol. 1, XSAVE Area).  The host's answers are read once: in an emulated host
 * each is an exit.
 */
#include <asm/fpu/xstate.h>
#include <asm/processor.h>

#include "xstate_size.h"

#define FIRST_EXTENDED	2
#define NR_COMPONENTS	63
/* ECX: the component starts at a multiple of 64 in the compacted form */
#define ALIGNED		BIT(1)

static struct {
	u32 size, offset, flags;
} component[NR_COMPONENTS] __ro_after_init;

unsigned int lodge_xstate_size(u64 features, bool compacted)
{
	unsigned int end = FXSAVE_SIZE + XSAVE_HDR_SIZE, start;
	int i;

	for (i = FIRST_EXTENDED; i < NR_COMPONENTS; i++) {
		if (!(features & BIT_ULL(i)))
			continue;
		if (!compacted)
			start = component[i].offset;
		else
			start = component[i].flags & ALIGNED ? ALIGN(end, 64) : end;
		end = max(end, start + component[i].size);
	}
	return end;
}

void __init lodge_xstate_init(void)
{
	u32 unused;
	int i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	for (i = FIRST_EXTENDED; i < NR_COMPONENTS; i++)
		cpuid_count(0xd, i, &component[i].size, &component[i].offset,
			    &component[i].flags, &unused);
}
