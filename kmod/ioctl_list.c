// SPDX-License-Identifier: GPL-2.0
/*
 * Ioctls whose argument ends in an array: CPUID entries, MSRs, GSI routes.  The
 * count is read once, with the head, and bounded before memory is taken for it.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "cpuid.h"
#include "ioctl.h"
#include "irq.h"
#include "irqchip/irqchip.h"
#include "msr.h"

#define MAX_MSRS	256	/* in one KVM_GET_MSRS or KVM_SET_MSRS, as KVM has it */

/* --- CPUID --- */

/*
 * KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID, and KVM_GET_CPUID2 (the only one with a
 * vCPU).
 */
long lodge_ioctl_get_cpuid(struct lodge_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	struct kvm_cpuid2 __user *user = (void __user *)arg;
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid2 head;
	long n;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	head.nent = min_t(u32, head.nent, LODGE_MAX_CPUID_ENTRIES);
	entries = kvcalloc(max(head.nent, 1u), sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;

	if (cmd == KVM_GET_CPUID2)
		n = lodge_cpuid_get(vcpu, entries, head.nent);
	else if (cmd == KVM_GET_EMULATED_CPUID)
		n = lodge_cpuid_emulated(entries, head.nent);
	else
		n = lodge_cpuid_supported(entries, head.nent);
	if (n >= 0) {
		head.nent = n;
		if (copy_to_user(user->entries, entries, n * sizeof(*entries)) ||
		    copy_to_user(user, &head, sizeof(head)))
			n = -EFAULT;
	}
	kvfree(entries);
	return min(n, 0l);
}

long lodge_ioctl_set_cpuid2(struct lodge_vcpu *vcpu, unsigned long arg)
{
	struct kvm_cpuid2 __user *user = (void __user *)arg;
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid2 head;
	long r;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent > LODGE_MAX_CPUID_ENTRIES)
		return -E2BIG;
	entries = vmemdup_user(user->entries, head.nent * sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	r = lodge_cpuid_set(vcpu, entries, head.nent);
	kvfree(entries);
	return r;
}

/* The older form, without sub-leaves. */
static void widen(struct kvm_cpuid_entry2 *to, const struct kvm_cpuid_entry *from)
{
	*to = (struct kvm_cpuid_entry2) {
		.function = from->function,
		.eax = from->eax, .ebx = from->ebx, .ecx = from->ecx, .edx = from->edx,
	};
}

long lodge_ioctl_set_cpuid(struct lodge_vcpu *vcpu, unsigned long arg)
{
	struct kvm_cpuid __user *user = (void __user *)arg;
	struct kvm_cpuid_entry *narrow;
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid head;
	long r = -ENOMEM;
	u32 i;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent > LODGE_MAX_CPUID_ENTRIES)
		return -E2BIG;
	narrow = vmemdup_user(user->entries, head.nent * sizeof(*narrow));
	if (IS_ERR(narrow))
		return PTR_ERR(narrow);
	entries = kvcalloc(max(head.nent, 1u), sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (entries) {
		for (i = 0; i < head.nent; i++)
			widen(&entries[i], &narrow[i]);
		r = lodge_cpuid_set(vcpu, entries, head.nent);
		kvfree(entries);
	}
	kvfree(narrow);
	return r;
}

/* --- MSRs --- */

/* KVM_GET_MSR_INDEX_LIST and KVM_GET_MSR_FEATURE_INDEX_LIST. */
long lodge_ioctl_msr_list(unsigned int cmd, unsigned long arg)
{
	struct kvm_msr_list __user *user = (void __user *)arg;
	struct kvm_msr_list head;
	const u32 *list;
	u32 n, room;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	room = head.nmsrs;
	list = cmd == KVM_GET_MSR_INDEX_LIST ? lodge_msr_list(&n) : lodge_msr_feature_list(&n);
	/* The count comes back in any case: it is how a client learns how much room to make. */
	head.nmsrs = n;
	if (copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	return copy_to_user(user->indices, list, n * sizeof(*list)) ? -EFAULT : 0;
}

static int get_msr(struct lodge_vcpu *vcpu, struct kvm_msr_entry *e)
{
	u64 data = 0;
	int err;

	err = vcpu ? lodge_get_msr(vcpu, e->index, &data, true) :
		     lodge_get_msr_feature(e->index, &data);
	e->data = data;
	return err;
}

static int set_msr(struct lodge_vcpu *vcpu, struct kvm_msr_entry *e)
{
	return lodge_set_msr(vcpu, e->index, e->data, true);
}

/* The entries in turn, up to the first that fails; how many succeeded. */
static long access_msrs(struct lodge_vcpu *vcpu, unsigned long arg, bool write_back,
			 int (*fn)(struct lodge_vcpu *vcpu, struct kvm_msr_entry *e))
{
	struct kvm_msrs __user *user = (void __user *)arg;
	struct kvm_msr_entry *entries;
	struct kvm_msrs head;
	long n;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= MAX_MSRS)
		return -E2BIG;
	entries = vmemdup_user(user->entries, head.nmsrs * sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	for (n = 0; n < head.nmsrs; n++) {
		if (fn(vcpu, &entries[n]))
			break;
	}
	if (write_back && copy_to_user(user->entries, entries, head.nmsrs * sizeof(*entries)))
		n = -EFAULT;
	kvfree(entries);
	return n;
}

long lodge_ioctl_get_msrs(struct lodge_vcpu *vcpu, unsigned long arg)
{
	return access_msrs(vcpu, arg, true, get_msr);
}

long lodge_ioctl_set_msrs(struct lodge_vcpu *vcpu, unsigned long arg)
{
	return access_msrs(vcpu, arg, false, set_msr);
}

/* --- GSI routes --- */

long lodge_ioctl_set_routing(struct lodge_vm *vm, unsigned long arg)
{
	struct kvm_irq_routing __user *user = (void __user *)arg;
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_irq_routing head;
	long r;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!lodge_irqchip_kernel(vm) && !lodge_irqchip_split(vm))
		return -EINVAL;
	if (head.nr > LODGE_MAX_GSI || head.flags)
		return -EINVAL;
	if (head.nr) {
		entries = vmemdup_user(user->entries, array_size(head.nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	r = lodge_irq_routes_set(vm, entries, head.nr, head.flags);
	kvfree(entries);
	return r;
}
