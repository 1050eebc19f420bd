// SPDX-License-Identifier: GPL-2.0
/*
 * The format of nested page tables: that of the host's own long-mode tables
 * (APM vol. 2, Nested Paging).  Two things differ in use: every access of a
 * guest counts as a user access (Nested versus Guest Page Faults), so that all
 * entries have the user bit; and the memory type is combined with the guest's
 * PAT (Combining Memory Types, MTRRs), so that write-back here leaves the
 * choice to the guest.
 */
#include <linux/build_bug.h>
#include <linux/mem_encrypt.h>
#include <asm/pgtable_types.h>

#include "pte.h"

/* What pte.h keeps in the entry must be bits that the CPU leaves to software. */
static_assert(!((LODGE_PTE_HOST_WRITABLE | LODGE_PTE_FROZEN) &
		(_PAGE_NX | _PAGE_PKEY_BIT0 | _PAGE_PKEY_BIT1 | _PAGE_PKEY_BIT2 |
		 _PAGE_PKEY_BIT3 | (GENMASK_ULL(51, 0) & ~7ULL << 9))));

void lodge_pte_format_npt(struct lodge_pte_format *fmt)
{
	*fmt = (struct lodge_pte_format) {
		.present	= _PAGE_PRESENT,
		.writable	= _PAGE_RW,
		.accessed	= _PAGE_ACCESSED,
		.large		= _PAGE_PSE,
		/* Where the host encrypts memory the C-bit lies among these; tables have it too. */
		.addr		= GENMASK_ULL(51, PAGE_SHIFT) & ~sme_me_mask,
		.leaf		= _PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED,
		.table		= _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | sme_me_mask,
		.ram		= sme_me_mask,
		.device		= _PAGE_PCD | _PAGE_PWT,
	};
}
