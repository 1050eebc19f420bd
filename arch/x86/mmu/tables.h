/* SPDX-License-Identifier: GPL-2.0 */
/* Private to arch/x86/mmu: what its files have in common. */
#ifndef LODGE_MMU_TABLES_H
#define LODGE_MMU_TABLES_H

#include <linux/gfp.h>

#include "backend.h"
#include "iter.h"
#include "memslot.h"

/* Iterate over a VM's table. */
#define lodge_for_each_vm_pte(it, vm, start, end)				\
	lodge_for_each_pte(it, (vm)->arch.mmu.root, lodge_caps.tdp.levels, start, end)

/* A fault, as it is worked on: from map_fault() in fault.c down. */
struct lodge_fault {
	struct lodge_vcpu *vcpu;
	struct lodge_memslot *slot;
	gfn_t gfn;
	unsigned long hva;
	bool write, fetch;
	unsigned long seq;	/* vm->invalidate_seq before the host was asked */

	/* What the host has there: host_page.c. */
	kvm_pfn_t pfn;
	struct page *page;	/* a reference to put, or NULL */
	bool host_writable;
	bool device;		/* no memory: map uncached, do not track */
	int level;		/* largest page that may map it */
};

/* Does this leaf permit the access? */
static inline bool lodge_leaf_permits(const struct lodge_fault *f, u64 pte, int level)
{
	if (f->write && !(pte & lodge_pte.writable))
		return false;
	return !f->fetch || level == 1 || !lodge_pte.small;
}

/* --- zap.c --- */
/* A zeroed table, or NULL; may sleep. */
u64 *lodge_table_alloc(struct lodge_vm *vm);
/* One that the CPU and other threads cannot have seen. */
void lodge_table_free(struct lodge_vm *vm, u64 *table);
/* A table and all below it; no vCPU is left. */
void lodge_table_free_tree(struct lodge_vm *vm, u64 *table, int level);
/* Account for a leaf that was made (+1) or is gone (-1). */
void lodge_count_leaf(struct lodge_vm *vm, int level, int n);

/* --- host_page.c: process context, the owner's address space --- */
/* Fill in the host's part of @f.  LODGE_RESUME when nothing is to be mapped, 0, or -errno. */
int lodge_host_page(struct lodge_fault *f);
void lodge_host_page_put(struct lodge_fault *f);
/* The largest page (as a level) that may map @gfn, by what the host's mapping is now. */
int lodge_map_level(const struct lodge_memslot *slot, gfn_t gfn);

/* --- map.c --- */
/* Install @f: LODGE_RESUME, or -ENOMEM. */
int lodge_mmu_map(struct lodge_fault *f);
/* The page may have been taken from the owner since f->seq.  As try_install(), or mmu_lock. */
bool lodge_fault_invalidated(const struct lodge_fault *f);
/* It may be written from now on: tell its owner, while the notifier has to wait for us. */
void lodge_mark_host_page(const struct lodge_fault *f);

/* --- shadow_map.c: the same with shadow paging, for mmu.path --- */
int lodge_shadow_map(struct lodge_fault *f);

/* --- tlb.c --- */
/* Under mmu_lock, after an entry was changed: a flush is owed. */
void lodge_owe_flush(struct lodge_vm *vm);
/* Pay what was owed when it was called, whoever owes it.  Not under mmu_lock. */
void lodge_pay_flushes(struct lodge_vm *vm);

/* --- fault.c: the slot of @gfn by way of the vCPU's hint --- */
struct lodge_memslot *lodge_vcpu_slot_slow(struct lodge_vcpu *vcpu, gfn_t gfn);

static __always_inline struct lodge_memslot *lodge_vcpu_slot(struct lodge_vcpu *vcpu, gfn_t gfn)
{
	struct lodge_mmu *mmu = &vcpu->arch.mmu;

	if (likely(mmu->slot_generation == lodge_memslots(vcpu->vm)->generation &&
		   lodge_slot_has(mmu->slot, gfn)))
		return mmu->slot;
	return lodge_vcpu_slot_slow(vcpu, gfn);
}

#endif
