/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LODGE_XSTATE_SIZE_H
#define LODGE_XSTATE_SIZE_H

#include <linux/types.h>

/* Bytes of an XSAVE area with @features, standard or compacted, by the host CPU's layout. */
unsigned int lodge_xstate_size(u64 features, bool compacted);
void lodge_xstate_init(void);		/* module load, before any other use */

#endif
