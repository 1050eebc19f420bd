/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that differs between the kernels Lodge builds for (6.1 to 6.18), chosen by
 * the header probes of Kbuild (LODGE_HAVE_...), not by version numbers.
 */
#ifndef LODGE_COMPAT_H
#define LODGE_COMPAT_H

#include <linux/eventfd.h>
#include <linux/smp.h>
#include <asm/smp.h>

/* The IPI whose handler does nothing but make the CPU look at its flags; not exported as a function. */
static inline void lodge_send_reschedule(int cpu)
{
	smp_ops.smp_send_reschedule(cpu);
}

#endif
