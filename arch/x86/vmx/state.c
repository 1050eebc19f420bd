// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's registers that live in the VMCS: segments, tables, control and
 * debug registers (SDM vol. 3, Guest-State Area; Guest/Host Masks and Read
 * Shadows for CR0 and CR4).
 */
#include <asm/tlbflush.h>

#include "debug_regs.h"
#include "mmu/mmu.h"
#include "vmx/vmx.h"

/* CR3 is the guest's own: not a table of ours, whose accesses exit. */
static bool vmx_guest_has_cr3(const struct vmx_vcpu *vmx)
{
	return !vmx->realmode.unpaged && lodge_caps.tdp.enabled;
}

/* --- fetched on demand --- */

static void vmx_cache_pdptrs(struct lodge_vcpu *vcpu)
{
	/* With EPT they are in the VMCS (SDM vol. 3, Page-Directory-Pointer-Table Entries). */
	if (!lodge_is_pae_paging(vcpu) || !lodge_caps.tdp.enabled)
		return;
	vcpu->arch.pdptrs[0] = vmcs_read64(GUEST_PDPTR0);
	vcpu->arch.pdptrs[1] = vmcs_read64(GUEST_PDPTR1);
	vcpu->arch.pdptrs[2] = vmcs_read64(GUEST_PDPTR2);
	vcpu->arch.pdptrs[3] = vmcs_read64(GUEST_PDPTR3);
}

static noinline void vmx_cache_other(struct lodge_vcpu *vcpu, int reg)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	const struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long own;

	switch (reg) {
	case LODGE_RSP:
		a->regs[LODGE_RSP] = vmcs_readl(GUEST_RSP);
		break;
	case LODGE_REG_CR0:
		own = vmx->cr0_guest_owned;
		a->cr0 = (a->cr0 & ~own) | (vmcs_readl(GUEST_CR0) & own);
		break;
	case LODGE_REG_CR3:
		if (likely(vmx_guest_has_cr3(vmx)))
			a->cr3 = vmcs_readl(GUEST_CR3);
		break;
	case LODGE_REG_CR4:
		own = vmx->cr4_guest_owned;
		a->cr4 = (a->cr4 & ~own) | (vmcs_readl(GUEST_CR4) & own);
		break;
	case LODGE_REG_PDPTR:
		vmx_cache_pdptrs(vcpu);
		break;
	}
	a->regs_avail |= BIT(reg);
}

/* RFLAGS is what every instruction that is skipped asks for. */
void vmx_cache_reg(struct lodge_vcpu *vcpu, int reg)
{
	const struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long rflags;

	if (unlikely(reg != LODGE_RFLAGS)) {
		vmx_cache_other(vcpu, reg);
		return;
	}
	rflags = vmcs_readl(GUEST_RFLAGS);
	if (unlikely(vmx->realmode.real))
		rflags = vmx_realmode_rflags_out(vmx, rflags);
	vcpu->arch.regs[LODGE_RFLAGS] = rflags;
	vcpu->arch.regs_avail |= BIT(LODGE_RFLAGS);
}

/* --- segments --- */

struct vmx_segment_fields {
	u16 selector, limit, access, base;
};

#define VMX_SEGMENT(seg)						\
	[LODGE_SEG_##seg] = { GUEST_##seg##_SELECTOR, GUEST_##seg##_LIMIT,	\
			      GUEST_##seg##_AR_BYTES, GUEST_##seg##_BASE }

static const struct vmx_segment_fields vmx_segments[] = {
	VMX_SEGMENT(ES), VMX_SEGMENT(CS), VMX_SEGMENT(SS), VMX_SEGMENT(DS),
	VMX_SEGMENT(FS), VMX_SEGMENT(GS), VMX_SEGMENT(LDTR), VMX_SEGMENT(TR),
};

/* SDM vol. 3, Guest Register State: the format of access rights. */
static u32 vmx_access_rights(const struct kvm_segment *s)
{
	u32 ar = (s->type & VMX_AR_TYPE_MASK) | (s->s & 1) << 4 |
		 (s->dpl & 3) << VMX_AR_DPL_SHIFT | (s->present & 1) << 7 |
		 (s->avl & 1) << 12 | (s->l & 1) << 13 | (s->db & 1) << 14 | (s->g & 1) << 15;

	if (s->unusable || !s->present)
		ar |= VMX_AR_UNUSABLE_MASK;
	return ar;
}

void vmx_read_segment(struct kvm_segment *s, int seg)
{
	const struct vmx_segment_fields *f = &vmx_segments[seg];
	u32 ar = vmcs_read(f->access);

	memset(s, 0, sizeof(*s));
	s->base = vmcs_read(f->base);
	s->limit = vmcs_read(f->limit);
	s->selector = vmcs_read(f->selector);
	s->type = ar & VMX_AR_TYPE_MASK;
	s->s = (ar >> 4) & 1;
	s->dpl = VMX_AR_DPL(ar);
	s->avl = (ar >> 12) & 1;
	s->l = (ar >> 13) & 1;
	s->db = (ar >> 14) & 1;
	s->g = (ar >> 15) & 1;
	s->unusable = (ar >> 16) & 1;
	/*
	 * The CPU may leave P set in an unusable register, as a null selector's;
	 * user space, and the other vendor, know "not present" alone.
	 */
	s->present = ((ar >> 7) & 1) && !s->unusable;
}

void vmx_write_segment(const struct kvm_segment *s, int seg)
{
	const struct vmx_segment_fields *f = &vmx_segments[seg];

	vmcs_write(f->base, s->base);
	vmcs_write(f->limit, s->limit);
	vmcs_write(f->selector, s->selector);
	vmcs_write(f->access, vmx_access_rights(s));
}

u16 vmx_read_selector(int seg)
{
	return vmcs_read(vmx_segments[seg].selector);
}

/* In real mode the VMCS need not have the guest's: all but LDTR. */
static bool vmx_stands_in(const struct vmx_vcpu *vmx, int seg)
{
	return unlikely(vmx->realmode.real) && seg != LODGE_SEG_LDTR;
}

void vmx_get_segment(struct lodge_vcpu *vcpu, struct kvm_segment *s, int seg)
{
	if (vmx_stands_in(to_vmx(vcpu), seg))
		vmx_realmode_get_segment(to_vmx(vcpu), s, seg);
	else
		vmx_read_segment(s, seg);
}

/*
 * Entries want code and data segments accessed (SDM vol. 3, Checks on Guest
 * Segment Registers), as a load by the CPU leaves them; user space may not know.
 */
void vmx_set_segment(struct lodge_vcpu *vcpu, const struct kvm_segment *s, int seg)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct kvm_segment loaded = *s;

	if (seg < LODGE_SEG_LDTR && s->s && s->present && !s->unusable)
		loaded.type |= 1;
	if (vmx_stands_in(vmx, seg)) {
		vmx_realmode_set_segment(vmx, &loaded, seg);
		return;
	}
	vmx_write_segment(&loaded, seg);
	if (unlikely(!vmx_caps.unrestricted))
		vmx->slow |= VMX_SLOW_REALMODE;
}

u64 vmx_get_segment_base(struct lodge_vcpu *vcpu, int seg)
{
	struct kvm_segment s;

	if (!vmx_stands_in(to_vmx(vcpu), seg))
		return vmcs_read(vmx_segments[seg].base);
	vmx_realmode_get_segment(to_vmx(vcpu), &s, seg);
	return s.base;
}

void vmx_set_segment_base(struct lodge_vcpu *vcpu, int seg, u64 base)
{
	struct kvm_segment s;

	if (!vmx_stands_in(to_vmx(vcpu), seg)) {
		vmcs_write(vmx_segments[seg].base, base);
		return;
	}
	vmx_realmode_get_segment(to_vmx(vcpu), &s, seg);
	s.base = base;
	vmx_realmode_set_segment(to_vmx(vcpu), &s, seg);
}

/* SS.DPL is the CPL in every mode (SDM vol. 3, Guest Register State). */
int vmx_get_cpl(struct lodge_vcpu *vcpu)
{
	if (unlikely(to_vmx(vcpu)->realmode.real))
		return 0;
	return VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES));
}

int vmx_get_code_size(struct lodge_vcpu *vcpu)
{
	const struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 ar;

	if (unlikely(vmx->realmode.real))
		return vmx->realmode.seg[LODGE_SEG_CS].db ? 4 : 2;
	ar = vmcs_read32(GUEST_CS_AR_BYTES);
	if ((ar & VMX_AR_L_MASK) && lodge_is_long_mode(vcpu))
		return 8;
	return ar & VMX_AR_DB_MASK ? 4 : 2;
}

void vmx_get_idt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt)
{
	memset(dt, 0, sizeof(*dt));
	dt->base = vmcs_readl(GUEST_IDTR_BASE);
	dt->limit = vmcs_read32(GUEST_IDTR_LIMIT);
}

void vmx_set_idt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt)
{
	vmcs_writel(GUEST_IDTR_BASE, dt->base);
	vmcs_write32(GUEST_IDTR_LIMIT, dt->limit);
	if (unlikely(to_vmx(vcpu)->realmode.real))
		vmx_realmode_changed(to_vmx(vcpu));
}

void vmx_get_gdt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt)
{
	memset(dt, 0, sizeof(*dt));
	dt->base = vmcs_readl(GUEST_GDTR_BASE);
	dt->limit = vmcs_read32(GUEST_GDTR_LIMIT);
}

void vmx_set_gdt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt)
{
	vmcs_writel(GUEST_GDTR_BASE, dt->base);
	vmcs_write32(GUEST_GDTR_LIMIT, dt->limit);
}

/* --- control registers --- */

/*
 * The guest has TS and MP to itself.  What else it writes exits, and what it reads
 * comes from the shadow: NE is set behind its back (cr0_fixed0), and caching
 * stays on, since no entry loads CD and NW (SDM vol. 3, Loading Guest Control
 * Registers).  Without unrestricted guest PE and PG, too, are set behind its back,
 * and with shadow paging WP.
 */
void vmx_set_cr0(struct lodge_vcpu *vcpu, unsigned long cr0)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long hw = cr0 & ~(X86_CR0_CD | X86_CR0_NW);

	vcpu->arch.cr0 = cr0;
	vcpu->arch.regs_avail |= BIT(LODGE_REG_CR0);
	vmx->cr0_guest_owned = X86_CR0_TS | X86_CR0_MP;
	hw = (hw | vmx_caps.cr0_fixed0) & vmx_caps.cr0_fixed1;
	if (unlikely(!lodge_caps.tdp.enabled))
		hw |= X86_CR0_WP;
	if (unlikely(!vmx_caps.unrestricted))
		hw = vmx_realmode_set_cr0(vmx, cr0, hw);

	vmcs_writel(CR0_GUEST_HOST_MASK, ~vmx->cr0_guest_owned);
	vmcs_writel(CR0_READ_SHADOW, cr0);
	vmcs_writel(GUEST_CR0, hw);
	vmx->hw_cr0 = hw;
}

/* PDPTEs that are to go with it have been read, and are marked as changed (cr.c). */
void vmx_set_cr3(struct lodge_vcpu *vcpu, unsigned long cr3)
{
	vcpu->arch.cr3 = cr3;
	vcpu->arch.regs_avail |= BIT(LODGE_REG_CR3);
	if (likely(vmx_guest_has_cr3(to_vmx(vcpu))))
		vmcs_writel(GUEST_CR3, cr3);
}

/*
 * Bits without consequence for anything kept in software.  PGE is among them: its
 * toggling flushes the TLB, which the CPU does as well by itself.
 */
#define VMX_CR4_GUEST	(X86_CR4_TSD | X86_CR4_DE | X86_CR4_PVI | X86_CR4_PCE | \
			 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_FSGSBASE)

/*
 * VMXE must be set and the guest does not see it; the host's machine checks must
 * reach it whatever the guest thinks of MCE: with that clear one would shut the
 * CPU down.  Shadow tables are PAE's or longer, and know of no PCID.
 */
void vmx_set_cr4(struct lodge_vcpu *vcpu, unsigned long cr4)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long owned = VMX_CR4_GUEST & lodge_cr4_supported & ~vcpu->arch.cr4_guest_rsvd;
	unsigned long hw = cr4 | vmx_caps.cr4_fixed0 | (cr4_read_shadow() & X86_CR4_MCE);

	vcpu->arch.cr4 = cr4;
	vcpu->arch.regs_avail |= BIT(LODGE_REG_CR4);
	if (unlikely(!lodge_caps.tdp.enabled))
		hw = (hw & ~X86_CR4_PCIDE) | X86_CR4_PAE;
	if (unlikely(vmx->realmode.unpaged)) {
		hw = vmx_realmode_cr4(vmx, hw);
		owned &= ~X86_CR4_TSD;
	}
	vmx->cr4_guest_owned = owned;

	vmcs_writel(CR4_GUEST_HOST_MASK, ~owned);
	vmcs_writel(CR4_READ_SHADOW, cr4);
	vmcs_writel(GUEST_CR4, hw);
	vmx->hw_cr4 = hw;
}

/*
 * The entry control says what LMA is; LME must go with it where the CPU has paging on (SDM
 * vol. 3, Checks on Guest Control Registers, Debug Registers, and MSRs), which may be
 * behind the guest's back.  Shadow tables use NX.
 */
void vmx_set_efer(struct lodge_vcpu *vcpu, u64 efer)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vcpu->arch.efer = efer;
	vmx_control(vmx, VMX_ENTRY, VM_ENTRY_IA32E_MODE, efer & EFER_LMA);
	if (unlikely(vmx->realmode.unpaged))
		efer &= ~(u64)EFER_LME;
	if (unlikely(!lodge_caps.tdp.enabled) && boot_cpu_has(X86_FEATURE_NX))
		efer |= EFER_NX;
	if (vmx_caps.load_efer)
		vmcs_write64(GUEST_IA32_EFER, efer);
	else
		vmx_autoload_efer(vmx, efer);
}

/* --- debug registers --- */

/*
 * The first access to a debug register exits, and gives the guest all of them
 * until its next exit: who uses them uses several in a row.
 */
void vmx_own_debug_regs(struct vmx_vcpu *vmx, bool own)
{
	vmx->dr_owned = own;
	vmx_control(vmx, VMX_CPU, CPU_BASED_MOV_DR_EXITING, !own);
	if (own) {
		vmx->vcpu.arch.dr_dirty = true;
		vmx->slow |= VMX_SLOW_DR;
	} else {
		vmx->slow &= ~VMX_SLOW_DR;
	}
}

void vmx_set_dr7(struct lodge_vcpu *vcpu, unsigned long dr7)
{
	vmcs_writel(GUEST_DR7, dr7);
	vmx_own_debug_regs(to_vmx(vcpu), false);
}

/* DR6 is in no VMCS: run.c loads it before the entry, and what is there now is the guest's. */
void vmx_sync_debug_regs(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (!vmx->dr_owned || vmx->exit_reason == VMX_NO_EXIT)
		return;
	get_debugreg(a->db[0], 0);
	get_debugreg(a->db[1], 1);
	get_debugreg(a->db[2], 2);
	get_debugreg(a->db[3], 3);
	get_debugreg(a->dr6, 6);
	a->dr7 = vmcs_readl(GUEST_DR7);
	/* The host's #DB handler must not take the guest's causes for its own. */
	set_debugreg(DR6_RESERVED, 6);
	lodge_update_dr7(vcpu);
}
