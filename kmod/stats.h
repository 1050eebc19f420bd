/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters: a table of names and meanings (stats.c) over these two structs.
 * A vCPU's are written by its own thread only, without atomics, and may be
 * read by anyone; a VM's that several threads write are atomic.
 */
#ifndef LODGE_STATS_H
#define LODGE_STATS_H

#include <linux/types.h>
#include <linux/atomic.h>

struct lodge_vm_stats {
	atomic64_t remote_tlb_flush;
	atomic64_t mmu_table_pages;
	atomic64_t pages_4k, pages_2m, pages_1g;
};

struct lodge_vcpu_stats {
	u64 exits;
	u64 io_exits, mmio_exits, signal_exits, irq_window_exits, nmi_window_exits;
	u64 halt_exits, request_irq_exits, irq_exits;
	u64 pf_taken, pf_fixed, pf_mmio_created, pf_guest;
	u64 tlb_flush, invlpg;
	u64 insn_emulation, insn_emulation_fail;
	u64 hypercalls, irq_injections, nmi_injections, req_event;
	u64 halt_successful_poll, halt_attempted_poll, halt_wakeup;
	u64 guest_mode, blocking;
	u64 preemption_reported;
};

#endif
