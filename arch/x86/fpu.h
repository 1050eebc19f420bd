/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's FPU, SSE, AVX and further extended state (fpu.c).  The kernel
 * keeps it in a guest fpstate that is swapped in for the length of KVM_RUN.
 */
#ifndef LODGE_FPU_H
#define LODGE_FPU_H

#include "lodge.h"

void lodge_fpu_module_init(void);	/* once, after the backend's probe() */
int lodge_fpu_create(struct lodge_vcpu *vcpu);
void lodge_fpu_destroy(struct lodge_vcpu *vcpu);
void lodge_fpu_reset(struct lodge_vcpu *vcpu, bool init);
/* KVM_RUN begins and ends: process, preemption on. */
void lodge_fpu_enter(struct lodge_vcpu *vcpu);
void lodge_fpu_leave(struct lodge_vcpu *vcpu);
int lodge_get_fpu(struct lodge_vcpu *vcpu, struct kvm_fpu *fpu);
int lodge_set_fpu(struct lodge_vcpu *vcpu, const struct kvm_fpu *fpu);
void lodge_get_xsave(struct lodge_vcpu *vcpu, void *buf, unsigned int size);
int lodge_set_xsave(struct lodge_vcpu *vcpu, const void *buf);
unsigned int lodge_xsave_size(struct lodge_vm *vm);	/* KVM_CAP_XSAVE2 */
int lodge_get_xcrs(struct lodge_vcpu *vcpu, struct kvm_xcrs *xcrs);
int lodge_set_xcrs(struct lodge_vcpu *vcpu, const struct kvm_xcrs *xcrs);
u64 lodge_supported_xcr0(void);		/* within the process's guest permission (AMX) */

/*
 * XCR0, IA32_XSS and PKRU around the world switch, in twins; irqoff.  Most
 * guests have the host's values, so there is nothing to do; whether there is,
 * is worked out when CR4, XCR0 or IA32_XSS changes.
 */
void lodge_xstate_switch_in(struct lodge_vcpu *vcpu);
void lodge_xstate_switch_out(struct lodge_vcpu *vcpu);
void lodge_xstate_changed(struct lodge_vcpu *vcpu);	/* loaded */

static inline bool lodge_xstate_differs(const struct lodge_vcpu *vcpu)
{
	const struct lodge_vcpu_arch *a = &vcpu->arch;

	return a->switch_xcr0 | a->switch_xss | a->switch_pkru;
}

static inline void lodge_xstate_enter(struct lodge_vcpu *vcpu)
{
	if (unlikely(lodge_xstate_differs(vcpu)))
		lodge_xstate_switch_in(vcpu);
}

static inline void lodge_xstate_leave(struct lodge_vcpu *vcpu)
{
	if (unlikely(lodge_xstate_differs(vcpu)))
		lodge_xstate_switch_out(vcpu);
}

#endif
