// SPDX-License-Identifier: GPL-2.0
/*
 * lodge: the launcher of the Lodge hypervisor.  Here the command is chosen;
 * `lodge run` is in run.c.
 */
#include <stdio.h>
#include <string.h>

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

int main(int argc, const char **argv)
{
	struct run_options options;
	int ret;

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
