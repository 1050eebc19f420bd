// SPDX-License-Identifier: GPL-2.0
/*
 * IN and OUT.  The CPU has checked the port against IOPL and the TSS before it
 * exits.  A device of the module answers at once; otherwise user space does,
 * through the page behind kvm_run.
 */
#include "backend.h"
#include "emu.h"
#include "emulate.h"
#include "exit.h"
#include "io_bus.h"
#include "regs_inline.h"
#include "trace.h"

#define QUIRK_PORT	0x7e	/* KVM_X86_QUIRK_OUT_7E_INC_RIP */

/* 32 bits clear the upper half of RAX, 8 and 16 leave the rest. */
static void set_rax(struct lodge_vcpu *vcpu, u8 size, u32 value)
{
	unsigned long keep = size == 4 ? 0 : ~0ul << (size * 8);

	lodge_set_reg(vcpu, LODGE_RAX, (lodge_reg(vcpu, LODGE_RAX) & keep) | value);
}

void lodge_fill_io_exit(struct lodge_vcpu *vcpu, bool in, u16 port, u8 size, u32 count)
{
	struct kvm_run *run = vcpu->run;

	vcpu->arch.pio = (struct lodge_pio) {
		.port = port, .size = size, .in = in, .count = count,
	};
	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
	vcpu->stats.io_exits++;
}

/*
 * User space is back.  The value is read once, by the size that we remember.
 * If RIP has moved meanwhile (a reset, or a restored state), the instruction is
 * no more.
 */
static int complete_io(struct lodge_vcpu *vcpu)
{
	const struct lodge_pio *pio = &vcpu->arch.pio;
	const struct lodge_emu *e = vcpu->arch.emu;
	u32 value = 0;

	if (lodge_rip(vcpu) != e->io_rip)
		return LODGE_RESUME;
	if (pio->in) {
		memcpy(&value, vcpu->pio_data, pio->size);
		trace_kvm_pio(LODGE_PIO_IN, pio->port, pio->size, 1, value);
		set_rax(vcpu, pio->size, value);
	}
	return lodge_advance_rip(vcpu, e->io_next_rip);
}

static int io_to_user(struct lodge_vcpu *vcpu, bool in, u16 port, u8 size, u32 value,
		      unsigned long next_rip)
{
	struct lodge_emu *e = vcpu->arch.emu;

	/* To this port the instruction is over before user space sees it. */
	if (unlikely(!in && port == QUIRK_PORT &&
		     !(vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_OUT_7E_INC_RIP))) {
		lodge_advance_rip(vcpu, next_rip);
	} else {
		e->io_rip = lodge_rip(vcpu);
		e->io_next_rip = next_rip;
		vcpu->complete = complete_io;
	}
	if (!in)
		memcpy(vcpu->pio_data, &value, size);
	lodge_fill_io_exit(vcpu, in, port, size, 1);
	return LODGE_TO_USER;
}

int lodge_exit_in(struct lodge_vcpu *vcpu, u16 port, u8 size, unsigned long next_rip)
{
	u32 value = 0;

	if (lodge_io_read(vcpu, LODGE_PIO_BUS, port, size, &value))
		return io_to_user(vcpu, true, port, size, 0, next_rip);
	trace_kvm_pio(LODGE_PIO_IN, port, size, 1, value);
	set_rax(vcpu, size, value);
	return lodge_advance_rip(vcpu, next_rip);
}

int lodge_exit_out(struct lodge_vcpu *vcpu, u16 port, u8 size, unsigned long next_rip)
{
	u32 value = lodge_reg(vcpu, LODGE_RAX) & (~0u >> (32 - 8 * size));

	trace_kvm_pio(LODGE_PIO_OUT, port, size, 1, value);
	if (lodge_io_write(vcpu, LODGE_PIO_BUS, port, size, &value))
		return io_to_user(vcpu, false, port, size, value, next_rip);
	return lodge_advance_rip(vcpu, next_rip);
}

int lodge_exit_string_io(struct lodge_vcpu *vcpu)
{
	return lodge_emulate(vcpu, 0, 0, NULL, 0);
}
