/* SPDX-License-Identifier: GPL-2.0 */
/* `lodge run`. */
#ifndef LODGE_RUN_H
#define LODGE_RUN_H

#include "options.h"

/* Runs a guest to its end; returns the exit status, enum outcome. */
int run_guest(const struct run_options *options);

#endif
