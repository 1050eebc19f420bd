// SPDX-License-Identifier: GPL-2.0
/*
 * What a kernel is told at its entry: memory map, command line, initrd and
 * where the ACPI tables are, in the form of either protocol.
 */
#include <asm/bootparam.h>
#include <string.h>

#include "image.h"
#include "layout.h"

#define E820_USABLE		1
#define E820_RESERVED		2

/* Boot loader of no registered type: boot.rst, "type_of_loader". */
#define LOADER_UNDEFINED	0xff

/*
 * Writes the zero page (Documentation/x86/zero-page.rst).  hdr is the setup
 * header of the kernel's file, NULL for an ELF kernel, which has none.
 */
int boot_params_write(const struct boot_request *request, const struct setup_header *hdr,
		      const struct initrd *initrd)
{
	struct boot_params *params =
		guest_memory_at(request->mem, GPA_BOOT_PARAMS, sizeof(*params));
	struct memory_range ranges[MEMORY_RANGES_MAX];
	unsigned int count = guest_memory_ranges(request->mem, ranges);

	memset(params, 0, sizeof(*params));
	if (hdr)
		params->hdr = *hdr;
	params->hdr.type_of_loader = LOADER_UNDEFINED;
	params->hdr.cmd_line_ptr = GPA_COMMAND_LINE;
	params->hdr.ramdisk_image = initrd->gpa;
	params->hdr.ramdisk_size = initrd->size;
	params->acpi_rsdp_addr = GPA_ACPI;

	for (unsigned int i = 0; i < count; i++)
		params->e820_table[i] = (struct boot_e820_entry){
			.addr = ranges[i].start,
			.size = ranges[i].end - ranges[i].start,
			.type = ranges[i].usable ? E820_USABLE : E820_RESERVED,
		};
	params->e820_entries = count;
	return 0;
}

/*
 * The PVH start information, version 1, as Xen's
 * public/arch-x86/hvm/start_info.h lays it out.
 */
#define PVH_MAGIC		0x336ec578
#define PVH_VERSION		1

struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
	uint64_t memmap_paddr;
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct pvh_module {
	uint64_t paddr;
	uint64_t size;
	uint64_t cmdline_paddr;
	uint64_t reserved;
};

struct pvh_memory {
	uint64_t addr;
	uint64_t size;
	uint32_t type;		/* as E820's */
	uint32_t reserved;
};

struct pvh_page {
	struct pvh_start_info info;
	struct pvh_module initrd;
	struct pvh_memory memory[MEMORY_RANGES_MAX];
};

int pvh_start_info_write(const struct boot_request *request, const struct initrd *initrd)
{
	struct pvh_page *page = guest_memory_at(request->mem, GPA_PVH_START_INFO, sizeof(*page));
	struct memory_range ranges[MEMORY_RANGES_MAX];
	unsigned int count = guest_memory_ranges(request->mem, ranges);

	*page = (struct pvh_page){
		.info = {
			.magic = PVH_MAGIC,
			.version = PVH_VERSION,
			.nr_modules = initrd->size ? 1 : 0,
			.modlist_paddr = GPA_PVH_START_INFO + offsetof(struct pvh_page, initrd),
			.cmdline_paddr = GPA_COMMAND_LINE,
			.rsdp_paddr = GPA_ACPI,
			.memmap_paddr = GPA_PVH_START_INFO + offsetof(struct pvh_page, memory),
			.memmap_entries = count,
		},
		.initrd = { .paddr = initrd->gpa, .size = initrd->size },
	};
	for (unsigned int i = 0; i < count; i++)
		page->memory[i] = (struct pvh_memory){
			.addr = ranges[i].start,
			.size = ranges[i].end - ranges[i].start,
			.type = ranges[i].usable ? E820_USABLE : E820_RESERVED,
		};
	return 0;
}
