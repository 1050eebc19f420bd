/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The AMD backend's own structures.  Only arch/x86/svm includes this, and with
 * it <asm/svm.h>: nothing of the VMCB is seen outside.
 *
 * A field of the VMCB is written through the functions of vmcb.c, or with
 * vmcb_dirty() beside the write: the CPU may keep what is marked clean cached
 * (APM vol. 2, VMCB State Caching).
 */
#ifndef LODGE_SVM_H
#define LODGE_SVM_H

#include <linux/mem_encrypt.h>
#include <linux/percpu.h>
#include <asm/svm.h>

#include "backend.h"
#include "regs_inline.h"
#include "svm/switch.h"

/* Bits of vmcb_control_area.clean (APM vol. 2, VMCB Clean Bits). */
enum vmcb_clean {
	VMCB_INTERCEPTS,	/* intercepts, TSC offset, pause filter */
	VMCB_PERM_MAP,		/* IOPM and MSRPM addresses */
	VMCB_ASID,
	VMCB_INTR,		/* int_ctl, int_vector */
	VMCB_NPT,		/* nested_ctl, nested_cr3, g_pat */
	VMCB_CR,		/* CR0, CR3, CR4, EFER */
	VMCB_DR,		/* DR6, DR7 */
	VMCB_DT,		/* GDT, IDT */
	VMCB_SEG,		/* CS, DS, ES, SS, CPL */
	VMCB_CR2,
	VMCB_LBR,		/* DBGCTL, last branch and exception */
	VMCB_NR_CLEAN,
};

#define VMCB_ALL_CLEAN	(BIT(VMCB_NR_CLEAN) - 1)

/* What this CPU's SVM can do (caps.c); constant once probed. */
struct svm_caps {
	u32 nr_asids;		/* ASIDs 1 to nr_asids - 1 are for guests */
	bool flush_by_asid;
	bool decode_assists;
	bool nrips;
	bool pause_filter, pause_threshold;
	bool vgif;
	bool lbrv;
	bool tsc_ratio;
	bool v_spec_ctrl;
};
extern struct svm_caps svm_caps;

/* One for each CPU; preemption off.  Pages live from setup() to teardown(). */
struct svm_cpu {
	u64 hsave_pa;		/* VM_HSAVE_PA: the CPU's, never touched by software */
	u64 host_pa;		/* what VMSAVE keeps of the host while a guest runs */
	u64 asid_generation;	/* bumped when ASIDs run out; never zero */
	u32 next_asid;
	bool flush_owed;	/* the new generation's flush awaits a valid exit */
	u64 last;		/* svm_vcpu.serial of who was loaded here last */
	u64 tsc_ratio;		/* MSR_AMD64_TSC_RATIO as loaded */
};
DECLARE_PER_CPU(struct svm_cpu, svm_cpu);

/* The progress of the guest's NMI handler, where the CPU has no virtual NMIs. */
enum svm_nmi_state {
	SVM_NMI_OPEN,		/* an NMI may be injected */
	SVM_NMI_BLOCKED,	/* one is being handled: IRET is intercepted */
	SVM_NMI_IRET,		/* its IRET was reached; NMIs open when it has executed */
};

/* Reasons to leave svm_run()'s straight path; bits of svm_vcpu.slow. */
#define SVM_SLOW_HOST	BIT(0)	/* the host's state is not saved on this CPU */
#define SVM_SLOW_STEP	BIT(1)	/* single-stepped over IRET or a shadow: NMI window */
#define SVM_SLOW_DEBUG	BIT(2)	/* user space owns the debug registers */
#define SVM_SLOW_STEPPED BIT(3)	/* the last entry was with SVM_SLOW_STEP */
#define SVM_SLOW_IRET	BIT(4)	/* nmi_state is SVM_NMI_IRET: look if the IRET is over */

struct svm_vcpu {
	struct lodge_vcpu vcpu;		/* first */

	/* vcpu->mutex, loaded. */
	struct vmcb *vmcb;
	struct svm_switch sw;
	u32 slow;
	u8 tpr;				/* V_TPR as the guest was entered with */
	u8 nmi_state;			/* enum svm_nmi_state */
	bool dr_owned;			/* the guest has the debug registers until its next exit */
	bool soft_injected;		/* an INT3 or INTO is in EVENTINJ */
	u64 asid_generation;		/* of svm_cpu.asid_generation; zero: none */
	int cpu;			/* where the ASID and the clean bits hold */
	unsigned long nmi_iret_rip;	/* of the IRET that ends the NMI handler */
	unsigned long soft_rip, soft_next_rip;	/* of the INT3 or INTO, and after it */
	/* Around one entry with SVM_SLOW_STEP; see inject.c. */
	unsigned long step_rip, step_dr6;
	bool step_guest_tf;		/* the guest itself had RFLAGS.TF set */

	u64 serial;			/* its number among all vCPUs there ever were; constant */
	u32 *msrpm;			/* svm_msrpm, or its own when it differs */
	u64 tsc_aux, tsc_ratio;
	u64 spec_ctrl_virt;		/* MSR_AMD64_VIRT_SPEC_CTRL */
	bool spec_ctrl_used, pred_cmd_used;	/* the guest did: it may do so by itself */
	u64 de_cfg;
	u32 exit_code;			/* of the last exit; SVM_EXIT_ERR: none */
};

static_assert(offsetof(struct svm_vcpu, vcpu) == 0);
static_assert(offsetof(struct svm_switch, vmcb_pa) == SVM_SW_VMCB);
static_assert(offsetof(struct svm_switch, host_pa) == SVM_SW_HOST);
static_assert(offsetof(struct svm_switch, spec_guest) == SVM_SW_SPEC_GUEST);
static_assert(offsetof(struct svm_switch, spec_host) == SVM_SW_SPEC_HOST);
static_assert(offsetof(struct svm_switch, spec_readback) == SVM_SW_SPEC_READBACK);
static_assert(LODGE_RCX == 1 && LODGE_RDX == 2 && LODGE_RBX == 3 && LODGE_RBP == 5 &&
	      LODGE_RSI == 6 && LODGE_RDI == 7 && LODGE_R8 == 8 && LODGE_R15 == 15);

static inline struct svm_vcpu *to_svm(struct lodge_vcpu *vcpu)
{
	return container_of(vcpu, struct svm_vcpu, vcpu);
}

static inline void vmcb_dirty(struct vmcb *vmcb, enum vmcb_clean what)
{
	vmcb->control.clean &= ~BIT(what);
}

static inline bool vmcb_intercepts(const struct vmcb *vmcb, unsigned int bit)
{
	return vmcb->control.intercepts[bit / 32] & BIT(bit % 32);
}

/* Turn the intercept with number @bit (INTERCEPT_...) on or off. */
static inline void vmcb_intercept(struct vmcb *vmcb, unsigned int bit, bool on)
{
	if (on)
		vmcb->control.intercepts[bit / 32] |= BIT(bit % 32);
	else
		vmcb->control.intercepts[bit / 32] &= ~BIT(bit % 32);
	vmcb_dirty(vmcb, VMCB_INTERCEPTS);
}

static inline void vmcb_intercept_exception(struct vmcb *vmcb, u8 vector, bool on)
{
	vmcb_intercept(vmcb, INTERCEPT_EXCEPTION_OFFSET + vector, on);
}

/* Every physical address that the VMCB holds carries the host's encryption bit. */
static inline u64 svm_page_pa(const void *page)
{
	return __sme_set(__pa(page));
}

/* caps.c */
int svm_probe(void);

/* init.c */
#define SVM_IOPM_ORDER	2	/* 12 KiB; the page after it is not used */
#define SVM_MSRPM_ORDER	1	/* 8 KiB */
extern void *svm_iopm;		/* all ones: every port exits */
extern u32 *svm_msrpm;		/* the MSRs any guest may reach by itself */
extern int svm_uret_tsc_aux;	/* slot of TSC_AUX, or -ENOENT */

/* vmcb.c */
int svm_vcpu_create(struct lodge_vcpu *vcpu);
void svm_vcpu_destroy(struct lodge_vcpu *vcpu);
void svm_vcpu_reset(struct lodge_vcpu *vcpu, bool init);
void svm_cpuid_changed(struct lodge_vcpu *vcpu);
void svm_update_exception_bitmap(struct lodge_vcpu *vcpu);
void svm_dump(struct lodge_vcpu *vcpu);

/* check.c: name the rule that VMRUN found broken, in the log and for user space.  Loaded. */
void svm_explain_failed_entry(struct lodge_vcpu *vcpu);

/* run.c */
void svm_vcpu_load(struct lodge_vcpu *vcpu, int cpu);
void svm_vcpu_put(struct lodge_vcpu *vcpu);
void svm_run(struct lodge_vcpu *vcpu);

/* exit.c, exit_cr.c, exit_npf.c */
int svm_handle_exit(struct lodge_vcpu *vcpu);
int svm_skip_instruction(struct lodge_vcpu *vcpu);
void svm_get_exit_info(struct lodge_vcpu *vcpu, struct lodge_exit_info *info);
const char *svm_exit_name(u32 reason);
int svm_exit_cr(struct lodge_vcpu *vcpu);
int svm_exit_dr(struct lodge_vcpu *vcpu);
int svm_exit_invlpg(struct lodge_vcpu *vcpu);
int svm_exit_invpcid(struct lodge_vcpu *vcpu);
int svm_exit_npf(struct lodge_vcpu *vcpu);
int svm_exit_pf_excp(struct lodge_vcpu *vcpu);

/* inject.c */
void svm_inject_exception(struct lodge_vcpu *vcpu);
void svm_inject_irq(struct lodge_vcpu *vcpu, bool reinjected);
void svm_inject_nmi(struct lodge_vcpu *vcpu);
void svm_cancel_injection(struct lodge_vcpu *vcpu);
/* An exit came with @info, EXITINTINFO's layout, in delivery: queue it again. */
void svm_requeue_event(struct lodge_vcpu *vcpu, u32 info, u32 error_code);
bool svm_irq_allowed(struct lodge_vcpu *vcpu);
bool svm_nmi_allowed(struct lodge_vcpu *vcpu);
void svm_enable_irq_window(struct lodge_vcpu *vcpu);
void svm_enable_nmi_window(struct lodge_vcpu *vcpu);
bool svm_get_nmi_mask(struct lodge_vcpu *vcpu);
void svm_set_nmi_mask(struct lodge_vcpu *vcpu, bool masked);
u32 svm_get_interrupt_shadow(struct lodge_vcpu *vcpu);
void svm_set_interrupt_shadow(struct lodge_vcpu *vcpu, u32 mask);
void svm_update_cr8_intercept(struct lodge_vcpu *vcpu, int tpr, int irr);
void svm_nmi_iret_check(struct svm_vcpu *svm);
void svm_begin_step(struct svm_vcpu *svm);
void svm_end_step(struct svm_vcpu *svm);
unsigned long svm_strip_step(struct svm_vcpu *svm, unsigned long dr6);
bool svm_event_is_soft(u32 info);	/* raised by an instruction: EXITINTINFO */
int svm_exit_vintr(struct lodge_vcpu *vcpu);
int svm_exit_iret(struct lodge_vcpu *vcpu);

/* state.c */
void svm_cache_reg(struct lodge_vcpu *vcpu, int reg);
void svm_get_segment(struct lodge_vcpu *vcpu, struct kvm_segment *s, int seg);
void svm_set_segment(struct lodge_vcpu *vcpu, const struct kvm_segment *s, int seg);
u64 svm_get_segment_base(struct lodge_vcpu *vcpu, int seg);
int svm_get_cpl(struct lodge_vcpu *vcpu);
int svm_get_code_size(struct lodge_vcpu *vcpu);
void svm_get_idt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt);
void svm_set_idt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt);
void svm_get_gdt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt);
void svm_set_gdt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt);
void svm_set_cr0(struct lodge_vcpu *vcpu, unsigned long cr0);
void svm_set_cr3(struct lodge_vcpu *vcpu, unsigned long cr3);
void svm_set_cr4(struct lodge_vcpu *vcpu, unsigned long cr4);
void svm_set_efer(struct lodge_vcpu *vcpu, u64 efer);
void svm_set_dr7(struct lodge_vcpu *vcpu, unsigned long dr7);
void svm_own_debug_regs(struct svm_vcpu *svm, bool own);
void svm_sync_debug_regs(struct lodge_vcpu *vcpu);

/* msr.c */
void svm_msrpm_fill(u32 *msrpm);
bool svm_msrpm_shared(const u32 *msrpm);
int svm_get_msr(struct lodge_vcpu *vcpu, u32 index, u64 *data);
int svm_set_msr(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host);
void svm_update_msr_intercepts(struct lodge_vcpu *vcpu);
void svm_write_tsc_offset(struct lodge_vcpu *vcpu, u64 offset);
void svm_write_tsc_multiplier(struct lodge_vcpu *vcpu, u64 mult);

/* tlb.c */
void svm_new_asid(struct svm_vcpu *svm, struct svm_cpu *sc);
void svm_tlb_flushed(struct svm_vcpu *svm, struct svm_cpu *sc);
void svm_load_mmu_root(struct lodge_vcpu *vcpu, hpa_t root, int level);
void svm_flush_tlb_all(struct lodge_vcpu *vcpu);
void svm_flush_tlb_guest(struct lodge_vcpu *vcpu);
void svm_flush_tlb_gva(struct lodge_vcpu *vcpu, gva_t gva);

#endif
