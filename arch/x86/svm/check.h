/* SPDX-License-Identifier: GPL-2.0 */
/* The rules that VMRUN checks, over a VMCB or an image of one; see entry_check.h. */
#ifndef LODGE_SVM_CHECK_H
#define LODGE_SVM_CHECK_H

#include <linux/types.h>
#include <asm/svm.h>

#include "entry_check.h"

/* Fields of the VMCB, and after them facts about the CPU. */
enum svm_check_field {
	SVM_CF_INTERCEPTS_4,		/* the word with VMRUN's */
	SVM_CF_INTERCEPTS_3,		/* the word with NMI's */
	SVM_CF_IOPM, SVM_CF_MSRPM, SVM_CF_ASID, SVM_CF_TLB_CTL, SVM_CF_INT_CTL,
	SVM_CF_EVENT_INJ, SVM_CF_NESTED_CTL, SVM_CF_NESTED_CR3,
	SVM_CF_CS_ATTRIB, SVM_CF_EFER, SVM_CF_CR0, SVM_CF_CR3, SVM_CF_CR4,
	SVM_CF_DR6, SVM_CF_DR7, SVM_CF_S_CET, SVM_CF_G_PAT,
	SVM_CF_FACTS,
	SVM_CF_PHYS_BITS = SVM_CF_FACTS,	/* width of a physical address */
	SVM_CF_NR_ASIDS,
	SVM_CF_FLUSH_BY_ASID,
	SVM_CF_LONG_MODE,		/* the CPU has it */
	SVM_CF_EFER_VALID,		/* bits of EFER that may be one */
	SVM_CF_CR4_VALID,		/* bits of CR4 that may be one */
	SVM_CF_S_CET_VALID,		/* bits of S_CET that may be one */
	SVM_CF_HOST_CR0,		/* as VMRUN found it */
	SVM_NR_CF,
};

struct svm_checker {
	struct lodge_checker checker;	/* first */
	const struct vmcb *vmcb;
	u64 facts[SVM_NR_CF - SVM_CF_FACTS];
};

/* Look at @vmcb; the facts are the caller's to fill in. */
void svm_checker_init(struct svm_checker *c, const struct vmcb *vmcb);

static inline void svm_checker_fact(struct svm_checker *c, enum svm_check_field f, u64 value)
{
	c->facts[f - SVM_CF_FACTS] = value;
}

extern const struct lodge_rules svm_rules;

#endif
