// SPDX-License-Identifier: GPL-2.0
/*
 * Ioctls of the vCPU descriptor.  All run under vcpu->mutex, so none meets a
 * running guest; all but KVM_RUN have the vCPU loaded and are in a read section
 * of vm->srcu, as registers may be in the CPU and some are checked against
 * guest memory.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../uapi/lodge.h"
#include "backend.h"
#include "events.h"
#include "fpu.h"
#include "ioctl.h"
#include "irqchip/irqchip.h"
#include "msr.h"
#include "time.h"

/* --- registers --- */

static long get_regs(struct lodge_vcpu *vcpu, void *arg)
{
	lodge_get_regs(vcpu, arg);
	return 0;
}

static long set_regs(struct lodge_vcpu *vcpu, void *arg)
{
	lodge_set_regs(vcpu, arg);
	return 0;
}

static long get_sregs(struct lodge_vcpu *vcpu, void *arg)
{
	lodge_get_sregs(vcpu, arg);
	return 0;
}

static long set_sregs(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_set_sregs(vcpu, arg);
}

static long get_sregs2(struct lodge_vcpu *vcpu, void *arg)
{
	lodge_get_sregs2(vcpu, arg);
	return 0;
}

static long set_sregs2(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_set_sregs2(vcpu, arg);
}

static long get_debugregs(struct lodge_vcpu *vcpu, void *arg)
{
	lodge_get_debugregs(vcpu, arg);
	return 0;
}

static long set_debugregs(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_set_debugregs(vcpu, arg);
}

static long translate(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_translate(vcpu, arg);
}

static long set_guest_debug(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_set_guest_debug(vcpu, arg);
}

/* --- extended state --- */

static long get_fpu(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_get_fpu(vcpu, arg);
}

static long set_fpu(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_set_fpu(vcpu, arg);
}

static long get_xsave_of_size(struct lodge_vcpu *vcpu, unsigned long arg, unsigned int size)
{
	void *buf = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	long r = 0;

	if (!buf)
		return -ENOMEM;
	lodge_get_xsave(vcpu, buf, size);
	if (copy_to_user((void __user *)arg, buf, size))
		r = -EFAULT;
	kvfree(buf);
	return r;
}

static long get_xsave(struct lodge_vcpu *vcpu, unsigned long arg)
{
	/* State that would not fit is not to be lost in silence: KVM_GET_XSAVE2 has it. */
	if (vcpu->arch.fpu.uabi_size > sizeof(struct kvm_xsave))
		return -EINVAL;
	return get_xsave_of_size(vcpu, arg, sizeof(struct kvm_xsave));
}

static long get_xsave2(struct lodge_vcpu *vcpu, unsigned long arg)
{
	return get_xsave_of_size(vcpu, arg, vcpu->arch.fpu.uabi_size);
}

static long set_xsave(struct lodge_vcpu *vcpu, unsigned long arg)
{
	void *buf = vmemdup_user((void __user *)arg, vcpu->arch.fpu.uabi_size);
	long r;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	r = lodge_set_xsave(vcpu, buf);
	kvfree(buf);
	return r;
}

static long get_xcrs(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_get_xcrs(vcpu, arg);
}

static long set_xcrs(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_set_xcrs(vcpu, arg);
}

/* --- CPUID and MSRs --- */

static long get_cpuid2(struct lodge_vcpu *vcpu, unsigned long arg)
{
	return lodge_ioctl_get_cpuid(vcpu, KVM_GET_CPUID2, arg);
}

static long setup_mce(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_setup_mce(vcpu, *(u64 *)arg);
}

static long set_mce(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_set_mce(vcpu, arg);
}

/* --- events and interrupts --- */

static long get_vcpu_events(struct lodge_vcpu *vcpu, void *arg)
{
	lodge_get_vcpu_events(vcpu, arg);
	return 0;
}

static long set_vcpu_events(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_set_vcpu_events(vcpu, arg);
}

static long get_mp_state(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_get_mp_state(vcpu, arg);
}

static long set_mp_state(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_set_mp_state(vcpu, arg);
}

static long interrupt(struct lodge_vcpu *vcpu, void *arg)
{
	const struct kvm_interrupt *irq = arg;

	return lodge_user_interrupt(vcpu, irq->irq);
}

static long nmi(struct lodge_vcpu *vcpu, unsigned long unused)
{
	lodge_inject_nmi(vcpu);
	return 0;
}

static long get_lapic(struct lodge_vcpu *vcpu, void *arg)
{
	return vcpu->arch.lapic ? lodge_lapic_get_state(vcpu, arg) : -EINVAL;
}

static long set_lapic(struct lodge_vcpu *vcpu, void *arg)
{
	return vcpu->arch.lapic ? lodge_lapic_set_state(vcpu, arg) : -EINVAL;
}

/*
 * Where a guest with patched TPR accesses keeps its TPR.  Such a guest is not
 * made without KVM_CAP_VAPIC; clients say "nowhere" at every reset all the same.
 */
static long set_vapic_addr(struct lodge_vcpu *vcpu, void *arg)
{
	const struct kvm_vapic_addr *va = arg;

	return vcpu->arch.lapic && !va->vapic_addr ? 0 : -EINVAL;
}

/* The signals that end KVM_RUN: those not in this mask.  No argument: as in the thread's own. */
static long set_signal_mask(struct lodge_vcpu *vcpu, unsigned long arg)
{
	struct kvm_signal_mask __user *user = (void __user *)arg;
	struct kvm_signal_mask head;
	sigset_t set;

	if (!arg) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, user->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = true;
	return 0;
}

/* --- time --- */

static long set_tsc_khz(struct lodge_vcpu *vcpu, unsigned long khz)
{
	return lodge_set_tsc_khz(vcpu, khz);
}

static long get_tsc_khz(struct lodge_vcpu *vcpu, unsigned long unused)
{
	return vcpu->arch.tsc_khz;
}

static long kvmclock_ctrl(struct lodge_vcpu *vcpu, unsigned long unused)
{
	return lodge_clock_ctrl(vcpu);
}

static long check_attr(const struct kvm_device_attr *attr)
{
	return attr->group == KVM_VCPU_TSC_CTRL && attr->attr == KVM_VCPU_TSC_OFFSET ? 0 : -ENXIO;
}

static long has_attr(struct lodge_vcpu *vcpu, void *arg)
{
	return check_attr(arg);
}

static long get_attr(struct lodge_vcpu *vcpu, void *arg)
{
	const struct kvm_device_attr *attr = arg;
	long r = check_attr(attr);

	if (r)
		return r;
	return put_user(vcpu->arch.tsc_offset, (u64 __user *)(unsigned long)attr->addr);
}

static long set_attr(struct lodge_vcpu *vcpu, void *arg)
{
	const struct kvm_device_attr *attr = arg;
	long r = check_attr(attr);
	u64 offset;

	if (r)
		return r;
	if (get_user(offset, (u64 __user *)(unsigned long)attr->addr))
		return -EFAULT;
	lodge_set_tsc_offset(vcpu, offset);
	return 0;
}

/* --- the rest --- */

static long get_stats_fd(struct lodge_vcpu *vcpu, unsigned long unused)
{
	return lodge_vcpu_stats_fd(vcpu);
}

static long get_failed_entry(struct lodge_vcpu *vcpu, void *arg)
{
	return lodge_get_failed_entry(vcpu, arg);
}

/* --- dispatch --- */

struct vcpu_ioctl {
	unsigned int cmd;
	u16 size;
	u8 dir;			/* enum lodge_arg_dir */
	union {
		long (*fn)(struct lodge_vcpu *vcpu, void *arg);
		long (*raw)(struct lodge_vcpu *vcpu, unsigned long arg);
	};
};

#define IN(n, type, f)	{ .cmd = n, .size = sizeof(type), .dir = LODGE_ARG_IN, .fn = f }
#define OUT(n, type, f)	{ .cmd = n, .size = sizeof(type), .dir = LODGE_ARG_OUT, .fn = f }
#define INOUT(n, type, f) { .cmd = n, .size = sizeof(type), .dir = LODGE_ARG_INOUT, .fn = f }
#define RAW(n, f)	{ .cmd = n, .dir = LODGE_ARG_RAW, .raw = f }

/* Those that running guests need first. */
static const struct vcpu_ioctl vcpu_ioctls[] = {
	IN(KVM_INTERRUPT, struct kvm_interrupt, interrupt),
	RAW(KVM_NMI, nmi),
	OUT(KVM_GET_REGS, struct kvm_regs, get_regs),
	IN(KVM_SET_REGS, struct kvm_regs, set_regs),
	OUT(KVM_GET_SREGS, struct kvm_sregs, get_sregs),
	IN(KVM_SET_SREGS, struct kvm_sregs, set_sregs),
	RAW(KVM_GET_MSRS, lodge_ioctl_get_msrs),
	RAW(KVM_SET_MSRS, lodge_ioctl_set_msrs),
	OUT(KVM_GET_LAPIC, struct kvm_lapic_state, get_lapic),
	IN(KVM_SET_LAPIC, struct kvm_lapic_state, set_lapic),
	OUT(KVM_GET_VCPU_EVENTS, struct kvm_vcpu_events, get_vcpu_events),
	IN(KVM_SET_VCPU_EVENTS, struct kvm_vcpu_events, set_vcpu_events),
	OUT(KVM_GET_MP_STATE, struct kvm_mp_state, get_mp_state),
	IN(KVM_SET_MP_STATE, struct kvm_mp_state, set_mp_state),
	OUT(KVM_GET_SREGS2, struct kvm_sregs2, get_sregs2),
	IN(KVM_SET_SREGS2, struct kvm_sregs2, set_sregs2),
	OUT(KVM_GET_DEBUGREGS, struct kvm_debugregs, get_debugregs),
	IN(KVM_SET_DEBUGREGS, struct kvm_debugregs, set_debugregs),
	OUT(KVM_GET_FPU, struct kvm_fpu, get_fpu),
	IN(KVM_SET_FPU, struct kvm_fpu, set_fpu),
	RAW(KVM_GET_XSAVE, get_xsave),
	RAW(KVM_GET_XSAVE2, get_xsave2),
	RAW(KVM_SET_XSAVE, set_xsave),
	OUT(KVM_GET_XCRS, struct kvm_xcrs, get_xcrs),
	IN(KVM_SET_XCRS, struct kvm_xcrs, set_xcrs),
	INOUT(KVM_TRANSLATE, struct kvm_translation, translate),
	IN(KVM_SET_GUEST_DEBUG, struct kvm_guest_debug, set_guest_debug),

	RAW(KVM_SET_CPUID2, lodge_ioctl_set_cpuid2),
	RAW(KVM_SET_CPUID, lodge_ioctl_set_cpuid),
	RAW(KVM_GET_CPUID2, get_cpuid2),
	IN(KVM_X86_SETUP_MCE, u64, setup_mce),
	IN(KVM_X86_SET_MCE, struct kvm_x86_mce, set_mce),
	IN(KVM_SET_VAPIC_ADDR, struct kvm_vapic_addr, set_vapic_addr),
	RAW(KVM_SET_SIGNAL_MASK, set_signal_mask),
	RAW(KVM_SET_TSC_KHZ, set_tsc_khz),
	RAW(KVM_GET_TSC_KHZ, get_tsc_khz),
	RAW(KVM_KVMCLOCK_CTRL, kvmclock_ctrl),
	IN(KVM_HAS_DEVICE_ATTR, struct kvm_device_attr, has_attr),
	IN(KVM_GET_DEVICE_ATTR, struct kvm_device_attr, get_attr),
	IN(KVM_SET_DEVICE_ATTR, struct kvm_device_attr, set_attr),
	RAW(KVM_GET_STATS_FD, get_stats_fd),
	OUT(LODGE_GET_FAILED_ENTRY, struct lodge_failed_entry, get_failed_entry),
};

static long call_loaded(struct lodge_vcpu *vcpu, const struct vcpu_ioctl *call,
			struct lodge_arg *a, unsigned long arg)
{
	int idx;
	long r;

	lodge_vcpu_load(vcpu);
	idx = srcu_read_lock(&vcpu->vm->srcu);
	r = call->dir == LODGE_ARG_RAW ? call->raw(vcpu, arg) : call->fn(vcpu, a->data);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	lodge_vcpu_put(vcpu);
	return r;
}

static long dispatch(struct lodge_vcpu *vcpu, const struct vcpu_ioctl *call, unsigned long arg)
{
	struct lodge_arg a;
	long r;

	if (call->dir == LODGE_ARG_RAW)
		return call_loaded(vcpu, call, NULL, arg);
	r = lodge_arg_get(&a, call->size, call->dir, arg);
	if (r)
		return r;
	r = call_loaded(vcpu, call, &a, arg);
	return lodge_arg_put(&a, call->size, call->dir, arg, r);
}

static const struct vcpu_ioctl *find_ioctl(unsigned int cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vcpu_ioctls); i++) {
		if (vcpu_ioctls[i].cmd == cmd)
			return &vcpu_ioctls[i];
	}
	return NULL;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lodge_vcpu *vcpu = file->private_data;
	const struct vcpu_ioctl *call = NULL;
	long r;

	/* Guest memory is the creator's: no other process may act on it through a descriptor. */
	if (vcpu->vm->mm != current->mm || READ_ONCE(vcpu->vm->dead))
		return -EIO;
	if (cmd != KVM_RUN) {
		call = find_ioctl(cmd);
		if (!call)
			return -EINVAL;
	} else if (arg) {
		return -EINVAL;
	}
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	r = call ? dispatch(vcpu, call, arg) : lodge_vcpu_run(vcpu);
	mutex_unlock(&vcpu->mutex);
	return r;
}

const struct file_operations lodge_vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	/* No structure has a pointer or another layout; a signal set is 8 bytes in both. */
	.compat_ioctl = vcpu_ioctl,
	.mmap = lodge_vcpu_mmap,
	.release = lodge_vcpu_release,
	.llseek = noop_llseek,
};
