// SPDX-License-Identifier: GPL-2.0
/* Running a table of rules; see entry_check.h. */
#include "entry_check.h"

bool lodge_check(const struct lodge_checker *c, const struct lodge_rules *rules,
		 struct lodge_check_report *report)
{
	u32 i, f;

	for (i = 0; i < rules->nr; i++) {
		const struct lodge_rule *r = &rules->rule[i];

		if (!r->broken(c, r))
			continue;
		*report = (struct lodge_check_report) {
			.name = r->name, .rule = r->rule, .section = r->section,
			.nr_fields = r->nr_fields,
		};
		for (f = 0; f < r->nr_fields; f++) {
			report->fields[f].name = c->field_name(r->fields[f]);
			report->fields[f].value = lodge_check_read(c, r->fields[f]);
		}
		return true;
	}
	return false;
}

/* SDM vol. 3 and APM vol. 2, Page Attribute Table: UC, WC, WT, WP, WB and UC-. */
bool lodge_check_bad_pat(u64 pat)
{
	const u8 types = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7;
	int i;

	for (i = 0; i < 8; i++, pat >>= 8) {
		u8 entry = pat;

		if (entry > 7 || !(types >> entry & 1))
			return true;
	}
	return false;
}
