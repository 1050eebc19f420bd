/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The user's terminal, taken over so that every key reaches the guest, and
 * given back however the launcher ends but by SIGKILL.
 */
#ifndef LODGE_TERMINAL_H
#define LODGE_TERMINAL_H

#include "lodge.h"

/* Whether standard input is a terminal that this process may take over. */
bool terminal_is_ours(void);

int terminal_take(void);

/* Any number of times; async-signal-safe. */
void terminal_give_back(void);

#endif
