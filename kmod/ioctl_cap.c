// SPDX-License-Identifier: GPL-2.0
/*
 * Capabilities: what KVM_CHECK_EXTENSION answers, and what KVM_ENABLE_CAP turns
 * on.  A capability is in the table when all that comes with it works; clients
 * choose their ways by it (Documentation/abi.md has the reasons for those that
 * are missing).
 */
#include <linux/cpumask.h>
#include <linux/nospec.h>
#include <linux/sched/stat.h>

#include "../uapi/lodge.h"
#include "backend.h"
#include "fpu.h"
#include "ioctl.h"
#include "irq.h"
#include "irqchip/irqchip.h"
#include "memslot.h"
#include "msr.h"
#include "msr_table.h"

#define QUIRKS	(KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_CD_NW_CLEARED |	\
		 KVM_X86_QUIRK_LAPIC_MMIO_HOLE | KVM_X86_QUIRK_OUT_7E_INC_RIP |	\
		 KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT |				\
		 KVM_X86_QUIRK_FIX_HYPERCALL_INSN | KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

#define X2APIC_FORMATS	(KVM_X2APIC_API_USE_32BIT_IDS |				\
			 KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

#define DISABLE_EXITS	(KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE)

#define DEBUG_FLAGS	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |		\
			 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_USE_SW_BP |	\
			 KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_INJECT_DB |	\
			 KVM_GUESTDBG_BLOCKIRQ)

#define USER_SPACE_MSR	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN |	\
			 KVM_MSR_EXIT_REASON_FILTER)

#define DIRTY_LOG_FLAGS	(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)

/* --- KVM_CHECK_EXTENSION --- */

static int nr_vcpus(void)
{
	return min_t(int, num_online_cpus(), LODGE_MAX_VCPUS);
}

static int xsave2_size(void)
{
	return lodge_xsave_size(NULL);
}

static int has_xsave(void)
{
	return boot_cpu_has(X86_FEATURE_XSAVE);
}

static int tsc_scaling(void)
{
	return lodge_caps.tsc_scaling;
}

static int steal_time(void)
{
	return sched_info_on();
}

static const struct {
	int value;
	int (*fn)(void);	/* where it depends on the host */
} extensions[] = {
	/* Memory */
	[KVM_CAP_USER_MEMORY]			= { 1 },
	[KVM_CAP_NR_MEMSLOTS]			= { LODGE_MAX_MEMSLOTS },
	[KVM_CAP_DESTROY_MEMORY_REGION_WORKS]	= { 1 },
	[KVM_CAP_JOIN_MEMORY_REGIONS_WORKS]	= { 1 },
	[KVM_CAP_SYNC_MMU]			= { 1 },
	[KVM_CAP_READONLY_MEM]			= { 1 },
	[KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2]	= { DIRTY_LOG_FLAGS },
	[KVM_CAP_SET_TSS_ADDR]			= { 1 },
	[KVM_CAP_SET_IDENTITY_MAP_ADDR]		= { 1 },

	/* vCPUs and their state */
	[KVM_CAP_NR_VCPUS]			= { .fn = nr_vcpus },
	[KVM_CAP_MAX_VCPUS]			= { LODGE_MAX_VCPUS },
	[KVM_CAP_MAX_VCPU_ID]			= { LODGE_MAX_VCPU_ID },
	[KVM_CAP_SET_BOOT_CPU_ID]		= { 1 },
	[KVM_CAP_EXT_CPUID]			= { 1 },
	[KVM_CAP_EXT_EMUL_CPUID]		= { 1 },
	[KVM_CAP_GET_MSR_FEATURES]		= { 1 },
	[KVM_CAP_MSR_PLATFORM_INFO]		= { 1 },
	[KVM_CAP_X86_USER_SPACE_MSR]		= { 1 },
	[KVM_CAP_X86_MSR_FILTER]		= { 1 },
	[KVM_CAP_MCE]				= { LODGE_MCE_BANKS },
	[KVM_CAP_MP_STATE]			= { 1 },
	[KVM_CAP_VCPU_EVENTS]			= { 1 },
	[KVM_CAP_EXCEPTION_PAYLOAD]		= { 1 },
	[KVM_CAP_X86_TRIPLE_FAULT_EVENT]	= { 1 },
	[KVM_CAP_DEBUGREGS]			= { 1 },
	[KVM_CAP_XSAVE]				= { 1 },
	[KVM_CAP_XSAVE2]			= { .fn = xsave2_size },
	[KVM_CAP_XCRS]				= { .fn = has_xsave },
	[KVM_CAP_SREGS2]			= { 1 },
	[KVM_CAP_SYNC_REGS]			= { KVM_SYNC_X86_VALID_FIELDS },
	[KVM_CAP_SET_GUEST_DEBUG]		= { 1 },
	[KVM_CAP_SET_GUEST_DEBUG2]		= { DEBUG_FLAGS },
	[KVM_CAP_X86_ROBUST_SINGLESTEP]		= { 1 },
	[KVM_CAP_VCPU_ATTRIBUTES]		= { 1 },
	[KVM_CAP_SYS_ATTRIBUTES]		= { 1 },

	/* Running */
	[KVM_CAP_IMMEDIATE_EXIT]		= { 1 },
	[KVM_CAP_HLT]				= { 1 },
	[KVM_CAP_NOP_IO_DELAY]			= { 1 },
	[KVM_CAP_USER_NMI]			= { 1 },
	[KVM_CAP_PCI_SEGMENT]			= { 1 },
	[KVM_CAP_INTERNAL_ERROR_DATA]		= { 1 },
	[KVM_CAP_EXIT_ON_EMULATION_FAILURE]	= { 1 },
	[KVM_CAP_X86_DISABLE_EXITS]		= { DISABLE_EXITS },
	[KVM_CAP_DISABLE_QUIRKS]		= { 1 },
	[KVM_CAP_DISABLE_QUIRKS2]		= { QUIRKS },

	/* Interrupt controllers and buses */
	[KVM_CAP_IRQCHIP]			= { 1 },
	[KVM_CAP_SPLIT_IRQCHIP]			= { 1 },
	[KVM_CAP_PIT]				= { 1 },
	[KVM_CAP_PIT2]				= { 1 },
	[KVM_CAP_PIT_STATE2]			= { 1 },
	[KVM_CAP_REINJECT_CONTROL]		= { 1 },
	[KVM_CAP_IRQ_INJECT_STATUS]		= { 1 },
	[KVM_CAP_IOAPIC_POLARITY_IGNORED]	= { 1 },
	[KVM_CAP_IRQ_ROUTING]			= { LODGE_MAX_GSI },
	[KVM_CAP_SIGNAL_MSI]			= { 1 },
	[KVM_CAP_X2APIC_API]			= { X2APIC_FORMATS },
	[KVM_CAP_IRQFD]				= { 1 },
	[KVM_CAP_IRQFD_RESAMPLE]		= { 1 },
	[KVM_CAP_IOEVENTFD]			= { 1 },
	[KVM_CAP_IOEVENTFD_NO_LENGTH]		= { 1 },
	[KVM_CAP_IOEVENTFD_ANY_LENGTH]		= { 1 },
	[KVM_CAP_COALESCED_MMIO]		= { KVM_COALESCED_MMIO_PAGE_OFFSET },
	[KVM_CAP_COALESCED_PIO]			= { 1 },

	/* Time */
	[KVM_CAP_CLOCKSOURCE]			= { 1 },
	[KVM_CAP_ADJUST_CLOCK]			= { KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME |
						    KVM_CLOCK_HOST_TSC },
	[KVM_CAP_KVMCLOCK_CTRL]			= { 1 },
	[KVM_CAP_STEAL_TIME]			= { .fn = steal_time },
	[KVM_CAP_GET_TSC_KHZ]			= { 1 },
	[KVM_CAP_TSC_CONTROL]			= { .fn = tsc_scaling },
	[KVM_CAP_VM_TSC_CONTROL]		= { .fn = tsc_scaling },
	[KVM_CAP_TSC_DEADLINE_TIMER]		= { 1 },

	/* The interface itself */
	[KVM_CAP_CHECK_EXTENSION_VM]		= { 1 },
	[KVM_CAP_ENABLE_CAP_VM]			= { 1 },
	[KVM_CAP_BINARY_STATS_FD]		= { 1 },
};

int lodge_check_extension(struct lodge_vm *vm, unsigned long ext)
{
	if (ext == LODGE_CAP_VERSION)
		return LODGE_API_VERSION;
	if (ext == LODGE_CAP_FAILED_ENTRY)
		return 1;
	if (ext >= ARRAY_SIZE(extensions))
		return 0;
	ext = array_index_nospec(ext, ARRAY_SIZE(extensions));
	return extensions[ext].fn ? extensions[ext].fn() : extensions[ext].value;
}

/* --- KVM_ENABLE_CAP --- */

static void set_cap(struct lodge_vm *vm, enum lodge_vm_cap cap, bool on)
{
	if (on)
		set_bit(cap, &vm->enabled_caps);
	else
		clear_bit(cap, &vm->enabled_caps);
}

/* vCPUs made from now on begin with it; those there are follow. */
static int set_exception_payload(struct lodge_vm *vm, bool on)
{
	struct lodge_vcpu *vcpu;
	unsigned long i;

	set_cap(vm, LODGE_VM_CAP_EXCEPTION_PAYLOAD, on);
	lodge_for_each_vcpu(i, vcpu, vm)
		WRITE_ONCE(vcpu->arch.exception_payload, on);
	return 0;
}

static int set_triple_fault_event(struct lodge_vm *vm, bool on)
{
	struct lodge_vcpu *vcpu;
	unsigned long i;

	set_cap(vm, LODGE_VM_CAP_TRIPLE_FAULT_EVENT, on);
	lodge_for_each_vcpu(i, vcpu, vm)
		WRITE_ONCE(vcpu->arch.triple_fault_event, on);
	return 0;
}

static int set_disabled_quirks(struct lodge_vm *vm, u64 quirks)
{
	vm->arch.disabled_quirks = quirks;
	return 0;
}

static int set_disabled_exits(struct lodge_vm *vm, u64 exits)
{
	if (exits & ~DISABLE_EXITS)
		return -EINVAL;
	/* What a vCPU intercepts is decided when it is made. */
	if (vm->nr_created)
		return -EINVAL;
	vm->arch.disabled_exits |= exits;
	return 0;
}

static int set_x2apic_format(struct lodge_vm *vm, u64 format)
{
	if (format & ~X2APIC_FORMATS)
		return -EINVAL;
	vm->arch.x2apic_format |= format;
	return 0;
}

static int set_user_space_msr(struct lodge_vm *vm, u64 reasons)
{
	if (reasons & ~(u64)USER_SPACE_MSR)
		return -EINVAL;
	WRITE_ONCE(vm->arch.user_space_msr, reasons);
	return 0;
}

/* Once, and before the first vCPU. */
static int set_max_vcpu_ids(struct lodge_vm *vm, u64 ids)
{
	if (ids > LODGE_MAX_VCPU_ID)
		return -EINVAL;
	if (vm->max_vcpu_ids && vm->max_vcpu_ids != ids)
		return -EINVAL;
	vm->max_vcpu_ids = ids;
	return 0;
}

/* vm->lock held. */
static int enable(struct lodge_vm *vm, u32 cap, u64 value)
{
	switch (cap) {
	case KVM_CAP_EXCEPTION_PAYLOAD:
		return set_exception_payload(vm, value);
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		return set_triple_fault_event(vm, value);
	case KVM_CAP_MSR_PLATFORM_INFO:
		set_cap(vm, LODGE_VM_CAP_NO_PLATFORM_INFO, !value);
		return 0;
	case KVM_CAP_X86_USER_SPACE_MSR:
		return set_user_space_msr(vm, value);
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
		/* It always does: an instruction that is not known is no #UD. */
		return value & ~1ull ? -EINVAL : 0;
	case KVM_CAP_DISABLE_QUIRKS2:
		return value & ~(u64)QUIRKS ? -EINVAL : set_disabled_quirks(vm, value);
	case KVM_CAP_DISABLE_QUIRKS:
		return set_disabled_quirks(vm, value);
	case KVM_CAP_X86_DISABLE_EXITS:
		return set_disabled_exits(vm, value);
	case KVM_CAP_X2APIC_API:
		return set_x2apic_format(vm, value);
	case KVM_CAP_SPLIT_IRQCHIP:
		return lodge_irqchip_create_split(vm, value);
	case KVM_CAP_MAX_VCPU_ID:
		return set_max_vcpu_ids(vm, value);
	default:
		return -EINVAL;
	}
}

int lodge_enable_cap(struct lodge_vm *vm, const struct kvm_enable_cap *cap)
{
	int r;

	if (cap->flags)
		return -EINVAL;
	/* Guarded by slots_lock, which it takes. */
	if (cap->cap == KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)
		return lodge_dirty_log_enable_manual(vm, cap->args[0]);
	mutex_lock(&vm->lock);
	r = enable(vm, cap->cap, cap->args[0]);
	mutex_unlock(&vm->lock);
	return r;
}
