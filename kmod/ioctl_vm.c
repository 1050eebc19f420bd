// SPDX-License-Identifier: GPL-2.0
/*
 * Ioctls of the VM descriptor.  Functions that change what vCPUs are made of
 * take vm->lock; the others are locked by what they call.
 */
#include <linux/compat.h>
#include <linux/math64.h>
#include <linux/mm.h>

#include "backend.h"
#include "ioctl.h"
#include "irq.h"
#include "irqchip/irqchip.h"
#include "memslot.h"
#include "msr.h"
#include "time.h"

#define MIN_SHADOW_PAGES	64	/* the fewest that KVM_SET_NR_MMU_PAGES may ask for */

static bool has_irqchip(const struct lodge_vm *vm)
{
	return lodge_irqchip_kernel(vm) || lodge_irqchip_split(vm);
}

/* --- interrupts --- */

static long irq_line_status(struct lodge_vm *vm, void *arg)
{
	struct kvm_irq_level *line = arg;

	if (!has_irqchip(vm))
		return -ENXIO;
	line->status = lodge_set_irq(vm, LODGE_IRQ_USER, line->irq, !!line->level);
	return 0;
}

static long signal_msi(struct lodge_vm *vm, void *arg)
{
	const struct kvm_msi *msi = arg;

	if (!has_irqchip(vm) || msi->flags)
		return -EINVAL;
	return lodge_signal_msi(vm, msi);
}

static long irqfd(struct lodge_vm *vm, void *arg)
{
	return lodge_irqfd(vm, arg);
}

static long ioeventfd(struct lodge_vm *vm, void *arg)
{
	return lodge_ioeventfd(vm, arg);
}

static long create_irqchip(struct lodge_vm *vm, void *unused)
{
	long r;

	mutex_lock(&vm->lock);
	if (has_irqchip(vm))
		r = -EEXIST;
	else if (vm->nr_created)
		r = -EINVAL;
	else
		r = lodge_irqchip_create(vm);
	mutex_unlock(&vm->lock);
	return r;
}

static long get_irqchip(struct lodge_vm *vm, void *arg)
{
	return lodge_irqchip_kernel(vm) ? lodge_irqchip_get(vm, arg) : -ENXIO;
}

static long set_irqchip(struct lodge_vm *vm, void *arg)
{
	return lodge_irqchip_kernel(vm) ? lodge_irqchip_set(vm, arg) : -ENXIO;
}

static long create_pit2(struct lodge_vm *vm, void *arg)
{
	const struct kvm_pit_config *config = arg;
	long r;

	if (config->flags & ~KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm->arch.pit)
		r = -EEXIST;
	else if (!lodge_irqchip_kernel(vm))
		r = -ENOENT;
	else
		r = lodge_pit_create(vm, config);
	mutex_unlock(&vm->lock);
	return r;
}

static long create_pit(struct lodge_vm *vm, void *unused)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	return create_pit2(vm, &config);
}

static long get_pit2(struct lodge_vm *vm, void *arg)
{
	long r;

	mutex_lock(&vm->lock);
	r = vm->arch.pit ? lodge_pit_get(vm, arg) : -ENXIO;
	mutex_unlock(&vm->lock);
	return r;
}

static long set_pit2(struct lodge_vm *vm, void *arg)
{
	long r;

	mutex_lock(&vm->lock);
	r = vm->arch.pit ? lodge_pit_set(vm, arg) : -ENXIO;
	mutex_unlock(&vm->lock);
	return r;
}

/* The older form of the state: the channels only. */
static long get_pit(struct lodge_vm *vm, void *arg)
{
	struct kvm_pit_state *old = arg;
	struct kvm_pit_state2 state = {};
	long r = get_pit2(vm, &state);

	if (!r)
		memcpy(old->channels, state.channels, sizeof(old->channels));
	return r;
}

static long set_pit(struct lodge_vm *vm, void *arg)
{
	const struct kvm_pit_state *old = arg;
	struct kvm_pit_state2 state = {};

	memcpy(state.channels, old->channels, sizeof(state.channels));
	return set_pit2(vm, &state);
}

static long reinject_control(struct lodge_vm *vm, void *arg)
{
	long r;

	mutex_lock(&vm->lock);
	r = vm->arch.pit ? lodge_pit_reinject(vm, arg) : -ENXIO;
	mutex_unlock(&vm->lock);
	return r;
}

/* --- memory --- */

static long set_user_memory_region(struct lodge_vm *vm, void *arg)
{
	return lodge_set_memory_region(vm, arg);
}

static long get_dirty_log(struct lodge_vm *vm, void *arg)
{
	return lodge_get_dirty_log(vm, arg);
}

static long clear_dirty_log(struct lodge_vm *vm, void *arg)
{
	return lodge_clear_dirty_log(vm, arg);
}

static long register_coalesced(struct lodge_vm *vm, void *arg)
{
	return lodge_coalesced_register(vm, arg);
}

static long unregister_coalesced(struct lodge_vm *vm, void *arg)
{
	return lodge_coalesced_unregister(vm, arg);
}

/*
 * Where Intel CPUs without unrestricted guest have a TSS and a page table
 * (arch/x86/vmx/realmode_map.c).
 */
static long set_tss_addr(struct lodge_vm *vm, unsigned long addr)
{
	/* Three pages, below 4 GiB. */
	if (addr > (u32)(-3 * PAGE_SIZE))
		return -EINVAL;
	mutex_lock(&vm->lock);
	vm->arch.tss_addr = addr;
	mutex_unlock(&vm->lock);
	return 0;
}

static long set_identity_map_addr(struct lodge_vm *vm, void *arg)
{
	const u64 *addr = arg;
	long r = -EINVAL;

	mutex_lock(&vm->lock);
	if (!vm->nr_created) {
		vm->arch.identity_map_addr = *addr;
		r = 0;
	}
	mutex_unlock(&vm->lock);
	return r;
}

/* --- vCPUs, time, capabilities --- */

static long create_vcpu(struct lodge_vm *vm, unsigned long id)
{
	return id > U32_MAX ? -EINVAL : lodge_vcpu_create_fd(vm, id);
}

static long set_boot_cpu_id(struct lodge_vm *vm, unsigned long id)
{
	long r = -EBUSY;

	mutex_lock(&vm->lock);
	if (!vm->nr_created) {
		vm->arch.bsp_vcpu_id = id;
		r = 0;
	}
	mutex_unlock(&vm->lock);
	return r;
}

static long get_clock(struct lodge_vm *vm, void *arg)
{
	return lodge_clock_get(vm, arg);
}

static long set_clock(struct lodge_vm *vm, void *arg)
{
	return lodge_clock_set(vm, arg);
}

/* The frequency that vCPUs made from now on begin with. */
static long set_tsc_khz(struct lodge_vm *vm, unsigned long arg)
{
	u32 host = lodge_host_tsc_khz(), khz = (u32)arg ?: host;
	u64 max = mul_u64_u64_shr(lodge_caps.max_tsc_ratio, host, lodge_caps.tsc_frac_bits);

	if (khz != host && (!lodge_caps.tsc_scaling || khz >= min_t(u64, max, INT_MAX)))
		return -EINVAL;
	WRITE_ONCE(vm->arch.default_tsc_khz, khz);
	return 0;
}

static long get_tsc_khz(struct lodge_vm *vm, unsigned long unused)
{
	return READ_ONCE(vm->arch.default_tsc_khz);
}

static long set_msr_filter(struct lodge_vm *vm, void *arg)
{
	return lodge_set_msr_filter(vm, arg);
}

static long check_extension(struct lodge_vm *vm, unsigned long ext)
{
	return lodge_check_extension(vm, ext);
}

static long enable_cap(struct lodge_vm *vm, void *arg)
{
	return lodge_enable_cap(vm, arg);
}

static long set_nr_mmu_pages(struct lodge_vm *vm, unsigned long pages)
{
	if (pages < MIN_SHADOW_PAGES)
		return -EINVAL;
	lodge_mmu_set_max_pages(vm, pages);
	return 0;
}

static long get_stats_fd(struct lodge_vm *vm, unsigned long unused)
{
	return lodge_vm_stats_fd(vm);
}

/* There is no kind of device that lives behind this interface. */
static long create_device(struct lodge_vm *vm, void *unused)
{
	return -ENODEV;
}

/* --- dispatch --- */

struct vm_ioctl {
	unsigned int cmd;
	u16 size;
	u8 dir;			/* enum lodge_arg_dir */
	union {
		long (*fn)(struct lodge_vm *vm, void *arg);
		long (*raw)(struct lodge_vm *vm, unsigned long arg);
	};
};

#define NONE(n, f)	{ .cmd = n, .dir = LODGE_ARG_NONE, .fn = f }
#define IN(n, type, f)	{ .cmd = n, .size = sizeof(type), .dir = LODGE_ARG_IN, .fn = f }
#define OUT(n, type, f)	{ .cmd = n, .size = sizeof(type), .dir = LODGE_ARG_OUT, .fn = f }
#define INOUT(n, type, f) { .cmd = n, .size = sizeof(type), .dir = LODGE_ARG_INOUT, .fn = f }
#define RAW(n, f)	{ .cmd = n, .dir = LODGE_ARG_RAW, .raw = f }

/* Those that running guests need first. */
static const struct vm_ioctl vm_ioctls[] = {
	IN(KVM_IRQ_LINE, struct kvm_irq_level, irq_line_status),
	INOUT(KVM_IRQ_LINE_STATUS, struct kvm_irq_level, irq_line_status),
	IN(KVM_SIGNAL_MSI, struct kvm_msi, signal_msi),
	IN(KVM_GET_DIRTY_LOG, struct kvm_dirty_log, get_dirty_log),
	IN(KVM_CLEAR_DIRTY_LOG, struct kvm_clear_dirty_log, clear_dirty_log),
	IN(KVM_SET_USER_MEMORY_REGION, struct kvm_userspace_memory_region,
	   set_user_memory_region),
	IN(KVM_IRQFD, struct kvm_irqfd, irqfd),
	IN(KVM_IOEVENTFD, struct kvm_ioeventfd, ioeventfd),
	RAW(KVM_SET_GSI_ROUTING, lodge_ioctl_set_routing),
	IN(KVM_REGISTER_COALESCED_MMIO, struct kvm_coalesced_mmio_zone, register_coalesced),
	IN(KVM_UNREGISTER_COALESCED_MMIO, struct kvm_coalesced_mmio_zone,
	   unregister_coalesced),

	RAW(KVM_CHECK_EXTENSION, check_extension),
	IN(KVM_ENABLE_CAP, struct kvm_enable_cap, enable_cap),
	RAW(KVM_CREATE_VCPU, create_vcpu),
	RAW(KVM_SET_BOOT_CPU_ID, set_boot_cpu_id),
	RAW(KVM_SET_TSS_ADDR, set_tss_addr),
	IN(KVM_SET_IDENTITY_MAP_ADDR, u64, set_identity_map_addr),
	IN(KVM_CREATE_DEVICE, struct kvm_create_device, create_device),
	IN(KVM_X86_SET_MSR_FILTER, struct kvm_msr_filter, set_msr_filter),
	RAW(KVM_SET_NR_MMU_PAGES, set_nr_mmu_pages),
	RAW(KVM_GET_STATS_FD, get_stats_fd),

	NONE(KVM_CREATE_IRQCHIP, create_irqchip),
	INOUT(KVM_GET_IRQCHIP, struct kvm_irqchip, get_irqchip),
	IN(KVM_SET_IRQCHIP, struct kvm_irqchip, set_irqchip),
	NONE(KVM_CREATE_PIT, create_pit),
	IN(KVM_CREATE_PIT2, struct kvm_pit_config, create_pit2),
	INOUT(KVM_GET_PIT, struct kvm_pit_state, get_pit),
	IN(KVM_SET_PIT, struct kvm_pit_state, set_pit),
	OUT(KVM_GET_PIT2, struct kvm_pit_state2, get_pit2),
	IN(KVM_SET_PIT2, struct kvm_pit_state2, set_pit2),
	IN(KVM_REINJECT_CONTROL, struct kvm_reinject_control, reinject_control),

	OUT(KVM_GET_CLOCK, struct kvm_clock_data, get_clock),
	IN(KVM_SET_CLOCK, struct kvm_clock_data, set_clock),
	RAW(KVM_SET_TSC_KHZ, set_tsc_khz),
	RAW(KVM_GET_TSC_KHZ, get_tsc_khz),
};

static long dispatch(struct lodge_vm *vm, const struct vm_ioctl *call, unsigned long arg)
{
	struct lodge_arg a;
	long r;

	if (call->dir == LODGE_ARG_RAW)
		return call->raw(vm, arg);
	r = lodge_arg_get(&a, call->size, call->dir, arg);
	if (r)
		return r;
	r = call->fn(vm, a.data);
	return lodge_arg_put(&a, call->size, call->dir, arg, r);
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lodge_vm *vm = file->private_data;
	int i;

	/* Guest memory is the creator's: no other process may act on it through a descriptor. */
	if (vm->mm != current->mm || READ_ONCE(vm->dead))
		return -EIO;
	for (i = 0; i < ARRAY_SIZE(vm_ioctls); i++) {
		if (vm_ioctls[i].cmd == cmd)
			return dispatch(vm, &vm_ioctls[i], arg);
	}
	return -ENOTTY;
}

#ifdef CONFIG_COMPAT
/* Structures with a pointer, as 32-bit programs lay them out. */
struct compat_dirty_log {
	u32 slot;
	u32 padding1;
	union {
		compat_uptr_t dirty_bitmap;
		u64 padding2;
	};
};

struct compat_clear_dirty_log {
	u32 slot;
	u32 num_pages;
	u64 first_page;
	union {
		compat_uptr_t dirty_bitmap;
		u64 padding2;
	};
};

struct compat_msr_filter {
	u32 flags;
	struct {
		u32 flags;
		u32 nmsrs;
		u32 base;
		compat_uptr_t bitmap;
	} ranges[KVM_MSR_FILTER_MAX_RANGES];
};

#define COMPAT_SET_MSR_FILTER	_IOW(KVMIO, 0xc6, struct compat_msr_filter)

static long compat_set_msr_filter(struct lodge_vm *vm, unsigned long arg)
{
	struct compat_msr_filter compat;
	struct kvm_msr_filter filter = {};
	int i;

	if (copy_from_user(&compat, (void __user *)arg, sizeof(compat)))
		return -EFAULT;
	filter.flags = compat.flags;
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
		filter.ranges[i].flags = compat.ranges[i].flags;
		filter.ranges[i].nmsrs = compat.ranges[i].nmsrs;
		filter.ranges[i].base = compat.ranges[i].base;
		filter.ranges[i].bitmap = (__force __u8 *)compat_ptr(compat.ranges[i].bitmap);
	}
	return lodge_set_msr_filter(vm, &filter);
}

static long compat_get_dirty_log(struct lodge_vm *vm, unsigned long arg)
{
	struct compat_dirty_log compat;
	struct kvm_dirty_log log = {};

	if (copy_from_user(&compat, (void __user *)arg, sizeof(compat)))
		return -EFAULT;
	log.slot = compat.slot;
	log.dirty_bitmap = compat_ptr(compat.dirty_bitmap);
	return lodge_get_dirty_log(vm, &log);
}

static long compat_clear_dirty_log(struct lodge_vm *vm, unsigned long arg)
{
	struct compat_clear_dirty_log compat;
	struct kvm_clear_dirty_log log = {};

	if (copy_from_user(&compat, (void __user *)arg, sizeof(compat)))
		return -EFAULT;
	log.slot = compat.slot;
	log.num_pages = compat.num_pages;
	log.first_page = compat.first_page;
	log.dirty_bitmap = compat_ptr(compat.dirty_bitmap);
	return lodge_clear_dirty_log(vm, &log);
}

static long vm_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lodge_vm *vm = file->private_data;

	if (vm->mm != current->mm || READ_ONCE(vm->dead))
		return -EIO;
	switch (cmd) {
	case KVM_GET_DIRTY_LOG:
		return compat_get_dirty_log(vm, arg);
	case KVM_CLEAR_DIRTY_LOG:
		return compat_clear_dirty_log(vm, arg);
	case COMPAT_SET_MSR_FILTER:
		return compat_set_msr_filter(vm, arg);
	default:
		return vm_ioctl(file, cmd, arg);
	}
}
#else
#define vm_compat_ioctl	NULL
#endif

static int vm_release(struct inode *inode, struct file *file)
{
	struct lodge_vm *vm = file->private_data;

	/* Nobody is left to end these one by one, and they call into the VM. */
	lodge_irqfd_release(vm);
	lodge_ioeventfd_release(vm);
	lodge_vm_put(vm);
	return 0;
}

const struct file_operations lodge_vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = vm_compat_ioctl,
	.release = vm_release,
	.llseek = noop_llseek,
};
