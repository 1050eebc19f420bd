/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The x86 part of a virtual machine and of a virtual CPU, vendor-neutral.
 * Fields are grouped by what guards them, as in kmod/lodge.h.
 */
#ifndef LODGE_X86_H
#define LODGE_X86_H

#include <linux/bitops.h>
#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/kvm_types.h>
#include <linux/mutex.h>
#include <linux/seqlock.h>
#include <asm/fpu/api.h>

#include "failed_entry.h"
#include "mmu/mmu.h"

struct lodge_vcpu;
struct lodge_vm;
struct lodge_lapic;
struct lodge_ioapic;
struct lodge_pic;
struct lodge_pit;
struct lodge_apic_map;
struct lodge_cpuid;
struct lodge_msr_filter;
struct lodge_emu;
struct lodge_pv;

/* Bits of lodge_vcpu_arch.pending_init_sipi. */
#define LODGE_PENDING_INIT	0
#define LODGE_PENDING_SIPI	1

/* Indices of lodge_vcpu_arch.regs, and beyond them of regs_avail/regs_dirty. */
enum lodge_reg {
	LODGE_RAX, LODGE_RCX, LODGE_RDX, LODGE_RBX,
	LODGE_RSP, LODGE_RBP, LODGE_RSI, LODGE_RDI,
	LODGE_R8, LODGE_R9, LODGE_R10, LODGE_R11,
	LODGE_R12, LODGE_R13, LODGE_R14, LODGE_R15,
	LODGE_RIP,
	LODGE_RFLAGS,
	LODGE_NR_REGS,
	/* Not in regs[], but fetched on demand in the same way. */
	LODGE_REG_CR0 = LODGE_NR_REGS,
	LODGE_REG_CR3,
	LODGE_REG_CR4,
	LODGE_REG_PDPTR,
	LODGE_REG_TPR,		/* the local APIC's: only ever dirty */
	LODGE_NR_CACHED,
};

/* Segment numbers as instructions encode them. */
enum lodge_seg {
	LODGE_SEG_ES, LODGE_SEG_CS, LODGE_SEG_SS, LODGE_SEG_DS, LODGE_SEG_FS, LODGE_SEG_GS,
	LODGE_SEG_LDTR,
	LODGE_SEG_TR,
};

/* An exception on its way into the guest; arch/x86/exception.c. */
struct lodge_exception {
	bool pending;		/* wanted, not yet given to the control block */
	bool injected;		/* was in the control block; survives an exit in delivery */
	u8 nr;
	bool has_error_code;
	u32 error_code;
	bool has_payload;	/* CR2 for #PF, DR6 for #DB: applied at injection */
	u64 payload;
};

struct lodge_interrupt {
	bool injected;
	bool soft;
	u8 nr;
	u8 insn_len;		/* of the INTn or INT3 that @soft repeats */
};

/* An access that user space must complete; arch/x86/exit_complete.c. */
struct lodge_pio {
	u16 port;
	u8 size;		/* of one datum: 1, 2, 4 */
	bool in;
	u32 count;		/* more than one for string instructions */
};

/* An RDMSR or WRMSR that user space answers: arch/x86/msr_user.c. */
struct lodge_msr_exit {
	unsigned long rip, next_rip;
	bool write;
};

struct lodge_vcpu_arch {
	/* vcpu->mutex, and the vCPU loaded: registers. */
	unsigned long regs[LODGE_NR_REGS];
	u32 regs_avail;		/* bit set: regs[] (or the field) is current */
	u32 regs_dirty;		/* bit set: the control block must be updated */
	unsigned long cr0, cr2, cr3, cr4;	/* as the guest sees them; use the accessors */
	u64 pdptrs[4];		/* LODGE_REG_PDPTR */
	unsigned long cr8;	/* when the local APIC is not in the kernel */
	u64 efer;
	u64 apic_base;
	u64 xcr0, xss;
	u32 pkru;
	bool switch_xcr0, switch_xss, switch_pkru;	/* differ from the host's: fpu.h */
	unsigned long db[4];	/* DR0-DR3 */
	unsigned long dr6, dr7;
	/* DR0-DR3 in force: the guest's, or user space's when it debugs */
	unsigned long eff_db[4];
	bool dr_dirty;		/* breakpoints are in force: load eff_db at entry */
	unsigned long cr4_guest_rsvd;	/* CR4 bits its CPUID denies */
	u32 mp_state;		/* KVM_MP_STATE_* */
	u32 sipi_vector;
	unsigned long pending_init_sipi;	/* LODGE_PENDING_*; set by other vCPUs, atomic */

	/* Events: vcpu->mutex but for nmi_queued. */
	struct lodge_exception exception;
	struct lodge_interrupt interrupt;
	atomic_t nmi_queued;	/* NMIs asked for by anyone; two at most count */
	u8 nmi_pending;		/* moved from nmi_queued by LODGE_REQ_NMI */
	bool nmi_injected;
	s16 user_vector;	/* KVM_INTERRUPT's, or -1; while the PIC is user space's */
	bool pv_unhalted;	/* kicked out of HLT by another vCPU */
	bool exception_payload;	/* user space enabled KVM_CAP_EXCEPTION_PAYLOAD */
	bool triple_fault_event;	/* user space enabled KVM_CAP_X86_TRIPLE_FAULT_EVENT */
	u32 guest_debug;	/* KVM_GUESTDBG_* in force */
	unsigned long guest_debug_db[4], guest_debug_dr7;
	unsigned long guest_tf;	/* the guest's own TF, while user space single-steps it */

	/* Set by arch/x86/cpuid.c when user space gives the CPUID table. */
	struct lodge_cpuid *cpuid;
	int maxphyaddr;		/* bits */
	u64 guest_supported_xcr0;

	/* MSRs that neutral code keeps: arch/x86/msr.c. */
	u64 pat;
	u64 misc_enable;
	u64 mcg_cap, mcg_status, mcg_ctl;
	u64 *mce_banks;
	u64 arch_capabilities, platform_info, misc_features;
	u64 microcode_version;
	u64 hwcr, smbase, power_ctl;
	u64 mtrr_def_type, mtrr_fixed[11], mtrr_var[16];
	u64 debugctl;

	/* Time: arch/x86/tsc.c, pvclock.c. */
	u64 tsc_offset, tsc_multiplier;	/* guest = (host * multiplier >> frac) + offset */
	u64 tsc_adjust;		/* IA32_TSC_ADJUST */
	u64 last_host_tsc, last_guest_tsc;	/* at the last vcpu_put */
	u32 tsc_khz;		/* the guest's */
	u64 kvmclock_msr, steal_msr, poll_control;
	struct lodge_pv *pv;	/* kvmclock and steal-time records: pvclock.h */

	/* FPU: swapped at the bounds of KVM_RUN; arch/x86/fpu.c. */
	struct fpu_guest fpu;

	struct lodge_mmu mmu;
	u64 tlb_gen;		/* of vm->tlb_gen, flushed and acknowledged */

	unsigned long rcu_noted;	/* jiffies of the last quiescent state (guest_state.h) */

	struct lodge_lapic *lapic;	/* NULL when not in the kernel; constant */
	bool apicv;		/* the CPU delivers the local APIC's interrupts by itself */
	bool posts;		/* it may do so, now or later: the backend's take_posted */
	u8 ioapic_eoi;		/* with LODGE_REQ_IOAPIC_EOI: the vector */

	/* Exits that user space finishes. */
	struct lodge_pio pio;
	struct lodge_msr_exit msr_exit;
	struct lodge_emu *emu;	/* the instruction emulator's context */
	struct lodge_entry_failure entry_failure;
	u64 cpu_features;	/* enum lodge_feature bits: CPUID answers the hot paths need */
};

/* What a vCPU's CPUID gave it, for tests that must be quick. */
enum lodge_feature {
	LODGE_F_X2APIC, LODGE_F_TSC_DEADLINE, LODGE_F_XSAVE, LODGE_F_LM, LODGE_F_NX,
	LODGE_F_GBPAGES, LODGE_F_RDTSCP, LODGE_F_AMD,
	LODGE_F_PV_UNHALT, LODGE_F_XSAVES,
};

static inline bool lodge_has(const struct lodge_vcpu_arch *a, enum lodge_feature f)
{
	return a->cpu_features & BIT_ULL(f);
}

/* How the interrupt controllers are split between kernel and user space. */
enum lodge_irqchip_mode {
	LODGE_IRQCHIP_NONE,
	LODGE_IRQCHIP_KERNEL,	/* LAPIC, IOAPIC, PIC */
	LODGE_IRQCHIP_SPLIT,	/* LAPIC only */
};

struct lodge_vm_arch {
	/* vm->lock to create, constant after; readers use smp_load_acquire(). */
	int irqchip_mode;	/* enum lodge_irqchip_mode */
	struct lodge_ioapic *ioapic;
	struct lodge_pic *pic;
	struct lodge_pit *pit;
	u32 bsp_vcpu_id;	/* KVM_SET_BOOT_CPU_ID; before the first vCPU */
	u64 x2apic_format;	/* KVM_CAP_X2APIC_API flags */
	u64 disabled_quirks;
	u64 disabled_exits;	/* KVM_X86_DISABLE_EXITS_* */
	u32 default_tsc_khz;
	u64 tss_addr, identity_map_addr;

	/* apic_map_lock (inside vcpu->mutex) writes, RCU reads: irqchip/lapic_ipi.c. */
	struct mutex apic_map_lock;	/* initialised with the irqchip */
	struct lodge_apic_map __rcu *apic_map;

	/*
	 * Time: tsc_lock guards what follows; the clock's fields are read under
	 * clock_seq (arch/x86/tsc.c, pvclock.c).
	 */
	raw_spinlock_t tsc_lock;
	u64 tsc_last_write, tsc_last_ns, tsc_last_offset;
	u32 tsc_last_khz;
	bool clock_used;	/* a vCPU has enabled kvmclock, ever */
	seqcount_raw_spinlock_t clock_seq;
	s64 kvmclock_offset;	/* guest's system time - the base clock of pvclock.c, ns */
	bool use_masterclock;	/* one (tsc, ns) pair for all vCPUs: the stable bit */
	u64 master_tsc;
	s64 master_ns;
	u64 wall_clock_msr;

	/* arch/x86/msr_user.c */
	struct lodge_msr_filter __rcu *msr_filter;	/* slots_lock writes; vm->srcu reads */
	u32 user_space_msr;	/* KVM_MSR_EXIT_REASON_*: what user space answers */

	struct lodge_mmu_vm mmu;
};

/* --- registers: arch/x86/regs.c has the ioctls --- */
#include "regs.h"

#endif
