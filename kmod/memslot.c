// SPDX-License-Identifier: GPL-2.0
/*
 * Memory slots: which guest-physical pages exist, and where in the owner's
 * address space they are.
 *
 * A VM has two sets of the same slots, and a slot has one pair of tree nodes
 * for each.  One set is published, and constant; a change is made in the other,
 * which is then published; when no reader of the first is left, it is changed
 * alike.  So a change costs O(log n), readers take no lock, and see all of a
 * change or nothing of it.
 *
 * What the two trees of a set are for:
 *  - by_gfn: the guest side.  What it lacks does not exist for the guest.
 *  - by_hva: the MMU notifier's.  A slot that is deleted or moved stays in it
 *    until the last translation made from it is gone, or the notifier would
 *    miss a page that is being taken from the owner and that the guest still
 *    reaches.
 *
 * Nothing outside this file keeps a pointer to a slot for longer than one
 * section of vm->srcu: what is remembered (lodge_gpa_cache, the hints of the
 * MMU) carries the generation and is looked up again when that has changed.  No
 * index into an array of slots exists that a deletion could leave behind.
 */
#include <linux/cpufeature.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "backend.h"
#include "memslot.h"
#include "readers.h"

#define MEMSLOT_FLAGS		(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)
#define MEMSLOT_MAX_PAGES	((1UL << 31) - 1)

struct memslot_space {
	struct lodge_memslots set[2];
	/* slots_lock only. */
	struct xarray by_id;
	unsigned long nr_pages;		/* in all slots */
};

static struct memslot_space *space_of(struct lodge_memslots *slots)
{
	return container_of(slots - slots->node, struct memslot_space, set[0]);
}

static struct lodge_memslots *other_set(struct lodge_memslots *slots)
{
	return &space_of(slots)->set[!slots->node];
}

/* --- one set --- */

static struct lodge_memslot *slot_at(struct lodge_memslots *slots, struct rb_node *node)
{
	return slots->node ? rb_entry(node, struct lodge_memslot, gfn_node[1]) :
			     rb_entry(node, struct lodge_memslot, gfn_node[0]);
}

static void link_slot(struct lodge_memslots *slots, struct lodge_memslot *slot)
{
	struct rb_node **link = &slots->by_gfn.rb_node, *parent = NULL;
	struct rb_node *node = &slot->gfn_node[slots->node];
	struct interval_tree_node *hva = &slot->hva_node[slots->node];

	while (*link) {
		parent = *link;
		if (slot->base_gfn < slot_at(slots, parent)->base_gfn)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, &slots->by_gfn);

	hva->start = slot->hva;
	hva->last = slot->hva + (slot->npages << PAGE_SHIFT) - 1;
	interval_tree_insert(hva, &slots->by_hva);
}

static void unlink_gfn(struct lodge_memslots *slots, struct lodge_memslot *slot)
{
	rb_erase(&slot->gfn_node[slots->node], &slots->by_gfn);
	WRITE_ONCE(slots->last, NULL);
}

static void unlink_hva(struct lodge_memslots *slots, struct lodge_memslot *slot)
{
	interval_tree_remove(&slot->hva_node[slots->node], &slots->by_hva);
}

struct lodge_memslot *lodge_slots_find(struct lodge_memslots *slots, gfn_t gfn)
{
	/* The hint is shared by all readers; each of its values is a slot of this set. */
	struct lodge_memslot *slot = READ_ONCE(slots->last);
	struct rb_node *node;

	if (slot && lodge_slot_has(slot, gfn))
		return slot;
	node = slots->by_gfn.rb_node;
	while (node) {
		slot = slot_at(slots, node);
		if (lodge_slot_has(slot, gfn)) {
			WRITE_ONCE(slots->last, slot);
			return slot;
		}
		node = gfn < slot->base_gfn ? node->rb_left : node->rb_right;
	}
	return NULL;
}

/* Is a page of [start, end) in a slot other than @except? */
static bool overlaps(struct lodge_memslots *slots, gfn_t start, gfn_t end,
		     const struct lodge_memslot *except)
{
	struct rb_node *node = slots->by_gfn.rb_node, *first = NULL;
	struct lodge_memslot *slot;

	while (node) {
		slot = slot_at(slots, node);
		if (slot->base_gfn + slot->npages > start) {
			first = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	for (node = first; node; node = rb_next(node)) {
		slot = slot_at(slots, node);
		if (slot->base_gfn >= end)
			return false;
		if (slot != except)
			return true;
	}
	return false;
}

/* --- both sets --- */

/* No reader of the set that was published before is left when it returns. */
static void publish(struct lodge_vm *vm, struct lodge_memslots *slots)
{
	slots->generation = lodge_memslots(vm)->generation + 1;
	rcu_assign_pointer(vm->memslots, slots);
	lodge_synchronize(vm);
}

/*
 * Put @new in the place of @old; either may be NULL.  When it returns, no
 * reader and no translation of @old is left.
 *
 * A fault that began with the old set may map a page of @old until publish()
 * has waited for it.  So the translations are zapped after that, when none can
 * come any more, and before the notifier stops looking for them.
 */
static void replace_slot(struct lodge_vm *vm, struct lodge_memslot *old,
			 struct lodge_memslot *new)
{
	struct lodge_memslots *before = lodge_memslots(vm), *after = other_set(before);
	bool moved = old && (!new || new->base_gfn != old->base_gfn);

	if (old) {
		unlink_gfn(after, old);
		if (!moved)
			unlink_hva(after, old);
	}
	if (new)
		link_slot(after, new);
	publish(vm, after);

	if (moved)
		lodge_mmu_zap_range(vm, old->base_gfn, old->base_gfn + old->npages, true);

	if (old) {
		unlink_gfn(before, old);
		unlink_hva(before, old);
	}
	if (new)
		link_slot(before, new);
	if (moved) {
		publish(vm, before);
		unlink_hva(after, old);
	}
}

/* --- KVM_SET_USER_MEMORY_REGION --- */

static gfn_t max_gfn(void)
{
	unsigned int bits = lodge_caps.tdp.levels == 5 ? 57 : 48;
	unsigned int phys = boot_cpu_data.x86_phys_bits;

	/* With memory encryption the kernel's number is smaller than what the guest may use. */
	if (boot_cpu_data.extended_cpuid_level >= 0x80000008)
		phys = cpuid_eax(0x80000008) & 0xff;
	return BIT_ULL(min(bits, phys) - PAGE_SHIFT) - 1;
}

/* What can be said of the argument alone.  Number 1 and up of the upper half of @slot are SMM's. */
static bool region_valid(const struct kvm_userspace_memory_region *mem)
{
	u64 pages = mem->memory_size >> PAGE_SHIFT;

	return !(mem->flags & ~MEMSLOT_FLAGS) &&
	       mem->slot < LODGE_MAX_MEMSLOTS &&
	       PAGE_ALIGNED(mem->memory_size | mem->guest_phys_addr | mem->userspace_addr) &&
	       pages <= MEMSLOT_MAX_PAGES &&
	       mem->guest_phys_addr + mem->memory_size >= mem->guest_phys_addr &&
	       mem->userspace_addr == untagged_addr(mem->userspace_addr) &&
	       access_ok((void __user *)(unsigned long)mem->userspace_addr, mem->memory_size);
}

/*
 * A CPU that can log writes does so from before the first slot that is logged until
 * after the last.
 */
static void count_logged(struct lodge_vm *vm, int n)
{
	bool before = vm->nr_logged;

	WRITE_ONCE(vm->nr_logged, vm->nr_logged + n);
	if (before != !!vm->nr_logged && lodge_caps.tdp.has_pml)
		lodge_request_all(vm, LODGE_REQ_DIRTY_LOG);
}

static void free_slot(struct lodge_vm *vm, struct lodge_memslot *slot,
		      const struct lodge_memslot *heir)
{
	if (slot->dirty_bitmap && (!heir || heir->dirty_bitmap != slot->dirty_bitmap)) {
		count_logged(vm, -1);
		kvfree(slot->dirty_bitmap);
	}
	kfree(slot);
}

static bool logs_all_at_first(struct lodge_vm *vm)
{
	return vm->manual_dirty_log & KVM_DIRTY_LOG_INITIALLY_SET;
}

static int give_bitmap(struct lodge_vm *vm, struct lodge_memslot *slot,
		       const struct lodge_memslot *old)
{
	if (!(slot->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return 0;
	if (old && old->dirty_bitmap) {
		slot->dirty_bitmap = old->dirty_bitmap;
		return 0;
	}
	slot->dirty_bitmap = kvcalloc(BITS_TO_LONGS(slot->npages), sizeof(long),
				      GFP_KERNEL_ACCOUNT);
	if (!slot->dirty_bitmap)
		return -ENOMEM;
	count_logged(vm, 1);
	if (logs_all_at_first(vm))
		bitmap_set(slot->dirty_bitmap, 0, slot->npages);
	return 0;
}

static struct lodge_memslot *make_slot(struct lodge_vm *vm,
				       const struct kvm_userspace_memory_region *mem,
				       const struct lodge_memslot *old)
{
	struct lodge_memslot *slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);

	if (!slot)
		return NULL;
	slot->id = mem->slot;
	slot->flags = mem->flags;
	slot->base_gfn = mem->guest_phys_addr >> PAGE_SHIFT;
	slot->npages = mem->memory_size >> PAGE_SHIFT;
	slot->hva = mem->userspace_addr;
	if (give_bitmap(vm, slot, old)) {
		kfree(slot);
		return NULL;
	}
	return slot;
}

/* Logging began or ended for pages that stay where they are. */
static void logging_changed(struct lodge_vm *vm, const struct lodge_memslot *old,
			    const struct lodge_memslot *new)
{
	if (new->dirty_bitmap && !old->dirty_bitmap) {
		/* With all pages dirty at first, they are protected as the log is cleared. */
		if (!logs_all_at_first(vm) &&
		    lodge_mmu_write_protect(vm, new->base_gfn, new->base_gfn + new->npages))
			lodge_flush_remote_tlbs(vm);
	} else if (!new->dirty_bitmap && old->dirty_bitmap) {
		lodge_mmu_recover_large(vm, new);
	}
}

static int create_slot(struct lodge_vm *vm, struct memslot_space *space,
		       const struct kvm_userspace_memory_region *mem)
{
	struct lodge_memslot *new;
	int r;

	if (space->nr_pages + (mem->memory_size >> PAGE_SHIFT) < space->nr_pages)
		return -EINVAL;
	new = make_slot(vm, mem, NULL);
	if (!new)
		return -ENOMEM;
	r = xa_err(xa_store(&space->by_id, mem->slot, new, GFP_KERNEL_ACCOUNT));
	if (r) {
		free_slot(vm, new, NULL);
		return r;
	}
	WRITE_ONCE(space->nr_pages, space->nr_pages + new->npages);
	replace_slot(vm, NULL, new);
	return 0;
}

static int delete_slot(struct lodge_vm *vm, struct memslot_space *space,
		       struct lodge_memslot *old)
{
	if (!old)
		return -EINVAL;
	xa_erase(&space->by_id, old->id);
	WRITE_ONCE(space->nr_pages, space->nr_pages - old->npages);
	replace_slot(vm, old, NULL);
	free_slot(vm, old, NULL);
	return 0;
}

static int change_slot(struct lodge_vm *vm, struct memslot_space *space,
		       const struct kvm_userspace_memory_region *mem, struct lodge_memslot *old)
{
	struct lodge_memslot *new = make_slot(vm, mem, old);

	if (!new)
		return -ENOMEM;
	/* In the place of another entry: this takes no memory and cannot fail. */
	xa_store(&space->by_id, mem->slot, new, GFP_KERNEL_ACCOUNT);
	replace_slot(vm, old, new);
	if (new->base_gfn == old->base_gfn)
		logging_changed(vm, old, new);
	free_slot(vm, old, new);
	return 0;
}

static int set_region(struct lodge_vm *vm, const struct kvm_userspace_memory_region *mem)
{
	struct lodge_memslots *slots = lodge_memslots(vm);
	struct memslot_space *space = space_of(slots);
	struct lodge_memslot *old = xa_load(&space->by_id, mem->slot);
	gfn_t start = mem->guest_phys_addr >> PAGE_SHIFT;
	gfn_t end = start + (mem->memory_size >> PAGE_SHIFT);

	if (!mem->memory_size)
		return delete_slot(vm, space, old);
	if (old) {
		if (mem->userspace_addr != old->hva || end - start != old->npages ||
		    ((mem->flags ^ old->flags) & KVM_MEM_READONLY))
			return -EINVAL;
		if (start == old->base_gfn && mem->flags == old->flags)
			return 0;
	}
	if (end - 1 > max_gfn())
		return -EINVAL;
	if (overlaps(slots, start, end, old))
		return -EEXIST;
	return old ? change_slot(vm, space, mem, old) : create_slot(vm, space, mem);
}

int lodge_set_memory_region(struct lodge_vm *vm, const struct kvm_userspace_memory_region *mem)
{
	int r;

	if (!region_valid(mem))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	r = set_region(vm, mem);
	mutex_unlock(&vm->slots_lock);
	return r;
}

/* --- the rest of the interface --- */

struct lodge_memslot *lodge_gfn_to_slot(struct lodge_vm *vm, gfn_t gfn)
{
	return lodge_slots_find(lodge_memslots(vm), gfn);
}

struct lodge_memslot *lodge_id_to_slot(struct lodge_vm *vm, u32 id)
{
	return xa_load(&space_of(lodge_memslots(vm))->by_id, id);
}

u64 lodge_memslots_generation(struct lodge_vm *vm)
{
	return lodge_memslots(vm)->generation;
}

unsigned long lodge_memslots_pages(struct lodge_vm *vm)
{
	return READ_ONCE(space_of(lodge_memslots(vm))->nr_pages);
}

int lodge_memslots_init(struct lodge_vm *vm)
{
	struct memslot_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	int i;

	if (!space)
		return -ENOMEM;
	for (i = 0; i < 2; i++) {
		space->set[i].by_gfn = RB_ROOT;
		space->set[i].by_hva = RB_ROOT_CACHED;
		space->set[i].node = i;
	}
	space->set[0].generation = 1;
	xa_init(&space->by_id);
	RCU_INIT_POINTER(vm->memslots, &space->set[0]);
	return 0;
}

/* No reader is left: the VM dies. */
void lodge_memslots_destroy(struct lodge_vm *vm)
{
	struct memslot_space *space = space_of(rcu_dereference_protected(vm->memslots, 1));
	struct lodge_memslot *slot;
	unsigned long id;

	xa_for_each(&space->by_id, id, slot)
		free_slot(vm, slot, NULL);
	xa_destroy(&space->by_id);
	RCU_INIT_POINTER(vm->memslots, NULL);
	kfree(space);
}
