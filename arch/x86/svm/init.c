// SPDX-License-Identifier: GPL-2.0
/*
 * The AMD backend as neutral code sees it, what it allocates once, and SVM
 * turned on and off on a CPU.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "msr.h"
#include "svm/svm.h"

DEFINE_PER_CPU(struct svm_cpu, svm_cpu);

void *svm_iopm;
u32 *svm_msrpm;
int svm_uret_tsc_aux __ro_after_init = -ENOENT;

static void svm_reset_tsc_ratio(struct svm_cpu *sc)
{
	if (!svm_caps.tsc_ratio)
		return;
	sc->tsc_ratio = SVM_TSC_RATIO_DEFAULT;
	wrmsrl(MSR_AMD64_TSC_RATIO, sc->tsc_ratio);
}

/*
 * Called on every CPU that comes online, and for those that are when the module
 * loads.  A CPU that another hypervisor took meanwhile keeps the module off it.
 */
static int svm_cpu_enable(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;
	if (!sc->hsave_pa)
		return -EIO;
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, sc->hsave_pa);
	svm_reset_tsc_ratio(sc);

	/*
	 * What an earlier user of SVM left in the TLB is under unknown ASIDs:
	 * the first guest to run opens a generation, and so flushes all.
	 */
	sc->asid_generation++;
	sc->next_asid = svm_caps.nr_asids;
	sc->last = 0;
	return 0;
}

/*
 * Also from an NMI while the kernel crashes.  With GIF clear an INIT would be
 * lost, and with it the crash kernel's way to start this CPU.
 */
static void svm_cpu_disable(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (!(efer & EFER_SVME))
		return;
	svm_stgi();
	svm_reset_tsc_ratio(sc);
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}

static void svm_teardown(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		if (sc->hsave_pa)
			free_page((unsigned long)__va(__sme_clr(sc->hsave_pa)));
		if (sc->host_pa)
			free_page((unsigned long)__va(__sme_clr(sc->host_pa)));
		sc->hsave_pa = 0;
		sc->host_pa = 0;
	}
	free_pages((unsigned long)svm_iopm, SVM_IOPM_ORDER);
	free_pages((unsigned long)svm_msrpm, SVM_MSRPM_ORDER);
	svm_iopm = NULL;
	svm_msrpm = NULL;
}

static int svm_cpu_setup(int cpu)
{
	struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);
	void *hsave = (void *)get_zeroed_page(GFP_KERNEL);
	void *host = (void *)get_zeroed_page(GFP_KERNEL);

	if (hsave)
		sc->hsave_pa = svm_page_pa(hsave);
	if (host)
		sc->host_pa = svm_page_pa(host);
	return hsave && host ? 0 : -ENOMEM;
}

static int svm_setup(void)
{
	int cpu;

	svm_iopm = (void *)__get_free_pages(GFP_KERNEL, SVM_IOPM_ORDER);
	svm_msrpm = (void *)__get_free_pages(GFP_KERNEL, SVM_MSRPM_ORDER);
	if (!svm_iopm || !svm_msrpm)
		goto nomem;
	memset(svm_iopm, 0xff, PAGE_SIZE << SVM_IOPM_ORDER);
	svm_msrpm_fill(svm_msrpm);
	for_each_possible_cpu(cpu) {
		if (svm_cpu_setup(cpu))
			goto nomem;
	}
	svm_uret_tsc_aux = lodge_uret_add(MSR_TSC_AUX);
	return 0;

nomem:
	svm_teardown();
	return -ENOMEM;
}

/* Nothing of a VM is the backend's: IOPM and MSRPM are shared, ASIDs are per CPU. */
static int svm_vm_init(struct lodge_vm *vm)
{
	return 0;
}

static void svm_vm_destroy(struct lodge_vm *vm)
{
}

/* SVM leaves the interrupt that ended the guest pending: it is taken when interrupts open. */
static void svm_handle_exit_irqoff(struct lodge_vcpu *vcpu)
{
}

/* NPT has no log of writes (tdp.has_pml). */
static void svm_set_dirty_log(struct lodge_vcpu *vcpu, bool on)
{
}

/* Nor is there a timer that ends the guest. */
static bool svm_set_deadline(struct lodge_vcpu *vcpu, u64 tsc)
{
	return false;
}

/* vcpu->arch.posts is never set: IRR is software's alone. */
static bool svm_post_irq(struct lodge_vcpu *vcpu, u8 vector, bool must_exit)
{
	return false;
}

static void svm_take_posted(struct lodge_vcpu *vcpu)
{
}

/* All accesses to the local APIC exit, whatever mode it is in. */
static void svm_apic_mode_changed(struct lodge_vcpu *vcpu)
{
}

const struct lodge_backend svm_backend = {
	.name			= "SVM",
	.isa			= 2,
	.vm_size		= sizeof(struct lodge_vm),
	.vcpu_size		= sizeof(struct svm_vcpu),
	.probe			= svm_probe,
	.setup			= svm_setup,
	.teardown		= svm_teardown,

	.cpu_enable		= svm_cpu_enable,
	.cpu_disable		= svm_cpu_disable,
	.vm_init		= svm_vm_init,
	.vm_destroy		= svm_vm_destroy,
	.vcpu_create		= svm_vcpu_create,
	.vcpu_destroy		= svm_vcpu_destroy,
	.vcpu_reset		= svm_vcpu_reset,
	.vcpu_load		= svm_vcpu_load,
	.vcpu_put		= svm_vcpu_put,

	.run			= svm_run,
	.handle_exit_irqoff	= svm_handle_exit_irqoff,
	.handle_exit		= svm_handle_exit,
	.cancel_injection	= svm_cancel_injection,

	.cache_reg		= svm_cache_reg,
	.get_segment		= svm_get_segment,
	.set_segment		= svm_set_segment,
	.get_segment_base	= svm_get_segment_base,
	.get_cpl		= svm_get_cpl,
	.get_code_size		= svm_get_code_size,
	.get_idt		= svm_get_idt,
	.set_idt		= svm_set_idt,
	.get_gdt		= svm_get_gdt,
	.set_gdt		= svm_set_gdt,
	.set_cr0		= svm_set_cr0,
	.set_cr3		= svm_set_cr3,
	.set_cr4		= svm_set_cr4,
	.set_efer		= svm_set_efer,
	.set_dr7		= svm_set_dr7,
	.sync_debug_regs	= svm_sync_debug_regs,

	.get_msr		= svm_get_msr,
	.set_msr		= svm_set_msr,
	.update_msr_intercepts	= svm_update_msr_intercepts,

	.inject_exception	= svm_inject_exception,
	.inject_irq		= svm_inject_irq,
	.inject_nmi		= svm_inject_nmi,
	.irq_allowed		= svm_irq_allowed,
	.nmi_allowed		= svm_nmi_allowed,
	.enable_irq_window	= svm_enable_irq_window,
	.enable_nmi_window	= svm_enable_nmi_window,
	.get_nmi_mask		= svm_get_nmi_mask,
	.set_nmi_mask		= svm_set_nmi_mask,
	.get_interrupt_shadow	= svm_get_interrupt_shadow,
	.set_interrupt_shadow	= svm_set_interrupt_shadow,
	.update_cr8_intercept	= svm_update_cr8_intercept,
	.update_exception_bitmap = svm_update_exception_bitmap,

	.load_mmu_root		= svm_load_mmu_root,
	.flush_tlb_all		= svm_flush_tlb_all,
	.flush_tlb_guest	= svm_flush_tlb_guest,
	.flush_tlb_gva		= svm_flush_tlb_gva,
	.set_dirty_log		= svm_set_dirty_log,

	.skip_instruction	= svm_skip_instruction,
	.write_tsc_offset	= svm_write_tsc_offset,
	.write_tsc_multiplier	= svm_write_tsc_multiplier,
	.set_deadline		= svm_set_deadline,
	.post_irq		= svm_post_irq,
	.take_posted		= svm_take_posted,
	.apic_mode_changed	= svm_apic_mode_changed,
	.cpuid_changed		= svm_cpuid_changed,
	.get_exit_info		= svm_get_exit_info,
	.exit_name		= svm_exit_name,
};
