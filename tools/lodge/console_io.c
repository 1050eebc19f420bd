// SPDX-License-Identifier: GPL-2.0
/* The console's threads: from standard input, and to standard output. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "console.h"
#include "console_io.h"
#include "serial.h"

#define CTRL_A		0x01
#define BELL		"\a"

/* How long a line may wait for its end before it is written in part. */
#define LINE_WAIT_MS	4

static void signal_unblock(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, INTERRUPT_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/*
 * Waits for output and then a moment more for the rest of its line.  Called and
 * returns with the lock held; returns how much there is, 0 at the end.
 */
static unsigned int output_wait(struct console *console)
{
	struct timespec deadline;

	while (!console_queue_len(&console->output) && !console->closing)
		pthread_cond_wait(&console->output_work, &console->output_lock);
	if (console_queue_len(&console->output) < CONSOLE_OUTPUT / 2 && !console->closing) {
		deadline = time_after_ms(LINE_WAIT_MS);
		pthread_cond_timedwait(&console->output_work, &console->output_lock, &deadline);
	}
	return console_queue_len(&console->output);
}

/* One write(); returns what it took, 0 to try again, -1 if it never will. */
static ssize_t output_write(const char *buf, size_t len)
{
	struct pollfd writable = { .fd = STDOUT_FILENO, .events = POLLOUT };
	ssize_t n = write(STDOUT_FILENO, buf, len);

	if (n >= 0)
		return n;
	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN)
		return -1;
	/* Someone else made the descriptor non-blocking. */
	poll(&writable, 1, -1);
	return 0;
}

void *console_output_thread(void *opaque)
{
	struct console *console = opaque;
	unsigned int len, start;
	ssize_t n;

	signal_unblock();
	pthread_mutex_lock(&console->output_lock);
	while (!console->failed) {
		len = output_wait(console);
		if (!len && console->closing)
			break;
		start = console->output.head % CONSOLE_OUTPUT;
		if (len > CONSOLE_OUTPUT - start)
			len = CONSOLE_OUTPUT - start;

		/* Only this thread moves head: what it writes stays put. */
		pthread_mutex_unlock(&console->output_lock);
		n = output_write(console->output_buf + start, len);
		if (n < 0) {
			complain("standard output: %m: the guest is stopped");
			vm_end(console->vm, OUTCOME_ENVIRONMENT);
		}
		pthread_mutex_lock(&console->output_lock);
		if (n < 0)
			console->failed = true;
		else
			console->output.head += n;
		pthread_cond_broadcast(&console->output_room);
	}
	pthread_mutex_unlock(&console->output_lock);
	return NULL;
}

/*
 * Queues one character for the guest.  If the queue is full, a terminal's is
 * refused with a bell, as the next may be Ctrl-A; anyone else's waits.
 */
static void input_put(struct console *console, uint8_t byte)
{
	bool full;

	pthread_mutex_lock(&console->input_lock);
	while ((full = console_queue_len(&console->input) == CONSOLE_INPUT) &&
	       !console->terminal && !console->stopping)
		pthread_cond_wait(&console->input_room, &console->input_lock);
	if (!full)
		console->input_buf[console->input.tail++ % CONSOLE_INPUT] = byte;
	pthread_mutex_unlock(&console->input_lock);

	if (full && console->terminal && write(STDERR_FILENO, BELL, 1) < 0)
		return;
}

/* A terminal's keys; *escaped says whether the last was Ctrl-A. */
static void key_put(struct console *console, uint8_t key, bool *escaped)
{
	bool was_escaped = *escaped;

	*escaped = !was_escaped && key == CTRL_A;
	if (*escaped)
		return;
	if (!was_escaped || key == CTRL_A)
		input_put(console, key);
	else if (key == 'x' || key == 'X')
		vm_end(console->vm, OUTCOME_USER_QUIT);
	else
		inform("Ctrl-A x quits, Ctrl-A Ctrl-A sends Ctrl-A");
}

void *console_input_thread(void *opaque)
{
	struct console *console = opaque;
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = console->vm->event_fd, .events = POLLIN },
	};
	bool escaped = false;
	uint8_t buf[256];
	ssize_t n;

	signal_unblock();
	while (!vm_ended(console->vm)) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 || !fds[0].revents)
			continue;
		n = read(STDIN_FILENO, buf, sizeof(buf));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		/* The end of input is no end of the guest. */
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if (console->terminal)
				key_put(console, buf[i], &escaped);
			else
				input_put(console, buf[i]);
			if ((i + 1) % SERIAL_FIFO == 0)
				serial_input_ready(console->serial);
		}
		serial_input_ready(console->serial);
	}
	return NULL;
}
