// SPDX-License-Identifier: GPL-2.0
/* The argument of an ioctl, in and out; see ioctl.h. */
#include <linux/slab.h>

#include "ioctl.h"

static void release(struct lodge_arg *a)
{
	if (a->data != a->small)
		kfree(a->data);
}

int lodge_arg_get(struct lodge_arg *a, unsigned int size, enum lodge_arg_dir dir,
		  unsigned long arg)
{
	a->data = a->small;
	if (size > sizeof(a->small)) {
		a->data = kmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!a->data)
			return -ENOMEM;
	}
	if (!(dir & LODGE_ARG_IN)) {
		memset(a->data, 0, size);
		return 0;
	}
	if (!copy_from_user(a->data, (void __user *)arg, size))
		return 0;
	release(a);
	return -EFAULT;
}

long lodge_arg_put(struct lodge_arg *a, unsigned int size, enum lodge_arg_dir dir,
		   unsigned long arg, long ret)
{
	if (ret >= 0 && (dir & LODGE_ARG_OUT) &&
	    copy_to_user((void __user *)arg, a->data, size))
		ret = -EFAULT;
	release(a);
	return ret;
}
