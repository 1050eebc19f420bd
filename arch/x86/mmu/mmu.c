// SPDX-License-Identifier: GPL-2.0
/* Lifetimes: the module's choice of format, a VM's root, a vCPU's part. */
#include <linux/rcupdate.h>

#include "tables.h"

struct lodge_pte_format lodge_pte __ro_after_init;

int __init lodge_mmu_module_init(void)
{
	if (!lodge_caps.tdp.enabled) {
		pr_err("lodge: this CPU has no nested paging, or it is disabled, and Lodge needs it: enable NPT or EPT in the firmware, or use another machine\n");
		return -EOPNOTSUPP;
	}
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
}

int lodge_mmu_vm_init(struct lodge_vm *vm)
{
	vm->arch.mmu.root = lodge_table_alloc(vm);
	return vm->arch.mmu.root ? 0 : -ENOMEM;
}

void lodge_mmu_vm_destroy(struct lodge_vm *vm)
{
	lodge_table_free_tree(vm, vm->arch.mmu.root, lodge_caps.tdp.levels);
}

int lodge_mmu_vcpu_create(struct lodge_vcpu *vcpu)
{
	vcpu->arch.mmu.root = INVALID_PAGE;
	lodge_request(vcpu, LODGE_REQ_MMU_RELOAD);
	return 0;
}

void lodge_mmu_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	lodge_table_free(vcpu->vm, vcpu->arch.mmu.spare);
}

int lodge_mmu_reload(struct lodge_vcpu *vcpu)
{
	struct lodge_mmu *mmu = &vcpu->arch.mmu;

	mmu->root = __pa(vcpu->vm->arch.mmu.root);
	mmu->root_level = lodge_caps.tdp.levels;
	lodge_be(load_mmu_root)(vcpu, mmu->root, mmu->root_level);
	return 0;
}

int lodge_mmu_path(struct lodge_vm *vm, gpa_t gpa, u64 *path)
{
	struct lodge_pt_iter it;
	gfn_t gfn = gpa >> PAGE_SHIFT;
	int n = 0;

	rcu_read_lock();
	lodge_for_each_vm_pte(&it, vm, gfn, gfn + 1)
		path[n++] = it.pte;
	rcu_read_unlock();
	return n;
}
