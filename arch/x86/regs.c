// SPDX-License-Identifier: GPL-2.0
/*
 * The register ioctls: KVM_GET/SET_REGS, _SREGS, _SREGS2, _MP_STATE, and
 * KVM_TRANSLATE.  vcpu->mutex is held and the vCPU is loaded.
 */
#include "backend.h"
#include "cpuid.h"
#include "exit.h"
#include "irqchip/irqchip.h"
#include "memslot.h"
#include "regs_inline.h"

void lodge_get_regs(struct lodge_vcpu *vcpu, struct kvm_regs *r)
{
	r->rax = lodge_reg(vcpu, LODGE_RAX);
	r->rbx = lodge_reg(vcpu, LODGE_RBX);
	r->rcx = lodge_reg(vcpu, LODGE_RCX);
	r->rdx = lodge_reg(vcpu, LODGE_RDX);
	r->rsi = lodge_reg(vcpu, LODGE_RSI);
	r->rdi = lodge_reg(vcpu, LODGE_RDI);
	r->rsp = lodge_reg(vcpu, LODGE_RSP);
	r->rbp = lodge_reg(vcpu, LODGE_RBP);
	r->r8 = lodge_reg(vcpu, LODGE_R8);
	r->r9 = lodge_reg(vcpu, LODGE_R9);
	r->r10 = lodge_reg(vcpu, LODGE_R10);
	r->r11 = lodge_reg(vcpu, LODGE_R11);
	r->r12 = lodge_reg(vcpu, LODGE_R12);
	r->r13 = lodge_reg(vcpu, LODGE_R13);
	r->r14 = lodge_reg(vcpu, LODGE_R14);
	r->r15 = lodge_reg(vcpu, LODGE_R15);
	r->rip = lodge_rip(vcpu);
	r->rflags = lodge_rflags(vcpu);
	if (vcpu->arch.guest_debug & KVM_GUESTDBG_SINGLESTEP)
		r->rflags = (r->rflags & ~X86_EFLAGS_TF) | vcpu->arch.guest_tf;
}

void lodge_set_regs(struct lodge_vcpu *vcpu, const struct kvm_regs *r)
{
	unsigned long rflags = r->rflags;

	lodge_set_reg(vcpu, LODGE_RAX, r->rax);
	lodge_set_reg(vcpu, LODGE_RBX, r->rbx);
	lodge_set_reg(vcpu, LODGE_RCX, r->rcx);
	lodge_set_reg(vcpu, LODGE_RDX, r->rdx);
	lodge_set_reg(vcpu, LODGE_RSI, r->rsi);
	lodge_set_reg(vcpu, LODGE_RDI, r->rdi);
	lodge_set_reg(vcpu, LODGE_RSP, r->rsp);
	lodge_set_reg(vcpu, LODGE_RBP, r->rbp);
	lodge_set_reg(vcpu, LODGE_R8, r->r8);
	lodge_set_reg(vcpu, LODGE_R9, r->r9);
	lodge_set_reg(vcpu, LODGE_R10, r->r10);
	lodge_set_reg(vcpu, LODGE_R11, r->r11);
	lodge_set_reg(vcpu, LODGE_R12, r->r12);
	lodge_set_reg(vcpu, LODGE_R13, r->r13);
	lodge_set_reg(vcpu, LODGE_R14, r->r14);
	lodge_set_reg(vcpu, LODGE_R15, r->r15);
	lodge_set_reg(vcpu, LODGE_RIP, r->rip);
	if (vcpu->arch.guest_debug & KVM_GUESTDBG_SINGLESTEP) {
		vcpu->arch.guest_tf = rflags & X86_EFLAGS_TF;
		rflags |= X86_EFLAGS_TF;
	}
	lodge_set_rflags(vcpu, rflags);
	/* User space moved the vCPU elsewhere: the fault of the old place is void. */
	vcpu->arch.exception.pending = false;
	lodge_request(vcpu, LODGE_REQ_EVENT);
}

static void get_segments(struct lodge_vcpu *vcpu, struct kvm_sregs *s)
{
	lodge_be(get_segment)(vcpu, &s->cs, LODGE_SEG_CS);
	lodge_be(get_segment)(vcpu, &s->ds, LODGE_SEG_DS);
	lodge_be(get_segment)(vcpu, &s->es, LODGE_SEG_ES);
	lodge_be(get_segment)(vcpu, &s->fs, LODGE_SEG_FS);
	lodge_be(get_segment)(vcpu, &s->gs, LODGE_SEG_GS);
	lodge_be(get_segment)(vcpu, &s->ss, LODGE_SEG_SS);
	lodge_be(get_segment)(vcpu, &s->tr, LODGE_SEG_TR);
	lodge_be(get_segment)(vcpu, &s->ldt, LODGE_SEG_LDTR);
	lodge_be(get_idt)(vcpu, &s->idt);
	lodge_be(get_gdt)(vcpu, &s->gdt);
}

static void set_segments(struct lodge_vcpu *vcpu, const struct kvm_sregs *s)
{
	lodge_be(set_idt)(vcpu, &s->idt);
	lodge_be(set_gdt)(vcpu, &s->gdt);
	lodge_be(set_segment)(vcpu, &s->cs, LODGE_SEG_CS);
	lodge_be(set_segment)(vcpu, &s->ds, LODGE_SEG_DS);
	lodge_be(set_segment)(vcpu, &s->es, LODGE_SEG_ES);
	lodge_be(set_segment)(vcpu, &s->fs, LODGE_SEG_FS);
	lodge_be(set_segment)(vcpu, &s->gs, LODGE_SEG_GS);
	lodge_be(set_segment)(vcpu, &s->ss, LODGE_SEG_SS);
	lodge_be(set_segment)(vcpu, &s->tr, LODGE_SEG_TR);
	lodge_be(set_segment)(vcpu, &s->ldt, LODGE_SEG_LDTR);
}

void lodge_get_sregs(struct lodge_vcpu *vcpu, struct kvm_sregs *s)
{
	const struct lodge_interrupt *irq = &vcpu->arch.interrupt;

	memset(s, 0, sizeof(*s));
	get_segments(vcpu, s);
	s->cr0 = lodge_cr0(vcpu);
	s->cr2 = vcpu->arch.cr2;
	s->cr3 = lodge_cr3(vcpu);
	s->cr4 = lodge_cr4(vcpu);
	s->cr8 = lodge_read_cr8(vcpu);
	s->efer = vcpu->arch.efer;
	s->apic_base = vcpu->arch.apic_base;
	if (irq->injected && !irq->soft)
		__set_bit(irq->nr, (unsigned long *)s->interrupt_bitmap);
}

/* The state must be one that the CPU can be in; what it would not reach by itself is refused. */
static bool sregs_valid(struct lodge_vcpu *vcpu, const struct kvm_sregs *s)
{
	if ((s->efer & EFER_LME) && (s->cr0 & X86_CR0_PG)) {
		if (!(s->cr4 & X86_CR4_PAE) || !(s->efer & EFER_LMA))
			return false;
		if (s->cr3 >> vcpu->arch.maxphyaddr)
			return false;
	} else if ((s->efer & EFER_LMA) || s->cs.l) {
		return false;
	}
	return lodge_cr4_valid(vcpu, s->cr4) && lodge_cr0_valid(vcpu, s->cr0) &&
	       !(s->efer & lodge_caps.efer_reserved);
}

/* Everything but the PDPTEs and pending interrupts. */
static int set_sregs_common(struct lodge_vcpu *vcpu, const struct kvm_sregs *s)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	unsigned long old_cr4 = lodge_cr4(vcpu);

	if (!sregs_valid(vcpu, s))
		return -EINVAL;
	if (lodge_lapic_set_base(vcpu, s->apic_base, true))
		return -EINVAL;

	a->cr2 = s->cr2;
	a->cr3 = s->cr3;
	a->efer = s->efer;
	a->cr0 = s->cr0 | X86_CR0_ET;
	a->cr4 = s->cr4;
	a->regs_avail |= BIT(LODGE_REG_CR0) | BIT(LODGE_REG_CR3) | BIT(LODGE_REG_CR4);
	lodge_be(set_efer)(vcpu, a->efer);
	lodge_be(set_cr0)(vcpu, a->cr0);
	lodge_be(set_cr4)(vcpu, a->cr4);
	lodge_be(set_cr3)(vcpu, a->cr3);
	lodge_write_cr8(vcpu, s->cr8 & 0xf);
	set_segments(vcpu, s);

	if ((old_cr4 ^ a->cr4) & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		lodge_cpuid_update_runtime(vcpu);
	lodge_mmu_mode_changed(vcpu);
	lodge_request(vcpu, LODGE_REQ_TLB_FLUSH_GUEST);
	lodge_request(vcpu, LODGE_REQ_EVENT);

	/* A reset by user space that does not know of MP states. */
	if (vcpu->id == vcpu->vm->arch.bsp_vcpu_id && lodge_rip(vcpu) == 0xfff0 &&
	    s->cs.selector == 0xf000 && s->cs.base == 0xffff0000 && !(a->cr0 & X86_CR0_PE))
		a->mp_state = KVM_MP_STATE_RUNNABLE;
	return 0;
}

int lodge_set_sregs(struct lodge_vcpu *vcpu, const struct kvm_sregs *s)
{
	int vector = find_first_bit((const unsigned long *)s->interrupt_bitmap,
				    KVM_NR_INTERRUPTS);
	int r = set_sregs_common(vcpu, s), idx;

	if (r)
		return r;
	if (lodge_is_pae_paging(vcpu)) {
		idx = srcu_read_lock(&vcpu->vm->srcu);
		lodge_load_pdptrs(vcpu, s->cr3);
		srcu_read_unlock(&vcpu->vm->srcu, idx);
	}
	if (vector < KVM_NR_INTERRUPTS) {
		vcpu->arch.interrupt.injected = true;
		vcpu->arch.interrupt.soft = false;
		vcpu->arch.interrupt.nr = vector;
	}
	return 0;
}

/* kvm_sregs2 begins as kvm_sregs does, up to apic_base. */
#define SREGS_COMMON	offsetof(struct kvm_sregs, interrupt_bitmap)
static_assert(offsetof(struct kvm_sregs2, flags) == SREGS_COMMON);

void lodge_get_sregs2(struct lodge_vcpu *vcpu, struct kvm_sregs2 *s2)
{
	struct kvm_sregs s;
	int i;

	lodge_get_sregs(vcpu, &s);
	memset(s2, 0, sizeof(*s2));
	memcpy(s2, &s, SREGS_COMMON);
	if (!lodge_is_pae_paging(vcpu))
		return;
	lodge_need_reg(vcpu, LODGE_REG_PDPTR);
	for (i = 0; i < 4; i++)
		s2->pdptrs[i] = vcpu->arch.pdptrs[i];
	s2->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
}

int lodge_set_sregs2(struct lodge_vcpu *vcpu, const struct kvm_sregs2 *s2)
{
	bool pae = (s2->cr0 & X86_CR0_PG) && (s2->cr4 & X86_CR4_PAE) && !(s2->efer & EFER_LMA);
	bool valid = s2->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	struct kvm_sregs s = {};
	int r, i;

	if ((s2->flags & ~KVM_SREGS2_FLAGS_PDPTRS_VALID) || (valid && !pae))
		return -EINVAL;
	memcpy(&s, s2, SREGS_COMMON);
	r = set_sregs_common(vcpu, &s);
	if (r || !valid)
		return r;
	for (i = 0; i < 4; i++)
		vcpu->arch.pdptrs[i] = s2->pdptrs[i];
	vcpu->arch.regs_avail |= BIT(LODGE_REG_PDPTR);
	vcpu->arch.regs_dirty |= BIT(LODGE_REG_PDPTR);
	return 0;
}

int lodge_get_mp_state(struct lodge_vcpu *vcpu, struct kvm_mp_state *mp)
{
	if (vcpu->arch.lapic && lodge_lapic_has_init_sipi(vcpu)) {
		int idx = srcu_read_lock(&vcpu->vm->srcu);

		lodge_lapic_accept_events(vcpu);
		srcu_read_unlock(&vcpu->vm->srcu, idx);
	}
	mp->mp_state = vcpu->arch.mp_state;
	if (mp->mp_state == KVM_MP_STATE_HALTED && vcpu->arch.pv_unhalted)
		mp->mp_state = KVM_MP_STATE_RUNNABLE;
	return 0;
}

int lodge_set_mp_state(struct lodge_vcpu *vcpu, const struct kvm_mp_state *mp)
{
	switch (mp->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_INIT_RECEIVED:
		if (!vcpu->arch.lapic)
			return -EINVAL;
		break;
	case KVM_MP_STATE_SIPI_RECEIVED:
		if (!vcpu->arch.lapic)
			return -EINVAL;
		vcpu->arch.mp_state = KVM_MP_STATE_INIT_RECEIVED;
		set_bit(LODGE_PENDING_SIPI, &vcpu->arch.pending_init_sipi);
		lodge_request(vcpu, LODGE_REQ_EVENT);
		return 0;
	default:
		return -EINVAL;
	}
	vcpu->arch.mp_state = mp->mp_state;
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}

int lodge_translate(struct lodge_vcpu *vcpu, struct kvm_translation *tr)
{
	struct lodge_walk walk;
	int idx = srcu_read_lock(&vcpu->vm->srcu);

	tr->valid = lodge_gva_to_gpa(vcpu, tr->linear_address, 0, &walk);
	tr->physical_address = tr->valid ? walk.gpa : ~0ull;
	tr->writeable = 1;
	tr->usermode = 0;
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return 0;
}
