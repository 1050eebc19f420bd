/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of the instruction emulator.
 *
 * One instruction at a time, of one vCPU, by its own thread.  A handler reads
 * its operands, computes, writes memory or ports, and only then changes
 * registers: nothing of the guest's registers has changed before the last
 * access has succeeded, but for the elements of a string instruction, each of
 * which counts as complete.
 *
 * An access that user space must answer ends the handler with EMU_USER.  The
 * next KVM_RUN runs the same handler again from its beginning: the journal
 * answers the reads that were made before with the values they had, and skips
 * the writes, so that each access happens once and the handlers need no state
 * of their own.
 */
#ifndef LODGE_EMU_H
#define LODGE_EMU_H

#include "backend.h"
#include "decode.h"
#include "emulate_alu.h"

/* What handlers and accesses answer; a negative errno is possible too. */
enum emu_result {
	EMU_OK,
	EMU_REPEAT,	/* elements of a string instruction are done, others are left */
	EMU_TELL_USER,	/* done, and user space must know: e->exit_reason */
	EMU_FAULT,	/* an exception is queued */
	EMU_USER,	/* kvm_run is filled in; run the handler again after */
	EMU_RETRY,	/* nothing is done; let the guest try again */
	EMU_UNKNOWN,	/* cannot be emulated */
};

/* One element's reads fit: the most are CMPXCHG16B's 16 bytes. */
#define EMU_JOURNAL_BYTES	32

struct emu_journal {
	u8 data[EMU_JOURNAL_BYTES];	/* what was read, in order */
	u8 read_pos, read_end;
	u8 write_pos, write_end;	/* pieces written */
};

/*
 * An instruction that was decoded before.  What it means depends on its bytes
 * and the mode alone, so that the same bytes need not be decoded again, where
 * ever they are; a guest has few places from which it accesses devices.
 */
struct emu_decoded {
	u64 bytes[2];
	u64 mask[2];			/* the bytes that it has */
	struct lodge_insn insn;		/* mode 0: none */
};
#define EMU_DECODED	8

struct lodge_emu {
	struct lodge_vcpu *vcpu;
	const struct lodge_insn *insn;	/* in decoded[] */
	union {
		u8 bytes[INSN_MAX_LEN + 1];
		u64 words[2];
	};
	u8 nr_bytes;
	struct lodge_walk walk;		/* the last fetch's */
	u64 datum;			/* of a plain store */
	/*
	 * @gpa is where the memory operand is: the CPU has checked the access and
	 * found it there.  @flat: and its offset is also its linear address.
	 */
	bool gpa_valid, flat;
	gpa_t gpa;
	unsigned long rip, next_rip;
	struct emu_journal journal;

	/* What user space was asked, in our own words: kvm_run is not read back. */
	gpa_t mmio_gpa;
	u8 read_len;			/* bytes it must supply; 0 for a write */
	bool read_pio;			/* from pio_data, not from mmio.data */
	u32 exit_reason;		/* for EMU_TELL_USER */
	u8 shadow;			/* KVM_X86_SHADOW_INT_*, that the instruction leaves */
	u32 pio_count;			/* string elements it has answered, not yet complete */
	u32 pio_pos;			/* where in pio_data, in elements */

	/* exit_io.c: the IN or OUT that is with user space. */
	unsigned long io_rip, io_next_rip;

	struct emu_decoded decoded[EMU_DECODED];
};

static inline int emu_cpl(const struct lodge_emu *e)
{
	return lodge_be(get_cpl)(e->vcpu);
}

/* --- emulate.c --- */
static inline void emu_journal_rewind(struct emu_journal *j)
{
	j->read_pos = 0;
	j->write_pos = 0;
}

static inline void emu_journal_clear(struct emu_journal *j)
{
	emu_journal_rewind(j);
	j->read_end = 0;
	j->write_end = 0;
}

/* Queue the exception; EMU_FAULT. */
int emu_fault(struct lodge_emu *e, u8 vector);
int emu_fault_e(struct lodge_emu *e, u8 vector, u32 error_code);

/* kvm_run is filled in: run the handler again when user space is back.  EMU_USER. */
int emu_to_user(struct lodge_emu *e);

/* --- emulate_operand.c: registers and operands --- */
u64 emu_reg(struct lodge_emu *e, u8 reg, u8 size);
/* As the CPU does: 32 bits clear the upper half, 8 and 16 leave the rest. */
void emu_set_reg(struct lodge_emu *e, u8 reg, u8 size, u64 value);
/* @size of a string's or a stack's pointer, a counter: no AH or its like. */
void emu_add_reg(struct lodge_emu *e, u8 reg, u8 size, s64 delta);
unsigned long emu_address(struct lodge_emu *e);		/* offset of the memory operand */
int emu_read_operand(struct lodge_emu *e, u8 operand, u64 *value);
int emu_write_operand(struct lodge_emu *e, u8 operand, u64 value);
/*
 * The last part of a read-modify-write of the destination: LOCK, where the
 * instruction has it or implies it, makes it one with the read of @old.
 */
int emu_update_operand(struct lodge_emu *e, u8 operand, u64 old, u64 value, bool lock);

/* --- emulate_mem.c: memory --- */
/*
 * Check an access of @len bytes at @seg:@offset against the segment and the
 * mode, and give its linear address.  EMU_OK or EMU_FAULT.
 */
int emu_linear(struct lodge_emu *e, u8 seg, unsigned long offset, unsigned int len, bool write,
	       gva_t *linear);
/* The same as a question: no fault is queued. */
bool emu_segment_ok(struct lodge_emu *e, u8 seg, unsigned long offset, unsigned int len,
		    bool write, gva_t *linear);
int emu_read(struct lodge_emu *e, u8 seg, unsigned long offset, void *data, unsigned int len);
int emu_write(struct lodge_emu *e, u8 seg, unsigned long offset, const void *data,
	      unsigned int len);
int emu_write_locked(struct lodge_emu *e, u8 seg, unsigned long offset, const void *old,
		     const void *new, unsigned int len);
/*
 * RAM only, within a page, at a linear address: for many string elements at a
 * time.  EMU_UNKNOWN when it is not RAM, and nothing is done.
 */
int emu_read_ram(struct lodge_emu *e, gva_t linear, void *data, unsigned int len);
int emu_write_ram(struct lodge_emu *e, gva_t linear, const void *data, unsigned int len);
/* May it be written?  EMU_OK or EMU_FAULT. */
int emu_probe_write(struct lodge_emu *e, gva_t linear, unsigned int len);
/* A read the CPU makes for itself, as of the TSS, whatever the CPL. */
int emu_read_system(struct lodge_emu *e, gva_t linear, void *data, unsigned int len);

/* --- emulate_io.c: MMIO and ports, by the journal --- */
int emu_mmio_read(struct lodge_emu *e, gpa_t gpa, void *data, unsigned int len);
int emu_mmio_write(struct lodge_emu *e, gpa_t gpa, const void *data, unsigned int len);
/* True when the answer is in the journal, and taken from it. */
bool emu_journal_replay(struct emu_journal *j, void *data, unsigned int len);
/* Note what was read; false when there is no room. */
bool emu_journal_note(struct emu_journal *j, const void *data, unsigned int len);
/* What user space answered; vcpu->complete was ours. */
void emu_take_answer(struct lodge_emu *e);
/* IOPL and the TSS's bit map.  EMU_OK or EMU_FAULT. */
int emu_check_port(struct lodge_emu *e, u16 port, unsigned int len);
int emu_in(struct lodge_emu *e);
int emu_out(struct lodge_emu *e);
/* @count elements at pio_data are to be read into or written from by user space. */
int emu_pio_to_user(struct lodge_emu *e, bool in, u16 port, u8 size, u32 count);

/* exit_io.c: KVM_EXIT_IO for @count elements at pio_data; arch.pio remembers it. */
void lodge_fill_io_exit(struct lodge_vcpu *vcpu, bool in, u16 port, u8 size, u32 count);

/* --- emulate_segment.c --- */
/* The guest's own virtual-8086 mode: segments as in real mode, privilege as in none. */
bool emu_in_vm86(const struct lodge_emu *e);

/* --- emulate_stack.c: the stack, and where execution goes on --- */
/* Bytes of the stack pointer: by SS.B outside 64-bit mode. */
u8 emu_stack_width(struct lodge_emu *e);
/* The stack pointer, of @width bytes, and @delta more: an offset in SS. */
unsigned long emu_stack_offset(struct lodge_emu *e, u8 width, s64 delta);
/* Push @value, of operand size: EMU_OK or what emu_write() answers. */
int emu_push(struct lodge_emu *e, u64 value);
/* Go on at @target, of operand size, if the code segment allows it: EMU_OK or EMU_FAULT. */
int emu_branch(struct lodge_emu *e, unsigned long target);

/* --- handlers: one for each kind of instruction --- */
int emu_do_alu(struct lodge_emu *e);		/* emulate_rmw.c */
int emu_do_bit(struct lodge_emu *e);
int emu_do_xchg(struct lodge_emu *e);
int emu_do_xadd(struct lodge_emu *e);
int emu_do_cmpxchg(struct lodge_emu *e);
int emu_do_cmpxchg8b(struct lodge_emu *e);
int emu_do_string(struct lodge_emu *e);		/* emulate_string.c */
int emu_do_string_io(struct lodge_emu *e);
int emu_do_push(struct lodge_emu *e);		/* emulate_stack.c: and branches */
int emu_do_pop(struct lodge_emu *e);
int emu_do_call(struct lodge_emu *e);
int emu_do_ret(struct lodge_emu *e);
int emu_do_jump(struct lodge_emu *e);
int emu_do_sreg(struct lodge_emu *e);		/* emulate_segment.c */
int emu_do_far(struct lodge_emu *e);
int emu_do_load_table(struct lodge_emu *e);
int emu_do_int(struct lodge_emu *e);		/* emulate_int.c */
int emu_do_iret(struct lodge_emu *e);
int emu_do_flags(struct lodge_emu *e);
int emu_do_sse(struct lodge_emu *e);		/* emulate_sse.c */
int emu_do_system(struct lodge_emu *e);		/* emulate_system.c */

#endif
