/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GSIs: from a line or a message to the interrupt controllers (irq_route.c),
 * and the descriptors that raise them (irqfd.c).
 */
#ifndef LODGE_IRQ_H
#define LODGE_IRQ_H

#include "lodge.h"

#define LODGE_MAX_GSI		4096	/* KVM_CAP_IRQ_ROUTING */

/* Who drives a line; a line is high while any source holds it high. */
enum lodge_irq_source {
	LODGE_IRQ_USER,		/* KVM_IRQ_LINE */
	LODGE_IRQ_RESAMPLER,
	LODGE_IRQ_PIT,
	LODGE_NR_IRQ_SOURCES,
};

/*
 * Set GSI @gsi to @level on behalf of @source.  Any context that may take spinlocks.
 * Returns the number of vCPUs that got it, 0 coalesced, <0 masked or unrouted,
 * as KVM_IRQ_LINE_STATUS reports.
 */
int lodge_set_irq(struct lodge_vm *vm, enum lodge_irq_source source, u32 gsi, int level);
int lodge_signal_msi(struct lodge_vm *vm, const struct kvm_msi *msi);		/* KVM_SIGNAL_MSI */

/* Routes.  irq_lock is taken inside; process. */
int lodge_irq_routes_set(struct lodge_vm *vm, const struct kvm_irq_routing_entry *e, u32 nr,
			 u32 flags);
/* IOAPIC and PIC pins, as KVM_CREATE_IRQCHIP leaves them. */
int lodge_irq_routes_default(struct lodge_vm *vm);
int lodge_irq_routes_empty(struct lodge_vm *vm);	/* for the split irqchip */
void lodge_irq_routes_free(struct lodge_vm *vm);

/* Told when the guest acknowledged (EOI) a pin of a chip. Under irq_srcu. */
struct lodge_irq_ack_notifier {
	struct hlist_node link;
	u32 gsi;
	void (*acked)(struct lodge_irq_ack_notifier *n);
};
void lodge_irq_ack_register(struct lodge_vm *vm, struct lodge_irq_ack_notifier *n);
void lodge_irq_ack_unregister(struct lodge_vm *vm, struct lodge_irq_ack_notifier *n);
void lodge_irq_acked(struct lodge_vm *vm, u32 irqchip, u32 pin);
/* The GSI that is routed to a pin, or -1.  Any context. */
int lodge_irq_gsi_of_pin(struct lodge_vm *vm, u32 irqchip, u32 pin);
bool lodge_irq_has_ack_notifier(struct lodge_vm *vm, u32 irqchip, u32 pin);

/* irqfd.c: KVM_IRQFD.  vm->lock not held; process. */
int lodge_irqfd(struct lodge_vm *vm, const struct kvm_irqfd *args);
void lodge_irqfd_release(struct lodge_vm *vm);	/* the VM descriptor closes */
int lodge_irqfd_init(void);			/* module load: the clean-up workqueue */
void lodge_irqfd_exit(void);

/* ioeventfd.c: KVM_IOEVENTFD.  Process. */
int lodge_ioeventfd(struct lodge_vm *vm, const struct kvm_ioeventfd *args);
void lodge_ioeventfd_release(struct lodge_vm *vm);

/* coalesced_io.c: process. */
int lodge_coalesced_init(struct lodge_vm *vm);
void lodge_coalesced_free(struct lodge_vm *vm);
int lodge_coalesced_register(struct lodge_vm *vm, const struct kvm_coalesced_mmio_zone *zone);
int lodge_coalesced_unregister(struct lodge_vm *vm, const struct kvm_coalesced_mmio_zone *zone);

#endif
