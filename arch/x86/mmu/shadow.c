// SPDX-License-Identifier: GPL-2.0
/*
 * Shadow paging as the rest of the MMU sees it: what a VM and a vCPU have of it, the tables
 * that a vCPU runs on, and what the guest does to its TLB.
 *
 * In long mode the CPU is given a table of as many levels as the guest's own.  In all
 * other modes it is given PAE paging: one page with four entries, the vCPU's, which
 * lead to four roots of level 2, one for each GiB.
 */
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/cpufeature.h>

#include "shadow.h"

u64 lodge_spte_nx __ro_after_init;

/* The root of a guest whose CR3 leads to no memory: it stays empty. */
#define NO_GFN		(~0ull)
#define NR_PAE_ROOTS	4

/*
 * The format of the host's own long-mode tables (APM vol. 2, Long-Mode Page Translation),
 * which PAE's is as well, without bits 62:52.  Tables permit everything: what the
 * guest's do not is in the role, and so in the leaves.  The guest's memory types are
 * not looked at: its PAT is not loaded.
 */
static void shadow_format(struct lodge_pte_format *fmt)
{
	*fmt = (struct lodge_pte_format) {
		.present	= _PAGE_PRESENT,
		.writable	= _PAGE_RW,
		.accessed	= _PAGE_ACCESSED,
		.large		= _PAGE_PSE,
		.addr		= GENMASK_ULL(51, PAGE_SHIFT) & ~sme_me_mask,
		.leaf		= _PAGE_PRESENT | _PAGE_ACCESSED,
		.table		= _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED |
				  sme_me_mask,
		.ram		= sme_me_mask,
		.device		= _PAGE_PCD | _PAGE_PWT,
	};
}

int __init lodge_shadow_module_init(void)
{
	shadow_format(&lodge_pte);
	if (boot_cpu_has(X86_FEATURE_NX))
		lodge_spte_nx = _PAGE_NX;
	return lodge_shadow_cache_init();
}

int lodge_shadow_vm_init(struct lodge_vm *vm)
{
	struct lodge_shadow *s = kvzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return -ENOMEM;
	INIT_LIST_HEAD(&s->pages);
	INIT_LIST_HEAD(&s->dead);
	xa_init(&s->gfns);
	xa_init(&s->gibs);
	vm->arch.mmu.shadow = s;
	return 0;
}

void lodge_shadow_vm_destroy(struct lodge_vm *vm)
{
	lodge_shadow_free_all(vm);
	lodge_gfns_free_all(vm);
	kvfree(lodge_shadow(vm));
}

int lodge_shadow_vcpu_create(struct lodge_vcpu *vcpu)
{
	struct lodge_mmu *mmu = &vcpu->arch.mmu;

	INIT_LIST_HEAD(&mmu->stock);
	/* CR3 has 32 bits outside long mode. */
	mmu->pae_root = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT | __GFP_DMA32);
	return mmu->pae_root ? 0 : -ENOMEM;
}

static void put_roots(struct lodge_vcpu *vcpu, struct lodge_spage *roots[NR_PAE_ROOTS])
{
	int i;

	for (i = 0; i < NR_PAE_ROOTS; i++)
		if (roots[i])
			lodge_shadow_put_root(vcpu->vm, roots[i]);
}

void lodge_shadow_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	struct lodge_mmu *mmu = &vcpu->arch.mmu;

	spin_lock(&vcpu->vm->mmu_lock);
	put_roots(vcpu, mmu->roots);
	spin_unlock(&vcpu->vm->mmu_lock);
	lodge_shadow_unstock(vcpu);
	free_page((unsigned long)mmu->pae_root);
}

/* --- roots --- */

static bool is_long(const struct lodge_vcpu *vcpu)
{
	return vcpu->arch.mmu.walk.levels > 3;
}

static union lodge_role root_role(const struct lodge_vcpu *vcpu)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	union lodge_role role = {
		.level		= is_long(vcpu) ? mode->levels : 2,
		.guest_levels	= mode->levels,
		.access		= ACC_ALL,
	};

	if (!mode->levels) {
		role.direct = 1;
		return role;
	}
	role.nx = mode->nx;
	role.pse = mode->levels == 2 && mode->pse;
	role.no_wp = !mode->wp;
	role.smep = !mode->wp && mode->smep;
	role.smap = !mode->wp && mode->smap;
	role.pke = !mode->wp && mode->pke;
	return role;
}

/*
 * The guest's tables that the roots are made from; NO_GFN where there is none, or in no
 * memory: nothing is present there.
 */
static void root_gfns(struct lodge_vcpu *vcpu, gfn_t gfns[NR_PAE_ROOTS])
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	gfn_t cr3 = (lodge_cr3(vcpu) & GPTE_ADDR) >> PAGE_SHIFT;
	int i;

	lodge_need_reg(vcpu, LODGE_REG_PDPTR);
	for (i = 0; i < NR_PAE_ROOTS; i++) {
		u64 pdpte = vcpu->arch.pdptrs[i];

		if (!mode->levels) {
			gfns[i] = i * lodge_level_pages(3);
			continue;
		}
		if (mode->levels == 3)
			gfns[i] = pdpte & GPTE_PRESENT ? (pdpte & GPTE_ADDR) >> PAGE_SHIFT : NO_GFN;
		else if (mode->levels == 2)
			gfns[i] = (u32)lodge_cr3(vcpu) >> PAGE_SHIFT;
		else
			gfns[i] = i ? NO_GFN : cr3;
		if (gfns[i] != NO_GFN && !lodge_vcpu_slot(vcpu, gfns[i]))
			gfns[i] = NO_GFN;
	}
}

static struct lodge_spage *get_root(struct lodge_vcpu *vcpu, int i, gfn_t gfn)
{
	union lodge_role role = root_role(vcpu);
	struct lodge_spage *sp;
	bool made;

	if (gfn == NO_GFN && (!is_long(vcpu) || i))
		return NULL;
	if (gfn == NO_GFN)
		role.direct = 1;
	else if (role.guest_levels == 2)
		role.quadrant = i;
	sp = lodge_shadow_get(vcpu, gfn, role, &made);
	sp->roots++;
	return sp;
}

static void get_roots(struct lodge_vcpu *vcpu, const gfn_t gfns[NR_PAE_ROOTS])
{
	struct lodge_mmu *mmu = &vcpu->arch.mmu;
	struct lodge_spage *old[NR_PAE_ROOTS];
	int i;

	memcpy(old, mmu->roots, sizeof(old));
	for (i = 0; i < NR_PAE_ROOTS; i++) {
		mmu->roots[i] = get_root(vcpu, i, gfns[i]);
		/* SDM vol. 3, PAE Paging: a PDPTE permits everything, by saying nothing of it. */
		mmu->pae_root[i] = !is_long(vcpu) && mmu->roots[i] ?
				   __sme_set(__pa(mmu->roots[i]->table)) | _PAGE_PRESENT : 0;
	}
	put_roots(vcpu, old);
}

/* Bring all that the vCPU's roots lead to in sync; under the lock, which is let go of. */
static void sync_roots(struct lodge_vcpu *vcpu)
{
	u64 gen = ++lodge_shadow(vcpu->vm)->sync_gen;
	struct lodge_spage *root;
	int i;

	for (i = 0; i < NR_PAE_ROOTS; i++) {
		root = vcpu->arch.mmu.roots[i];
		while (root && !lodge_shadow_sync_tree(vcpu, root, gen))
			cond_resched_lock(&vcpu->vm->mmu_lock);
	}
}

int lodge_shadow_reload(struct lodge_vcpu *vcpu)
{
	struct lodge_mmu *mmu = &vcpu->arch.mmu;
	struct lodge_vm *vm = vcpu->vm;
	gfn_t gfns[NR_PAE_ROOTS];
	int i, r = 0;

	/* All that it asks for is done here. */
	lodge_take_request(vcpu, LODGE_REQ_TLB_FLUSH_GUEST);
	root_gfns(vcpu, gfns);
	for (i = 0; !r && i < NR_PAE_ROOTS; i++)
		if (gfns[i] != NO_GFN && mmu->walk.levels)
			r = lodge_gfns_reserve(vm, gfns[i]);
	r = r ?: lodge_shadow_stock(vcpu);
	if (r) {
		lodge_request(vcpu, LODGE_REQ_MMU_RELOAD);
		return r;
	}
	spin_lock(&vm->mmu_lock);
	lodge_shadow_reclaim(vm);
	get_roots(vcpu, gfns);
	sync_roots(vcpu);
	spin_unlock(&vm->mmu_lock);
	if (!list_empty_careful(&lodge_shadow(vm)->dead))
		lodge_shadow_settle(vm);

	mmu->root = is_long(vcpu) ? __pa(mmu->roots[0]->table) : __pa(mmu->pae_root);
	mmu->root_level = is_long(vcpu) ? mmu->walk.levels : 3;
	lodge_be(load_mmu_root)(vcpu, mmu->root, mmu->root_level);
	lodge_be(flush_tlb_guest)(vcpu);
	return 0;
}

struct lodge_spage *lodge_shadow_root(struct lodge_vcpu *vcpu, gva_t gva)
{
	struct lodge_spage *root = vcpu->arch.mmu.roots[is_long(vcpu) ? 0 : (gva >> 30) & 3];

	return root && !root->dead && root->gfn != NO_GFN ? root : NULL;
}

/* --- the guest's TLB --- */

void lodge_shadow_flush_guest(struct lodge_vcpu *vcpu)
{
	spin_lock(&vcpu->vm->mmu_lock);
	sync_roots(vcpu);
	spin_unlock(&vcpu->vm->mmu_lock);
}

/*
 * What an INVLPG drops is the one page; but what a CPU keeps of the tables above it goes as
 * well, so that what they lead to is looked at (SDM vol. 3, Operations that Invalidate TLBs
 * and Paging-Structure Caches).  A page of 4 MiB is two entries.
 */
static bool sync_path(struct lodge_vcpu *vcpu, gva_t gva, bool *large)
{
	struct lodge_spage *sp = lodge_shadow_root(vcpu, gva);
	bool changed = false, here;
	unsigned int i;

	while (sp) {
		i = lodge_shadow_index(gva, sp->role.level);
		here = lodge_shadow_sync_one(vcpu, sp, i);
		if (sp->role.guest_levels == 2 && sp->role.level == 2)
			here |= lodge_shadow_sync_one(vcpu, sp, i ^ 1);
		changed |= here;
		*large |= here && sp->role.level > 1;
		if (!lodge_pte_is_table(sp->table[i], sp->role.level))
			break;
		sp = lodge_spage_of(lodge_pte_table(sp->table[i]));
	}
	return changed;
}

void lodge_shadow_invlpg(struct lodge_vcpu *vcpu, gva_t gva)
{
	bool changed, large = false;

	spin_lock(&vcpu->vm->mmu_lock);
	changed = sync_path(vcpu, gva, &large);
	/* The caller flushes the one address here. */
	if (changed && (large || atomic_read(&vcpu->vm->nr_online) > 1))
		lodge_owe_flush(vcpu->vm);
	spin_unlock(&vcpu->vm->mmu_lock);
}
