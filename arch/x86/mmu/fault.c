// SPDX-License-Identifier: GPL-2.0
/*
 * Second-dimension faults.
 *
 * The path: find the slot; if only write protection stands in the way, lift it
 * (fix_protection); else ask the host for the page (host_page.c) and install it
 * (map.c).  No lock is taken but what the host needs to bring the page in.
 */
#include <linux/rcupdate.h>

#include "tables.h"

struct lodge_memslot *lodge_vcpu_slot_slow(struct lodge_vcpu *vcpu, gfn_t gfn)
{
	struct lodge_memslots *slots = lodge_memslots(vcpu->vm);
	struct lodge_memslot *slot = lodge_slots_find(slots, gfn);

	if (slot) {
		vcpu->arch.mmu.slot = slot;
		vcpu->arch.mmu.slot_generation = slots->generation;
	}
	return slot;
}

/*
 * Device registers fault at every access, with no slot to find: the last such
 * page is remembered.  No entry is made for it in the table, which holds
 * nothing but translations to pages of slots.
 */
static bool known_mmio(struct lodge_vcpu *vcpu, gfn_t gfn)
{
	return vcpu->arch.mmu.mmio_gfn == gfn &&
	       vcpu->arch.mmu.mmio_generation == lodge_memslots(vcpu->vm)->generation;
}

static void note_mmio(struct lodge_vcpu *vcpu, gfn_t gfn)
{
	vcpu->arch.mmu.mmio_gfn = gfn;
	vcpu->arch.mmu.mmio_generation = lodge_memslots(vcpu->vm)->generation;
	vcpu->stats.pf_mmio_created++;
}

/*
 * The translation is there and the host permits what was tried: another vCPU
 * was quicker, or the dirty log protected the page.  True when the guest may
 * try again.
 *
 * The page is not asked for again.  While its translation stands, the notifier
 * has not taken it away; if that happens now, the compare-and-exchange fails, or
 * comes first and is undone with the rest.
 */
static bool fix_protection(struct lodge_fault *f)
{
	struct lodge_pt_iter it;
	bool fixed;

	rcu_read_lock();
	lodge_for_each_vm_pte(&it, f->vcpu->vm, f->gfn, f->gfn + 1)
		;
	if (!lodge_pte_is_leaf(it.pte, it.level)) {
		fixed = false;
	} else if (lodge_leaf_permits(f, it.pte, it.level)) {
		fixed = true;
	} else if (!f->write || !(it.pte & LODGE_PTE_HOST_WRITABLE) ||
		   (f->slot->dirty_bitmap && it.level > 1)) {
		fixed = false;
	} else {
		/* When it fails the entry has changed: the guest will see to what. */
		if (lodge_pte_change(it.ptep, &it.pte, it.pte | lodge_pte.writable))
			lodge_mark_page_dirty(f->slot, f->gfn);
		fixed = true;
	}
	rcu_read_unlock();
	return fixed;
}

static int map_page(struct lodge_fault *f)
{
	int r;

	f->seq = READ_ONCE(f->vcpu->vm->invalidate_seq);
	smp_rmb();	/* before the host is asked; with invalidate_range_end() */
	r = lodge_host_page(f);
	if (r)
		return r;
	f->level = f->fetch && lodge_pte.small ? 1 : lodge_map_level(f->slot, f->gfn);
	r = lodge_caps.tdp.enabled ? lodge_mmu_map(f) : lodge_shadow_map(f);
	lodge_host_page_put(f);
	return r;
}

int lodge_mmu_map_fault(struct lodge_vcpu *vcpu, gpa_t gpa, u64 error)
{
	struct lodge_fault f = {
		.vcpu = vcpu,
		.gfn = gpa >> PAGE_SHIFT,
		.write = error & PFERR_WRITE,
		.fetch = error & PFERR_FETCH,
	};

	if (known_mmio(vcpu, f.gfn))
		return -ENXIO;
	f.slot = lodge_vcpu_slot(vcpu, f.gfn);
	if (!f.slot) {
		note_mmio(vcpu, f.gfn);
		return -ENXIO;
	}
	if (f.write && (f.slot->flags & KVM_MEM_READONLY))
		return -ENXIO;
	/* No entry made here has a reserved bit: looking again would not end. */
	if (WARN_ON_ONCE(error & PFERR_RSVD))
		return -EFAULT;
	if ((error & PFERR_PRESENT) && lodge_caps.tdp.enabled && fix_protection(&f)) {
		vcpu->stats.pf_fixed++;
		return LODGE_RESUME;
	}
	f.hva = lodge_slot_hva(f.slot, f.gfn);
	return map_page(&f);
}
