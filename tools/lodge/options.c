// SPDX-License-Identifier: GPL-2.0
/* The command line of `lodge run`, by popt. */
#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define DEFAULT_MEMORY	"512M"
#define DEFAULT_CPUS	"1"
#define DEFAULT_APPEND	"console=ttyS0 pci=off"	/* the machine has no PCI */

/* The local APIC's 8-bit identifier; 255 addresses all of them. */
#define MAX_CPUS	254

/* Fits every sum that the memory map makes of it. */
#define MAX_MEMORY	(UINT64_C(1) << 46)

/* The text of a size: a number and K, M, G or T, or neither for MiB. */
static int parse_size(const char *text, uint64_t *size)
{
	static const char suffixes[] = "kmgt";
	unsigned int shift = 20;
	unsigned long long n;
	const char *suffix;
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return -1;
	if (*end) {
		suffix = strchr(suffixes, *end | 0x20);
		if (!suffix)
			return -1;
		shift = 10 * (suffix - suffixes + 1);
		end++;
		if (*end == 'i')
			end++;
		if (*end == 'B' || *end == 'b')
			end++;
	}
	if (*end || n > UINT64_MAX >> shift)
		return -1;
	*size = (uint64_t)n << shift;
	return 0;
}

static int parse_cpus(const char *text, unsigned int *cpus)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9')
		return complain("--cpus %s: not a number", text);
	n = strtoul(text, &end, 10);
	if (*end)
		return complain("--cpus %s: not a number", text);
	if (n < 1 || n > MAX_CPUS)
		return complain("--cpus %s: give 1 to %d", text, MAX_CPUS);
	*cpus = n;
	return 0;
}

static int check_options(struct run_options *options, const char *memory, const char *cpus)
{
	if (!options->kernel)
		return complain("no kernel: give --kernel FILE, such as one of /boot/vmlinuz-*");
	if (parse_size(memory, &options->memory))
		return complain("--memory %s: not a size; give one such as 512M or 4G", memory);
	options->memory = align_down(options->memory, KIB(4));
	if (!options->memory || options->memory > MAX_MEMORY)
		return complain("--memory %s: out of range", memory);
	return parse_cpus(cpus, &options->cpus);
}

int options_parse(struct run_options *options, int argc, const char **argv)
{
	char *memory = NULL, *cpus = NULL;
	struct poptOption table[] = {
		{ "kernel", 'k', POPT_ARG_STRING, &options->kernel, 0,
		  "the kernel to boot: a bzImage or an ELF vmlinux", "FILE" },
		{ "initrd", 'i', POPT_ARG_STRING, &options->initrd, 0,
		  "its initial RAM disk", "FILE" },
		{ "append", 'a', POPT_ARG_STRING, &options->append, 0,
		  "its command line (default: " DEFAULT_APPEND ")", "TEXT" },
		{ "memory", 'm', POPT_ARG_STRING, &memory, 0,
		  "the guest's memory, with K, M, G or T (default: " DEFAULT_MEMORY ")", "SIZE" },
		{ "cpus", 'c', POPT_ARG_STRING, &cpus, 0,
		  "the guest's CPUs (default: " DEFAULT_CPUS ")", "N" },
		{ "dev", 'd', POPT_ARG_STRING, &options->node, 0,
		  "the hypervisor's node (default: /dev/lodge, or /dev/kvm if that does not exist)",
		  "NODE" },
		POPT_AUTOHELP
		POPT_TABLEEND
	};
	poptContext context;
	const char *extra;
	int ret, rc;

	*options = (struct run_options){ 0 };
	context = poptGetContext("lodge run", argc, argv, table, 0);
	if (!context)
		return complain("out of memory");

	rc = poptGetNextOpt(context);
	extra = poptPeekArg(context);
	if (rc < -1)
		ret = complain("%s: %s; see lodge run --help",
			       poptBadOption(context, POPT_BADOPTION_NOALIAS), poptStrerror(rc));
	else if (extra)
		ret = complain("unexpected argument '%s'; see lodge run --help", extra);
	else
		ret = check_options(options, memory ? memory : DEFAULT_MEMORY,
				    cpus ? cpus : DEFAULT_CPUS);

	poptFreeContext(context);
	free(memory);
	free(cpus);
	if (!ret && !options->append) {
		options->append = strdup(DEFAULT_APPEND);
		if (!options->append)
			ret = complain("out of memory");
	}
	if (ret)
		options_release(options);
	return ret;
}

void options_release(struct run_options *options)
{
	free(options->kernel);
	free(options->initrd);
	free(options->append);
	free(options->node);
}
