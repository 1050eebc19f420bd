// SPDX-License-Identifier: GPL-2.0
/*
 * The host's state: what an exit loads (SDM vol. 3, Host-State Area), kept
 * current in the VMCS by how often it changes, and what neither an entry nor an
 * exit touches, switched by hand when a vCPU comes to its CPU and leaves it.
 *
 *   never			vmx_host_constants(): once for each VMCS
 *   with the CPU		vmx_host_cpu(): when the VMCS has moved
 *   with the thread		vmx_host_prepare(): the first entry after a load, and
 *				vmx_host_restore(): its twin, when the vCPU is put
 *   at any time		CR3 and CR4: vmx_host_control_regs(), each entry
 *
 * FS, GS, DS, ES and LDTR are the thread's.  The kernel does not use them but for
 * GS' base, so that exits load null selectors with the bases that they need, and
 * the thread has its own again when the vCPU is put.
 */
#include <linux/sched.h>
#include <asm/cpu_entry_area.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/tlbflush.h>

#include "vmx/host.h"
#include "vmx/vmx.h"

/* The VMCS has been made, and is current. */
void vmx_host_constants(struct vmx_vcpu *vmx)
{
	struct desc_ptr idt;
	u64 value;

	vmcs_writel(HOST_CR0, read_cr0());
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write16(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write16(HOST_DS_SELECTOR, 0);
	vmcs_write16(HOST_ES_SELECTOR, 0);
	vmcs_write16(HOST_FS_SELECTOR, 0);
	vmcs_write16(HOST_GS_SELECTOR, 0);
	vmcs_write16(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	store_idt(&idt);
	vmcs_writel(HOST_IDTR_BASE, idt.address);
	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	vmcs_write32(HOST_IA32_SYSENTER_CS, value);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmcs_writel(HOST_IA32_SYSENTER_EIP, value);
	if (vmx_caps.load_pat) {
		rdmsrl(MSR_IA32_CR_PAT, value);
		vmcs_write64(HOST_IA32_PAT, value);
	}
	if (vmx_caps.load_efer) {
		rdmsrl(MSR_EFER, value);
		vmcs_write64(HOST_IA32_EFER, value);
	}
	vmcs_writel(HOST_RIP, (unsigned long)vmx_switch_exit);

	/* Values that the fields of a new VMCS do not have: written with the next entry. */
	vmx->sw.host_rsp = 0;
	vmx->host.cr3 = ~0ul;
	vmx->host.cr4 = ~0ul;
	vmx->host.fs_base = ~0ul;
}

/* Preemption off, the VMCS current on @cpu for the first time since it came. */
void vmx_host_cpu(int cpu)
{
	u64 value;

	vmcs_writel(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_writel(HOST_GDTR_BASE, (unsigned long)get_current_gdt_ro());
	rdmsrl(MSR_GS_BASE, value);
	vmcs_writel(HOST_GS_BASE, value);
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmcs_writel(HOST_IA32_SYSENTER_ESP, value);
}

void vmx_host_prepare(struct vmx_vcpu *vmx)
{
	struct vmx_host *host = &vmx->host;
	unsigned long fs_base;

	savesegment(fs, host->fs);
	savesegment(gs, host->gs);
	savesegment(ds, host->ds);
	savesegment(es, host->es);
	store_ldt(host->ldt);
	fs_base = x86_fsbase_read_cpu();
	if (fs_base != host->fs_base) {
		vmcs_writel(HOST_FS_BASE, fs_base);
		host->fs_base = fs_base;
	}
	rdmsrl(MSR_KERNEL_GS_BASE, host->user_gs_base);
	wrmsrl(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
	host->debugctl = get_debugctlmsr();
	host->fresh = true;
	vmx->slow &= ~VMX_SLOW_HOST;
}

/*
 * An exit also gave GDTR and IDTR limits of 64 KiB, and TR one without an I/O
 * bitmap (SDM vol. 3, Loading Host Descriptor-Table Registers).  Preemption off.
 */
void vmx_host_restore(struct vmx_vcpu *vmx)
{
	struct vmx_host *host = &vmx->host;

	vmx->slow |= VMX_SLOW_HOST;
	rdmsrl(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
	if (unlikely(host->ldt))
		asm volatile("lldt %0" : : "rm" (host->ldt));
	/* These load bases as well, which the thread may have changed since. */
	if (unlikely(host->fs)) {
		loadsegment(fs, host->fs);
		wrmsrl(MSR_FS_BASE, host->fs_base);
	}
	if (unlikely(host->gs))
		load_gs_index(host->gs);
	if (unlikely(host->ds | host->es)) {
		loadsegment(ds, host->ds);
		loadsegment(es, host->es);
	}
	wrmsrl(MSR_KERNEL_GS_BASE, host->user_gs_base);
	invalidate_tss_limit();
	load_fixmap_gdt(raw_smp_processor_id());
}

u64 vmx_get_kernel_gs_base(struct vmx_vcpu *vmx)
{
	u64 value;

	preempt_disable();
	if (vmx->slow & VMX_SLOW_HOST)
		value = vmx->kernel_gs_base;
	else
		rdmsrl(MSR_KERNEL_GS_BASE, value);
	preempt_enable();
	return value;
}

/* @value is canonical. */
void vmx_set_kernel_gs_base(struct vmx_vcpu *vmx, u64 value)
{
	preempt_disable();
	vmx->kernel_gs_base = value;
	if (!(vmx->slow & VMX_SLOW_HOST))
		wrmsrl(MSR_KERNEL_GS_BASE, value);
	preempt_enable();
}
