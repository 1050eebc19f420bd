// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses to control and debug registers.  With decode assists EXITINFO1 names
 * the general register of the MOV (APM vol. 2, MOV CRx/DRx Intercepts); without,
 * and for LMSW, SMSW and CLTS, the emulator finds out.
 */
#include <asm/cpufeature.h>
#include <asm/trapnr.h>

#include "cpuid.h"
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

/* Intercepted with shadow paging; EXITINFO1 is the address (APM vol. 2, INVLPG Intercept). */
int svm_exit_invlpg(struct lodge_vcpu *vcpu)
{
	if (!svm_caps.decode_assists)
		return lodge_emulate(vcpu, 0, 0, NULL, 0);
	return lodge_exit_invlpg(vcpu, to_svm(vcpu)->vmcb->control.exit_info_1);
}

/*
 * Intercepted where the guest has no such instruction, and with shadow paging: EXITINFO1 is
 * the descriptor's address, EXITINFO2 the type (APM vol. 2, INVPCID Intercept).
 */
int svm_exit_invpcid(struct lodge_vcpu *vcpu)
{
	const struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;
	const struct kvm_cpuid_entry2 *leaf7 = lodge_cpuid_find(vcpu, 7, 0);

	if (leaf7 && leaf7->ebx & BIT(X86_FEATURE_INVPCID % 32))
		return lodge_exit_invpcid(vcpu, control->exit_info_2, control->exit_info_1);
	lodge_queue_exception(vcpu, UD_VECTOR);
	return LODGE_RESUME;
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
