/* SPDX-License-Identifier: GPL-2.0 */
/* The register accessors; see regs.h.  The vCPU is loaded. */
#ifndef LODGE_REGS_INLINE_H
#define LODGE_REGS_INLINE_H

#include "backend.h"

static inline void lodge_need_reg(struct lodge_vcpu *vcpu, int reg)
{
	if (unlikely(!(vcpu->arch.regs_avail & BIT(reg))))
		lodge_be(cache_reg)(vcpu, reg);
}

static inline unsigned long lodge_reg(struct lodge_vcpu *vcpu, int reg)
{
	lodge_need_reg(vcpu, reg);
	return vcpu->arch.regs[reg];
}

static inline void lodge_set_reg(struct lodge_vcpu *vcpu, int reg, unsigned long value)
{
	vcpu->arch.regs[reg] = value;
	vcpu->arch.regs_avail |= BIT(reg);
	vcpu->arch.regs_dirty |= BIT(reg);
}

static inline unsigned long lodge_rip(struct lodge_vcpu *vcpu)
{
	return lodge_reg(vcpu, LODGE_RIP);
}

static inline unsigned long lodge_rflags(struct lodge_vcpu *vcpu)
{
	return lodge_reg(vcpu, LODGE_RFLAGS);
}

static inline void lodge_set_rflags(struct lodge_vcpu *vcpu, unsigned long rflags)
{
	lodge_set_reg(vcpu, LODGE_RFLAGS, rflags | X86_EFLAGS_FIXED);
}

static inline unsigned long lodge_cr0(struct lodge_vcpu *vcpu)
{
	lodge_need_reg(vcpu, LODGE_REG_CR0);
	return vcpu->arch.cr0;
}

static inline unsigned long lodge_cr3(struct lodge_vcpu *vcpu)
{
	lodge_need_reg(vcpu, LODGE_REG_CR3);
	return vcpu->arch.cr3;
}

static inline unsigned long lodge_cr4(struct lodge_vcpu *vcpu)
{
	lodge_need_reg(vcpu, LODGE_REG_CR4);
	return vcpu->arch.cr4;
}

static inline bool lodge_is_paging(struct lodge_vcpu *vcpu)
{
	return lodge_cr0(vcpu) & X86_CR0_PG;
}

static inline bool lodge_is_protmode(struct lodge_vcpu *vcpu)
{
	return lodge_cr0(vcpu) & X86_CR0_PE;
}

static inline bool lodge_is_long_mode(struct lodge_vcpu *vcpu)
{
	return vcpu->arch.efer & EFER_LMA;
}

static inline bool lodge_is_pae_paging(struct lodge_vcpu *vcpu)
{
	return lodge_is_paging(vcpu) && (lodge_cr4(vcpu) & X86_CR4_PAE) &&
	       !lodge_is_long_mode(vcpu);
}

/* CS.L with EFER.LMA: code runs in 64-bit mode. */
static inline bool lodge_is_64bit(struct lodge_vcpu *vcpu)
{
	return lodge_is_long_mode(vcpu) && lodge_be(get_code_size)(vcpu) == 8;
}

/* EDX:EAX, as RDMSR, WRMSR, XSETBV and RDTSC use them. */
static inline u64 lodge_edx_eax(struct lodge_vcpu *vcpu)
{
	return (u32)lodge_reg(vcpu, LODGE_RAX) |
	       ((u64)(u32)lodge_reg(vcpu, LODGE_RDX) << 32);
}

static inline void lodge_set_edx_eax(struct lodge_vcpu *vcpu, u64 value)
{
	lodge_set_reg(vcpu, LODGE_RAX, (u32)value);
	lodge_set_reg(vcpu, LODGE_RDX, value >> 32);
}

#endif
