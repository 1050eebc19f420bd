/* SPDX-License-Identifier: GPL-2.0 */
/* The console's two threads; the argument is the struct console. */
#ifndef LODGE_CONSOLE_IO_H
#define LODGE_CONSOLE_IO_H

#include <time.h>

void *console_output_thread(void *opaque);
void *console_input_thread(void *opaque);

/* A point of the monotonic clock, which the console's conditions wait by. */
static inline struct timespec time_after_ms(unsigned int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	return t;
}

#endif
