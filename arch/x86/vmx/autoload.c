// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs that entries and exits load from lists (SDM vol. 3, VM-Entry Controls for
 * MSRs; VM-Exit Controls for MSRs).  Each costs at every entry and every exit, so
 * that the lists hold only what must change in the very moment of the switch and
 * no control loads:
 *
 *  - IA32_EFER on CPUs without the "load IA32_EFER" controls, where the guest's
 *    SCE or NX are not the host's;
 *  - the host's performance counters while perf uses them: those that leave guests
 *    out, and those that write to the host's linear addresses (PEBS).  Which they
 *    are perf says; with no counter in use it names none that differs.
 *
 * The guest's list and the host's have the same MSRs in the same order.
 */
#include <linux/slab.h>
#include <asm/msr.h>
#include <asm/perf_event.h>

#include "vmx/vmx.h"

/* EFER, and as many as perf_guest_get_msrs() has ever named. */
#define VMX_AUTOLOAD_MAX	8

struct vmx_autoload {
	struct vmx_msr_entry guest[VMX_AUTOLOAD_MAX];	/* 16-byte aligned, as the CPU wants */
	struct vmx_msr_entry host[VMX_AUTOLOAD_MAX];
};

bool vmx_perf_switches __ro_after_init;

void vmx_autoload_setup(void)
{
	int nr = 0;

	preempt_disable();
	vmx_perf_switches = perf_guest_get_msrs(&nr, NULL) && nr;
	preempt_enable();
}

int vmx_autoload_vcpu_create(struct vmx_vcpu *vmx)
{
	if (vmx_caps.load_efer && !vmx_perf_switches)
		return 0;
	vmx->autoload = kzalloc(sizeof(*vmx->autoload), GFP_KERNEL_ACCOUNT);
	return vmx->autoload ? 0 : -ENOMEM;
}

void vmx_autoload_vcpu_destroy(struct vmx_vcpu *vmx)
{
	kfree(vmx->autoload);
}

static void vmx_autoload_count(struct vmx_vcpu *vmx, u32 n)
{
	vmx->nr_autoload = n;
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, n);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, n);
}

void vmx_autoload_vcpu_reset(struct vmx_vcpu *vmx)
{
	if (!vmx->autoload)
		return;
	vmcs_write64(VM_ENTRY_MSR_LOAD_ADDR, __pa(vmx->autoload->guest));
	vmcs_write64(VM_EXIT_MSR_LOAD_ADDR, __pa(vmx->autoload->host));
	vmx_autoload_count(vmx, 0);
}

/* Load @guest with entries and @host with exits; nothing if they are the same. */
static void vmx_autoload_set(struct vmx_vcpu *vmx, u32 index, u64 guest, u64 host)
{
	struct vmx_autoload *a = vmx->autoload;
	u32 n = vmx->nr_autoload, i = 0;

	while (i < n && a->guest[i].index != index)
		i++;
	if (guest == host) {
		if (i < n) {
			a->guest[i] = a->guest[n - 1];
			a->host[i] = a->host[n - 1];
			vmx_autoload_count(vmx, n - 1);
		}
		return;
	}
	if (WARN_ON_ONCE(i == VMX_AUTOLOAD_MAX))
		return;
	a->guest[i].index = a->host[i].index = index;
	a->guest[i].value = guest;
	a->host[i].value = host;
	if (i == n)
		vmx_autoload_count(vmx, n + 1);
}

/*
 * LME and LMA are the business of the controls for the address-space size, and need no
 * list; where there is one, it must not contradict them (SDM vol. 3, Loading MSRs).
 */
void vmx_autoload_efer(struct vmx_vcpu *vmx, u64 efer)
{
	u64 host;

	rdmsrl(MSR_EFER, host);
	if (!((efer ^ host) & ~(u64)(EFER_LME | EFER_LMA)))
		efer = host;
	vmx_autoload_set(vmx, MSR_EFER, efer, host);
}

/* Irqoff, before each entry: a counter may have been programmed at any time before. */
void vmx_autoload_perf(struct vmx_vcpu *vmx)
{
	struct perf_guest_switch_msr *msrs;
	int i, nr = 0;

	msrs = perf_guest_get_msrs(&nr, NULL);
	for (i = 0; i < nr; i++) {
		if (msrs[i].guest != msrs[i].host || vmx->nr_autoload)
			vmx_autoload_set(vmx, msrs[i].msr, msrs[i].guest, msrs[i].host);
	}
}
