// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC as far as the CPU plays it by itself (SDM vol. 3, APIC
 * Virtualization and Virtual Interrupts).  The page that it works on, the
 * virtual-APIC page, is the local APIC's own page of registers, so that what it
 * does there needs no copying: irqchip/lapic.c is told of it after the exit.
 *
 *   TPR shadow			MOV to and from CR8 without an exit, until TPR falls
 *				below the priority of an interrupt that waits
 *   APIC accesses, x2APIC mode	the guest's accesses to registers are seen as such
 *   register virtualization	reads are answered from the page, and writes stored
 *				there before they exit
 *   virtual-interrupt delivery	the CPU ranks and delivers what is in IRR, and takes
 *				EOIs, but for those that somebody waits for
 *
 * In xAPIC mode the registers are at an address: the CPU knows an access to them by
 * the page that EPT maps there, one of the VM's that is never read or written.  A
 * vCPU whose APIC is not at that address would reach the page itself, so that the
 * first of them takes it away, for good and for all: accesses fault then, and are
 * emulated.
 *
 * In x2APIC mode, where no page is needed, the fourth is used as well if the parameter
 * "apicv" asks for it: not yet by default.
 */
#include <linux/gfp.h>
#include <linux/moduleparam.h>
#include <asm/apicdef.h>
#include <asm/io.h>

#include "exit.h"
#include "irqchip/irqchip.h"
#include "vmx/vmx.h"

static bool apicv;
module_param(apicv, bool, 0444);
MODULE_PARM_DESC(apicv, "Intel: let the CPU deliver guests' interrupts (default: no)");

#define VMX_XAPIC_CPU2	(SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES |	\
			 SECONDARY_EXEC_APIC_REGISTER_VIRT)
#define VMX_X2APIC_CPU2	(SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE |	\
			 SECONDARY_EXEC_APIC_REGISTER_VIRT)
#define VMX_APICV_CPU2	(VMX_XAPIC_CPU2 | VMX_X2APIC_CPU2 |		\
			 SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)

/* GUEST_INTR_STATUS: RVI in the low byte, SVI in the high one. */
#define VMX_STATUS(rvi, svi)	((rvi) | (svi) << 8)

bool vmx_apicv_wanted(void)
{
	return apicv;
}

/* --- the page of xAPIC mode --- */

#define VMX_APIC_GFN	(APIC_DEFAULT_PHYS_BASE >> PAGE_SHIFT)

int vmx_apicv_vm_init(struct vmx_vm *vm)
{
	if (!vmx_uses(VMX_CPU2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES))
		return 0;
	vm->apic_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return vm->apic_page ? 0 : -ENOMEM;
}

void vmx_apicv_vm_destroy(struct vmx_vm *vm)
{
	if (vm->apic_page)
		__free_page(vm->apic_page);
}

static void vmx_drop_apic_page(struct vmx_vm *vm)
{
	if (!vm->apic_page || READ_ONCE(vm->apic_page_off))
		return;
	WRITE_ONCE(vm->apic_page_off, true);
	lodge_mmu_zap_range(&vm->vm, VMX_APIC_GFN, VMX_APIC_GFN + 1, true);
}

int vmx_map_apic_page(struct lodge_vcpu *vcpu, gpa_t gpa)
{
	struct vmx_vm *vm = to_vmx_vm(vcpu->vm);
	int r;

	if (likely(gpa >> PAGE_SHIFT != VMX_APIC_GFN) ||
	    !(to_vmx(vcpu)->controls[VMX_CPU2] & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) ||
	    READ_ONCE(vm->apic_page_off))
		return 0;
	r = lodge_mmu_map_own(vcpu, VMX_APIC_GFN, vm->apic_page);
	/* Another vCPU may have dropped it meanwhile, before it was there. */
	if (unlikely(READ_ONCE(vm->apic_page_off)))
		lodge_mmu_zap_range(&vm->vm, VMX_APIC_GFN, VMX_APIC_GFN + 1, true);
	return r;
}

/* --- the mode that the guest has put its APIC in --- */

/* What the CPU is to do in this mode: of the secondary controls. */
static u32 vmx_apic_controls(const struct lodge_vcpu *vcpu)
{
	const u64 mode = MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE;
	u64 base = vcpu->arch.apic_base;

	if ((base & mode) == mode)
		return VMX_X2APIC_CPU2 | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
	if ((base & mode) == MSR_IA32_APICBASE_ENABLE &&
	    (base & PAGE_MASK) == APIC_DEFAULT_PHYS_BASE)
		return VMX_XAPIC_CPU2;
	return 0;
}

void vmx_apic_mode_changed(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 on = 0;

	if (vmx->virtual_apic)
		on = vmx_apic_controls(vcpu) & vmx_caps.use[VMX_CPU2];
	if (!(on & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES))
		vmx_drop_apic_page(to_vmx_vm(vcpu->vm));
	vmx_control(vmx, VMX_CPU2, VMX_APICV_CPU2 & ~on, false);
	vmx_control(vmx, VMX_CPU2, on, true);

	vcpu->arch.apicv = on & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
	vmx_control(vmx, VMX_PIN, PIN_BASED_POSTED_INTR,
		    vcpu->arch.apicv && vmx_uses(VMX_PIN, PIN_BASED_POSTED_INTR));
	if (vcpu->arch.apicv) {
		vmx->slow |= VMX_SLOW_APICV;
		vmx->tpr_threshold = 0;
		vmcs_write32(TPR_THRESHOLD, 0);
		/* RVI and SVI, and who waits for which EOI: with the next look at events. */
		lodge_request(vcpu, LODGE_REQ_EVENT);
	} else {
		vmx->slow &= ~VMX_SLOW_APICV;
	}
	if (vmx->virtual_apic)
		vcpu->arch.regs_dirty |= BIT(LODGE_REG_TPR);
	vmx_update_msr_intercepts(vcpu);
}

/* Without a local APIC in the kernel CR8 is user space's to see: every access exits. */
void vmx_apicv_vcpu_reset(struct vmx_vcpu *vmx)
{
	struct lodge_vcpu *vcpu = &vmx->vcpu;
	bool shadow = vcpu->arch.lapic && vmx_uses(VMX_CPU, CPU_BASED_TPR_SHADOW);

	vmx->virtual_apic = shadow ? lodge_lapic_page(vcpu) : NULL;
	vmx_control(vmx, VMX_CPU, CPU_BASED_TPR_SHADOW, shadow);
	vmx_control(vmx, VMX_CPU, CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING,
		    !shadow);
	if (shadow) {
		vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, __pa(vmx->virtual_apic));
		if (to_vmx_vm(vcpu->vm)->apic_page)
			vmcs_write64(APIC_ACCESS_ADDR,
				     page_to_phys(to_vmx_vm(vcpu->vm)->apic_page));
		vmx->tpr = vmx_vtpr(vmx);
		vmx->tpr_threshold = 0;
		vmcs_write32(TPR_THRESHOLD, 0);
	}
	if (vmx_uses(VMX_CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)) {
		memset(vmx->eoi_exits, 0, sizeof(vmx->eoi_exits));
		vmcs_write64(EOI_EXIT_BITMAP0, 0);
		vmcs_write64(EOI_EXIT_BITMAP1, 0);
		vmcs_write64(EOI_EXIT_BITMAP2, 0);
		vmcs_write64(EOI_EXIT_BITMAP3, 0);
		vmcs_write16(GUEST_INTR_STATUS, 0);
	}
	vmx_posted_vcpu_reset(vmx);
	vmx_apic_mode_changed(vcpu);
}

/* Whether the guest reaches any of the x2APIC's registers by itself: msr.c. */
bool vmx_apicv_x2apic(const struct vmx_vcpu *vmx)
{
	return vmx->controls[VMX_CPU2] & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE;
}

/* --- TPR --- */

static void vmx_set_threshold(struct vmx_vcpu *vmx, u32 threshold)
{
	if (threshold == vmx->tpr_threshold)
		return;
	vmx->tpr_threshold = threshold;
	vmcs_write32(TPR_THRESHOLD, threshold);
}

/*
 * The local APIC's own TPR is the shadow.  A threshold above it would fail the entry
 * (SDM vol. 3, Checks on VM-Execution Control Fields); it is of no use any more.
 * Where the CPU delivers interrupts, ISR may have changed as well.
 */
void vmx_load_tpr(struct vmx_vcpu *vmx)
{
	vmx->tpr = vmx_vtpr(vmx);
	if (vmx->vcpu.arch.apicv) {
		u16 status = vmcs_read16(GUEST_INTR_STATUS);
		int isr = lodge_lapic_highest_isr(&vmx->vcpu);

		vmcs_write16(GUEST_INTR_STATUS, VMX_STATUS(status & 0xff, max(isr, 0)));
	} else if (vmx->tpr_threshold > vmx->tpr >> 4) {
		vmx_set_threshold(vmx, 0);
	}
}

void vmx_store_tpr(struct vmx_vcpu *vmx)
{
	vmx->tpr = vmx_vtpr(vmx);
	/* Where the CPU delivers interrupts, it has ranked them anew itself. */
	if (!vmx->vcpu.arch.apicv)
		lodge_lapic_tpr_moved(&vmx->vcpu);
}

static void vmx_update_eoi_exits(struct vmx_vcpu *vmx)
{
	u64 vectors[4];
	int i;

	lodge_lapic_eoi_exits(&vmx->vcpu, vectors);
	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (vectors[i] == vmx->eoi_exits[i])
			continue;
		vmx->eoi_exits[i] = vectors[i];
		/* The fields' encodings are two apart: each has a high half. */
		vmcs_write(EOI_EXIT_BITMAP0 + 2 * i, vectors[i]);
	}
}

void vmx_set_rvi(struct vmx_vcpu *vmx, int irr)
{
	u16 status = vmcs_read16(GUEST_INTR_STATUS);

	if ((status & 0xff) != max(irr, 0))
		vmcs_write16(GUEST_INTR_STATUS, VMX_STATUS(max(irr, 0), status >> 8));
}

void vmx_update_cr8_intercept(struct lodge_vcpu *vcpu, int tpr, int irr)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (vcpu->arch.apicv) {
		/* Before the interrupt, so that no EOI of it is missed. */
		vmx_update_eoi_exits(vmx);
		vmx_set_rvi(vmx, irr);
		return;
	}
	if (vmx->virtual_apic)
		vmx_set_threshold(vmx, irr >= 0 && tpr >= irr >> 4 ? irr >> 4 : 0);
}

/* --- exits --- */

/* VMX_SLOW_APICV, after each exit. */
void vmx_apicv_leave(struct vmx_vcpu *vmx)
{
	lodge_lapic_virtual_state(&vmx->vcpu, vmcs_read16(GUEST_INTR_STATUS) & 0xff);
}

/* vmx_store_tpr() has let the interrupt through. */
int vmx_exit_tpr_below_threshold(struct lodge_vcpu *vcpu)
{
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return LODGE_RESUME;
}

int vmx_exit_eoi_induced(struct lodge_vcpu *vcpu)
{
	lodge_lapic_virtual_eoi(vcpu, vmcs_readl(EXIT_QUALIFICATION));
	return LODGE_RESUME;
}

/* Trap-like: RIP is behind the instruction already (SDM vol. 3, APIC-Write VM Exits). */
int vmx_exit_apic_write(struct lodge_vcpu *vcpu)
{
	lodge_lapic_written(vcpu, vmcs_readl(EXIT_QUALIFICATION) & 0xff0);
	return LODGE_RESUME;
}

/*
 * What the CPU does not do by itself, or not for this instruction (SDM vol. 3, Exit
 * Qualification for APIC-Access VM Exits): emulate it, as where the page is not there.
 */
int vmx_exit_apic_access(struct lodge_vcpu *vcpu)
{
	unsigned long qual = vmcs_readl(EXIT_QUALIFICATION);
	gpa_t gpa = (vcpu->arch.apic_base & PAGE_MASK) | (qual & APIC_ACCESS_OFFSET);
	u64 error = 0;

	switch (qual & APIC_ACCESS_TYPE) {
	case TYPE_LINEAR_APIC_INST_WRITE:
		error = PFERR_WRITE;
		break;
	case TYPE_LINEAR_APIC_INST_FETCH:
		error = PFERR_FETCH;
		break;
	}
	return lodge_exit_page_fault(vcpu, gpa, error, NULL, 0);
}
