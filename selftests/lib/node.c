// SPDX-License-Identifier: GPL-2.0
/*
 * The device node: which one, what it offers, and the two forms of ioctl.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vm.h"

#define KSFT_SKIP 4

void fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("# ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

const char *node_path(void)
{
	const char *env = getenv("LODGE_DEV");

	if (env && *env)
		return env;
	return access("/dev/lodge", F_OK) ? "/dev/kvm" : "/dev/lodge";
}

int node_open(void)
{
	int fd = open(node_path(), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fatal("%s: %s", node_path(), strerror(errno));
	return fd;
}

int node_cap(int cap)
{
	int fd = node_open();
	int ret = must_ioctl(fd, KVM_CHECK_EXTENSION, cap);

	close(fd);
	return ret;
}

/* Runs before the harness: without these there is nothing to test. */
void require_node(const int *caps, unsigned int nr)
{
	unsigned int i;
	int fd = open(node_path(), O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("TAP version 13\n1..0 # SKIP %s: %s\n", node_path(),
		       strerror(errno));
		exit(KSFT_SKIP);
	}
	for (i = 0; i < nr; i++) {
		if (ioctl(fd, KVM_CHECK_EXTENSION, caps[i]) <= 0) {
			printf("TAP version 13\n1..0 # SKIP %s lacks capability %d\n",
			       node_path(), caps[i]);
			exit(KSFT_SKIP);
		}
	}
	close(fd);
}

int sys_ioctl(int fd, unsigned long req, void *arg)
{
	int ret = ioctl(fd, req, arg);

	return ret < 0 ? -errno : ret;
}

int must_ioctl_(int fd, unsigned long req, void *arg, const char *name)
{
	int ret = sys_ioctl(fd, req, arg);

	if (ret < 0)
		fatal("%s: %s", name, strerror(-ret));
	return ret;
}

struct kvm_cpuid2 *node_cpuid(void)
{
	const unsigned int nent = 256;
	struct kvm_cpuid2 *cpuid;
	int fd = node_open();

	cpuid = calloc(1, sizeof(*cpuid) + nent * sizeof(cpuid->entries[0]));
	if (!cpuid)
		fatal("out of memory");
	cpuid->nent = nent;
	must_ioctl(fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	close(fd);
	return cpuid;
}

struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *cpuid, uint32_t function,
				    uint32_t index)
{
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == function &&
		    cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	}
	return NULL;
}

struct kvm_msr_list *node_msr_list(void)
{
	struct kvm_msr_list probe = { .nmsrs = 0 };
	struct kvm_msr_list *list;
	int fd = node_open();

	if (sys_ioctl(fd, KVM_GET_MSR_INDEX_LIST, &probe) != -E2BIG)
		fatal("KVM_GET_MSR_INDEX_LIST of no room is not E2BIG");
	list = calloc(1, sizeof(*list) + probe.nmsrs * sizeof(uint32_t));
	if (!list)
		fatal("out of memory");
	list->nmsrs = probe.nmsrs;
	must_ioctl(fd, KVM_GET_MSR_INDEX_LIST, list);
	close(fd);
	return list;
}
