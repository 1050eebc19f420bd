/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual machines for tests: create one, give it memory and vCPUs, run it.
 *
 * Everything here is for what a test takes for granted: a call that fails
 * prints why and aborts the test.  What a test is about, it does with ioctl()
 * itself, or with the sys_*() and *_try() forms that return -errno.
 *
 * Guest memory.  A test program is linked statically at a fixed address, and
 * vm_create() copies its image into guest memory at that same address, under
 * an identity map of the first 4 GiB.  A function of the test is therefore
 * guest code as it stands, a static variable is there for the guest too (in a
 * copy of its own, see guest_var()), and a pointer means the same to both.
 * Guest code calls nothing of libc.
 */
#ifndef LODGE_SELFTEST_VM_H
#define LODGE_SELFTEST_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "guest.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#define PAGE_SIZE	4096UL
#define HUGE_SIZE	(2UL << 20)
#define MAX_VCPUS	16

/* The guest-physical layout of RAM_SIZE bytes in slot 0. */
#define RAM_SIZE	(16UL << 20)
#define REAL_CODE	0x1000UL	/* real-mode code of a test goes here */
#define GPA_SIPI	0x8000UL	/* where an AP starts: guest_ap_main() */
#define GPA_SIPI_PAGE	(GPA_SIPI / PAGE_SIZE)
#define GPA_PML4	0x10000UL	/* PML4, PDPT and four page directories */
#define GPA_IDT		0x18000UL
#define GPA_CPU		0x20000UL	/* a page a vCPU: GDT, TSS, #DF stack */
#define GPA_SCRATCH	0x80000UL	/* free for a test, up to 0xa0000 */
#define GPA_STACKS	0x200000UL	/* 64 KiB a vCPU, growing down */
#define GPA_IMAGE	0x400000UL	/* where the program is linked */
#define GPA_FREE	0x800000UL	/* free for a test, up to RAM_SIZE */
#define GPA_MMIO	0xd0000000UL	/* never backed by a slot of the library */
#define STACK_SIZE	0x10000UL

/* The selectors of the GDT that vcpu_long_mode() installs. */
#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_TSS		0x18
#define SEL_CODE32	0x28

struct vm;

struct vcpu {
	struct vm *vm;
	int fd;
	unsigned int id;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	struct ucall end;	/* how the thread of vcpu_start() ended */
};

struct vm {
	int fd;
	void *ram;
	size_t ram_size;
	bool irqchip;
	struct kvm_cpuid2 *cpuid;
	unsigned int nr_vcpus;
	struct vcpu vcpus[MAX_VCPUS];
};

/* lib/node.c: the device node and what it offers. */
const char *node_path(void);
int node_open(void);
int node_cap(int cap);
void require_node(const int *caps, unsigned int nr);
struct kvm_cpuid2 *node_cpuid(void);
struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *cpuid, uint32_t function,
				    uint32_t index);
struct kvm_msr_list *node_msr_list(void);

/* An ioctl whose failure the test is not about: prints and aborts. */
int must_ioctl_(int fd, unsigned long req, void *arg, const char *name);
#define must_ioctl(fd, req, arg) \
	must_ioctl_(fd, req, (void *)(uintptr_t)(arg), #req)

/* The same as a system call would say it: the result, or -errno. */
int sys_ioctl(int fd, unsigned long req, void *arg);
#define try_ioctl(fd, req, arg) \
	sys_ioctl(fd, req, (void *)(uintptr_t)(arg))

void __attribute__((noreturn, format(printf, 1, 2))) fatal(const char *fmt, ...);

/* lib/vm.c */
struct vm *vm_create(void);		/* no interrupt controller */
struct vm *vm_create_irqchip(void);	/* LAPIC, IOAPIC and PIC in the kernel */
struct vm *vm_create_bare(void);	/* not even memory */
void vm_load_image(struct vm *vm);
void vm_free(struct vm *vm);
void *vm_hva(struct vm *vm, uint64_t gpa);
void *anon_pages(size_t size);
void *anon_pages_aligned(size_t size, size_t align);
int vm_slot_try(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
		uint64_t size, const void *hva);
void vm_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
	     uint64_t size, const void *hva);
void vm_map_4k(struct vm *vm, uint64_t gva, uint64_t gpa, uint64_t flags);
void vm_irq_line(struct vm *vm, uint32_t gsi, int level);
int vm_signal_msi(struct vm *vm, uint64_t address, uint32_t data);
/* By its name, in a file of KVM_GET_STATS_FD; -1 if there is none. */
int64_t stat_value(int fd, const char *name);

/* The guest's copy of a static variable of the test. */
#define guest_var(vm, var) \
	(*(volatile __typeof__(var) *)vm_hva(vm, (uintptr_t)&(var)))

/* lib/vcpu.c */
struct vcpu *vcpu_create_bare(struct vm *vm, unsigned int id);
struct vcpu *vcpu_create(struct vm *vm, void (*entry)(void));
struct vcpu *vcpu_create_arg(struct vm *vm, void (*entry)(uint64_t),
			     uint64_t arg);
struct vcpu *vcpu_create_real(struct vm *vm, const void *code, size_t size);
void vcpu_set_cpuid(struct vcpu *vcpu, struct kvm_cpuid2 *cpuid);
void vcpu_long_mode(struct vcpu *vcpu);
void vcpu_entry(struct vcpu *vcpu, void (*entry)(void), uint64_t arg);
void vcpu_real_mode(struct vcpu *vcpu, uint16_t cs, uint16_t ip);
void vcpu_regs(struct vcpu *vcpu, struct kvm_regs *regs);
void vcpu_sregs(struct vcpu *vcpu, struct kvm_sregs *sregs);
uint64_t vcpu_get_msr(struct vcpu *vcpu, uint32_t index);
int vcpu_set_msr_try(struct vcpu *vcpu, uint32_t index, uint64_t value);
void vcpu_set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value);
void vcpu_mp_state(struct vcpu *vcpu, uint32_t state);
uint32_t vcpu_lapic_reg(struct vcpu *vcpu, unsigned int offset);

/* lib/run.c */

/* KVM_RUN once: 0, or -errno.  -EINTR is not retried. */
int vcpu_run_try(struct vcpu *vcpu);
/* KVM_RUN until an exit that is not a signal: returns the exit reason. */
uint32_t vcpu_run(struct vcpu *vcpu);
/*
 * Runs to the next ucall and returns its kind; any other exit aborts the test
 * with a description of it.  A failed guest assertion is printed, and returned
 * as UCALL_ABORT.
 */
enum ucall_kind vcpu_run_ucall(struct vcpu *vcpu, struct ucall *uc);
/* Whether this exit is a ucall; if so it is read into *uc. */
bool vcpu_is_ucall(struct vcpu *vcpu, struct ucall *uc);
/* Runs past any sync points to the end: true if it was UCALL_DONE. */
bool vcpu_finish(struct vcpu *vcpu);
/* The same in threads of their own; vcpu_join() gives the verdict. */
void vcpu_start(struct vcpu *vcpu);
bool vcpu_join(struct vcpu *vcpu);
const char *exit_name(uint32_t reason);
void vcpu_describe_exit(struct vcpu *vcpu);

#endif
