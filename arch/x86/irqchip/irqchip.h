/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The in-kernel interrupt controllers, as the rest of the module sees them.
 * One file each: lapic.c (registers, delivery, priorities), lapic_ipi.c (who is
 * addressed), lapic_timer.c, ioapic.c, pic.c, pit.c.
 */
#ifndef LODGE_IRQCHIP_H
#define LODGE_IRQCHIP_H

#include "lodge.h"

/* An interrupt message on its way to local APICs. */
struct lodge_msi {
	u32 dest_id;
	bool dest_logical;
	u8 vector;
	u8 delivery_mode;	/* APIC_DM_* >> 8 */
	bool level;		/* trigger mode */
	bool assert;
	u8 shorthand;		/* 0 none, 1 self, 2 all, 3 all but self */
	bool redirection_hint;
};

static inline bool lodge_irqchip_kernel(const struct lodge_vm *vm)
{
	/* Set when all that it promises is there: see that too. */
	return smp_load_acquire(&vm->arch.irqchip_mode) == LODGE_IRQCHIP_KERNEL;
}

static inline bool lodge_irqchip_split(const struct lodge_vm *vm)
{
	/* Set when all that it promises is there: see that too. */
	return smp_load_acquire(&vm->arch.irqchip_mode) == LODGE_IRQCHIP_SPLIT;
}

/* --- whole irqchip: vm->lock held, process --- */
int lodge_irqchip_create(struct lodge_vm *vm);			/* KVM_CREATE_IRQCHIP */
/*
 * KVM_CAP_SPLIT_IRQCHIP, for user space with an IOAPIC of @nr_pins: a limit is all that
 * is made of that, as every level interrupt's EOI goes to user space.
 */
int lodge_irqchip_create_split(struct lodge_vm *vm, u64 nr_pins);
void lodge_irqchip_destroy(struct lodge_vm *vm);
int lodge_irqchip_get(struct lodge_vm *vm, struct kvm_irqchip *chip);
int lodge_irqchip_set(struct lodge_vm *vm, const struct kvm_irqchip *chip);
int lodge_pit_create(struct lodge_vm *vm, const struct kvm_pit_config *config);
void lodge_pit_destroy(struct lodge_vm *vm);
int lodge_pit_get(struct lodge_vm *vm, struct kvm_pit_state2 *state);
int lodge_pit_set(struct lodge_vm *vm, const struct kvm_pit_state2 *state);
int lodge_pit_reinject(struct lodge_vm *vm, const struct kvm_reinject_control *control);

/* --- local APIC: lapic.c.  Own thread, vCPU loaded, unless said --- */
int lodge_lapic_create(struct lodge_vcpu *vcpu);	/* process */
void lodge_lapic_destroy(struct lodge_vcpu *vcpu);
void lodge_lapic_reset(struct lodge_vcpu *vcpu, bool init);
int lodge_lapic_get_state(struct lodge_vcpu *vcpu, struct kvm_lapic_state *s);
int lodge_lapic_set_state(struct lodge_vcpu *vcpu, const struct kvm_lapic_state *s);
/* The vector to inject now, or -1: highest of IRR above PPR.  Cheap when there is none. */
int lodge_lapic_pending(struct lodge_vcpu *vcpu);
/* The highest vector in IRR whatever PPR, or -1. */
int lodge_lapic_highest_irr(struct lodge_vcpu *vcpu);
/* Move @vector from IRR to ISR: it is being injected. */
void lodge_lapic_accept(struct lodge_vcpu *vcpu, int vector);
/* The reverse is not needed: an injected interrupt is re-injected, not returned. */
u32 lodge_lapic_tpr(struct lodge_vcpu *vcpu);		/* 0-255 */
void lodge_lapic_set_tpr(struct lodge_vcpu *vcpu, u32 tpr);
int lodge_lapic_set_base(struct lodge_vcpu *vcpu, u64 value, bool host);	/* 0 or 1 for #GP */
/* x2APIC MSRs 0x800-0x8ff.  0, or 1 for #GP. */
int lodge_x2apic_read(struct lodge_vcpu *vcpu, u32 msr, u64 *data);
int lodge_x2apic_write(struct lodge_vcpu *vcpu, u32 msr, u64 data);
/*
 * MMIO at the APIC page: handled if @gpa lies in the page this vCPU's APIC base
 * names and xAPIC mode is on.  True if it was.
 */
bool lodge_lapic_mmio_read(struct lodge_vcpu *vcpu, gpa_t gpa, int len, void *data);
bool lodge_lapic_mmio_write(struct lodge_vcpu *vcpu, gpa_t gpa, int len, const void *data);
/*
 * A CPU with APIC virtualization works on the page of registers while the guest runs,
 * and tells of it afterwards.  All but the first with a local APIC, vcpu->arch.apicv
 * where "virtual" is in the name.
 */
void *lodge_lapic_page(struct lodge_vcpu *vcpu);	/* NULL without; constant */
void lodge_lapic_tpr_moved(struct lodge_vcpu *vcpu);	/* TPR has another value */
/* The guest wrote the register at @offset, and the value is there: act on it. */
void lodge_lapic_written(struct lodge_vcpu *vcpu, u32 offset);
void lodge_lapic_virtual_eoi(struct lodge_vcpu *vcpu, u8 vector);	/* ISR is up to date */
/* Bits of ISR and IRR may have changed; @irr is the highest in IRR now, 0 for none. */
void lodge_lapic_virtual_state(struct lodge_vcpu *vcpu, u8 irr);
int lodge_lapic_highest_isr(struct lodge_vcpu *vcpu);	/* or -1 */
/* The backend's take_posted() found it: an edge goes to IRR. */
void lodge_lapic_posted(struct lodge_vcpu *vcpu, u8 vector);
/* The vectors, a bit each, whose EOI somebody waits for. */
void lodge_lapic_eoi_exits(struct lodge_vcpu *vcpu, u64 vectors[4]);
/* Accepts ExtINT from the PIC (LVT0, or APIC disabled)?  */
bool lodge_lapic_accepts_pic(struct lodge_vcpu *vcpu);
/* INIT and SIPI that came: act on them.  Loaded.  0 or -errno. */
void lodge_lapic_accept_events(struct lodge_vcpu *vcpu);
bool lodge_lapic_has_init_sipi(struct lodge_vcpu *vcpu);	/* any context */
/* The vCPU's CPUID changed (x2APIC, TSC deadline). */
void lodge_lapic_cpuid_changed(struct lodge_vcpu *vcpu);

/*
 * Any vCPU of the VM and any context: hand it @msi, whose destination is not looked at,
 * and kick.  1 delivered, 0 coalesced with one that waits already, -1 ignored.
 */
int lodge_lapic_deliver(struct lodge_vcpu *vcpu, const struct lodge_msi *msi);

/*
 * --- lapic_ipi.c: any context ---
 * Number of APICs that took it, 0: coalesced in all, -1: none did.  @source: the vCPU
 * that sent it, or NULL for a device.
 */
int lodge_apic_deliver(struct lodge_vm *vm, struct lodge_vcpu *source,
		       const struct lodge_msi *msi);
int lodge_apic_deliver_msi(struct lodge_vm *vm, u64 address, u32 data);
void lodge_apic_map_update(struct lodge_vm *vm);	/* process: rebuild who answers to what */

/*
 * --- lapic_timer.c: it puts its vector into IRR by itself when it fires ---
 */
u64 lodge_lapic_tsc_deadline(struct lodge_vcpu *vcpu);		/* MSR_IA32_TSC_DEADLINE */
void lodge_lapic_set_tsc_deadline(struct lodge_vcpu *vcpu, u64 value);
/* On vcpu_load on another CPU than before; preemption off. */
void lodge_lapic_timer_migrate(struct lodge_vcpu *vcpu);
/* The own thread is about to sleep: have the host watch the deadline.  Loaded. */
void lodge_lapic_timer_sleep(struct lodge_vcpu *vcpu);
/* The CPU saw the deadline that set_deadline gave it.  Loaded. */
void lodge_lapic_deadline_passed(struct lodge_vcpu *vcpu);
void lodge_lapic_timer_tsc_changed(struct lodge_vcpu *vcpu);	/* offset or scale is new */

/* --- IOAPIC and PIC: any context --- */
/* EOI of @vector, @level as its TMR bit says: tells those who wait for it, lowers Remote IRR. */
void lodge_ioapic_eoi(struct lodge_vcpu *vcpu, u8 vector, bool level);
/* Somebody waits for the EOI of @vector even if it is of an edge interrupt. */
bool lodge_ioapic_handles(struct lodge_vm *vm, u8 vector);
/* All of those, as a bitmap of 256. */
void lodge_ioapic_eoi_vectors(struct lodge_vm *vm, unsigned long *vectors);
int lodge_pic_pending(struct lodge_vm *vm);			/* INTR line of the master */
int lodge_pic_ack(struct lodge_vm *vm);				/* INTA cycle: the vector */

/* KVM_EXIT_IOAPIC_EOI, for LODGE_REQ_IOAPIC_EOI. */
int lodge_exit_ioapic_eoi(struct lodge_vcpu *vcpu);

/*
 * What the vCPU should be given now, LAPIC and PIC together: the vector or -1
 * (peek), and the same with the acknowledge cycle done (take).
 */
bool lodge_irq_pending(struct lodge_vcpu *vcpu);
int lodge_irq_take(struct lodge_vcpu *vcpu);
/* The same, but for what a CPU with vcpu->arch.apicv takes from the LAPIC by itself. */
bool lodge_irq_injectable(struct lodge_vcpu *vcpu);

#endif
