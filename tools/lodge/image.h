/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files that make a guest, and the loaders that put them into its memory.
 *
 * The files are not trusted: every offset and size in them is checked against
 * the file and against guest memory before it is used.
 */
#ifndef LODGE_IMAGE_H
#define LODGE_IMAGE_H

#include "memory.h"

struct image {
	const char *path;
	int fd;
	uint64_t size;
};

/* How the kernel that was loaded wants its first CPU. */
enum boot_entry {
	BOOT_LONG_MODE,		/* 64-bit boot protocol: RSI = boot_params */
	BOOT_PVH,		/* 32-bit protected mode: EBX = hvm_start_info */
};

struct boot {
	enum boot_entry entry;
	uint64_t entry_gpa;
	uint64_t info_gpa;	/* of boot_params or of hvm_start_info */
};

/* What the loaders are given. */
struct boot_request {
	struct guest_memory *mem;
	const char *kernel;
	const char *initrd;	/* or NULL */
	const char *append;
};

/* Where the initrd went; size 0 if there is none. */
struct initrd {
	uint64_t gpa;
	uint64_t size;
};

int image_open(struct image *image, const char *path, const char *what);
void image_close(struct image *image);

/* [offset, offset + len) of the file; fails where the file is shorter. */
int image_read(const struct image *image, uint64_t offset, void *buf, uint64_t len);

/* The same into guest memory; what names the part in messages. */
int image_load(const struct image *image, uint64_t offset, struct guest_memory *mem,
	       uint64_t gpa, uint64_t len, const char *what);

/*
 * Loads the initrd as high as it fits below limit (exclusive), and above floor,
 * the end of what the kernel needs.
 */
int initrd_load(const struct boot_request *request, uint64_t floor, uint64_t limit,
		struct initrd *initrd);

/* Copies the command line to its place; max is the kernel's own limit. */
int command_line_load(const struct boot_request *request, uint64_t max);

/* Chooses the loader by what the kernel file is. */
int kernel_load(const struct boot_request *request, struct boot *boot);
int bzimage_load(const struct boot_request *request, const struct image *kernel,
		 struct boot *boot);
int elf_load(const struct boot_request *request, const struct image *kernel,
	     struct boot *boot);

/* boot_params.c: see there. */
struct setup_header;
int boot_params_write(const struct boot_request *request, const struct setup_header *hdr,
		      const struct initrd *initrd);
int pvh_start_info_write(const struct boot_request *request, const struct initrd *initrd);

#endif
