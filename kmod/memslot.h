/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory slots (memslot.c), access to guest memory by guest-physical address
 * (guest_mem.c) and the dirty log (dirty_log.c).
 *
 * Readers are in vm->srcu and see one consistent set; changes are made under
 * vm->slots_lock on a copy that is then published.
 */
#ifndef LODGE_MEMSLOT_H
#define LODGE_MEMSLOT_H

#include <linux/interval_tree.h>
#include <linux/nospec.h>
#include <linux/rbtree.h>

#include "lodge.h"

#define LODGE_MAX_MEMSLOTS	32764	/* KVM_CAP_NR_MEMSLOTS: those user space may use */

/*
 * One slot.  It may be linked in both of the VM's sets at once, through one
 * pair of nodes for each (memslot.c).
 */
struct lodge_memslot {
	/* Constant while published. */
	gfn_t base_gfn;
	unsigned long npages;
	unsigned long hva;		/* userspace_addr */
	u32 flags;			/* KVM_MEM_* */
	u32 id;
	unsigned long *dirty_bitmap;	/* NULL when not logged; bits set atomically */

	struct rb_node gfn_node[2];	/* in lodge_memslots.by_gfn */
	struct interval_tree_node hva_node[2];	/* in lodge_memslots.by_hva */
};

/* One consistent set of slots: constant while it is the published one. */
struct lodge_memslots {
	u64 generation;			/* never the same twice in a VM's life; not 0 */
	struct rb_root by_gfn;
	struct rb_root_cached by_hva;	/* for the MMU notifier */
	struct lodge_memslot *last;	/* where the last search ended: a hint */
	unsigned int node;		/* which of a slot's nodes are this set's */
};

/* The set readers see now.  In vm->srcu or under slots_lock. */
static inline struct lodge_memslots *lodge_memslots(struct lodge_vm *vm)
{
	return srcu_dereference_check(vm->memslots, &vm->srcu,
				      lockdep_is_held(&vm->slots_lock));
}

static inline bool lodge_slot_has(const struct lodge_memslot *slot, gfn_t gfn)
{
	return gfn - slot->base_gfn < slot->npages;
}

/*
 * The host address of a page of @slot.  A guest chooses @gfn, so the index is
 * clamped for speculation too.
 */
static inline unsigned long lodge_slot_hva(const struct lodge_memslot *slot, gfn_t gfn)
{
	unsigned long index = array_index_nospec(gfn - slot->base_gfn, slot->npages);

	return slot->hva + (index << PAGE_SHIFT);
}

/* NULL when there is none. */
struct lodge_memslot *lodge_slots_find(struct lodge_memslots *slots, gfn_t gfn);
struct lodge_memslot *lodge_gfn_to_slot(struct lodge_vm *vm, gfn_t gfn);
/* By KVM's slot number; under slots_lock.  NULL when there is none. */
struct lodge_memslot *lodge_id_to_slot(struct lodge_vm *vm, u32 id);
u64 lodge_memslots_generation(struct lodge_vm *vm);
/* How many pages the slots have together; as it is at some moment. */
unsigned long lodge_memslots_pages(struct lodge_vm *vm);

int lodge_memslots_init(struct lodge_vm *vm);
void lodge_memslots_destroy(struct lodge_vm *vm);
/* KVM_SET_USER_MEMORY_REGION: create, move, delete, change flags.  Process. */
int lodge_set_memory_region(struct lodge_vm *vm, const struct kvm_userspace_memory_region *mem);

/* dirty_log.c: process; take slots_lock. */
int lodge_get_dirty_log(struct lodge_vm *vm, struct kvm_dirty_log *log);
int lodge_clear_dirty_log(struct lodge_vm *vm, struct kvm_clear_dirty_log *log);
/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: KVM_DIRTY_LOG_* bits. */
int lodge_dirty_log_enable_manual(struct lodge_vm *vm, u64 flags);
/* Without a log, nothing.  In vm->srcu; any context. */
void lodge_mark_page_dirty(struct lodge_memslot *slot, gfn_t gfn);

/*
 * Guest memory by guest-physical address.  In vm->srcu; may fault on user
 * pages, so may sleep.  0, or -EFAULT: no slot there, a read-only slot written,
 * or the host mapping fails.  Writes mark pages dirty.  Bytes of a partial
 * failure may have been written, as with a bus error.
 */
int lodge_read_guest(struct lodge_vm *vm, gpa_t gpa, void *data, unsigned long len);
int lodge_write_guest(struct lodge_vm *vm, gpa_t gpa, const void *data, unsigned long len);
/* hva of the page, or an error address (lodge_hva_error()); @writable may be NULL. */
unsigned long lodge_gfn_to_hva(struct lodge_vm *vm, gfn_t gfn, bool *writable);
static inline bool lodge_hva_error(unsigned long hva)
{
	return hva >= PAGE_OFFSET;
}

/*
 * A small structure the guest registered (pvclock, steal time): its slot is
 * looked up once for each generation.  @slot is NULL when it spans two.
 */
struct lodge_gpa_cache {
	gpa_t gpa;
	unsigned long hva;
	unsigned long len;
	u64 generation;
	struct lodge_memslot *slot;
};

/* In vm->srcu.  0, or -EFAULT, as above; -EINVAL for what is outside the structure. */
int lodge_gpa_cache_init(struct lodge_vm *vm, struct lodge_gpa_cache *c, gpa_t gpa,
			 unsigned long len);
int lodge_write_cached(struct lodge_vm *vm, struct lodge_gpa_cache *c, const void *data,
		       unsigned int offset, unsigned long len);
int lodge_read_cached(struct lodge_vm *vm, struct lodge_gpa_cache *c, void *data,
		      unsigned int offset, unsigned long len);

/* mmu_notifier.c */
int lodge_mmu_notifier_register(struct lodge_vm *vm);
void lodge_mmu_notifier_unregister(struct lodge_vm *vm);

#endif
