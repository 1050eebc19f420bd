/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In place of the kernel's header, which only its own build can include: what the
 * VMCB's definition in <asm/svm.h> takes from it, a field that software may use.
 */
#ifndef LODGE_SELFTEST_HYPERV_TLFS_H
#define LODGE_SELFTEST_HYPERV_TLFS_H

/* What comes with it. */
#include <linux/bitops.h>
#define PAGE_SIZE	4096

struct hv_vmcb_enlightenments {
	unsigned char reserved[32];
};

#endif
