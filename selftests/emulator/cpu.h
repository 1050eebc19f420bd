/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One instruction by the CPU itself, in this process at CPL 3: with registers, flags and
 * segments as given, ended by a single step, by what it faults with, or by the INT3
 * behind it.  64-bit, and through descriptors of the LDT any 16-bit and 32-bit code.
 */
#ifndef LODGE_EMULATOR_CPU_H
#define LODGE_EMULATOR_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_state {
	uint64_t regs[16];	/* as instructions number them */
	uint64_t rip, rflags;
	uint16_t cs, ss, ds, es, fs, gs;
	uint64_t fs_base, gs_base;	/* in 64-bit mode */
	uint64_t vec[16][4];
	uint64_t mmx[8];
	/* How it ended: */
	unsigned int vector;	/* 1: stepped, 3: met the INT3 behind; else a fault's */
	uint64_t error;
	uint64_t cr2;
};

/* Once; false when this kernel or CPU lacks what it takes (then *why says what). */
bool cpu_init(const char **why);
bool cpu_has_avx(void);
/* A descriptor of the LDT, DPL 3: its selector.  @contents as struct user_desc has it. */
uint16_t cpu_segment(unsigned int index, uint32_t base, uint32_t limit, bool big,
		     unsigned int contents, bool read_only, bool absent);
void cpu_run(struct cpu_state *s);

#endif
