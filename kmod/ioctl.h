/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ioctls: from a number to a function, with the argument in kernel memory.
 *
 * Each descriptor has a table.  Most arguments are a structure: it is copied in
 * once before the function is called, and copied out after it succeeded, so
 * what a function has checked cannot change under it.  The table says which, as
 * the direction bits of several of KVM's numbers do not.  The other functions
 * get the bare argument: a number, or a user address of something with a tail.
 */
#ifndef LODGE_IOCTL_H
#define LODGE_IOCTL_H

#include <linux/fs.h>
#include <linux/uaccess.h>

#include "lodge.h"

/* kmod/ioctl_*.c */
extern const struct file_operations lodge_system_fops, lodge_vm_fops, lodge_vcpu_fops;

/* kmod/ioctl_cap.c: KVM_CHECK_EXTENSION, @vm NULL on the system descriptor; KVM_ENABLE_CAP. */
int lodge_check_extension(struct lodge_vm *vm, unsigned long ext);
int lodge_enable_cap(struct lodge_vm *vm, const struct kvm_enable_cap *cap);

/* kmod/ioctl_list.c: arguments with a tail of as many entries as the head says. */
long lodge_ioctl_get_cpuid(struct lodge_vcpu *vcpu, unsigned int cmd, unsigned long arg);
long lodge_ioctl_set_cpuid(struct lodge_vcpu *vcpu, unsigned long arg);
long lodge_ioctl_set_cpuid2(struct lodge_vcpu *vcpu, unsigned long arg);
long lodge_ioctl_msr_list(unsigned int cmd, unsigned long arg);
/* The number of MSRs done, as KVM_GET_MSRS; @vcpu NULL reads feature MSRs. */
long lodge_ioctl_get_msrs(struct lodge_vcpu *vcpu, unsigned long arg);
long lodge_ioctl_set_msrs(struct lodge_vcpu *vcpu, unsigned long arg);
long lodge_ioctl_set_routing(struct lodge_vm *vm, unsigned long arg);

enum lodge_arg_dir {
	LODGE_ARG_NONE	= 0,	/* none is expected; what is there is ignored */
	LODGE_ARG_IN	= 1,
	LODGE_ARG_OUT	= 2,
	LODGE_ARG_INOUT	= 3,
	LODGE_ARG_RAW	= 4,
};

/* An argument in kernel memory. */
struct lodge_arg {
	void *data;
	u8 small[64];		/* most fit, and some are on hot paths */
};

/* 0, -EFAULT or -ENOMEM.  Memory that is not copied in is zero. */
int lodge_arg_get(struct lodge_arg *a, unsigned int size, enum lodge_arg_dir dir,
		  unsigned long arg);
/* Releases the memory.  @ret as the function returned it, or -EFAULT. */
long lodge_arg_put(struct lodge_arg *a, unsigned int size, enum lodge_arg_dir dir,
		   unsigned long arg, long ret);

#endif
