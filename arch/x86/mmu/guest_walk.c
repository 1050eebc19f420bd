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
#include <linux/uaccess.h>

#include "guest_walk.h"

/* Of @size 4 or 8. */
static bool read_entry(void __user *p, int size, u64 *value)
{
	u32 low;

	if (size == 8)
		return !get_user(*value, (u64 __user *)p);
	if (get_user(low, (u32 __user *)p))
		return false;
	*value = low;
	return true;
}

/* The table that CR3 leads to, and its level; false if a PDPTE is not present. */
static bool top_table(struct lodge_vcpu *vcpu, gva_t gva, gpa_t *table, int *level)
{
	u64 pdpte;

	*level = vcpu->arch.mmu.walk.levels;
	if (*level == 3) {
		lodge_need_reg(vcpu, LODGE_REG_PDPTR);
		pdpte = vcpu->arch.pdptrs[(gva >> 30) & 3];
		*table = pdpte & GPTE_ADDR;
		*level = 2;
		return pdpte & GPTE_PRESENT;
	}
	*table = lodge_cr3(vcpu) & GPTE_ADDR;
	if (*level == 2)
		*table = (u32)*table;
	return true;
}

/* The address in the page that @pte, of @level, maps. */
static gpa_t leaf_gpa(const struct lodge_walk_mode *mode, u64 pte, int level, gva_t gva)
{
	int shift = PAGE_SHIFT + (level - 1) * (mode->levels == 2 ? 10 : 9);
	u64 within = BIT_ULL(shift) - 1;
	gpa_t base = pte & GPTE_ADDR & ~within;

	/* PSE-36: bits 32 to 39 of a 4 MiB page's address are its entry's 13 to 20. */
	if (mode->levels == 2 && level == 2)
		base = (pte & GENMASK_ULL(31, 22)) | ((pte & GENMASK_ULL(20, 13)) << 19);
	return base | (gva & within);
}

/*
 * From CR3 to the leaf.  True with the address in @gpa; false with the fault in
 * @error.
 */
static bool walk_tables(struct lodge_vcpu *vcpu, gva_t gva, u64 access, struct lodge_guest_path *w,
			gpa_t *gpa, u64 *error)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	int size = mode->levels == 2 ? 4 : 8, index_bits = mode->levels == 2 ? 10 : 9;
	u64 all = ~0ull, any = 0;
	struct lodge_guest_entry *e;
	unsigned int index;
	gpa_t table;
	int level;
	bool large;

	*error = 0;
	if (!top_table(vcpu, gva, &table, &level))
		return false;
	w->top = level;
	for (;; level--) {
		index = (gva >> (PAGE_SHIFT + (level - 1) * index_bits)) & (BIT(index_bits) - 1);
		e = &w->entry[level - 1];
		e->gfn = table >> PAGE_SHIFT;
		e->slot = lodge_vcpu_slot(vcpu, e->gfn);
		/* Tables in no memory are as good as none: nothing is present there. */
		if (!e->slot)
			return false;
		e->hva = (void __user *)(lodge_slot_hva(e->slot, e->gfn) + index * size);
		if (!read_entry(e->hva, size, &e->pte) || !(e->pte & GPTE_PRESENT))
			return false;
		large = level > 1 && (e->pte & GPTE_LARGE) && (mode->levels > 2 || mode->pse);
		if (e->pte & mode->rsvd[large][level - 1]) {
			*error = PFERR_PRESENT | PFERR_RSVD;
			return false;
		}
		all &= e->pte;
		any |= e->pte;
		if (level == 1 || large)
			break;
		table = e->pte & GPTE_ADDR;
	}
	w->level = level;
	w->all = all;
	*error = guest_denied(vcpu, all, any, e->pte, access);
	*gpa = leaf_gpa(mode, e->pte, level, gva);
	return !*error;
}

/* 1: done; 0: the entry has changed, walk again; -EFAULT. */
static int set_bits(struct lodge_guest_entry *e, u64 bits, int size)
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
static bool mark_entries(struct lodge_vcpu *vcpu, struct lodge_guest_path *w, u64 access)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	int level, r;

	for (level = w->top; level >= w->level; level--) {
		struct lodge_guest_entry *e = &w->entry[level - 1];
		u64 bits = GPTE_ACCESSED;

		if (level == w->level && (access & PFERR_WRITE))
			bits |= GPTE_DIRTY;
		if ((e->pte & bits) == bits || (e->slot->flags & KVM_MEM_READONLY))
			continue;
		r = set_bits(e, bits, mode->levels == 2 ? 4 : 8);
		if (!r)
			return false;
		if (r > 0) {
			e->pte |= bits;
			lodge_mark_page_dirty(e->slot, e->gfn);
		}
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

bool lodge_guest_walk_path(struct lodge_vcpu *vcpu, gva_t gva, u64 access,
			   struct lodge_walk *walk, struct lodge_guest_path *path)
{
	u64 error;

	path->gva = gva;
	if (!vcpu->arch.mmu.walk.levels) {
		path->top = path->level = 0;
		path->all = ~0ull;
		walk->gpa = (u32)gva;
		return true;
	}
	/* Repeated only when another vCPU wrote an entry just then. */
	do {
		if (!walk_tables(vcpu, gva, access, path, &walk->gpa, &error)) {
			walk->vector = X86_TRAP_PF;
			walk->error_code = error_code(vcpu, error, access);
			walk->addr = gva;
			return false;
		}
		cond_resched();
	} while (!mark_entries(vcpu, path, access));
	return true;
}

bool lodge_guest_walk(struct lodge_vcpu *vcpu, gva_t gva, u64 access, struct lodge_walk *walk)
{
	struct lodge_guest_path path;

	return lodge_guest_walk_path(vcpu, gva, access, walk, &path);
}

bool lodge_guest_entry_same(const struct lodge_vcpu *vcpu, const struct lodge_guest_entry *e)
{
	u64 pte;
	bool read;

	pagefault_disable();
	read = read_entry(e->hva, vcpu->arch.mmu.walk.levels == 2 ? 4 : 8, &pte);
	pagefault_enable();
	return read && pte == e->pte;
}
