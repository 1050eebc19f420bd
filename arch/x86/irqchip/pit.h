/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A counter of the 8254: pit_counter.c.  The caller (pit.c) holds the lock that
 * guards it.
 */
#ifndef LODGE_PIT_H
#define LODGE_PIT_H

#include <linux/kvm.h>
#include <linux/types.h>

/* Which byte comes next: rw_mode, read_state, write_state, count_latched. */
enum {
	PIT_ACCESS_LSB = 1,
	PIT_ACCESS_MSB,
	PIT_ACCESS_WORD,	/* low byte, then high byte */
	PIT_ACCESS_WORD_MSB,	/* the high byte of the two */
};

struct lodge_pit_counter {
	struct kvm_pit_channel_state s;
	s64 held;	/* ns counted when the gate closed */
};

bool lodge_pit_output(const struct lodge_pit_counter *c);
void lodge_pit_set_gate(struct lodge_pit_counter *c, bool gate);
/* @count as the guest wrote it: BCD if the counter is, 0 for the highest. */
void lodge_pit_load(struct lodge_pit_counter *c, u32 count);
/* A control word; true if it programs the counter, which then waits for a count. */
bool lodge_pit_control(struct lodge_pit_counter *c, u8 command);
void lodge_pit_read_back(struct lodge_pit_counter *c, u8 command);
/* A byte of the count; true if it completed it. */
bool lodge_pit_write(struct lodge_pit_counter *c, u8 value);
u8 lodge_pit_read(struct lodge_pit_counter *c);

#endif
