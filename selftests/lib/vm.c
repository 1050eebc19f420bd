// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual machine with its memory, page tables and the test's own image.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

extern const char sipi_start[], sipi_end[], guest_stubs[];

void *vm_hva(struct vm *vm, uint64_t gpa)
{
	if (gpa >= vm->ram_size)
		fatal("guest address %#lx is outside slot 0", gpa);
	return (char *)vm->ram + gpa;
}

void *anon_pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fatal("mmap: %s", strerror(errno));
	return p;
}

/* @align is a power of two; what is cut off either end is given back. */
void *anon_pages_aligned(size_t size, size_t align)
{
	char *p = anon_pages(size + align);
	char *q = (char *)(((uintptr_t)p + align - 1) & ~(align - 1));

	if (q > p)
		munmap(p, q - p);
	munmap(q + size, p + align - q);
	return q;
}

int vm_slot_try(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
		uint64_t size, const void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return sys_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

void vm_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
	     uint64_t size, const void *hva)
{
	int ret = vm_slot_try(vm, slot, flags, gpa, size, hva);

	if (ret)
		fatal("slot %u at %#lx, %#lx bytes: %s", slot, gpa, size,
		      strerror(-ret));
}

/* The first 4 GiB at their own address, in pages of 2 MiB. */
static void identity_map(struct vm *vm)
{
	uint64_t *pml4 = vm_hva(vm, GPA_PML4);
	uint64_t *pdpt = vm_hva(vm, GPA_PML4 + PAGE_SIZE);
	uint64_t *pd = vm_hva(vm, GPA_PML4 + 2 * PAGE_SIZE);
	unsigned int i;

	pml4[0] = (GPA_PML4 + PAGE_SIZE) | 7;
	for (i = 0; i < 4; i++)
		pdpt[i] = (GPA_PML4 + (2 + i) * PAGE_SIZE) | 7;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i * HUGE_SIZE | 0xe7;	/* PS, D, A, U, W, P */
}

/*
 * Gives @gva, which must lie above the identity map, a 4 KiB page of its own.
 * The tables come from one guest page at the end of the scratch area: enough
 * for one PDPT, one directory and one table, that is for 2 MiB of addresses.
 */
void vm_map_4k(struct vm *vm, uint64_t gva, uint64_t gpa, uint64_t flags)
{
	const uint64_t tables = 0x9d000;
	uint64_t *pml4 = vm_hva(vm, GPA_PML4);
	uint64_t *pdpt = vm_hva(vm, tables);
	uint64_t *pd = vm_hva(vm, tables + PAGE_SIZE);
	uint64_t *pt = vm_hva(vm, tables + 2 * PAGE_SIZE);

	if (!(gva >> 39))
		fatal("%#lx belongs to the identity map", gva);
	pml4[gva >> 39 & 511] = tables | 7;
	pdpt[gva >> 30 & 511] = (tables + PAGE_SIZE) | 7;
	pd[gva >> 21 & 511] = (tables + 2 * PAGE_SIZE) | 7;
	pt[gva >> 12 & 511] = gpa | flags;
}

/* 64-bit interrupt gates; #DF has a stack of its own, IST 1. */
static void fill_idt(struct vm *vm)
{
	uint64_t *idt = vm_hva(vm, GPA_IDT);
	unsigned int i;

	for (i = 0; i < 256; i++) {
		uint64_t stub = (uintptr_t)guest_stubs + 16 * i;

		idt[2 * i] = (stub & 0xffff) | (uint64_t)SEL_CODE64 << 16 |
			     (uint64_t)(i == VEC_DF) << 32 | 0x8e00ULL << 32 |
			     (stub >> 16 & 0xffff) << 48;
		idt[2 * i + 1] = stub >> 32;
	}
}

/* The parts of the program that are in memory, at the address they have here. */
void vm_load_image(struct vm *vm)
{
	const Elf64_Phdr *ph = (const void *)getauxval(AT_PHDR);
	unsigned long i, nr = getauxval(AT_PHNUM);

	for (i = 0; i < nr; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (ph[i].p_vaddr < GPA_IMAGE ||
		    ph[i].p_vaddr + ph[i].p_memsz > GPA_FREE)
			fatal("the program does not fit below %#lx", GPA_FREE);
		memcpy(vm_hva(vm, ph[i].p_vaddr), (void *)ph[i].p_vaddr,
		       ph[i].p_memsz);
	}
	identity_map(vm);
	fill_idt(vm);
	memcpy(vm_hva(vm, GPA_SIPI), sipi_start, sipi_end - sipi_start);
}

struct vm *vm_create_bare(void)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int fd = node_open();

	if (!vm)
		fatal("out of memory");
	vm->fd = must_ioctl(fd, KVM_CREATE_VM, 0);
	close(fd);
	vm->cpuid = node_cpuid();
	return vm;
}

struct vm *vm_create(void)
{
	struct vm *vm = vm_create_bare();

	vm->ram_size = RAM_SIZE;
	vm->ram = anon_pages(RAM_SIZE);
	vm_slot(vm, 0, 0, 0, RAM_SIZE, vm->ram);
	must_ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000);
	vm_load_image(vm);
	return vm;
}

struct vm *vm_create_irqchip(void)
{
	struct vm *vm = vm_create();

	must_ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0);
	vm->irqchip = true;
	return vm;
}

void vm_free(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		munmap(vm->vcpus[i].run, vm->vcpus[i].run_size);
		close(vm->vcpus[i].fd);
	}
	close(vm->fd);
	if (vm->ram)
		munmap(vm->ram, vm->ram_size);
	free(vm->cpuid);
	free(vm);
}

void vm_irq_line(struct vm *vm, uint32_t gsi, int level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	must_ioctl(vm->fd, KVM_IRQ_LINE, &irq);
}

int vm_signal_msi(struct vm *vm, uint64_t address, uint32_t data)
{
	struct kvm_msi msi = {
		.address_lo = address,
		.address_hi = address >> 32,
		.data = data,
	};

	return sys_ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

int64_t stat_value(int fd, const char *name)
{
	struct kvm_stats_header header;
	unsigned int i, size;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return -1;
	size = sizeof(struct kvm_stats_desc) + header.name_size;
	for (i = 0; i < header.num_desc; i++) {
		uint8_t raw[sizeof(struct kvm_stats_desc) + 64];
		struct kvm_stats_desc *desc = (void *)raw;
		int64_t value;

		if (pread(fd, raw, size, header.desc_offset + i * size) !=
		    size)
			return -1;
		if (strcmp((char *)raw + sizeof(*desc), name))
			continue;
		if (pread(fd, &value, 8, header.data_offset + desc->offset) !=
		    8)
			return -1;
		return value;
	}
	return -1;
}
