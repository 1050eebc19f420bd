// SPDX-License-Identifier: GPL-2.0
/*
 * Faults at a guest-physical address: RAM is brought in by the MMU; what is no
 * RAM, or RAM that is read-only, is MMIO and its instruction is emulated.
 */
#include <asm/apicdef.h>

#include "backend.h"
#include "emulate.h"
#include "exit.h"
#include "memslot.h"
#include "mmu/mmu.h"
#include "trace.h"

/* The page that this vCPU's own APIC answers, before any memory does. */
static bool is_apic_page(const struct lodge_vcpu *vcpu, gpa_t gpa)
{
	u64 base = vcpu->arch.apic_base;

	return vcpu->arch.lapic && (gpa & PAGE_MASK) == (base & PAGE_MASK) &&
	       (base & (MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE)) == MSR_IA32_APICBASE_ENABLE;
}

/*
 * The guest's own page tables are there.  In read-only memory they are refused
 * only because the CPU's walks count as writes (APM vol. 2, Nested versus Guest
 * Page Faults, Fault Ordering), and a walk in software does what the CPU could
 * not; elsewhere they are on no memory at all, and nothing can be read there.
 */
static noinline int guest_table_fault(struct lodge_vcpu *vcpu, gpa_t gpa, const void *insn, int len)
{
	if (!lodge_gfn_to_slot(vcpu->vm, gpa >> PAGE_SHIFT))
		return lodge_emulation_failure(vcpu, insn, len);
	return lodge_emulate(vcpu, 0, 0, insn, len);
}

static bool event_in_delivery(const struct lodge_vcpu *vcpu)
{
	const struct lodge_vcpu_arch *a = &vcpu->arch;

	return a->exception.injected | a->nmi_injected | a->interrupt.injected;
}

/*
 * The access was not the instruction's but an event's, to a stack or a table
 * that is in no memory: there is nothing to emulate, and nowhere to go on.
 */
static noinline int delivery_fault(struct lodge_vcpu *vcpu, gpa_t gpa)
{
	struct lodge_exit_info info;

	lodge_be(get_exit_info)(vcpu, &info);
	return lodge_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV,
				    (u64[]) { info.intr_info, info.reason, info.info1, gpa }, 4);
}

int lodge_exit_shadow_fault(struct lodge_vcpu *vcpu, gva_t gva, u64 error,
			    const void *insn, int len)
{
	struct lodge_walk walk;

	if (!lodge_shadow_walk(vcpu, gva, error, &walk)) {
		trace_kvm_page_fault(vcpu, gva, error);
		vcpu->stats.pf_taken++;
		lodge_queue_page_fault(vcpu, walk.addr, walk.error_code);
		return LODGE_RESUME;
	}
	if (unlikely(lodge_shadow_must_emulate(vcpu, error)))
		return lodge_emulate(vcpu, 0, 0, insn, len);
	return lodge_exit_page_fault(vcpu, walk.gpa, error, insn, len);
}

int lodge_exit_page_fault(struct lodge_vcpu *vcpu, u64 addr, u64 error,
			  const void *insn, int len)
{
	int r;

	trace_kvm_page_fault(vcpu, addr, error);
	vcpu->stats.pf_taken++;
	if (!is_apic_page(vcpu, addr)) {
		r = lodge_mmu_map_fault(vcpu, addr, error);
		if (likely(r != -ENXIO))
			return r;
	}
	if (unlikely(event_in_delivery(vcpu)))
		return delivery_fault(vcpu, addr);
	if (unlikely(error & PFERR_GUEST_PAGE))
		return guest_table_fault(vcpu, addr, insn, len);
	/* Code that is not in memory. */
	if (unlikely(error & PFERR_FETCH))
		return lodge_emulation_failure(vcpu, NULL, 0);
	return lodge_emulate(vcpu, addr, LODGE_EMU_PF, insn, len);
}
