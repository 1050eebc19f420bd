// SPDX-License-Identifier: GPL-2.0
/*
 * The VMX-preemption timer, for the local APIC's TSC deadline (SDM vol. 3,
 * VMX-Preemption Timer): it counts while the guest runs, at the TSC's rate divided
 * by a power of two, and ends the guest at zero.  Arming it costs a WRMSR of the
 * guest no more than its exit, where a timer of the host's is programmed, fires as
 * an interrupt, and is programmed again.
 *
 * It does not count while the host runs, so that it is loaded anew before each
 * entry.  32 bits of it may not reach the deadline: the exit then comes early, and
 * the next entry loads the rest.
 */
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <asm/processor.h>
#include <asm/tsc.h>

#include "irqchip/irqchip.h"
#include "time.h"
#include "vmx/vmx.h"

static bool preemption_timer = true;
module_param(preemption_timer, bool, 0444);
MODULE_PARM_DESC(preemption_timer,
		 "Intel: time guests' TSC deadlines by the VMX-preemption timer (default: yes)");

/* Bits 4:0 of IA32_VMX_MISC: it counts down by one when this bit of the TSC changes. */
#define VMX_TIMER_SHIFT_MASK	0x1f

/*
 * CPUs on which it may count at another rate than IA32_VMX_MISC says, by their
 * signatures (the specification updates of the first Core i and of Xeon 7500 and
 * E3 v2: "VMX-Preemption Timer Does Not Count Down at the Rate Specified").
 */
static bool vmx_timer_has_erratum(void)
{
	static const u32 signatures[] = {
		0x000106a0, 0x000106a1, 0x000106a4, 0x000106a5, 0x000106e5,
		0x00020652, 0x00020655, 0x000206e6, 0x000306a8,
	};
	u32 signature = cpuid_eax(1);
	int i;

	for (i = 0; i < ARRAY_SIZE(signatures); i++) {
		if (signature == signatures[i])
			return true;
	}
	return false;
}

/* Once, after the capabilities are known. */
void vmx_timer_setup(void)
{
	if (!preemption_timer || vmx_timer_has_erratum())
		vmx_caps.use[VMX_PIN] &= ~PIN_BASED_VMX_PREEMPTION_TIMER;
}

void vmx_timer_vcpu_reset(struct vmx_vcpu *vmx)
{
	/* vmx_timer_enter() turns the control on again if a deadline is still ahead. */
	if (vmx->timer.deadline)
		vmx->slow |= VMX_SLOW_TIMER;
}

/*
 * A guest that may execute MWAIT by itself can bring the CPU into a state that the
 * timer does not count in.
 */
bool vmx_set_deadline(struct lodge_vcpu *vcpu, u64 tsc)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx_uses(VMX_PIN, PIN_BASED_VMX_PREEMPTION_TIMER) ||
	    (vcpu->vm->arch.disabled_exits & KVM_X86_DISABLE_EXITS_MWAIT))
		return false;
	vmx->timer.deadline = tsc;
	vmx->slow |= VMX_SLOW_TIMER;
	return true;
}

/* From the guest's TSC to the host's, rounded up. */
static u64 vmx_host_cycles(const struct lodge_vcpu *vcpu, u64 cycles)
{
	u64 one = BIT_ULL(lodge_caps.tsc_frac_bits);
	u64 mult = vcpu->arch.tsc_multiplier;

	if (likely(!lodge_caps.tsc_scaling || mult == one))
		return cycles;
	/* A quotient that does not fit would fault; more than 32 bits are of no use anyway. */
	if (cycles >> 32)
		cycles = U32_MAX;
	return mul_u64_u64_div_u64(cycles, one, mult) + 1;
}

void vmx_timer_enter(struct vmx_vcpu *vmx)
{
	struct lodge_vcpu *vcpu = &vmx->vcpu;
	u64 now, ticks = 0;

	if (!vmx->timer.deadline) {
		vmx_control(vmx, VMX_PIN, PIN_BASED_VMX_PREEMPTION_TIMER, false);
		vmx->slow &= ~VMX_SLOW_TIMER;
		return;
	}
	now = lodge_guest_tsc(vcpu, rdtsc());
	if (now < vmx->timer.deadline)
		ticks = (vmx_host_cycles(vcpu, vmx->timer.deadline - now) >>
			 (vmx_caps.misc & VMX_TIMER_SHIFT_MASK)) + 1;
	vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, min_t(u64, ticks, U32_MAX));
	vmx_control(vmx, VMX_PIN, PIN_BASED_VMX_PREEMPTION_TIMER, true);
}

int vmx_exit_preemption_timer(struct lodge_vcpu *vcpu)
{
	lodge_lapic_deadline_passed(vcpu);
	return LODGE_RESUME;
}
