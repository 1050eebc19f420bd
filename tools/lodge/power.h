/* SPDX-License-Identifier: GPL-2.0 */
/* The registers by which a guest ends its own run. */
#ifndef LODGE_POWER_H
#define LODGE_POWER_H

#include "vm.h"

struct power {
	struct vm *vm;
	atomic_uchar pm1_enable[2];
};

void power_add(struct power *power, struct vm *vm);

#endif
