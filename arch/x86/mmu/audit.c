// SPDX-License-Identifier: GPL-2.0
/*
 * The audit of shadow paging (module parameter mmu_audit): every so many faults, and with
 * the lock held, all tables of the VM are compared with what they were made from and with
 * each other.
 *
 *   a page	is found by its key, and is counted once
 *   an entry	is in its gfn's list, or its child's, and a child has the key that it wants
 *   a leaf	is of a slot's page, which the host maps there, and permits what the host does
 *   a leaf	that may be written is of no table that is in sync
 *   in sync	is what the guest's table says
 *   unsync	is known to all pages above
 *
 * What is not so is said in the log, as a warning.  It costs more than all that it checks:
 * it is off by default, and on in tests.
 */
#define pr_fmt(fmt) "lodge: " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/ratelimit.h>

#include "shadow.h"

#define AUDIT_EVERY	256	/* faults */

static bool mmu_audit;
module_param(mmu_audit, bool, 0444);
MODULE_PARM_DESC(mmu_audit, "check shadow page tables all the time, slowly (default: no)");

struct audit {
	struct lodge_vcpu *vcpu;
	struct lodge_vm *vm;
	const struct lodge_spage *sp;
	unsigned int i;
	u64 pte;
};

static void complain(const struct audit *a, const char *what)
{
	pr_warn_ratelimited("WARNING: MMU audit: %s: page of gfn 0x%llx, role 0x%x, level %u, entry %u: 0x%llx\n",
			    what, a->sp->gfn, a->sp->role.word, a->sp->role.level, a->i, a->pte);
}

static void check(const struct audit *a, bool good, const char *what)
{
	if (unlikely(!good))
		complain(a, what);
}

static bool listed(const struct hlist_head *head, const struct hlist_node *node)
{
	const struct hlist_node *n;

	hlist_for_each(n, head)
		if (n == node)
			return true;
	return false;
}

/* --- against the host --- */

struct host_map {
	u64 pfn;
	bool writable;
};

/* What the host's tables have at @hva; interrupts off, as for host_page.c. */
static bool host_map(struct mm_struct *mm, unsigned long hva, struct host_map *m)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, hva));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;
	pte_t pte;

	if (pgd_none(pgd))
		return false;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		return false;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (!pud_present(pud))
		return false;
	if (pud_leaf(pud)) {
		*m = (struct host_map) { pud_pfn(pud) + ((hva & ~PUD_MASK) >> PAGE_SHIFT),
					 pud_write(pud) };
		return true;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (!pmd_present(pmd))
		return false;
	if (pmd_leaf(pmd)) {
		*m = (struct host_map) { pmd_pfn(pmd) + ((hva & ~PMD_MASK) >> PAGE_SHIFT),
					 pmd_write(pmd) };
		return true;
	}
	pte = READ_ONCE(*pte_offset_kernel(&pmd, hva));
	*m = (struct host_map) { pte_pfn(pte), pte_write(pte) };
	return pte_present(pte);
}

static void audit_host(const struct audit *a, const struct lodge_memslot *slot, gfn_t gfn)
{
	unsigned long flags;
	struct host_map m = { };
	bool mapped;

	/* Who takes the page away now has not yet come to this entry. */
	if (a->vm->invalidate_in_progress)
		return;
	local_irq_save(flags);
	mapped = host_map(current->mm, lodge_slot_hva(slot, gfn), &m);
	local_irq_restore(flags);
	check(a, mapped, "the host has no page there");
	if (!mapped)
		return;
	check(a, m.pfn == lodge_pte_pfn(a->pte), "the host has another page there");
	check(a, m.writable || !(a->pte & lodge_pte.writable), "the host's page is not writable");
}

/* --- against the guest --- */

/* Are the tables of the vCPU's present mode? */
static bool same_mode(const struct audit *a)
{
	const struct lodge_walk_mode *mode = &a->vcpu->arch.mmu.walk;
	union lodge_role role = a->sp->role;

	return role.guest_levels == mode->levels && role.no_wp == !mode->wp &&
	       role.nx == mode->nx && role.pse == (mode->levels == 2 && mode->pse);
}

static void audit_permissions(const struct audit *a, const struct lodge_want *want)
{
	bool user = a->pte & _PAGE_USER;

	check(a, !user || (want->access & ACC_USER), "the guest's page is no user page");
	check(a, !lodge_spte_nx || (a->pte & lodge_spte_nx) || (want->access & ACC_EXEC),
	      "the guest's page is not executable");
	/* With CR0.WP clear its supervisor may write all pages. */
	check(a, !(a->pte & lodge_pte.writable) || (want->access & ACC_WRITE) ||
	      (a->sp->role.no_wp && !user), "the guest's page is not writable");
}

static void audit_want(const struct audit *a, const struct lodge_want *want)
{
	const struct lodge_spage *child;

	check(a, want->present, "the guest has nothing there");
	if (!want->present)
		return;
	if (lodge_pte_is_table(a->pte, a->sp->role.level)) {
		child = lodge_spage_of(lodge_pte_table(a->pte));
		check(a, child->gfn == want->gfn &&
		      child->role.word == lodge_shadow_child(a->sp, a->i, want).word,
		      "the guest's entry leads to another table");
		return;
	}
	check(a, want->leaf && a->sp->entry[a->i].gfn == want->gfn,
	      "the guest's entry is of another page");
	audit_permissions(a, want);
}

static void audit_guest(const struct audit *a, bool readable)
{
	struct lodge_want want;
	union lodge_role role;
	u64 gpte = 0;

	if (a->sp->role.guest_levels && !same_mode(a))
		return;
	if (!a->sp->role.direct) {
		if (!readable || a->sp->unsync)
			return;
		gpte = lodge_shadow_guest_pte(a->vm, a->sp, a->i);
	}
	want = lodge_shadow_want(a->sp, a->i, gpte, &a->vcpu->arch.mmu.walk);
	/* Where an accessed bit or a dirty bit cannot be set they are not waited for. */
	if (!a->sp->role.direct && want.leaf) {
		if (gpte & GPTE_WRITE)
			want.access |= a->sp->role.access & ACC_WRITE;
		if (lodge_pte_is_table(a->pte, a->sp->role.level)) {
			role = lodge_spage_of(lodge_pte_table(a->pte))->role;
			want.clean = role.clean;
			want.access &= role.access | ~ACC_WRITE;
		}
	}
	audit_want(a, &want);
}

/* --- against each other --- */

static void audit_leaf(const struct audit *a)
{
	int level = a->sp->role.level;
	gfn_t gfn = a->sp->entry[a->i].gfn;
	struct lodge_memslot *slot = lodge_gfn_to_slot(a->vm, gfn);
	struct lodge_gfns *g = lodge_gfns(a->vm, gfn);

	check(a, g && listed(lodge_rmap_head(g, gfn, level), &a->sp->entry[a->i].node),
	      "the page's list does not have it");
	if (g && (a->pte & lodge_pte.writable))
		check(a, level > 1 || !lodge_shadow_tracked(a->vm, gfn),
		      "a table that is in sync may be written");
	/* The backend's own pages are in no slot, and are mapped without paging only. */
	if (slot)
		audit_host(a, slot, gfn);
	else
		check(a, !a->sp->role.guest_levels, "it is of no slot");
}

static void audit_link(const struct audit *a)
{
	const struct lodge_spage *child = lodge_spage_of(lodge_pte_table(a->pte));

	check(a, !child->dead, "it leads to a table that is dead");
	check(a, child->role.level == a->sp->role.level - 1 &&
	      child->role.guest_levels == a->sp->role.guest_levels,
	      "it leads to a table of another level or mode");
	check(a, listed(&child->parents, &a->sp->entry[a->i].node),
	      "its table does not know of it");
	check(a, a->sp->below || !(child->unsync || child->below),
	      "it does not know that a table below is unsync");
}

static void audit_page(struct audit *a)
{
	struct lodge_spage *sp = NULL;
	unsigned int present = 0;
	bool readable;

	while ((sp = lodge_shadow_next(lodge_shadow(a->vm), a->sp->gfn, sp)))
		check(a, sp == a->sp || sp->role.word != a->sp->role.word,
		      "there is another with its key");
	check(a, lodge_spage_of(a->sp->table) == a->sp && !a->sp->dead, "it is not its table's");
	readable = !a->sp->role.direct && lodge_shadow_read_guest(a->vcpu, a->sp);
	for (a->i = 0; a->i < LODGE_PT_ENTRIES; a->i++) {
		a->pte = READ_ONCE(a->sp->table[a->i]);
		if (!lodge_pte_present(a->pte)) {
			check(a, !a->pte, "it is not present, and not empty");
			continue;
		}
		present++;
		if (lodge_pte_is_leaf(a->pte, a->sp->role.level))
			audit_leaf(a);
		else
			audit_link(a);
		audit_guest(a, readable);
	}
	a->i = 0;
	a->pte = 0;
	check(a, present == a->sp->present, "entries were miscounted");
}

/* Under the lock, in the owner's address space. */
void lodge_shadow_audit(struct lodge_vcpu *vcpu)
{
	struct audit a = { .vcpu = vcpu, .vm = vcpu->vm };
	struct lodge_shadow *s = lodge_shadow(vcpu->vm);
	unsigned long n = 0;

	if (likely(!mmu_audit) || ++s->faults % AUDIT_EVERY)
		return;
	list_for_each_entry(a.sp, &s->pages, link) {
		audit_page(&a);
		n++;
	}
	if (n != s->nr_pages)
		pr_warn_ratelimited("WARNING: MMU audit: %lu pages, counted as %lu\n", n,
				    s->nr_pages);
}
