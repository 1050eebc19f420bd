// SPDX-License-Identifier: GPL-2.0
/*
 * Page-modification logging (SDM vol. 3, Page-Modification Logging): the CPU notes
 * the address of each page whose dirty bit it sets in an EPT leaf, so that the
 * dirty log needs no fault for it.
 *
 * The notes go to a page of the vCPU's, from the last entry down; after every exit
 * they are moved into the slots' bitmaps.  So whoever has made all vCPUs exit
 * (kmod/dirty_log.c) finds in the bitmaps all that was written before.  On only
 * while a slot of the VM is logged, for the move costs each exit a VMREAD.
 */
#include <linux/gfp.h>
#include <linux/moduleparam.h>

#include "memslot.h"
#include "vmx/vmx.h"

static bool pml = true;
module_param(pml, bool, 0444);
MODULE_PARM_DESC(pml, "Intel: let the CPU log guests' writes for the dirty log (default: yes)");

#define VMX_PML_ENTRIES	512
#define VMX_PML_EMPTY	(VMX_PML_ENTRIES - 1)

bool vmx_pml_wanted(void)
{
	return pml;
}

int vmx_pml_vcpu_create(struct vmx_vcpu *vmx)
{
	if (!lodge_caps.tdp.has_pml)
		return 0;
	vmx->pml_log = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vmx->pml_log ? 0 : -ENOMEM;
}

void vmx_pml_vcpu_destroy(struct vmx_vcpu *vmx)
{
	free_page((unsigned long)vmx->pml_log);
}

void vmx_set_dirty_log(struct lodge_vcpu *vcpu, bool on)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx->pml_log)
		return;
	vmx_control(vmx, VMX_CPU2, SECONDARY_EXEC_ENABLE_PML, on);
	if (on)
		vmx->slow |= VMX_SLOW_PML;
	else
		vmx->slow &= ~VMX_SLOW_PML;
}

void vmx_pml_vcpu_reset(struct vmx_vcpu *vmx)
{
	if (!vmx->pml_log)
		return;
	vmcs_write64(PML_ADDRESS, __pa(vmx->pml_log));
	vmcs_write16(GUEST_PML_INDEX, VMX_PML_EMPTY);
	vmx_set_dirty_log(&vmx->vcpu, READ_ONCE(vmx->vcpu.vm->nr_logged));
}

/* In a read section, as all exits are.  The index is that of the next entry to be written. */
void vmx_pml_leave(struct vmx_vcpu *vmx)
{
	const u64 *log = vmx->pml_log;
	u16 index = vmcs_read16(GUEST_PML_INDEX);
	unsigned int i;

	if (index == VMX_PML_EMPTY)
		return;
	/* Beyond the page: it is full. */
	for (i = index >= VMX_PML_ENTRIES ? 0 : index + 1; i < VMX_PML_ENTRIES; i++) {
		gfn_t gfn = log[i] >> PAGE_SHIFT;
		struct lodge_memslot *slot = lodge_gfn_to_slot(vmx->vcpu.vm, gfn);

		if (slot)
			lodge_mark_page_dirty(slot, gfn);
	}
	vmcs_write16(GUEST_PML_INDEX, VMX_PML_EMPTY);
}

/* Emptied by now; the write is tried again. */
int vmx_exit_pml_full(struct lodge_vcpu *vcpu)
{
	vmx_iret_faulted(vcpu, vmcs_readl(EXIT_QUALIFICATION));
	return LODGE_RESUME;
}
