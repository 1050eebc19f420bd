// SPDX-License-Identifier: GPL-2.0
/*
 * Installing a translation in shadow tables: what the walk of the guest's tables found
 * (lodge_mmu.path), from the root down.
 *
 * The walk was made without the lock.  Each of the guest's entries on the way is read once
 * more here, after the shadow page that it is for was found or made: if it has changed, or
 * the MMU notifier came between, the guest tries again.  A page that is in sync cannot
 * change behind that look, for its writes exit; one that is not will be compared.
 */
#include "shadow.h"

#define SYNC_ENDED	2	/* beside enum lodge_next: yield, and try again */

struct install {
	struct lodge_fault *f;
	const struct lodge_guest_path *path;
	struct lodge_vm *vm;
	bool owes;		/* a flush */
};

static void drop(struct install *in, struct lodge_spage *sp, unsigned int i)
{
	in->owes |= lodge_shadow_drop(in->vm, sp, i);
}

/* May the page be written from now on, without an exit for the dirty log or for a table there? */
static bool may_write(struct install *in, const struct lodge_want *want, int level)
{
	const struct lodge_fault *f = in->f;
	struct lodge_gfns *g;

	if (!f->host_writable || (f->slot->dirty_bitmap && !f->write))
		return false;
	/* A large page is not made where there are tables: max_level(). */
	g = lodge_gfns(in->vm, want->gfn);
	if (level > 1 || !g->tables)
		return true;
	if (f->write)
		lodge_shadow_unsync(in->vm, want->gfn);
	return f->write || !lodge_shadow_tracked(in->vm, want->gfn);
}

/*
 * The CPU runs with CR0.WP set.  If the guest's is clear, and its supervisor writes where
 * only that permits it, a user page becomes a supervisor page, until a user's access makes
 * it read-only again; SMEP must not then take it for one that may be executed.
 */
static u64 make_leaf(struct install *in, const struct lodge_spage *sp,
		     const struct lodge_want *want)
{
	const struct lodge_fault *f = in->f;
	int level = sp->role.level;
	bool user = want->access & ACC_USER, exec = want->access & ACC_EXEC;
	bool write = want->access & ACC_WRITE;
	u64 pte;

	if (f->write && !write) {
		write = true;
		if (user && sp->role.smep)
			exec = false;
		user = false;
	}
	write = write && may_write(in, want, level);
	pte = lodge_pte_make_leaf(f->pfn - (f->gfn - want->gfn), level, f->device, false, write);
	if (user)
		pte |= _PAGE_USER;
	if (!exec)
		pte |= lodge_spte_nx;
	if (f->host_writable)
		pte |= SPTE_HOST_WRITABLE;
	if (write)
		pte |= _PAGE_DIRTY;
	return pte | (u64)want->pkey << 59;
}

static bool same_page(const struct lodge_spage *sp, unsigned int i, u64 old, u64 new,
		      const struct lodge_want *want)
{
	return lodge_pte_is_leaf(old, sp->role.level) && sp->entry[i].gfn == want->gfn &&
	       lodge_pte_pfn(old) == lodge_pte_pfn(new);
}

static void install_leaf(struct install *in, struct lodge_spage *sp, unsigned int i,
			 const struct lodge_want *want)
{
	struct lodge_fault *f = in->f;
	u64 new = make_leaf(in, sp, want), old = READ_ONCE(sp->table[i]);
	int level = sp->role.level;

	if (same_page(sp, i, old, new, want)) {
		/* Whatever changes of it, less may be permitted than before. */
		in->owes |= (old ^ new) & (old | _PAGE_USER | lodge_spte_nx | SPTE_PKEY) &
			    ~(lodge_pte.accessed | _PAGE_DIRTY);
		WRITE_ONCE(sp->table[i], new);
	} else {
		drop(in, sp, i);
		sp->entry[i].gfn = want->gfn;
		hlist_add_head(&sp->entry[i].node,
			       lodge_rmap_head(lodge_gfns(in->vm, want->gfn), want->gfn, level));
		sp->present++;
		WRITE_ONCE(sp->table[i], new);
		lodge_count_leaf(in->vm, level, 1);
	}
	lodge_mark_host_page(f);
	if (f->write)
		lodge_mark_page_dirty(f->slot, f->gfn);
}

/* The table that entry @i of @sp is to lead to, linked there; NULL: try again. */
static struct lodge_spage *descend(struct install *in, struct lodge_spage *sp, unsigned int i,
				   const struct lodge_want *want)
{
	union lodge_role role = lodge_shadow_child(sp, i, want);
	struct lodge_spage *child;
	u64 pte = sp->table[i];
	bool made;

	if (lodge_pte_is_table(pte, sp->role.level)) {
		child = lodge_spage_of(lodge_pte_table(pte));
		if (child->gfn == want->gfn && child->role.word == role.word)
			return child;
	}
	child = lodge_shadow_get(in->f->vcpu, want->gfn, role, &made);
	/* What nothing led to may be older than an invalidation. */
	if (!made && !lodge_shadow_sync_tree(in->f->vcpu, child,
					     ++lodge_shadow(in->vm)->sync_gen))
		return NULL;
	drop(in, sp, i);
	lodge_shadow_link(sp, i, child);
	return child;
}

static int max_level(struct install *in)
{
	const struct lodge_fault *f = in->f;
	struct lodge_gfns *g = lodge_gfns(in->vm, f->gfn);

	/* A guest must not have large pages that it may execute, on some CPUs (pte_ept.c). */
	if (f->level == 1 || g->tables || lodge_caps.tdp.nx_large)
		return 1;
	return g->gib->tables ? 2 : f->level;
}

/* The guest's entry for @sp on the way: false if it is another, or of another table, by now. */
static bool guest_entry(struct install *in, const struct lodge_spage *sp, u64 *gpte)
{
	const struct lodge_guest_entry *e = &in->path->entry[sp->role.level - 1];

	*gpte = e->pte;
	return sp->role.direct || (e->gfn == sp->gfn && lodge_guest_entry_same(in->f->vcpu, e));
}

static int install(struct install *in, struct lodge_spage *sp)
{
	const struct lodge_walk_mode *mode = &in->f->vcpu->arch.mmu.walk;
	int limit = max_level(in);
	struct lodge_want want;
	unsigned int i;
	u64 gpte;

	for (;;) {
		i = lodge_shadow_index(in->path->gva, sp->role.level);
		if (!guest_entry(in, sp, &gpte))
			return LODGE_RESUME;
		want = lodge_shadow_want(sp, i, gpte, mode);
		if (!want.present)
			return LODGE_RESUME;
		/* Where the guest's table cannot be marked, as in read-only memory. */
		if (want.leaf && !sp->role.direct && in->f->write) {
			want.clean = false;
			if (gpte & GPTE_WRITE)
				want.access |= sp->role.access & ACC_WRITE;
		}
		if (want.leaf && sp->role.level <= limit) {
			install_leaf(in, sp, i, &want);
			return LODGE_RESUME;
		}
		if (WARN_ON_ONCE(sp->role.level == 1))
			return -EFAULT;
		sp = descend(in, sp, i, &want);
		if (!sp)
			return SYNC_ENDED;
	}
}

static int locked_install(struct lodge_fault *f)
{
	struct lodge_mmu *mmu = &f->vcpu->arch.mmu;
	struct install in = { .f = f, .path = &mmu->path, .vm = f->vcpu->vm };
	struct lodge_spage *root;
	int r = LODGE_RESUME;

	lodge_shadow_reclaim(in.vm);
	root = lodge_shadow_root(f->vcpu, mmu->path.gva);
	if (!root)
		lodge_request(f->vcpu, LODGE_REQ_MMU_RELOAD);
	else if (!lodge_fault_invalidated(f))
		r = install(&in, root);
	if (in.owes)
		lodge_owe_flush(in.vm);
	lodge_shadow_audit(f->vcpu);
	return r;
}

/* What the lists need for the page, and for the tables on the way. */
static int reserve(struct lodge_fault *f)
{
	const struct lodge_guest_path *path = &f->vcpu->arch.mmu.path;
	int level, r = lodge_gfns_reserve(f->vcpu->vm, f->gfn);

	for (level = path->top; !r && level && level >= path->level; level--)
		r = lodge_gfns_reserve(f->vcpu->vm, path->entry[level - 1].gfn);
	return r ?: lodge_shadow_stock(f->vcpu);
}

int lodge_shadow_map(struct lodge_fault *f)
{
	struct lodge_vm *vm = f->vcpu->vm;
	int r = reserve(f);

	if (r)
		return r;
	spin_lock(&vm->mmu_lock);
	r = locked_install(f);
	spin_unlock(&vm->mmu_lock);
	if (!list_empty_careful(&lodge_shadow(vm)->dead))
		lodge_shadow_settle(vm);
	if (r == SYNC_ENDED) {
		cond_resched();
		r = LODGE_RESUME;
	}
	return r;
}

/* --- what comes before --- */

/*
 * The CPU's own translation of an address that faults goes with the fault (SDM vol. 3,
 * Operations that Invalidate TLBs and Paging-Structure Caches): the guest may count on that.
 */
bool lodge_shadow_walk(struct lodge_vcpu *vcpu, gva_t gva, u64 error, struct lodge_walk *walk)
{
	u64 access = error & (PFERR_WRITE | PFERR_USER | PFERR_FETCH);

	/* Of a user's instruction, but not its own: of a descriptor table, or a TSS. */
	if (!(error & PFERR_USER) && lodge_be(get_cpl)(vcpu) == 3)
		access |= PFERR_IMPLICIT;
	if (lodge_guest_walk_path(vcpu, gva, access, walk, &vcpu->arch.mmu.path))
		return true;
	if ((walk->error_code & (PFERR_PRESENT | PFERR_RSVD)) == PFERR_PRESENT)
		lodge_mmu_invlpg(vcpu, gva);
	return false;
}

bool lodge_shadow_must_emulate(struct lodge_vcpu *vcpu, u64 error)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	u64 all = vcpu->arch.mmu.path.all;

	if (!mode->levels || mode->wp || (error & PFERR_USER) || !(error & PFERR_WRITE) ||
	    !(all & GPTE_USER) || !(mode->smap || mode->pke))
		return false;
	return !(all & GPTE_WRITE) || (error & PFERR_PK);
}
