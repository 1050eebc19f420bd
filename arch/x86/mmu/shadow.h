/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shadow paging: tables made here from the guest's own, that the CPU walks in their
 * stead where it has neither EPT nor NPT.  Documentation/mmu.md tells how it works.
 *
 * All that is declared here is guarded by vm->mmu_lock, but where it says otherwise.
 * A table (a "shadow page") has one key, the guest page that it was made from and its
 * role; nothing is ever found by less than the whole key.
 */
#ifndef LODGE_MMU_SHADOW_H
#define LODGE_MMU_SHADOW_H

#include <linux/xarray.h>

#include "guest_walk.h"
#include "tables.h"

/* What a guest's entry, or all those on the way to a table, permits. */
#define ACC_WRITE	BIT(0)
#define ACC_USER	BIT(1)
#define ACC_EXEC	BIT(2)
#define ACC_ALL		(ACC_WRITE | ACC_USER | ACC_EXEC)

/* A bit of leaves that the CPU leaves to software in every paging mode. */
#define SPTE_HOST_WRITABLE	BIT_ULL(9)	/* the owner's mapping may be written through */
#define SPTE_PKEY		GENMASK_ULL(62, 59)
extern u64 lodge_spte_nx;		/* no fetches; 0 where the CPU has no such bit */

/*
 * What a shadow page is beside the guest page it was made from: two pages with a role that
 * differs in anything differ in the translations, or in the permissions, they may hold.
 */
union lodge_role {
	u32 word;
	struct {
		u32 level:3;		/* of the table; 1 maps pages of 4 KiB */
		u32 guest_levels:3;	/* of the guest's paging: 0, 2, 3, 4 or 5 */
		u32 direct:1;		/* of no guest table: gfns in order, from the page's own */
		u32 quadrant:2;		/* which part of a guest table of 1024 entries */
		u32 access:3;		/* ACC_*, of all entries of the guest's on the way */
		u32 nx:1;		/* EFER.NXE */
		u32 pse:1;		/* CR4.PSE, with 2 levels */
		u32 no_wp:1;		/* CR0.WP clear; and then */
		u32 smep:1, smap:1, pke:1;
		u32 pkey:4;		/* direct: the protection key of the large page */
		u32 clean:1;		/* direct, no_wp: it has yet to be marked dirty */
	};
};
static_assert(sizeof(union lodge_role) == sizeof(u32));

/*
 * An entry as others find it: in the list of its gfn's mappings if it is a leaf, in its
 * child's list of parents if it points to a table, in none if it is not present.
 */
struct lodge_rmap {
	struct hlist_node node;
	u64 gfn:52;		/* a leaf's first page */
	u64 index:12;		/* in the table; constant */
};

struct lodge_spage {
	struct hlist_node hash;
	struct list_head link;		/* lodge_shadow.pages or .dead */
	struct list_head cold;		/* while a sync goes on: to be write-protected */
	struct hlist_head parents;	/* entries that point here: lodge_rmap.node */
	u64 *table;
	gfn_t gfn;
	union lodge_role role;
	unsigned int present;		/* entries */
	unsigned int roots;		/* times that a vCPU has it as a root */
	unsigned int idle;		/* syncs that found no change, in a row */
	u64 synced;			/* lodge_shadow.sync_gen of the last sync */
	bool dead;			/* out of the hash, empty, not to be entered anew */
	/*
	 * The guest may write the guest's table without an exit, and so entries may be older
	 * than it.  While this is false no translation to @gfn permits writes.
	 */
	bool unsync;
	bool below;			/* a table below may be unsync */
	struct lodge_rmap entry[LODGE_PT_ENTRIES];
};

/* What is known of 1 GiB of guest-physical memory, and of 2 MiB.  They live as long as the VM. */
struct lodge_gib {
	struct hlist_head leaves;	/* of 1 GiB */
	unsigned int tables;		/* shadow pages of the guest's tables that lie in it */
};

struct lodge_gfns {
	struct hlist_head *small;	/* leaves of 4 KiB, for each page */
	struct hlist_head leaves;	/* of 2 MiB */
	unsigned int tables;
	struct lodge_gib *gib;
};

#define SHADOW_HASH_BITS	12

/* A VM's. */
struct lodge_shadow {
	struct hlist_head hash[BIT(SHADOW_HASH_BITS)];
	struct list_head pages;		/* the last used first */
	struct list_head dead;		/* to be freed after a flush */
	unsigned long nr_pages;		/* in @pages */
	unsigned long max_pages;	/* KVM_SET_NR_MMU_PAGES; 0: by the guest's memory */
	u64 sync_gen;
	unsigned long faults;		/* for the audit */
	bool kick;			/* a root died: vCPUs must be told */
	struct xarray gfns;		/* struct lodge_gfns by gfn >> 9; never removed */
	struct xarray gibs;
	u64 guest_table[LODGE_PT_ENTRIES];	/* a copy, while a page is synced */
};

/* What an entry of a shadow page is to be, by the guest's entry. */
struct lodge_want {
	bool present;
	bool leaf;		/* of the guest's: a page, or a part of a large one */
	gfn_t gfn;		/* of the table, or the first that the shadow entry covers */
	u8 access;
	u8 pkey;
	bool clean;		/* a leaf that its first write has to mark dirty */
};

static inline struct lodge_shadow *lodge_shadow(struct lodge_vm *vm)
{
	return vm->arch.mmu.shadow;
}

static inline struct lodge_spage *lodge_spage_of(const u64 *ptep)
{
	return (struct lodge_spage *)virt_to_page(ptep)->private;
}

static inline struct lodge_spage *lodge_rmap_page(struct lodge_rmap *r)
{
	return container_of(r - r->index, struct lodge_spage, entry[0]);
}

static inline u64 *lodge_rmap_pte(struct lodge_rmap *r)
{
	return &lodge_rmap_page(r)->table[r->index];
}

/* --- shadow_page.c: their life --- */
int lodge_shadow_cache_init(void);
void lodge_shadow_cache_exit(void);
/* Have @vcpu's store of unused pages full.  Not under the lock; 0 or -ENOMEM. */
int lodge_shadow_stock(struct lodge_vcpu *vcpu);
void lodge_shadow_unstock(struct lodge_vcpu *vcpu);
/* The next page of the list for @gfn, after @sp, or the first; any role. */
struct lodge_spage *lodge_shadow_next(struct lodge_shadow *s, gfn_t gfn, struct lodge_spage *sp);
/*
 * The page with this key, made from the vCPU's stock if there is none.  @made: it was, and is
 * empty.  A page of a guest's table begins unsync.
 */
struct lodge_spage *lodge_shadow_get(struct lodge_vcpu *vcpu, gfn_t gfn, union lodge_role role,
				     bool *made);
/* Clear an entry, whatever it is.  True if it was present: the caller owes a flush. */
bool lodge_shadow_drop(struct lodge_vm *vm, struct lodge_spage *sp, unsigned int i);
/* Point an empty entry to @child. */
void lodge_shadow_link(struct lodge_spage *sp, unsigned int i, struct lodge_spage *child);
/* Out of everything, owing the flush.  lodge_shadow_settle() frees it, a root when it is let go. */
void lodge_shadow_zap(struct lodge_vm *vm, struct lodge_spage *sp);
/* Make room for what one fault may need. */
void lodge_shadow_reclaim(struct lodge_vm *vm);
/* After any of these, not under the lock: pay the flushes, free what is dead, tell the vCPUs. */
void lodge_shadow_settle(struct lodge_vm *vm);
void lodge_shadow_put_root(struct lodge_vm *vm, struct lodge_spage *sp);
void lodge_shadow_free_all(struct lodge_vm *vm);

/* --- shadow_sync.c --- */
/* What entry @i of @sp is to be, the guest's being @gpte (not looked at in a direct page). */
struct lodge_want lodge_shadow_want(const struct lodge_spage *sp, unsigned int i, u64 gpte,
				    const struct lodge_walk_mode *mode);
/* The key of the table that @want leads to, from @sp. */
union lodge_role lodge_shadow_child(const struct lodge_spage *sp, unsigned int i,
				    const struct lodge_want *want);
/* @sp or one below it went out of sync, or a page of which that is true was linked to it. */
void lodge_shadow_mark_below(struct lodge_spage *sp);
/* The guest, or somebody for it, writes @gfn: let the tables there go out of sync. */
void lodge_shadow_unsync(struct lodge_vm *vm, gfn_t gfn);
/* The same, outside the lock, after the write. */
void lodge_shadow_written(struct lodge_vm *vm, gfn_t gfn);
/* A table there is in sync, and writes of it must be seen. */
bool lodge_shadow_tracked(struct lodge_vm *vm, gfn_t gfn);
/* Copy what @sp was made from to lodge_shadow.guest_table; does not sleep. */
bool lodge_shadow_read_guest(struct lodge_vcpu *vcpu, const struct lodge_spage *sp);
/* The guest's entry that entry @i is made from, by that copy. */
u64 lodge_shadow_guest_pte(struct lodge_vm *vm, const struct lodge_spage *sp, unsigned int i);
/* Entry @i of @sp alone is as the guest's: true if it was changed, and a flush is owed. */
bool lodge_shadow_sync_one(struct lodge_vcpu *vcpu, struct lodge_spage *sp, unsigned int i);
/*
 * All below @sp is as the guest's tables are: the vCPU's, whose mode is @sp's.  False when
 * it ended early, so that the caller may yield: to be called again, with the same @gen.
 */
bool lodge_shadow_sync_tree(struct lodge_vcpu *vcpu, struct lodge_spage *sp, u64 gen);

/* --- rmap.c --- */
/* Have what is kept for @gfn there.  Not under the lock; 0 or -ENOMEM. */
int lodge_gfns_reserve(struct lodge_vm *vm, gfn_t gfn);
/* NULL where nothing was ever mapped. */
struct lodge_gfns *lodge_gfns(struct lodge_vm *vm, gfn_t gfn);
/* The list of the leaves of @level that begin at @gfn. */
struct hlist_head *lodge_rmap_head(struct lodge_gfns *g, gfn_t gfn, int level);
/* No translation to @gfn permits writes; true if one did, and a flush is owed. */
bool lodge_rmap_protect(struct lodge_vm *vm, gfn_t gfn);
void lodge_gfns_free_all(struct lodge_vm *vm);
/* lodge_mmu_...() of these names (mmu.h) where there is shadow paging. */
void lodge_shadow_zap_range(struct lodge_vm *vm, gfn_t start, gfn_t end, bool may_block);
bool lodge_shadow_age_range(struct lodge_vm *vm, gfn_t start, gfn_t end, bool clear);
bool lodge_shadow_write_protect(struct lodge_vm *vm, gfn_t start, gfn_t end);
bool lodge_shadow_write_protect_mask(struct lodge_vm *vm, gfn_t base, unsigned long mask);

/* --- shadow.c --- */
int lodge_shadow_module_init(void);
int lodge_shadow_vm_init(struct lodge_vm *vm);
void lodge_shadow_vm_destroy(struct lodge_vm *vm);
int lodge_shadow_vcpu_create(struct lodge_vcpu *vcpu);
void lodge_shadow_vcpu_destroy(struct lodge_vcpu *vcpu);
int lodge_shadow_reload(struct lodge_vcpu *vcpu);
void lodge_shadow_flush_guest(struct lodge_vcpu *vcpu);
void lodge_shadow_invlpg(struct lodge_vcpu *vcpu, gva_t gva);
/* The root on the way to @gva, or NULL. */
struct lodge_spage *lodge_shadow_root(struct lodge_vcpu *vcpu, gva_t gva);

static inline unsigned int lodge_shadow_index(gva_t gva, int level)
{
	return lodge_pt_index(gva >> PAGE_SHIFT, level);
}

/* --- audit.c --- */
void lodge_shadow_audit(struct lodge_vcpu *vcpu);

#endif
