/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every part of the launcher shares: how a run ends, and how the user is
 * told.
 *
 * Functions that can fail return 0 or -1, and have told the user why, in one
 * line, where they failed; a caller adds nothing.
 */
#ifndef LODGE_LAUNCHER_H
#define LODGE_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The exit status of `lodge run`, documented in lodge.1.  A run that ends by a
 * signal ends by that signal, so that a shell sees 128 + its number.
 */
enum outcome {
	OUTCOME_POWEROFF = 0,
	OUTCOME_ENVIRONMENT = 1,	/* a file, the node, the host's memory */
	OUTCOME_USAGE = 2,
	OUTCOME_RESET = 3,
	OUTCOME_PANIC = 4,
	OUTCOME_SHUTDOWN = 5,		/* triple fault */
	OUTCOME_USER_QUIT = 6,
	OUTCOME_FAILURE = 7,		/* the hypervisor could not go on */

	OUTCOME_SIGNAL,			/* never an exit status */
	OUTCOME_NONE,			/* still running */
};

/*
 * Gets a thread out of a system call.  Its handler does nothing; it is blocked
 * but in the threads that are to be interrupted: vCPUs' and the console's.
 */
#define INTERRUPT_SIGNAL	SIGUSR1

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define KIB(n)		((uint64_t)(n) << 10)
#define MIB(n)		((uint64_t)(n) << 20)
#define GIB(n)		((uint64_t)(n) << 30)

static inline uint64_t align_up(uint64_t n, uint64_t alignment)
{
	return (n + alignment - 1) & ~(alignment - 1);
}

static inline uint64_t align_down(uint64_t n, uint64_t alignment)
{
	return n & ~(alignment - 1);
}

/* One line to standard error, whole whatever other threads write; returns -1. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same for what is no failure. */
void inform(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
