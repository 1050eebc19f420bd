// SPDX-License-Identifier: GPL-2.0
/*
 * Exits that end in user space because the guest cannot go on: what is wrong
 * goes into kvm_run.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "backend.h"
#include "exit.h"
#include "regs_inline.h"

static const char *mode_name(struct lodge_vcpu *vcpu)
{
	if (!lodge_is_protmode(vcpu))
		return "real";
	if (lodge_rflags(vcpu) & X86_EFLAGS_VM)
		return "virtual-8086";
	return lodge_is_long_mode(vcpu) ? "long" : "protected";
}

int lodge_internal_error(struct lodge_vcpu *vcpu, u32 suberror, const u64 *data, int n)
{
	struct kvm_run *run = vcpu->run;

	n = min_t(int, n, ARRAY_SIZE(run->internal.data));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = n;
	memcpy(run->internal.data, data, n * sizeof(*data));
	return LODGE_TO_USER;
}

/*
 * For whoever reads the log after the guest has stopped: where it was, in what mode, and
 * what it wanted to execute.
 */
static void log_emulation_failure(struct lodge_vcpu *vcpu, const u8 *insn, int len)
{
	unsigned int bits = lodge_be(get_code_size)(vcpu) * 8;
	struct lodge_exit_info info;
	struct kvm_segment cs;

	lodge_be(get_segment)(vcpu, &cs, LODGE_SEG_CS);
	lodge_be(get_exit_info)(vcpu, &info);
	pr_warn_ratelimited("%s vCPU %d: cannot emulate the instruction at %04x:%#lx, in %u-bit code in %s mode; the last exit was %s; its bytes: %*ph\n",
			    vcpu->vm->name, vcpu->id, cs.selector, lodge_rip(vcpu), bits,
			    mode_name(vcpu), lodge_be(exit_name)(info.reason), max(len, 0), insn);
}

/*
 * The instruction's bytes are where the flag says they are; behind them, and
 * counted but promised to nobody, what the exit was.
 */
int lodge_emulation_failure(struct lodge_vcpu *vcpu, const u8 *insn, int len)
{
	struct kvm_run *run = vcpu->run;
	struct lodge_exit_info info;
	u64 data[8] = { };
	u8 *bytes = (u8 *)&data[1];
	int n = 1;

	log_emulation_failure(vcpu, insn, len);
	if (len > 0) {
		len = min_t(int, len, sizeof(run->emulation_failure.insn_bytes));
		data[0] = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
		bytes[0] = len;
		memset(bytes + 1, 0x90, sizeof(run->emulation_failure.insn_bytes));
		memcpy(bytes + 1, insn, len);
		n = 3;
	}
	lodge_be(get_exit_info)(vcpu, &info);
	data[n++] = info.reason;
	data[n++] = info.info1;
	data[n++] = info.info2;
	data[n++] = info.intr_info;
	data[n++] = info.error_code;
	return lodge_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION, data, n);
}

int lodge_unknown_exit(struct lodge_vcpu *vcpu, u32 reason)
{
	u64 data[] = { reason, vcpu->last_cpu };

	return lodge_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data,
				    ARRAY_SIZE(data));
}

int lodge_fail_entry(struct lodge_vcpu *vcpu, u64 reason)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = reason;
	run->fail_entry.cpu = vcpu->last_cpu;
	return LODGE_TO_USER;
}

int lodge_shutdown(struct lodge_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return LODGE_TO_USER;
}
