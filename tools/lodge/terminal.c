// SPDX-License-Identifier: GPL-2.0
/*
 * Raw mode and back.  The state is the file's, as a signal handler needs it;
 * a lock-free atomic is safe there.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

static struct termios saved;
static atomic_bool taken;

bool terminal_is_ours(void)
{
	pid_t foreground;

	if (!isatty(STDIN_FILENO))
		return false;
	/*
	 * A job in the background leaves the terminal to the shell.  A terminal
	 * that is not the session's own has no foreground, and no shell.
	 */
	foreground = tcgetpgrp(STDIN_FILENO);
	return foreground < 0 || foreground == getpgrp();
}

void terminal_give_back(void)
{
	if (!atomic_exchange(&taken, false))
		return;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

/* The launcher's own crash.  SA_RESETHAND: raised again, the signal kills. */
static void crash_handler(int signo)
{
	terminal_give_back();
	raise(signo);
}

int terminal_take(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = { .sa_handler = crash_handler, .sa_flags = SA_RESETHAND };
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved))
		return complain("terminal: %m");
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &action, NULL);
	if (atexit(terminal_give_back))
		return complain("out of memory");

	/* Output stays processed, so that our own messages look right. */
	raw = saved;
	cfmakeraw(&raw);
	raw.c_oflag = saved.c_oflag;
	taken = true;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw)) {
		taken = false;
		return complain("terminal: %m");
	}
	return 0;
}
