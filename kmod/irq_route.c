// SPDX-License-Identifier: GPL-2.0
/*
 * GSI routing: what a GSI means (pins of the interrupt controllers, or one
 * message), raising it, and telling those who asked when the guest has
 * acknowledged it.
 *
 * The table is never changed: vm->irq_lock publishes a new one, vm->irq_srcu
 * readers use the one they found.  SRCU rather than RCU because of vm->irq_srcu's
 * other use: acknowledge notifiers are called in it, and wake user space.
 * Readers may be in hard interrupt context.
 */
#include <linux/nospec.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "irq.h"
#include "irqchip/chips.h"
#include "trace.h"

struct lodge_irq_target {
	u32 type;		/* KVM_IRQ_ROUTING_IRQCHIP or _MSI */
	union {
		struct {
			u32 chip;
			u32 pin;
		};
		struct {
			u64 address;
			u32 data;
		};
	};
};

/* The targets of GSI g are target[first[g]] to target[first[g + 1] - 1]. */
struct lodge_irq_routes {
	int pin_gsi[KVM_NR_IRQCHIPS][KVM_IOAPIC_NUM_PINS];	/* -1: none */
	u32 nr_gsis;
	u32 *first;		/* nr_gsis + 1 */
	struct lodge_irq_target target[];
};

static const struct lodge_irq_routes *routes_of(struct lodge_vm *vm)
{
	return srcu_dereference_check(vm->irq_routes, &vm->irq_srcu,
				      lockdep_is_held(&vm->irq_lock));
}

/* --- raising --- */

static int drive(struct lodge_vm *vm, const struct lodge_irq_target *t,
		 enum lodge_irq_source source, int level)
{
	if (t->type == KVM_IRQ_ROUTING_MSI)
		return level ? lodge_apic_deliver_msi(vm, t->address, t->data) : -1;
	if (t->chip == KVM_IRQCHIP_IOAPIC)
		return lodge_ioapic_set_irq(vm->arch.ioapic, t->pin, source, level);
	return lodge_pic_set_irq(vm->arch.pic, t->pin + (t->chip == KVM_IRQCHIP_PIC_SLAVE ? 8 : 0),
				 source, level);
}

int lodge_set_irq(struct lodge_vm *vm, enum lodge_irq_source source, u32 gsi, int level)
{
	const struct lodge_irq_routes *routes;
	int idx, r, sum = -1;
	u32 i;

	trace_kvm_set_irq(gsi, level, source);
	idx = srcu_read_lock(&vm->irq_srcu);
	routes = routes_of(vm);
	if (routes && gsi < routes->nr_gsis) {
		gsi = array_index_nospec(gsi, routes->nr_gsis);
		for (i = routes->first[gsi]; i < routes->first[gsi + 1]; i++) {
			r = drive(vm, &routes->target[i], source, !!level);
			if (r >= 0)
				sum = max(sum, 0) + r;
		}
	}
	srcu_read_unlock(&vm->irq_srcu, idx);
	return sum;
}

/* With 32-bit destinations the low byte of the upper address must be clear. */
static bool msi_valid(const struct lodge_vm *vm, u32 address_hi)
{
	return !vm->arch.x2apic_format || !(address_hi & 0xff);
}

int lodge_signal_msi(struct lodge_vm *vm, const struct kvm_msi *msi)
{
	if (vm->arch.irqchip_mode == LODGE_IRQCHIP_NONE || msi->flags ||
	    !msi_valid(vm, msi->address_hi))
		return -EINVAL;
	return lodge_apic_deliver_msi(vm, (u64)msi->address_hi << 32 | msi->address_lo, msi->data);
}

/* --- acknowledgment --- */

/* A VM without users, on its way out, has no readers. */
static void wait_for_readers(struct lodge_vm *vm)
{
	if (refcount_read(&vm->users))
		synchronize_srcu_expedited(&vm->irq_srcu);
}

static int gsi_of_pin(struct lodge_vm *vm, u32 irqchip, u32 pin)
{
	const struct lodge_irq_routes *routes = routes_of(vm);

	return routes ? routes->pin_gsi[irqchip][pin] : -1;
}

void lodge_irq_acked(struct lodge_vm *vm, u32 irqchip, u32 pin)
{
	struct lodge_irq_ack_notifier *n;
	int idx, gsi;

	trace_kvm_ack_irq(irqchip, pin);
	idx = srcu_read_lock(&vm->irq_srcu);
	gsi = gsi_of_pin(vm, irqchip, pin);
	if (gsi >= 0) {
		hlist_for_each_entry_srcu(n, &vm->irq_ack_notifiers, link,
					  srcu_read_lock_held(&vm->irq_srcu)) {
			if (n->gsi == gsi)
				n->acked(n);
		}
	}
	srcu_read_unlock(&vm->irq_srcu, idx);
}

bool lodge_irq_has_ack_notifier(struct lodge_vm *vm, u32 irqchip, u32 pin)
{
	struct lodge_irq_ack_notifier *n;
	bool found = false;
	int idx, gsi;

	idx = srcu_read_lock(&vm->irq_srcu);
	gsi = gsi_of_pin(vm, irqchip, pin);
	if (gsi >= 0) {
		hlist_for_each_entry_srcu(n, &vm->irq_ack_notifiers, link,
					  srcu_read_lock_held(&vm->irq_srcu))
			found |= n->gsi == gsi;
	}
	srcu_read_unlock(&vm->irq_srcu, idx);
	return found;
}

int lodge_irq_gsi_of_pin(struct lodge_vm *vm, u32 irqchip, u32 pin)
{
	int idx = srcu_read_lock(&vm->irq_srcu);
	int gsi = gsi_of_pin(vm, irqchip, pin);

	srcu_read_unlock(&vm->irq_srcu, idx);
	return gsi;
}

static void ioapic_must_look(struct lodge_vm *vm)
{
	if (vm->arch.ioapic)
		lodge_ioapic_notifiers_changed(vm->arch.ioapic);
}

void lodge_irq_ack_register(struct lodge_vm *vm, struct lodge_irq_ack_notifier *n)
{
	mutex_lock(&vm->irq_lock);
	hlist_add_head_rcu(&n->link, &vm->irq_ack_notifiers);
	mutex_unlock(&vm->irq_lock);
	ioapic_must_look(vm);
}

void lodge_irq_ack_unregister(struct lodge_vm *vm, struct lodge_irq_ack_notifier *n)
{
	mutex_lock(&vm->irq_lock);
	hlist_del_init_rcu(&n->link);
	mutex_unlock(&vm->irq_lock);
	wait_for_readers(vm);
	ioapic_must_look(vm);
}

/* --- building a table --- */

static int check_entry(struct lodge_vm *vm, const struct kvm_irq_routing_entry *e)
{
	if (e->gsi >= LODGE_MAX_GSI || e->flags)
		return -EINVAL;
	switch (e->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		/* Pins are those of chips in the kernel. */
		if (!vm->arch.ioapic || !vm->arch.pic)
			return -EINVAL;
		switch (e->u.irqchip.irqchip) {
		case KVM_IRQCHIP_PIC_MASTER:
		case KVM_IRQCHIP_PIC_SLAVE:
			return e->u.irqchip.pin < PIC_NR_PINS / 2 ? 0 : -EINVAL;
		case KVM_IRQCHIP_IOAPIC:
			return e->u.irqchip.pin < KVM_IOAPIC_NUM_PINS ? 0 : -EINVAL;
		}
		return -EINVAL;
	case KVM_IRQ_ROUTING_MSI:
		return msi_valid(vm, e->u.msi.address_hi) ? 0 : -EINVAL;
	}
	return -EINVAL;
}

/* A GSI is one message, or at most one pin of each chip. */
static bool compatible(const struct lodge_irq_target *old, const struct lodge_irq_target *new)
{
	return old->type == KVM_IRQ_ROUTING_IRQCHIP && new->type == KVM_IRQ_ROUTING_IRQCHIP &&
	       old->chip != new->chip;
}

static struct lodge_irq_target make_target(const struct kvm_irq_routing_entry *e)
{
	struct lodge_irq_target t = { .type = e->type };

	if (e->type == KVM_IRQ_ROUTING_MSI) {
		t.address = (u64)e->u.msi.address_hi << 32 | e->u.msi.address_lo;
		t.data = e->u.msi.data;
	} else {
		t.chip = e->u.irqchip.irqchip;
		t.pin = e->u.irqchip.pin;
	}
	return t;
}

/*
 * Sort @e into @routes by GSI: count, sum up to where each begins, put in.  The
 * last step moves each beginning to its end, which is where the next begins.
 */
static void fill_routes(struct lodge_irq_routes *routes, const struct kvm_irq_routing_entry *e,
			u32 nr)
{
	u32 *first = routes->first, i, at = 0, n;

	memset(routes->pin_gsi, 0xff, sizeof(routes->pin_gsi));
	for (i = 0; i < nr; i++)
		first[e[i].gsi]++;
	for (i = 0; i < routes->nr_gsis; i++) {
		n = first[i];
		first[i] = at;
		at += n;
	}
	for (i = 0; i < nr; i++) {
		struct lodge_irq_target t = make_target(&e[i]);

		routes->target[first[e[i].gsi]++] = t;
		if (t.type == KVM_IRQ_ROUTING_IRQCHIP)
			routes->pin_gsi[t.chip][t.pin] = e[i].gsi;
	}
	memmove(first + 1, first, routes->nr_gsis * sizeof(*first));
	first[0] = 0;
}

/* Ends at the latest with the fourth target of a GSI: there are three chips. */
static bool routes_compatible(const struct lodge_irq_routes *routes)
{
	const struct lodge_irq_target *t = routes->target;
	u32 gsi, i, j;

	for (gsi = 0; gsi < routes->nr_gsis; gsi++) {
		for (i = routes->first[gsi]; i < routes->first[gsi + 1]; i++) {
			for (j = routes->first[gsi]; j < i; j++) {
				if (!compatible(&t[j], &t[i]))
					return false;
			}
		}
	}
	return true;
}

static void free_routes(struct lodge_irq_routes *routes)
{
	if (!routes)
		return;
	kvfree(routes->first);
	kvfree(routes);
}

static struct lodge_irq_routes *build_routes(const struct kvm_irq_routing_entry *e, u32 nr)
{
	struct lodge_irq_routes *routes;
	u32 i;

	routes = kvzalloc(struct_size(routes, target, nr), GFP_KERNEL_ACCOUNT);
	if (!routes)
		return NULL;
	for (i = 0; i < nr; i++)
		routes->nr_gsis = max(routes->nr_gsis, e[i].gsi + 1);
	routes->first = kvcalloc(routes->nr_gsis + 1, sizeof(*routes->first), GFP_KERNEL_ACCOUNT);
	if (!routes->first) {
		free_routes(routes);
		return NULL;
	}
	fill_routes(routes, e, nr);
	return routes;
}

static void publish(struct lodge_vm *vm, struct lodge_irq_routes *routes)
{
	struct lodge_irq_routes *old;

	mutex_lock(&vm->irq_lock);
	old = rcu_replace_pointer(vm->irq_routes, routes, lockdep_is_held(&vm->irq_lock));
	mutex_unlock(&vm->irq_lock);
	if (old)
		wait_for_readers(vm);
	free_routes(old);
	/* Other pins may now be the ones whose EOI somebody waits for. */
	ioapic_must_look(vm);
}

int lodge_irq_routes_set(struct lodge_vm *vm, const struct kvm_irq_routing_entry *e, u32 nr,
			 u32 flags)
{
	struct lodge_irq_routes *routes;
	u32 i;
	int r;

	if (flags || nr > LODGE_MAX_GSI)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		r = check_entry(vm, &e[i]);
		if (r)
			return r;
	}
	routes = build_routes(e, nr);
	if (!routes)
		return -ENOMEM;
	if (!routes_compatible(routes)) {
		free_routes(routes);
		return -EINVAL;
	}
	publish(vm, routes);
	return 0;
}

int lodge_irq_routes_default(struct lodge_vm *vm)
{
	struct kvm_irq_routing_entry *e;
	u32 gsi, nr = 0;
	int r;

	e = kcalloc(KVM_IOAPIC_NUM_PINS + PIC_NR_PINS, sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	for (gsi = 0; gsi < KVM_IOAPIC_NUM_PINS; gsi++) {
		e[nr].gsi = gsi;
		e[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[nr].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e[nr++].u.irqchip.pin = gsi;
	}
	for (gsi = 0; gsi < PIC_NR_PINS; gsi++) {
		e[nr].gsi = gsi;
		e[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[nr].u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
		e[nr++].u.irqchip.pin = gsi & 7;
	}
	r = lodge_irq_routes_set(vm, e, nr, 0);
	kfree(e);
	return r;
}

int lodge_irq_routes_empty(struct lodge_vm *vm)
{
	return lodge_irq_routes_set(vm, NULL, 0, 0);
}

void lodge_irq_routes_free(struct lodge_vm *vm)
{
	/* No reader is left. */
	free_routes(rcu_replace_pointer(vm->irq_routes, NULL, true));
}
