// SPDX-License-Identifier: GPL-2.0
/*
 * What the host has for a page of guest memory.
 *
 * A reference to the page is held from here until the translation is
 * installed, and no longer: from then on the MMU notifier answers for it.  A
 * mapping of device memory, or of pages that a driver mapped without reference
 * counts, has no reference to begin with, and needs none for the same reason:
 * it is reached only through a translation that goes when the owner's goes.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <asm/memtype.h>

#include "tables.h"

/* Through the page tables as they are; no sleep, no fault. */
static bool get_fast(struct lodge_fault *f, bool write)
{
	if (!get_user_page_fast_only(f->hva, write ? FOLL_WRITE : 0, &f->page))
		return false;
	f->host_writable = write;
	return true;
}

/* Faulting in what is missing, with all that takes. */
static int get_slow(struct lodge_fault *f, bool may_write)
{
	struct page *page;
	long n;

	n = get_user_pages_unlocked(f->hva, 1, &f->page,
				    FOLL_HWPOISON | (f->write ? FOLL_WRITE : 0));
	if (n != 1) {
		f->page = NULL;
		return n ? n : -EFAULT;
	}
	f->host_writable = f->write;
	/* Brought in for reading, it may be found writable: that saves the next fault. */
	if (!f->write && may_write) {
		page = f->page;
		if (get_fast(f, true))
			put_page(page);
	}
	return 0;
}

/* A mapping without pages. */
static int get_mapped_pfn(struct lodge_fault *f)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool unlocked = false;
	int r = -EFAULT;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, f->hva);
	if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)) ||
	    !(vma->vm_flags & (f->write ? VM_WRITE : VM_READ)))
		goto out;
	r = lodge_follow_pfn(vma, f->hva, &f->pfn, &f->host_writable);
	if (r || (f->write && !f->host_writable)) {
		r = fixup_user_fault(mm, f->hva, f->write ? FAULT_FLAG_WRITE : 0, &unlocked);
		if (unlocked)
			r = r ? r : LODGE_RESUME;	/* the vma may be gone: start again */
		else if (!r)
			r = lodge_follow_pfn(vma, f->hva, &f->pfn, &f->host_writable);
		if (!r && f->write && !f->host_writable)
			r = -EFAULT;
	}
out:
	mmap_read_unlock(mm);
	return r < 0 ? -EFAULT : r;
}

/* Not memory, whose caching is the guest's own affair. */
static bool is_device(kvm_pfn_t pfn)
{
	if (!pfn_valid(pfn))
		return true;
	return PageReserved(pfn_to_page(pfn)) && !is_zero_pfn(pfn) &&
	       pat_pfn_immune_to_uc_mtrr(pfn);
}

int lodge_host_page(struct lodge_fault *f)
{
	bool may_write = !(f->slot->flags & KVM_MEM_READONLY);
	int r = 0;

	if (!(may_write && get_fast(f, true)) && !(!f->write && get_fast(f, false)))
		r = get_slow(f, may_write);
	if (r == -EHWPOISON) {
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)f->hva, PAGE_SHIFT, current);
		return LODGE_RESUME;
	}
	if (r && fatal_signal_pending(current))
		return -EINTR;
	if (r)
		r = get_mapped_pfn(f);
	else
		f->pfn = page_to_pfn(f->page);
	if (!r) {
		f->device = is_device(f->pfn);
		f->host_writable &= may_write;
	}
	return r;
}

void lodge_host_page_put(struct lodge_fault *f)
{
	if (f->page)
		put_page(f->page);
}

/*
 * With interrupts off the tables cannot be freed, as for get_user_pages_fast().
 * What they say may be old at once: the caller compares invalidate_seq after.
 */
static int host_level(struct mm_struct *mm, unsigned long hva)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, hva));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	if (pgd_none(pgd))
		return 1;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		return 1;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		return 1;
	if (pud_leaf(pud))
		return 3;
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	return pmd_present(pmd) && pmd_leaf(pmd) ? 2 : 1;
}

/* The whole page of that size lies in the slot, at the same offset on both sides. */
static bool slot_has_level(const struct lodge_memslot *slot, gfn_t gfn, int level)
{
	u64 pages = lodge_level_pages(level);
	gfn_t base = lodge_level_base(gfn, level);

	return !((slot->base_gfn ^ (slot->hva >> PAGE_SHIFT)) & (pages - 1)) &&
	       base >= slot->base_gfn && base + pages <= slot->base_gfn + slot->npages;
}

int lodge_map_level(const struct lodge_memslot *slot, gfn_t gfn)
{
	unsigned long flags;
	int level;

	/* One bit for each small page: each is protected, and written, by itself. */
	if (slot->dirty_bitmap)
		return 1;
	local_irq_save(flags);
	level = host_level(current->mm, lodge_slot_hva(slot, gfn));
	local_irq_restore(flags);
	level = min(level, lodge_caps.tdp.max_page_level);
	while (level > 1 && !slot_has_level(slot, gfn, level))
		level--;
	return level;
}
