// SPDX-License-Identifier: GPL-2.0
/*
 * Linear to guest-physical through the guest's own page tables, as the CPU
 * would: permissions, reserved bits, accessed and dirty bits.
 *
 * The tables are guest memory, changed by other vCPUs at any time.  Each entry
 * is read once, checked, and used as read.  Accessed and dirty bits are set by
 * compare-and-exchange with the value that was used, at the very address it was
 * read from, through the owner's mapping: no other page can be hit, and a
 * mapping that changed meanwhile faults or takes the write like any other.
 */
#include "guest_walk.h"

/* 1: done; 0: the entry has changed, walk again; -EFAULT. */
static int set_bits(struct guest_entry *e, u64 bits, int size)
{
	u64 pte = e->pte;
	u32 low = pte;
	int r = -EFAULT;

	if (!user_access_begin(e->hva, size))
		return -EFAULT;
	if (size == 8)
		r = unsafe_try_cmpxchg_user((u64 __user *)e->hva, &pte, pte | bits, out);
	else
		r = unsafe_try_cmpxchg_user((u32 __user *)e->hva, &low, low | (u32)bits, out);
out:
	user_access_end();
	return r;
}

/*
 * The bits that this access sets: accessed on the way, dirty in the leaf.  True
 * unless the walk is to be repeated.  The guest may have its tables in
 * read-only memory; the CPU, too, would leave them unmarked there.
 */
static bool mark_entries(struct lodge_vcpu *vcpu, struct guest_walker *w, u64 access)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	int top = mode->levels == 3 ? 2 : mode->levels;
	int level, r;

	for (level = top; level >= w->level; level--) {
		struct guest_entry *e = &w->entry[level - 1];
		u64 bits = GPTE_ACCESSED;

		if (level == w->level && (access & PFERR_WRITE))
			bits |= GPTE_DIRTY;
		if ((e->pte & bits) == bits || (e->slot->flags & KVM_MEM_READONLY))
			continue;
		r = set_bits(e, bits, mode->levels == 2 ? 4 : 8);
		if (!r)
			return false;
		if (r > 0)
			lodge_mark_page_dirty(e->slot, e->gfn);
	}
	return true;
}

/* The fetch bit is part of an error code only where fetches can be told apart. */
static u32 error_code(struct lodge_vcpu *vcpu, u64 error, u64 access)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	u64 shown = PFERR_WRITE | PFERR_USER;

	if (mode->nx || mode->smep)
		shown |= PFERR_FETCH;
	return error | (access & shown);
}

bool lodge_guest_walk(struct lodge_vcpu *vcpu, gva_t gva, u64 access, struct lodge_walk *walk)
{
	struct guest_walker w;

	if (!vcpu->arch.mmu.walk.levels) {
		walk->gpa = (u32)gva;
		return true;
	}
	/* Repeated only when another vCPU wrote an entry just then. */
	do {
		if (!guest_walk(vcpu, gva, access, &w, &walk->gpa, false)) {
			walk->vector = X86_TRAP_PF;
			walk->error_code = error_code(vcpu, w.error, access);
			walk->addr = gva;
			return false;
		}
		cond_resched();
	} while (!mark_entries(vcpu, &w, access));
	return true;
}
