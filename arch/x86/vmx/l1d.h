/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a guest could find in the host's caches and buffers is removed before it
 * is entered, as the host's settings ask: the kernel's page on L1TF, and on
 * processor MMIO stale data.  MDS is entry.S's.
 */
#ifndef LODGE_VMX_L1D_H
#define LODGE_VMX_L1D_H

#include <linux/jump_label.h>

struct vmx_vcpu;

DECLARE_STATIC_KEY_FALSE(vmx_l1d_on);

int vmx_l1d_setup(void);	/* 0 or -ENOMEM */
void vmx_l1d_teardown(void);
/* Right before the world switch; irqoff, noinstr. */
void vmx_l1d_flush(struct vmx_vcpu *vmx);

#endif
