/* SPDX-License-Identifier: GPL-2.0 */
/* What kernel headers expect to be there already, in a program. */
#include <linux/stddef.h>

#define WARN_ON_ONCE(condition)	((void)(condition))
