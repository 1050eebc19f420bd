// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the user.  Each is built whole and written by one write(), so
 * that lines of several vCPU threads do not mix.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "lodge.h"

static void message_write(const char *fmt, va_list args)
{
	static const char prefix[] = "lodge: ";
	char line[1024];
	size_t len = sizeof(prefix) - 1;
	int n;

	__builtin_memcpy(line, prefix, len);
	n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, args);
	if (n < 0)
		return;
	len += n;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';

	/* Nobody is left to tell that standard error is closed. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

int complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	message_write(fmt, args);
	va_end(args);
	return -1;
}

void inform(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	message_write(fmt, args);
	va_end(args);
}
