// SPDX-License-Identifier: GPL-2.0
/*
 * Raw mode and back.  What must give the terminal back even from a signal
 * handler is a file-wide variable.
 */
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

static struct termios saved;
static volatile sig_atomic_t taken;

bool terminal_is_ours(void)
{
	/* A job in the background leaves the terminal to the shell. */
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void terminal_give_back(void)
{
	if (!taken)
		return;
	taken = 0;
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
	taken = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw)) {
		taken = 0;
		return complain("terminal: %m");
	}
	return 0;
}
