/* SPDX-License-Identifier: GPL-2.0 */
/* The first CPU's registers at a kernel's entry point. */
#ifndef LODGE_BOOT_STATE_H
#define LODGE_BOOT_STATE_H

#include "image.h"

/* Writes page tables and GDT into guest memory and sets the vCPU's registers. */
int boot_state_set(int vcpu_fd, struct guest_memory *mem, const struct boot *boot);

#endif
