// SPDX-License-Identifier: GPL-2.0
/* A failed entry, told: see failed_entry.h. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include "../uapi/lodge.h"
#include "failed_entry.h"
#include "lodge.h"

static_assert(LODGE_CHECK_FIELDS <= LODGE_ENTRY_FIELDS);

static void log_failure(const struct lodge_vcpu *vcpu, const struct lodge_entry_failure *f)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 5);
	const struct lodge_check_report *r = &f->report;
	u32 i;

	if (!__ratelimit(&limit))
		return;
	if (!r->name) {
		pr_err("%s vCPU %d: entry failed on CPU %d, reason %#llx: no known rule is broken\n",
		       vcpu->vm->name, vcpu->id, f->cpu, f->reason);
		return;
	}
	pr_err("%s vCPU %d: entry failed on CPU %d, reason %#llx: %s (%s: %s)\n",
	       vcpu->vm->name, vcpu->id, f->cpu, f->reason, r->rule, r->name, r->section);
	for (i = 0; i < r->nr_fields; i++)
		pr_err("  %s = %#llx\n", r->fields[i].name, r->fields[i].value);
}

void lodge_explain_failed_entry(struct lodge_vcpu *vcpu, u64 reason,
				const struct lodge_check_report *report)
{
	struct lodge_entry_failure *f = &vcpu->arch.entry_failure;

	f->seen = true;
	f->cpu = vcpu->last_cpu;
	f->reason = reason;
	f->report = *report;
	log_failure(vcpu, f);
}

long lodge_get_failed_entry(struct lodge_vcpu *vcpu, struct lodge_failed_entry *to)
{
	const struct lodge_entry_failure *f = &vcpu->arch.entry_failure;
	const struct lodge_check_report *r = &f->report;
	u32 i;

	if (!f->seen)
		return -ENOENT;
	to->reason = f->reason;
	to->cpu = f->cpu;
	if (!r->name)
		return 0;
	strscpy(to->name, r->name, sizeof(to->name));
	strscpy(to->rule, r->rule, sizeof(to->rule));
	strscpy(to->section, r->section, sizeof(to->section));
	to->nr_fields = r->nr_fields;
	for (i = 0; i < r->nr_fields; i++) {
		strscpy(to->fields[i].name, r->fields[i].name, sizeof(to->fields[i].name));
		to->fields[i].value = r->fields[i].value;
	}
	return 0;
}
