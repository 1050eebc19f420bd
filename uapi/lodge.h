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

#endif
