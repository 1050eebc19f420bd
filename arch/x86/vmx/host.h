/* SPDX-License-Identifier: GPL-2.0 */
/* The host's side of a VMCS: host.c says when each of these is called. */
#ifndef LODGE_VMX_HOST_H
#define LODGE_VMX_HOST_H

#include <asm/mmu_context.h>
#include <asm/tlbflush.h>

#include "vmx/vmx.h"

void vmx_host_constants(struct vmx_vcpu *vmx);
void vmx_host_cpu(int cpu);
void vmx_host_prepare(struct vmx_vcpu *vmx);
void vmx_host_restore(struct vmx_vcpu *vmx);

/* What the scheduler, the TLB code and the thread's own settings may change.  Irqoff. */
static __always_inline void vmx_host_control_regs(struct vmx_vcpu *vmx)
{
	unsigned long cr3 = __get_current_cr3_fast(), cr4 = cr4_read_shadow();

	if (unlikely(cr3 != vmx->host.cr3)) {
		vmcs_writel(HOST_CR3, cr3);
		vmx->host.cr3 = cr3;
	}
	if (unlikely(cr4 != vmx->host.cr4)) {
		vmcs_writel(HOST_CR4, cr4);
		vmx->host.cr4 = cr4;
	}
}

#endif
