// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a local APIC (SDM vol. 3, Local APIC States; x2APIC State
 * Transitions): reset, enabled or not, xAPIC or x2APIC; and its state as a
 * whole for user space (KVM_GET_LAPIC, KVM_SET_LAPIC).  Own thread.
 */
#include "backend.h"
#include "cpuid.h"
#include "lapic_regs.h"

/* SDM vol. 3, Local APIC State After Power-Up or Reset.  ID and mode stay. */
static void lapic_reset_registers(struct lodge_lapic *l)
{
	static const u16 lvts[] = {
		APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
	};
	static const u16 zeroes[] = {
		APIC_TASKPRI, APIC_PROCPRI, APIC_ESR, APIC_ICR, APIC_ICR2, APIC_TMICT, APIC_TDCR,
	};
	unsigned int i;

	lodge_lapic_timer_reset(l);
	WRITE_ONCE(l->sw_enabled, false);
	lapic_set(l, APIC_LVR, LAPIC_VERSION);
	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		lapic_set(l, lvts[i], APIC_LVT_MASKED);
	for (i = 0; i < ARRAY_SIZE(zeroes); i++)
		lapic_set(l, zeroes[i], 0);
	l->vcpu->arch.regs_dirty |= BIT(LODGE_REG_TPR);
	lodge_lapic_take_posted(l);
	for (i = 0; i < 8; i++) {
		lapic_set(l, APIC_ISR + i * 0x10, 0);
		lapic_set(l, APIC_TMR + i * 0x10, 0);
		lapic_set(l, APIC_IRR + i * 0x10, 0);
	}
	lapic_set(l, APIC_LDR, l->x2apic ? lapic_x2apic_ldr(lapic_x2apic_id(l)) : 0);
	lapic_set(l, APIC_DFR, APIC_DFR_FLAT);
	lapic_set(l, APIC_SPIV, 0xff);
	atomic_set(&l->errors, 0);
	lodge_lapic_sync_summaries(l);
}

static void lapic_set_xapic_id(struct lodge_lapic *l)
{
	lapic_set(l, APIC_ID, SET_XAPIC_DEST_FIELD((u32)l->vcpu->id));
}

void lodge_lapic_reset(struct lodge_vcpu *vcpu, bool init)
{
	struct lodge_lapic *l = vcpu->arch.lapic;
	bool bsp = vcpu->vm->arch.bsp_vcpu_id == vcpu->id;

	/* INIT leaves the mode, the base and the ID as they are. */
	if (!init) {
		vcpu->arch.apic_base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE |
				       (bsp ? MSR_IA32_APICBASE_BSP : 0);
		vcpu->arch.pending_init_sipi = 0;
		WRITE_ONCE(l->hw_enabled, true);
		WRITE_ONCE(l->x2apic, false);
		lapic_set_xapic_id(l);
	}
	lapic_reset_registers(l);
	/*
	 * A boot processor without firmware to set up virtual wire mode finds
	 * it so, which clients of the KVM ABI count on unless they disable it.
	 */
	if (!init && bsp && !(vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_LINT0_REENABLED))
		lapic_set(l, APIC_LVT0, SET_APIC_DELIVERY_MODE(0, APIC_MODE_EXTINT));
	lodge_apic_map_update(vcpu->vm);
}

static bool base_valid(struct lodge_vcpu *vcpu, u64 value, bool host)
{
	u64 reserved = GENMASK_ULL(7, 0) | BIT_ULL(9);
	u64 old = vcpu->arch.apic_base;

	if (!lodge_has(&vcpu->arch, LODGE_F_X2APIC))
		reserved |= X2APIC_ENABLE;
	if ((value & reserved) || value >> vcpu->arch.maxphyaddr)
		return false;
	if ((value & X2APIC_ENABLE) && !(value & XAPIC_ENABLE))
		return false;
	if (host)
		return true;
	/* SDM vol. 3, x2APIC State Transitions: x2APIC is entered from xAPIC, left to disabled. */
	if ((value & X2APIC_ENABLE) && !(old & XAPIC_ENABLE))
		return false;
	return !(old & X2APIC_ENABLE) || (value & X2APIC_ENABLE) || !(value & XAPIC_ENABLE);
}

int lodge_lapic_set_base(struct lodge_vcpu *vcpu, u64 value, bool host)
{
	struct lodge_lapic *l = vcpu->arch.lapic;
	u64 changed = vcpu->arch.apic_base ^ value;

	if (!base_valid(vcpu, value, host))
		return 1;
	vcpu->arch.apic_base = value;
	if (!l)
		return 0;
	if (!(changed & (XAPIC_ENABLE | X2APIC_ENABLE))) {
		if (changed)
			lodge_be(apic_mode_changed)(vcpu);
		return 0;
	}

	WRITE_ONCE(l->hw_enabled, value & XAPIC_ENABLE);
	if (changed & X2APIC_ENABLE) {
		WRITE_ONCE(l->x2apic, value & X2APIC_ENABLE);
		if (l->x2apic) {
			u32 id = lapic_x2apic_id(l);

			lapic_set(l, APIC_ID, id);
			lapic_set(l, APIC_LDR, lapic_x2apic_ldr(id));
			lapic_set(l, APIC_ICR2, 0);
		}
	}
	/* Disabled, it forgets all but the ID. */
	if (!l->hw_enabled)
		lapic_reset_registers(l);
	if (!l->x2apic && (changed & X2APIC_ENABLE)) {
		lapic_set_xapic_id(l);
		lapic_set(l, APIC_LDR, 0);
	}
	if (changed & XAPIC_ENABLE)
		lodge_cpuid_update_runtime(vcpu);	/* CPUID.1:EDX.APIC */
	lodge_be(apic_mode_changed)(vcpu);
	lodge_apic_map_update(vcpu->vm);
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}

void lodge_lapic_cpuid_changed(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	/* Without TSC-deadline its mode bit is reserved. */
	if (!lodge_has(&vcpu->arch, LODGE_F_TSC_DEADLINE))
		lodge_lapic_timer_set_lvt(l, lapic_get(l, APIC_LVTT) &
					     ~APIC_LVT_TIMER_TSCDEADLINE);
}

/* --- the state as a whole --- */

/*
 * User space sees the ID register of x2APIC mode as the xAPIC's, in bits 31-24,
 * unless it asked for all 32 bits (KVM_X2APIC_API_USE_32BIT_IDS).
 */
static bool long_ids(const struct lodge_vcpu *vcpu)
{
	return vcpu->vm->arch.x2apic_format & KVM_X2APIC_API_USE_32BIT_IDS;
}

int lodge_lapic_get_state(struct lodge_vcpu *vcpu, struct kvm_lapic_state *s)
{
	struct lodge_lapic *l = vcpu->arch.lapic;

	lodge_lapic_take_posted(l);
	memcpy(s->regs, l->regs, sizeof(s->regs));
	*(u32 *)(s->regs + APIC_TMCCT) = lodge_lapic_timer_current(l);
	if (l->x2apic && !long_ids(vcpu))
		*(u32 *)(s->regs + APIC_ID) = SET_XAPIC_DEST_FIELD(lapic_x2apic_id(l));
	return 0;
}

int lodge_lapic_set_state(struct lodge_vcpu *vcpu, const struct kvm_lapic_state *s)
{
	struct lodge_lapic *l = vcpu->arch.lapic;
	u32 id = *(const u32 *)(s->regs + APIC_ID);

	if (l->x2apic && long_ids(vcpu) && id != lapic_x2apic_id(l))
		return -EINVAL;

	lodge_lapic_timer_stop(l);
	lodge_lapic_take_posted(l);
	memcpy(l->regs, s->regs, sizeof(s->regs));
	lapic_set(l, APIC_LVR, LAPIC_VERSION);
	lapic_set(l, APIC_TASKPRI, lapic_get(l, APIC_TASKPRI) & APIC_TPRI_MASK);
	vcpu->arch.regs_dirty |= BIT(LODGE_REG_TPR);
	if (l->x2apic) {
		lapic_set(l, APIC_ID, lapic_x2apic_id(l));
		lapic_set(l, APIC_LDR, lapic_x2apic_ldr(lapic_x2apic_id(l)));
	}
	WRITE_ONCE(l->sw_enabled, lapic_get(l, APIC_SPIV) & APIC_SPIV_APIC_ENABLED);
	atomic_set(&l->errors, 0);
	lodge_lapic_sync_summaries(l);
	lodge_lapic_timer_restore(l, lapic_get(l, APIC_TMCCT));
	lodge_apic_map_update(vcpu->vm);
	lodge_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}
