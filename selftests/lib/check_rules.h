/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Breaking each rule of a table in turn.  A program that includes this has the
 * module's own table, compiled for user space, and a way to break each rule by name.
 */
#ifndef LODGE_SELFTEST_CHECK_RULES_H
#define LODGE_SELFTEST_CHECK_RULES_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest.h>

#include "entry_check.h"

/* How to break the rule @name; several lines may break the same one. */
struct breaker {
	const char *name;
	void (*break_it)(void);
};

static inline bool has_breaker(const struct breaker *b, int n, const char *name)
{
	for (int i = 0; i < n; i++) {
		if (!strcmp(b[i].name, name))
			return true;
	}
	return false;
}

/* The control block as it is now breaks @name, or, if NULL, nothing. */
static inline bool names_rule(const struct lodge_checker *c, const struct lodge_rules *rules,
			      const char *name)
{
	struct lodge_check_report report = {};
	bool broken = lodge_check(c, rules, &report);

	if (!name && broken)
		ksft_print_msg("nothing should be broken, but %s is\n", report.name);
	if (!name)
		return !broken;
	if (!broken) {
		ksft_print_msg("%s: no rule is named\n", name);
		return false;
	}
	if (strcmp(report.name, name)) {
		ksft_print_msg("%s: named %s instead\n", name, report.name);
		return false;
	}
	for (unsigned int i = 0; i < report.nr_fields; i++) {
		if (report.fields[i].name)
			continue;
		ksft_print_msg("%s: field %u has no name\n", name, i);
		return false;
	}
	return report.rule && report.section && report.nr_fields;
}

/* Each rule of the table has a breaker, and names its own; names are short and unique. */
static inline int rules_without_breaker(const struct lodge_rules *rules, const struct breaker *b,
					int n)
{
	int missing = 0;

	for (unsigned int i = 0; i < rules->nr; i++) {
		const struct lodge_rule *r = &rules->rule[i];

		if (!has_breaker(b, n, r->name)) {
			ksft_print_msg("nothing breaks %s\n", r->name);
			missing++;
		}
		/* What struct lodge_failed_entry has room for. */
		if (strlen(r->name) >= 48 || strlen(r->rule) >= 240 || strlen(r->section) >= 120) {
			ksft_print_msg("%s: too long\n", r->name);
			missing++;
		}
		for (unsigned int j = 0; j < i; j++) {
			if (strcmp(r->name, rules->rule[j].name))
				continue;
			ksft_print_msg("%s: twice\n", r->name);
			missing++;
		}
	}
	return missing;
}

#endif
