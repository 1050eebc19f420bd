// SPDX-License-Identifier: GPL-2.0
/* The console's queues: between the guest's UART and the two threads. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "console.h"
#include "console_io.h"
#include "terminal.h"

/* How long the end of a run waits for a standard output that takes nothing. */
#define DRAIN_MS	2000

/* How often a thread that is to end is interrupted. */
#define INTERRUPT_MS	10

/*
 * The writer is woken by the first character, by the end of a line and by
 * a filling queue, not by each character: what a line costs the vCPU is then
 * two wake-ups.
 */
void console_put(struct console *console, uint8_t byte)
{
	unsigned int len;

	pthread_mutex_lock(&console->output_lock);
	while (console_queue_len(&console->output) == CONSOLE_OUTPUT &&
	       !console->closing && !console->failed)
		pthread_cond_wait(&console->output_room, &console->output_lock);

	len = console_queue_len(&console->output);
	if (console->failed || len == CONSOLE_OUTPUT) {
		console->lost++;
	} else {
		console->output_buf[console->output.tail++ % CONSOLE_OUTPUT] = byte;
		if (!len || byte == '\n' || len == CONSOLE_OUTPUT / 2)
			pthread_cond_signal(&console->output_work);
	}
	pthread_mutex_unlock(&console->output_lock);
}

size_t console_take(struct console *console, uint8_t *buf, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&console->input_lock);
	while (n < max && console_queue_len(&console->input))
		buf[n++] = console->input_buf[console->input.head++ % CONSOLE_INPUT];
	if (n)
		pthread_cond_signal(&console->input_room);
	pthread_mutex_unlock(&console->input_lock);
	return n;
}

void console_init(struct console *console, struct vm *vm, struct serial *serial)
{
	pthread_condattr_t monotonic;

	*console = (struct console){ .vm = vm, .serial = serial };
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&console->output_lock, NULL);
	pthread_cond_init(&console->output_work, &monotonic);
	pthread_cond_init(&console->output_room, &monotonic);
	pthread_mutex_init(&console->input_lock, NULL);
	pthread_cond_init(&console->input_room, NULL);
	pthread_condattr_destroy(&monotonic);
}

int console_start(struct console *console)
{
	console->terminal = terminal_is_ours();
	if (console->terminal) {
		inform("Ctrl-A x quits, Ctrl-A Ctrl-A sends Ctrl-A");
		if (terminal_take())
			return -1;
	}
	if (pthread_create(&console->output_thread, NULL, console_output_thread, console))
		return complain("cannot start the console's thread");
	console->output_started = true;
	if (pthread_create(&console->input_thread, NULL, console_input_thread, console))
		return complain("cannot start the console's thread");
	console->input_started = true;
	return 0;
}

void console_release(struct console *console)
{
	pthread_mutex_lock(&console->output_lock);
	console->closing = true;
	pthread_cond_broadcast(&console->output_room);
	pthread_cond_broadcast(&console->output_work);
	pthread_mutex_unlock(&console->output_lock);

	pthread_mutex_lock(&console->input_lock);
	console->stopping = true;
	pthread_cond_broadcast(&console->input_room);
	pthread_mutex_unlock(&console->input_lock);
}

/* Waits till all output is written, as long as any of it goes. */
static void output_drain(struct console *console)
{
	struct timespec deadline = time_after_ms(DRAIN_MS);
	unsigned int head;

	pthread_mutex_lock(&console->output_lock);
	head = console->output.head;
	while (console_queue_len(&console->output) && !console->failed) {
		if (pthread_cond_timedwait(&console->output_room, &console->output_lock,
					   &deadline) == ETIMEDOUT)
			break;
		if (console->output.head == head)
			continue;
		head = console->output.head;
		deadline = time_after_ms(DRAIN_MS);
	}
	console->failed = true;
	pthread_cond_broadcast(&console->output_work);
	pthread_mutex_unlock(&console->output_lock);
}

/*
 * Joins a thread that has been told to end, but may be in a read() or write()
 * that never returns: it is interrupted till it looks at its flags.
 */
static void thread_join(pthread_t thread)
{
	struct timespec deadline;

	do {
		pthread_kill(thread, INTERRUPT_SIGNAL);
		deadline = time_after_ms(INTERRUPT_MS);
	} while (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &deadline));
}

void console_stop(struct console *console)
{
	console_release(console);
	if (console->output_started) {
		output_drain(console);
		thread_join(console->output_thread);
	}
	if (console->input_started)
		thread_join(console->input_thread);
	terminal_give_back();

	console->lost += console_queue_len(&console->output);
	if (console->lost)
		complain("standard output did not take %llu bytes of the guest's console",
			 (unsigned long long)console->lost);
	pthread_mutex_destroy(&console->output_lock);
	pthread_cond_destroy(&console->output_work);
	pthread_cond_destroy(&console->output_room);
	pthread_mutex_destroy(&console->input_lock);
	pthread_cond_destroy(&console->input_room);
}
