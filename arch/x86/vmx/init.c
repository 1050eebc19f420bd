// SPDX-License-Identifier: GPL-2.0
/*
 * The Intel backend as neutral code sees it, what it allocates once, and VMX
 * turned on and off on a CPU.
 *
 * A VMCS may be loaded on one CPU at a time, and the CPU may keep any part of it
 * to itself until VMCLEAR (SDM vol. 3, Software Use of Virtual-Machine Control
 * Structures).  So each CPU has a list of those loaded on it, which only it
 * changes, with interrupts off: a vCPU that goes elsewhere has its VMCS cleared
 * by an interrupt to the CPU it leaves, and a CPU that goes down clears them all.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

#include "vmx/l1d.h"
#include "vmx/vmx.h"

DEFINE_PER_CPU(struct vmx_cpu, vmx_cpu);

/* --- VMCSs and their place --- */

static struct vmx_region *vmx_region_alloc(int node, gfp_t gfp)
{
	struct page *page = alloc_pages_node(node, gfp | __GFP_ZERO, 0);
	struct vmx_region *region;

	if (!page)
		return NULL;
	region = page_address(page);
	region->revision = vmx_caps.revision;
	return region;
}

int vmx_vmcs_alloc(struct vmx_vmcs *vmcs)
{
	vmcs->region = vmx_region_alloc(NUMA_NO_NODE, GFP_KERNEL_ACCOUNT);
	if (!vmcs->region)
		return -ENOMEM;
	vmcs->pa = __pa(vmcs->region);
	vmcs->cpu = -1;
	return 0;
}

/* On the CPU where it is loaded, interrupts off. */
static void vmx_vmcs_clear_here(void *data)
{
	struct vmx_vmcs *vmcs = data;
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);

	/* It may have been cleared when the CPU went down, before the interrupt came. */
	if (vmcs->cpu != smp_processor_id())
		return;
	vmclear(vmcs->pa);
	if (vc->current_vmcs == vmcs)
		vc->current_vmcs = NULL;
	list_del(&vmcs->link);
	/* Pairs with vmx_vmcs_clear(): who sees -1 sees it off the list, and may load it. */
	smp_store_release(&vmcs->cpu, -1);
}

static void vmx_vmcs_clear(struct vmx_vmcs *vmcs)
{
	/* Pairs with whoever cleared it: what that CPU wrote back is seen. */
	int cpu = smp_load_acquire(&vmcs->cpu);

	/* It fails for a CPU that is offline, which has cleared what it had. */
	if (cpu >= 0)
		smp_call_function_single(cpu, vmx_vmcs_clear_here, vmcs, 1);
}

void vmx_vmcs_free(struct vmx_vmcs *vmcs)
{
	if (!vmcs->region)
		return;
	vmx_vmcs_clear(vmcs);
	free_page((unsigned long)vmcs->region);
	vmcs->region = NULL;
}

bool vmx_vmcs_load(struct vmx_vmcs *vmcs)
{
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);
	bool moved = vmcs->cpu != smp_processor_id();
	unsigned long flags;

	if (likely(vc->current_vmcs == vmcs))
		return false;
	if (moved)
		vmx_vmcs_clear(vmcs);
	local_irq_save(flags);
	if (moved) {
		/* Also before its first use: SDM vol. 3, Initializing a VMCS. */
		vmclear(vmcs->pa);
		list_add(&vmcs->link, &vc->loaded);
		vmcs->cpu = smp_processor_id();
	}
	vc->current_vmcs = vmcs;
	vmptrld(vmcs->pa);
	local_irq_restore(flags);
	return moved;
}

/*
 * All that are loaded here; also from an NMI of a crashing machine, which may
 * have come in the midst of a change to the list.  Going forward is safe at each
 * point of list_add() and list_del(), taking entries off is not; they are left
 * with dangling links that nobody follows once @cpu is -1.
 */
static void vmx_clear_all(struct vmx_cpu *vc)
{
	struct vmx_vmcs *vmcs;

	list_for_each_entry(vmcs, &vc->loaded, link) {
		vmclear(vmcs->pa);
		/* As there. */
		smp_store_release(&vmcs->cpu, -1);
	}
	INIT_LIST_HEAD(&vc->loaded);
	vc->current_vmcs = NULL;
}

/* --- VMX on a CPU --- */

/*
 * VMXON needs the register locked.  Firmware left it open, and the kernel too, if
 * this is so; a locked one without VMX has been refused by vmx_probe().
 */
static int vmx_lock_feature_control(void)
{
	u64 fc;

	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &fc))
		return -EIO;
	if (fc & FEAT_CTL_LOCKED)
		return 0;
	fc |= FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX;
	return wrmsrl_safe(MSR_IA32_FEAT_CTL, fc);
}

/* SDM vol. 2, VMXON: 0, or -EIO where it fails or faults. */
static int vmxon(u64 pa)
{
	asm goto("1:	vmxon %[pa]\n"
		 "	jna %l[failed]\n"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [pa] "m" (pa) : "cc", "memory" : failed);
	return 0;
failed:
	return -EIO;
}

static void vmxoff(void)
{
	asm goto("1:	vmxoff\n"
		 _ASM_EXTABLE(1b, %l[off])
		 : : : "cc", "memory" : off);
off:
	return;
}

/*
 * Called on every CPU that comes online, and for those that are when the module
 * loads.  A CPU that another hypervisor took meanwhile keeps the module off it.
 */
static int vmx_cpu_enable(void)
{
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);
	int err;

	if (__read_cr4() & X86_CR4_VMXE)
		return -EBUSY;
	err = vmx_lock_feature_control();
	if (err)
		return err;
	INIT_LIST_HEAD(&vc->loaded);
	vc->current_vmcs = NULL;
	vc->last = 0;

	/* SDM vol. 3, Restrictions on VMX Operation: CR0 and CR4 are the kernel's, checked here. */
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	if (vmxon(__pa(vc->vmxon))) {
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		return -EIO;
	}
	vmx_tlb_cpu_enable();
	return 0;
}

/*
 * Also from an NMI while the kernel crashes: the crash kernel must find no VMCS
 * that this CPU still writes back to memory, and INIT is blocked in VMX operation.
 */
static void vmx_cpu_disable(void)
{
	if (!(__read_cr4() & X86_CR4_VMXE))
		return;
	vmx_clear_all(this_cpu_ptr(&vmx_cpu));
	vmxoff();
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
}

/* --- once --- */

static void vmx_teardown(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *vc = per_cpu_ptr(&vmx_cpu, cpu);

		free_page((unsigned long)vc->vmxon);
		vc->vmxon = NULL;
	}
	vmx_l1d_teardown();
	vmx_msr_teardown();
}

static int vmx_setup(void)
{
	int cpu, err;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *vc = per_cpu_ptr(&vmx_cpu, cpu);

		INIT_LIST_HEAD(&vc->loaded);
		vc->vmxon = vmx_region_alloc(cpu_to_node(cpu), GFP_KERNEL);
		if (!vc->vmxon) {
			vmx_teardown();
			return -ENOMEM;
		}
	}
	vmx_autoload_setup();
	vmx_timer_setup();
	err = vmx_msr_setup();
	if (!err)
		err = vmx_l1d_setup();
	if (err)
		vmx_teardown();
	return err;
}

/*
 * Of a VM only pages that the CPU works with are the backend's: bitmaps are shared or a
 * vCPU's, and VPIDs each vCPU's.
 */
static int vmx_vm_init(struct lodge_vm *vm)
{
	int err = vmx_apicv_vm_init(to_vmx_vm(vm));

	if (err)
		return err;
	err = vmx_realmode_vm_init(to_vmx_vm(vm));
	if (err)
		vmx_apicv_vm_destroy(to_vmx_vm(vm));
	return err;
}

static void vmx_vm_destroy(struct lodge_vm *vm)
{
	vmx_realmode_vm_destroy(to_vmx_vm(vm));
	vmx_apicv_vm_destroy(to_vmx_vm(vm));
}

const struct lodge_backend vmx_backend = {
	.name			= "VMX",
	.isa			= 1,
	.vm_size		= sizeof(struct vmx_vm),
	.vcpu_size		= sizeof(struct vmx_vcpu),
	.probe			= vmx_probe,
	.setup			= vmx_setup,
	.teardown		= vmx_teardown,

	.cpu_enable		= vmx_cpu_enable,
	.cpu_disable		= vmx_cpu_disable,
	.vm_init		= vmx_vm_init,
	.vm_destroy		= vmx_vm_destroy,
	.vcpu_create		= vmx_vcpu_create,
	.vcpu_destroy		= vmx_vcpu_destroy,
	.vcpu_reset		= vmx_vcpu_reset,
	.vcpu_load		= vmx_vcpu_load,
	.vcpu_put		= vmx_vcpu_put,

	.run			= vmx_run,
	.handle_exit_irqoff	= vmx_handle_exit_irqoff,
	.handle_exit		= vmx_handle_exit,
	.cancel_injection	= vmx_cancel_injection,

	.cache_reg		= vmx_cache_reg,
	.get_segment		= vmx_get_segment,
	.set_segment		= vmx_set_segment,
	.get_segment_base	= vmx_get_segment_base,
	.get_cpl		= vmx_get_cpl,
	.get_code_size		= vmx_get_code_size,
	.get_idt		= vmx_get_idt,
	.set_idt		= vmx_set_idt,
	.get_gdt		= vmx_get_gdt,
	.set_gdt		= vmx_set_gdt,
	.set_cr0		= vmx_set_cr0,
	.set_cr3		= vmx_set_cr3,
	.set_cr4		= vmx_set_cr4,
	.set_efer		= vmx_set_efer,
	.set_dr7		= vmx_set_dr7,
	.sync_debug_regs	= vmx_sync_debug_regs,

	.get_msr		= vmx_get_msr,
	.set_msr		= vmx_set_msr,
	.update_msr_intercepts	= vmx_update_msr_intercepts,

	.inject_exception	= vmx_inject_exception,
	.inject_irq		= vmx_inject_irq,
	.inject_nmi		= vmx_inject_nmi,
	.irq_allowed		= vmx_irq_allowed,
	.nmi_allowed		= vmx_nmi_allowed,
	.enable_irq_window	= vmx_enable_irq_window,
	.enable_nmi_window	= vmx_enable_nmi_window,
	.get_nmi_mask		= vmx_get_nmi_mask,
	.set_nmi_mask		= vmx_set_nmi_mask,
	.get_interrupt_shadow	= vmx_get_interrupt_shadow,
	.set_interrupt_shadow	= vmx_set_interrupt_shadow,
	.update_cr8_intercept	= vmx_update_cr8_intercept,
	.update_exception_bitmap = vmx_update_exception_bitmap,

	.load_mmu_root		= vmx_load_mmu_root,
	.flush_tlb_all		= vmx_flush_tlb_all,
	.flush_tlb_guest	= vmx_flush_tlb_guest,
	.flush_tlb_gva		= vmx_flush_tlb_gva,
	.set_dirty_log		= vmx_set_dirty_log,

	.skip_instruction	= vmx_skip_instruction,
	.write_tsc_offset	= vmx_write_tsc_offset,
	.write_tsc_multiplier	= vmx_write_tsc_multiplier,
	.set_deadline		= vmx_set_deadline,
	.post_irq		= vmx_post_irq,
	.take_posted		= vmx_take_posted,
	.apic_mode_changed	= vmx_apic_mode_changed,
	.cpuid_changed		= vmx_cpuid_changed,
	.get_exit_info		= vmx_get_exit_info,
	.exit_name		= vmx_exit_name,
};
