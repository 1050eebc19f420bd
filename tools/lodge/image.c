// SPDX-License-Identifier: GPL-2.0
/* Reading kernel and initrd files into guest memory. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"
#include "layout.h"

int image_open(struct image *image, const char *path, const char *what)
{
	struct stat st;

	/* Non-blocking, so that a FIFO is refused below instead of waited for. */
	image->path = path;
	image->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (image->fd < 0)
		return complain("%s %s: %m", what, path);
	if (fstat(image->fd, &st)) {
		complain("%s %s: %m", what, path);
	} else if (!S_ISREG(st.st_mode)) {
		complain("%s %s: not a regular file", what, path);
	} else if (!st.st_size) {
		complain("%s %s: the file is empty", what, path);
	} else {
		image->size = st.st_size;
		return 0;
	}
	image_close(image);
	return -1;
}

void image_close(struct image *image)
{
	close(image->fd);
	image->fd = -1;
}

int image_read(const struct image *image, uint64_t offset, void *buf, uint64_t len)
{
	uint8_t *to = buf;

	if (offset > image->size || len > image->size - offset)
		return complain("%s: truncated: needs %llu bytes at %llu, the file has %llu",
				image->path, (unsigned long long)len, (unsigned long long)offset,
				(unsigned long long)image->size);
	while (len) {
		ssize_t n = pread(image->fd, to, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return complain("%s: %m", image->path);
		if (!n)
			return complain("%s: truncated while it was read", image->path);
		to += n;
		offset += n;
		len -= n;
	}
	return 0;
}

int image_load(const struct image *image, uint64_t offset, struct guest_memory *mem,
	       uint64_t gpa, uint64_t len, const char *what)
{
	void *to = guest_memory_at(mem, gpa, len);

	if (!to || gpa < GPA_HIGH)
		return complain("%s: its %s, %llu KiB at %#llx, does not fit; give more --memory",
				image->path, what, (unsigned long long)(len + 1023) >> 10,
				(unsigned long long)gpa);
	return image_read(image, offset, to, len);
}

int initrd_load(const struct boot_request *request, uint64_t floor, uint64_t limit,
		struct initrd *initrd)
{
	struct image image;
	uint64_t gpa;
	int ret = -1;

	*initrd = (struct initrd){ 0 };
	if (!request->initrd)
		return 0;
	if (image_open(&image, request->initrd, "initrd"))
		return -1;

	if (limit > guest_memory_low_end(request->mem))
		limit = guest_memory_low_end(request->mem);
	gpa = image.size <= limit ? align_down(limit - image.size, KIB(4)) : 0;
	if (gpa < floor) {
		complain("initrd %s: %llu MiB do not fit beside the kernel; give more --memory",
			 request->initrd, (unsigned long long)(image.size + MIB(1) - 1) >> 20);
	} else {
		ret = image_load(&image, 0, request->mem, gpa, image.size, "content");
		initrd->gpa = gpa;
		initrd->size = image.size;
	}
	image_close(&image);
	return ret;
}

int command_line_load(const struct boot_request *request, uint64_t max)
{
	size_t len = strlen(request->append);
	char *to;

	if (max > COMMAND_LINE_MAX - 1)
		max = COMMAND_LINE_MAX - 1;
	if (len > max)
		return complain("--append: %zu characters, the kernel takes %llu at most", len,
				(unsigned long long)max);
	to = guest_memory_at(request->mem, GPA_COMMAND_LINE, len + 1);
	memcpy(to, request->append, len + 1);
	return 0;
}

int kernel_load(const struct boot_request *request, struct boot *boot)
{
	struct image kernel;
	char magic[SELFMAG];
	int ret = -1;

	if (image_open(&kernel, request->kernel, "kernel"))
		return -1;
	if (kernel.size < sizeof(magic))
		complain("kernel %s: not a kernel: neither a bzImage nor an ELF vmlinux",
			 request->kernel);
	else if (!image_read(&kernel, 0, magic, sizeof(magic)))
		ret = memcmp(magic, ELFMAG, SELFMAG) ? bzimage_load(request, &kernel, boot)
						     : elf_load(request, &kernel, boot);
	image_close(&kernel);
	return ret;
}
