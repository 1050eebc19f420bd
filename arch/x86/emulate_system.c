// SPDX-License-Identifier: GPL-2.0
/*
 * System instructions that are met on the way of another emulation, and not by
 * an exit of their own (those are in exit_*.c).
 */
#include <asm/trapnr.h>

#include "cpuid.h"
#include "debug_regs.h"
#include "emu.h"
#include "exit.h"
#include "msr.h"
#include "regs_inline.h"
#include "time.h"
#include "trace.h"

static int done_or_gp(struct lodge_emu *e, int err)
{
	return err ? emu_fault_e(e, X86_TRAP_GP, 0) : EMU_OK;
}

/* LMSW can set PE but not clear it, and changes no more than PE, MP, EM and TS. */
static int load_msw(struct lodge_emu *e)
{
	unsigned long cr0 = lodge_cr0(e->vcpu);
	u64 value;
	int r;

	r = emu_read_operand(e, e->insn->src, &value);
	if (r)
		return r;
	cr0 = (cr0 & ~0xeul) | (value & 0xf);
	return done_or_gp(e, lodge_write_cr0(e->vcpu, cr0));
}

/* A memory destination is 16 bits, a register gets as much of CR0 as it holds. */
static int store_msw(struct lodge_emu *e)
{
	u64 cr0 = lodge_cr0(e->vcpu);

	if ((lodge_cr4(e->vcpu) & X86_CR4_UMIP) && emu_cpl(e))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	if (e->insn->mem)
		return emu_write(e, e->insn->seg, emu_address(e), &cr0, 2);
	emu_set_reg(e, e->insn->rm, e->insn->size, cr0);
	return EMU_OK;
}

static int read_cr(struct lodge_emu *e)
{
	unsigned long value;

	if (lodge_read_cr(e->vcpu, e->insn->reg, &value))
		return emu_fault(e, X86_TRAP_UD);
	return emu_write_operand(e, OPND_RM, value);
}

/* User space that keeps the interrupt controller wants to know of a lower priority. */
static int write_cr8(struct lodge_emu *e, unsigned long value)
{
	unsigned long before = lodge_read_cr8(e->vcpu);

	if (lodge_write_cr8(e->vcpu, value))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	if (e->vcpu->arch.lapic || before <= value)
		return EMU_OK;
	e->exit_reason = KVM_EXIT_SET_TPR;
	return EMU_TELL_USER;
}

static int write_cr(struct lodge_emu *e)
{
	struct lodge_vcpu *vcpu = e->vcpu;
	u64 value;

	emu_read_operand(e, OPND_RM, &value);
	trace_kvm_cr(true, e->insn->reg, value);
	switch (e->insn->reg) {
	case 0:
		return done_or_gp(e, lodge_write_cr0(vcpu, value));
	case 2:
		vcpu->arch.cr2 = value;
		return EMU_OK;
	case 3:
		return done_or_gp(e, lodge_write_cr3(vcpu, value));
	case 4:
		return done_or_gp(e, lodge_write_cr4(vcpu, value));
	case 8:
		return write_cr8(e, value);
	default:
		return emu_fault(e, X86_TRAP_UD);
	}
}

/* APM vol. 2, Debug Registers: DR4 and DR5 are aliases unless CR4.DE; GD guards them all. */
static int check_dr(struct lodge_emu *e)
{
	u8 dr = e->insn->reg;

	if (dr > 7 || ((dr == 4 || dr == 5) && (lodge_cr4(e->vcpu) & X86_CR4_DE)))
		return emu_fault(e, X86_TRAP_UD);
	if (!(lodge_dr7_in_force(e->vcpu) & LODGE_DR7_GD))
		return EMU_OK;
	/* When the debugger has seen it, the guest's CPU comes here anew. */
	if (lodge_exit_debug(e->vcpu, LODGE_DR6_BD | LODGE_DR6_ACTIVE_LOW) == LODGE_TO_USER)
		return EMU_USER;
	return EMU_FAULT;
}

static int read_dr(struct lodge_emu *e)
{
	int r = check_dr(e);

	return r ?: emu_write_operand(e, OPND_RM, lodge_read_dr(e->vcpu, e->insn->reg));
}

static int write_dr(struct lodge_emu *e)
{
	u64 value;
	int r = check_dr(e);

	if (r)
		return r;
	emu_read_operand(e, OPND_RM, &value);
	return done_or_gp(e, lodge_write_dr(e->vcpu, e->insn->reg, value));
}

static int invlpg(struct lodge_emu *e)
{
	unsigned long offset = emu_address(e);
	gva_t gva;

	/* No access is made: what is not canonical is no fault, and nothing to flush. */
	if (emu_segment_ok(e, e->insn->seg, offset, 1, false, &gva))
		lodge_mmu_invlpg(e->vcpu, gva);
	return EMU_OK;
}

static int read_msr(struct lodge_emu *e)
{
	u32 index = lodge_reg(e->vcpu, LODGE_RCX);
	u64 data = 0;
	int err = lodge_guest_get_msr(e->vcpu, index, &data);

	trace_kvm_msr(false, index, data, err);
	if (!err)
		lodge_set_edx_eax(e->vcpu, data);
	else if (lodge_msr_to_user(e->vcpu, false, index, 0, err, e->next_rip))
		return EMU_USER;
	return done_or_gp(e, err);
}

static int write_msr(struct lodge_emu *e)
{
	u32 index = lodge_reg(e->vcpu, LODGE_RCX);
	u64 data = lodge_edx_eax(e->vcpu);
	int err = lodge_guest_set_msr(e->vcpu, index, data);

	trace_kvm_msr(true, index, data, err);
	if (err && lodge_msr_to_user(e->vcpu, true, index, data, err, e->next_rip))
		return EMU_USER;
	return done_or_gp(e, err);
}

static int do_cpuid(struct lodge_emu *e)
{
	struct lodge_vcpu *vcpu = e->vcpu;

	if ((vcpu->arch.misc_features & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT) && emu_cpl(e))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	lodge_cpuid_execute(vcpu);
	return EMU_OK;
}

/* As lodge_exit_hlt() does behind the instruction. */
static int do_hlt(struct lodge_emu *e)
{
	if (lodge_halt(e->vcpu))
		return EMU_OK;
	e->exit_reason = KVM_EXIT_HLT;
	return EMU_TELL_USER;
}

/* What the line holds is coherent already; but it must be one that may be read. */
static int flush_line(struct lodge_emu *e)
{
	gva_t gva;
	int r = emu_linear(e, e->insn->seg, emu_address(e), 1, false, &gva);

	return r ?: emu_probe_read(e, gva, 1);
}

/* SDM vol. 2, CLAC and STAC. */
static int set_ac(struct lodge_emu *e, bool on)
{
	unsigned long flags = lodge_rflags(e->vcpu) & ~X86_EFLAGS_AC;

	if (emu_cpl(e))
		return emu_fault(e, X86_TRAP_UD);
	lodge_set_rflags(e->vcpu, on ? flags | X86_EFLAGS_AC : flags);
	return EMU_OK;
}

/* XCR0, and no more: XINUSE (SDM vol. 2, XGETBV) is in the CPU's hands. */
static int read_xcr(struct lodge_emu *e)
{
	u32 index = lodge_reg(e->vcpu, LODGE_RCX);

	if (!(lodge_cr4(e->vcpu) & X86_CR4_OSXSAVE))
		return emu_fault(e, X86_TRAP_UD);
	if (index == 1)
		return EMU_UNKNOWN;
	if (index)
		return emu_fault_e(e, X86_TRAP_GP, 0);
	lodge_set_edx_eax(e->vcpu, e->vcpu->arch.xcr0);
	return EMU_OK;
}

static int write_xcr(struct lodge_emu *e)
{
	if (!(lodge_cr4(e->vcpu) & X86_CR4_OSXSAVE))
		return emu_fault(e, X86_TRAP_UD);
	return done_or_gp(e, emu_cpl(e) ||
			  lodge_write_xcr0(e->vcpu, lodge_reg(e->vcpu, LODGE_RCX),
					   lodge_edx_eax(e->vcpu), false));
}

/* RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE, as ModRM.reg numbers them. */
static int access_base(struct lodge_emu *e)
{
	u8 seg = e->insn->reg & 1 ? LODGE_SEG_GS : LODGE_SEG_FS;
	struct kvm_segment s;

	if (!(lodge_cr4(e->vcpu) & X86_CR4_FSGSBASE))
		return emu_fault(e, X86_TRAP_UD);
	lodge_be(get_segment)(e->vcpu, &s, seg);
	if (!(e->insn->reg & 2)) {
		emu_set_reg(e, e->insn->rm, e->insn->size, s.base);
		return EMU_OK;
	}
	s.base = emu_reg(e, e->insn->rm, e->insn->size);
	if (!emu_canonical(e->vcpu, s.base))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	lodge_be(set_segment)(e->vcpu, &s, seg);
	return EMU_OK;
}

static int swap_gs(struct lodge_emu *e)
{
	struct kvm_segment gs;
	u64 other;

	if (lodge_get_msr(e->vcpu, MSR_KERNEL_GS_BASE, &other, true))
		return EMU_UNKNOWN;
	lodge_be(get_segment)(e->vcpu, &gs, LODGE_SEG_GS);
	lodge_set_msr(e->vcpu, MSR_KERNEL_GS_BASE, gs.base, true);
	gs.base = other;
	lodge_be(set_segment)(e->vcpu, &gs, LODGE_SEG_GS);
	return EMU_OK;
}

static int read_tsc(struct lodge_emu *e)
{
	if ((lodge_cr4(e->vcpu) & X86_CR4_TSD) && emu_cpl(e))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	lodge_set_edx_eax(e->vcpu, lodge_guest_tsc(e->vcpu, rdtsc()));
	return EMU_OK;
}

static int read_tscp(struct lodge_emu *e)
{
	u64 aux;
	int r;

	if (!lodge_has(&e->vcpu->arch, LODGE_F_RDTSCP) ||
	    lodge_get_msr(e->vcpu, MSR_TSC_AUX, &aux, true))
		return emu_fault(e, X86_TRAP_UD);
	r = read_tsc(e);
	if (!r)
		lodge_set_reg(e->vcpu, LODGE_RCX, (u32)aux);
	return r;
}

/* MOV to and from a register that there is not is #UD at any privilege. */
static bool is_cr(u8 cr)
{
	return cr == 0 || cr == 2 || cr == 3 || cr == 4 || cr == 8;
}

static int do_privileged(struct lodge_emu *e)
{
	if (emu_cpl(e))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	switch (e->insn->op) {
	case OP_CLTS:
		return done_or_gp(e, lodge_write_cr0(e->vcpu, lodge_cr0(e->vcpu) & ~X86_CR0_TS));
	case OP_LMSW:
		return load_msw(e);
	case OP_MOV_FROM_CR:
		return read_cr(e);
	case OP_MOV_TO_CR:
		return write_cr(e);
	case OP_MOV_FROM_DR:
		return read_dr(e);
	case OP_MOV_TO_DR:
		return write_dr(e);
	case OP_INVLPG:
		return invlpg(e);
	case OP_WBINVD:
		/* Memory is write-back and coherent: nothing to do. */
		return EMU_OK;
	case OP_HLT:
		return do_hlt(e);
	case OP_SWAPGS:
		return swap_gs(e);
	case OP_RDMSR:
		return read_msr(e);
	case OP_WRMSR:
		return write_msr(e);
	default:
		return EMU_UNKNOWN;
	}
}

int emu_do_system(struct lodge_emu *e)
{
	switch (e->insn->op) {
	case OP_VMCALL:
	case OP_VMMCALL:
		return EMU_UNKNOWN;
	case OP_CACHE_LINE:
		return flush_line(e);
	case OP_CLAC:
	case OP_STAC:
		return set_ac(e, e->insn->op == OP_STAC);
	case OP_XGETBV:
		return read_xcr(e);
	case OP_XSETBV:
		return write_xcr(e);
	case OP_FSGSBASE:
		return access_base(e);
	case OP_RDTSCP:
		return read_tscp(e);
	case OP_RDPMC:
		/* The guest's CPUID shows no counter, so every index is out of range. */
		return emu_fault_e(e, X86_TRAP_GP, 0);
	case OP_MOV_FROM_CR:
	case OP_MOV_TO_CR:
		if (!is_cr(e->insn->reg))
			return emu_fault(e, X86_TRAP_UD);
		break;
	case OP_MOV_FROM_DR:
	case OP_MOV_TO_DR:
		if (e->insn->reg > 7)
			return emu_fault(e, X86_TRAP_UD);
		break;
	case OP_CPUID:
		return do_cpuid(e);
	case OP_RDTSC:
		return read_tsc(e);
	case OP_SMSW:
		return store_msw(e);
	}
	return do_privileged(e);
}
