// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's extended state.
 *
 * The registers themselves belong to the kernel's FPU code: it keeps a second
 * fpstate for the guest and makes it the thread's own between lodge_fpu_enter()
 * and lodge_fpu_leave(), so context switches and kernel use of the FPU take
 * care of it.  Outside KVM_RUN the state is in memory, and the ioctls read and
 * write it there, under vcpu->mutex.
 *
 * Left to do here are the registers that say which state there is, XCR0 and
 * IA32_XSS, and PKRU, which would apply to the host's own accesses.  They are
 * switched around the world switch, and only when the guest's differ.
 */
#include <linux/types.h>
#include <asm/cpufeature.h>
#include <asm/fpu/xcr.h>
#include <asm/pkru.h>

#include "backend.h"
#include "fpu.h"
#include "regs_inline.h"
#include "xstate_size.h"

/* The same on all CPUs and for all tasks: the kernel sets them once at boot. */
static u64 host_xcr0 __read_mostly;
static u64 host_xss __read_mostly;

/* PKRU of the thread that is in the world switch on this CPU; irqoff. */
static DEFINE_PER_CPU(u32, host_pkru);

void lodge_fpu_module_init(void)
{
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, host_xss);
}

int lodge_fpu_create(struct lodge_vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&vcpu->arch.fpu) ? 0 : -ENOMEM;
}

void lodge_fpu_destroy(struct lodge_vcpu *vcpu)
{
	fpu_free_guest_fpstate(&vcpu->arch.fpu);
}

/*
 * RESET: the fpstate is fresh, as the kernel initialised it.  INIT: x87, SSE
 * and AVX state stay, but the bounds registers go (SDM vol. 3, IA-32 and Intel
 * 64 Processor States Following Power-up, Reset, or INIT).
 */
void lodge_fpu_reset(struct lodge_vcpu *vcpu, bool init)
{
	struct fpu_guest *fpu = &vcpu->arch.fpu;
	bool in_use = fpu->fpstate->in_use;

	if (!init) {
		vcpu->arch.xcr0 = XFEATURE_MASK_FP;
		vcpu->arch.xss = 0;
		return;
	}
	if (!(host_xcr0 & XFEATURE_MASK_BNDREGS))
		return;
	/* The components are cleared in memory: take the state out of the CPU for it. */
	if (in_use)
		lodge_fpu_leave(vcpu);
	fpstate_clear_xstate_component(fpu->fpstate, XFEATURE_BNDREGS);
	fpstate_clear_xstate_component(fpu->fpstate, XFEATURE_BNDCSR);
	if (in_use)
		lodge_fpu_enter(vcpu);
}

void lodge_fpu_enter(struct lodge_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->arch.fpu, true);
}

void lodge_fpu_leave(struct lodge_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->arch.fpu, false);
}

/*
 * Without CR4.OSXSAVE the guest can execute none of the instructions that XCR0
 * and IA32_XSS govern, so the host's values may stay.  PKRU it has, or can get
 * at, by RDPKRU and WRPKRU or by XRSTOR.
 */
void lodge_xstate_changed(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;
	unsigned long cr4 = lodge_cr4(vcpu);
	bool xsave = cr4 & X86_CR4_OSXSAVE;

	a->switch_xcr0 = xsave && a->xcr0 != host_xcr0;
	a->switch_xss = xsave && a->xss != host_xss && lodge_has(a, LODGE_F_XSAVES);
	a->switch_pkru = cpu_feature_enabled(X86_FEATURE_PKU) &&
			 ((cr4 & X86_CR4_PKE) || (a->xcr0 & XFEATURE_MASK_PKRU));
}

void lodge_xstate_switch_in(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (a->switch_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, a->xcr0);
	if (a->switch_xss)
		wrmsrl(MSR_IA32_XSS, a->xss);
	if (a->switch_pkru) {
		u32 pkru = read_pkru();

		__this_cpu_write(host_pkru, pkru);
		if (a->pkru != pkru)
			write_pkru(a->pkru);
	}
}

void lodge_xstate_switch_out(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (a->switch_pkru) {
		u32 pkru = __this_cpu_read(host_pkru);

		a->pkru = rdpkru();
		if (a->pkru != pkru)
			write_pkru(pkru);
	}
	if (a->switch_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, host_xcr0);
	if (a->switch_xss)
		wrmsrl(MSR_IA32_XSS, host_xss);
}

/* --- the ioctls: state in memory, vcpu->mutex held --- */

int lodge_get_fpu(struct lodge_vcpu *vcpu, struct kvm_fpu *fpu)
{
	const struct fxregs_state *fx = &vcpu->arch.fpu.fpstate->regs.fxsave;

	memcpy(fpu->fpr, fx->st_space, sizeof(fpu->fpr));
	fpu->fcw = fx->cwd;
	fpu->fsw = fx->swd;
	fpu->ftwx = fx->twd;
	fpu->last_opcode = fx->fop;
	fpu->last_ip = fx->rip;
	fpu->last_dp = fx->rdp;
	memcpy(fpu->xmm, fx->xmm_space, sizeof(fpu->xmm));
	fpu->mxcsr = fx->mxcsr;
	return 0;
}

/* fpu->mxcsr has never been looked at, and clients leave it zero, which no guest would survive. */
int lodge_set_fpu(struct lodge_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	union fpregs_state *regs = &vcpu->arch.fpu.fpstate->regs;
	struct fxregs_state *fx = &regs->fxsave;

	memcpy(fx->st_space, fpu->fpr, sizeof(fpu->fpr));
	fx->cwd = fpu->fcw;
	fx->swd = fpu->fsw;
	fx->twd = fpu->ftwx;
	fx->fop = fpu->last_opcode;
	fx->rip = fpu->last_ip;
	fx->rdp = fpu->last_dp;
	memcpy(fx->xmm_space, fpu->xmm, sizeof(fpu->xmm));
	/*
	 * XSAVEOPT and XSAVES leave out, and XRSTOR ignores, what the header
	 * calls initial: say that it is not.
	 */
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		regs->xsave.header.xfeatures |= XFEATURE_MASK_FPSSE;
	return 0;
}

void lodge_get_xsave(struct lodge_vcpu *vcpu, void *buf, unsigned int size)
{
	/* What the guest was given and no more, so that a host with just that can take it. */
	lodge_fpu_to_uabi(&vcpu->arch.fpu, buf, size,
			  vcpu->arch.guest_supported_xcr0 | XFEATURE_MASK_FPSSE,
			  vcpu->arch.pkru);
}

/* 0, or -EINVAL with nothing changed.  @buf has arch.fpu.uabi_size bytes. */
int lodge_set_xsave(struct lodge_vcpu *vcpu, const void *buf)
{
	return fpu_copy_uabi_to_guest_fpstate(&vcpu->arch.fpu, buf, lodge_supported_xcr0(),
					      &vcpu->arch.pkru);
}

/* The kernel alone may grant a process the state components that take a lot of room. */
u64 lodge_supported_xcr0(void)
{
	return lodge_caps.supported_xcr0 & xstate_get_guest_group_perm();
}

unsigned int lodge_xsave_size(struct lodge_vm *vm)
{
	return max_t(unsigned int, sizeof(struct kvm_xsave),
		     lodge_xstate_size(lodge_supported_xcr0(), false));
}

int lodge_get_xcrs(struct lodge_vcpu *vcpu, struct kvm_xcrs *xcrs)
{
	memset(xcrs, 0, sizeof(*xcrs));
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return 0;
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].xcr = XCR_XFEATURE_ENABLED_MASK;
	xcrs->xcrs[0].value = vcpu->arch.xcr0;
	return 0;
}

int lodge_set_xcrs(struct lodge_vcpu *vcpu, const struct kvm_xcrs *xcrs)
{
	u32 i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return -EINVAL;
	if (xcrs->nr_xcrs > KVM_MAX_XCRS || xcrs->flags)
		return -EINVAL;
	for (i = 0; i < xcrs->nr_xcrs; i++) {
		if (xcrs->xcrs[i].xcr != XCR_XFEATURE_ENABLED_MASK)
			continue;
		return lodge_write_xcr0(vcpu, XCR_XFEATURE_ENABLED_MASK,
					xcrs->xcrs[i].value, true) ? -EINVAL : 0;
	}
	return 0;
}
