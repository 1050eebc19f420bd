/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a thread must do for the host on its way into a guest, as it would on
 * its way to user space: reschedule, run task work, notice signals.
 */
#ifndef LODGE_HOST_WORK_H
#define LODGE_HOST_WORK_H

#include <linux/entry-kvm.h>

/* True if lodge_host_work() has something to do.  Any context. */
static inline bool lodge_host_work_pending(void)
{
	return __xfer_to_guest_mode_work_pending();
}

/* 0, or -EINTR when a signal is pending.  Process context; may sleep; in no SRCU section. */
int lodge_host_work(void);

#endif
