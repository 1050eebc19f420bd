/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a CPU backend (arch/x86/vmx, arch/x86/svm) must do, and the contract of
 * every operation.  The backend is chosen once, at load; calls go through
 * static_call, as lodge_be(op)(...), so none is indirect.
 *
 * Contexts: "process" may sleep; "loaded" means vcpu->mutex is held and the
 * vCPU is loaded on this CPU (lodge_vcpu_load), preemption on unless said;
 * "irqoff" means loaded with interrupts disabled.
 */
#ifndef LODGE_BACKEND_H
#define LODGE_BACKEND_H

#include <linux/static_call.h>

#include "lodge.h"

/* What MMU the backend offers, decided by probe(); constant after. */
struct lodge_tdp_caps {
	bool enabled;		/* EPT or NPT in use; otherwise shadow paging */
	int levels;		/* of the second-dimension table, or of the host's own: 4 or 5 */
	int max_page_level;	/* 1: 4 KiB, 2: 2 MiB, 3: 1 GiB */
	bool ept;		/* the tables are EPT's; otherwise NPT's */
	bool nx_large;		/* guests must not execute from large pages (iTLB multihit) */
	bool has_ad;		/* hardware sets accessed and dirty bits */
	bool has_pml;		/* and logs the pages it makes dirty: set_dirty_log */
};

/* Facts about the CPU and the backend that neutral code may ask for. */
struct lodge_caps {
	struct lodge_tdp_caps tdp;
	bool tsc_scaling;
	u64 max_tsc_ratio;
	u8 tsc_frac_bits;
	bool has_vnmi;
	bool nrips;
	bool unrestricted;	/* real mode runs without emulation */
	u64 supported_xss;
	u64 supported_xcr0;
	u64 efer_reserved;	/* EFER bits the CPU lacks; cr.c adds what CPUID denies */
};
extern struct lodge_caps lodge_caps;
/* Module parameter: EPT or NPT may be used.  For probe(). */
extern bool lodge_tdp;

/* Why a fetch of registers is needed: bits of lodge_vcpu_arch.regs_avail. */

struct lodge_exit_info {
	u32 reason;		/* vendor's own number, as KVM's tracepoints print it */
	u64 info1, info2;	/* exit qualification and like */
	u32 intr_info;		/* event that was being delivered; bit 31 valid */
	u32 error_code;
};

#define LODGE_BACKEND_OPS(X)							\
	/* --- the CPU: each online CPU, irqoff, from cpuhp/IPI --- */		\
	/* Turn the extension on here.  0, -EBUSY if another owner has it, -EIO. */ \
	X(int, cpu_enable, (void))						\
	/* Turn it off; nothing of the backend's stays loaded here.  Also on crash. */ \
	X(void, cpu_disable, (void))						\
	/* --- lifetimes: process --- */					\
	X(int, vm_init, (struct lodge_vm *vm))					\
	X(void, vm_destroy, (struct lodge_vm *vm))				\
	X(int, vcpu_create, (struct lodge_vcpu *vcpu))				\
	X(void, vcpu_destroy, (struct lodge_vcpu *vcpu))			\
	/* Control block to the manual's state after RESET (or INIT): loaded. */	\
	/* Neutral code sets registers through the operations below after this. */	\
	X(void, vcpu_reset, (struct lodge_vcpu *vcpu, bool init))		\
	/* --- placement: preemption off --- */					\
	X(void, vcpu_load, (struct lodge_vcpu *vcpu, int cpu))			\
	X(void, vcpu_put, (struct lodge_vcpu *vcpu))				\
	/* --- the world switch --- */						\
	/* Irqoff, all requests handled: run the guest until one exit.  Events asked */ \
	/* for are in the control block.  Leaves the exit's raw state for handle_exit; */ \
	/* NMIs and machine checks that ended it were handed to the host. */	\
	X(void, run, (struct lodge_vcpu *vcpu))					\
	/* Irqoff, right after run(): give the host the interrupt that ended it, */ \
	/* where the CPU acknowledged it on exit (VMX); nothing on SVM. */	\
	X(void, handle_exit_irqoff, (struct lodge_vcpu *vcpu))			\
	/* Loaded, irqs on: decode the exit and call the neutral handler. */	\
	X(int, handle_exit, (struct lodge_vcpu *vcpu))				\
	/* Take back what was set up for injection but not run (irqoff). */	\
	X(void, cancel_injection, (struct lodge_vcpu *vcpu))			\
	/* --- registers: loaded --- */						\
	X(void, cache_reg, (struct lodge_vcpu *vcpu, int reg))			\
	X(void, get_segment, (struct lodge_vcpu *vcpu, struct kvm_segment *s, int seg)) \
	X(void, set_segment, (struct lodge_vcpu *vcpu, const struct kvm_segment *s, int seg)) \
	X(u64, get_segment_base, (struct lodge_vcpu *vcpu, int seg))		\
	X(int, get_cpl, (struct lodge_vcpu *vcpu))				\
	/* Bytes of the code segment's default size: 8 in 64-bit mode, else 4 or 2. */ \
	X(int, get_code_size, (struct lodge_vcpu *vcpu))			\
	X(void, get_idt, (struct lodge_vcpu *vcpu, struct kvm_dtable *dt))	\
	X(void, set_idt, (struct lodge_vcpu *vcpu, const struct kvm_dtable *dt))	\
	X(void, get_gdt, (struct lodge_vcpu *vcpu, struct kvm_dtable *dt))	\
	X(void, set_gdt, (struct lodge_vcpu *vcpu, const struct kvm_dtable *dt))	\
	/* The value is already checked (cr.c): make the control block follow. */	\
	X(void, set_cr0, (struct lodge_vcpu *vcpu, unsigned long cr0))		\
	X(void, set_cr3, (struct lodge_vcpu *vcpu, unsigned long cr3))		\
	X(void, set_cr4, (struct lodge_vcpu *vcpu, unsigned long cr4))		\
	X(void, set_efer, (struct lodge_vcpu *vcpu, u64 efer))			\
	X(void, set_dr7, (struct lodge_vcpu *vcpu, unsigned long dr7))		\
	/* After a guest that owned the debug registers ran: read them back. */	\
	X(void, sync_debug_regs, (struct lodge_vcpu *vcpu))			\
	/* --- MSRs that live in the control block: loaded --- */		\
	/* 0, or -ENOENT for an MSR that is not the backend's, -EINVAL for #GP. */ \
	X(int, get_msr, (struct lodge_vcpu *vcpu, u32 index, u64 *data))	\
	X(int, set_msr, (struct lodge_vcpu *vcpu, u32 index, u64 data, bool host))	\
	/* The bit maps follow what arch/x86/msr.c says may pass through. */	\
	X(void, update_msr_intercepts, (struct lodge_vcpu *vcpu))		\
	/* --- events: loaded; the ones under "enter" irqoff too --- */		\
	X(void, inject_exception, (struct lodge_vcpu *vcpu))			\
	X(void, inject_irq, (struct lodge_vcpu *vcpu, bool reinjected))		\
	X(void, inject_nmi, (struct lodge_vcpu *vcpu))				\
	/* Nothing but RFLAGS.IF (irq only), shadow, NMI blocking, GIF stands in the way. */ \
	X(bool, irq_allowed, (struct lodge_vcpu *vcpu))				\
	X(bool, nmi_allowed, (struct lodge_vcpu *vcpu))				\
	X(void, enable_irq_window, (struct lodge_vcpu *vcpu))			\
	X(void, enable_nmi_window, (struct lodge_vcpu *vcpu))			\
	X(bool, get_nmi_mask, (struct lodge_vcpu *vcpu))			\
	X(void, set_nmi_mask, (struct lodge_vcpu *vcpu, bool masked))		\
	/* KVM_X86_SHADOW_INT_* bits. */					\
	X(u32, get_interrupt_shadow, (struct lodge_vcpu *vcpu))			\
	X(void, set_interrupt_shadow, (struct lodge_vcpu *vcpu, u32 mask))	\
	/* Exit when the guest lowers TPR below @irr_prio>>4 (-1: no interrupt waits). */ \
	X(void, update_cr8_intercept, (struct lodge_vcpu *vcpu, int tpr, int irr))	\
	X(void, update_exception_bitmap, (struct lodge_vcpu *vcpu))		\
	/* --- translation: loaded --- */					\
	/* Use @root (host physical) as the table of the second dimension, or as CR3: a */ \
	/* PAE one for @level 3. */						\
	X(void, load_mmu_root, (struct lodge_vcpu *vcpu, hpa_t root, int level))	\
	X(void, flush_tlb_all, (struct lodge_vcpu *vcpu))			\
	X(void, flush_tlb_guest, (struct lodge_vcpu *vcpu))			\
	X(void, flush_tlb_gva, (struct lodge_vcpu *vcpu, gva_t gva))		\
	/* Pages that the guest's writes make dirty are marked by lodge_mark_page_dirty() */ \
	/* before run() returns, or are no more.  Only with tdp.has_pml. */	\
	X(void, set_dirty_log, (struct lodge_vcpu *vcpu, bool on))		\
	/* --- the rest: loaded --- */						\
	/* Move RIP past the instruction that exited, drop the interrupt shadow. */	\
	/* LODGE_RESUME, or what an emulation failure answers. */		\
	X(int, skip_instruction, (struct lodge_vcpu *vcpu))			\
	X(void, write_tsc_offset, (struct lodge_vcpu *vcpu, u64 offset))	\
	X(void, write_tsc_multiplier, (struct lodge_vcpu *vcpu, u64 mult))	\
	/* End the guest when its TSC reaches @tsc, by lodge_lapic_deadline_passed(): true. */ \
	/* False: the CPU cannot.  0 takes it back.  Nothing of the VMCS or VMCB is touched. */ \
	X(bool, set_deadline, (struct lodge_vcpu *vcpu, u64 tsc))		\
	/* With arch.posts, any context: keep @vector until take_posted(), as the CPU works on */ \
	/* IRR.  True: the vCPU takes it, by itself or since another tells it; false: the */	\
	/* caller is to tell it, as it is if it @must_exit. */			\
	X(bool, post_irq, (struct lodge_vcpu *vcpu, u8 vector, bool must_exit))	\
	/* With arch.posts, own thread, outside the guest: lodge_lapic_posted() for each. */	\
	X(void, take_posted, (struct lodge_vcpu *vcpu))				\
	/* IA32_APIC_BASE changed, and with it who answers to the local APIC's registers. */ \
	X(void, apic_mode_changed, (struct lodge_vcpu *vcpu))			\
	/* Guest CPUID changed: recompute what depends on it. */		\
	X(void, cpuid_changed, (struct lodge_vcpu *vcpu))			\
	/* For tracepoints and error reports; valid until the next run(). */	\
	X(void, get_exit_info, (struct lodge_vcpu *vcpu, struct lodge_exit_info *info)) \
	X(const char *, exit_name, (u32 reason))

struct lodge_backend {
	const char *name;	/* "VMX" or "SVM" */
	u32 isa;		/* 1 VMX, 2 SVM, as KVM's exit tracepoint numbers them */
	size_t vm_size;		/* the backend's VM, lodge_vm first */
	size_t vcpu_size;	/* the backend's vCPU, lodge_vcpu first */
	/*
	 * Can this CPU do it?  0, -ENODEV (another vendor's; say nothing), or
	 * another errno after one pr_err that names the reason and the remedy.
	 * Fills in lodge_caps.  Process context, once.
	 */
	int (*probe)(void);
	int (*setup)(void);	/* global allocations; 0 or -errno; process */
	void (*teardown)(void);	/* undo setup(); process */

#define X(ret, name, args) ret(*name) args;
	LODGE_BACKEND_OPS(X)
#undef X
};

extern const struct lodge_backend vmx_backend, svm_backend;
extern const struct lodge_backend *lodge_backend;	/* the chosen one; main.c */

#define X(ret, name, args) DECLARE_STATIC_CALL(lodge_##name, *(((struct lodge_backend *)0)->name));
LODGE_BACKEND_OPS(X)
#undef X

#define lodge_be(op) static_call(lodge_##op)

#endif
