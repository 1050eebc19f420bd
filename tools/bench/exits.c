// SPDX-License-Identifier: GPL-2.0
/*
 * What an exit costs: the time-stamp counter's advance from one guest
 * instruction to the next, through one exit, the mean of many.  On a host that
 * counts instructions (tools/testbed/host --icount) it is an exact number of
 * guest and host instructions; elsewhere it is cycles.
 *
 * Also what a nested page fault costs, making and ending a VM, and how much
 * host memory a VM with one vCPU takes beside the guest's own.
 *
 * Prints a line "NAME NUMBER" for each.  The node is $LODGE_DEV.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apic.h"
#include "vm.h"

#define ROUNDS		200
#define IPI_VECTOR	0x60
#define TIMER_VECTOR	0x61
#define USER_PORT	0x510
#define GPA_EVENTFD	(GPA_MMIO + PAGE_SIZE)

#define GPA_SMALL	(1UL << 30)	/* backed by 4 KiB pages */
#define GPA_LARGE	(2UL << 30)	/* backed by 2 MiB pages */
#define SMALL_PAGES	256
#define LARGE_PAGES	16

static volatile uint32_t ticks;

static GUEST_HANDLER void on_interrupt(struct trap_frame *frame)
{
	ticks++;
	xapic_write(APIC_EOI, 0);
}

static inline void do_nothing(void) { __asm__ volatile("" : : : "memory"); }
static inline void do_cpuid(void) { uint32_t r[4]; guest_cpuid(0, 0, r); }
static inline void do_hypercall(void)
{
	uint64_t nr = 12345;

	__asm__ volatile("vmcall" : "+a"(nr) : "b"(0), "c"(0), "d"(0), "S"(0) : "memory");
}
static inline void do_native_hypercall(void)
{
	uint64_t nr = 12345;

	__asm__ volatile("vmmcall" : "+a"(nr) : "b"(0), "c"(0), "d"(0), "S"(0) : "memory");
}
static inline void do_in_kernel(void) { inb(ELCR1); }
static inline void do_out_kernel(void) { outb(ELCR1, 0); }
static inline void do_in_user(void) { inl(USER_PORT); }
static inline void do_mmio_user(void) { write32(GPA_MMIO, 0); }
static inline void do_mmio_eventfd(void) { write32(GPA_EVENTFD, 0); }
static inline void do_wrmsr(void) { wrmsr(MSR_IA32_TSC_ADJUST, 0); }
static inline void do_eoi(void) { xapic_write(APIC_EOI, 0); }
static inline void do_icr(void) { xapic_write(APIC_ICR, APIC_DEST_SELF | IPI_VECTOR); }
static inline void do_ipi_nop(void)
{
	do_icr();
	__asm__ volatile("sti; nop; cli" : : : "memory");
}
static inline void do_ipi_hlt(void)
{
	do_icr();
	sti_hlt_cli();
}
static inline void do_timer(void)
{
	uint32_t before = ticks;

	wrmsr(MSR_IA32_TSC_DEADLINE, rdtsc());
	__asm__ volatile("sti; nop" : : : "memory");
	while (ticks == before)
		cpu_relax();
	cli();
}

/* Inlined, so that the loop is all there is around the instruction. */
#define MEASURE(stage, what) do {					\
	uint64_t start_;						\
	unsigned int i_;						\
	for (i_ = 0; i_ < 8; i_++)					\
		what();							\
	start_ = rdtsc();						\
	for (i_ = 0; i_ < ROUNDS; i_++)					\
		what();							\
	guest_sync_args(stage, (rdtsc() - start_) / ROUNDS, 0, 0);	\
} while (0)

enum {
	NOTHING, CPUID, HYPERCALL, NATIVE_HYPERCALL, IN_KERNEL, OUT_KERNEL, IN_USER, MMIO_USER,
	MMIO_EVENTFD, WRMSR, EOI, ICR, IPI_NOP, IPI_HLT, TIMER, FAULT_4K, FAULT_2M,
	NR_STAGES,
};

static const char *const names[NR_STAGES] = {
	[CPUID] = "cpuid", [HYPERCALL] = "vmcall", [NATIVE_HYPERCALL] = "vmmcall",
	[IN_KERNEL] = "in_kernel", [OUT_KERNEL] = "out_kernel", [IN_USER] = "in_user",
	[MMIO_USER] = "mmio_user", [MMIO_EVENTFD] = "mmio_ioeventfd",
	[WRMSR] = "wrmsr_tsc_adjust", [EOI] = "eoi_write", [ICR] = "icr_write",
	[IPI_NOP] = "self_ipi_sti_nop", [IPI_HLT] = "self_ipi_sti_hlt",
	[TIMER] = "tsc_deadline", [FAULT_4K] = "fault_4k", [FAULT_2M] = "fault_2m",
};

/* Touches every page once; no warming up, which would leave nothing to measure. */
static void touch(unsigned int stage, uint64_t gpa, uint64_t step, unsigned int n)
{
	uint64_t start = rdtsc();
	unsigned int i;

	for (i = 0; i < n; i++)
		write32(gpa + i * step, 1);
	guest_sync_args(stage, (rdtsc() - start) / n, 0, 0);
}

static void guest_main(void)
{
	guest_handlers[IPI_VECTOR] = on_interrupt;
	guest_handlers[TIMER_VECTOR] = on_interrupt;
	xapic_enable();
	xapic_write(APIC_LVTT, APIC_LVT_TIMER_TSCDEADLINE | TIMER_VECTOR);

	MEASURE(NOTHING, do_nothing);
	MEASURE(CPUID, do_cpuid);
	MEASURE(HYPERCALL, do_hypercall);
	MEASURE(NATIVE_HYPERCALL, do_native_hypercall);
	MEASURE(IN_KERNEL, do_in_kernel);
	MEASURE(OUT_KERNEL, do_out_kernel);
	MEASURE(IN_USER, do_in_user);
	MEASURE(MMIO_USER, do_mmio_user);
	MEASURE(MMIO_EVENTFD, do_mmio_eventfd);
	MEASURE(WRMSR, do_wrmsr);
	MEASURE(EOI, do_eoi);
	MEASURE(ICR, do_icr);
	sti_nop_cli();
	MEASURE(IPI_NOP, do_ipi_nop);
	MEASURE(IPI_HLT, do_ipi_hlt);
	MEASURE(TIMER, do_timer);
	touch(FAULT_4K, GPA_SMALL, PAGE_SIZE, SMALL_PAGES);
	touch(FAULT_2M, GPA_LARGE, HUGE_SIZE, LARGE_PAGES);
	guest_done();
}

/* Present in the host, so that only the guest's own mapping is made on demand. */
static void add_memory(struct vm *vm, uint32_t slot, uint64_t gpa, size_t size, int advice)
{
	void *hva = anon_pages_aligned(size, HUGE_SIZE);

	if (madvise(hva, size, advice))
		warn("madvise");
	memset(hva, 1, size);
	vm_slot(vm, slot, 0, gpa, size, hva);
}

static void measure_exits(void)
{
	struct vm *vm = vm_create_irqchip();
	struct kvm_ioeventfd event = { .addr = GPA_EVENTFD, .len = 4, .fd = eventfd(0, 0) };
	struct vcpu *vcpu;
	uint64_t overhead = 0;
	struct ucall uc;

	/* Supported where the interrupt controller is, so not in the node's own list. */
	cpuid_find(vm->cpuid, 1, 0)->ecx |= 1u << 24;	/* TSC deadline */
	vcpu = vcpu_create(vm, guest_main);
	must_ioctl(vm->fd, KVM_IOEVENTFD, &event);
	add_memory(vm, 8, GPA_SMALL, SMALL_PAGES * PAGE_SIZE, MADV_NOHUGEPAGE);
	add_memory(vm, 9, GPA_LARGE, LARGE_PAGES * HUGE_SIZE, MADV_HUGEPAGE);
	for (;;) {
		uint32_t reason = vcpu_run(vcpu);

		if (!vcpu_is_ucall(vcpu, &uc)) {
			if (reason != KVM_EXIT_IO && reason != KVM_EXIT_MMIO) {
				vcpu_describe_exit(vcpu);
				errx(1, "unexpected exit");
			}
			continue;
		}
		if (uc.kind != UCALL_SYNC)
			break;
		if (uc.arg[0] == NOTHING)
			overhead = uc.arg[1];
		else
			printf("%s %lu\n", names[uc.arg[0]], uc.arg[1] - overhead);
		fflush(stdout);
	}
	if (uc.kind != UCALL_DONE)
		errx(1, "the guest failed");
	vm_free(vm);
}

#define NR_VMS	32

struct small_vm {
	int vm, vcpu;
	struct kvm_run *run;
};

static int node, run_size;

static void small_vm_create(struct small_vm *s, void *ram)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = RAM_SIZE, .userspace_addr = (uintptr_t)ram,
	};
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = REAL_CODE, .rflags = 2 };

	s->vm = must_ioctl(node, KVM_CREATE_VM, 0);
	must_ioctl(s->vm, KVM_SET_TSS_ADDR, 0xfffbd000);
	must_ioctl(s->vm, KVM_CREATE_IRQCHIP, 0);
	must_ioctl(s->vm, KVM_SET_USER_MEMORY_REGION, &slot);
	s->vcpu = must_ioctl(s->vm, KVM_CREATE_VCPU, 0);
	s->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, s->vcpu, 0);
	if (s->run == MAP_FAILED)
		err(1, "mmap of kvm_run");
	must_ioctl(s->vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	must_ioctl(s->vcpu, KVM_SET_SREGS, &sregs);
	must_ioctl(s->vcpu, KVM_SET_REGS, &regs);
	must_ioctl(s->vcpu, KVM_RUN, 0);
	if (s->run->exit_reason != KVM_EXIT_IO)
		errx(1, "a small VM did not get to its OUT");
}

static void small_vm_destroy(struct small_vm *s)
{
	munmap(s->run, run_size);
	close(s->vcpu);
	close(s->vm);
}

static long free_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *f;

	/* What waits for a grace period to be freed is not in use. */
	f = fopen("/proc/sys/vm/drop_caches", "w");
	if (f) {
		fputs("3", f);
		fclose(f);
	}
	usleep(300000);
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* All VMs have the same memory behind them: what is counted is the hypervisor's. */
static void measure_vms(void)
{
	static const uint8_t code[] = { 0xe6, 0x80, 0xf4 };	/* out %al, $0x80; hlt */
	struct small_vm vms[NR_VMS];
	void *ram = anon_pages_aligned(RAM_SIZE, HUGE_SIZE);
	uint64_t start;
	long before;
	int i;

	memset(ram, 0, RAM_SIZE);
	memcpy(ram + REAL_CODE, code, sizeof(code));
	node = node_open();
	run_size = must_ioctl(node, KVM_GET_VCPU_MMAP_SIZE, 0);

	small_vm_create(&vms[0], ram);
	small_vm_destroy(&vms[0]);
	start = rdtsc();
	for (i = 0; i < 8; i++) {
		small_vm_create(&vms[0], ram);
		small_vm_destroy(&vms[0]);
	}
	printf("vm_create_destroy %lu\n", (rdtsc() - start) / 8);

	before = free_kib();
	for (i = 0; i < NR_VMS; i++)
		small_vm_create(&vms[i], ram);
	printf("vm_memory_kib %ld\n", (before - free_kib()) / NR_VMS);
	for (i = 0; i < NR_VMS; i++)
		small_vm_destroy(&vms[i]);
}

int main(void)
{
	measure_exits();
	measure_vms();
	return 0;
}
