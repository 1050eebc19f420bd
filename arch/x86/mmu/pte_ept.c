// SPDX-License-Identifier: GPL-2.0
/*
 * The format of EPT tables (SDM vol. 3, EPT Translation Mechanism; Accessed and
 * Dirty Flags for EPT).  Three things differ from NPT's in use.
 *
 * Permissions are three bits, and an entry with none of them is not present.
 * Leaves permit fetches as they permit reads: what the guest may execute is for
 * its own tables to say.  But there are CPUs on which a guest can bring about a
 * machine check by a fetch through a large page whose size it changes ("iTLB
 * multihit"): on those, fetches go through small pages.
 *
 * The memory type is in the entry.  Memory is write-back whatever the guest's
 * PAT says (ignore PAT): all that ever looks at it, the guest's other CPUs, the
 * host and devices whose DMA snoops, keeps one view of it only if nobody goes
 * past the caches, and with no device passed through there is nobody who would
 * have to.  Device registers are uncached and the guest's PAT counts, so that it
 * may still combine writes (Memory Type Used for Translated Guest-Physical
 * Addresses).
 *
 * Not every CPU records accesses.  Where this one does not, no bit says that a
 * page is young; lodge_mmu_age_range() then takes the translation away, and who
 * uses the page faults.
 */
#include <linux/build_bug.h>
#include <asm/vmx.h>

#include "backend.h"
#include "pte.h"

#define EPT_LARGE	BIT_ULL(7)	/* "maps a page", above level 1 */
/* SDM vol. 3, Memory Type: the encoding is that of the MTRRs. */
#define EPT_TYPE_WB	(6ull << VMX_EPT_MT_EPTE_SHIFT)
#define EPT_TYPE_UC	(0ull << VMX_EPT_MT_EPTE_SHIFT)

/*
 * What pte.h keeps in the entry must be bits that the CPU leaves to software:
 * 51:12 are the address, 63:57 belong to controls, some of which are not in use.
 */
static_assert(!((LODGE_PTE_HOST_WRITABLE | LODGE_PTE_FROZEN) &
		(GENMASK_ULL(63, 57) | GENMASK_ULL(51, 0))));

void lodge_pte_format_ept(struct lodge_pte_format *fmt)
{
	const u64 accessed = lodge_caps.tdp.has_ad ? VMX_EPT_ACCESS_BIT : 0;
	const u64 dirty = lodge_caps.tdp.has_pml ? VMX_EPT_DIRTY_BIT : 0;
	const u64 small = lodge_caps.tdp.nx_large ? VMX_EPT_EXECUTABLE_MASK : 0;

	*fmt = (struct lodge_pte_format) {
		.present	= VMX_EPT_RWX_MASK,
		.writable	= VMX_EPT_WRITABLE_MASK,
		.accessed	= accessed,
		.dirty		= dirty,
		.large		= EPT_LARGE,
		.addr		= GENMASK_ULL(51, PAGE_SHIFT),
		.leaf		= VMX_EPT_READABLE_MASK | accessed |
				  (VMX_EPT_EXECUTABLE_MASK & ~small),
		.small		= small,
		.table		= VMX_EPT_RWX_MASK,
		.ram		= EPT_TYPE_WB | VMX_EPT_IPAT_BIT,
		.device		= EPT_TYPE_UC,
	};
}
