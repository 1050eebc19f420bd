/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest for the emulator alone: one vCPU's registers and a few ranges of memory, by
 * linear address.  It answers what decoder and emulator ask of the rest of the module
 * (machine.c), and notes what they want done.
 *
 * make: machine_reset(), memory by machine_map(), registers as they are to be.
 * step: machine_step(); then look.
 */
#ifndef LODGE_EMULATOR_MACHINE_H
#define LODGE_EMULATOR_MACHINE_H

#include "emu.h"

#define MACHINE_RANGES	12

struct machine_range {
	gva_t at;
	size_t size;
	u8 *bytes;
	bool user, writable, executable;
	bool mmio;		/* of user space: an exit for each access */
};

enum machine_end {
	MACHINE_DONE,		/* executed, or an exception is queued */
	MACHINE_UNKNOWN,	/* it cannot be emulated */
	MACHINE_TO_USER,	/* user space is to do something that is not MMIO */
	MACHINE_ERROR,		/* a negative errno */
};

struct machine {
	struct lodge_vm vm;
	struct lodge_vcpu vcpu;
	struct kvm_run run;
	u8 pio_data[PAGE_SIZE];
	struct kvm_segment seg[LODGE_SEG_TR + 1];
	struct kvm_dtable gdt, idt;
	union emu_vec vec[16];
	u64 mmx[8];

	struct machine_range range[MACHINE_RANGES];
	int nr_ranges;

	u32 shadow;		/* KVM_X86_SHADOW_INT_*, that the instruction left */
	bool nmi_unmasked;
	bool triple_fault;
	bool outside;		/* it went to an address that is in no range */
	unsigned int mmio_exits;
};

void machine_init(struct machine *m);		/* once */
void machine_free(struct machine *m);
/* Real mode, no memory, nothing pending. */
void machine_reset(struct machine *m);
struct machine_range *machine_map(struct machine *m, gva_t at, size_t size, u8 *bytes);
/* Flat segments of @code_bytes (2, 4 or 8) at privilege @cpl, paging on. */
void machine_flat(struct machine *m, unsigned int code_bytes, unsigned int cpl);
/* One instruction, or one element of a repeated string, as far as the emulator takes it. */
enum machine_end machine_step(struct machine *m);

static inline struct machine *machine_of(struct lodge_vcpu *vcpu)
{
	return container_of(vcpu, struct machine, vcpu);
}

#endif
