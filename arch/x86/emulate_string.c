// SPDX-License-Identifier: GPL-2.0
/*
 * String instructions.  Each element is complete by itself: its registers are
 * written before the next begins, so that the instruction can be left between
 * two and the guest, executing it again, carries on (APM vol. 3, Repeat
 * Prefixes).
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "emu.h"
#include "io_bus.h"
#include "regs_inline.h"
#include "trace.h"

static unsigned long count_of(struct lodge_emu *e)
{
	return e->insn->rep ? emu_reg(e, LODGE_RCX, e->insn->addr_size) : 1;
}

static void advance(struct lodge_emu *e, u8 reg, u32 elements)
{
	s64 bytes = (s64)e->insn->size * elements;

	if (lodge_rflags(e->vcpu) & X86_EFLAGS_DF)
		bytes = -bytes;
	emu_add_reg(e, reg, e->insn->addr_size, bytes);
}

/*
 * @elements are complete: what is next?  EMU_OK: nothing, the instruction is
 * done; EMU_REPEAT: leave it for now, as an event waits or the host wants the
 * CPU; -EAGAIN: the next element.
 */
static int next_element(struct lodge_emu *e, u32 elements)
{
	struct lodge_vcpu *vcpu = e->vcpu;

	emu_journal_clear(&e->journal);
	/* It was that of the element done; another page may have the same offset. */
	e->gpa_valid = false;
	e->flat = false;
	if (!e->insn->rep)
		return EMU_OK;
	emu_add_reg(e, LODGE_RCX, e->insn->addr_size, -(s64)elements);
	if (!count_of(e))
		return EMU_OK;
	if (READ_ONCE(vcpu->requests) || need_resched() || signal_pending(current) ||
	    (lodge_rflags(vcpu) & X86_EFLAGS_TF))
		return EMU_REPEAT;
	return -EAGAIN;
}

static int read_source(struct lodge_emu *e, u64 *value)
{
	return emu_read(e, e->insn->seg, emu_reg(e, LODGE_RSI, e->insn->addr_size), value,
			e->insn->size);
}

static int read_dest(struct lodge_emu *e, u64 *value)
{
	return emu_read(e, SEG_ES, emu_reg(e, LODGE_RDI, e->insn->addr_size), value, e->insn->size);
}

static int write_dest(struct lodge_emu *e, u64 value)
{
	return emu_write(e, SEG_ES, emu_reg(e, LODGE_RDI, e->insn->addr_size), &value,
			 e->insn->size);
}

static void compare(struct lodge_emu *e, u64 a, u64 b)
{
	unsigned long flags = lodge_rflags(e->vcpu);

	emu_alu(OP_CMP, e->insn->size, a, b, &flags);
	lodge_set_rflags(e->vcpu, flags);
}

/* One element's accesses and results, but for the pointers. */
static int do_element(struct lodge_emu *e)
{
	u64 a = 0, b = 0;
	int r;

	switch (e->insn->op) {
	case OP_MOVS:
		r = read_source(e, &a);
		return r ?: write_dest(e, a);
	case OP_STOS:
		return write_dest(e, emu_reg(e, LODGE_RAX, e->insn->size));
	case OP_LODS:
		r = read_source(e, &a);
		if (!r)
			emu_set_reg(e, LODGE_RAX, e->insn->size, a);
		return r;
	case OP_SCAS:
		r = read_dest(e, &b);
		if (!r)
			compare(e, emu_reg(e, LODGE_RAX, e->insn->size), b);
		return r;
	default:	/* CMPS */
		r = read_source(e, &a);
		if (!r)
			r = read_dest(e, &b);
		if (!r)
			compare(e, a, b);
		return r;
	}
}

/* REPE (F3) goes on while ZF is set, REPNE (F2) while it is not. */
static bool condition_ends(struct lodge_emu *e)
{
	bool zf = lodge_rflags(e->vcpu) & X86_EFLAGS_ZF;

	if (e->insn->op != OP_CMPS && e->insn->op != OP_SCAS)
		return false;
	return e->insn->rep == 0xf3 ? !zf : zf;
}

int emu_do_string(struct lodge_emu *e)
{
	u8 op = e->insn->op;
	int r;

	while (count_of(e)) {
		r = do_element(e);
		if (r)
			return r;
		if (op != OP_STOS && op != OP_SCAS)
			advance(e, LODGE_RSI, 1);
		if (op != OP_LODS)
			advance(e, LODGE_RDI, 1);
		r = next_element(e, 1);
		if (e->insn->rep && condition_ends(e))
			return EMU_OK;
		if (r != -EAGAIN)
			return r;
	}
	return EMU_OK;
}

/*
 * How many elements to move at once: they must fit the page that is shared
 * with user space, lie in one page of memory, and run upwards.  At least one,
 * which then may straddle two pages.
 */
static u32 batch(struct lodge_emu *e, u8 seg, unsigned long offset, bool write)
{
	u8 size = e->insn->size;
	gva_t gva;
	u32 n;

	if (lodge_rflags(e->vcpu) & (X86_EFLAGS_DF | X86_EFLAGS_TF))
		return 1;
	if (!emu_segment_ok(e, seg, offset, size, write, &gva))
		return 1;
	n = (PAGE_SIZE - offset_in_page(gva)) / size;
	n = min_t(unsigned long, n, count_of(e));
	if (e->insn->addr_size < 8)
		n = min_t(u64, n, (BIT_ULL(e->insn->addr_size * 8) - offset) / size);
	if (n > 1 && !emu_segment_ok(e, seg, offset, n * size, write, &gva))
		return 1;
	return max_t(u32, n, 1);
}

/* Put up to @n elements at @data where INS wants them; how many is in @stored. */
static int store_elements(struct lodge_emu *e, const void *data, u32 n, u32 *stored)
{
	unsigned long offset = emu_reg(e, LODGE_RDI, e->insn->addr_size);
	u8 size = e->insn->size;
	u64 value = 0;
	gva_t gva;
	int r;

	n = min(n, batch(e, SEG_ES, offset, true));
	*stored = n;
	if (n > 1) {
		r = emu_linear(e, SEG_ES, offset, size, true, &gva);
		if (!r)
			r = emu_write_ram(e, gva, data, n * size);
		if (r != EMU_UNKNOWN)
			return r;
	}
	*stored = 1;
	memcpy(&value, data, size);
	return write_dest(e, value);
}

static int do_ins(struct lodge_emu *e, u16 port, u32 *done)
{
	unsigned long offset = emu_reg(e, LODGE_RDI, e->insn->addr_size);
	struct lodge_vcpu *vcpu = e->vcpu;
	u8 size = e->insn->size;
	u64 value = 0;
	gva_t gva;
	u32 n;
	int r;

	if (e->pio_count) {
		n = min_t(unsigned long, e->pio_count, count_of(e));
		r = store_elements(e, vcpu->pio_data + e->pio_pos * size, n, done);
		if (r == EMU_OK) {
			e->pio_pos += *done;
			e->pio_count -= *done;
		}
		return r;
	}
	if (!emu_journal_replay(&e->journal, &value, size)) {
		/* What would fault must do so before the device gives the data away. */
		n = batch(e, SEG_ES, offset, true);
		r = emu_linear(e, SEG_ES, offset, size, true, &gva);
		if (!r)
			r = emu_probe_write(e, gva, n * size);
		if (r)
			return r;
		if (lodge_io_read(vcpu, LODGE_PIO_BUS, port, size, &value)) {
			e->pio_count = n;
			e->pio_pos = 0;
			return emu_pio_to_user(e, true, port, size, n);
		}
		trace_kvm_pio(LODGE_PIO_IN, port, size, 1, value);
		emu_journal_note(&e->journal, &value, size);
	}
	*done = 1;
	return write_dest(e, value);
}

/* Gather up to @n elements at pio_data: how many is in @n. */
static int load_elements(struct lodge_emu *e, u32 *n)
{
	unsigned long offset = emu_reg(e, LODGE_RSI, e->insn->addr_size);
	u8 size = e->insn->size;
	u64 value = 0;
	gva_t gva;
	int r;

	*n = batch(e, e->insn->seg, offset, false);
	if (*n > 1) {
		r = emu_linear(e, e->insn->seg, offset, size, false, &gva);
		if (!r)
			r = emu_read_ram(e, gva, e->vcpu->pio_data, *n * size);
		if (r != EMU_UNKNOWN)
			return r;
	}
	*n = 1;
	r = read_source(e, &value);
	if (!r)
		memcpy(e->vcpu->pio_data, &value, size);
	return r;
}

static int do_outs(struct lodge_emu *e, u16 port, u32 *done)
{
	struct lodge_vcpu *vcpu = e->vcpu;
	u8 size = e->insn->size;
	u32 n, i;
	int r;

	if (e->pio_count) {
		*done = min_t(unsigned long, e->pio_count, count_of(e));
		e->pio_count = 0;
		return EMU_OK;
	}
	r = load_elements(e, &n);
	if (r)
		return r;
	for (i = 0; i < n; i++) {
		u32 value = 0;

		memcpy(&value, vcpu->pio_data + i * size, size);
		if (lodge_io_write(vcpu, LODGE_PIO_BUS, port, size, &value))
			break;
		trace_kvm_pio(LODGE_PIO_OUT, port, size, 1, value);
	}
	*done = i;
	if (i)
		return EMU_OK;
	trace_kvm_pio(LODGE_PIO_OUT, port, size, n, 0);
	e->pio_count = n;
	return emu_pio_to_user(e, false, port, size, n);
}

int emu_do_string_io(struct lodge_emu *e)
{
	u16 port = lodge_reg(e->vcpu, LODGE_RDX);
	bool in = e->insn->op == OP_INS;
	u32 done = 0;
	int r;

	r = emu_check_port(e, port, e->insn->size);
	if (r)
		return r;
	while (count_of(e)) {
		r = in ? do_ins(e, port, &done) : do_outs(e, port, &done);
		if (r)
			return r;
		advance(e, in ? LODGE_RDI : LODGE_RSI, done);
		r = next_element(e, done);
		/* What the device gave is not to be lost. */
		if (r == EMU_REPEAT && e->pio_count)
			continue;
		if (r != -EAGAIN)
			return r;
	}
	return EMU_OK;
}
