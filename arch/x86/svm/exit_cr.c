// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses to control and debug registers.  With decode assists EXITINFO1 names
 * the general register of the MOV (APM vol. 2, MOV CRx/DRx Intercepts); without,
 * and for LMSW, SMSW and CLTS, the emulator finds out.
 */
#include "emulate.h"
#include "exit.h"
#include "svm/svm.h"

#define SVM_INFO_MOV_CR	BIT_ULL(63)	/* EXITINFO1: it was a MOV */

int svm_exit_cr(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;
	int reg = control->exit_info_1 & SVM_EXITINFO_REG_MASK;
	u32 code = control->exit_code;

	if (!svm_caps.decode_assists || !(control->exit_info_1 & SVM_INFO_MOV_CR))
		return lodge_emulate(vcpu, 0, 0, NULL, 0);
	if (code == SVM_EXIT_CR0_SEL_WRITE)
		code = SVM_EXIT_WRITE_CR0;
	if (code >= SVM_EXIT_WRITE_CR0)
		return lodge_exit_cr_write(vcpu, code - SVM_EXIT_WRITE_CR0, reg);
	return lodge_exit_cr_read(vcpu, code - SVM_EXIT_READ_CR0, reg);
}

int svm_exit_dr(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;
	int reg = control->exit_info_1 & SVM_EXITINFO_REG_MASK;
	u32 code = control->exit_code;

	if (!vcpu->arch.guest_debug) {
		svm_own_debug_regs(to_svm(vcpu), true);
		return LODGE_RESUME;
	}
	if (!svm_caps.decode_assists)
		return lodge_emulate(vcpu, 0, 0, NULL, 0);
	if (code >= SVM_EXIT_WRITE_DR0)
		return lodge_exit_dr_write(vcpu, code - SVM_EXIT_WRITE_DR0, reg);
	return lodge_exit_dr_read(vcpu, code - SVM_EXIT_READ_DR0, reg);
}
