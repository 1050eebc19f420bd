// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's registers that live in the VMCB: segments, tables, control and
 * debug registers (APM vol. 2, State Saved on Exit; VMCB State Save Area).
 */
#include <asm/tlbflush.h>

#include "debug_regs.h"
#include "mmu/mmu.h"
#include "svm/svm.h"

static struct vmcb_seg *svm_seg(struct lodge_vcpu *vcpu, int seg)
{
	static const u16 offset[] = {
		[LODGE_SEG_ES] = offsetof(struct vmcb_save_area, es),
		[LODGE_SEG_CS] = offsetof(struct vmcb_save_area, cs),
		[LODGE_SEG_SS] = offsetof(struct vmcb_save_area, ss),
		[LODGE_SEG_DS] = offsetof(struct vmcb_save_area, ds),
		[LODGE_SEG_FS] = offsetof(struct vmcb_save_area, fs),
		[LODGE_SEG_GS] = offsetof(struct vmcb_save_area, gs),
		[LODGE_SEG_LDTR] = offsetof(struct vmcb_save_area, ldtr),
		[LODGE_SEG_TR] = offsetof(struct vmcb_save_area, tr),
	};

	return (void *)&to_svm(vcpu)->vmcb->save + offset[seg];
}

#define SVM_INTERCEPT_ALL_DR	0x00ff00ff

/* CR3, CR0.TS and CR0.MP change without an exit; all else is current always. */
void svm_cache_reg(struct lodge_vcpu *vcpu, int reg)
{
	const unsigned long own = X86_CR0_TS | X86_CR0_MP;
	const struct vmcb_save_area *save = &to_svm(vcpu)->vmcb->save;

	switch (reg) {
	case LODGE_REG_CR0:
		vcpu->arch.cr0 = (vcpu->arch.cr0 & ~own) | (save->cr0 & own);
		break;
	case LODGE_REG_CR3:
		/* With shadow paging its writes exit. */
		if (lodge_caps.tdp.enabled)
			vcpu->arch.cr3 = save->cr3;
		break;
	case LODGE_REG_PDPTR:
		/* With nested paging the CPU reads them from memory whenever it likes. */
		if (lodge_caps.tdp.enabled)
			lodge_load_pdptrs(vcpu, lodge_cr3(vcpu));
		break;
	}
	vcpu->arch.regs_avail |= BIT(reg);
}

void svm_get_segment(struct lodge_vcpu *vcpu, struct kvm_segment *s, int seg)
{
	const struct vmcb_seg *v = svm_seg(vcpu, seg);
	u16 attrib = v->attrib;

	memset(s, 0, sizeof(*s));
	s->base = v->base;
	s->limit = v->limit;
	s->selector = v->selector;
	s->type = attrib & SVM_SELECTOR_TYPE_MASK;
	s->s = (attrib >> SVM_SELECTOR_S_SHIFT) & 1;
	s->dpl = (attrib >> SVM_SELECTOR_DPL_SHIFT) & 3;
	s->present = (attrib >> SVM_SELECTOR_P_SHIFT) & 1;
	s->avl = (attrib >> SVM_SELECTOR_AVL_SHIFT) & 1;
	s->l = (attrib >> SVM_SELECTOR_L_SHIFT) & 1;
	s->db = (attrib >> SVM_SELECTOR_DB_SHIFT) & 1;
	/* The limit is in bytes, and not every CPU keeps G beside it. */
	s->g = v->limit > 0xfffff;
	s->unusable = !s->present;

	switch (seg) {
	case LODGE_SEG_SS:
		/* The CPU keeps the CPL apart, and SS.DPL need not follow it. */
		s->dpl = to_svm(vcpu)->vmcb->save.cpl;
		break;
	case LODGE_SEG_TR:
		/* A task register is busy, whether the CPU recorded it or not. */
		s->type |= 2;
		break;
	}
}

void svm_set_segment(struct lodge_vcpu *vcpu, const struct kvm_segment *s, int seg)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	struct vmcb_seg *v = svm_seg(vcpu, seg);
	bool present = s->present && !s->unusable;

	v->base = s->base;
	v->limit = s->limit;
	v->selector = s->selector;
	v->attrib = (s->type & SVM_SELECTOR_TYPE_MASK) |
		    (s->s & 1) << SVM_SELECTOR_S_SHIFT |
		    (s->dpl & 3) << SVM_SELECTOR_DPL_SHIFT |
		    present << SVM_SELECTOR_P_SHIFT |
		    (s->avl & 1) << SVM_SELECTOR_AVL_SHIFT |
		    (s->l & 1) << SVM_SELECTOR_L_SHIFT |
		    (s->db & 1) << SVM_SELECTOR_DB_SHIFT |
		    (s->g & 1) << SVM_SELECTOR_G_SHIFT;
	if (seg == LODGE_SEG_SS)
		vmcb->save.cpl = s->dpl & 3;
	vmcb_dirty(vmcb, VMCB_SEG);
}

u64 svm_get_segment_base(struct lodge_vcpu *vcpu, int seg)
{
	return svm_seg(vcpu, seg)->base;
}

int svm_get_cpl(struct lodge_vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->save.cpl;
}

int svm_get_code_size(struct lodge_vcpu *vcpu)
{
	u16 attrib = to_svm(vcpu)->vmcb->save.cs.attrib;

	if ((attrib & SVM_SELECTOR_L_MASK) && lodge_is_long_mode(vcpu))
		return 8;
	return attrib & SVM_SELECTOR_DB_MASK ? 4 : 2;
}

static void svm_get_table(const struct vmcb_seg *v, struct kvm_dtable *dt)
{
	memset(dt, 0, sizeof(*dt));
	dt->base = v->base;
	dt->limit = v->limit;
}

static void svm_set_table(struct vmcb *vmcb, struct vmcb_seg *v, const struct kvm_dtable *dt)
{
	v->base = dt->base;
	v->limit = dt->limit;
	vmcb_dirty(vmcb, VMCB_DT);
}

void svm_get_idt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt)
{
	svm_get_table(&to_svm(vcpu)->vmcb->save.idtr, dt);
}

void svm_set_idt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	svm_set_table(vmcb, &vmcb->save.idtr, dt);
}

void svm_get_gdt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt)
{
	svm_get_table(&to_svm(vcpu)->vmcb->save.gdtr, dt);
}

void svm_set_gdt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	svm_set_table(vmcb, &vmcb->save.gdtr, dt);
}

/*
 * With shadow paging the CPU always pages and write-protects, in real mode, too (APM vol. 2,
 * Paged Real Mode), and what is to count without paging is turned off: all pages
 * are user pages then.  PCIDs are not the CPU's: each CR3 is a table of ours.
 */
#define SVM_SHADOW_CR0	(X86_CR0_PG | X86_CR0_WP)

static void svm_load_cr4(struct lodge_vcpu *vcpu)
{
	const unsigned long paged = X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE;
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	unsigned long cr4 = vcpu->arch.cr4, hw_cr4 = cr4;

	if (!lodge_caps.tdp.enabled) {
		hw_cr4 = (hw_cr4 & ~X86_CR4_PCIDE) | X86_CR4_PAE;
		if (!lodge_is_paging(vcpu))
			hw_cr4 &= ~paged;
	}
	/*
	 * The host's machine checks must reach it whatever the guest thinks of CR4.MCE: with
	 * MCE clear one would shut the CPU down.
	 */
	hw_cr4 |= cr4_read_shadow() & X86_CR4_MCE;
	vmcb->save.cr4 = hw_cr4;
	vmcb_dirty(vmcb, VMCB_CR);
	vmcb_intercept(vmcb, INTERCEPT_CR4_READ, hw_cr4 != cr4);
}

/*
 * Where the CPU runs with the very CR0 the guest wrote, only writes that change
 * more than TS and MP exit.  With caching left on although the guest turned it
 * off (KVM_X86_QUIRK_CD_NW_CLEARED), reads are intercepted too.
 */
void svm_set_cr0(struct lodge_vcpu *vcpu, unsigned long cr0)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	unsigned long hw_cr0 = cr0;
	bool hidden;

	if (!(vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_CD_NW_CLEARED))
		hw_cr0 &= ~(X86_CR0_CD | X86_CR0_NW);
	if (!lodge_caps.tdp.enabled)
		hw_cr0 |= SVM_SHADOW_CR0;
	hidden = hw_cr0 != cr0;

	vcpu->arch.cr0 = cr0;
	vcpu->arch.regs_avail |= BIT(LODGE_REG_CR0);
	vmcb->save.cr0 = hw_cr0;
	vmcb_dirty(vmcb, VMCB_CR);
	vmcb_intercept(vmcb, INTERCEPT_CR0_READ, hidden);
	vmcb_intercept(vmcb, INTERCEPT_CR0_WRITE, hidden);
	vmcb_intercept(vmcb, INTERCEPT_SELECTIVE_CR0, !hidden);
	if (!lodge_caps.tdp.enabled)
		svm_load_cr4(vcpu);
}

void svm_set_cr3(struct lodge_vcpu *vcpu, unsigned long cr3)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	vcpu->arch.cr3 = cr3;
	vcpu->arch.regs_avail |= BIT(LODGE_REG_CR3);
	if (!lodge_caps.tdp.enabled)
		return;
	vcpu->arch.regs_avail &= ~BIT(LODGE_REG_PDPTR);
	vmcb->save.cr3 = cr3;
	vmcb_dirty(vmcb, VMCB_CR);
}

void svm_set_cr4(struct lodge_vcpu *vcpu, unsigned long cr4)
{
	vcpu->arch.cr4 = cr4;
	vcpu->arch.regs_avail |= BIT(LODGE_REG_CR4);
	svm_load_cr4(vcpu);
}

/*
 * VMRUN needs EFER.SVME, which the guest does not see.  With shadow paging the tables use NX,
 * and LME would be long mode, since CR0.PG is set.
 */
void svm_set_efer(struct lodge_vcpu *vcpu, u64 efer)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	vcpu->arch.efer = efer;
	if (!lodge_caps.tdp.enabled) {
		if (!(efer & EFER_LMA))
			efer &= ~(u64)EFER_LME;
		if (boot_cpu_has(X86_FEATURE_NX))
			efer |= EFER_NX;
	}
	vmcb->save.efer = efer | EFER_SVME;
	vmcb_dirty(vmcb, VMCB_CR);
}

/*
 * The first access to a debug register exits, and gives the guest all of them
 * until its next exit: who uses them uses several in a row.
 */
void svm_own_debug_regs(struct svm_vcpu *svm, bool own)
{
	svm->dr_owned = own;
	svm->vmcb->control.intercepts[INTERCEPT_DR] = own ? 0 : SVM_INTERCEPT_ALL_DR;
	vmcb_dirty(svm->vmcb, VMCB_INTERCEPTS);
	if (own)
		svm->vcpu.arch.dr_dirty = true;
}

void svm_set_dr7(struct lodge_vcpu *vcpu, unsigned long dr7)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb->save.dr7 = dr7;
	vmcb_dirty(svm->vmcb, VMCB_DR);
	svm_own_debug_regs(svm, false);
}

/* With what the guest did to DR6; but for that, only a #DB writes it (svm/exit.c). */
void svm_sync_debug_regs(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (!svm->dr_owned || svm->exit_code == SVM_EXIT_ERR)
		return;
	get_debugreg(a->db[0], 0);
	get_debugreg(a->db[1], 1);
	get_debugreg(a->db[2], 2);
	get_debugreg(a->db[3], 3);
	a->dr6 = svm->vmcb->save.dr6;
	a->dr7 = svm->vmcb->save.dr7;
	lodge_update_dr7(vcpu);
}
