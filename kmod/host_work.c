// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>

#include "host_work.h"

/*
 * The kernel's function notes a signal in the struct kvm_vcpu it is given:
 * an exit reason and a counter, both of no use here.  It gets one to write
 * them into; that several threads do so at once harms nobody.
 */
static struct kvm_run unused_run;
static struct kvm_vcpu unused_vcpu = { .run = &unused_run };

int lodge_host_work(void)
{
	if (signal_pending(current))
		return -EINTR;
	return xfer_to_guest_mode_handle_work(&unused_vcpu);
}
