// SPDX-License-Identifier: GPL-2.0
/*
 * Exits that end in user space because the guest cannot go on: what is wrong
 * goes into kvm_run.
 */
#include <linux/minmax.h>
#include <linux/string.h>

#include "backend.h"
#include "exit.h"

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
