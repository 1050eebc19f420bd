// SPDX-License-Identifier: GPL-2.0
/*
 * From the registers in memory to the guest and back: what C does around the
 * world switch of entry.S, and a vCPU's coming to and going from a CPU.
 */
#include <linux/kvm_types.h>
#include <linux/preempt.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/spec-ctrl.h>
#include <asm/trapnr.h>

#include "debug_regs.h"
#include "guest_state.h"
#include "msr.h"
#include "svm/svm.h"

void svm_vcpu_load(struct lodge_vcpu *vcpu, int cpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

	if (svm->cpu != cpu) {
		/* ASIDs are a CPU's own, and so is what it keeps of a VMCB. */
		svm->cpu = cpu;
		svm->asid_generation = 0;
		svm->vmcb->control.clean = 0;
		svm->sw.host_pa = sc->host_pa;
	}
	if (sc->last != svm->serial) {
		/* The guests' branch targets must not steer each other. */
		sc->last = svm->serial;
		indirect_branch_prediction_barrier();
	}
	svm->slow |= SVM_SLOW_HOST;
}

void svm_vcpu_put(struct lodge_vcpu *vcpu)
{
	to_svm(vcpu)->slow |= SVM_SLOW_HOST;
}

/*
 * The first entry since the vCPU was loaded: from here until it is put, what
 * VMSAVE keeps of the host (segments, SYSCALL and SYSENTER MSRs) does not change,
 * and neither do MSRs that only user space sees.
 */
static void svm_prepare_host(struct svm_vcpu *svm)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);

	svm_vmsave(svm->sw.host_pa);
	if (svm_uret_tsc_aux >= 0)
		lodge_uret_set(svm_uret_tsc_aux, svm->tsc_aux);
	if (svm_caps.tsc_ratio && sc->tsc_ratio != svm->tsc_ratio) {
		wrmsrl(MSR_AMD64_TSC_RATIO, svm->tsc_ratio);
		sc->tsc_ratio = svm->tsc_ratio;
	}
	svm->slow &= ~SVM_SLOW_HOST;
}

/* What svm->slow asks for before entry. */
static void svm_enter_slow(struct svm_vcpu *svm)
{
	struct vmcb *vmcb = svm->vmcb;

	svm->slow &= ~SVM_SLOW_STEPPED;
	if (svm->slow & SVM_SLOW_HOST)
		svm_prepare_host(svm);
	if (svm->slow & SVM_SLOW_STEP)
		svm_begin_step(svm);
	if (svm->slow & SVM_SLOW_DEBUG) {
		/* So that the #DB of a breakpoint shows its own causes only. */
		vmcb->save.dr6 = LODGE_DR6_ACTIVE_LOW;
		vmcb_dirty(vmcb, VMCB_DR);
	}
}

/* What svm->slow asks for after an exit. */
static void svm_leave_slow(struct svm_vcpu *svm)
{
	if (svm->slow & SVM_SLOW_STEP)
		svm_end_step(svm);
	if (svm->slow & SVM_SLOW_IRET)
		svm_nmi_iret_check(svm);
}

static void svm_load_tpr(struct svm_vcpu *svm)
{
	struct vmcb *vmcb = svm->vmcb;

	svm->tpr = lodge_read_cr8(&svm->vcpu) & V_TPR_MASK;
	vmcb->control.int_ctl &= ~V_TPR_MASK;
	vmcb->control.int_ctl |= svm->tpr;
	vmcb_dirty(vmcb, VMCB_INTR);
}

/* The guest moved to CR8, which no interrupt waited for: there was no exit. */
static void svm_store_tpr(struct svm_vcpu *svm)
{
	svm->tpr = svm->vmcb->control.int_ctl & V_TPR_MASK;
	lodge_write_cr8(&svm->vcpu, svm->tpr);
}

/* Registers and the few other fields that are the guest's and change outside it. */
static void svm_load_state(struct svm_vcpu *svm)
{
	struct lodge_vcpu *vcpu = &svm->vcpu;
	struct vmcb *vmcb = svm->vmcb;
	struct vmcb_save_area *save = &vmcb->save;

	save->rax = vcpu->arch.regs[LODGE_RAX];
	save->rsp = vcpu->arch.regs[LODGE_RSP];
	save->rip = vcpu->arch.regs[LODGE_RIP];
	save->rflags = vcpu->arch.regs[LODGE_RFLAGS];
	if (save->cr2 != vcpu->arch.cr2) {
		save->cr2 = vcpu->arch.cr2;
		vmcb_dirty(vmcb, VMCB_CR2);
	}
	if (save->dr6 != vcpu->arch.dr6) {
		save->dr6 = vcpu->arch.dr6;
		vmcb_dirty(vmcb, VMCB_DR);
	}
	if (unlikely(vcpu->arch.regs_dirty & BIT(LODGE_REG_TPR)))
		svm_load_tpr(svm);
}

/* The twin of svm_load_state(). */
static void svm_store_state(struct svm_vcpu *svm)
{
	struct lodge_vcpu *vcpu = &svm->vcpu;
	const struct vmcb_save_area *save = &svm->vmcb->save;

	vcpu->arch.regs[LODGE_RAX] = save->rax;
	vcpu->arch.regs[LODGE_RSP] = save->rsp;
	vcpu->arch.regs[LODGE_RIP] = save->rip;
	vcpu->arch.regs[LODGE_RFLAGS] = save->rflags;
	vcpu->arch.cr2 = save->cr2;
	/* MOV to CR3, and CR0.TS and CR0.MP, change without an exit. */
	vcpu->arch.regs_avail = ~(u32)(BIT(LODGE_REG_CR0) | BIT(LODGE_REG_CR3) |
				       BIT(LODGE_REG_PDPTR));
	vcpu->arch.regs_dirty = 0;
	if (unlikely((svm->vmcb->control.int_ctl & V_TPR_MASK) != svm->tpr))
		svm_store_tpr(svm);
}

/* An event was injected, or one was in delivery when the exit came. */
static void svm_settle_event(struct svm_vcpu *svm, u32 injected)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	struct lodge_vcpu_arch *arch = &svm->vcpu.arch;

	if (injected) {
		control->event_inj = 0;
		arch->exception.injected = false;
		arch->interrupt.injected = false;
		arch->nmi_injected = false;
	}
	svm_requeue_event(&svm->vcpu, control->exit_int_info, control->exit_int_info_err);
}

/*
 * A machine check that hit while the guest ran was intercepted, and the host's
 * handler has not seen it.  The frame says "user mode, interrupts on": the guest
 * is the context that was interrupted, and killing its process is a remedy.
 */
static void svm_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs regs = {
		.cs = 3,
		.flags = X86_EFLAGS_IF,
	};

	do_machine_check(&regs);
#endif
}

/* Speculative store bypass on CPUs that have no SPEC_CTRL for it: the kernel knows how. */
static __always_inline bool svm_has_virt_ssbd(void)
{
	return static_cpu_has(X86_FEATURE_LS_CFG_SSBD) ||
	       static_cpu_has(X86_FEATURE_VIRT_SSBD);
}

static noinstr int svm_enter_guest(struct svm_vcpu *svm)
{
	int off;

	lodge_guest_enter_irqoff(&svm->vcpu);
	off = svm_switch(svm->vcpu.arch.regs, &svm->sw);
	lodge_guest_exit_irqoff();
	return off;
}

/*
 * Interrupts are off since before requests were looked at (arch/x86/enter.c): a
 * kick that came after stays pending, and ends the guest at once.
 */
void svm_run(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	struct vmcb_control_area *control = &svm->vmcb->control;
	u32 injected = control->event_inj;

	svm_load_state(svm);
	if (unlikely(svm->slow))
		svm_enter_slow(svm);
	if (unlikely(svm->asid_generation != sc->asid_generation))
		svm_new_asid(svm, sc);

	if (static_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		svm->sw.spec_host = this_cpu_read(x86_spec_ctrl_current);
	if (svm_has_virt_ssbd())
		x86_spec_ctrl_set_guest(svm->spec_ctrl_virt);
	if (unlikely(svm_enter_guest(svm))) {
		/* The machine is going down; let what called find no guest state changed. */
		control->exit_code = SVM_EXIT_ERR;
		control->exit_code_hi = -1;
	}
	if (svm_has_virt_ssbd())
		x86_spec_ctrl_restore_host(svm->spec_ctrl_virt);

	svm->exit_code = control->exit_code;
	if (unlikely(svm->exit_code == SVM_EXIT_ERR)) {
		control->clean = 0;
		return;
	}

	control->clean = VMCB_ALL_CLEAN;
	if (unlikely(control->tlb_ctl))
		svm_tlb_flushed(svm, sc);
	svm_store_state(svm);
	if (unlikely(svm->slow))
		svm_leave_slow(svm);
	if (unlikely((injected | control->exit_int_info) & SVM_EVTINJ_VALID))
		svm_settle_event(svm, injected);
	if (unlikely(svm->exit_code == SVM_EXIT_EXCP_BASE + MC_VECTOR))
		svm_machine_check();
}
