// SPDX-License-Identifier: GPL-2.0
/*
 * Nested page faults (APM vol. 2, Nested versus Guest Page Faults, Fault
 * Ordering): EXITINFO1 is the error code, EXITINFO2 the guest-physical address.
 * And with shadow paging #PF, whose address is linear.
 */
#include "exit.h"
#include "svm/svm.h"

/*
 * Decode assists record the bytes of an instruction whose data access faulted, as
 * far as the CPU had fetched them (APM vol. 2, Decode Assists).
 */
static __always_inline int svm_fault_insn(const struct vmcb_control_area *control,
					  const u8 **insn)
{
	*insn = NULL;
	if (!svm_caps.decode_assists)
		return 0;
	*insn = control->insn_bytes;
	return min_t(u8, control->insn_len, sizeof(control->insn_bytes));
}

int svm_exit_npf(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;
	const u8 *insn;
	int len = svm_fault_insn(control, &insn);

	return lodge_exit_page_fault(vcpu, control->exit_info_2, control->exit_info_1,
				     insn, len);
}

int svm_exit_pf_excp(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;
	const u8 *insn;
	int len = svm_fault_insn(control, &insn);

	return lodge_exit_shadow_fault(vcpu, control->exit_info_2, control->exit_info_1,
				       insn, len);
}
