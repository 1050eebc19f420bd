/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A local APIC: its registers, and the access to them that lapic*.c share.
 *
 * Who may touch what:
 *  - IRR, TMR and irr_words: anyone, by atomic operations, as interrupts come
 *    from other vCPUs, timers and eventfds.  Only the vCPU's own thread clears
 *    bits of IRR.
 *  - everything else is written by the vCPU's own thread (vcpu->mutex held) and
 *    read by anyone: a sender needs ID, LDR, DFR, the LVT and the two enable
 *    flags.  These are single words, read and written whole.
 *
 * An interrupt that is in flight while its destination is being reprogrammed
 * may see the old or the new setting, as on the bus of a real machine.
 */
#ifndef LODGE_LAPIC_REGS_H
#define LODGE_LAPIC_REGS_H

#include <asm/apicdef.h>

#include "irqchip.h"

/* 5: six LVT entries; 0x14: an integrated APIC with the xAPIC's logical modes. */
#define LAPIC_VERSION	0x50014
/* The bus clock that the timer counts: 1 GHz, which clients of KVM's ABI know. */
#define LAPIC_BUS_NS	1

struct lodge_lapic_timer {
	struct hrtimer hrtimer;
	ktime_t target;		/* when it fires next, CLOCK_MONOTONIC */
	u64 period;		/* ns from load to zero; 0 when stopped */
	u64 deadline;		/* IA32_TSC_DEADLINE; 0 when disarmed */
	u32 divisor;		/* from TDCR */
	u32 mode;		/* APIC_LVT_TIMER_* */
	bool in_cpu;		/* the deadline is watched by the CPU while the guest runs */
};

struct lodge_lapic {
	struct lodge_vcpu *vcpu;
	/* A page of its own, laid out as the xAPIC's: what APIC virtualization takes. */
	void *regs;
	/* Bit n: word n of IRR may be other than zero.  See lapic_highest_irr(). */
	unsigned long irr_words;
	/* Bit n: word n of ISR is other than zero. */
	u32 isr_words;
	bool hw_enabled;	/* IA32_APIC_BASE.EN */
	bool x2apic;		/* IA32_APIC_BASE.EXTD */
	bool sw_enabled;	/* SPIV bit 8 */
	atomic_t errors;	/* seen since ESR was last written */
	struct lodge_lapic_timer timer;
};

static inline u32 lapic_get(const struct lodge_lapic *l, u32 reg)
{
	return READ_ONCE(*(u32 *)(l->regs + reg));
}

static inline void lapic_set(struct lodge_lapic *l, u32 reg, u32 value)
{
	WRITE_ONCE(*(u32 *)(l->regs + reg), value);
}

/* The word of a 256-bit register (IRR, ISR, TMR) that has @vector; its bit is @vector & 31. */
static inline unsigned long *lapic_vector_word(const struct lodge_lapic *l, u32 reg, u8 vector)
{
	return l->regs + reg + (vector >> 5) * 0x10;
}

static inline bool lapic_vector_test(const struct lodge_lapic *l, u32 reg, u8 vector)
{
	return lapic_get(l, reg + (vector >> 5) * 0x10) & BIT(vector & 31);
}

/* The ID that x2APIC mode shows: the vCPU's, whatever the guest wrote to the xAPIC's. */
static inline u32 lapic_x2apic_id(const struct lodge_lapic *l)
{
	return l->vcpu->id;
}

static inline u32 lapic_id(const struct lodge_lapic *l)
{
	return l->x2apic ? lapic_x2apic_id(l) : lapic_get(l, APIC_ID) >> 24;
}

/* Logical ID in x2APIC mode: SDM vol. 3, Deriving Logical x2APIC ID from the Local x2APIC ID. */
static inline u32 lapic_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | BIT(id & 0xf);
}

/* lapic.c */
/* Deliver what LVT entry @lvt says, if it is not masked.  Any context. */
void lodge_lapic_local(struct lodge_lapic *l, u32 lvt);
/* Errors are latched and raise LVTERR.  Any context. */
void lodge_lapic_error(struct lodge_lapic *l, u32 esr_bit);
/* Make the own thread look for interrupts again if one may be injected now. */
void lodge_lapic_recheck(struct lodge_lapic *l);
/* Bring what was posted into IRR.  Own thread, outside the guest. */
void lodge_lapic_take_posted(struct lodge_lapic *l);
/* The guest wrote the EOI register. */
void lodge_lapic_eoi(struct lodge_lapic *l);
/* Bring irr_words, isr_words and PPR in line with the registers.  Own thread. */
void lodge_lapic_sync_summaries(struct lodge_lapic *l);

/* lapic_timer.c: own thread, but for create and destroy */
void lodge_lapic_timer_create(struct lodge_lapic *l);
/* Stops it; returns when its callback is not running. */
void lodge_lapic_timer_stop(struct lodge_lapic *l);
void lodge_lapic_timer_reset(struct lodge_lapic *l);
void lodge_lapic_timer_set_initial(struct lodge_lapic *l, u32 count);	/* TMICT */
void lodge_lapic_timer_set_divide(struct lodge_lapic *l, u32 tdcr);
void lodge_lapic_timer_set_lvt(struct lodge_lapic *l, u32 lvtt);	/* its mode may change */
u32 lodge_lapic_timer_current(struct lodge_lapic *l);			/* TMCCT */
/* After registers were loaded from outside: count as if @current were left. */
void lodge_lapic_timer_restore(struct lodge_lapic *l, u32 current_count);

#endif
