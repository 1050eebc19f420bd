// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts for a vCPU whose CPU delivers them by itself (SDM vol. 3, Virtual-Interrupt
 * Delivery; Posted-Interrupt Processing).
 *
 * Such a CPU takes bits out of IRR, by accesses that need not be locked, so that nobody
 * may write there while the guest runs (Software Access to Related Structures).  Senders
 * post: they set the vector in a descriptor beside the page.  The vCPU's thread moves
 * what is posted to IRR when it looks for interrupts, and before it enters the guest.
 * Where the CPU can, it does so itself in the midst of the guest, without an exit, when
 * it is sent the notification vector; otherwise the sender kicks.
 *
 * No interrupt is lost.  A sender sets the vector, then sets ON, and whoever finds it
 * clear tells the vCPU, by what vcpu->mode says; each step is a full barrier.
 *
 *  - Who finds ON set leaves it to another, whose telling is still to come, or to the
 *    thread.  Whoever takes clears ON first and then reads the vectors: a vector that
 *    was set before ON was found set is among them.
 *  - IN_GUEST was read, and the notification sent.  Either it finds the guest, or the
 *    guest had exited, and the host's handler does nothing.  Then ON is still set, and
 *    the thread finds it: before it sleeps, since it looks for interrupts with a full
 *    barrier after the mode changed; before it enters, since it sets IN_GUEST, and looks
 *    at ON with a full barrier between.
 *  - ON set after that look is set by somebody who then reads IN_GUEST, and whose
 *    notification waits, interrupts being off, until the guest is there to take it.
 *  - Another mode was read: request and kick, as kmod/request.c has it.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "compat.h"
#include "irqchip/irqchip.h"
#include "request.h"
#include "vmx/vmx.h"

/* SDM vol. 3, Format of Posted-Interrupt Descriptor.  All else in it is an IOMMU's. */
struct vmx_posted {
	DECLARE_BITMAP(vectors, 256);
	unsigned long control;
	unsigned long unused[3];
};
#define VMX_POSTED_ON	0	/* bit of control: outstanding notification */

static_assert(sizeof(struct vmx_posted) == 64);

/* Of its own size, and so aligned, as the CPU wants it. */
int vmx_posted_vcpu_create(struct vmx_vcpu *vmx)
{
	if (!vmx_uses(VMX_CPU2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY))
		return 0;
	vmx->posted = kzalloc(sizeof(*vmx->posted), GFP_KERNEL_ACCOUNT);
	return vmx->posted ? 0 : -ENOMEM;
}

void vmx_posted_vcpu_destroy(struct vmx_vcpu *vmx)
{
	kfree(vmx->posted);
}

void vmx_posted_vcpu_reset(struct vmx_vcpu *vmx)
{
	if (!vmx->posted || !vmx->virtual_apic)
		return;
	vmx->vcpu.arch.posts = true;
	vmx->slow |= VMX_SLOW_POSTED;
	if (vmx_uses(VMX_PIN, PIN_BASED_POSTED_INTR)) {
		vmcs_write16(POSTED_INTR_NV, POSTED_INTR_VECTOR);
		vmcs_write64(POSTED_INTR_DESC_ADDR, __pa(vmx->posted));
	}
}

bool vmx_post_irq(struct lodge_vcpu *vcpu, u8 vector, bool must_exit)
{
	struct vmx_posted *posted = to_vmx(vcpu)->posted;
	bool told = false;
	int cpu;

	set_bit(vector, posted->vectors);
	if (test_and_set_bit(VMX_POSTED_ON, &posted->control))
		return !must_exit;
	if (must_exit || !vmx_uses(VMX_PIN, PIN_BASED_POSTED_INTR))
		return false;

	/* The time until it is sent is what others who find ON set have to wait. */
	preempt_disable();
	cpu = READ_ONCE(vcpu->cpu);
	if (READ_ONCE(vcpu->mode) == LODGE_IN_GUEST && cpu >= 0) {
		lodge_send_posted_interrupt(cpu);
		told = true;
	}
	preempt_enable();
	return told;
}

void vmx_take_posted(struct lodge_vcpu *vcpu)
{
	struct vmx_posted *posted = to_vmx(vcpu)->posted;
	unsigned int i, bit;

	if (!test_bit(VMX_POSTED_ON, &posted->control))
		return;
	clear_bit(VMX_POSTED_ON, &posted->control);
	/* The argument above: ON first. */
	smp_mb__after_atomic();
	for (i = 0; i < BITS_TO_LONGS(256); i++) {
		unsigned long vectors = 0;

		if (READ_ONCE(posted->vectors[i]))
			vectors = xchg(&posted->vectors[i], 0);
		for_each_set_bit(bit, &vectors, BITS_PER_LONG)
			lodge_lapic_posted(vcpu, i * BITS_PER_LONG + bit);
	}
}

/* VMX_SLOW_POSTED, before each entry: in mode IN_GUEST, irqoff. */
void vmx_posted_enter(struct vmx_vcpu *vmx)
{
	struct lodge_vcpu *vcpu = &vmx->vcpu;

	if (likely(!test_bit(VMX_POSTED_ON, &vmx->posted->control)))
		return;
	if (vcpu->arch.apicv) {
		vmx_set_rvi(vmx, lodge_lapic_highest_irr(vcpu));
		return;
	}
	/* Posted before the mode of the APIC changed: have it injected. */
	vmx_take_posted(vcpu);
	lodge_request(vcpu, LODGE_REQ_EVENT);
	lodge_send_reschedule(smp_processor_id());
}
