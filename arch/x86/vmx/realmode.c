// SPDX-License-Identifier: GPL-2.0
/*
 * Guests without paging, and in real mode, on a CPU without "unrestricted guest",
 * which enters no guest but with CR0.PE and CR0.PG set (SDM vol. 3, Checks on Guest
 * Control Registers, Debug Registers, and MSRs).
 *
 *   no paging		on a page table of ours that maps memory to itself
 *			(realmode_map.c; with shadow paging a shadow table does); CR3,
 *			CR0 and CR4 are the guest's in name, and their accesses exit
 *   real mode		in virtual-8086 mode, in which 16-bit code does nearly all that
 *			it does in real mode.  What it does not, is #GP, and emulated:
 *			privileged instructions, and accesses beyond 64 KiB in segments
 *			that are larger ("big real mode")
 *   neither		a segment that virtual-8086 mode cannot hold, or, between CR0.PE
 *			being set and the last segment being loaded anew, one whose
 *			privilege an entry refuses: the emulator executes the guest,
 *			until entries are possible again
 *
 * Virtual-8086 mode has CPL 3, so that all depends on IOPL and CR4.VME (SDM vol. 3,
 * Interrupt and Exception Handling in Virtual-8086 Mode).  With IOPL 3 and VME, INT n goes
 * through the vectors at address 0, and CLI, STI, PUSHF, POPF and IRET do what they
 * do in real mode, but that the IOPL that PUSHF stores is 3.  A guest whose vectors are
 * elsewhere has IOPL 0 without VME: these are all #GP then, and emulated.
 *
 * Every exception exits.  Events are delivered in software, which needs no more of the
 * CPU than three words on the stack; nothing is injected.
 *
 * The VMCS has the guest's segments, as ever, but in real mode, when those in struct
 * vmx_realmode count; then the guest itself changes no more of them than selectors,
 * and the bases that follow from these.
 */
#include "emulate.h"
#include "events.h"
#include "exit.h"
#include "host_work.h"
#include "request.h"
#include "run.h"
#include "vmx/vmx.h"

static_assert(LODGE_SEG_ES == 0 && LODGE_SEG_GS == VMX_RM_SEGMENTS - 1);

/* Before others are looked at: what the emulator does at a time, at most. */
#define VMX_RM_BATCH	64

void vmx_realmode_vcpu_reset(struct vmx_vcpu *vmx)
{
	memset(&vmx->realmode, 0, sizeof(vmx->realmode));
	vmx->slow &= ~VMX_SLOW_REALMODE;
}

/* --- segments in real mode --- */

/* The guest's own loads, in virtual-8086 mode, are in the VMCS: bring them here. */
static void vmx_realmode_pull(struct vmx_vcpu *vmx)
{
	struct vmx_realmode *rm = &vmx->realmode;
	int seg;

	if (!rm->loaded)
		return;
	for (seg = 0; seg < VMX_RM_SEGMENTS; seg++) {
		rm->seg[seg].selector = vmx_read_selector(seg);
		rm->seg[seg].base = rm->seg[seg].selector << 4;
	}
	rm->loaded = false;
}

void vmx_realmode_changed(struct vmx_vcpu *vmx)
{
	vmx_realmode_pull(vmx);
	vmx->slow |= VMX_SLOW_REALMODE;
}

void vmx_realmode_get_segment(struct vmx_vcpu *vmx, struct kvm_segment *s, int seg)
{
	struct vmx_realmode *rm = &vmx->realmode;

	if (seg == LODGE_SEG_TR) {
		*s = rm->tr;
		return;
	}
	*s = rm->seg[seg];
	if (!rm->loaded)
		return;
	s->selector = vmx_read_selector(seg);
	s->base = s->selector << 4;
}

void vmx_realmode_set_segment(struct vmx_vcpu *vmx, const struct kvm_segment *s, int seg)
{
	vmx_realmode_changed(vmx);
	if (seg == LODGE_SEG_TR)
		vmx->realmode.tr = *s;
	else
		vmx->realmode.seg[seg] = *s;
}

/* --- RFLAGS, CR4 --- */

unsigned long vmx_realmode_rflags_in(struct vmx_vcpu *vmx, unsigned long rflags)
{
	vmx->realmode.iopl = rflags & X86_EFLAGS_IOPL;
	rflags &= ~X86_EFLAGS_IOPL;
	if (vmx->realmode.direct)
		rflags |= X86_EFLAGS_IOPL;
	return rflags | X86_EFLAGS_VM;
}

unsigned long vmx_realmode_rflags_out(const struct vmx_vcpu *vmx, unsigned long rflags)
{
	return (rflags & ~(X86_EFLAGS_VM | X86_EFLAGS_IOPL)) | vmx->realmode.iopl;
}

/* All pages are user pages; our page table, where it is not a shadow table, has 32-bit entries. */
unsigned long vmx_realmode_cr4(const struct vmx_vcpu *vmx, unsigned long cr4)
{
	cr4 &= ~(X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE);
	if (lodge_caps.tdp.enabled)
		cr4 = (cr4 & ~X86_CR4_PAE) | X86_CR4_PSE;
	if (!vmx->realmode.real)
		return cr4;
	/* What CPL 3 would be denied. */
	cr4 &= ~(X86_CR4_TSD | X86_CR4_UMIP | X86_CR4_VME);
	return vmx->realmode.direct ? cr4 | X86_CR4_VME : cr4;
}

/* --- from one mode to another --- */

/*
 * A null selector's register keeps no attributes, but in real mode there is none that
 * cannot be used: as after reset.
 */
static void vmx_realmode_enter_segment(struct kvm_segment *s, int seg)
{
	vmx_read_segment(s, seg);
	if (!s->unusable)
		return;
	*s = (struct kvm_segment) {
		.base = s->selector << 4, .limit = 0xffff, .selector = s->selector,
		.type = 3, .s = 1, .present = 1,
	};
}

static void vmx_realmode_enter(struct vmx_vcpu *vmx)
{
	struct vmx_realmode *rm = &vmx->realmode;
	int seg;

	for (seg = 0; seg < VMX_RM_SEGMENTS; seg++)
		vmx_realmode_enter_segment(&rm->seg[seg], seg);
	vmx_read_segment(&rm->tr, LODGE_SEG_TR);
	rm->loaded = false;
	rm->real = true;
}

/* They go on as they are; real mode has CPL 0 whatever SS says. */
static void vmx_realmode_leave(struct vmx_vcpu *vmx)
{
	struct vmx_realmode *rm = &vmx->realmode;
	int seg;

	vmx_realmode_pull(vmx);
	rm->seg[LODGE_SEG_CS].dpl = 0;
	rm->seg[LODGE_SEG_SS].dpl = 0;
	for (seg = 0; seg < VMX_RM_SEGMENTS; seg++)
		vmx_write_segment(&rm->seg[seg], seg);
	vmx_write_segment(&rm->tr, LODGE_SEG_TR);
	rm->real = false;
}

static void vmx_realmode_set_real(struct vmx_vcpu *vmx, bool real)
{
	struct lodge_vcpu *vcpu = &vmx->vcpu;
	unsigned long rflags = lodge_rflags(vcpu);

	if (real)
		vmx_realmode_enter(vmx);
	else
		vmx_realmode_leave(vmx);
	/* It is another for the CPU. */
	lodge_set_rflags(vcpu, rflags);
	vmx_update_exception_bitmap(vcpu);
	vmx->slow |= VMX_SLOW_REALMODE;
}

static void vmx_realmode_set_unpaged(struct vmx_vcpu *vmx, bool unpaged)
{
	const u32 exits = CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING;
	struct lodge_vcpu *vcpu = &vmx->vcpu;
	unsigned long cr3 = lodge_cr3(vcpu);

	vmx->realmode.unpaged = unpaged;
	/* With shadow paging CR3 is never the guest's. */
	if (lodge_caps.tdp.enabled) {
		vmx_control(vmx, VMX_CPU, exits & ~vmx_caps.fixed[VMX_CPU], unpaged);
		vmcs_writel(GUEST_CR3, unpaged ? vmx_realmode_cr3(to_vmx_vm(vcpu->vm)) : cr3);
	}
	vmx_set_efer(vcpu, vcpu->arch.efer);
}

unsigned long vmx_realmode_set_cr0(struct vmx_vcpu *vmx, unsigned long cr0, unsigned long hw)
{
	struct vmx_realmode *rm = &vmx->realmode;
	bool real = !(cr0 & X86_CR0_PE), unpaged = !(cr0 & X86_CR0_PG);
	unsigned long cr4 = lodge_cr4(&vmx->vcpu);

	if (unpaged != rm->unpaged || real != rm->real) {
		if (real != rm->real)
			vmx_realmode_set_real(vmx, real);
		if (unpaged != rm->unpaged)
			vmx_realmode_set_unpaged(vmx, unpaged);
		vmx_set_cr4(&vmx->vcpu, cr4);
	}
	/* Real mode checks no alignment. */
	return real ? hw & ~X86_CR0_AM : hw;
}

/* --- what an entry accepts --- */

/* SDM vol. 3, Checks on Guest Segment Registers, "virtual-8086". */
static bool vmx_vm86_holds(const struct vmx_realmode *rm, int seg)
{
	const struct kvm_segment *s = &rm->seg[seg];

	/* A larger limit is met by #GP at 64 KiB. */
	if (s->base != s->selector << 4 || s->limit < 0xffff)
		return false;
	/* Data that expands down: the limit is where it ends below. */
	if ((s->type & 0xc) == 4)
		return false;
	/* 32-bit code, a 32-bit stack. */
	return !(s->db && (seg == LODGE_SEG_CS || seg == LODGE_SEG_SS));
}

static bool vmx_realmode_holds(const struct vmx_vcpu *vmx)
{
	int seg;

	for (seg = 0; seg < VMX_RM_SEGMENTS; seg++)
		if (!vmx_vm86_holds(&vmx->realmode, seg))
			return false;
	return true;
}

/*
 * What "unrestricted guest" would allow an entry in protected mode (SDM vol. 3, Checks on
 * Guest Segment Registers): what else is wrong, the entry itself may say.
 */
static bool vmx_protected_holds(struct vmx_vcpu *vmx)
{
	static const u8 data[] = { LODGE_SEG_DS, LODGE_SEG_ES, LODGE_SEG_FS, LODGE_SEG_GS };
	struct kvm_segment cs, ss, s;
	int i;

	/* The guest's own virtual-8086 mode has rules of its own, and no privilege. */
	if (lodge_rflags(&vmx->vcpu) & X86_EFLAGS_VM)
		return true;
	vmx_read_segment(&cs, LODGE_SEG_CS);
	vmx_read_segment(&ss, LODGE_SEG_SS);
	if (cs.type == 3 || ((cs.selector ^ ss.selector) & 3) || ss.dpl != (ss.selector & 3))
		return false;
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		vmx_read_segment(&s, data[i]);
		if (!s.unusable && s.s && s.type <= 11 && s.dpl < (s.selector & 3))
			return false;
	}
	return true;
}

static void vmx_realmode_load(struct vmx_vcpu *vmx)
{
	const struct kvm_segment tss = {
		.base = vmx_realmode_tss(to_vmx_vm(vmx->vcpu.vm)), .limit = VMX_RM_TSS_LIMIT,
		.type = VMX_AR_TYPE_BUSY_32_TSS, .present = 1,
	};
	struct vmx_realmode *rm = &vmx->realmode;
	struct kvm_segment s;
	int seg;

	for (seg = 0; seg < VMX_RM_SEGMENTS; seg++) {
		s = (struct kvm_segment) {
			.base = rm->seg[seg].base, .selector = rm->seg[seg].selector,
			.limit = 0xffff, .type = 3, .s = 1, .dpl = 3, .present = 1,
		};
		vmx_write_segment(&s, seg);
	}
	vmx_write_segment(&tss, LODGE_SEG_TR);
	rm->loaded = true;
}

/* The vectors are where virtual-8086 mode takes them from. */
static bool vmx_realmode_direct(void)
{
	return !vmcs_readl(GUEST_IDTR_BASE) && vmcs_read32(GUEST_IDTR_LIMIT) >= 0x3ff &&
	       (vmx_caps.cr4_fixed1 & X86_CR4_VME);
}

static bool vmx_realmode_settle_real(struct vmx_vcpu *vmx)
{
	struct lodge_vcpu *vcpu = &vmx->vcpu;
	unsigned long rflags = lodge_rflags(vcpu);

	if (!vmx_realmode_holds(vmx))
		return false;
	if (!vmx->realmode.loaded)
		vmx_realmode_load(vmx);
	vmx->realmode.direct = vmx_realmode_direct();
	vmx_set_cr4(vcpu, lodge_cr4(vcpu));
	vmcs_writel(GUEST_RFLAGS, vmx_realmode_rflags_in(vmx, rflags));
	return true;
}

bool vmx_realmode_settle(struct vmx_vcpu *vmx)
{
	if (!(vmx->realmode.real ? vmx_realmode_settle_real(vmx) : vmx_protected_holds(vmx)))
		return false;
	vmx->slow &= ~VMX_SLOW_REALMODE;
	return true;
}

/* --- in place of an entry --- */

/* The windows that an entry would have opened: LODGE_REQ_EVENT is set. */
static void vmx_realmode_windows(struct lodge_vcpu *vcpu)
{
	u32 controls = to_vmx(vcpu)->controls[VMX_CPU];

	if ((controls & CPU_BASED_INTR_WINDOW_EXITING) && vmx_irq_allowed(vcpu))
		vmx_exit_irq_window(vcpu);
	if ((controls & CPU_BASED_NMI_WINDOW_EXITING) && vmx_nmi_allowed(vcpu))
		vmx_exit_nmi_window(vcpu);
}

int vmx_realmode_emulate(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int i, r;

	/* What faults between two modes has no table to go through that could be used. */
	if (!vmx->realmode.real && lodge_event_under_way(vcpu))
		return lodge_emulation_failure(vcpu, NULL, 0);
	for (i = 0; i < VMX_RM_BATCH; i++) {
		/* First: the last turn may have ended behind the instruction that opened one. */
		vmx_realmode_windows(vcpu);
		if (READ_ONCE(vcpu->requests))
			break;
		r = lodge_emulate(vcpu, 0, 0, NULL, 0);
		if (r != LODGE_RESUME)
			return r;
		if (!lodge_vcpu_runnable(vcpu) || lodge_host_work_pending() ||
		    vmx_realmode_settle(vmx))
			break;
	}
	return LODGE_RESUME;
}

/* --- exceptions and events in real mode --- */

int vmx_realmode_exception(struct lodge_vcpu *vcpu, u8 vector)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	switch (vector) {
	case GP_VECTOR:
	case SS_VECTOR:
		/* In an INT n: it is to be delivered anew, in software, by now. */
		if (vcpu->arch.interrupt.injected)
			return LODGE_RESUME;
		return lodge_emulate(vcpu, 0, 0, NULL, 0);
	case BP_VECTOR:
	case OF_VECTOR:
		vmx->event_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
		break;
	}
	lodge_queue_exception(vcpu, vector);
	return LODGE_RESUME;
}

void vmx_realmode_inject(struct lodge_vcpu *vcpu, u8 vector, u8 len)
{
	/* Where it cannot be delivered, neither can the fault of that, nor the double fault. */
	if (lodge_real_mode_interrupt(vcpu, vector, lodge_rip(vcpu) + len))
		lodge_request(vcpu, LODGE_REQ_TRIPLE_FAULT);
}
