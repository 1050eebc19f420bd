// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's time-stamp counter: guest = scaled host TSC + offset.
 *
 * The offset moves when the guest writes IA32_TSC or IA32_TSC_ADJUST, and when
 * user space sets the TSC.  User space sets vCPUs one after the other and means
 * them to agree, so a value that is near what another vCPU was just given
 * counts as the same value, a little later.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <asm/tsc.h>

#include "backend.h"
#include "irqchip/irqchip.h"
#include "regs_inline.h"
#include "time.h"
#include "trace.h"

/* How far a TSC may be off the one asked for before it has to be scaled. */
#define TOLERANCE_PPM	250

static u64 default_multiplier(void)
{
	return BIT_ULL(lodge_caps.tsc_frac_bits);
}

u32 lodge_host_tsc_khz(void)
{
	return tsc_khz;
}

int lodge_tsc_init(void)
{
	return tsc_khz ? 0 : -ENODEV;
}

static u64 scale(struct lodge_vcpu *vcpu, u64 host_tsc)
{
	u64 multiplier = vcpu->arch.tsc_multiplier;

	if (likely(multiplier == default_multiplier()))
		return host_tsc;
	return mul_u64_u64_shr(host_tsc, multiplier, lodge_caps.tsc_frac_bits);
}

u64 lodge_guest_tsc(struct lodge_vcpu *vcpu, u64 host_tsc)
{
	return scale(vcpu, host_tsc) + vcpu->arch.tsc_offset;
}

void lodge_set_tsc_offset(struct lodge_vcpu *vcpu, u64 offset)
{
	if (offset == vcpu->arch.tsc_offset)
		return;
	trace_kvm_write_tsc_offset(vcpu->id, vcpu->arch.tsc_offset, offset);
	vcpu->arch.tsc_offset = offset;
	lodge_be(write_tsc_offset)(vcpu, offset);
	if (vcpu->arch.lapic)
		lodge_lapic_timer_tsc_changed(vcpu);
	/* The stable bit promises equal TSCs; and this vCPU's clock has a TSC in it. */
	if (READ_ONCE(vcpu->vm->arch.clock_used))
		lodge_request(vcpu, LODGE_REQ_MASTERCLOCK);
}

/*
 * Is @value, written at @ns, what the last written TSC has become by now?  Zero
 * always is: it is what a vCPU begins with, and it begins in step with others.
 */
static bool continues_last_write(struct lodge_vm_arch *a, u32 khz, u64 value, u64 ns)
{
	u64 expected, second = khz * 1000ull;

	if (a->tsc_last_khz != khz)
		return false;
	if (!value)
		return true;
	expected = a->tsc_last_write + mul_u64_u32_div(ns - a->tsc_last_ns, khz, NSEC_PER_MSEC);
	return value < expected + second && value + second > expected;
}

static void synchronize(struct lodge_vcpu *vcpu, u64 value)
{
	struct lodge_vm_arch *a = &vcpu->vm->arch;
	u32 khz = vcpu->arch.tsc_khz;
	unsigned long flags;
	u64 offset, ns;

	raw_spin_lock_irqsave(&a->tsc_lock, flags);
	ns = ktime_get_boottime_ns();
	offset = value - scale(vcpu, rdtsc());
	if (continues_last_write(a, khz, value, ns)) {
		if (check_tsc_unstable())
			offset += mul_u64_u32_div(ns - a->tsc_last_ns, khz, NSEC_PER_MSEC);
		else
			offset = a->tsc_last_offset;
	}
	a->tsc_last_write = value;
	a->tsc_last_ns = ns;
	a->tsc_last_khz = khz;
	a->tsc_last_offset = offset;
	raw_spin_unlock_irqrestore(&a->tsc_lock, flags);

	lodge_set_tsc_offset(vcpu, offset);
}

void lodge_write_tsc(struct lodge_vcpu *vcpu, u64 value, bool host)
{
	u64 offset;

	if (host) {
		synchronize(vcpu, value);
		return;
	}
	/*
	 * The guest's own write shows in IA32_TSC_ADJUST (SDM vol. 3, IA32_TSC_ADJUST
	 * Register Support).
	 */
	offset = value - scale(vcpu, rdtsc());
	vcpu->arch.tsc_adjust += offset - vcpu->arch.tsc_offset;
	lodge_set_tsc_offset(vcpu, offset);
}

void lodge_write_tsc_adjust(struct lodge_vcpu *vcpu, u64 value, bool host)
{
	u64 delta = value - vcpu->arch.tsc_adjust;

	vcpu->arch.tsc_adjust = value;
	/* User space restores the TSC itself, adjustment included. */
	if (!host)
		lodge_set_tsc_offset(vcpu, vcpu->arch.tsc_offset + delta);
}

static bool within_tolerance(u32 khz)
{
	u64 slack = div_u64((u64)tsc_khz * TOLERANCE_PPM, 1000000);

	return khz >= tsc_khz - slack && khz <= tsc_khz + slack;
}

int lodge_set_tsc_khz(struct lodge_vcpu *vcpu, u32 khz)
{
	u64 multiplier = default_multiplier();

	if (!khz)
		khz = tsc_khz;
	if (!within_tolerance(khz)) {
		if (!lodge_caps.tsc_scaling)
			return -EINVAL;
		multiplier = mul_u64_u32_div(BIT_ULL(lodge_caps.tsc_frac_bits), khz, tsc_khz);
		if (!multiplier || multiplier > lodge_caps.max_tsc_ratio)
			return -EINVAL;
	}
	vcpu->arch.tsc_khz = khz;
	if (multiplier != vcpu->arch.tsc_multiplier) {
		vcpu->arch.tsc_multiplier = multiplier;
		lodge_be(write_tsc_multiplier)(vcpu, multiplier);
	}
	if (READ_ONCE(vcpu->vm->arch.clock_used))
		lodge_request(vcpu, LODGE_REQ_MASTERCLOCK);
	return 0;
}

void lodge_tsc_vcpu_create(struct lodge_vcpu *vcpu)
{
	u32 khz = READ_ONCE(vcpu->vm->arch.default_tsc_khz);

	vcpu->arch.tsc_multiplier = default_multiplier();
	/* The VM's default was checked when it was set. */
	lodge_set_tsc_khz(vcpu, khz);
	lodge_write_tsc(vcpu, 0, true);
}

void lodge_tsc_vcpu_load(struct lodge_vcpu *vcpu, bool migrated)
{
	if (likely(!migrated || !check_tsc_unstable()) || !vcpu->arch.last_host_tsc)
		return;
	/* This CPU's TSC has nothing to do with the last one's: go on from where the guest was. */
	lodge_set_tsc_offset(vcpu, vcpu->arch.last_guest_tsc - scale(vcpu, rdtsc()));
}

void lodge_tsc_vcpu_put(struct lodge_vcpu *vcpu)
{
	if (likely(!check_tsc_unstable()))
		return;
	vcpu->arch.last_host_tsc = rdtsc();
	vcpu->arch.last_guest_tsc = lodge_guest_tsc(vcpu, vcpu->arch.last_host_tsc);
}
