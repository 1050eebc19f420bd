// SPDX-License-Identifier: GPL-2.0
/*
 * Translations that the CPU caches, and how they are dropped (SDM vol. 3,
 * Caching Translation Information).
 *
 * With EPT on there are two kinds.  Guest-physical mappings carry the address of
 * the EPT root, which all vCPUs of a VM share.  Combined mappings, linear to
 * host-physical, carry that and the VPID, which is a vCPU's own for as long as it
 * lives.  INVEPT by root drops both kinds of all vCPUs of the VM, INVVPID the
 * combined ones of one vCPU.  Where the CPU has no VPIDs, or they have run out,
 * every entry and exit drops the combined mappings, and only INVEPT is left to do.
 *
 * Without EPT, with shadow paging, there are linear mappings only, which carry the VPID.
 *
 * Both instructions work on the CPU they are executed on.  A vCPU that comes to
 * another CPU may find there what it left long ago, or what an earlier owner of
 * its VPID or of its root's page left: vmx_tlb_vcpu_moved() drops all of it.  So
 * a flush on the CPU where the vCPU is loaded is enough, and neither instruction
 * leaves anything owed to the next entry.
 */
#include <linux/bitmap.h>
#include <linux/printk.h>
#include <linux/spinlock.h>

#include "vmx/vmx.h"

static DEFINE_SPINLOCK(vmx_vpid_lock);
static DECLARE_BITMAP(vmx_vpids, VMX_NR_VPIDS);	/* those given out; 0 is the host's */

/* --- the instructions --- */

/* A type the capabilities named was refused, or the descriptor is not as it should be. */
static void vmx_invalidate_failed(const char *what, u64 first, u64 second)
{
	pr_err_once("lodge: %s failed for 0x%llx 0x%llx\n", what, first, second);
}

/* SDM vol. 3, INVEPT Descriptor.  Without VMX there is nothing cached. */
static void vmx_invept(unsigned long type, u64 eptp)
{
	struct { u64 eptp, zero; } d = { eptp, 0 };

	asm goto("1:	invept %[d], %[type]\n"
		 "	jna %l[failed]\n"
		 _ASM_EXTABLE(1b, %l[off])
		 : : [d] "m" (d), [type] "r" (type) : "cc", "memory" : failed, off);
off:
	return;
failed:
	vmx_invalidate_failed("INVEPT", type, eptp);
}

/* SDM vol. 3, INVVPID Descriptor. */
static void vmx_invvpid(unsigned long type, u64 vpid, gva_t gva)
{
	struct { u64 vpid, gva; } d = { vpid, gva };

	asm goto("1:	invvpid %[d], %[type]\n"
		 "	jna %l[failed]\n"
		 _ASM_EXTABLE(1b, %l[off])
		 : : [d] "m" (d), [type] "r" (type) : "cc", "memory" : failed, off);
off:
	return;
failed:
	vmx_invalidate_failed("INVVPID", type, vpid);
}

/* A bit of the half of IA32_VMX_EPT_VPID_CAP that is about VPIDs. */
static bool vmx_has_vpid_cap(u64 bit)
{
	return (vmx_caps.ept_vpid >> 32) & bit;
}

/* --- by the narrowest type there is --- */

static void vmx_flush_ept(u64 eptp)
{
	if (vmx_caps.ept_vpid & VMX_EPT_EXTENT_CONTEXT_BIT)
		vmx_invept(VMX_EPT_EXTENT_CONTEXT, eptp);
	else
		vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
}

static void vmx_flush_vpid(u16 vpid)
{
	if (!vpid)
		return;
	if (vmx_has_vpid_cap(VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT))
		vmx_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vpid, 0);
	else
		vmx_invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, 0, 0);
}

/* SDM vol. 3, INVVPID: the address is to be canonical; no other is in any TLB. */
static void vmx_flush_vpid_gva(u16 vpid, gva_t gva)
{
	if (!vpid)
		return;
	if (!vmx_has_vpid_cap(VMX_VPID_EXTENT_INDIVIDUAL_ADDR_BIT))
		vmx_flush_vpid(vpid);
	else if (__is_canonical_address(gva, boot_cpu_data.x86_virt_bits))
		vmx_invvpid(VMX_VPID_EXTENT_INDIVIDUAL_ADDR, vpid, gva);
}

/* --- VPIDs --- */

/* Without a way to drop one VPID's translations, or all, VPIDs cannot be used again. */
static bool vmx_use_vpids(void)
{
	return vmx_uses(VMX_CPU2, SECONDARY_EXEC_ENABLE_VPID) &&
	       vmx_has_vpid_cap(VMX_VPID_INVVPID_BIT) &&
	       vmx_has_vpid_cap(VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT |
				VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT);
}

int vmx_tlb_vcpu_create(struct vmx_vcpu *vmx)
{
	unsigned long vpid;

	vmx->tlb_cpu = -1;
	vmx->vpid = 0;
	if (!vmx_use_vpids())
		return 0;
	spin_lock(&vmx_vpid_lock);
	vpid = find_next_zero_bit(vmx_vpids, VMX_NR_VPIDS, 1);
	if (vpid < VMX_NR_VPIDS) {
		__set_bit(vpid, vmx_vpids);
		vmx->vpid = vpid;
	}
	spin_unlock(&vmx_vpid_lock);
	return 0;
}

/* Who gets the VPID next flushes where it comes to: vmx_tlb_vcpu_moved(). */
void vmx_tlb_vcpu_destroy(struct vmx_vcpu *vmx)
{
	if (!vmx->vpid)
		return;
	spin_lock(&vmx_vpid_lock);
	__clear_bit(vmx->vpid, vmx_vpids);
	spin_unlock(&vmx_vpid_lock);
	vmx->vpid = 0;
}

void vmx_tlb_vcpu_reset(struct vmx_vcpu *vmx)
{
	vmx_control(vmx, VMX_CPU2, SECONDARY_EXEC_ENABLE_VPID, vmx->vpid);
	if (vmx->vpid)
		vmcs_write16(VIRTUAL_PROCESSOR_ID, vmx->vpid);
	if (lodge_caps.tdp.enabled)
		vmcs_write64(EPT_POINTER, vmx->eptp);
}

/* --- placement --- */

void vmx_tlb_cpu_enable(void)
{
	if (vmx_caps.ept_vpid & VMX_EPT_EXTENT_GLOBAL_BIT)
		vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
	if (vmx_has_vpid_cap(VMX_VPID_INVVPID_BIT) &&
	    vmx_has_vpid_cap(VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT))
		vmx_invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, 0, 0);
}

void vmx_tlb_vcpu_moved(struct vmx_vcpu *vmx, int cpu)
{
	vmx->tlb_cpu = cpu;
	/* Until a root is loaded nothing is cached, but the earlier owner's of the VPID. */
	if (vmx->eptp)
		vmx_flush_ept(vmx->eptp);
	vmx_flush_vpid(vmx->vpid);
}

/* --- the backend's operations: loaded --- */

/*
 * SDM vol. 3, Extended-Page-Table Pointer: memory type, levels less one, accessed
 * and dirty flags, address.  Another VM's tables may once have begun on this page:
 * this CPU forgets them here, the others when the vCPU moves there.
 */
void vmx_load_mmu_root(struct lodge_vcpu *vcpu, hpa_t root, int level)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!lodge_caps.tdp.enabled) {
		vmcs_writel(GUEST_CR3, root);
		return;
	}
	vmx->eptp = root | VMX_EPTP_MT_WB | (level == 5 ? VMX_EPTP_PWL_5 : VMX_EPTP_PWL_4);
	if (lodge_caps.tdp.has_ad)
		vmx->eptp |= VMX_EPTP_AD_ENABLE_BIT;
	preempt_disable();
	vmcs_write64(EPT_POINTER, vmx->eptp);
	vmx_flush_ept(vmx->eptp);
	preempt_enable();
}

/* Permissions of the second dimension became fewer: both kinds hold some. */
void vmx_flush_tlb_all(struct lodge_vcpu *vcpu)
{
	preempt_disable();
	if (lodge_caps.tdp.enabled)
		vmx_flush_ept(to_vmx(vcpu)->eptp);
	else
		vmx_flush_vpid(to_vmx(vcpu)->vpid);
	preempt_enable();
}

/* What the guest's own tables say is in combined mappings only. */
void vmx_flush_tlb_guest(struct lodge_vcpu *vcpu)
{
	preempt_disable();
	vmx_flush_vpid(to_vmx(vcpu)->vpid);
	preempt_enable();
}

void vmx_flush_tlb_gva(struct lodge_vcpu *vcpu, gva_t gva)
{
	preempt_disable();
	vmx_flush_vpid_gva(to_vmx(vcpu)->vpid, gva);
	preempt_enable();
}
