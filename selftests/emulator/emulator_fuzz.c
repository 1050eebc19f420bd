// SPDX-License-Identifier: GPL-2.0
/*
 * A target of libFuzzer: decoder and emulator with whatever registers, segments, modes,
 * tables and memory a guest could have.  The sanitizers look for what must not happen; so
 * does this: no answer but those of the contract, and no end of a string's elements.
 *
 *	emulator_fuzz [CORPUS] [-max_total_time=SECONDS]
 */
#include "machine.h"
#include "emulate.h"

#define PAGES	4
#define AT	0x1000ul

/* The input's first part, in order; the rest is memory. */
struct setup {
	u8 mode, cpl, range_flags, flags;
	u8 code[16];
	u64 regs[16];
	u64 cr0, cr4, efer;
	u32 rflags;
	struct {
		u16 selector;
		u16 attributes;
		u32 base, limit;
	} seg[8];
	u32 gdt, idt;
	u16 gdt_limit, idt_limit;
} __attribute__((packed));

static struct machine machine;
static u8 memory[PAGES * 4096] __attribute__((aligned(4096)));

static void fill_memory(const u8 *data, size_t n)
{
	size_t at;

	memset(memory, 0, sizeof(memory));
	for (at = 0; n && at < sizeof(memory); at += n)
		memcpy(memory + at, data, min_t(size_t, n, sizeof(memory) - at));
}

static void set_segments(const struct setup *s)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		u16 a = s->seg[i].attributes;

		machine.seg[i] = (struct kvm_segment) {
			.selector = s->seg[i].selector, .base = s->seg[i].base,
			.limit = s->seg[i].limit, .type = a & 15, .s = a >> 4 & 1,
			.dpl = a >> 5 & 3, .present = a >> 7 & 1, .avl = a >> 8 & 1,
			.l = a >> 9 & 1, .db = a >> 10 & 1, .g = a >> 11 & 1,
			.unusable = a >> 12 & 1,
		};
	}
}

/* Near memory as often as not. */
static void set_registers(const struct setup *s)
{
	struct lodge_vcpu_arch *a = &machine.vcpu.arch;
	unsigned int i;

	for (i = 0; i < 16; i++)
		a->regs[i] = s->regs[i] & 1 ? s->regs[i] : AT + s->regs[i] % (PAGES * 4096);
	a->regs[LODGE_RFLAGS] = (s->rflags & 0x3f7fd5) | X86_EFLAGS_FIXED;
}

static void set_up(const struct setup *s)
{
	struct lodge_vcpu_arch *a = &machine.vcpu.arch;
	struct machine_range *r;
	unsigned int i;

	machine_reset(&machine);
	if (s->mode & 3)
		machine_flat(&machine, 1 << (s->mode & 3), s->cpl & 3);
	if (s->mode & 4)
		set_segments(s);
	if (s->mode & 8) {
		a->cr0 = (s->cr0 & ~(u64)X86_CR0_PE) | ((s->mode & 3) ? X86_CR0_PE : 0);
		a->cr4 = s->cr4;
		a->efer = s->efer;
	}
	set_registers(s);
	machine.gdt = (struct kvm_dtable) { .base = s->gdt, .limit = s->gdt_limit };
	machine.idt = (struct kvm_dtable) { .base = s->idt, .limit = s->idt_limit };
	if (s->flags & 1)
		machine.gdt.base = machine.idt.base = AT;
	for (i = 0; i < PAGES; i++) {
		r = machine_map(&machine, AT + i * 4096, 4096, memory + i * 4096);
		r->executable = true;
		r->mmio = s->range_flags >> i & 1;
		r->writable = !(s->range_flags >> (4 + i) & 1);
	}
	/* Code where CS:RIP says, in memory or at its end. */
	r = machine_map(&machine, 0x10000, 4096, memory);
	r->executable = true;
	a->regs[LODGE_RIP] = 0x10000 + (s->flags & 2 ? 0xff8 : 0x100) -
			     machine.seg[LODGE_SEG_CS].base;
	memcpy(memory + (s->flags & 2 ? 0xff8 : 0x100), s->code, s->flags & 2 ? 8 : 16);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	int (*complete)(struct lodge_vcpu *vcpu);
	struct setup s = { };
	unsigned int steps;

	if (!machine.vcpu.vm)
		machine_init(&machine);
	memcpy(&s, data, min(size, sizeof(s)));
	fill_memory(data + min(size, sizeof(s)), size - min(size, sizeof(s)));
	set_up(&s);
	/* As at the exit that a task switch is. */
	if ((s.flags & 4) && (machine.vcpu.arch.cr0 & X86_CR0_PE))
		lodge_task_switch(&machine.vcpu, machine.seg[LODGE_SEG_LDTR].selector,
				  s.flags >> 3 & 3, false, s.flags & 32, s.rflags);
	for (steps = 0; steps < 4; steps++) {
		switch (machine_step(&machine)) {
		case MACHINE_ERROR:
			abort();
		case MACHINE_TO_USER:
			complete = machine.vcpu.complete;
			machine.vcpu.complete = NULL;
			if (complete && complete(&machine.vcpu) < 0)
				abort();
			break;
		default:
			break;
		}
		if (machine.vcpu.arch.exception.pending)
			machine.vcpu.arch.exception.pending = false;
	}
	return 0;
}
