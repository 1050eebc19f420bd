// SPDX-License-Identifier: GPL-2.0
/*
 * The system descriptor, /dev/lodge and /dev/kvm: what there is, and the way to
 * a VM.  It has no state.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>

#include "backend.h"
#include "ioctl.h"
#include "msr.h"

/* Pages of a vCPU's mapping: kvm_run, PIO data, the coalesced ring. */
#define VCPU_MMAP_PAGES	(KVM_COALESCED_MMIO_PAGE_OFFSET + 1)

static long create_vm(unsigned long type)
{
	struct lodge_vm *vm;
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	vm = lodge_vm_create(type);
	if (IS_ERR(vm)) {
		put_unused_fd(fd);
		return PTR_ERR(vm);
	}
	/* KVM's name: people and tools look for it in /proc/PID/fd. */
	file = anon_inode_getfile("kvm-vm", &lodge_vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		lodge_vm_put(vm);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

static long device_attr(unsigned int cmd, unsigned long arg)
{
	struct kvm_device_attr attr;
	u64 xcr0 = lodge_caps.supported_xcr0;

	if (copy_from_user(&attr, (void __user *)arg, sizeof(attr)))
		return -EFAULT;
	if (attr.group || attr.attr != KVM_X86_XCOMP_GUEST_SUPP)
		return -ENXIO;
	if (cmd == KVM_HAS_DEVICE_ATTR)
		return 0;
	return copy_to_user((void __user *)(unsigned long)attr.addr, &xcr0, sizeof(xcr0)) ?
	       -EFAULT : 0;
}

static long get_mce_cap(unsigned long arg)
{
	u64 cap = lodge_mce_cap_supported();

	return copy_to_user((void __user *)arg, &cap, sizeof(cap)) ? -EFAULT : 0;
}

static long system_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return create_vm(arg);
	case KVM_CHECK_EXTENSION:
		return lodge_check_extension(NULL, arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : VCPU_MMAP_PAGES * PAGE_SIZE;
	case KVM_GET_SUPPORTED_CPUID:
	case KVM_GET_EMULATED_CPUID:
		return lodge_ioctl_get_cpuid(NULL, cmd, arg);
	case KVM_GET_MSR_INDEX_LIST:
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return lodge_ioctl_msr_list(cmd, arg);
	case KVM_GET_MSRS:
		return lodge_ioctl_get_msrs(NULL, arg);
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
		return get_mce_cap(arg);
	case KVM_GET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR:
		return device_attr(cmd, arg);
	case KVM_TRACE_ENABLE:
	case KVM_TRACE_PAUSE:
	case KVM_TRACE_DISABLE:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

const struct file_operations lodge_system_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = system_ioctl,
	.compat_ioctl = system_ioctl,
	.llseek = noop_llseek,
};
