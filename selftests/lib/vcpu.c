// SPDX-License-Identifier: GPL-2.0
/*
 * vCPUs and the state that tests start from.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

struct vcpu *vcpu_create_bare(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = &vm->vcpus[vm->nr_vcpus];
	int fd = node_open();

	if (vm->nr_vcpus == MAX_VCPUS)
		fatal("more than %u vCPUs", MAX_VCPUS);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = must_ioctl(vm->fd, KVM_CREATE_VCPU, id);
	vcpu->run_size = must_ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	close(fd);
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		fatal("mmap of a vCPU: %s", strerror(errno));
	vm->nr_vcpus++;
	return vcpu;
}

/*
 * What the node supports, with this vCPU's own APIC ID where CPUID tells it
 * (APM vol. 3, CPUID Fn0000_0001_EBX and Fn0000_000B).
 */
void vcpu_set_cpuid(struct vcpu *vcpu, struct kvm_cpuid2 *cpuid)
{
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 1)
			e->ebx = (e->ebx & 0x00ffffff) | vcpu->id << 24;
		else if (e->function == 0xb || e->function == 0x1f)
			e->edx = vcpu->id;
	}
	must_ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid);
}

static void code_segment(struct kvm_segment *seg)
{
	memset(seg, 0, sizeof(*seg));
	seg->limit = 0xffffffff;
	seg->selector = SEL_CODE64;
	seg->type = 11;
	seg->present = 1;
	seg->s = 1;
	seg->l = 1;
	seg->g = 1;
}

static void data_segment(struct kvm_segment *seg)
{
	memset(seg, 0, sizeof(*seg));
	seg->limit = 0xffffffff;
	seg->selector = SEL_DATA;
	seg->type = 3;
	seg->present = 1;
	seg->s = 1;
	seg->db = 1;
	seg->g = 1;
}

/* A page a vCPU: the GDT at its start, the TSS at 0x100, the #DF stack above. */
static void fill_cpu_page(struct vcpu *vcpu, uint64_t gpa)
{
	uint64_t *gdt = vm_hva(vcpu->vm, gpa);
	uint64_t tss = gpa + 0x100;
	uint64_t ist1 = gpa + PAGE_SIZE;

	gdt[SEL_CODE64 / 8] = 0x00af9b000000ffffULL;
	gdt[SEL_DATA / 8] = 0x00cf93000000ffffULL;
	gdt[SEL_CODE32 / 8] = 0x00cf9b000000ffffULL;
	gdt[SEL_TSS / 8] = 0x67 | (tss & 0xffffff) << 16 | 0x8bULL << 40 |
			   (tss >> 24 & 0xff) << 56;
	gdt[SEL_TSS / 8 + 1] = tss >> 32;
	memcpy(vm_hva(vcpu->vm, tss + 36), &ist1, sizeof(ist1));
}

void vcpu_long_mode(struct vcpu *vcpu)
{
	uint64_t page = GPA_CPU + vcpu->id * PAGE_SIZE;
	struct kvm_sregs sregs;

	fill_cpu_page(vcpu, page);
	vcpu_sregs(vcpu, &sregs);
	code_segment(&sregs.cs);
	data_segment(&sregs.ds);
	sregs.es = sregs.ds;
	sregs.fs = sregs.ds;
	sregs.gs = sregs.ds;
	sregs.ss = sregs.ds;
	memset(&sregs.tr, 0, sizeof(sregs.tr));
	sregs.tr.base = page + 0x100;
	sregs.tr.limit = 0x67;
	sregs.tr.selector = SEL_TSS;
	sregs.tr.type = 11;
	sregs.tr.present = 1;
	memset(&sregs.ldt, 0, sizeof(sregs.ldt));
	sregs.ldt.unusable = 1;
	sregs.gdt.base = page;
	sregs.gdt.limit = SEL_CODE32 + 7;
	sregs.idt.base = GPA_IDT;
	sregs.idt.limit = 0xfff;
	sregs.cr0 = 0x80010033;		/* PG, WP, NE, ET, MP, PE */
	sregs.cr3 = GPA_PML4;
	sregs.cr4 = 0x620;		/* OSXMMEXCPT, OSFXSR, PAE */
	sregs.efer = 0xd01;		/* NXE, LMA, LME, SCE */
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
}

void vcpu_entry(struct vcpu *vcpu, void (*entry)(void), uint64_t arg)
{
	struct kvm_regs regs = {
		.rip = (uintptr_t)entry,
		.rflags = 2,
		.rdi = arg,
		/* As a CALL would leave it: the ABI wants 16n + 8 at entry. */
		.rsp = GPA_STACKS + (vcpu->id + 1) * STACK_SIZE - 8,
	};

	must_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
}

void vcpu_mp_state(struct vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state mp = { .mp_state = state };

	must_ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp);
}

struct vcpu *vcpu_create_arg(struct vm *vm, void (*entry)(uint64_t),
			     uint64_t arg)
{
	struct vcpu *vcpu = vcpu_create_bare(vm, vm->nr_vcpus);

	vcpu_set_cpuid(vcpu, vm->cpuid);
	vcpu_long_mode(vcpu);
	vcpu_entry(vcpu, (void (*)(void))(uintptr_t)entry, arg);
	if (vm->irqchip)
		vcpu_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
	return vcpu;
}

struct vcpu *vcpu_create(struct vm *vm, void (*entry)(void))
{
	return vcpu_create_arg(vm, (void (*)(uint64_t))(uintptr_t)entry, 0);
}

void vcpu_real_mode(struct vcpu *vcpu, uint16_t cs, uint16_t ip)
{
	struct kvm_regs regs = { .rip = ip, .rflags = 2, .rsp = 0x1000 };
	struct kvm_sregs sregs;

	vcpu_sregs(vcpu, &sregs);
	sregs.cs.selector = cs;
	sregs.cs.base = cs << 4;
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	must_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
}

/* @code is copied to REAL_CODE and entered there, at CS 0. */
struct vcpu *vcpu_create_real(struct vm *vm, const void *code, size_t size)
{
	struct vcpu *vcpu = vcpu_create_bare(vm, vm->nr_vcpus);

	memcpy(vm_hva(vm, REAL_CODE), code, size);
	vcpu_set_cpuid(vcpu, vm->cpuid);
	vcpu_real_mode(vcpu, 0, REAL_CODE);
	if (vm->irqchip)
		vcpu_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
	return vcpu;
}

void vcpu_regs(struct vcpu *vcpu, struct kvm_regs *regs)
{
	must_ioctl(vcpu->fd, KVM_GET_REGS, regs);
}

void vcpu_sregs(struct vcpu *vcpu, struct kvm_sregs *sregs)
{
	must_ioctl(vcpu->fd, KVM_GET_SREGS, sregs);
}

union one_msr {
	struct kvm_msrs head;
	struct {
		uint64_t pad;
		struct kvm_msr_entry entry;
	};
};

uint64_t vcpu_get_msr(struct vcpu *vcpu, uint32_t index)
{
	union one_msr msr = { .head.nmsrs = 1 };

	msr.entry.index = index;
	if (must_ioctl(vcpu->fd, KVM_GET_MSRS, &msr) != 1)
		fatal("MSR %#x does not read", index);
	return msr.entry.data;
}

/* As KVM_SET_MSRS says it: the number of registers written, or -errno. */
int vcpu_set_msr_try(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	union one_msr msr = { .head.nmsrs = 1 };

	msr.entry.index = index;
	msr.entry.data = value;
	return sys_ioctl(vcpu->fd, KVM_SET_MSRS, &msr);
}

void vcpu_set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	if (vcpu_set_msr_try(vcpu, index, value) != 1)
		fatal("MSR %#x does not take %#lx", index, value);
}

uint32_t vcpu_lapic_reg(struct vcpu *vcpu, unsigned int offset)
{
	struct kvm_lapic_state lapic;
	uint32_t v;

	must_ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic);
	memcpy(&v, lapic.regs + offset, sizeof(v));
	return v;
}
