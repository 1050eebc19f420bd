// SPDX-License-Identifier: GPL-2.0
/*
 * Exits decoded: from an SVM exit code (APM vol. 2, SVM Intercept Exit Codes) to
 * the neutral handler that acts on it (exit.h).
 */
#include <linux/nospec.h>
#include <uapi/asm/debugreg.h>
#include <asm/trapnr.h>

#include "debug_regs.h"
#include "emulate.h"
#include "exit.h"
#include "svm/svm.h"

static struct vmcb_control_area *svm_control(struct lodge_vcpu *vcpu)
{
	return &to_svm(vcpu)->vmcb->control;
}

/* The host's own business, done by now: take the next turn. */
static int svm_exit_host(struct lodge_vcpu *vcpu)
{
	return LODGE_RESUME;
}

static int svm_exit_intr(struct lodge_vcpu *vcpu)
{
	vcpu->stats.irq_exits++;
	return LODGE_RESUME;
}

static int svm_exit_msr(struct lodge_vcpu *vcpu)
{
	return svm_control(vcpu)->exit_info_1 ? lodge_exit_wrmsr(vcpu) : lodge_exit_rdmsr(vcpu);
}

/* APM vol. 2, IN/OUT Intercepts: EXITINFO1 has all but the data. */
static int svm_exit_io(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = svm_control(vcpu);
	u32 info = control->exit_info_1;
	u8 size = (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT;

	if (unlikely(info & SVM_IOIO_STR_MASK))
		return lodge_exit_string_io(vcpu);
	if (info & SVM_IOIO_TYPE_MASK)
		return lodge_exit_in(vcpu, info >> 16, size, control->exit_info_2);
	return lodge_exit_out(vcpu, info >> 16, size, control->exit_info_2);
}

/* An instruction this guest does not have. */
static int svm_exit_ud(struct lodge_vcpu *vcpu)
{
	lodge_queue_exception(vcpu, UD_VECTOR);
	return LODGE_RESUME;
}

static int svm_exit_db_excp(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	unsigned long dr6 = svm->vmcb->save.dr6;

	/* While user space debugs the guest, DR6 tells what happened to it alone. */
	if (!(svm->slow & SVM_SLOW_DEBUG))
		vcpu->arch.dr6 = dr6;
	dr6 = svm_strip_step(svm, dr6);
	if ((svm->slow & SVM_SLOW_STEPPED) && !(dr6 & LODGE_DR6_WRITABLE))
		return LODGE_RESUME;
	return lodge_exit_debug(vcpu, dr6);
}

static int svm_exit_bp_excp(struct lodge_vcpu *vcpu)
{
	return lodge_exit_breakpoint(vcpu);
}

static int svm_exit_ud_excp(struct lodge_vcpu *vcpu)
{
	return lodge_emulate(vcpu, 0, LODGE_EMU_UD, NULL, 0);
}

static int svm_exit_ac_excp(struct lodge_vcpu *vcpu)
{
	lodge_queue_exception_e(vcpu, AC_VECTOR, svm_control(vcpu)->exit_info_1);
	return LODGE_RESUME;
}

/* "The state saved in the VMCB is undefined" (APM vol. 2, Shutdown Intercept). */
static int svm_exit_shutdown(struct lodge_vcpu *vcpu)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	memset(&vmcb->save, 0, sizeof(vmcb->save));
	lodge_vcpu_reset(vcpu, true);
	return lodge_shutdown(vcpu);
}

/*
 * APM vol. 2, Task Switch Intercept: what is neither IRET nor JMP is CALL, unless an event
 * was being delivered; INT n, INT3 and INTO are instructions all the same.
 */
static int svm_exit_task_switch(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = svm_control(vcpu);
	u32 event = control->exit_int_info;
	u64 info = control->exit_info_2;
	enum lodge_task_switch reason = LODGE_TASK_CALL;
	bool insn = true;

	if (info & BIT_ULL(SVM_EXITINFOSHIFT_TS_REASON_IRET)) {
		reason = LODGE_TASK_IRET;
	} else if (info & BIT_ULL(SVM_EXITINFOSHIFT_TS_REASON_JMP)) {
		reason = LODGE_TASK_JMP;
	} else if (event & SVM_EXITINTINFO_VALID) {
		reason = LODGE_TASK_GATE;
		insn = svm_event_is_soft(event);
	}
	return lodge_task_switch(vcpu, control->exit_info_1, reason, insn,
				 info & BIT_ULL(SVM_EXITINFOSHIFT_TS_HAS_ERROR_CODE), info);
}

static int (*const svm_exits[])(struct lodge_vcpu *vcpu) = {
	[SVM_EXIT_READ_CR0]		= svm_exit_cr,
	[SVM_EXIT_READ_CR3]		= svm_exit_cr,
	[SVM_EXIT_READ_CR4]		= svm_exit_cr,
	[SVM_EXIT_READ_CR8]		= svm_exit_cr,
	[SVM_EXIT_WRITE_CR0]		= svm_exit_cr,
	[SVM_EXIT_WRITE_CR3]		= svm_exit_cr,
	[SVM_EXIT_WRITE_CR4]		= svm_exit_cr,
	[SVM_EXIT_WRITE_CR8]		= svm_exit_cr,
	[SVM_EXIT_CR0_SEL_WRITE]	= svm_exit_cr,
	[SVM_EXIT_READ_DR0 ... SVM_EXIT_READ_DR7] = svm_exit_dr,
	[SVM_EXIT_WRITE_DR0 ... SVM_EXIT_WRITE_DR7] = svm_exit_dr,
	[SVM_EXIT_EXCP_BASE + DB_VECTOR] = svm_exit_db_excp,
	[SVM_EXIT_EXCP_BASE + BP_VECTOR] = svm_exit_bp_excp,
	[SVM_EXIT_EXCP_BASE + UD_VECTOR] = svm_exit_ud_excp,
	[SVM_EXIT_EXCP_BASE + PF_VECTOR] = svm_exit_pf_excp,
	[SVM_EXIT_EXCP_BASE + AC_VECTOR] = svm_exit_ac_excp,
	[SVM_EXIT_EXCP_BASE + MC_VECTOR] = svm_exit_host,
	[SVM_EXIT_INTR]			= svm_exit_intr,
	[SVM_EXIT_NMI]			= svm_exit_host,
	[SVM_EXIT_SMI]			= svm_exit_host,
	[SVM_EXIT_VINTR]		= svm_exit_vintr,
	[SVM_EXIT_RDPMC]		= lodge_exit_rdpmc,
	[SVM_EXIT_CPUID]		= lodge_exit_cpuid,
	[SVM_EXIT_RSM]			= svm_exit_ud,
	[SVM_EXIT_IRET]			= svm_exit_iret,
	[SVM_EXIT_INVD]			= lodge_exit_wbinvd,
	[SVM_EXIT_PAUSE]		= lodge_exit_pause,
	[SVM_EXIT_HLT]			= lodge_exit_hlt,
	[SVM_EXIT_INVLPG]		= svm_exit_invlpg,
	[SVM_EXIT_INVLPGA]		= svm_exit_ud,
	[SVM_EXIT_IOIO]			= svm_exit_io,
	[SVM_EXIT_MSR]			= svm_exit_msr,
	[SVM_EXIT_TASK_SWITCH]		= svm_exit_task_switch,
	[SVM_EXIT_SHUTDOWN]		= svm_exit_shutdown,
	[SVM_EXIT_VMRUN]		= svm_exit_ud,
	[SVM_EXIT_VMMCALL]		= lodge_exit_hypercall,
	[SVM_EXIT_VMLOAD]		= svm_exit_ud,
	[SVM_EXIT_VMSAVE]		= svm_exit_ud,
	[SVM_EXIT_STGI]			= svm_exit_ud,
	[SVM_EXIT_CLGI]			= svm_exit_ud,
	[SVM_EXIT_SKINIT]		= svm_exit_ud,
	[SVM_EXIT_RDTSCP]		= svm_exit_ud,
	[SVM_EXIT_WBINVD]		= lodge_exit_wbinvd,
	[SVM_EXIT_MONITOR]		= lodge_exit_mwait,
	[SVM_EXIT_MWAIT]		= lodge_exit_mwait,
	[SVM_EXIT_XSETBV]		= lodge_exit_xsetbv,
	[SVM_EXIT_RDPRU]		= svm_exit_ud,
	[SVM_EXIT_INVPCID]		= svm_exit_invpcid,
};

/* VMRUN refused the state (APM vol. 2, Canonicalization and Consistency Checks). */
static int svm_exit_invalid(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = svm_control(vcpu);

	svm_dump(vcpu);
	svm_explain_failed_entry(vcpu);
	return lodge_fail_entry(vcpu, (u64)control->exit_code_hi << 32 | control->exit_code);
}

/*
 * What a busy guest exits for is called directly, since an indirect call may cost
 * as much as the handler; the table has everything.
 */
int svm_handle_exit(struct lodge_vcpu *vcpu)
{
	u32 code = to_svm(vcpu)->exit_code;

	switch (code) {
	case SVM_EXIT_MSR:
		return svm_exit_msr(vcpu);
	case SVM_EXIT_IOIO:
		return svm_exit_io(vcpu);
	case SVM_EXIT_NPF:
		return svm_exit_npf(vcpu);
	case SVM_EXIT_HLT:
		return lodge_exit_hlt(vcpu);
	case SVM_EXIT_CPUID:
		return lodge_exit_cpuid(vcpu);
	case SVM_EXIT_INTR:
		return svm_exit_intr(vcpu);
	case SVM_EXIT_VINTR:
		return svm_exit_vintr(vcpu);
	case (u32)SVM_EXIT_ERR:
		return svm_exit_invalid(vcpu);
	}
	if (code >= ARRAY_SIZE(svm_exits))
		return lodge_unknown_exit(vcpu, code);
	code = array_index_nospec(code, ARRAY_SIZE(svm_exits));
	if (!svm_exits[code])
		return lodge_unknown_exit(vcpu, code);
	return svm_exits[code](vcpu);
}

/* The instruction of each exit that is completed by skipping it, without its prefixes. */
struct svm_opcode {
	u8 bytes[3];
	u8 len;
};

static const struct svm_opcode svm_opcodes[] = {
	[SVM_EXIT_RDPMC]	= { { 0x0f, 0x33 }, 2 },
	[SVM_EXIT_CPUID]	= { { 0x0f, 0xa2 }, 2 },
	[SVM_EXIT_PAUSE]	= { { 0x90 }, 1 },	/* F3 is a prefix */
	[SVM_EXIT_HLT]		= { { 0xf4 }, 1 },
	[SVM_EXIT_VMMCALL]	= { { 0x0f, 0x01, 0xd9 }, 3 },
	[SVM_EXIT_MONITOR]	= { { 0x0f, 0x01, 0xc8 }, 3 },
	[SVM_EXIT_MWAIT]	= { { 0x0f, 0x01, 0xc9 }, 3 },
	[SVM_EXIT_XSETBV]	= { { 0x0f, 0x01, 0xd1 }, 3 },
};
static const struct svm_opcode svm_opcode_rdmsr = { { 0x0f, 0x32 }, 2 };
static const struct svm_opcode svm_opcode_wrmsr = { { 0x0f, 0x30 }, 2 };

/* For a CPU without NRIP save: by the exit's own opcode, or by decoding. */
static int svm_skip_decoded(struct lodge_vcpu *vcpu)
{
	struct vmcb_control_area *control = svm_control(vcpu);
	unsigned long rip = vcpu->arch.regs[LODGE_RIP];
	const struct svm_opcode *op = NULL;
	int next;

	if (control->exit_code == SVM_EXIT_MSR)
		op = control->exit_info_1 ? &svm_opcode_wrmsr : &svm_opcode_rdmsr;
	else if (control->exit_code < ARRAY_SIZE(svm_opcodes))
		op = &svm_opcodes[control->exit_code];
	if (unlikely(!op || !op->len))
		return lodge_emulate(vcpu, 0, LODGE_EMU_SKIP, NULL, 0);

	next = lodge_skip_known(vcpu, op->bytes, op->len, op->len);
	/* Where its fetch faulted, the instruction has yet to be executed. */
	if (unlikely(next != LODGE_RESUME || vcpu->arch.regs[LODGE_RIP] == rip))
		return next;
	control->int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
	if (likely(!(vcpu->arch.regs[LODGE_RFLAGS] & (X86_EFLAGS_TF | X86_EFLAGS_RF))))
		return LODGE_RESUME;
	return lodge_advance_rip(vcpu, vcpu->arch.regs[LODGE_RIP]);
}

int svm_skip_instruction(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = svm_control(vcpu);

	/* Zero where the exit was none of an instruction's. */
	if (svm_caps.nrips && control->next_rip)
		return lodge_advance_rip(vcpu, control->next_rip);
	if (control->exit_code == SVM_EXIT_IOIO)
		return lodge_advance_rip(vcpu, control->exit_info_2);
	return svm_skip_decoded(vcpu);
}

void svm_get_exit_info(struct lodge_vcpu *vcpu, struct lodge_exit_info *info)
{
	const struct vmcb_control_area *control = svm_control(vcpu);

	info->reason = control->exit_code;
	info->info1 = control->exit_info_1;
	info->info2 = control->exit_info_2;
	info->intr_info = control->exit_int_info;
	info->error_code = 0;
	if ((info->intr_info & SVM_EXITINTINFO_VALID) &&
	    (info->intr_info & SVM_EXITINTINFO_VALID_ERR))
		info->error_code = control->exit_int_info_err;
}

const char *svm_exit_name(u32 reason)
{
	static const struct {
		u32 reason;
		const char *name;
	} names[] = { SVM_EXIT_REASONS };
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].reason == reason)
			return names[i].name;
	}
	return "unknown";
}
