/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's memory: anonymous memory of this process in at most two pieces,
 * below the hole of layout.h and above it, and what of it the guest may use.
 */
#ifndef LODGE_MEMORY_H
#define LODGE_MEMORY_H

#include "lodge.h"

#define MEMORY_REGIONS	2

struct memory_region {
	uint64_t gpa;
	uint64_t size;
	uint8_t *host;
};

struct guest_memory {
	struct memory_region regions[MEMORY_REGIONS];
	unsigned int count;
	void *map;		/* the reservation that holds the regions */
	size_t map_size;
};

/* The memory map that the guest is told. */
struct memory_range {
	uint64_t start;
	uint64_t end;
	bool usable;		/* else reserved */
};

#define MEMORY_RANGES_MAX	5

int guest_memory_create(struct guest_memory *mem, uint64_t size);
void guest_memory_destroy(struct guest_memory *mem);

/*
 * The host's address of [gpa, gpa + len), or NULL where any of that is not
 * guest memory.
 */
void *guest_memory_at(const struct guest_memory *mem, uint64_t gpa, uint64_t len);

/* The end of memory below the hole; the loaders stay under it. */
static inline uint64_t guest_memory_low_end(const struct guest_memory *mem)
{
	return mem->regions[0].size;
}

/* Fills ranges[MEMORY_RANGES_MAX], returns how many, in ascending order. */
unsigned int guest_memory_ranges(const struct guest_memory *mem, struct memory_range *ranges);

#endif
