// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses to control and debug registers: the exit qualification names the
 * register of the MOV (SDM vol. 3, Exit Qualification for Control-Register
 * Accesses; for MOV DR).
 */
#include "emulate.h"
#include "exit.h"
#include "trace.h"
#include "vmx/vmx.h"

enum vmx_cr_access {
	VMX_CR_WRITE,
	VMX_CR_READ,
	VMX_CLTS,
	VMX_LMSW,
};

/* CLTS exits where TS is the host's; the guest's value has it set. */
static int vmx_exit_clts(struct lodge_vcpu *vcpu)
{
	unsigned long cr0 = lodge_cr0(vcpu) & ~X86_CR0_TS;

	trace_kvm_cr(true, 0, cr0);
	return lodge_complete_insn_gp(vcpu, lodge_write_cr0(vcpu, cr0));
}

/* PE can be set by LMSW, but not cleared (SDM vol. 2, LMSW). */
static int vmx_exit_lmsw(struct lodge_vcpu *vcpu, unsigned long qual)
{
	const unsigned long low = X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;
	unsigned long source = (qual & LMSW_SOURCE_DATA) >> LMSW_SOURCE_DATA_SHIFT;
	unsigned long old = lodge_cr0(vcpu);
	unsigned long cr0 = (old & ~low) | (source & low) | (old & X86_CR0_PE);

	trace_kvm_cr(true, 0, cr0);
	return lodge_complete_insn_gp(vcpu, lodge_write_cr0(vcpu, cr0));
}

int vmx_exit_cr(struct lodge_vcpu *vcpu)
{
	unsigned long qual = vmcs_readl(EXIT_QUALIFICATION);
	int cr = qual & 15, reg = (qual >> 8) & 15;

	switch ((qual & CONTROL_REG_ACCESS_TYPE) >> 4) {
	case VMX_CR_WRITE:
		return lodge_exit_cr_write(vcpu, cr, reg);
	case VMX_CR_READ:
		return lodge_exit_cr_read(vcpu, cr, reg);
	case VMX_CLTS:
		return vmx_exit_clts(vcpu);
	default:
		return vmx_exit_lmsw(vcpu, qual);
	}
}

/*
 * SDM vol. 3, Format of the VM-Exit Instruction-Information Field as Used for INVPCID; the
 * qualification is the displacement.  With shadow paging.
 */
#define VMX_INFO_SCALE(info)	((info) & 3)
#define VMX_INFO_ADDR(info)	(2u << (((info) >> 7) & 3))	/* bytes */
#define VMX_INFO_SEG(info)	(((info) >> 15) & 7)
#define VMX_INFO_INDEX(info)	(((info) >> 18) & 15)
#define VMX_INFO_NO_INDEX	BIT(22)
#define VMX_INFO_BASE(info)	(((info) >> 23) & 15)
#define VMX_INFO_NO_BASE	BIT(27)
#define VMX_INFO_REG2(info)	(((info) >> 28) & 15)

int vmx_exit_invpcid(struct lodge_vcpu *vcpu)
{
	u32 info = vmcs_read32(VMX_INSTRUCTION_INFO);
	unsigned long offset = vmcs_readl(EXIT_QUALIFICATION);
	int seg = VMX_INFO_SEG(info);
	bool long_mode = lodge_is_64bit(vcpu);
	gva_t gva;

	if (!(info & VMX_INFO_NO_BASE))
		offset += lodge_reg(vcpu, VMX_INFO_BASE(info));
	if (!(info & VMX_INFO_NO_INDEX))
		offset += lodge_reg(vcpu, VMX_INFO_INDEX(info)) << VMX_INFO_SCALE(info);
	if (VMX_INFO_ADDR(info) < 8)
		offset &= GENMASK(VMX_INFO_ADDR(info) * 8 - 1, 0);
	gva = offset;
	if (!long_mode || seg == LODGE_SEG_FS || seg == LODGE_SEG_GS)
		gva += vmx_get_segment_base(vcpu, min_t(int, seg, LODGE_SEG_GS));
	return lodge_exit_invpcid(vcpu, lodge_reg(vcpu, VMX_INFO_REG2(info)),
				  long_mode ? gva : (u32)gva);
}

int vmx_exit_dr(struct lodge_vcpu *vcpu)
{
	unsigned long qual = vmcs_readl(EXIT_QUALIFICATION);
	int dr = qual & DEBUG_REG_ACCESS_NUM, reg = DEBUG_REG_ACCESS_REG(qual);

	/*
	 * The exit comes before the checks of CPL, of DR4 and DR5 and of general
	 * detection (SDM vol. 3, Instructions That Cause VM Exits Conditionally):
	 * the guest has them all made by its CPU, once the registers are its own.
	 */
	if (!vcpu->arch.guest_debug) {
		vmx_own_debug_regs(to_vmx(vcpu), true);
		return LODGE_RESUME;
	}
	if (qual & TYPE_MOV_FROM_DR)
		return lodge_exit_dr_read(vcpu, dr, reg);
	return lodge_exit_dr_write(vcpu, dr, reg);
}
