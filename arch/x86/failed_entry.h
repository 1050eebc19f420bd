/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The newest failed entry of a vCPU, explained: in the kernel log as it happens,
 * and for user space when it asks (LODGE_GET_FAILED_ENTRY).
 */
#ifndef LODGE_FAILED_ENTRY_H
#define LODGE_FAILED_ENTRY_H

#include "entry_check.h"

struct lodge_vcpu;
struct lodge_failed_entry;

/* Within the vCPU; vcpu->mutex. */
struct lodge_entry_failure {
	bool seen;		/* there was one */
	int cpu;
	u64 reason;		/* as in kvm_run.fail_entry */
	struct lodge_check_report report;
};

/* An entry failed, and the rules had this to say.  Loaded, process context. */
void lodge_explain_failed_entry(struct lodge_vcpu *vcpu, u64 reason,
				const struct lodge_check_report *report);

/* LODGE_GET_FAILED_ENTRY: 0, or -ENOENT when no entry has failed. */
long lodge_get_failed_entry(struct lodge_vcpu *vcpu, struct lodge_failed_entry *to);

#endif
