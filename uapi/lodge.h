/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What Lodge's descriptors offer beyond <linux/kvm.h>.
 *
 * A client finds it as it finds anything of KVM's, with KVM_CHECK_EXTENSION.
 * The numbers below are out of the range that KVM hands out.
 */
#ifndef _UAPI_LODGE_H
#define _UAPI_LODGE_H

#include <linux/kvm.h>

#define LODGE_CAP_BASE		0x4c6f0000	/* "Lo" */

/*
 * The version of this interface.  Zero, as for every extension that is not
 * known, means that the descriptor is not Lodge's.
 */
#define LODGE_CAP_VERSION	(LODGE_CAP_BASE + 0)
#define LODGE_API_VERSION	1

/* Ioctls of Lodge's own have a type of their own: none is ever one of KVM's. */
#define LODGEIO			0xb9

/* Says that LODGE_GET_FAILED_ENTRY is there. */
#define LODGE_CAP_FAILED_ENTRY	(LODGE_CAP_BASE + 1)

#define LODGE_ENTRY_FIELDS	8

struct lodge_entry_field {
	char name[40];
	__u64 value;
};

/*
 * Of a vCPU descriptor: why the CPU refused the newest entry that it refused, that
 * is, the one that KVM_RUN told of with KVM_EXIT_FAIL_ENTRY.  ENOENT when there was
 * none.  All strings end in a zero; what is not used is zero.
 */
struct lodge_failed_entry {
	__u64 reason;			/* as in kvm_run: hardware_entry_failure_reason */
	__u32 cpu;
	__u32 nr_fields;
	char name[48];			/* the rule's short name; empty: no known rule is broken */
	char rule[240];			/* what must be, in words */
	char section[120];		/* where the manual says so */
	struct lodge_entry_field fields[LODGE_ENTRY_FIELDS];
};

#define LODGE_GET_FAILED_ENTRY	_IOR(LODGEIO, 0x00, struct lodge_failed_entry)

#endif
