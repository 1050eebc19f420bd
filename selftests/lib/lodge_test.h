/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test program includes: the kernel's harness, and the library.
 *
 * A program ends in LODGE_TEST_MAIN(capabilities, ...): without the node, or
 * without one of the capabilities that it is about, it says so and exits with
 * the kselftest code for a skip.
 */
#ifndef LODGE_SELFTEST_LODGE_TEST_H
#define LODGE_SELFTEST_LODGE_TEST_H

#include <kselftest_harness.h>

#include "vm.h"

#define LODGE_TEST_MAIN(...)						\
static void __attribute__((constructor)) require_(void)			\
{									\
	static const int caps[] = { __VA_ARGS__ };			\
	require_node(caps, ARRAY_SIZE(caps));		\
}									\
TEST_HARNESS_MAIN

/* The next exit is a ucall of this stage. */
#define ASSERT_STAGE(stage, vcpu) do {					\
	struct ucall uc_;						\
	ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(vcpu, &uc_));		\
	ASSERT_EQ((uint64_t)(stage), uc_.arg[0]);			\
} while (0)

/* The next exit is the end of the guest, and it was content. */
#define ASSERT_DONE(vcpu) do {						\
	struct ucall uc_;						\
	ASSERT_EQ(UCALL_DONE, vcpu_run_ucall(vcpu, &uc_));		\
} while (0)

#endif
