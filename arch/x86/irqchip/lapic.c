// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC: taking interrupts in, ranking them, and the states it can be
 * in (SDM vol. 3, Advanced Programmable Interrupt Controller; APM vol. 2, the
 * chapter of the same name).  Registers are read and written in lapic_access.c.
 *
 * Delivery takes no lock.  A sender sets a bit of IRR with a locked operation,
 * marks the word in irr_words, and kicks; the vCPU's thread, which alone takes
 * bits out of IRR, finds the highest from the marked words.  Nothing marked is
 * one load, and that is what most entries see.
 *
 * lodge_lapic_deliver() and what it calls run in any context; the rest is for
 * the vCPU's own thread.
 */
#include <linux/gfp.h>
#include <linux/slab.h>

#include "backend.h"
#include "cpuid.h"
#include "lapic_regs.h"
#include "regs.h"
#include "trace.h"

int lodge_lapic_create(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);

	if (!l)
		return -ENOMEM;
	l->regs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!l->regs) {
		kfree(l);
		return -ENOMEM;
	}
	l->vcpu = vcpu;
	lodge_lapic_timer_create(l);
	vcpu->arch.lapic = l;
	return 0;
}

void lodge_lapic_destroy(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	if (!l)
		return;
	lodge_lapic_timer_stop(l);
	vcpu->arch.lapic = NULL;
	free_page((unsigned long)l->regs);
	kfree(l);
}

/* --- ranking --- */

void lodge_lapic_take_posted(struct lodge_lapic *l)
{
	if (unlikely(l->vcpu->arch.posts))
		lodge_be(take_posted)(l->vcpu);
}

/*
 * The highest bit of IRR.  A mark in irr_words that no bit backs any more is
 * taken away before the word is looked at again: a sender sets its bit first
 * and the mark second, so either it finds the mark gone and sets it, or the
 * second look finds its bit.
 */
static int lapic_highest_irr(struct lodge_lapic *l)
{
	unsigned long words;

	lodge_lapic_take_posted(l);
	while ((words = READ_ONCE(l->irr_words))) {
		unsigned int w = __fls(words);
		u32 bits = lapic_get(l, APIC_IRR + w * 0x10);

		if (bits)
			return w * 32 + __fls(bits);
		clear_bit(w, &l->irr_words);
		/* Pairs with the locked operation on IRR in lapic_set_irr(). */
		smp_mb__after_atomic();
		if (lapic_get(l, APIC_IRR + w * 0x10))
			set_bit(w, &l->irr_words);
	}
	return -1;
}

static int lapic_highest_isr(struct lodge_lapic *l)
{
	unsigned int w;
	u32 bits;

	while (l->isr_words) {
		w = __fls(l->isr_words);
		bits = lapic_get(l, APIC_ISR + w * 0x10);
		if (likely(bits))
			return w * 32 + __fls(bits);
		l->isr_words &= ~BIT(w);
	}
	return -1;
}

/* SDM vol. 3, Task and Processor Priorities. */
static void lapic_update_ppr(struct lodge_lapic *l)
{
	u32 tpr = lapic_get(l, APIC_TASKPRI);
	int isr = lapic_highest_isr(l);
	u32 class = isr < 0 ? 0 : isr & 0xf0;

	lapic_set(l, APIC_PROCPRI, (tpr & 0xf0) >= class ? tpr : class);
}

int lodge_lapic_pending(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *l = vcpu->arch.lapic;
	int vector;

	if (likely(!READ_ONCE(l->irr_words) && !vcpu->arch.posts))
		return -1;
	vector = lapic_highest_irr(l);
	if (vector < 0 || (vector & 0xf0) <= (int)(lapic_get(l, APIC_PROCPRI) & 0xf0))
		return -1;
	return vector;
}

int lodge_lapic_highest_irr(struct lodge_vcpu *vcpu)
{
	return lapic_highest_irr(vcpu->arch.lapic);
}

void lodge_lapic_recheck(struct lodge_lapic *l)
{
	if (lodge_lapic_pending(l->vcpu) >= 0)
		lodge_request(l->vcpu, LODGE_REQ_EVENT);
}

void lodge_lapic_accept(struct lodge_vcpu *vcpu, int vector)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	/* Others set bits in the same word. */
	clear_bit(vector & 31, lapic_vector_word(l, APIC_IRR, vector));
	__set_bit(vector & 31, lapic_vector_word(l, APIC_ISR, vector));
	l->isr_words |= BIT(vector >> 5);
	lapic_update_ppr(l);
}

/* SDM vol. 3, Signaling Interrupt Servicing Completion.  The IOAPIC is here, or user space's. */
static void broadcast_eoi(struct lodge_vcpu *vcpu, u8 vector, bool level)
{
	if (vcpu->vm->arch.ioapic) {
		lodge_ioapic_eoi(vcpu, vector, level);
		return;
	}
	vcpu->arch.ioapic_eoi = vector;
	lodge_request(vcpu, LODGE_REQ_IOAPIC_EOI);
}

/* @vector is in service no more: tell who waits for that. */
static void lapic_serviced(struct lodge_lapic *l, u8 vector)
{
	bool level = lapic_vector_test(l, APIC_TMR, vector);

	if (level || lodge_ioapic_handles(l->vcpu->vm, vector))
		broadcast_eoi(l->vcpu, vector, level);
}

void lodge_lapic_eoi(struct lodge_lapic *l)
{
	struct lodge_vcpu *vcpu = l->vcpu;
	int vector = lapic_highest_isr(l);

	trace_kvm_eoi(vcpu->id, vector);
	if (vector < 0)
		return;
	__clear_bit(vector & 31, lapic_vector_word(l, APIC_ISR, vector));
	if (!lapic_get(l, APIC_ISR + (vector >> 5) * 0x10))
		l->isr_words &= ~BIT(vector >> 5);
	lapic_update_ppr(l);
	if (vcpu->arch.apicv)
		vcpu->arch.regs_dirty |= BIT(LODGE_REG_TPR);

	lapic_serviced(l, vector);
	lodge_lapic_recheck(l);
}

u32 lodge_lapic_tpr(struct lodge_vcpu *vcpu)
{
	return lapic_get(vcpu->arch.lapic, APIC_TASKPRI);
}

void lodge_lapic_set_tpr(struct lodge_vcpu *vcpu, u32 tpr)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	tpr &= APIC_TPRI_MASK;
	if (tpr == lapic_get(l, APIC_TASKPRI))
		return;
	lapic_set(l, APIC_TASKPRI, tpr);
	vcpu->arch.regs_dirty |= BIT(LODGE_REG_TPR);
	lapic_update_ppr(l);
	lodge_lapic_recheck(l);
}

void lodge_lapic_sync_summaries(struct lodge_lapic *l)
{
	unsigned int w;

	l->isr_words = 0;
	for (w = 0; w < 8; w++) {
		if (lapic_get(l, APIC_ISR + w * 0x10))
			l->isr_words |= BIT(w);
	}
	/* A mark too many is taken away by whoever looks. */
	WRITE_ONCE(l->irr_words, 0xff);
	lapic_update_ppr(l);
}

/* --- a CPU that works on the registers by itself --- */

void *lodge_lapic_page(struct lodge_vcpu *vcpu)
{
	return vcpu->arch.lapic ? vcpu->arch.lapic->regs : NULL;
}

void lodge_lapic_tpr_moved(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	lapic_update_ppr(l);
	lodge_lapic_recheck(l);
}

void lodge_lapic_virtual_eoi(struct lodge_vcpu *vcpu, u8 vector)
{
	trace_kvm_eoi(vcpu->id, vector);
	lapic_serviced(vcpu->arch.lapic, vector);
}

void lodge_lapic_virtual_state(struct lodge_vcpu *vcpu, u8 irr)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	/* Marks that nothing backs are taken away by whoever looks. */
	l->isr_words = 0xff;
	if (irr)
		WRITE_ONCE(l->irr_words, 0xff);
}

int lodge_lapic_highest_isr(struct lodge_vcpu *vcpu)
{
	return lapic_highest_isr(vcpu->arch.lapic);
}

void lodge_lapic_eoi_exits(struct lodge_vcpu *vcpu, u64 vectors[4])
{
	const struct lodge_lapic *l = vcpu->arch.lapic;
	int i;

	lodge_ioapic_eoi_vectors(vcpu->vm, (unsigned long *)vectors);
	for (i = 0; i < 4; i++)
		vectors[i] |= lapic_get(l, APIC_TMR + i * 0x20) |
			      (u64)lapic_get(l, APIC_TMR + i * 0x20 + 0x10) << 32;
}

/* --- delivery: any context --- */

/* False if it was there already. */
static bool lapic_mark_irr(struct lodge_lapic *l, u8 vector)
{
	if (test_and_set_bit(vector & 31, lapic_vector_word(l, APIC_IRR, vector)))
		return false;
	if (!test_bit(vector >> 5, &l->irr_words))
		set_bit(vector >> 5, &l->irr_words);
	return true;
}

void lodge_lapic_posted(struct lodge_vcpu *vcpu, u8 vector)
{
	lapic_mark_irr(vcpu->arch.lapic, vector);
}

/* 2 set, and the vCPU is told; 1 set; 0 it was there already; -1 refused. */
static int lapic_set_irr(struct lodge_lapic *l, u8 vector, bool level)
{
	unsigned long *tmr = lapic_vector_word(l, APIC_TMR, vector);
	bool turned = level != lapic_vector_test(l, APIC_TMR, vector);

	if (unlikely(vector < 16)) {
		lodge_lapic_error(l, APIC_ESR_RECVILL);
		return -1;
	}
	if (turned) {
		if (level)
			set_bit(vector & 31, tmr);
		else
			clear_bit(vector & 31, tmr);
	}
	/* What EOI is to do about it has changed: the thread must see to that first. */
	if (READ_ONCE(l->vcpu->arch.apicv))
		return lodge_be(post_irq)(l->vcpu, vector, turned) ? 2 : 1;
	return lapic_mark_irr(l, vector);
}

static int lapic_take_fixed(struct lodge_lapic *l, const struct lodge_msi *msi)
{
	int r;

	if (!READ_ONCE(l->sw_enabled) || (msi->level && !msi->assert))
		return -1;
	r = lapic_set_irr(l, msi->vector, msi->level);
	if (r == 1) {
		/* Whoever set the bit first kicks; a second has nothing to add. */
		lodge_request(l->vcpu, LODGE_REQ_EVENT);
		lodge_kick(l->vcpu);
	}
	return min(r, 1);
}

/* INIT wipes out a start-up IPI that came before it. */
static int lapic_take_init(struct lodge_lapic *l, const struct lodge_msi *msi)
{
	struct lodge_vcpu *vcpu = l->vcpu;

	if (msi->level && !msi->assert)
		return -1;	/* INIT Level De-assert has no effect on these APICs */
	clear_bit(LODGE_PENDING_SIPI, &vcpu->arch.pending_init_sipi);
	set_bit(LODGE_PENDING_INIT, &vcpu->arch.pending_init_sipi);
	lodge_request(vcpu, LODGE_REQ_EVENT);
	lodge_kick(vcpu);
	return 1;
}

static int lapic_take_sipi(struct lodge_lapic *l, const struct lodge_msi *msi)
{
	struct lodge_vcpu *vcpu = l->vcpu;

	WRITE_ONCE(vcpu->arch.sipi_vector, msi->vector);
	/* Pairs with the barrier in lodge_lapic_accept_events(). */
	smp_mb__before_atomic();
	set_bit(LODGE_PENDING_SIPI, &vcpu->arch.pending_init_sipi);
	lodge_request(vcpu, LODGE_REQ_EVENT);
	lodge_kick(vcpu);
	return 1;
}

int lodge_lapic_deliver(struct lodge_vcpu *vcpu, const struct lodge_msi *msi)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	if (!l || !READ_ONCE(l->hw_enabled))
		return -1;
	trace_kvm_apic_accept_irq(vcpu->id, msi->delivery_mode, msi->level, msi->vector);

	switch (msi->delivery_mode) {
	case APIC_DM_FIXED >> 8:
	case APIC_DM_LOWEST >> 8:
		return lapic_take_fixed(l, msi);
	case APIC_DM_NMI >> 8:
		lodge_inject_nmi(vcpu);
		return 1;
	case APIC_DM_INIT >> 8:
		return lapic_take_init(l, msi);
	case APIC_DM_STARTUP >> 8:
		return lapic_take_sipi(l, msi);
	}
	/*
	 * There is no SMM to enter, and ExtINT needs no message: the PIC's
	 * output is looked at directly (irqchip.c).
	 */
	return -1;
}

void lodge_lapic_local(struct lodge_lapic *l, u32 lvt)
{
	u32 entry = lapic_get(l, lvt);
	struct lodge_msi msi = {
		.vector = entry & APIC_VECTOR_MASK,
		.delivery_mode = GET_APIC_DELIVERY_MODE(entry),
		.level = entry & APIC_LVT_LEVEL_TRIGGER,
		.assert = true,
	};

	if (!(entry & APIC_LVT_MASKED))
		lodge_lapic_deliver(l->vcpu, &msi);
}

void lodge_lapic_error(struct lodge_lapic *l, u32 esr_bit)
{
	/* Interrupts once until the guest has looked: also what ends a recursion. */
	if (!atomic_fetch_or(esr_bit, &l->errors))
		lodge_lapic_local(l, APIC_LVTERR);
}

/* --- INIT and start-up IPIs: own thread --- */

bool lodge_lapic_has_init_sipi(struct lodge_vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.pending_init_sipi);
}

void lodge_lapic_accept_events(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (test_and_clear_bit(LODGE_PENDING_INIT, &a->pending_init_sipi)) {
		lodge_vcpu_reset(vcpu, true);
		/* MP initialization: the bootstrap processor goes on by itself. */
		a->mp_state = a->apic_base & MSR_IA32_APICBASE_BSP ?
			      KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED;
	}
	if (test_and_clear_bit(LODGE_PENDING_SIPI, &a->pending_init_sipi) &&
	    a->mp_state == KVM_MP_STATE_INIT_RECEIVED) {
		lodge_vcpu_sipi(vcpu, READ_ONCE(a->sipi_vector));
		a->mp_state = KVM_MP_STATE_RUNNABLE;
	}
}
