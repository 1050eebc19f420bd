// SPDX-License-Identifier: GPL-2.0
/* Lifetimes: the module's choice of format, a VM's root, a vCPU's part. */
#include <linux/rcupdate.h>

#include "shadow.h"

struct lodge_pte_format lodge_pte __ro_after_init;

int __init lodge_mmu_module_init(void)
{
	if (!lodge_caps.tdp.enabled)
		return lodge_shadow_module_init();
	if (lodge_caps.tdp.ept)
		lodge_pte_format_ept(&lodge_pte);
	else
		lodge_pte_format_npt(&lodge_pte);
	return 0;
}

void lodge_mmu_module_exit(void)
{
	/* Tables on their way through RCU are freed by the module's code. */
	rcu_barrier();
	lodge_shadow_cache_exit();
}

int lodge_mmu_vm_init(struct lodge_vm *vm)
{
	if (!lodge_caps.tdp.enabled)
		return lodge_shadow_vm_init(vm);
	vm->arch.mmu.root = lodge_table_alloc(vm);
	return vm->arch.mmu.root ? 0 : -ENOMEM;
}

void lodge_mmu_vm_destroy(struct lodge_vm *vm)
{
	if (!lodge_caps.tdp.enabled) {
		lodge_shadow_vm_destroy(vm);
		return;
	}
	lodge_table_free_tree(vm, vm->arch.mmu.root, lodge_caps.tdp.levels);
}

int lodge_mmu_vcpu_create(struct lodge_vcpu *vcpu)
{
	vcpu->arch.mmu.root = INVALID_PAGE;
	lodge_request(vcpu, LODGE_REQ_MMU_RELOAD);
	return lodge_caps.tdp.enabled ? 0 : lodge_shadow_vcpu_create(vcpu);
}

void lodge_mmu_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	lodge_table_free(vcpu->vm, vcpu->arch.mmu.spare);
	if (!lodge_caps.tdp.enabled)
		lodge_shadow_vcpu_destroy(vcpu);
}

int lodge_mmu_reload(struct lodge_vcpu *vcpu)
{
	struct lodge_mmu *mmu = &vcpu->arch.mmu;

	if (!lodge_caps.tdp.enabled)
		return lodge_shadow_reload(vcpu);
	mmu->root = __pa(vcpu->vm->arch.mmu.root);
	mmu->root_level = lodge_caps.tdp.levels;
	lodge_be(load_mmu_root)(vcpu, mmu->root, mmu->root_level);
	return 0;
}

void lodge_mmu_cr3_changed(struct lodge_vcpu *vcpu)
{
	if (!lodge_caps.tdp.enabled)
		lodge_request(vcpu, LODGE_REQ_MMU_RELOAD);
}

void lodge_mmu_flush_guest(struct lodge_vcpu *vcpu)
{
	if (!lodge_caps.tdp.enabled)
		lodge_shadow_flush_guest(vcpu);
	lodge_be(flush_tlb_guest)(vcpu);
	vcpu->stats.tlb_flush++;
}

void lodge_mmu_invlpg(struct lodge_vcpu *vcpu, gva_t gva)
{
	if (!lodge_caps.tdp.enabled)
		lodge_shadow_invlpg(vcpu, gva);
	lodge_be(flush_tlb_gva)(vcpu, gva);
}

void lodge_mmu_set_max_pages(struct lodge_vm *vm, unsigned long pages)
{
	if (!lodge_caps.tdp.enabled)
		WRITE_ONCE(lodge_shadow(vm)->max_pages, pages);
}

void lodge_mmu_written(struct lodge_vm *vm, gpa_t gpa, unsigned long len)
{
	gfn_t gfn;

	if (likely(lodge_caps.tdp.enabled))
		return;
	for (gfn = gpa >> PAGE_SHIFT; gfn <= (gpa + len - 1) >> PAGE_SHIFT; gfn++)
		lodge_shadow_written(vm, gfn);
}

int lodge_mmu_path(struct lodge_vm *vm, gpa_t gpa, u64 *path)
{
	struct lodge_pt_iter it;
	gfn_t gfn = gpa >> PAGE_SHIFT;
	int n = 0;

	if (!lodge_caps.tdp.enabled)
		return 0;
	rcu_read_lock();
	lodge_for_each_vm_pte(&it, vm, gfn, gfn + 1)
		path[n++] = it.pte;
	rcu_read_unlock();
	return n;
}
