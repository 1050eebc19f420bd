/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The IOAPIC, the pair of PICs and the PIT among themselves, and their inputs
 * for kmod/irq_route.c.
 *
 * Each chip has one raw spinlock, taken with interrupts off, as inputs change in
 * timer and eventfd callbacks.  No chip calls another, or an acknowledge
 * notifier, with its own lock held; sending a message to local APICs takes no
 * lock and may be done under one.
 */
#ifndef LODGE_CHIPS_H
#define LODGE_CHIPS_H

#include "irq.h"
#include "irqchip.h"

#define PIC_NR_PINS	16	/* both chips */

/*
 * The state of one input: high while any source holds it high.  Bit n is enum
 * lodge_irq_source n.
 */
static inline bool line_drive(u8 *line, enum lodge_irq_source source, bool level)
{
	if (level)
		*line |= BIT(source);
	else
		*line &= ~BIT(source);
	return *line;
}

/* --- process, vm->lock held --- */
struct lodge_pic *lodge_pic_create(struct lodge_vm *vm);	/* or ERR_PTR */
void lodge_pic_destroy(struct lodge_vm *vm);
struct lodge_ioapic *lodge_ioapic_create(struct lodge_vm *vm);
void lodge_ioapic_destroy(struct lodge_vm *vm);

/* --- any context --- */
/* As lodge_set_irq(): 1 delivered (or the number of APICs), 0 coalesced, -1 masked. */
int lodge_pic_set_irq(struct lodge_pic *pic, u32 pin, enum lodge_irq_source source, bool level);
int lodge_ioapic_set_irq(struct lodge_ioapic *ioapic, u32 pin, enum lodge_irq_source source,
			 bool level);
/* Acknowledge notifiers were added or removed: which EOIs must be seen changes. */
void lodge_ioapic_notifiers_changed(struct lodge_ioapic *ioapic);
/* A pin was unmasked; if it is the PIT's, ticks that went unseen until now are not owed. */
void lodge_pit_unmasked(struct lodge_vm *vm, u32 irqchip, u32 pin);

/* @chip: 0 master, 1 slave. */
void lodge_pic_get(struct lodge_pic *pic, int chip, struct kvm_pic_state *state);
void lodge_pic_set(struct lodge_pic *pic, int chip, const struct kvm_pic_state *state);
void lodge_ioapic_get(struct lodge_ioapic *ioapic, struct kvm_ioapic_state *state);
void lodge_ioapic_set(struct lodge_ioapic *ioapic, const struct kvm_ioapic_state *state);

#endif
