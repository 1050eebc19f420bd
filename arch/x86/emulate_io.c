// SPDX-License-Identifier: GPL-2.0
/*
 * What lies beyond RAM: the local APIC, devices on the module's buses, and user
 * space; and the journal through which an instruction that waits for user
 * space is run again.
 */
#include <asm/trapnr.h>

#include "emu.h"
#include "exit.h"
#include "io_bus.h"
#include "irqchip/irqchip.h"
#include "regs_inline.h"
#include "trace.h"

bool emu_journal_replay(struct emu_journal *j, void *data, unsigned int len)
{
	if (likely(j->read_end - j->read_pos < (int)len))
		return false;
	memcpy(data, j->data + j->read_pos, len);
	j->read_pos += len;
	return true;
}

bool emu_journal_note(struct emu_journal *j, const void *data, unsigned int len)
{
	if (unlikely(j->read_end + len > sizeof(j->data)))
		return false;
	memcpy(j->data + j->read_end, data, len);
	j->read_end += len;
	j->read_pos = j->read_end;
	return true;
}

/*
 * Only the bytes that were asked for, by the length that we remember: what
 * kvm_run says now is user space's and may be anything.
 */
void emu_take_answer(struct lodge_emu *e)
{
	struct kvm_run *run = e->vcpu->run;
	u64 value = 0;

	if (!e->read_len)
		return;
	memcpy(&value, e->read_pio ? e->vcpu->pio_data : run->mmio.data, e->read_len);
	if (e->read_pio)
		trace_kvm_pio(LODGE_PIO_IN, e->vcpu->arch.pio.port, e->read_len, 1, value);
	else
		trace_kvm_mmio(LODGE_MMIO_READ, e->read_len, e->mmio_gpa, value);
	e->journal.read_pos = e->journal.read_end;
	emu_journal_note(&e->journal, &value, e->read_len);
}

static int mmio_to_user(struct lodge_emu *e, gpa_t gpa, const void *data, unsigned int len)
{
	struct kvm_run *run = e->vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = gpa;
	run->mmio.len = len;
	run->mmio.is_write = !!data;
	if (data)
		memcpy(run->mmio.data, data, len);
	e->mmio_gpa = gpa;
	e->read_len = data ? 0 : len;
	e->read_pio = false;
	e->vcpu->stats.mmio_exits++;
	return emu_to_user(e);
}

static u64 traced(const void *data, unsigned int len)
{
	u64 value = 0;

	memcpy(&value, data, len);
	return value;
}

int emu_mmio_read(struct lodge_emu *e, gpa_t gpa, void *data, unsigned int len)
{
	struct lodge_vcpu *vcpu = e->vcpu;

	if (!(vcpu->arch.lapic && lodge_lapic_mmio_read(vcpu, gpa, len, data)) &&
	    lodge_io_read(vcpu, LODGE_MMIO_BUS, gpa, len, data)) {
		trace_kvm_mmio(LODGE_MMIO_READ_UNSATISFIED, len, gpa, 0);
		return mmio_to_user(e, gpa, NULL, len);
	}
	if (trace_kvm_mmio_enabled())
		trace_kvm_mmio(LODGE_MMIO_READ, len, gpa, traced(data, len));
	return emu_journal_note(&e->journal, data, len) ? EMU_OK : EMU_UNKNOWN;
}

int emu_mmio_write(struct lodge_emu *e, gpa_t gpa, const void *data, unsigned int len)
{
	struct lodge_vcpu *vcpu = e->vcpu;

	if (trace_kvm_mmio_enabled())
		trace_kvm_mmio(LODGE_MMIO_WRITE, len, gpa, traced(data, len));
	if (vcpu->arch.lapic && lodge_lapic_mmio_write(vcpu, gpa, len, data))
		return EMU_OK;
	if (!lodge_io_write(vcpu, LODGE_MMIO_BUS, gpa, len, data))
		return EMU_OK;
	return mmio_to_user(e, gpa, data, len);
}

/* The TSS's I/O permission bit map (APM vol. 2, 64-Bit Task State Segment). */
static int check_port_map(struct lodge_emu *e, u16 port, unsigned int len)
{
	struct kvm_segment tr;
	u16 map, bits;
	int r;

	lodge_be(get_segment)(e->vcpu, &tr, LODGE_SEG_TR);
	if (tr.unusable || (tr.type & ~2) != 9 || tr.limit < 103)
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = emu_read_system(e, tr.base + 102, &map, sizeof(map));
	if (r)
		return r;
	/* Two bytes are read, whatever the port: the limit must hold both. */
	if ((u32)map + port / 8 + 1 > tr.limit)
		return emu_fault_e(e, X86_TRAP_GP, 0);
	r = emu_read_system(e, tr.base + map + port / 8, &bits, sizeof(bits));
	if (r)
		return r;
	if ((bits >> (port & 7)) & (BIT(len) - 1))
		return emu_fault_e(e, X86_TRAP_GP, 0);
	return EMU_OK;
}

int emu_check_port(struct lodge_emu *e, u16 port, unsigned int len)
{
	unsigned long flags = lodge_rflags(e->vcpu);
	unsigned int iopl = (flags & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;

	if (!lodge_is_protmode(e->vcpu))
		return EMU_OK;
	if (likely(emu_cpl(e) <= iopl && !(flags & X86_EFLAGS_VM)))
		return EMU_OK;
	return check_port_map(e, port, len);
}

int emu_pio_to_user(struct lodge_emu *e, bool in, u16 port, u8 size, u32 count)
{
	lodge_fill_io_exit(e->vcpu, in, port, size, count);
	e->read_len = 0;
	return emu_to_user(e);
}

int emu_in(struct lodge_emu *e)
{
	u8 size = e->insn->size;
	u64 port, value = 0;
	int r;

	emu_read_operand(e, e->insn->src, &port);
	r = emu_check_port(e, port, size);
	if (r)
		return r;
	if (!emu_journal_replay(&e->journal, &value, size)) {
		if (lodge_io_read(e->vcpu, LODGE_PIO_BUS, (u16)port, size, &value)) {
			r = emu_pio_to_user(e, true, port, size, 1);
			e->read_len = size;
			e->read_pio = true;
			return r;
		}
		trace_kvm_pio(LODGE_PIO_IN, port, size, 1, value);
	}
	return emu_write_operand(e, e->insn->dst, value);
}

int emu_out(struct lodge_emu *e)
{
	struct emu_journal *j = &e->journal;
	u8 size = e->insn->size;
	u64 port, value;
	int r;

	if (j->write_pos < j->write_end)
		return EMU_OK;
	emu_read_operand(e, e->insn->dst, &port);
	emu_read_operand(e, e->insn->src, &value);
	r = emu_check_port(e, port, size);
	if (r)
		return r;
	trace_kvm_pio(LODGE_PIO_OUT, port, size, 1, value);
	if (!lodge_io_write(e->vcpu, LODGE_PIO_BUS, (u16)port, size, &value))
		return EMU_OK;
	memcpy(e->vcpu->pio_data, &value, size);
	j->write_end++;
	return emu_pio_to_user(e, false, port, size, 1);
}
