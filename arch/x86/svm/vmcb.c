// SPDX-License-Identifier: GPL-2.0
/*
 * The control block: allocation, the state of APM vol. 2 "Processor
 * Initialization State", which events end the guest, and its print-out.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/trapnr.h>

#include "cpuid.h"
#include "debug_regs.h"
#include "msr.h"
#include "svm/svm.h"

/* PAUSEs in a row, no more than this many cycles apart, that make a spin worth an exit. */
#define SVM_PAUSE_COUNT		3000
#define SVM_PAUSE_THRESHOLD	128

/* What always ends the guest; svm_init_intercepts() adds what depends on the VM. */
static const u8 svm_always[] = {
	/* Events that are the host's. */
	INTERCEPT_INTR, INTERCEPT_NMI, INTERCEPT_SMI,
	/* What the guest's CPU is, and the platform's state, is emulated. */
	INTERCEPT_CPUID, INTERCEPT_IOIO_PROT, INTERCEPT_MSR_PROT, INTERCEPT_RDPMC,
	INTERCEPT_WBINVD, INTERCEPT_INVD, INTERCEPT_XSETBV, INTERCEPT_RSM,
	INTERCEPT_TASK_SWITCH, INTERCEPT_SHUTDOWN, INTERCEPT_RDPRU,
	/* Checked before the CPU has them; CR0 by svm_set_cr0(). */
	INTERCEPT_CR4_WRITE,
	/* Guests get no SVM, but run with EFER.SVME set: make these raise #UD. */
	INTERCEPT_VMRUN, INTERCEPT_VMMCALL, INTERCEPT_VMLOAD, INTERCEPT_VMSAVE,
	INTERCEPT_STGI, INTERCEPT_CLGI, INTERCEPT_SKINIT, INTERCEPT_INVLPGA,
};

/*
 * #MC is the host's.  #DB and #AC could be raised for ever by their own
 * delivery, with no interrupt taken in between, and so hang the CPU; #UD is
 * looked at for the other vendor's hypercall.
 */
static const u8 svm_always_exceptions[] = { MC_VECTOR, DB_VECTOR, AC_VECTOR, UD_VECTOR };

static void svm_init_intercepts(struct svm_vcpu *svm)
{
	u64 disabled = svm->vcpu.vm->arch.disabled_exits;
	struct vmcb *vmcb = svm->vmcb;
	int i;

	for (i = 0; i < ARRAY_SIZE(svm_always); i++)
		vmcb_intercept(vmcb, svm_always[i], true);
	for (i = 0; i < ARRAY_SIZE(svm_always_exceptions); i++)
		vmcb_intercept_exception(vmcb, svm_always_exceptions[i], true);

	/* Without a local APIC in the kernel CR8 is user space's. */
	vmcb_intercept(vmcb, INTERCEPT_CR8_READ, !svm->vcpu.arch.lapic);
	vmcb_intercept(vmcb, INTERCEPT_CR8_WRITE, !svm->vcpu.arch.lapic);

	vmcb_intercept(vmcb, INTERCEPT_HLT, !(disabled & KVM_X86_DISABLE_EXITS_HLT));
	vmcb_intercept(vmcb, INTERCEPT_MONITOR, !(disabled & KVM_X86_DISABLE_EXITS_MWAIT));
	vmcb_intercept(vmcb, INTERCEPT_MWAIT, !(disabled & KVM_X86_DISABLE_EXITS_MWAIT));

	/* The guest's CR3 and its TLB are made up. */
	if (!lodge_caps.tdp.enabled) {
		vmcb_intercept(vmcb, INTERCEPT_CR3_READ, true);
		vmcb_intercept(vmcb, INTERCEPT_CR3_WRITE, true);
		vmcb_intercept(vmcb, INTERCEPT_INVLPG, true);
		vmcb_intercept_exception(vmcb, PF_VECTOR, true);
	}

	/* Without the filter each PAUSE would exit: a spin is cheaper than that. */
	if (svm_caps.pause_filter && !(disabled & KVM_X86_DISABLE_EXITS_PAUSE)) {
		vmcb->control.pause_filter_count = SVM_PAUSE_COUNT;
		if (svm_caps.pause_threshold)
			vmcb->control.pause_filter_thresh = SVM_PAUSE_THRESHOLD;
		vmcb_intercept(vmcb, INTERCEPT_PAUSE, true);
	}
}

/* Instructions the guest's CPUID denies though this CPU has them: svm/exit.c raises #UD. */
void svm_cpuid_changed(struct lodge_vcpu *vcpu)
{
	struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	const struct kvm_cpuid_entry2 *leaf7 = lodge_cpuid_find(vcpu, 7, 0);

	if (boot_cpu_has(X86_FEATURE_INVPCID))
		vmcb_intercept(vmcb, INTERCEPT_INVPCID, !lodge_caps.tdp.enabled ||
			       !(leaf7 && leaf7->ebx & BIT(X86_FEATURE_INVPCID % 32)));
	vmcb_intercept(vmcb, INTERCEPT_RDTSCP,
		       !lodge_has(&vcpu->arch, LODGE_F_RDTSCP) &&
		       boot_cpu_has(X86_FEATURE_RDTSCP));
	svm_update_msr_intercepts(vcpu);
}

/* What user space debugs the guest with decides if #BP and the debug registers are its own. */
void svm_update_exception_bitmap(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u32 debug = vcpu->arch.guest_debug;

	if (debug)
		svm_own_debug_regs(svm, false);
	vmcb_intercept_exception(svm->vmcb, BP_VECTOR,
				 (debug & KVM_GUESTDBG_ENABLE) &&
				 (debug & KVM_GUESTDBG_USE_SW_BP));
	if (debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		svm->slow |= SVM_SLOW_DEBUG;
	else
		svm->slow &= ~SVM_SLOW_DEBUG;
}

static void svm_init_seg(struct vmcb_seg *seg, u16 attrib)
{
	seg->selector = 0;
	seg->attrib = SVM_SELECTOR_P_MASK | attrib;
	seg->limit = 0xffff;
	seg->base = 0;
}

static void svm_init_save(struct vmcb_save_area *save)
{
	u16 data = SVM_SELECTOR_S_MASK | SVM_SELECTOR_WRITE_MASK;

	svm_init_seg(&save->es, data);
	svm_init_seg(&save->ss, data);
	svm_init_seg(&save->ds, data);
	svm_init_seg(&save->fs, data);
	svm_init_seg(&save->gs, data);
	svm_init_seg(&save->cs, SVM_SELECTOR_S_MASK | SVM_SELECTOR_CODE_MASK |
			       SVM_SELECTOR_READ_MASK);
	save->cs.selector = 0xf000;
	save->cs.base = 0xffff0000;
	save->gdtr.limit = 0xffff;
	save->idtr.limit = 0xffff;
	svm_init_seg(&save->ldtr, 2);	/* LDT */
	svm_init_seg(&save->tr, 3);	/* busy 16-bit TSS */

	save->efer = EFER_SVME;		/* APM vol. 2, Canonicalization and Consistency Checks */
	save->dr6 = LODGE_DR6_ACTIVE_LOW;
	save->dr7 = LODGE_DR7_FIXED;
	save->rflags = X86_EFLAGS_FIXED;
	save->rip = 0xfff0;
	save->cr0 = X86_CR0_ET;
}

/* What an INIT leaves as it was (APM vol. 2, Processor Initialization State). */
struct svm_msrs {
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u32 spec_ctrl;
};

static void svm_save_msrs(struct svm_msrs *m, const struct vmcb_save_area *save)
{
	m->star = save->star;
	m->lstar = save->lstar;
	m->cstar = save->cstar;
	m->sfmask = save->sfmask;
	m->kernel_gs_base = save->kernel_gs_base;
	m->sysenter_cs = save->sysenter_cs;
	m->sysenter_esp = save->sysenter_esp;
	m->sysenter_eip = save->sysenter_eip;
	m->spec_ctrl = save->spec_ctrl;
}

static void svm_restore_msrs(struct vmcb_save_area *save, const struct svm_msrs *m)
{
	save->star = m->star;
	save->lstar = m->lstar;
	save->cstar = m->cstar;
	save->sfmask = m->sfmask;
	save->kernel_gs_base = m->kernel_gs_base;
	save->sysenter_cs = m->sysenter_cs;
	save->sysenter_esp = m->sysenter_esp;
	save->sysenter_eip = m->sysenter_eip;
	save->spec_ctrl = m->spec_ctrl;
}

void svm_vcpu_reset(struct lodge_vcpu *vcpu, bool init)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb *vmcb = svm->vmcb;
	u64 tsc_offset = vmcb->control.tsc_offset;
	u64 nested_cr3 = vmcb->control.nested_cr3;
	struct svm_msrs msrs;

	svm_save_msrs(&msrs, &vmcb->save);
	memset(vmcb, 0, sizeof(*vmcb));
	svm_init_save(&vmcb->save);
	if (init)
		svm_restore_msrs(&vmcb->save, &msrs);
	vmcb->save.g_pat = vcpu->arch.pat;
	vmcb->control.tsc_offset = tsc_offset;
	vmcb->control.nested_cr3 = nested_cr3;
	vmcb->control.nested_ctl = lodge_caps.tdp.enabled ? SVM_NESTED_CTL_NP_ENABLE : 0;
	vmcb->control.iopm_base_pa = svm_page_pa(svm_iopm);
	vmcb->control.msrpm_base_pa = svm_page_pa(svm->msrpm);
	vmcb->control.int_ctl = V_INTR_MASKING_MASK;
	if (svm_caps.vgif)
		vmcb->control.int_ctl |= V_GIF_ENABLE_MASK | V_GIF_MASK;

	svm->asid_generation = 0;
	svm->nmi_state = SVM_NMI_OPEN;
	svm->soft_injected = false;
	svm->slow &= ~(SVM_SLOW_STEP | SVM_SLOW_IRET);
	svm->exit_code = SVM_EXIT_ERR;
	if (!init) {
		svm->sw.spec_guest = 0;
		svm->spec_ctrl_virt = 0;
	}

	svm_init_intercepts(svm);
	svm_own_debug_regs(svm, false);
	svm_update_exception_bitmap(vcpu);
	svm_cpuid_changed(vcpu);
}

int svm_vcpu_create(struct lodge_vcpu *vcpu)
{
	static atomic64_t serial;
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb = (struct vmcb *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!svm->vmcb)
		return -ENOMEM;
	svm->sw.vmcb_pa = svm_page_pa(svm->vmcb);
	svm->msrpm = svm_msrpm;
	svm->serial = atomic64_inc_return(&serial);
	svm->cpu = -1;
	svm->slow = SVM_SLOW_HOST;
	svm->tsc_ratio = SVM_TSC_RATIO_DEFAULT;
	lodge_get_msr_feature(MSR_AMD64_DE_CFG, &svm->de_cfg);
	return 0;
}

void svm_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (!svm_msrpm_shared(svm->msrpm))
		free_pages((unsigned long)svm->msrpm, SVM_MSRPM_ORDER);
	free_page((unsigned long)svm->vmcb);
}

static void svm_dump_seg(const char *name, const struct vmcb_seg *s)
{
	pr_err("%-4s sel %04x attr %04x limit %08x base %016llx\n", name, s->selector,
	       s->attrib, s->limit, s->base);
}

static void svm_dump_control(const struct vmcb_control_area *c)
{
	pr_err("intercepts: cr %08x dr %08x exceptions %08x %08x %08x %08x\n",
	       c->intercepts[INTERCEPT_CR], c->intercepts[INTERCEPT_DR],
	       c->intercepts[INTERCEPT_EXCEPTION], c->intercepts[INTERCEPT_WORD3],
	       c->intercepts[INTERCEPT_WORD4], c->intercepts[INTERCEPT_WORD5]);
	pr_err("iopm %llx msrpm %llx tsc_offset %llx asid %u tlb_ctl %u clean %08x\n",
	       c->iopm_base_pa, c->msrpm_base_pa, c->tsc_offset, c->asid, c->tlb_ctl,
	       c->clean);
	pr_err("int_ctl %08x int_vector %08x int_state %08x event_inj %08x/%08x\n",
	       c->int_ctl, c->int_vector, c->int_state, c->event_inj, c->event_inj_err);
	pr_err("exit_code %08x:%08x info1 %016llx info2 %016llx int_info %08x/%08x\n",
	       c->exit_code_hi, c->exit_code, c->exit_info_1, c->exit_info_2,
	       c->exit_int_info, c->exit_int_info_err);
	pr_err("nested_ctl %llx nested_cr3 %llx virt_ext %llx next_rip %llx\n",
	       c->nested_ctl, c->nested_cr3, c->virt_ext, c->next_rip);
}

static void svm_dump_save(const struct vmcb_save_area *s)
{
	svm_dump_seg("es", &s->es);
	svm_dump_seg("cs", &s->cs);
	svm_dump_seg("ss", &s->ss);
	svm_dump_seg("ds", &s->ds);
	svm_dump_seg("fs", &s->fs);
	svm_dump_seg("gs", &s->gs);
	svm_dump_seg("gdtr", &s->gdtr);
	svm_dump_seg("ldtr", &s->ldtr);
	svm_dump_seg("idtr", &s->idtr);
	svm_dump_seg("tr", &s->tr);
	pr_err("cpl %u efer %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx\n",
	       s->cpl, s->efer, s->cr0, s->cr2, s->cr3, s->cr4);
	pr_err("dr6 %llx dr7 %llx rflags %llx rip %llx rsp %llx rax %llx pat %llx\n",
	       s->dr6, s->dr7, s->rflags, s->rip, s->rsp, s->rax, s->g_pat);
	pr_err("star %llx lstar %llx cstar %llx sfmask %llx kernel_gs_base %llx\n",
	       s->star, s->lstar, s->cstar, s->sfmask, s->kernel_gs_base);
	pr_err("sysenter cs %llx esp %llx eip %llx dbgctl %llx\n",
	       s->sysenter_cs, s->sysenter_esp, s->sysenter_eip, s->dbgctl);
}

void svm_dump(struct lodge_vcpu *vcpu)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 1);
	const struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	if (!__ratelimit(&limit))
		return;
	pr_err("%s vCPU %d, last on CPU %d: VMCB\n", vcpu->vm->name, vcpu->id,
	       to_svm(vcpu)->cpu);
	svm_dump_control(&vmcb->control);
	svm_dump_save(&vmcb->save);
}
