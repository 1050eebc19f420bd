// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's side of an interrupt or exception: a handler of the test, the
 * fixup of a guest_try(), or a report of what nobody expected.
 */
#include "guest.h"

guest_handler_t guest_handlers[256];
volatile uint64_t guest_try_error;

/* A test that starts APs by SIPI has a guest_ap_main() of its own. */
void __attribute__((weak)) guest_ap_main(uint64_t apic_id)
{
	(void)apic_id;
}

void guest_trap(struct trap_frame *frame);

GUEST_HANDLER void guest_trap(struct trap_frame *frame)
{
	const struct extable_entry *e;
	guest_handler_t handler = guest_handlers[frame->vector & 0xff];

	if (handler) {
		handler(frame);
		return;
	}
	for (e = __start_guest_extable; e < __stop_guest_extable; e++) {
		if (e->insn == frame->rip) {
			guest_try_error = frame->error;
			frame->r11 = frame->vector;
			frame->rip = e->fixup;
			return;
		}
	}
	guest_ucall_(UCALL_TRAP, "", frame->vector, frame->error, frame->rip,
		     read_cr2());
	for (;;)
		__asm__ volatile("hlt");
}
