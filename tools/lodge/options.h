/* SPDX-License-Identifier: GPL-2.0 */
/* The options of `lodge run`. */
#ifndef LODGE_OPTIONS_H
#define LODGE_OPTIONS_H

#include "lodge.h"

struct run_options {
	char *kernel;
	char *initrd;		/* or NULL */
	char *append;		/* the guest's command line; never NULL */
	char *node;		/* or NULL: the default, then its fallback */
	uint64_t memory;	/* bytes, whole pages */
	unsigned int cpus;
};

/*
 * argv[0] is the command's own name.  Prints help and exits where that is
 * asked for.  Returns 0, or -1 for a usage error; after 0 the caller
 * owes options_release().
 */
int options_parse(struct run_options *options, int argc, const char **argv);
void options_release(struct run_options *options);

#endif
