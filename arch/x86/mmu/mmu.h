/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The MMU as the rest of the module sees it: second-dimension tables (EPT, NPT)
 * now, shadow tables later, behind the same operations.
 */
#ifndef LODGE_MMU_H
#define LODGE_MMU_H

#include <linux/kvm_types.h>
#include <linux/list.h>
#include <linux/types.h>

struct lodge_vcpu;
struct lodge_vm;
struct lodge_memslot;

#define INVALID_PAGE		(~(hpa_t)0)

/*
 * Page-fault error code: the architectural bits, and NPT's own (APM vol. 2, Nested
 * versus Guest Page Faults).
 */
#define PFERR_PRESENT		BIT_ULL(0)
#define PFERR_WRITE		BIT_ULL(1)
#define PFERR_USER		BIT_ULL(2)
#define PFERR_RSVD		BIT_ULL(3)
#define PFERR_FETCH		BIT_ULL(4)
#define PFERR_PK		BIT_ULL(5)
#define PFERR_GUEST_FINAL	BIT_ULL(32)	/* in the final translation */
#define PFERR_GUEST_PAGE	BIT_ULL(33)	/* in the walk of the guest's tables */

/* Ours: a supervisor access that no instruction names, which SMAP denies whatever AC is. */
#define PFERR_IMPLICIT		BIT_ULL(48)

/*
 * How this vCPU's guest translates linear addresses now: what its CR0, CR4,
 * EFER and CPUID make of a walk.  guest_walk_mode.c fills it in.
 */
struct lodge_walk_mode {
	u8 levels;		/* 0: no paging; 2, 3, 4 or 5 */
	bool nx, wp, smep, smap, pke;
	bool pse;		/* 4 MiB pages, with 2 levels */
	u64 rsvd[2][5];		/* reserved bits: [is a large page][level - 1] */
};

/* One entry of the guest's that a walk went through. */
struct lodge_guest_entry {
	u64 pte;		/* as it is after the walk, marked */
	void __user *hva;
	struct lodge_memslot *slot;
	gfn_t gfn;		/* of the table */
};

/* The way of a walk through the guest's tables. */
struct lodge_guest_path {
	gva_t gva;
	int top, level;		/* where it began and ended; 0: without paging */
	u64 all;		/* the entries ANDed */
	struct lodge_guest_entry entry[5];	/* [level - 1] */
};

struct lodge_shadow;
struct lodge_spage;

/* A vCPU's part.  Its own thread's but for @installing. */
struct lodge_mmu {
	hpa_t root;		/* INVALID_PAGE: none loaded */
	int root_level;
	bool installing;	/* may be changing the VM's table: kmod/mmu_notifier.c */
	u64 *spare;		/* a zeroed table for the next fault that needs one, or NULL */

	/* Hints, good while the slots' generation is theirs. */
	struct lodge_memslot *slot;
	u64 slot_generation;
	gfn_t mmio_gfn;		/* no slot has it */
	u64 mmio_generation;

	struct lodge_walk_mode walk;

	/* Shadow paging: shadow.h. */
	struct lodge_guest_path path;	/* of the fault that is worked on */
	struct list_head stock;		/* unused shadow pages */
	int nr_stock;
	u64 *pae_root;			/* outside long mode: four entries, for */
	struct lodge_spage *roots[4];	/* these; in long mode the first alone.  mmu_lock */
};

/* A VM's tables. */
struct lodge_mmu_vm {
	u64 *root;		/* the one root of a VM with EPT or NPT; constant */
	struct lodge_shadow *shadow;	/* of one without; constant */
};

/* What a guest linear address translates to. */
struct lodge_walk {
	gpa_t gpa;
	/* When the walk fails, the exception to queue: */
	u8 vector;		/* 14 */
	u32 error_code;
	gva_t addr;
};

/* After the backend's probe(): 0 or -ENOMEM. */
int lodge_mmu_module_init(void);
void lodge_mmu_module_exit(void);	/* no VM left */
int lodge_mmu_vm_init(struct lodge_vm *vm);
void lodge_mmu_vm_destroy(struct lodge_vm *vm);	/* no vCPU left */
int lodge_mmu_vcpu_create(struct lodge_vcpu *vcpu);
void lodge_mmu_vcpu_destroy(struct lodge_vcpu *vcpu);

/* LODGE_REQ_MMU_RELOAD: have a valid root and hand it to the backend.  Loaded.  0 or -ENOMEM. */
int lodge_mmu_reload(struct lodge_vcpu *vcpu);
/* CR0, CR4 or EFER bits that paging depends on changed.  Loaded. */
void lodge_mmu_mode_changed(struct lodge_vcpu *vcpu);
/* CR3 was written, or PDPTEs were read anew.  Loaded. */
void lodge_mmu_cr3_changed(struct lodge_vcpu *vcpu);
/* The guest drops translations of its own: all of this vCPU's, those of @gva.  Loaded. */
void lodge_mmu_flush_guest(struct lodge_vcpu *vcpu);
void lodge_mmu_invlpg(struct lodge_vcpu *vcpu, gva_t gva);

/**
 * lodge_mmu_map_fault - bring the page at @gpa into the second-dimension table
 * @error: PFERR_* bits
 *
 * Loaded, in vm->srcu; may sleep.  Return: LODGE_RESUME when the access may be
 * tried again (also after SIGBUS was sent for a page with a memory error);
 * -ENXIO when no slot is there, or it is written and read-only: MMIO, emulate
 * it; LODGE_TO_USER never; -EFAULT when the host has no page there (KVM_RUN
 * fails with it), -EINTR when the thread is being killed, -ENOMEM.
 */
int lodge_mmu_map_fault(struct lodge_vcpu *vcpu, gpa_t gpa, u64 error);

/**
 * lodge_shadow_walk - the first half of a fault with shadow paging: what does the guest say?
 * @error: PFERR_* bits, as the CPU gave them
 *
 * Loaded, in vm->srcu; may sleep.  True with walk->gpa, which is for lodge_mmu_map_fault()
 * then; false with the guest's own fault in @walk, the CPU's old translation being gone.
 */
bool lodge_shadow_walk(struct lodge_vcpu *vcpu, gva_t gva, u64 error, struct lodge_walk *walk);
/*
 * No entry gives the guest what that walk permits and no more: it is a write that only
 * CR0.WP being clear permits, in company with SMAP or protection keys.  Emulate it.
 */
bool lodge_shadow_must_emulate(struct lodge_vcpu *vcpu, u64 error);

/*
 * Map a page of the backend's own where the guest has no memory.  It stays until the page
 * is zapped, by whomever.  With shadow paging the guest is one that does not page.  Loaded,
 * may sleep.  LODGE_RESUME (it may have to be asked for again) or -ENOMEM.
 */
int lodge_mmu_map_own(struct lodge_vcpu *vcpu, gfn_t gfn, struct page *page);

/*
 * The entries on the way down to @gpa, the root's first: LODGE_PT_MAX_LEVEL at most.
 * For reports of failures.  Return: how many.
 */
int lodge_mmu_path(struct lodge_vm *vm, gpa_t gpa, u64 *path);

/* --- called by memslot.c, dirty_log.c, mmu_notifier.c; process unless said --- */
/*
 * No translation of [start, end) gfns remains, TLBs included, when it returns.
 * @may_block false: does not sleep.
 */
void lodge_mmu_zap_range(struct lodge_vm *vm, gfn_t start, gfn_t end, bool may_block);
/* Every vCPU that is installing a translation now has done so.  Any context, interrupts on. */
void lodge_mmu_wait_installing(struct lodge_vm *vm);
/* Was a page accessed?  age_range() forgets it.  Any context. */
bool lodge_mmu_age_range(struct lodge_vm *vm, gfn_t start, gfn_t end);
bool lodge_mmu_test_young(struct lodge_vm *vm, gfn_t start, gfn_t end);
/*
 * Have the next write logged: without write permission, or without the dirty bit where
 * the CPU logs by it.  True if a flush is owed.
 */
bool lodge_mmu_write_protect(struct lodge_vm *vm, gfn_t start, gfn_t end);
/* The same for the pages whose bit in @mask is set, from @base. */
bool lodge_mmu_write_protect_mask(struct lodge_vm *vm, gfn_t base, unsigned long mask);
/* Logging of @slot ended: large pages may come back.  slots_lock; the owner's address space. */
void lodge_mmu_recover_large(struct lodge_vm *vm, const struct lodge_memslot *slot);
/* With shadow paging: how many shadow pages to keep; 0: by the guest's memory. */
void lodge_mmu_set_max_pages(struct lodge_vm *vm, unsigned long pages);
/* @len bytes at @gpa were written by the host: shadow tables may have been made from them. */
void lodge_mmu_written(struct lodge_vm *vm, gpa_t gpa, unsigned long len);
/* Every vCPU has dropped every translation older than this call when it returns. */
void lodge_flush_remote_tlbs(struct lodge_vm *vm);

/*
 * --- guest_access.c: linear to physical through the guest's own tables.
 * Loaded, in vm->srcu, may sleep ---
 */
/**
 * lodge_gva_to_gpa - translate one linear address
 * @access: PFERR_WRITE, PFERR_USER, PFERR_FETCH as the access has them
 *
 * Return: true with walk->gpa; false with the fault to queue in the rest of @walk.
 * Sets accessed and dirty bits as the CPU does.
 */
bool lodge_gva_to_gpa(struct lodge_vcpu *vcpu, gva_t gva, u64 access, struct lodge_walk *walk);
/*
 * Read or write linear memory across pages.  0, -EFAULT with @walk's fault, or
 * -ENXIO: nothing there to copy from or to (MMIO; walk->gpa).
 */
int lodge_read_gva(struct lodge_vcpu *vcpu, gva_t gva, void *data, unsigned int len, u64 access,
		   struct lodge_walk *walk);
int lodge_write_gva(struct lodge_vcpu *vcpu, gva_t gva, const void *data, unsigned int len,
		    u64 access, struct lodge_walk *walk);
/*
 * Instruction bytes at linear address @gva (RIP + CS base): as many of @len as
 * can be read, at least one.  Their count, -EFAULT with @walk's fault, or -ENXIO
 * where there is no memory to execute.  The fast path is fast: CPUs without NRIP
 * save take it on many exits.
 */
int lodge_fetch_insn(struct lodge_vcpu *vcpu, gva_t gva, u8 *buf, int len,
		     struct lodge_walk *walk);
/* The guest's PDPTEs at CR3 into arch.pdptrs: false if one has reserved bits set. */
bool lodge_load_pdptrs(struct lodge_vcpu *vcpu, unsigned long cr3);

#endif
