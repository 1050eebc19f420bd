// SPDX-License-Identifier: GPL-2.0
/* RDMSR, WRMSR and their like: RDPMC and XSETBV. */
#include "backend.h"
#include "exit.h"
#include "irqchip/irqchip.h"
#include "msr.h"
#include "regs_inline.h"
#include "trace.h"

int lodge_exit_rdmsr(struct lodge_vcpu *vcpu)
{
	u32 index = lodge_reg(vcpu, LODGE_RCX);
	u64 data = 0;
	int err = lodge_guest_get_msr(vcpu, index, &data);

	trace_kvm_msr(false, index, data, err);
	if (!err)
		lodge_set_edx_eax(vcpu, data);
	else if (lodge_msr_to_user(vcpu, false, index, 0, err, 0))
		return LODGE_TO_USER;
	return lodge_complete_insn_gp(vcpu, err);
}

int lodge_exit_wrmsr(struct lodge_vcpu *vcpu)
{
	u32 index = lodge_reg(vcpu, LODGE_RCX);
	u64 data = lodge_edx_eax(vcpu);
	int err = lodge_guest_set_msr(vcpu, index, data);

	trace_kvm_msr(true, index, data, err);
	if (unlikely(err) && lodge_msr_to_user(vcpu, true, index, data, err, 0))
		return LODGE_TO_USER;
	return lodge_complete_insn_gp(vcpu, err);
}

int lodge_exit_rdpmc(struct lodge_vcpu *vcpu)
{
	/* The guest's CPUID shows no counter, so every index is out of range. */
	return lodge_complete_insn_gp(vcpu, 1);
}

int lodge_exit_xsetbv(struct lodge_vcpu *vcpu)
{
	int err = lodge_be(get_cpl)(vcpu) ||
		  lodge_write_xcr0(vcpu, lodge_reg(vcpu, LODGE_RCX),
				   lodge_edx_eax(vcpu), false);

	return lodge_complete_insn_gp(vcpu, err);
}
