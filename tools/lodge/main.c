// SPDX-License-Identifier: GPL-2.0
/*
 * lodge: the launcher of the Lodge hypervisor.  Here the command is chosen;
 * `lodge run` is in run.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "run.h"

static void print_help(FILE *out)
{
	fputs("Usage: lodge COMMAND [OPTION...]\n"
	      "\n"
	      "Commands:\n"
	      "  run        boot a Linux kernel in a guest, its console on this terminal\n"
	      "\n"
	      "  --help     print this help; `lodge run --help` prints the options of run\n"
	      "  --version  print the version\n", out);
}

/* What was printed may not have reached its reader: a full disk, say. */
static int flush_output(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		complain("standard output: %m");
		return OUTCOME_ENVIRONMENT;
	}
	return 0;
}

/*
 * Standard descriptors that were closed would be given to the next file that
 * is opened, and the guest's console would go into it.
 */
static int standard_descriptors_check(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_WRONLY };

	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (fd == STDOUT_FILENO)
			return complain("standard output is closed");
		if (open("/dev/null", modes[fd]) != fd)
			return complain("/dev/null: %m");
	}
	return 0;
}

int main(int argc, const char **argv)
{
	struct run_options options;
	int ret;

	if (standard_descriptors_check())
		return OUTCOME_ENVIRONMENT;
	if (argc < 2) {
		print_help(stderr);
		return OUTCOME_USAGE;
	}

	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return flush_output();
	}
	if (!strcmp(argv[1], "--version")) {
		printf("lodge %s\n", LODGE_VERSION);
		return flush_output();
	}
	if (strcmp(argv[1], "run")) {
		complain("unknown command '%s'; see lodge --help", argv[1]);
		return OUTCOME_USAGE;
	}

	if (options_parse(&options, argc - 1, argv + 1))
		return OUTCOME_USAGE;
	ret = run_guest(&options);
	options_release(&options);
	return ret;
}
