/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The console: a queue of the guest's output that one thread writes to standard
 * output, and a queue of input that another fills from standard input.
 *
 * Output is never dropped while the VM runs: where standard output is slow, the
 * vCPU that prints waits.  Where standard output fails, the run ends.  Input
 * waits in its queue till the guest takes it; a terminal's is read even when
 * the queue is full, so that Ctrl-A x always works.
 */
#ifndef LODGE_CONSOLE_H
#define LODGE_CONSOLE_H

#include <pthread.h>

#include "vm.h"

struct serial;

#define CONSOLE_OUTPUT	16384	/* powers of two */
#define CONSOLE_INPUT	4096

/* head and tail run freely; the index is modulo the size. */
struct console_queue {
	unsigned int head;		/* next to take */
	unsigned int tail;		/* next to put */
};

static inline unsigned int console_queue_len(const struct console_queue *queue)
{
	return queue->tail - queue->head;
}

struct console {
	struct vm *vm;			/* constant while the threads run */
	struct serial *serial;
	bool terminal;
	bool output_started;
	bool input_started;
	pthread_t output_thread;
	pthread_t input_thread;

	pthread_mutex_t output_lock;	/* guards output to lost */
	pthread_cond_t output_work;	/* for the writer */
	pthread_cond_t output_room;	/* for vCPUs, and for the end */
	struct console_queue output;
	bool closing;			/* no vCPU waits any more */
	bool failed;			/* nothing is written any more */
	uint64_t lost;			/* bytes that nobody will see */
	char output_buf[CONSOLE_OUTPUT];

	pthread_mutex_t input_lock;	/* guards input to stopping */
	pthread_cond_t input_room;	/* for the reader */
	struct console_queue input;
	bool stopping;
	uint8_t input_buf[CONSOLE_INPUT];
};

void console_init(struct console *console, struct vm *vm, struct serial *serial);
int console_start(struct console *console);

/* After vm_end(), before the vCPUs are stopped: none waits for room any more. */
void console_release(struct console *console);

/* After the vCPUs have stopped: writes what is left and ends the threads. */
void console_stop(struct console *console);

/* One character of output; may wait for room. */
void console_put(struct console *console, uint8_t byte);

/* Up to max characters of input, as many as there are. */
size_t console_take(struct console *console, uint8_t *buf, size_t max);

#endif
