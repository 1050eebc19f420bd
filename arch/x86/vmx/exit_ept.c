// SPDX-License-Identifier: GPL-2.0
/*
 * EPT violations and EPT misconfigurations (SDM vol. 3, EPT Violations; EPT
 * Misconfigurations; Exit Qualification for EPT Violations), and with shadow paging #PF.
 */
#include <linux/ratelimit.h>

#include "exit.h"
#include "mmu/pte.h"
#include "vmx/vmx.h"

/*
 * Exit qualification bit 12, "NMI unblocking due to IRET" (SDM vol. 3, Exit
 * Qualification for EPT Violations): the access was that of an IRET, which had opened
 * NMIs already.  Not defined for an exit in event delivery.
 */
#define VMX_NMI_UNBLOCKED	BIT(12)

/*
 * With accessed and dirty flags on, the CPU's own walks of the guest's tables are
 * reported as writes.  That they are walks is known only where the exit has a
 * linear address: not for the loading of PDPTEs.
 */
static u64 vmx_ept_error(unsigned long qual)
{
	u64 error = 0;

	if (qual & EPT_VIOLATION_ACC_WRITE)
		error |= PFERR_WRITE;
	if (qual & EPT_VIOLATION_ACC_INSTR)
		error |= PFERR_FETCH;
	if (qual & EPT_VIOLATION_RWX_MASK)
		error |= PFERR_PRESENT;
	if (qual & EPT_VIOLATION_GVA_IS_VALID)
		error |= qual & EPT_VIOLATION_GVA_TRANSLATED ? PFERR_GUEST_FINAL : PFERR_GUEST_PAGE;
	return error;
}

void vmx_iret_faulted(struct lodge_vcpu *vcpu, unsigned long qual)
{
	if (unlikely(qual & VMX_NMI_UNBLOCKED) &&
	    !(vmcs_read32(IDT_VECTORING_INFO_FIELD) & VECTORING_INFO_VALID_MASK))
		vmx_iret_interrupted(to_vmx(vcpu));
}

int vmx_exit_ept_violation(struct lodge_vcpu *vcpu)
{
	unsigned long qual = vmcs_readl(EXIT_QUALIFICATION);
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
	int r;

	vmx_iret_faulted(vcpu, qual);
	r = vmx_map_apic_page(vcpu, gpa);
	if (unlikely(!r && !vmx_caps.unrestricted))
		r = vmx_realmode_map_page(vcpu, gpa);
	if (unlikely(r))
		return r;
	return lodge_exit_page_fault(vcpu, gpa, vmx_ept_error(qual), NULL, 0);
}

/* The exit qualification is the linear address. */
int vmx_exit_pf(struct lodge_vcpu *vcpu)
{
	gva_t gva = vmcs_readl(EXIT_QUALIFICATION);
	int r;

	/* Linear and guest-physical addresses are one there. */
	if (unlikely(to_vmx(vcpu)->realmode.unpaged)) {
		r = vmx_realmode_map_page(vcpu, gva);
		if (r)
			return r;
	}
	return lodge_exit_shadow_fault(vcpu, gva, vmcs_read32(VM_EXIT_INTR_ERROR_CODE), NULL, 0);
}

/* --- misconfigurations --- */

/* SDM vol. 3, EPT Misconfigurations: what is wrong with an entry at @level, or NULL. */
static const char *vmx_ept_broken_rule(u64 pte, int level)
{
	u64 type = (pte & VMX_EPT_MT_MASK) >> VMX_EPT_MT_EPTE_SHIFT;
	bool leaf = lodge_pte_is_leaf(pte, level);

	if (!lodge_pte_present(pte))
		return NULL;
	if (!(pte & VMX_EPT_READABLE_MASK) && (pte & VMX_EPT_WRITABLE_MASK))
		return "it can be written but not read";
	if (!(pte & VMX_EPT_READABLE_MASK) && !(vmx_caps.ept_vpid & VMX_EPT_EXECUTE_ONLY_BIT))
		return "it can be executed but not read, which this CPU does not have";
	if (pte & GENMASK_ULL(51, boot_cpu_data.x86_phys_bits))
		return "its address is beyond the CPU's physical-address width";
	if (leaf && (type == 2 || type == 3 || type == 7))
		return "its memory type is a reserved one";
	if (leaf && level > lodge_caps.tdp.max_page_level)
		return "it maps a page larger than this CPU has";
	if (leaf && level > 1 && (pte & GENMASK_ULL(11 + 9 * (level - 1), PAGE_SHIFT)))
		return "reserved bits of a large page's address are set";
	if (!leaf && (pte & GENMASK_ULL(6, 3)))
		return "reserved bits of an entry that points to a table are set";
	return NULL;
}

/*
 * No entry made here is one: the table was damaged, or there is a flaw in Lodge.
 * The guest cannot go on.  Its owner gets the reason, the address and the entries
 * on the way down to it, and the log the rule of the manual that is broken.
 */
int vmx_exit_ept_misconfig(struct lodge_vcpu *vcpu)
{
	u64 data[2 + LODGE_PT_MAX_LEVEL] = { EXIT_REASON_EPT_MISCONFIG };
	u64 *path = &data[2];
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
	int level = lodge_caps.tdp.levels, n, i;
	const char *rule = NULL;

	data[1] = gpa;
	n = lodge_mmu_path(vcpu->vm, gpa, path);
	for (i = 0; i < n && !rule; i++)
		rule = vmx_ept_broken_rule(path[i], level - i);
	if (rule)
		pr_err_ratelimited("lodge: EPT misconfiguration at guest-physical 0x%llx: the entry 0x%llx of level %d is broken, %s (SDM vol. 3, EPT Misconfigurations)\n",
				   gpa, path[i - 1], level - i + 1, rule);
	else
		pr_err_ratelimited("lodge: EPT misconfiguration at guest-physical 0x%llx, but none of the %d entries on the way is broken now\n",
				   gpa, n);
	return lodge_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data, 2 + n);
}
