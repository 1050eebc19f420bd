// SPDX-License-Identifier: GPL-2.0
/*
 * The state after RESET, INIT and a start-up IPI (SDM vol. 3, Processor State
 * After Power-up, Reset, or INIT; APM vol. 2, Processor Initialization State).
 */
#include "backend.h"
#include "cpuid.h"
#include "debug_regs.h"
#include "fpu.h"
#include "irqchip/irqchip.h"
#include "msr.h"
#include "regs_inline.h"

#define TYPE_LDT	2
#define TYPE_DATA_RW	3
#define TYPE_CODE	11
#define TYPE_BUSY_TSS	11

static void reset_segments(struct lodge_vcpu *vcpu)
{
	const struct kvm_segment data = {
		.limit = 0xffff, .type = TYPE_DATA_RW, .s = 1, .present = 1,
	};
	const struct kvm_segment code = {
		.base = 0xffff0000, .selector = 0xf000, .limit = 0xffff,
		.type = TYPE_CODE, .s = 1, .present = 1,
	};
	const struct kvm_segment ldtr = { .limit = 0xffff, .type = TYPE_LDT, .present = 1 };
	const struct kvm_segment tr = { .limit = 0xffff, .type = TYPE_BUSY_TSS, .present = 1 };
	const struct kvm_dtable table = { .limit = 0xffff };
	static const enum lodge_seg data_segments[] = {
		LODGE_SEG_ES, LODGE_SEG_SS, LODGE_SEG_DS, LODGE_SEG_FS, LODGE_SEG_GS,
	};
	int i;

	lodge_be(set_segment)(vcpu, &code, LODGE_SEG_CS);
	for (i = 0; i < ARRAY_SIZE(data_segments); i++)
		lodge_be(set_segment)(vcpu, &data, data_segments[i]);
	lodge_be(set_segment)(vcpu, &ldtr, LODGE_SEG_LDTR);
	lodge_be(set_segment)(vcpu, &tr, LODGE_SEG_TR);
	lodge_be(set_gdt)(vcpu, &table);
	lodge_be(set_idt)(vcpu, &table);
}

static void reset_events(struct lodge_vcpu_arch *a)
{
	memset(&a->exception, 0, sizeof(a->exception));
	memset(&a->interrupt, 0, sizeof(a->interrupt));
	a->nmi_injected = false;
	a->nmi_pending = 0;
	atomic_set(&a->nmi_queued, 0);
	a->user_vector = -1;
	a->pv_unhalted = false;
}

static void reset_debug_registers(struct lodge_vcpu *vcpu)
{
	memset(vcpu->arch.db, 0, sizeof(vcpu->arch.db));
	vcpu->arch.dr6 = LODGE_DR6_ACTIVE_LOW;
	vcpu->arch.dr7 = LODGE_DR7_FIXED;
	lodge_update_dr7(vcpu);
}

static void reset_control_registers(struct lodge_vcpu *vcpu, bool init)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	unsigned long cache = X86_CR0_CD | X86_CR0_NW;

	/* INIT leaves the caching bits as they are. */
	a->cr0 = X86_CR0_ET | (init ? lodge_cr0(vcpu) & cache : cache);
	a->cr2 = 0;
	a->cr3 = 0;
	a->cr4 = 0;
	a->efer = 0;
	a->regs_avail |= BIT(LODGE_REG_CR0) | BIT(LODGE_REG_CR3) | BIT(LODGE_REG_CR4);
	lodge_be(set_efer)(vcpu, 0);
	lodge_be(set_cr0)(vcpu, a->cr0);
	lodge_be(set_cr4)(vcpu, 0);
	lodge_be(set_cr3)(vcpu, 0);
	lodge_write_cr8(vcpu, 0);
}

void lodge_vcpu_reset(struct lodge_vcpu *vcpu, bool init)
{
	const struct kvm_cpuid_entry2 *signature = lodge_cpuid_find(vcpu, 1, 0);
	struct lodge_vcpu_arch *a = &vcpu->arch;

	reset_events(a);
	if (a->lapic)
		lodge_lapic_reset(vcpu, init);
	lodge_fpu_reset(vcpu, init);
	lodge_msr_reset(vcpu, init);

	lodge_be(vcpu_reset)(vcpu, init);
	memset(a->regs, 0, sizeof(a->regs));
	a->regs_avail = ~0;
	a->regs_dirty = ~0;
	/* EDX carries the CPU's signature; 0x600 when there is no CPUID yet. */
	lodge_set_reg(vcpu, LODGE_RDX, signature ? signature->eax : 0x600);
	lodge_set_reg(vcpu, LODGE_RIP, 0xfff0);
	lodge_set_rflags(vcpu, X86_EFLAGS_FIXED);
	reset_segments(vcpu);
	reset_control_registers(vcpu, init);
	reset_debug_registers(vcpu);
	lodge_be(set_interrupt_shadow)(vcpu, 0);
	lodge_be(set_nmi_mask)(vcpu, false);
	lodge_be(update_exception_bitmap)(vcpu);

	lodge_cpuid_update_runtime(vcpu);
	lodge_mmu_mode_changed(vcpu);
	/* INIT need not invalidate TLBs, but no guest can count on that. */
	lodge_request(vcpu, LODGE_REQ_TLB_FLUSH_GUEST);
}

void lodge_vcpu_sipi(struct lodge_vcpu *vcpu, u8 vector)
{
	struct kvm_segment cs;

	lodge_be(get_segment)(vcpu, &cs, LODGE_SEG_CS);
	cs.selector = vector << 8;
	cs.base = vector << 12;
	lodge_be(set_segment)(vcpu, &cs, LODGE_SEG_CS);
	lodge_set_reg(vcpu, LODGE_RIP, 0);
	vcpu->arch.mp_state = KVM_MP_STATE_RUNNABLE;
}
