// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt controllers as a whole: making them, their state for user
 * space, and what a vCPU is to be given next by the PIC and its local APIC.
 *
 * vm->arch.irqchip_mode is set last, when everything it promises is there, and
 * only while the VM has no vCPU: a local APIC belongs to every vCPU or to none.
 */
#include "chips.h"
#include "lapic_regs.h"

/* What both kinds of irqchip have: local APICs.  vm->lock held. */
static int may_create(struct lodge_vm *vm)
{
	if (vm->arch.irqchip_mode != LODGE_IRQCHIP_NONE)
		return -EEXIST;
	return vm->nr_created ? -EINVAL : 0;
}

int lodge_irqchip_create(struct lodge_vm *vm)
{
	struct lodge_ioapic *ioapic;
	struct lodge_pic *pic;
	int r = may_create(vm);

	if (r)
		return r;
	mutex_init(&vm->arch.apic_map_lock);
	pic = lodge_pic_create(vm);
	if (IS_ERR(pic))
		return PTR_ERR(pic);
	vm->arch.pic = pic;
	ioapic = lodge_ioapic_create(vm);
	if (IS_ERR(ioapic)) {
		r = PTR_ERR(ioapic);
		goto destroy_pic;
	}
	vm->arch.ioapic = ioapic;
	r = lodge_irq_routes_default(vm);
	if (r)
		goto destroy_ioapic;
	/* Pairs with lodge_irqchip_kernel(). */
	smp_store_release(&vm->arch.irqchip_mode, LODGE_IRQCHIP_KERNEL);
	return 0;

destroy_ioapic:
	lodge_ioapic_destroy(vm);
destroy_pic:
	lodge_pic_destroy(vm);
	return r;
}

int lodge_irqchip_create_split(struct lodge_vm *vm, u64 nr_pins)
{
	int r;

	if (nr_pins > LODGE_MAX_GSI)
		return -EINVAL;
	/* As KVM has it, vCPUs count as an irqchip here. */
	if (may_create(vm))
		return -EEXIST;
	mutex_init(&vm->arch.apic_map_lock);
	r = lodge_irq_routes_empty(vm);
	if (r)
		return r;
	/* Pairs with lodge_irqchip_split(). */
	smp_store_release(&vm->arch.irqchip_mode, LODGE_IRQCHIP_SPLIT);
	return 0;
}

void lodge_irqchip_destroy(struct lodge_vm *vm)
{
	lodge_pit_destroy(vm);
	lodge_ioapic_destroy(vm);
	lodge_pic_destroy(vm);
	lodge_irq_routes_free(vm);
	/* No vCPU is left to send or receive. */
	kvfree(rcu_replace_pointer(vm->arch.apic_map, NULL, true));
}

int lodge_irqchip_get(struct lodge_vm *vm, struct kvm_irqchip *chip)
{
	if (!lodge_irqchip_kernel(vm))
		return -ENXIO;
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
		lodge_pic_get(vm->arch.pic, 0, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_PIC_SLAVE:
		lodge_pic_get(vm->arch.pic, 1, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		lodge_ioapic_get(vm->arch.ioapic, &chip->chip.ioapic);
		return 0;
	}
	return -EINVAL;
}

int lodge_irqchip_set(struct lodge_vm *vm, const struct kvm_irqchip *chip)
{
	if (!lodge_irqchip_kernel(vm))
		return -ENXIO;
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
		lodge_pic_set(vm->arch.pic, 0, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_PIC_SLAVE:
		lodge_pic_set(vm->arch.pic, 1, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		lodge_ioapic_set(vm->arch.ioapic, &chip->chip.ioapic);
		return 0;
	}
	return -EINVAL;
}

/* --- what the vCPU is given next --- */

bool lodge_lapic_accepts_pic(struct lodge_vcpu *vcpu)
{
	const struct lodge_lapic *l = vcpu->arch.lapic;
	u32 lvt0 = lapic_get(l, APIC_LVT0);

	/* SDM vol. 3, Enabling or Disabling the Local APIC: LINT0 is the INTR pin then. */
	if (!READ_ONCE(l->hw_enabled))
		return true;
	return !(lvt0 & APIC_LVT_MASKED) && GET_APIC_DELIVERY_MODE(lvt0) == APIC_MODE_EXTINT;
}

static bool extint_pending(struct lodge_vcpu *vcpu)
{
	struct lodge_vm *vm = vcpu->vm;

	/* Without a PIC here, it is user space's, and KVM_INTERRUPT its INTA cycle. */
	if (!(vm->arch.pic ? lodge_pic_pending(vm) : vcpu->arch.user_vector >= 0))
		return false;
	return lodge_lapic_accepts_pic(vcpu);
}

static int extint_take(struct lodge_vcpu *vcpu)
{
	int vector;

	if (vcpu->vm->arch.pic)
		return lodge_pic_ack(vcpu->vm);
	vector = vcpu->arch.user_vector;
	vcpu->arch.user_vector = -1;
	return vector;
}

bool lodge_irq_pending(struct lodge_vcpu *vcpu)
{
	return extint_pending(vcpu) || lodge_lapic_pending(vcpu) >= 0;
}

bool lodge_irq_injectable(struct lodge_vcpu *vcpu)
{
	return vcpu->arch.apicv ? extint_pending(vcpu) : lodge_irq_pending(vcpu);
}

int lodge_irq_take(struct lodge_vcpu *vcpu)
{
	int vector;

	/* ExtINT has no rank among the local APIC's vectors: it is not held back. */
	if (extint_pending(vcpu))
		return extint_take(vcpu);
	if (vcpu->arch.apicv)
		return -1;
	vector = lodge_lapic_pending(vcpu);
	if (vector >= 0)
		lodge_lapic_accept(vcpu, vector);
	return vector;
}

int lodge_exit_ioapic_eoi(struct lodge_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	vcpu->run->eoi.vector = vcpu->arch.ioapic_eoi;
	return LODGE_TO_USER;
}
