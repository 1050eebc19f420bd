/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Intel backend's own structures.  Only arch/x86/vmx includes this, and with
 * it <asm/vmx.h>: nothing of the VMCS is seen outside.
 *
 * Fields of the VMCS are read and written by VMREAD and VMWRITE (vmcs.h), each
 * of which costs: what changes seldom is kept beside it and written when it
 * differs, what is seldom asked for is read when it is.
 */
#ifndef LODGE_VMX_H
#define LODGE_VMX_H

#include <linux/percpu.h>
#include <asm/vmx.h>

#include "backend.h"
#include "regs_inline.h"
#include "vmx/realmode.h"
#include "vmx/switch.h"
#include "vmx/vmcs.h"

/* --- what the CPU can do --- */

/* The control words of a VMCS; caps.c has a table of their bits. */
enum vmx_word {
	VMX_PIN,		/* pin-based VM-execution controls */
	VMX_CPU,		/* primary processor-based */
	VMX_CPU2,		/* secondary processor-based */
	VMX_EXIT,		/* VM-exit controls */
	VMX_ENTRY,		/* VM-entry controls */
	VMX_NR_WORDS,
};

/* What this CPU's VMX can do and what of it is used (caps.c); constant once probed. */
struct vmx_caps {
	u32 revision;		/* of VMCS and VMXON regions */
	u32 fixed[VMX_NR_WORDS];	/* bits that must be one */
	u32 allowed[VMX_NR_WORDS];	/* bits that may be one */
	u32 use[VMX_NR_WORDS];	/* what is on, or may be turned on, in a vCPU's VMCS */
	u64 cr0_fixed0, cr0_fixed1;	/* bits that must be one; that may be one */
	u64 cr4_fixed0, cr4_fixed1;
	u64 misc;		/* IA32_VMX_MISC */
	u64 ept_vpid;		/* IA32_VMX_EPT_VPID_CAP; VMX_EPT_*_BIT, VMX_VPID_* << 32 */
	bool unrestricted;	/* real mode and no paging run as they are */
	bool vnmi;		/* the CPU keeps account of the guest's NMI blocking */
	bool load_efer, load_pat;	/* by entry and exit controls */
};
extern struct vmx_caps vmx_caps;

/* Are all of @bits of control word @word among what is used? */
static inline bool vmx_uses(enum vmx_word word, u32 bits)
{
	return (vmx_caps.use[word] & bits) == bits;
}

/* --- one for each CPU --- */

/* Preemption off.  The VMXON region lives from setup() to teardown(). */
struct vmx_cpu {
	struct vmx_region *vmxon;
	struct list_head loaded;	/* vmx_vmcs.link; irqoff, and a crash's NMI reads it */
	struct vmx_vmcs *current_vmcs;
	u64 last;			/* vmx_vcpu.serial of who was loaded here last */
};
DECLARE_PER_CPU(struct vmx_cpu, vmx_cpu);

/* --- one for each VM --- */

struct vmx_vm {
	struct lodge_vm vm;		/* first */
	struct page *apic_page;		/* apicv.c; NULL without.  Constant */
	bool apic_page_off;		/* for good: no vCPU's APIC is to be there */
	struct vmx_realmode_map realmode;	/* constant */
};

static_assert(offsetof(struct vmx_vm, vm) == 0);

static inline struct vmx_vm *to_vmx_vm(struct lodge_vm *vm)
{
	return container_of(vm, struct vmx_vm, vm);
}

/* --- one for each vCPU --- */

/* Reasons to leave vmx_run()'s straight path; bits of vmx_vcpu.slow. */
#define VMX_SLOW_HOST	BIT(0)	/* the guest's part of the host's MSRs and segments is not loaded */
#define VMX_SLOW_DEBUG	BIT(1)	/* user space owns the debug registers */
#define VMX_SLOW_TRAP	BIT(2)	/* RFLAGS.TF or an interrupt shadow: pending debug exceptions */
#define VMX_SLOW_NMI	BIT(3)	/* no virtual NMIs: the end of the handler is looked for */
#define VMX_SLOW_TIMER	BIT(4)	/* the preemption timer is to be set (timer.c) */
#define VMX_SLOW_PML	BIT(5)	/* the page-modification log is on (pml.c) */
#define VMX_SLOW_DR	BIT(6)	/* the guest has the debug registers: load and store DR6 */
#define VMX_SLOW_APICV	BIT(7)	/* interrupts are delivered by the CPU (apicv.c) */
#define VMX_SLOW_REALMODE BIT(8)	/* an entry may not accept the segments (realmode.c) */
#define VMX_SLOW_POSTED	BIT(9)	/* they may be posted (posted.c) */

/* Fields that do not change but by an exit: bits of vmx_vcpu.seen. */
#define VMX_SEEN_SHADOW	BIT(0)	/* vmx_vcpu.interruptibility is current */

/* What the host had in registers that an exit does not bring back; run.c. */
struct vmx_host {
	unsigned long cr3, cr4;		/* as HOST_CR3 and HOST_CR4 have them */
	unsigned long fs_base;		/* HOST_FS_BASE */
	unsigned long user_gs_base;	/* MSR_KERNEL_GS_BASE while the guest is not loaded */
	u16 fs, gs, ds, es, ldt;	/* selectors of the thread; mostly zero */
	u64 debugctl;
	bool fresh;			/* the thread did more than take exits: l1d.c */
};

struct vmx_vcpu {
	struct lodge_vcpu vcpu;		/* first */

	/* vcpu->mutex, loaded. */
	struct vmx_vmcs vmcs;
	struct vmx_switch sw;
	struct vmx_host host;
	u32 slow;			/* VMX_SLOW_* */
	u32 seen;			/* VMX_SEEN_* */
	u32 exit_reason;		/* of the last exit, all 32 bits; VMX_NO_EXIT: none */
	u32 entry_info;			/* VM_ENTRY_INTR_INFO_FIELD for the next entry; 0: none */
	u32 interruptibility;		/* GUEST_INTERRUPTIBILITY_INFO, if VMX_SEEN_SHADOW */
	u32 controls[VMX_NR_WORDS];	/* as the VMCS has them */
	u32 exception_bitmap;
	unsigned long cr0_guest_owned, cr4_guest_owned;	/* bits that change without an exit */
	unsigned long hw_cr0, hw_cr4;	/* GUEST_CR0 and GUEST_CR4 as last written */
	u8 event_len;			/* length of the instruction that raised a soft event */
	struct vmx_realmode realmode;
	bool dr_owned;			/* the guest has the debug registers until its next exit */
	u32 fail;			/* VM_INSTRUCTION_ERROR of the last entry; 0: none */

	/* Without virtual NMIs: inject.c. */
	bool nmi_blocked;
	u64 nmi_blocked_since;		/* ns */

	/* msr.c */
	u64 kernel_gs_base;		/* the guest's, while VMX_SLOW_HOST is set */
	u64 star, lstar, cstar, syscall_mask;
	u64 tsc_aux;
	u64 feature_control;
	unsigned long *msr_bitmap;	/* vmx_msr_bitmap, or its own where it differs */
	bool pred_cmd_used;		/* the guest did: it may do so by itself */

	/* autoload.c */
	struct vmx_autoload *autoload;	/* NULL: this host has no use for any */
	u32 nr_autoload;		/* entries of either list, as the VMCS has it */

	/* tlb.c */
	u16 vpid;			/* 0: none; each entry and exit flushes */
	u64 eptp;
	int tlb_cpu;			/* where the translations of this vCPU may be cached */

	/* apicv.c */
	void *virtual_apic;		/* the page that the TPR shadow reads and writes */
	u8 tpr;				/* VTPR as the guest was entered with */
	u32 tpr_threshold;		/* as the VMCS has it */
	u64 eoi_exits[4];		/* EOI-exit bitmap, as the VMCS has it */
	struct vmx_posted *posted;	/* posted.c; NULL without.  Constant; any context writes */

	/* pml.c, timer.c: theirs alone. */
	void *pml_log;
	struct vmx_timer {
		u64 deadline;		/* in the guest's TSC; 0: none */
	} timer;

	u64 serial;		/* its number among all vCPUs there ever were; constant */
};

#define VMX_NO_EXIT	(~0u)

static_assert(offsetof(struct vmx_vcpu, vcpu) == 0);
static_assert(offsetof(struct vmx_switch, host_rsp) == VMX_SW_HOST_RSP);
static_assert(offsetof(struct vmx_switch, spec_guest) == VMX_SW_SPEC_GUEST);
static_assert(offsetof(struct vmx_switch, spec_host) == VMX_SW_SPEC_HOST);
static_assert(offsetof(struct vmx_switch, spec_readback) == VMX_SW_SPEC_READBACK);
static_assert(offsetof(struct vmx_switch, launched) == VMX_SW_LAUNCHED);
static_assert(LODGE_RAX == 0 && LODGE_RCX == 1 && LODGE_RDX == 2 && LODGE_RBX == 3 &&
	      LODGE_RBP == 5 && LODGE_RSI == 6 && LODGE_RDI == 7 && LODGE_R8 == 8 &&
	      LODGE_R15 == 15);

static inline struct vmx_vcpu *to_vmx(struct lodge_vcpu *vcpu)
{
	return container_of(vcpu, struct vmx_vcpu, vcpu);
}

/* Basic exit reason: EXIT_REASON_*. */
static inline u16 vmx_reason(const struct vmx_vcpu *vmx)
{
	return vmx->exit_reason;
}

/* --- control words: loaded --- */

void vmx_write_control(struct vmx_vcpu *vmx, enum vmx_word word, u32 value);

/* Turn bits of a control word on or off; VMWRITE only if that changes it. */
static inline void vmx_control(struct vmx_vcpu *vmx, enum vmx_word word, u32 bits, bool on)
{
	u32 old = vmx->controls[word], value = on ? old | bits : old & ~bits;

	if (value != old)
		vmx_write_control(vmx, word, value);
}

/* GUEST_INTERRUPTIBILITY_INFO. */
static inline u32 vmx_interruptibility(struct vmx_vcpu *vmx)
{
	if (!(vmx->seen & VMX_SEEN_SHADOW)) {
		vmx->interruptibility = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
		vmx->seen |= VMX_SEEN_SHADOW;
	}
	return vmx->interruptibility;
}

static inline void vmx_set_interruptibility(struct vmx_vcpu *vmx, u32 value)
{
	if (value == vmx_interruptibility(vmx))
		return;
	vmx->interruptibility = value;
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, value);
}

/* caps.c */
int vmx_probe(void);

/* vmcs.c */
int vmx_vcpu_create(struct lodge_vcpu *vcpu);
void vmx_vcpu_destroy(struct lodge_vcpu *vcpu);
void vmx_vcpu_reset(struct lodge_vcpu *vcpu, bool init);
void vmx_cpuid_changed(struct lodge_vcpu *vcpu);
void vmx_update_exception_bitmap(struct lodge_vcpu *vcpu);
void vmx_dump(struct lodge_vcpu *vcpu);

/* run.c */
void vmx_vcpu_load(struct lodge_vcpu *vcpu, int cpu);
void vmx_vcpu_put(struct lodge_vcpu *vcpu);
void vmx_run(struct lodge_vcpu *vcpu);
void vmx_handle_exit_irqoff(struct lodge_vcpu *vcpu);
/* MSR_KERNEL_GS_BASE of the guest, wherever it is now. */
u64 vmx_get_kernel_gs_base(struct vmx_vcpu *vmx);
void vmx_set_kernel_gs_base(struct vmx_vcpu *vmx, u64 value);

/* exit.c, exit_cr.c */
int vmx_handle_exit(struct lodge_vcpu *vcpu);
int vmx_skip_instruction(struct lodge_vcpu *vcpu);
void vmx_get_exit_info(struct lodge_vcpu *vcpu, struct lodge_exit_info *info);
const char *vmx_exit_name(u32 reason);
int vmx_exit_cr(struct lodge_vcpu *vcpu);
int vmx_exit_dr(struct lodge_vcpu *vcpu);
int vmx_exit_invpcid(struct lodge_vcpu *vcpu);

/* inject.c */
void vmx_inject_exception(struct lodge_vcpu *vcpu);
void vmx_inject_irq(struct lodge_vcpu *vcpu, bool reinjected);
void vmx_inject_nmi(struct lodge_vcpu *vcpu);
void vmx_cancel_injection(struct lodge_vcpu *vcpu);
/* An exit came with @info, IDT-vectoring's layout, in delivery: queue it again. */
void vmx_requeue_event(struct lodge_vcpu *vcpu, u32 info, u32 error_code, u32 insn_len);
/*
 * An exit's information has bit 12 set: an IRET that ended an NMI handler did not complete
 * (SDM vol. 3, Resuming Guest Software After Handling an Exception).  NMIs are blocked again.
 */
void vmx_iret_interrupted(struct vmx_vcpu *vmx);
void vmx_nmi_check(struct vmx_vcpu *vmx);	/* VMX_SLOW_NMI, after an exit */
bool vmx_irq_allowed(struct lodge_vcpu *vcpu);
bool vmx_nmi_allowed(struct lodge_vcpu *vcpu);
void vmx_enable_irq_window(struct lodge_vcpu *vcpu);
void vmx_enable_nmi_window(struct lodge_vcpu *vcpu);
bool vmx_get_nmi_mask(struct lodge_vcpu *vcpu);
void vmx_set_nmi_mask(struct lodge_vcpu *vcpu, bool masked);
u32 vmx_get_interrupt_shadow(struct lodge_vcpu *vcpu);
void vmx_set_interrupt_shadow(struct lodge_vcpu *vcpu, u32 mask);
int vmx_exit_irq_window(struct lodge_vcpu *vcpu);
int vmx_exit_nmi_window(struct lodge_vcpu *vcpu);

/* state.c */
void vmx_cache_reg(struct lodge_vcpu *vcpu, int reg);
void vmx_get_segment(struct lodge_vcpu *vcpu, struct kvm_segment *s, int seg);
void vmx_set_segment(struct lodge_vcpu *vcpu, const struct kvm_segment *s, int seg);
u64 vmx_get_segment_base(struct lodge_vcpu *vcpu, int seg);
void vmx_set_segment_base(struct lodge_vcpu *vcpu, int seg, u64 base);
int vmx_get_cpl(struct lodge_vcpu *vcpu);
int vmx_get_code_size(struct lodge_vcpu *vcpu);
void vmx_get_idt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt);
void vmx_set_idt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt);
void vmx_get_gdt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt);
void vmx_set_gdt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt);
void vmx_set_cr0(struct lodge_vcpu *vcpu, unsigned long cr0);
void vmx_set_cr3(struct lodge_vcpu *vcpu, unsigned long cr3);
void vmx_set_cr4(struct lodge_vcpu *vcpu, unsigned long cr4);
void vmx_set_efer(struct lodge_vcpu *vcpu, u64 efer);
void vmx_set_dr7(struct lodge_vcpu *vcpu, unsigned long dr7);
void vmx_own_debug_regs(struct vmx_vcpu *vmx, bool own);
void vmx_sync_debug_regs(struct lodge_vcpu *vcpu);
/* Segment fields of the VMCS. */
u16 vmx_read_selector(int seg);
void vmx_read_segment(struct kvm_segment *s, int seg);
void vmx_write_segment(const struct kvm_segment *s, int seg);

/* --- vmx/exit_ept.c --- */
int vmx_exit_ept_violation(struct lodge_vcpu *vcpu);
int vmx_exit_pf(struct lodge_vcpu *vcpu);
int vmx_exit_ept_misconfig(struct lodge_vcpu *vcpu);
/* @qual, of an EPT violation or a full PML log, may say that an IRET is to be done again. */
void vmx_iret_faulted(struct lodge_vcpu *vcpu, unsigned long qual);

/* --- vmx/tlb.c --- */
/* VMX was just turned on here: drop what an earlier user left.  Irqoff. */
void vmx_tlb_cpu_enable(void);
int vmx_tlb_vcpu_create(struct vmx_vcpu *vmx);		/* a VPID; 0 */
void vmx_tlb_vcpu_destroy(struct vmx_vcpu *vmx);
void vmx_tlb_vcpu_reset(struct vmx_vcpu *vmx);		/* VPID and EPT pointer to the VMCS */
/* The vCPU came to @cpu from another, or for the first time.  Preemption off, VMCS loaded. */
void vmx_tlb_vcpu_moved(struct vmx_vcpu *vmx, int cpu);
void vmx_load_mmu_root(struct lodge_vcpu *vcpu, hpa_t root, int level);
void vmx_flush_tlb_all(struct lodge_vcpu *vcpu);
void vmx_flush_tlb_guest(struct lodge_vcpu *vcpu);
void vmx_flush_tlb_gva(struct lodge_vcpu *vcpu, gva_t gva);

/* --- vmx/msr.c --- */
extern unsigned long *vmx_msr_bitmap;	/* one page: the MSRs any guest may reach by itself */
int vmx_msr_setup(void);		/* bitmap, user-return slots; 0 or -ENOMEM */
void vmx_msr_teardown(void);
int vmx_msr_vcpu_create(struct vmx_vcpu *vmx);
void vmx_msr_vcpu_destroy(struct vmx_vcpu *vmx);
/* Bitmap and MSR fields to the VMCS. */
void vmx_msr_vcpu_reset(struct vmx_vcpu *vmx, bool init);
/* First entry since the vCPU was loaded: MSRs that only user space sees.  Irqoff. */
void vmx_load_user_msrs(struct vmx_vcpu *vmx);
int vmx_get_msr(struct lodge_vcpu *vcpu, u32 index, u64 *data);
int vmx_set_msr(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host);
void vmx_update_msr_intercepts(struct lodge_vcpu *vcpu);
void vmx_write_tsc_offset(struct lodge_vcpu *vcpu, u64 offset);
void vmx_write_tsc_multiplier(struct lodge_vcpu *vcpu, u64 mult);

/* --- vmx/autoload.c --- */
void vmx_autoload_setup(void);
int vmx_autoload_vcpu_create(struct vmx_vcpu *vmx);	/* 0 or -ENOMEM */
void vmx_autoload_vcpu_destroy(struct vmx_vcpu *vmx);
void vmx_autoload_vcpu_reset(struct vmx_vcpu *vmx);	/* empty lists to the VMCS */
void vmx_autoload_efer(struct vmx_vcpu *vmx, u64 efer);	/* only where !vmx_caps.load_efer */
extern bool vmx_perf_switches;	/* the host has counters that a guest may have to be kept off */
void vmx_autoload_perf(struct vmx_vcpu *vmx);	/* if so, before each entry */

/* --- vmx/apicv.c --- */
bool vmx_apicv_wanted(void);	/* delivery by the CPU, of the owner of this host */
int vmx_apicv_vm_init(struct vmx_vm *vm);	/* 0 or -ENOMEM */
void vmx_apicv_vm_destroy(struct vmx_vm *vm);
void vmx_apic_mode_changed(struct lodge_vcpu *vcpu);
/* An EPT violation at @gpa is the APIC page's: LODGE_RESUME or -errno; 0: it is not. */
int vmx_map_apic_page(struct lodge_vcpu *vcpu, gpa_t gpa);
void vmx_apicv_vcpu_reset(struct vmx_vcpu *vmx);	/* its controls and fields to the VMCS */
void vmx_load_tpr(struct vmx_vcpu *vmx);	/* the local APIC's TPR changed: before entry */
void vmx_store_tpr(struct vmx_vcpu *vmx);	/* the guest moved to CR8: after an exit */
void vmx_update_cr8_intercept(struct lodge_vcpu *vcpu, int tpr, int irr);
void vmx_apicv_leave(struct vmx_vcpu *vmx);	/* VMX_SLOW_APICV, after an exit, irqoff */
void vmx_set_rvi(struct vmx_vcpu *vmx, int irr);	/* the highest of IRR, or -1; apicv only */
bool vmx_apicv_x2apic(const struct vmx_vcpu *vmx);	/* its MSRs are virtualized */
int vmx_exit_tpr_below_threshold(struct lodge_vcpu *vcpu);
int vmx_exit_apic_access(struct lodge_vcpu *vcpu);
int vmx_exit_apic_write(struct lodge_vcpu *vcpu);
int vmx_exit_eoi_induced(struct lodge_vcpu *vcpu);

/* VTPR, bits 7:0 of offset 0x80 (SDM vol. 3, Virtualized APIC Registers). */
static inline u8 vmx_vtpr(const struct vmx_vcpu *vmx)
{
	return READ_ONCE(*(u8 *)(vmx->virtual_apic + 0x80));
}

/* --- vmx/posted.c --- */
int vmx_posted_vcpu_create(struct vmx_vcpu *vmx);	/* 0 or -ENOMEM */
void vmx_posted_vcpu_destroy(struct vmx_vcpu *vmx);
void vmx_posted_vcpu_reset(struct vmx_vcpu *vmx);
bool vmx_post_irq(struct lodge_vcpu *vcpu, u8 vector, bool must_exit);
void vmx_take_posted(struct lodge_vcpu *vcpu);
void vmx_posted_enter(struct vmx_vcpu *vmx);	/* VMX_SLOW_POSTED, before each entry, irqoff */

/* --- vmx/pml.c --- */
bool vmx_pml_wanted(void);	/* of the owner of this host */
int vmx_pml_vcpu_create(struct vmx_vcpu *vmx);
void vmx_pml_vcpu_destroy(struct vmx_vcpu *vmx);
void vmx_pml_vcpu_reset(struct vmx_vcpu *vmx);
void vmx_pml_leave(struct vmx_vcpu *vmx);	/* VMX_SLOW_PML, after an exit, irqoff */
void vmx_set_dirty_log(struct lodge_vcpu *vcpu, bool on);
int vmx_exit_pml_full(struct lodge_vcpu *vcpu);

/* --- vmx/timer.c --- */
void vmx_timer_setup(void);		/* is it used? */
void vmx_timer_vcpu_reset(struct vmx_vcpu *vmx);
bool vmx_set_deadline(struct lodge_vcpu *vcpu, u64 tsc);
void vmx_timer_enter(struct vmx_vcpu *vmx);	/* VMX_SLOW_TIMER, before entry, irqoff */
int vmx_exit_preemption_timer(struct lodge_vcpu *vcpu);

/* --- vmx/check.c --- */
/*
 * The last entry failed: name the rule of the manual that is broken, in the kernel log and
 * for user space.  Loaded.
 */
void vmx_explain_failed_entry(struct lodge_vcpu *vcpu);

#endif
