// SPDX-License-Identifier: GPL-2.0
/*
 * The control block: made for a vCPU, brought to the state of SDM vol. 3
 * "Processor State After Reset", which events and instructions end the guest,
 * and its print-out.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/trapnr.h>

#include "cpuid.h"
#include "debug_regs.h"
#include "msr.h"
#include "vmx/host.h"
#include "vmx/vmx.h"

/* PAUSEs no more than this many cycles apart, for this many cycles: a spin worth an exit. */
#define VMX_PLE_GAP	128
#define VMX_PLE_WINDOW	4096

void vmcs_write_failed(unsigned long field, unsigned long value)
{
	WARN_ONCE(1, "lodge: VMWRITE of %lx to field %lx failed: error %u\n", value, field,
		  vmcs_read32(VM_INSTRUCTION_ERROR));
}

void vmcs_region_failed(const char *what, u64 pa)
{
	WARN_ONCE(1, "lodge: %s of %llx failed\n", what, pa);
}

/* --- controls --- */

void vmx_write_control(struct vmx_vcpu *vmx, enum vmx_word word, u32 value)
{
	static const u32 fields[VMX_NR_WORDS] = {
		[VMX_PIN]	= PIN_BASED_VM_EXEC_CONTROL,
		[VMX_CPU]	= CPU_BASED_VM_EXEC_CONTROL,
		[VMX_CPU2]	= SECONDARY_VM_EXEC_CONTROL,
		[VMX_EXIT]	= VM_EXIT_CONTROLS,
		[VMX_ENTRY]	= VM_ENTRY_CONTROLS,
	};

	vmx->controls[word] = value;
	vmcs_write(fields[word], value);
}

/* On from the first, where the CPU has them; the rest is turned on by who has use for it. */
static const u32 vmx_always[VMX_NR_WORDS] = {
	[VMX_PIN] = PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS,
	[VMX_CPU] = CPU_BASED_USE_TSC_OFFSETTING | CPU_BASED_RDPMC_EXITING |
		    CPU_BASED_MOV_DR_EXITING | CPU_BASED_UNCOND_IO_EXITING |
		    CPU_BASED_ACTIVATE_SECONDARY_CONTROLS,
	[VMX_CPU2] = SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_UNRESTRICTED_GUEST |
		     SECONDARY_EXEC_WBINVD_EXITING | SECONDARY_EXEC_ENCLS_EXITING,
	[VMX_EXIT] = VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_SAVE_DEBUG_CONTROLS |
		     VM_EXIT_ACK_INTR_ON_EXIT | VM_EXIT_LOAD_IA32_PAT | VM_EXIT_LOAD_IA32_EFER,
	[VMX_ENTRY] = VM_ENTRY_LOAD_DEBUG_CONTROLS | VM_ENTRY_LOAD_IA32_PAT |
		      VM_ENTRY_LOAD_IA32_EFER,
};

static void vmx_init_controls(struct vmx_vcpu *vmx)
{
	u64 disabled = vmx->vcpu.vm->arch.disabled_exits;
	u32 cpu = 0, cpu2 = 0;
	int word;

	if (!(disabled & KVM_X86_DISABLE_EXITS_HLT))
		cpu |= CPU_BASED_HLT_EXITING;
	if (!(disabled & KVM_X86_DISABLE_EXITS_MWAIT))
		cpu |= CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING;
	/* CR3 and the TLB are made up. */
	if (!lodge_caps.tdp.enabled)
		cpu |= CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING |
		       CPU_BASED_INVLPG_EXITING;
	/* Without a TPR shadow CR8 is emulated; apicv.c turns these off. */
	cpu |= CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING;
	/* Without the loop's detection each PAUSE would exit: a spin is cheaper than that. */
	if (vmx_uses(VMX_CPU2, SECONDARY_EXEC_PAUSE_LOOP_EXITING) &&
	    !(disabled & KVM_X86_DISABLE_EXITS_PAUSE)) {
		cpu2 |= SECONDARY_EXEC_PAUSE_LOOP_EXITING;
		vmcs_write32(PLE_GAP, VMX_PLE_GAP);
		vmcs_write32(PLE_WINDOW, VMX_PLE_WINDOW);
	}

	for (word = 0; word < VMX_NR_WORDS; word++) {
		u32 value = vmx_caps.fixed[word] | (vmx_caps.use[word] & vmx_always[word]);

		if (word == VMX_CPU)
			value |= cpu;
		if (word == VMX_CPU2)
			value |= cpu2;
		vmx_write_control(vmx, word, value);
	}
	if (vmx_uses(VMX_CPU2, SECONDARY_EXEC_ENCLS_EXITING))
		vmcs_write64(ENCLS_EXITING_BITMAP, -1ull);
}

/* What no code sets but this. */
static void vmx_init_constants(void)
{
	vmcs_write64(VMCS_LINK_POINTER, -1ull);
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
}

/* Instructions the guest's CPUID denies though this CPU has them: the controls make them #UD. */
void vmx_cpuid_changed(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	const struct kvm_cpuid_entry2 *leaf7 = lodge_cpuid_find(vcpu, 7, 0);

	if (vmx_uses(VMX_CPU2, SECONDARY_EXEC_ENABLE_INVPCID))
		vmx_control(vmx, VMX_CPU2, SECONDARY_EXEC_ENABLE_INVPCID,
			    leaf7 && leaf7->ebx & BIT(X86_FEATURE_INVPCID % 32));
	if (vmx_uses(VMX_CPU2, SECONDARY_EXEC_ENABLE_RDTSCP))
		vmx_control(vmx, VMX_CPU2, SECONDARY_EXEC_ENABLE_RDTSCP,
			    lodge_has(&vcpu->arch, LODGE_F_RDTSCP) ||
			    (leaf7 && leaf7->ecx & BIT(X86_FEATURE_RDPID % 32)));
	if (vmx_uses(VMX_CPU2, SECONDARY_EXEC_XSAVES)) {
		vmx_control(vmx, VMX_CPU2, SECONDARY_EXEC_XSAVES,
			    lodge_has(&vcpu->arch, LODGE_F_XSAVES));
		vmcs_write64(XSS_EXIT_BITMAP, 0);
	}
	/* Which bits of CR4 it may change by itself depends on those it has. */
	vmx_set_cr4(vcpu, lodge_cr4(vcpu));
	vmx_update_msr_intercepts(vcpu);
}

/*
 * #MC is the host's.  #DB and #AC could be raised for ever by their own
 * delivery, with no interrupt taken in between, and so hang the CPU; #UD is
 * looked at for the other vendor's hypercall.  User space that debugs the guest
 * decides if #BP is its own.
 */
void vmx_update_exception_bitmap(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 debug = vcpu->arch.guest_debug;
	u32 bitmap = BIT(MC_VECTOR) | BIT(DB_VECTOR) | BIT(AC_VECTOR) | BIT(UD_VECTOR);

	if (debug)
		vmx_own_debug_regs(vmx, false);
	if ((debug & KVM_GUESTDBG_ENABLE) && (debug & KVM_GUESTDBG_USE_SW_BP))
		bitmap |= BIT(BP_VECTOR);
	if (unlikely(!lodge_caps.tdp.enabled))
		bitmap |= BIT(PF_VECTOR);
	if (unlikely(vmx->realmode.real))
		bitmap = ~0u;
	if (debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		vmx->slow |= VMX_SLOW_DEBUG;
	else
		vmx->slow &= ~VMX_SLOW_DEBUG;
	if (debug & KVM_GUESTDBG_SINGLESTEP)
		vmx->slow |= VMX_SLOW_TRAP;
	if (bitmap == vmx->exception_bitmap)
		return;
	vmx->exception_bitmap = bitmap;
	vmcs_write32(EXCEPTION_BITMAP, bitmap);
}

/* --- lifetime --- */

static void vmx_init_guest_state(struct lodge_vcpu *vcpu)
{
	vmcs_write64(GUEST_IA32_DEBUGCTL, 0);
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_writel(GUEST_DR7, LODGE_DR7_FIXED);
	vmcs_write64(TSC_OFFSET, vcpu->arch.tsc_offset);
}

/* What is kept beside the VMCS: as its fields are now. */
static void vmx_init_shadows(struct vmx_vcpu *vmx)
{
	vmx->exit_reason = VMX_NO_EXIT;
	vmx->fail = 0;
	vmx->entry_info = 0;
	vmx->interruptibility = 0;
	vmx->seen = VMX_SEEN_SHADOW;
	vmx->exception_bitmap = 0;
	vmx->event_len = 0;
	vmx->nmi_blocked = false;
	vmx->slow &= ~(VMX_SLOW_TRAP | VMX_SLOW_NMI);
	vmcs_write32(EXCEPTION_BITMAP, 0);
}

void vmx_vcpu_reset(struct lodge_vcpu *vcpu, bool init)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!init) {
		vmx_init_constants();
		vmx_host_constants(vmx);
	}
	vmx_init_controls(vmx);
	vmx_init_shadows(vmx);
	vmx_realmode_vcpu_reset(vmx);
	vmx_init_guest_state(vcpu);
	vmx_tlb_vcpu_reset(vmx);
	vmx_msr_vcpu_reset(vmx, init);
	vmx_autoload_vcpu_reset(vmx);
	vmx_apicv_vcpu_reset(vmx);
	vmx_pml_vcpu_reset(vmx);
	vmx_timer_vcpu_reset(vmx);

	vmx_own_debug_regs(vmx, false);
	vmx_update_exception_bitmap(vcpu);
	vmx_cpuid_changed(vcpu);
}

/* What a vCPU's part is made of, in the order it is made; undone in the reverse order. */
static const struct vmx_part {
	int (*create)(struct vmx_vcpu *vmx);
	void (*destroy)(struct vmx_vcpu *vmx);
} vmx_parts[] = {
	{ vmx_tlb_vcpu_create, vmx_tlb_vcpu_destroy },
	{ vmx_msr_vcpu_create, vmx_msr_vcpu_destroy },
	{ vmx_autoload_vcpu_create, vmx_autoload_vcpu_destroy },
	{ vmx_pml_vcpu_create, vmx_pml_vcpu_destroy },
	{ vmx_posted_vcpu_create, vmx_posted_vcpu_destroy },
};

static void vmx_destroy_parts(struct vmx_vcpu *vmx, int n)
{
	while (n--)
		vmx_parts[n].destroy(vmx);
	vmx_vmcs_free(&vmx->vmcs);
}

int vmx_vcpu_create(struct lodge_vcpu *vcpu)
{
	static atomic64_t serial;
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int i, err;

	err = vmx_vmcs_alloc(&vmx->vmcs);
	if (err)
		return err;
	vmx->serial = atomic64_inc_return(&serial);
	vmx->slow = VMX_SLOW_HOST;
	vmx->tlb_cpu = -1;
	for (i = 0; i < ARRAY_SIZE(vmx_parts); i++) {
		err = vmx_parts[i].create(vmx);
		if (err) {
			vmx_destroy_parts(vmx, i);
			return err;
		}
	}
	return 0;
}

void vmx_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	vmx_destroy_parts(to_vmx(vcpu), ARRAY_SIZE(vmx_parts));
}

/* --- the print-out --- */

static void vmx_dump_seg(const char *name, int seg)
{
	struct kvm_segment s;

	vmx_read_segment(&s, seg);
	pr_err("%-4s sel %04x type %x s %u dpl %u p %u l %u db %u g %u unusable %u limit %08x base %016llx\n",
	       name, s.selector, s.type, s.s, s.dpl, s.present, s.l, s.db, s.g, s.unusable,
	       s.limit, s.base);
}

static void vmx_dump_controls(const struct vmx_vcpu *vmx)
{
	pr_err("controls: pin %08x cpu %08x cpu2 %08x exit %08x entry %08x exceptions %08x\n",
	       vmx->controls[VMX_PIN], vmx->controls[VMX_CPU], vmx->controls[VMX_CPU2],
	       vmx->controls[VMX_EXIT], vmx->controls[VMX_ENTRY],
	       vmcs_read32(EXCEPTION_BITMAP));
	pr_err("reason %08x qualification %016lx intr %08x/%08x vectoring %08x/%08x len %u error %u\n",
	       vmx->exit_reason, vmcs_readl(EXIT_QUALIFICATION), vmcs_read32(VM_EXIT_INTR_INFO),
	       vmcs_read32(VM_EXIT_INTR_ERROR_CODE), vmcs_read32(IDT_VECTORING_INFO_FIELD),
	       vmcs_read32(IDT_VECTORING_ERROR_CODE), vmcs_read32(VM_EXIT_INSTRUCTION_LEN),
	       vmx->fail);
	pr_err("entry intr %08x/%08x len %u eptp %016llx vpid %u tsc_offset %016llx\n",
	       vmcs_read32(VM_ENTRY_INTR_INFO_FIELD), vmcs_read32(VM_ENTRY_EXCEPTION_ERROR_CODE),
	       vmcs_read32(VM_ENTRY_INSTRUCTION_LEN), vmx->eptp, vmx->vpid,
	       vmcs_read64(TSC_OFFSET));
}

static void vmx_dump_guest(void)
{
	vmx_dump_seg("es", LODGE_SEG_ES);
	vmx_dump_seg("cs", LODGE_SEG_CS);
	vmx_dump_seg("ss", LODGE_SEG_SS);
	vmx_dump_seg("ds", LODGE_SEG_DS);
	vmx_dump_seg("fs", LODGE_SEG_FS);
	vmx_dump_seg("gs", LODGE_SEG_GS);
	vmx_dump_seg("ldtr", LODGE_SEG_LDTR);
	vmx_dump_seg("tr", LODGE_SEG_TR);
	pr_err("gdtr %016lx/%08x idtr %016lx/%08x\n", vmcs_readl(GUEST_GDTR_BASE),
	       vmcs_read32(GUEST_GDTR_LIMIT), vmcs_readl(GUEST_IDTR_BASE),
	       vmcs_read32(GUEST_IDTR_LIMIT));
	pr_err("cr0 %016lx (shadow %016lx mask %016lx) cr3 %016lx cr4 %016lx (shadow %016lx mask %016lx)\n",
	       vmcs_readl(GUEST_CR0), vmcs_readl(CR0_READ_SHADOW),
	       vmcs_readl(CR0_GUEST_HOST_MASK), vmcs_readl(GUEST_CR3), vmcs_readl(GUEST_CR4),
	       vmcs_readl(CR4_READ_SHADOW), vmcs_readl(CR4_GUEST_HOST_MASK));
	pr_err("rip %016lx rsp %016lx rflags %08lx dr7 %08lx debugctl %llx\n",
	       vmcs_readl(GUEST_RIP), vmcs_readl(GUEST_RSP), vmcs_readl(GUEST_RFLAGS),
	       vmcs_readl(GUEST_DR7), vmcs_read64(GUEST_IA32_DEBUGCTL));
	pr_err("activity %u interruptibility %x pending debug %lx\n",
	       vmcs_read32(GUEST_ACTIVITY_STATE), vmcs_read32(GUEST_INTERRUPTIBILITY_INFO),
	       vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS));
}

static void vmx_dump_host(void)
{
	pr_err("host: cr0 %016lx cr3 %016lx cr4 %016lx rip %016lx rsp %016lx\n",
	       vmcs_readl(HOST_CR0), vmcs_readl(HOST_CR3), vmcs_readl(HOST_CR4),
	       vmcs_readl(HOST_RIP), vmcs_readl(HOST_RSP));
	pr_err("host: fs %016lx gs %016lx tr %016lx gdtr %016lx idtr %016lx\n",
	       vmcs_readl(HOST_FS_BASE), vmcs_readl(HOST_GS_BASE), vmcs_readl(HOST_TR_BASE),
	       vmcs_readl(HOST_GDTR_BASE), vmcs_readl(HOST_IDTR_BASE));
}

void vmx_dump(struct lodge_vcpu *vcpu)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 1);

	if (!__ratelimit(&limit))
		return;
	pr_err("%s vCPU %d, last on CPU %d: VMCS\n", vcpu->vm->name, vcpu->id, vcpu->last_cpu);
	vmx_dump_controls(to_vmx(vcpu));
	vmx_dump_guest();
	vmx_dump_host();
}
