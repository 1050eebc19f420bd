// SPDX-License-Identifier: GPL-2.0
/*
 * The ELF loader: an uncompressed vmlinux.  A kernel with the Xen note for it
 * is entered by the PVH protocol ("x86/HVM direct boot ABI" of Xen's
 * documentation), any other at its ELF entry point in long mode, as the 64-bit
 * boot protocol has it.
 */
#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "image.h"
#include "layout.h"

/* Xen's public/elfnote.h: the physical address of the 32-bit entry point. */
#define XEN_ELFNOTE_PHYS32_ENTRY	18

/* The command line of an ELF kernel has no limit in the file: Linux's own. */
#define ELF_COMMAND_LINE_MAX		2047

/* Finds the PVH entry in one segment of notes; leaves *entry if it has none. */
static void note_segment_search(Elf *elf, const GElf_Phdr *phdr, uint64_t *entry)
{
	size_t offset = 0, next, name, desc;
	Elf_Data *data;
	GElf_Nhdr note;
	uint64_t value;

	data = elf_getdata_rawchunk(elf, phdr->p_offset, phdr->p_filesz,
				    phdr->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	if (!data)
		return;

	/* gelf_getnote() vouches for name and descriptor being inside data. */
	for (; (next = gelf_getnote(data, offset, &note, &name, &desc)); offset = next) {
		if (note.n_type != XEN_ELFNOTE_PHYS32_ENTRY || note.n_namesz != sizeof("Xen") ||
		    memcmp((char *)data->d_buf + name, "Xen", sizeof("Xen")))
			continue;
		if (note.n_descsz != 4 && note.n_descsz != 8)
			continue;
		value = 0;
		memcpy(&value, (char *)data->d_buf + desc, note.n_descsz);
		*entry = value;
	}
}

static int segment_load(const struct boot_request *request, const struct image *kernel,
			const GElf_Phdr *phdr, uint64_t *end)
{
	if (phdr->p_filesz > phdr->p_memsz)
		return complain("kernel %s: a segment is larger in the file than in memory",
				kernel->path);
	if (phdr->p_paddr + phdr->p_memsz < phdr->p_paddr ||
	    !guest_memory_at(request->mem, phdr->p_paddr, phdr->p_memsz) ||
	    phdr->p_paddr + phdr->p_memsz > guest_memory_low_end(request->mem))
		return complain("kernel %s: %llu KiB at %#llx do not fit; give more --memory",
				kernel->path, (unsigned long long)(phdr->p_memsz + 1023) >> 10,
				(unsigned long long)phdr->p_paddr);

	/* Memory is fresh: what p_memsz has beyond the file is zero already. */
	if (image_load(kernel, phdr->p_offset, request->mem, phdr->p_paddr, phdr->p_filesz,
		       "segment"))
		return -1;
	if (phdr->p_paddr + phdr->p_memsz > *end)
		*end = phdr->p_paddr + phdr->p_memsz;
	return 0;
}

/* Loads the segments; *end is the end of the highest, *pvh the PVH entry or 0. */
static int segments_load(const struct boot_request *request, const struct image *kernel,
			 Elf *elf, uint64_t *end, uint64_t *pvh)
{
	GElf_Phdr phdr;
	size_t count;

	if (elf_getphdrnum(elf, &count))
		return complain("kernel %s: %s", kernel->path, elf_errmsg(-1));
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, i, &phdr))
			return complain("kernel %s: %s", kernel->path, elf_errmsg(-1));
		if (phdr.p_type == PT_NOTE)
			note_segment_search(elf, &phdr, pvh);
		if (phdr.p_type != PT_LOAD || !phdr.p_memsz)
			continue;
		if (segment_load(request, kernel, &phdr, end))
			return -1;
	}
	if (!*end)
		return complain("kernel %s: an ELF file without anything to load", kernel->path);
	return 0;
}

static int header_check(const struct image *kernel, Elf *elf, GElf_Ehdr *ehdr)
{
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, ehdr))
		return complain("kernel %s: not a kernel: a broken ELF file: %s", kernel->path,
				elf_errmsg(-1));
	if (ehdr->e_ident[EI_CLASS] != ELFCLASS64 || ehdr->e_machine != EM_X86_64)
		return complain("kernel %s: an ELF file, but not for x86-64", kernel->path);
	if (ehdr->e_type != ET_EXEC)
		return complain("kernel %s: an ELF file, but no kernel: it has no fixed address",
				kernel->path);
	return 0;
}

static int elf_load_opened(const struct boot_request *request, const struct image *kernel,
			   Elf *elf, struct boot *boot)
{
	uint64_t end = 0, pvh = 0;
	struct initrd initrd;
	GElf_Ehdr ehdr;

	if (header_check(kernel, elf, &ehdr) ||
	    segments_load(request, kernel, elf, &end, &pvh) ||
	    command_line_load(request, ELF_COMMAND_LINE_MAX) ||
	    initrd_load(request, align_up(end, KIB(4)), GPA_HOLE, &initrd))
		return -1;

	*boot = pvh ? (struct boot){ BOOT_PVH, pvh, GPA_PVH_START_INFO }
		    : (struct boot){ BOOT_LONG_MODE, ehdr.e_entry, GPA_BOOT_PARAMS };
	if (boot->entry_gpa < GPA_HIGH || boot->entry_gpa >= end)
		return complain("kernel %s: its entry point %#llx is outside of it", kernel->path,
				(unsigned long long)boot->entry_gpa);
	return pvh ? pvh_start_info_write(request, &initrd)
		   : boot_params_write(request, NULL, &initrd);
}

int elf_load(const struct boot_request *request, const struct image *kernel, struct boot *boot)
{
	Elf *elf;
	int ret;

	elf_version(EV_CURRENT);
	elf = elf_begin(kernel->fd, ELF_C_READ, NULL);
	if (!elf)
		return complain("kernel %s: %s", kernel->path, elf_errmsg(-1));
	ret = elf_load_opened(request, kernel, elf, boot);
	elf_end(elf);
	return ret;
}
