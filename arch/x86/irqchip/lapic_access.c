// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's registers as the guest reads and writes them: through the
 * APIC page in xAPIC mode, and through MSRs in x2APIC mode (SDM vol. 3, Local
 * APIC Register Address Map; Extended XAPIC (x2APIC)).  Own thread.
 *
 * A register is named by its offset in the APIC page in both modes.
 */
#include "lapic_regs.h"
#include "trace.h"

/* Reserved bits of the interrupt command register that x2APIC mode checks. */
#define X2APIC_ICR_RESERVED	(GENMASK(31, 20) | GENMASK(17, 16) | BIT(13))

/* Bits of the LVT entries that can be written. */
#define LVT_COMMON	(APIC_VECTOR_MASK | APIC_LVT_MASKED)
#define LVT_MODE	(LVT_COMMON | APIC_MODE_MASK)
#define LVT_LINT	(LVT_MODE | APIC_INPUT_POLARITY | APIC_LVT_LEVEL_TRIGGER)

static bool reg_in(u32 reg, u32 first)
{
	return reg >= first && reg < first + 8 * 0x10;
}

/* Can @reg be read in the mode the APIC is in?  TMCCT and ICR are read elsewhere too. */
static bool reg_readable(const struct lodge_lapic *l, u32 reg)
{
	switch (reg) {
	case APIC_ID:
	case APIC_LVR:
	case APIC_TASKPRI:
	case APIC_PROCPRI:
	case APIC_LDR:
	case APIC_SPIV:
	case APIC_ESR:
	case APIC_ICR:
	case APIC_LVTT:
	case APIC_LVTTHMR:
	case APIC_LVTPC:
	case APIC_LVT0:
	case APIC_LVT1:
	case APIC_LVTERR:
	case APIC_TMICT:
	case APIC_TMCCT:
	case APIC_TDCR:
		return true;
	case APIC_ARBPRI:
	case APIC_DFR:
	case APIC_ICR2:
		return !l->x2apic;
	}
	return reg_in(reg, APIC_ISR) || reg_in(reg, APIC_TMR) || reg_in(reg, APIC_IRR);
}

static bool reg_read(struct lodge_lapic *l, u32 reg, u32 *value)
{
	if (!reg_readable(l, reg))
		return false;
	*value = reg == APIC_TMCCT ? lodge_lapic_timer_current(l) : lapic_get(l, reg);
	trace_kvm_apic(false, reg, *value);
	return true;
}

static void send_ipi(struct lodge_lapic *l, u32 low, u32 dest)
{
	struct lodge_vcpu *vcpu = l->vcpu;
	u32 mode = low & APIC_DM_FIXED_MASK;
	bool init = mode == APIC_DM_INIT;
	struct lodge_msi msi = {
		.dest_id = dest,
		.dest_logical = low & APIC_DEST_LOGICAL,
		.vector = low & APIC_VECTOR_MASK,
		.delivery_mode = mode >> 8,
		/* All but INIT are edge-triggered whatever the bit says. */
		.level = init && (low & APIC_INT_LEVELTRIG),
		.assert = low & APIC_INT_ASSERT,
		.shorthand = (low & APIC_DEST_ALLBUT) >> 18,
	};

	trace_kvm_apic_ipi(low, dest);
	if (unlikely(msi.vector < 16 && (mode == APIC_DM_FIXED || mode == APIC_DM_LOWEST))) {
		lodge_lapic_error(l, APIC_ESR_SENDILL);
		return;
	}
	lodge_apic_deliver(vcpu->vm, vcpu, &msi);
}

static void write_spiv(struct lodge_lapic *l, u32 value)
{
	static const u16 lvts[] = {
		APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
	};
	bool enable = value & APIC_SPIV_APIC_ENABLED;
	unsigned int i;

	lapic_set(l, APIC_SPIV, value & (APIC_VECTOR_MASK | APIC_SPIV_APIC_ENABLED |
					 APIC_SPIV_FOCUS_DISABLED));
	if (enable == l->sw_enabled)
		return;
	WRITE_ONCE(l->sw_enabled, enable);
	/* SDM vol. 3, Local APIC State After It Has Been Software Disabled. */
	for (i = 0; !enable && i < ARRAY_SIZE(lvts); i++)
		lapic_set(l, lvts[i], lapic_get(l, lvts[i]) | APIC_LVT_MASKED);
	lodge_apic_map_update(l->vcpu->vm);
}

static void write_lvt(struct lodge_lapic *l, u32 reg, u32 value)
{
	static const u32 writable[] = {
		[0] = LVT_COMMON | APIC_LVT_TIMER_PERIODIC,
		[1] = LVT_MODE, [2] = LVT_MODE,
		[3] = LVT_LINT, [4] = LVT_LINT,
		[5] = LVT_COMMON,
	};
	u32 mask = writable[(reg - APIC_LVTT) / 0x10];

	if (reg == APIC_LVTT && lodge_has(&l->vcpu->arch, LODGE_F_TSC_DEADLINE))
		mask |= APIC_LVT_TIMER_TSCDEADLINE;
	value &= mask;
	if (!l->sw_enabled)
		value |= APIC_LVT_MASKED;
	if (reg == APIC_LVTT)
		lodge_lapic_timer_set_lvt(l, value);
	else
		lapic_set(l, reg, value);
	/* The PIC may be waiting to be let through. */
	if (reg == APIC_LVT0)
		lodge_request(l->vcpu, LODGE_REQ_EVENT);
}

/* Registers that only xAPIC mode has, or lets the guest write. */
static bool reg_write_xapic(struct lodge_lapic *l, u32 reg, u32 value)
{
	switch (reg) {
	case APIC_ID:
		lapic_set(l, APIC_ID, value & SET_XAPIC_DEST_FIELD(0xffu));
		break;
	case APIC_LDR:
		lapic_set(l, APIC_LDR, value & APIC_LDR_MASK);
		break;
	case APIC_DFR:
		lapic_set(l, APIC_DFR, value | ~(u32)(0xfu << 28));
		break;
	case APIC_ICR2:
		lapic_set(l, APIC_ICR2, value & SET_XAPIC_DEST_FIELD(0xffu));
		return true;
	case APIC_ICR:
		/* Sent before the guest can look: never busy. */
		lapic_set(l, APIC_ICR, value & ~APIC_ICR_BUSY);
		send_ipi(l, value, lapic_get(l, APIC_ICR2) >> 24);
		return true;
	default:
		return false;
	}
	lodge_apic_map_update(l->vcpu->vm);
	return true;
}

/* False: no such register, or not one to write. */
static bool reg_write(struct lodge_lapic *l, u32 reg, u32 value)
{
	trace_kvm_apic(true, reg, value);
	switch (reg) {
	case APIC_EOI:
		lodge_lapic_eoi(l);
		return true;
	case APIC_TASKPRI:
		lodge_lapic_set_tpr(l->vcpu, value);
		return true;
	case APIC_TMICT:
		lodge_lapic_timer_set_initial(l, value);
		return true;
	case APIC_TDCR:
		lodge_lapic_timer_set_divide(l, value & APIC_TDR_DIV_1);
		return true;
	case APIC_LVTT:
	case APIC_LVTTHMR:
	case APIC_LVTPC:
	case APIC_LVT0:
	case APIC_LVT1:
	case APIC_LVTERR:
		write_lvt(l, reg, value);
		return true;
	case APIC_SPIV:
		write_spiv(l, value);
		return true;
	case APIC_ESR:
		/* SDM vol. 3, Error Handling: a write shows what was seen since the last. */
		lapic_set(l, APIC_ESR, atomic_xchg(&l->errors, 0));
		return true;
	}
	if (l->x2apic)
		return false;	/* the WRMSR faults, which is error enough */
	if (reg_write_xapic(l, reg, value))
		return true;
	lodge_lapic_error(l, APIC_ESR_ILLREGA);
	return false;
}

/* SDM vol. 3, APIC-Write Emulation: the CPU stored the value, the effect is left to us. */
void lodge_lapic_written(struct lodge_vcpu *vcpu, u32 offset)
{
	struct lodge_lapic *l = vcpu->arch.lapic;
	u32 value = lapic_get(l, offset);

	if (offset == APIC_SELF_IPI)
		send_ipi(l, APIC_DEST_SELF | APIC_INT_ASSERT | (value & APIC_VECTOR_MASK), 0);
	else
		reg_write(l, offset, value);
}

/* --- x2APIC --- */

int lodge_x2apic_read(struct lodge_vcpu *vcpu, u32 msr, u64 *data)
{
	struct lodge_lapic *l = vcpu->arch.lapic;
	u32 reg = (msr - APIC_BASE_MSR) << 4;
	u32 value;

	if (!l || !l->x2apic || reg >= KVM_APIC_REG_SIZE)
		return 1;
	if (!reg_read(l, reg, &value))
		return 1;
	*data = value;
	if (reg == APIC_ICR)
		*data |= (u64)lapic_get(l, APIC_ICR2) << 32;
	return 0;
}

static int write_x2apic_icr(struct lodge_lapic *l, u64 data)
{
	if ((u32)data & X2APIC_ICR_RESERVED)
		return 1;
	lapic_set(l, APIC_ICR, data);
	lapic_set(l, APIC_ICR2, data >> 32);
	send_ipi(l, data, data >> 32);
	return 0;
}

int lodge_x2apic_write(struct lodge_vcpu *vcpu, u32 msr, u64 data)
{
	struct lodge_lapic *l = vcpu->arch.lapic;
	u32 reg = (msr - APIC_BASE_MSR) << 4;

	if (!l || !l->x2apic || reg >= KVM_APIC_REG_SIZE)
		return 1;
	if (reg == APIC_ICR)
		return write_x2apic_icr(l, data);
	/* SDM vol. 3, x2APIC Register Address Space: reserved bits fault. */
	if (data >> 32)
		return 1;
	switch (reg) {
	case APIC_EOI:
	case APIC_ESR:
		if (data)
			return 1;
		break;
	case APIC_SELF_IPI:
		if (data & ~(u64)APIC_VECTOR_MASK)
			return 1;
		send_ipi(l, APIC_DEST_SELF | APIC_INT_ASSERT | data, 0);
		return 0;
	}
	return reg_write(l, reg, data) ? 0 : 1;
}

/* --- xAPIC --- */

static bool in_apic_page(struct lodge_vcpu *vcpu, gpa_t gpa)
{
	return vcpu->arch.lapic && !((vcpu->arch.apic_base ^ gpa) >> PAGE_SHIFT);
}

/*
 * The page of an APIC that is disabled or in x2APIC mode is ordinary memory.
 * Clients of the KVM ABI expect a hole there until they disable the quirk:
 * reads give ones and writes are dropped.
 */
static bool mmio_is_hole(struct lodge_vcpu *vcpu)
{
	return !(vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_LAPIC_MMIO_HOLE);
}

bool lodge_lapic_mmio_read(struct lodge_vcpu *vcpu, gpa_t gpa, int len, void *data)
{
	struct lodge_lapic *l = vcpu->arch.lapic;
	u32 offset = offset_in_page(gpa);
	u32 value = 0;

	if (!in_apic_page(vcpu, gpa))
		return false;
	if (!l->hw_enabled || l->x2apic) {
		memset(data, 0xff, len);
		return mmio_is_hole(vcpu);
	}
	memset(data, 0, len);
	/* Only the first four of each sixteen bytes hold a register. */
	if ((offset & 0xf) + len > 4)
		return true;
	if (!reg_read(l, offset & ~0xf, &value)) {
		lodge_lapic_error(l, APIC_ESR_ILLREGA);
		return true;
	}
	value >>= (offset & 0xf) * 8;
	memcpy(data, &value, len);
	return true;
}

bool lodge_lapic_mmio_write(struct lodge_vcpu *vcpu, gpa_t gpa, int len, const void *data)
{
	struct lodge_lapic *l = vcpu->arch.lapic;
	u32 offset = offset_in_page(gpa);

	if (!in_apic_page(vcpu, gpa))
		return false;
	if (!l->hw_enabled || l->x2apic)
		return mmio_is_hole(vcpu);
	/* SDM vol. 3, The Local APIC Block Diagram: registers are written as aligned 32 bits. */
	if (len == 4 && !(offset & 0xf))
		reg_write(l, offset, *(const u32 *)data);
	return true;
}
