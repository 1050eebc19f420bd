// SPDX-License-Identifier: GPL-2.0
/*
 * Translations that the CPU caches: ASIDs, and how they are dropped.
 *
 * Each CPU hands out ASIDs in generations.  A vCPU keeps its ASID as long as its
 * CPU's generation lasts and it stays on the CPU; when the ASIDs are used up, a
 * new generation begins with everything flushed, and each vCPU takes a new one at
 * its next entry.  What is asked for by TLB_CONTROL counts as done only once an
 * exit was valid (svm_run()): a VMRUN that fails its checks may not have flushed.
 */
#include "svm/svm.h"

/* Preemption off, on the CPU of @sc, just before entry. */
void svm_new_asid(struct svm_vcpu *svm, struct svm_cpu *sc)
{
	if (sc->next_asid >= svm_caps.nr_asids) {
		sc->asid_generation++;
		sc->next_asid = 1;
		sc->flush_owed = true;
	}
	svm->asid_generation = sc->asid_generation;
	svm->vmcb->control.asid = sc->next_asid++;
	svm->vmcb->control.tlb_ctl = sc->flush_owed ? TLB_CONTROL_FLUSH_ALL_ASID :
						      TLB_CONTROL_DO_NOTHING;
	/* Also what follows a suspend, which leaves nothing of a VMCB in the CPU. */
	svm->vmcb->control.clean = 0;
}

/* A valid exit: what TLB_CONTROL asked for has been done.  Interrupts off. */
void svm_tlb_flushed(struct svm_vcpu *svm, struct svm_cpu *sc)
{
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (control->tlb_ctl == TLB_CONTROL_FLUSH_ALL_ASID)
		sc->flush_owed = false;
	control->tlb_ctl = TLB_CONTROL_DO_NOTHING;
}

void svm_load_mmu_root(struct lodge_vcpu *vcpu, hpa_t root, int level)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	if (lodge_caps.tdp.enabled) {
		vmcb->control.nested_cr3 = __sme_set(root);
		vmcb_dirty(vmcb, VMCB_NPT);
	} else {
		vmcb->save.cr3 = __sme_set(root);
		vmcb_dirty(vmcb, VMCB_CR);
	}
}

/*
 * An ASID tags both dimensions at once, so the guest's own translations and the
 * nested ones go together.  Where the CPU cannot flush one ASID, another one that
 * nothing is tagged with does the same.
 */
void svm_flush_tlb_all(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (svm_caps.flush_by_asid)
		svm->vmcb->control.tlb_ctl = TLB_CONTROL_FLUSH_ASID;
	else
		svm->asid_generation = 0;
}

void svm_flush_tlb_guest(struct lodge_vcpu *vcpu)
{
	svm_flush_tlb_all(vcpu);
}

void svm_flush_tlb_gva(struct lodge_vcpu *vcpu, gva_t gva)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	preempt_disable();
	/* With no ASID on this CPU there is nothing to drop. */
	if (svm->cpu == smp_processor_id() &&
	    svm->asid_generation == this_cpu_read(svm_cpu.asid_generation))
		svm_invlpga(gva, svm->vmcb->control.asid);
	preempt_enable();
}
