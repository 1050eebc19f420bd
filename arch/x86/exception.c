// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions on their way into the guest: queued by whoever finds that the
 * guest's instruction faults, merged here when two meet, delivered by
 * arch/x86/events.c.
 */

#include "backend.h"
#include "debug_regs.h"
#include "exit.h"
#include "regs_inline.h"

enum fault_class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

/* SDM vol. 3, Interrupt 8 - Double Fault Exception (#DF): classes of exceptions. */
static enum fault_class class_of(u8 nr)
{
	switch (nr) {
	case X86_TRAP_DE:
	case X86_TRAP_TS:
	case X86_TRAP_NP:
	case X86_TRAP_SS:
	case X86_TRAP_GP:
		return CONTRIBUTORY;
	case X86_TRAP_PF:
		return PAGE_FAULT;
	default:
		return BENIGN;
	}
}

/* The same section's table: does @second, met while @first is delivered, make a double fault? */
static bool makes_double_fault(u8 first, u8 second)
{
	enum fault_class a = class_of(first), b = class_of(second);

	return (a == CONTRIBUTORY && b == CONTRIBUTORY) || (a == PAGE_FAULT && b != BENIGN);
}

static void queue(struct lodge_vcpu *vcpu, const struct lodge_exception *new)
{
	struct lodge_exception *e = &vcpu->arch.exception;

	lodge_request(vcpu, LODGE_REQ_EVENT);
	if (!e->pending && !e->injected) {
		*e = *new;
		return;
	}
	if (e->nr == X86_TRAP_DF) {
		/* A fault in the delivery of a double fault shuts the CPU down. */
		e->pending = e->injected = false;
		lodge_request(vcpu, LODGE_REQ_TRIPLE_FAULT);
		return;
	}
	if (makes_double_fault(e->nr, new->nr)) {
		*e = (struct lodge_exception) {
			.pending = true, .nr = X86_TRAP_DF, .has_error_code = true,
		};
		return;
	}
	/* The first comes again when its instruction is executed again. */
	*e = *new;
}

void lodge_queue_exception(struct lodge_vcpu *vcpu, u8 nr)
{
	queue(vcpu, &(struct lodge_exception) { .pending = true, .nr = nr });
}

void lodge_queue_exception_e(struct lodge_vcpu *vcpu, u8 nr, u32 error_code)
{
	queue(vcpu, &(struct lodge_exception) {
		.pending = true, .nr = nr,
		/*
		 * Real mode pushes none (SDM vol. 3, Interrupt and Exception Handling in
		 * real mode).
		 */
		.has_error_code = lodge_is_protmode(vcpu), .error_code = error_code,
	});
}

void lodge_queue_exception_p(struct lodge_vcpu *vcpu, u8 nr, u64 payload)
{
	queue(vcpu, &(struct lodge_exception) {
		.pending = true, .nr = nr, .has_payload = true, .payload = payload,
	});
}

void lodge_queue_page_fault(struct lodge_vcpu *vcpu, gva_t addr, u32 error_code)
{
	vcpu->stats.pf_guest++;
	queue(vcpu, &(struct lodge_exception) {
		.pending = true, .nr = X86_TRAP_PF, .has_error_code = true,
		.error_code = error_code, .has_payload = true, .payload = addr,
	});
}

void lodge_requeue_exception(struct lodge_vcpu *vcpu, u8 nr, bool has_error, u32 error_code)
{
	vcpu->arch.exception = (struct lodge_exception) {
		.injected = true, .nr = nr, .has_error_code = has_error,
		.error_code = error_code,
	};
}

void lodge_deliver_payload(struct lodge_vcpu *vcpu)
{
	struct lodge_exception *e = &vcpu->arch.exception;

	if (!e->has_payload)
		return;
	switch (e->nr) {
	case X86_TRAP_DB:
		/*
		 * The payload has the bits as DR6 sets them, but for those that
		 * are active low, which it has inverted; B0-B3 replace the old
		 * ones, the others accumulate (SDM vol. 3, Debug Status
		 * Register (DR6)).  Delivery clears DR7.GD.
		 */
		vcpu->arch.dr6 &= ~DR_TRAP_BITS;
		vcpu->arch.dr6 |= LODGE_DR6_ACTIVE_LOW;
		vcpu->arch.dr6 |= e->payload;
		vcpu->arch.dr6 ^= e->payload & LODGE_DR6_ACTIVE_LOW;
		if (vcpu->arch.dr7 & LODGE_DR7_GD) {
			vcpu->arch.dr7 &= ~LODGE_DR7_GD;
			lodge_update_dr7(vcpu);
		}
		break;
	case X86_TRAP_PF:
		vcpu->arch.cr2 = e->payload;
		break;
	}
	e->has_payload = false;
	e->payload = 0;
}

int lodge_complete_insn_gp(struct lodge_vcpu *vcpu, int err)
{
	if (!err)
		return lodge_be(skip_instruction)(vcpu);
	lodge_inject_gp(vcpu, 0);
	return LODGE_RESUME;
}
