// SPDX-License-Identifier: GPL-2.0
/*
 * The bzImage loader: Documentation/x86/boot.rst, "The Real-Mode Kernel
 * Header" and "64-bit Boot Protocol".
 *
 * The file is the boot sector and setup code, which only BIOSes need, and
 * after it the protected-mode kernel, which is all that is loaded.
 */
#include <asm/bootparam.h>
#include <string.h>

#include "image.h"
#include "layout.h"

#define BOOT_FLAG		0xaa55
#define HEADER_MAGIC		0x53726448	/* "HdrS" */
#define HEADER_OFFSET		0x1f1

/* The end of the header is told by its jump instruction, relative to this. */
#define HEADER_JUMP_END		0x202

/* From 2.12 on the header says whether there is a 64-bit entry point. */
#define MIN_PROTOCOL		0x020c

#define SECTOR			512
#define SETUP_SECTS_DEFAULT	4
#define ENTRY_64		0x200

static int header_read(const struct image *kernel, struct setup_header *hdr)
{
	uint8_t raw[sizeof(*hdr)];
	uint64_t len = HEADER_OFFSET + sizeof(raw);

	if (kernel->size < len)
		return complain("kernel %s: not a kernel: neither a bzImage nor an ELF vmlinux",
				kernel->path);
	if (image_read(kernel, HEADER_OFFSET, raw, sizeof(raw)))
		return -1;
	memcpy(hdr, raw, sizeof(raw));
	if (hdr->boot_flag != BOOT_FLAG || hdr->header != HEADER_MAGIC)
		return complain("kernel %s: not a kernel: neither a bzImage nor an ELF vmlinux",
				kernel->path);
	if (hdr->version < MIN_PROTOCOL || !(hdr->xloadflags & XLF_KERNEL_64))
		return complain("kernel %s: no 64-bit entry (protocol %u.%02u); use a 64-bit one",
				kernel->path, hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return complain("kernel %s: a zImage; use a bzImage", kernel->path);

	/* What lies behind the header's end is code, no field of this version. */
	len = HEADER_JUMP_END + (hdr->jump >> 8) - HEADER_OFFSET;
	if (len < sizeof(*hdr))
		memset((uint8_t *)hdr + len, 0, sizeof(*hdr) - len);
	return 0;
}

/*
 * Where the kernel unpacks itself: a relocatable one where it was loaded, but
 * never below its preferred address; any other at that address alone.
 */
static uint64_t runtime_start(const struct setup_header *hdr, uint64_t load)
{
	uint64_t align = hdr->kernel_alignment;

	if (!hdr->relocatable_kernel || !align || (align & (align - 1)))
		return hdr->pref_address;
	load = align_up(load, align);
	return load > hdr->pref_address ? load : hdr->pref_address;
}

int bzimage_load(const struct boot_request *request, const struct image *kernel,
		 struct boot *boot)
{
	struct guest_memory *mem = request->mem;
	uint64_t load = GPA_HIGH, start, end, offset, size;
	struct setup_header hdr;
	struct initrd initrd;

	if (header_read(kernel, &hdr))
		return -1;

	offset = ((hdr.setup_sects ? hdr.setup_sects : SETUP_SECTS_DEFAULT) + 1) * SECTOR;
	size = (uint64_t)hdr.syssize * 16;
	if (size <= ENTRY_64)
		return complain("kernel %s: its header gives no kernel size", kernel->path);
	if (offset > kernel->size || size > kernel->size - offset)
		return complain("kernel %s: truncated: its header says %llu bytes, there are %llu",
				kernel->path, (unsigned long long)(offset + size),
				(unsigned long long)kernel->size);

	start = runtime_start(&hdr, load);
	end = start + hdr.init_size;
	if (start < GPA_HIGH || end < start || end > GPA_HOLE)
		return complain("kernel %s: its header asks for impossible memory, %#llx to %#llx",
				kernel->path, (unsigned long long)start, (unsigned long long)end);
	if (end < load + size)
		end = load + size;
	if (end > guest_memory_low_end(mem))
		return complain("kernel %s: needs %llu MiB to start, has %llu; give more --memory",
				kernel->path, (unsigned long long)(end + MIB(1) - 1) >> 20,
				(unsigned long long)guest_memory_low_end(mem) >> 20);

	if (image_load(kernel, offset, mem, load, size, "kernel") ||
	    initrd_load(request, end, (uint64_t)hdr.initrd_addr_max + 1, &initrd) ||
	    command_line_load(request, hdr.cmdline_size) ||
	    boot_params_write(request, &hdr, &initrd))
		return -1;

	*boot = (struct boot){
		.entry = BOOT_LONG_MODE,
		.entry_gpa = load + ENTRY_64,
		.info_gpa = GPA_BOOT_PARAMS,
	};
	return 0;
}
