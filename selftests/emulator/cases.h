/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random instructions for both the CPU and the emulator, and the memory and segments
 * that they are executed in (cases.c).
 */
#ifndef LODGE_EMULATOR_CASES_H
#define LODGE_EMULATOR_CASES_H

#include "cpu.h"
#include "machine.h"

/*
 * Linear addresses, of this process and of the emulated guest alike.  There is nothing
 * below CASE_HOLES but these pages.
 */
#define CASE_HOLES	0x60000000ul
#define CASE_CODE	0x20000000ul
#define CODE_PAGES	2
#define CASE_DATA	0x10001000ul	/* pages that can be written, then one that cannot */
#define DATA_PAGES	3
#define CASE_ALIAS	0x18000000ul	/* the same pages, all of which can be written */
#define CASE_TABLES	0xffff880000000000ul	/* GDT and LDT, as the emulator reads them */

struct insn_case {
	unsigned int mode;		/* bytes of the code segment's default */
	uint8_t bytes[16];
	struct lodge_insn insn;
	struct cpu_state start;
	uint8_t data[DATA_PAGES * 4096];
	bool selectors;			/* the data is full of them */
	bool mmio;			/* the data is a device, to the emulator */
};

void cases_init(uint64_t seed);
uint64_t draw(void);
/* Where the instruction is: -1 unless it is decoded. */
bool case_make(struct insn_case *c, unsigned int mode, unsigned int map, uint8_t opcode);
/* The emulated guest in the state in which the case starts. */
void case_to_machine(const struct insn_case *c, struct machine *m, uint8_t *data);
/* The segment register that a selector gives. */
struct kvm_segment case_segment(uint16_t sel);

/* Opcode maps as tests number them. */
enum { TEST_ONE_BYTE, TEST_0F, TEST_0F38, TEST_0F3A, TEST_VEX_0F, TEST_VEX_0F38, TEST_VEX_0F3A,
	NR_MAPS };

#endif
