/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why the CPU refused to enter a guest: the rules of the manuals as tables, run
 * over a control block after an entry has failed, and only then.
 *
 * This header, entry_check.c and the tables (svm/check_rules.c, vmx/check_*.c) know
 * nothing of a vCPU, nor of the kernel: what they look at comes through a reader,
 * which the selftests give an image of their own.  Only failed_entry.c, svm/check.c
 * and vmx/check.c, where the reader is a real control block, are the module's alone.
 */
#ifndef LODGE_ENTRY_CHECK_H
#define LODGE_ENTRY_CHECK_H

#include <linux/kernel.h>
#include <linux/types.h>

/* The most fields that a rule is about. */
#define LODGE_CHECK_FIELDS	6

struct lodge_check_field {
	const char *name;
	u64 value;
};

/* The answer.  Its strings are constants. */
struct lodge_check_report {
	const char *name;	/* of the rule, short; NULL: no rule is broken */
	const char *rule;	/* what must be, in a sentence */
	const char *section;	/* manual and title of the section */
	u32 nr_fields;
	struct lodge_check_field fields[LODGE_CHECK_FIELDS];
};

/*
 * A control block, and the facts about the CPU that rules compare it with, all by
 * number: the vendor's encoding of a field, or a fact's.
 */
struct lodge_checker {
	u64 (*read)(const struct lodge_checker *c, u32 field);
	const char *(*field_name)(u32 field);
};

struct lodge_rule {
	const char *name, *rule, *section;
	bool (*broken)(const struct lodge_checker *c, const struct lodge_rule *r);
	u32 arg;		/* @broken's, where one function serves several rules */
	u32 arg2;
	u32 nr_fields;
	u32 fields[LODGE_CHECK_FIELDS];
};

/* The fields of a rule: their number, and they themselves. */
#define LODGE_CHECK_OF(...)							\
	.nr_fields = sizeof((u32[]){ __VA_ARGS__ }) / sizeof(u32),		\
	.fields = { __VA_ARGS__ }

struct lodge_rules {
	const struct lodge_rule *rule;
	u32 nr;
};

static inline u64 lodge_check_read(const struct lodge_checker *c, u32 field)
{
	return c->read(c, field);
}

/* The first rule that is broken, in @report; false when none is. */
bool lodge_check(const struct lodge_checker *c, const struct lodge_rules *rules,
		 struct lodge_check_report *report);

/* --- what rules have in common --- */

/* Does an address have bits that @bits bits of linear address cannot (canonical form)? */
static inline bool lodge_check_not_canonical(u64 address, u64 bits)
{
	return (u64)((s64)(address << (64 - bits)) >> (64 - bits)) != address;
}

/* Bits at and above @bits. */
static inline bool lodge_check_beyond(u64 address, u64 bits)
{
	return bits < 64 && address >> bits;
}

/* A memory type that is none in one of the eight entries of a PAT, or a reserved bit. */
bool lodge_check_bad_pat(u64 pat);

#endif
