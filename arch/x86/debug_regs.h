/* SPDX-License-Identifier: GPL-2.0 */
/* Bits of DR6 and DR7 that <asm/debugreg.h> does not name (SDM vol. 3, Debug Registers). */
#ifndef LODGE_DEBUG_REGS_H
#define LODGE_DEBUG_REGS_H

#include <linux/percpu.h>
#include <asm/processor.h>
#include <asm/debugreg.h>
#include <linux/bits.h>

/* read as one unless the event (RTM, bus lock) came */
#define LODGE_DR6_ACTIVE_LOW	0xffff0ff0ul
#define LODGE_DR6_FIXED		0xfffe0ff0ul	/* bits that are one whatever is written */
#define LODGE_DR6_WRITABLE	0x0000e00ful	/* B0-B3, BD, BS, BT */
#define LODGE_DR6_BD		BIT(13)
#define LODGE_DR6_BT		BIT(15)
#define LODGE_DR7_FIXED		0x00000400ul
#define LODGE_DR7_WRITABLE	0xffff2bfful
#define LODGE_DR7_GD		BIT(13)
#define LODGE_DR7_ENABLES	0xfful		/* L0-L3, G0-G3 */

#endif
