// SPDX-License-Identifier: GPL-2.0
/*
 * Nested page faults (APM vol. 2, Nested versus Guest Page Faults, Fault
 * Ordering): EXITINFO1 is the error code, EXITINFO2 the guest-physical address.
 */
#include "exit.h"
#include "svm/svm.h"

int svm_exit_npf(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;
	const u8 *insn = NULL;
	int len = 0;

	/*
	 * Decode assists record the bytes of an instruction whose data access
	 * faulted, as far as the CPU had fetched them (APM vol. 2, Decode Assists).
	 */
	if (svm_caps.decode_assists) {
		len = min_t(u8, control->insn_len, sizeof(control->insn_bytes));
		insn = control->insn_bytes;
	}
	return lodge_exit_page_fault(vcpu, control->exit_info_2, control->exit_info_1,
				     insn, len);
}
