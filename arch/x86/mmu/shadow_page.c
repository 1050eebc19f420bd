// SPDX-License-Identifier: GPL-2.0
/*
 * The life of shadow pages: made from a vCPU's stock, found by their whole key, linked
 * to parents, taken out, freed.
 *
 * A page that is taken out is empty from then on and in no list that anybody looks into.
 * CPUs may still have it in their caches: it is freed after a flush on all vCPUs of the
 * VM (lodge_shadow_settle()).  A vCPU may have it as its root, and enters the guest with
 * an empty table then; each access exits, and the root is replaced before the next entry.
 * Until it has let go of it the page stays.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "shadow.h"

/* What one fault, or one change of roots, can need. */
#define STOCK		4
/* So many at a time give way to new ones. */
#define RECLAIM_BATCH	16
/* As KVM's: in thousandths of the guest's pages, and no less than. */
#define PERMILLE	20
#define MIN_PAGES	64UL

static struct kmem_cache *cache;

static void construct(void *object)
{
	struct lodge_spage *sp = object;
	int i;

	for (i = 0; i < LODGE_PT_ENTRIES; i++)
		sp->entry[i].index = i;
}

int lodge_shadow_cache_init(void)
{
	cache = kmem_cache_create("lodge_shadow", sizeof(struct lodge_spage), 0, SLAB_ACCOUNT,
				  construct);
	return cache ? 0 : -ENOMEM;
}

void lodge_shadow_cache_exit(void)
{
	kmem_cache_destroy(cache);
}

static void free_page_of(struct lodge_vm *vm, struct lodge_spage *sp)
{
	lodge_table_free(vm, sp->table);
	kmem_cache_free(cache, sp);
}

static struct lodge_spage *alloc(struct lodge_vm *vm)
{
	struct lodge_spage *sp = kmem_cache_alloc(cache, GFP_KERNEL_ACCOUNT);

	if (!sp)
		return NULL;
	sp->table = lodge_table_alloc(vm);
	if (!sp->table) {
		kmem_cache_free(cache, sp);
		return NULL;
	}
	set_page_private(virt_to_page(sp->table), (unsigned long)sp);
	return sp;
}

int lodge_shadow_stock(struct lodge_vcpu *vcpu)
{
	struct lodge_mmu *mmu = &vcpu->arch.mmu;
	struct lodge_spage *sp;

	for (; mmu->nr_stock < STOCK; mmu->nr_stock++) {
		sp = alloc(vcpu->vm);
		if (!sp)
			return -ENOMEM;
		list_add(&sp->link, &mmu->stock);
	}
	return 0;
}

static struct lodge_spage *from_stock(struct lodge_vcpu *vcpu)
{
	struct lodge_mmu *mmu = &vcpu->arch.mmu;
	struct lodge_spage *sp = list_first_entry(&mmu->stock, struct lodge_spage, link);

	list_del(&sp->link);
	mmu->nr_stock--;
	return sp;
}

void lodge_shadow_unstock(struct lodge_vcpu *vcpu)
{
	while (vcpu->arch.mmu.nr_stock)
		free_page_of(vcpu->vm, from_stock(vcpu));
}

/* --- by key --- */

static struct hlist_head *bucket(struct lodge_shadow *s, gfn_t gfn)
{
	return &s->hash[hash_64(gfn, SHADOW_HASH_BITS)];
}

struct lodge_spage *lodge_shadow_next(struct lodge_shadow *s, gfn_t gfn, struct lodge_spage *sp)
{
	struct hlist_node *node = sp ? sp->hash.next : bucket(s, gfn)->first;

	for (; node; node = node->next) {
		sp = hlist_entry(node, struct lodge_spage, hash);
		if (sp->gfn == gfn)
			return sp;
	}
	return NULL;
}

/* Where the guest's table lies there must be no large mapping that could not be protected. */
static void count_table(struct lodge_vm *vm, gfn_t gfn, int n)
{
	struct lodge_gfns *g = lodge_gfns(vm, gfn);

	if (WARN_ON_ONCE(!g))
		return;
	g->tables += n;
	g->gib->tables += n;
}

static struct lodge_spage *make(struct lodge_vcpu *vcpu, gfn_t gfn, union lodge_role role)
{
	struct lodge_shadow *s = lodge_shadow(vcpu->vm);
	struct lodge_spage *sp = from_stock(vcpu);

	INIT_HLIST_HEAD(&sp->parents);
	INIT_LIST_HEAD(&sp->cold);
	sp->gfn = gfn;
	sp->role = role;
	sp->present = 0;
	sp->roots = 0;
	sp->idle = 0;
	sp->synced = 0;
	sp->dead = false;
	sp->below = false;
	sp->unsync = !role.direct;
	hlist_add_head(&sp->hash, bucket(s, gfn));
	list_add(&sp->link, &s->pages);
	s->nr_pages++;
	if (!role.direct)
		count_table(vcpu->vm, gfn, 1);
	return sp;
}

struct lodge_spage *lodge_shadow_get(struct lodge_vcpu *vcpu, gfn_t gfn, union lodge_role role,
				     bool *made)
{
	struct lodge_shadow *s = lodge_shadow(vcpu->vm);
	struct lodge_spage *sp = NULL;

	while ((sp = lodge_shadow_next(s, gfn, sp))) {
		if (sp->role.word != role.word)
			continue;
		list_move(&sp->link, &s->pages);
		*made = false;
		return sp;
	}
	*made = true;
	return make(vcpu, gfn, role);
}

/* --- entries --- */

void lodge_shadow_link(struct lodge_spage *sp, unsigned int i, struct lodge_spage *child)
{
	hlist_add_head(&sp->entry[i].node, &child->parents);
	sp->present++;
	WRITE_ONCE(sp->table[i], lodge_pte_make_table(child->table));
	if (child->unsync || child->below)
		lodge_shadow_mark_below(sp);
}

bool lodge_shadow_drop(struct lodge_vm *vm, struct lodge_spage *sp, unsigned int i)
{
	u64 old = sp->table[i];

	if (!lodge_pte_present(old))
		return false;
	/* The CPU may set bits in it meanwhile, that nobody will miss. */
	WRITE_ONCE(sp->table[i], 0);
	hlist_del(&sp->entry[i].node);
	sp->present--;
	if (lodge_pte_is_leaf(old, sp->role.level))
		lodge_count_leaf(vm, sp->role.level, -1);
	return true;
}

/* --- the end --- */

static void unlink_parents(struct lodge_vm *vm, struct lodge_spage *sp)
{
	struct lodge_rmap *r;

	while (!hlist_empty(&sp->parents)) {
		r = hlist_entry(sp->parents.first, struct lodge_rmap, node);
		lodge_shadow_drop(vm, lodge_rmap_page(r), r->index);
	}
}

void lodge_shadow_zap(struct lodge_vm *vm, struct lodge_spage *sp)
{
	struct lodge_shadow *s = lodge_shadow(vm);
	int i;

	unlink_parents(vm, sp);
	for (i = 0; sp->present; i++)
		lodge_shadow_drop(vm, sp, i);
	hlist_del(&sp->hash);
	list_del_init(&sp->cold);
	list_del(&sp->link);
	s->nr_pages--;
	if (!sp->role.direct)
		count_table(vm, sp->gfn, -1);
	sp->dead = true;
	if (sp->roots)
		s->kick = true;
	else
		list_add(&sp->link, &s->dead);
	lodge_owe_flush(vm);
}

void lodge_shadow_put_root(struct lodge_vm *vm, struct lodge_spage *sp)
{
	if (!--sp->roots && sp->dead) {
		list_add(&sp->link, &lodge_shadow(vm)->dead);
		lodge_owe_flush(vm);
	}
}

static unsigned long max_pages(struct lodge_vm *vm)
{
	unsigned long max = READ_ONCE(lodge_shadow(vm)->max_pages);

	return max ?: max(lodge_memslots_pages(vm) / 1000 * PERMILLE, MIN_PAGES);
}

void lodge_shadow_reclaim(struct lodge_vm *vm)
{
	struct lodge_shadow *s = lodge_shadow(vm);
	unsigned long max = max_pages(vm);
	struct lodge_spage *sp, *next;
	int n = 0;

	if (likely(s->nr_pages + STOCK <= max))
		return;
	list_for_each_entry_safe_reverse(sp, next, &s->pages, link) {
		if (sp->roots)
			continue;
		lodge_shadow_zap(vm, sp);
		if (++n == RECLAIM_BATCH)
			break;
	}
}

void lodge_shadow_settle(struct lodge_vm *vm)
{
	struct lodge_shadow *s = lodge_shadow(vm);
	struct lodge_spage *sp, *next;
	LIST_HEAD(dead);
	bool kick;

	spin_lock(&vm->mmu_lock);
	list_splice_init(&s->dead, &dead);
	kick = s->kick;
	s->kick = false;
	spin_unlock(&vm->mmu_lock);

	if (kick)
		lodge_request_all(vm, LODGE_REQ_MMU_RELOAD);
	lodge_pay_flushes(vm);
	list_for_each_entry_safe(sp, next, &dead, link)
		free_page_of(vm, sp);
}

/* No vCPU is left. */
void lodge_shadow_free_all(struct lodge_vm *vm)
{
	struct lodge_shadow *s = lodge_shadow(vm);
	struct lodge_spage *sp, *next;

	list_splice_init(&s->pages, &s->dead);
	list_for_each_entry_safe(sp, next, &s->dead, link) {
		free_page_of(vm, sp);
		cond_resched();
	}
}
