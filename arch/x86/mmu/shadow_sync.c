// SPDX-License-Identifier: GPL-2.0
/*
 * Shadow pages against the guest's tables that they were made from.
 *
 * To the guest its shadow pages are a TLB.  An entry may be older than the guest's own
 * until the guest invalidates it (SDM vol. 3, Invalidation of TLBs and Paging-Structure
 * Caches), and no longer.  An entry that is not there is made from what the guest's tables say
 * at the time of the fault.  So, of a guest page that is a table,
 *
 *   in sync	no translation to it permits writes: its shadow pages are as it is
 *   unsync	the guest writes as it likes; at its next invalidation each entry that is
 *		present is compared, and goes if it has no right to be there
 *
 * A page begins unsync.  Syncs that find it unchanged put it in sync: write-protected,
 * flushed everywhere, and then compared once more.  A write of the guest's makes it unsync
 * again (lodge_shadow_unsync()), at whatever level it is.
 *
 * What has to be looked at is found from the root: "below" is set in all pages above one
 * that is unsync.  A page that is linked anew, and may have gone out of sync while
 * nothing led to it, is brought in sync first, with all that is below it: its
 * entries would otherwise outlive an invalidation that did not reach them.
 */
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "shadow.h"

/* Syncs without a change after which a page is write-protected: an exit costs more than one. */
#define IDLE_SYNCS	2

/* --- what an entry is to be --- */

static u8 entry_access(union lodge_role role, u64 gpte)
{
	u8 access = 0;

	if (gpte & GPTE_WRITE)
		access |= ACC_WRITE;
	if (gpte & GPTE_USER)
		access |= ACC_USER;
	if (!role.nx || !(gpte & GPTE_NX))
		access |= ACC_EXEC;
	return access & role.access;
}

/* The first page that entry @i of @sp covers, where the guest's is a leaf. */
static gfn_t leaf_gfn(const struct lodge_spage *sp, unsigned int i, u64 gpte)
{
	int level = sp->role.level;

	/* A page of 4 MiB is two entries here; PSE-36: address bits 39:32 are its 20:13. */
	if (sp->role.guest_levels == 2 && level == 2)
		return (((gpte & GENMASK_ULL(31, 22)) | (gpte & GENMASK_ULL(20, 13)) << 19) >>
			PAGE_SHIFT) + (i & 1) * lodge_level_pages(2);
	return lodge_level_base((gpte & GPTE_ADDR) >> PAGE_SHIFT, level);
}

struct lodge_want lodge_shadow_want(const struct lodge_spage *sp, unsigned int i, u64 gpte,
				    const struct lodge_walk_mode *mode)
{
	union lodge_role role = sp->role;
	struct lodge_want want = { };
	bool large;

	if (role.direct)
		return (struct lodge_want) {
			.present = true, .leaf = true, .access = role.access, .pkey = role.pkey,
			.clean = role.clean,
			.gfn = sp->gfn + i * lodge_level_pages(role.level),
		};
	large = role.level > 1 && (gpte & GPTE_LARGE) && (role.guest_levels > 2 || role.pse);
	if (!(gpte & GPTE_PRESENT) || (gpte & mode->rsvd[large][role.level - 1]))
		return want;
	want.present = true;
	want.leaf = role.level == 1 || large;
	want.access = entry_access(role, gpte);
	if (!want.leaf) {
		want.gfn = (gpte & GPTE_ADDR) >> PAGE_SHIFT;
		return want;
	}
	want.gfn = leaf_gfn(sp, i, gpte);
	want.clean = !(gpte & GPTE_DIRTY);
	if (want.clean)
		want.access &= ~ACC_WRITE;
	if (role.guest_levels > 3)
		want.pkey = (gpte >> 59) & 15;
	return want;
}

union lodge_role lodge_shadow_child(const struct lodge_spage *sp, unsigned int i,
				    const struct lodge_want *want)
{
	union lodge_role role = sp->role;

	role.level--;
	role.access = want->access;
	role.quadrant = 0;
	if (want->leaf) {
		role.direct = 1;
		role.pkey = want->pkey;
		/* Else a clean page is like one that is read-only. */
		role.clean = role.no_wp && want->clean;
	} else if (role.guest_levels == 2) {
		role.quadrant = i & 1;
	}
	return role;
}

/* --- one page --- */

/* Where in the guest's table, in bytes, is what entry @i is made from? */
static unsigned int guest_offset(const struct lodge_spage *sp, unsigned int i)
{
	if (sp->role.guest_levels != 2)
		return i * 8;
	if (sp->role.level == 1)
		return (sp->role.quadrant * LODGE_PT_ENTRIES + i) * 4;
	return (sp->role.quadrant * LODGE_PT_ENTRIES / 2 + i / 2) * 4;
}

static unsigned int guest_size(const struct lodge_spage *sp)
{
	return sp->role.guest_levels == 2 ? 4 : 8;
}

/* From what entry @first is made from to what @last is, into the same place of the copy. */
static bool peek_table(struct lodge_vcpu *vcpu, const struct lodge_spage *sp, unsigned int first,
		       unsigned int last)
{
	void *buf = lodge_shadow(vcpu->vm)->guest_table;
	struct lodge_memslot *slot = lodge_vcpu_slot(vcpu, sp->gfn);
	unsigned int from = guest_offset(sp, first), to = guest_offset(sp, last) + guest_size(sp);
	unsigned long left, hva;

	if (!slot)
		return false;
	hva = lodge_slot_hva(slot, sp->gfn);
	pagefault_disable();
	left = __copy_from_user_inatomic(buf + from, (void __user *)(hva + from), to - from);
	pagefault_enable();
	return !left;
}

bool lodge_shadow_read_guest(struct lodge_vcpu *vcpu, const struct lodge_spage *sp)
{
	return peek_table(vcpu, sp, 0, LODGE_PT_ENTRIES - 1);
}

u64 lodge_shadow_guest_pte(struct lodge_vm *vm, const struct lodge_spage *sp, unsigned int i)
{
	const void *p = (void *)lodge_shadow(vm)->guest_table + guest_offset(sp, i);

	return guest_size(sp) == 4 ? *(const u32 *)p : *(const u64 *)p;
}

/* Take from a leaf what the guest's entry does not permit any more; more comes with a fault. */
static bool restrict_leaf(u64 *ptep, const struct lodge_want *want)
{
	u64 old = READ_ONCE(*ptep), new;

	do {
		new = old & ~(_PAGE_USER | lodge_spte_nx | SPTE_PKEY);
		if (!(want->access & ACC_WRITE))
			new &= ~lodge_pte.writable;
		if (want->access & ACC_USER)
			new |= _PAGE_USER;
		if (!(want->access & ACC_EXEC))
			new |= lodge_spte_nx;
		new |= (u64)want->pkey << 59;
		if (new == old)
			return false;
	} while (!lodge_pte_change(ptep, &old, new));
	return true;
}

/* Entry @i, which is present, against the guest's: true if it was changed. */
static bool sync_entry(struct lodge_vcpu *vcpu, struct lodge_spage *sp, unsigned int i, u64 gpte)
{
	struct lodge_want want = lodge_shadow_want(sp, i, gpte, &vcpu->arch.mmu.walk);
	u64 pte = READ_ONCE(sp->table[i]);
	const struct lodge_spage *child;

	/* An access is to set the accessed bit. */
	if (want.present && (gpte & GPTE_ACCESSED)) {
		if (lodge_pte_is_table(pte, sp->role.level)) {
			child = lodge_spage_of(lodge_pte_table(pte));
			if (child->gfn == want.gfn &&
			    child->role.word == lodge_shadow_child(sp, i, &want).word)
				return false;
		} else if (want.leaf && sp->entry[i].gfn == want.gfn) {
			return restrict_leaf(&sp->table[i], &want);
		}
	}
	return lodge_shadow_drop(vcpu->vm, sp, i);
}

static bool drop_entries(struct lodge_vm *vm, struct lodge_spage *sp)
{
	bool any = false;
	int i;

	for (i = 0; i < LODGE_PT_ENTRIES; i++)
		any |= lodge_shadow_drop(vm, sp, i);
	return any;
}

static bool sync_page(struct lodge_vcpu *vcpu, struct lodge_spage *sp)
{
	bool any = false;
	int i;

	if (!sp->present)
		return false;
	/* What cannot be read now cannot be relied on. */
	if (!lodge_shadow_read_guest(vcpu, sp))
		return drop_entries(vcpu->vm, sp);
	for (i = 0; i < LODGE_PT_ENTRIES; i++)
		if (lodge_pte_present(sp->table[i]))
			any |= sync_entry(vcpu, sp, i, lodge_shadow_guest_pte(vcpu->vm, sp, i));
	return any;
}

bool lodge_shadow_sync_one(struct lodge_vcpu *vcpu, struct lodge_spage *sp, unsigned int i)
{
	if (!sp->unsync || !lodge_pte_present(sp->table[i]))
		return false;
	if (!peek_table(vcpu, sp, i, i))
		return lodge_shadow_drop(vcpu->vm, sp, i);
	return sync_entry(vcpu, sp, i, lodge_shadow_guest_pte(vcpu->vm, sp, i));
}

/* --- out of sync --- */

static void mark_parents(struct lodge_spage *sp)
{
	struct lodge_rmap *r;

	hlist_for_each_entry(r, &sp->parents, node)
		lodge_shadow_mark_below(lodge_rmap_page(r));
}

/* Depth: the levels above. */
void lodge_shadow_mark_below(struct lodge_spage *sp)
{
	if (sp->below)
		return;
	sp->below = true;
	mark_parents(sp);
}

/* A page that nothing leads to is not worth it: it may well be no table any more. */
void lodge_shadow_unsync(struct lodge_vm *vm, gfn_t gfn)
{
	struct lodge_shadow *s = lodge_shadow(vm);
	struct lodge_spage *sp, *next;

	for (sp = lodge_shadow_next(s, gfn, NULL); sp; sp = next) {
		next = lodge_shadow_next(s, gfn, sp);
		if (sp->role.direct || sp->unsync)
			continue;
		if (hlist_empty(&sp->parents) && !sp->roots) {
			lodge_shadow_zap(vm, sp);
			continue;
		}
		sp->unsync = true;
		sp->idle = 0;
		mark_parents(sp);
	}
}

bool lodge_shadow_tracked(struct lodge_vm *vm, gfn_t gfn)
{
	struct lodge_shadow *s = lodge_shadow(vm);
	struct lodge_spage *sp = NULL;

	while ((sp = lodge_shadow_next(s, gfn, sp)))
		if (!sp->role.direct && !sp->unsync)
			return true;
	return false;
}

void lodge_shadow_written(struct lodge_vm *vm, gfn_t gfn)
{
	struct lodge_gfns *g;

	/* The write comes before the look; a table that is made meanwhile begins unsync. */
	smp_mb();
	g = lodge_gfns(vm, gfn);
	if (!g || !READ_ONCE(g->tables))
		return;
	spin_lock(&vm->mmu_lock);
	lodge_shadow_unsync(vm, gfn);
	spin_unlock(&vm->mmu_lock);
}

/* --- back in sync --- */

struct sync {
	struct lodge_vcpu *vcpu;
	u64 gen;
	struct list_head cold;	/* pages to be put in sync, by lodge_spage.cold */
	bool changed;
	bool visited;		/* a page, at least: each call gets on */
	bool stop;		/* others were left */
};

static bool must_stop(struct sync *s)
{
	if (s->visited && (need_resched() || spin_needbreak(&s->vcpu->vm->mmu_lock)))
		s->stop = true;
	return s->stop;
}

static void sync_unsync_page(struct sync *s, struct lodge_spage *sp)
{
	sp->synced = s->gen;
	s->visited = true;
	if (sync_page(s->vcpu, sp)) {
		sp->idle = 0;
		s->changed = true;
	} else if (++sp->idle >= IDLE_SYNCS) {
		list_move(&sp->cold, &s->cold);
	}
}

/* Depth: the levels of paging. */
static void visit(struct sync *s, struct lodge_spage *sp)
{
	struct lodge_spage *child;
	int i;

	if (sp->unsync && sp->synced != s->gen)
		sync_unsync_page(s, sp);
	if (!sp->below)
		return;
	sp->below = false;
	for (i = 0; i < LODGE_PT_ENTRIES; i++) {
		if (!lodge_pte_is_table(sp->table[i], sp->role.level))
			continue;
		child = lodge_spage_of(lodge_pte_table(sp->table[i]));
		if (!child->unsync && !child->below)
			continue;
		if (!must_stop(s))
			visit(s, child);
		sp->below |= child->unsync || child->below;
	}
}

/* Write-protected and flushed, they are looked at once more: others may write until then. */
static void settle_cold(struct sync *s)
{
	struct lodge_vm *vm = s->vcpu->vm;
	struct lodge_spage *sp, *next;

	if (list_empty(&s->cold))
		return;
	list_for_each_entry(sp, &s->cold, cold)
		lodge_rmap_protect(vm, sp->gfn);
	/* Whoever owes it: a translation may have lost its permission to write before. */
	lodge_pay_flushes(vm);
	list_for_each_entry_safe(sp, next, &s->cold, cold) {
		list_del_init(&sp->cold);
		s->changed |= sync_page(s->vcpu, sp);
		sp->unsync = false;
	}
}

bool lodge_shadow_sync_tree(struct lodge_vcpu *vcpu, struct lodge_spage *sp, u64 gen)
{
	struct sync s = { .vcpu = vcpu, .gen = gen };

	if (!sp->unsync && !sp->below)
		return true;
	INIT_LIST_HEAD(&s.cold);
	visit(&s, sp);
	settle_cold(&s);
	if (s.changed)
		lodge_owe_flush(vcpu->vm);
	return !s.stop;
}
