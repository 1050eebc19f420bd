// SPDX-License-Identifier: GPL-2.0
/*
 * One counter of an 8254: what it reads, what its output is, and how it is
 * programmed byte by byte (Intel 8254 data sheet).
 *
 * Nothing counts in here.  A counter is known by when its count was loaded, and
 * what it shows follows from the time that has passed.  Mode 0xff is KVM's for
 * one that was never programmed.
 */
#include <linux/bcd.h>
#include <linux/i8253.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#include "pit.h"

/* Gate low suspends these; in the others the gate only triggers. */
static bool gate_suspends(const struct kvm_pit_channel_state *s)
{
	return s->mode != 1 && s->mode != 5;
}

static u64 elapsed_ticks(const struct lodge_pit_counter *c)
{
	s64 ns = !c->s.gate && gate_suspends(&c->s) ?
		 c->held : ktime_get_ns() - c->s.count_load_time;

	return ns <= 0 ? 0 : mul_u64_u32_div(ns, PIT_TICK_RATE, NSEC_PER_SEC);
}

static u16 to_bcd(u32 value)
{
	value %= 10000;
	return bin2bcd(value / 100) << 8 | bin2bcd(value % 100);
}

static u16 current_count(const struct lodge_pit_counter *c)
{
	u64 ticks = elapsed_ticks(c);
	u32 count = c->s.count, left;

	switch (c->s.mode) {
	case 0:
	case 1:
	case 4:
	case 5:
		/* Past the terminal count it goes on, from the highest value. */
		left = c->s.bcd ? count + 10000 - ticks % 10000 : count - ticks;
		break;
	case 3:
		left = count - 2 * ticks % count;
		break;
	default:
		left = count - ticks % count;
		break;
	}
	return c->s.bcd ? to_bcd(left) : left;
}

bool lodge_pit_output(const struct lodge_pit_counter *c)
{
	u64 ticks = elapsed_ticks(c);
	u32 count = c->s.count;

	switch (c->s.mode) {
	case 0:
		return ticks >= count;
	case 1:
		return ticks >= count;
	case 3:
		/* Closed gate: high.  Odd counts are high for one tick longer. */
		return !c->s.gate || ticks % count < (count + 1) / 2;
	case 4:
	case 5:
		return ticks != count;
	default:
		/* Low for the last tick of each round. */
		return !c->s.gate || ticks % count != count - 1;
	}
}

void lodge_pit_set_gate(struct lodge_pit_counter *c, bool gate)
{
	s64 now = ktime_get_ns();

	if (gate == c->s.gate)
		return;
	if (!gate)
		c->held = now - c->s.count_load_time;
	else if (c->s.mode == 0 || c->s.mode == 4)
		c->s.count_load_time = now - c->held;
	else
		c->s.count_load_time = now;
	c->s.gate = gate;
}

void lodge_pit_load(struct lodge_pit_counter *c, u32 count)
{
	if (c->s.bcd && count <= 0xffff)
		count = bcd2bin(count >> 8) * 100 + bcd2bin(count & 0xff);
	if (!count || count > 0x10000)
		count = c->s.bcd ? 10000 : 0x10000;
	c->s.count = count;
	c->s.count_load_time = ktime_get_ns();
	c->held = 0;
}

static void latch_count(struct lodge_pit_counter *c)
{
	if (c->s.count_latched)
		return;
	c->s.latched_count = current_count(c);
	c->s.count_latched = c->s.rw_mode;
}

static void latch_status(struct lodge_pit_counter *c)
{
	if (c->s.status_latched)
		return;
	c->s.status = lodge_pit_output(c) << 7 | (c->s.rw_mode & 3) << 4 |
		      (c->s.mode & 7) << 1 | (c->s.bcd ? 1 : 0);
	c->s.status_latched = 1;
}

void lodge_pit_read_back(struct lodge_pit_counter *c, u8 command)
{
	if (!(command & BIT(5)))
		latch_count(c);
	if (!(command & BIT(4)))
		latch_status(c);
}

bool lodge_pit_control(struct lodge_pit_counter *c, u8 command)
{
	u8 access = (command >> 4) & 3;

	if (!access) {
		latch_count(c);
		return false;
	}
	c->s.rw_mode = access;
	c->s.read_state = access;
	c->s.write_state = access;
	c->s.mode = (command >> 1) & 7;
	if (c->s.mode > 5)
		c->s.mode -= 4;	/* bit 2 of modes 2 and 3 does not matter */
	c->s.bcd = command & 1;
	c->s.count_latched = 0;
	c->s.status_latched = 0;
	return true;
}

bool lodge_pit_write(struct lodge_pit_counter *c, u8 value)
{
	switch (c->s.write_state) {
	case PIT_ACCESS_MSB:
		lodge_pit_load(c, value << 8);
		return true;
	case PIT_ACCESS_WORD:
		c->s.write_latch = value;
		c->s.write_state = PIT_ACCESS_WORD_MSB;
		return false;
	case PIT_ACCESS_WORD_MSB:
		c->s.write_state = PIT_ACCESS_WORD;
		lodge_pit_load(c, c->s.write_latch | value << 8);
		return true;
	default:
		lodge_pit_load(c, value);
		return true;
	}
}

/* The byte of @count that is next in @state. */
static u8 next_byte(u8 *state, u16 count)
{
	switch (*state) {
	case PIT_ACCESS_MSB:
		return count >> 8;
	case PIT_ACCESS_WORD:
		*state = PIT_ACCESS_WORD_MSB;
		return count;
	case PIT_ACCESS_WORD_MSB:
		*state = PIT_ACCESS_WORD;
		return count >> 8;
	default:
		return count;
	}
}

u8 lodge_pit_read(struct lodge_pit_counter *c)
{
	u8 value;

	if (c->s.status_latched) {
		c->s.status_latched = 0;
		return c->s.status;
	}
	if (!c->s.count_latched)
		return next_byte(&c->s.read_state, current_count(c));
	value = next_byte(&c->s.count_latched, c->s.latched_count);
	/* Two bytes are read from a latched word, one otherwise. */
	if (c->s.count_latched != PIT_ACCESS_WORD_MSB)
		c->s.count_latched = 0;
	return value;
}
