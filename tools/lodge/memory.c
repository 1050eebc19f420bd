// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory.  Nothing of it is committed before the guest touches it, and
 * it is aligned so that every 2 MiB of the guest can be one huge page of the
 * host.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "layout.h"
#include "memory.h"

#define HUGE_PAGE	MIB(2)

int guest_memory_create(struct guest_memory *mem, uint64_t size)
{
	uint64_t low = size < GPA_HOLE ? size : GPA_HOLE;
	uint8_t *base;

	*mem = (struct guest_memory){ 0 };
	if (size < MIB(2))
		return complain("%llu KiB is too little for any kernel; give more --memory",
				(unsigned long long)size >> 10);

	/* One more huge page than asked for leaves room to align. */
	mem->map_size = size + HUGE_PAGE;
	mem->map = mmap(NULL, mem->map_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem->map == MAP_FAILED) {
		mem->map = NULL;
		return complain("no %llu MiB to be had for the guest: %m; give less --memory",
				(unsigned long long)size >> 20);
	}
	base = (uint8_t *)align_up((uintptr_t)mem->map, HUGE_PAGE);

	/* Both are wishes: the host may lack either, and the guest runs. */
	madvise(base, size, MADV_HUGEPAGE);
	madvise(base, size, MADV_DONTDUMP);

	mem->regions[0] = (struct memory_region){ .gpa = 0, .size = low, .host = base };
	mem->count = 1;
	if (size > low)
		mem->regions[mem->count++] = (struct memory_region){
			.gpa = GPA_HOLE_END, .size = size - low, .host = base + low,
		};
	return 0;
}

void guest_memory_destroy(struct guest_memory *mem)
{
	if (mem->map)
		munmap(mem->map, mem->map_size);
	mem->map = NULL;
}

void *guest_memory_at(const struct guest_memory *mem, uint64_t gpa, uint64_t len)
{
	for (unsigned int i = 0; i < mem->count; i++) {
		const struct memory_region *region = &mem->regions[i];
		uint64_t offset = gpa - region->gpa;

		if (gpa >= region->gpa && offset <= region->size && len <= region->size - offset)
			return region->host + offset;
	}
	return NULL;
}

unsigned int guest_memory_ranges(const struct guest_memory *mem, struct memory_range *ranges)
{
	unsigned int n = 0;

	ranges[n++] = (struct memory_range){ 0, GPA_LOW_END, true };
	ranges[n++] = (struct memory_range){ GPA_LOW_END, GPA_HIGH, false };
	ranges[n++] = (struct memory_range){ GPA_HIGH, guest_memory_low_end(mem), true };
	ranges[n++] = (struct memory_range){ GPA_RESERVED, GPA_HOLE_END, false };
	if (mem->count > 1)
		ranges[n++] = (struct memory_range){
			GPA_HOLE_END, GPA_HOLE_END + mem->regions[1].size, true,
		};
	return n;
}
