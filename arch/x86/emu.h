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

#include <asm/desc_defs.h>

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

/* One element's reads fit: the most are ENTER's, of 31 frame pointers. */
#define EMU_JOURNAL_BYTES	248

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
	u8 ext;				/* 1 while an event is delivered: EXT of error codes */
	bool tf;			/* RFLAGS.TF, as the instruction began */
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

/* Run the handler of e->insn (emulate_dispatch.c). */
int emu_run_handler(struct lodge_emu *e);

/* kvm_run is filled in: run the handler again when user space is back.  EMU_USER. */
int emu_to_user(struct lodge_emu *e);

/* --- emulate_operand.c: registers and operands --- */
u64 emu_reg(struct lodge_emu *e, u8 reg, u8 size);
/* As the CPU does: 32 bits clear the upper half, 8 and 16 leave the rest. */
void emu_set_reg(struct lodge_emu *e, u8 reg, u8 size, u64 value);
/* @size of a string's or a stack's pointer, a counter: no AH or its like. */
void emu_add_reg(struct lodge_emu *e, u8 reg, u8 size, s64 delta);
/* @offset as address arithmetic of the instruction's address size leaves it. */
unsigned long emu_wrap(const struct lodge_emu *e, unsigned long offset);
unsigned long emu_address(struct lodge_emu *e);		/* offset of the memory operand */
int emu_read_operand(struct lodge_emu *e, u8 operand, u64 *value);
/* The same of a destination that is also read: it must be writable. */
int emu_read_target(struct lodge_emu *e, u8 operand, u64 *value);
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
/* The segment's own part of that, outside 64-bit mode. */
bool emu_segment_allows(struct lodge_emu *e, const struct kvm_segment *s, u32 offset,
			unsigned int len, bool write);
bool emu_canonical(struct lodge_vcpu *vcpu, gva_t gva);
int emu_read(struct lodge_emu *e, u8 seg, unsigned long offset, void *data, unsigned int len);
/* A read of what is written next: what forbids the write is found now. */
int emu_read_modify(struct lodge_emu *e, u8 seg, unsigned long offset, void *data,
		    unsigned int len);
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
/* May it be read, or written?  EMU_OK or EMU_FAULT. */
int emu_probe_read(struct lodge_emu *e, gva_t linear, unsigned int len);
int emu_probe_write(struct lodge_emu *e, gva_t linear, unsigned int len);
/* What the CPU reads and writes for itself, as of the TSS, whatever the CPL. */
int emu_read_system(struct lodge_emu *e, gva_t linear, void *data, unsigned int len);
int emu_write_system(struct lodge_emu *e, gva_t linear, const void *data, unsigned int len);

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

/* --- emulate_desc.c: descriptors.  All give EMU_OK or EMU_FAULT, or EMU_UNKNOWN --- */
/* Types of system descriptors that <asm/desc_defs.h> does not name. */
enum { EMU_DESC_TSS16 = 1, EMU_GATE_CALL16 = 4 };

struct emu_desc {
	u64 low, high;		/* @high: of 16-byte descriptors, once it is read */
	gva_t at;
	u16 sel;
};

/* @vector with @sel as error code. */
int emu_selector_fault(struct lodge_emu *e, u8 vector, u16 sel);
/* @vector, with the selector, when it is in no table. */
int emu_read_desc(struct lodge_emu *e, u16 sel, u8 vector, struct emu_desc *d);
/* The upper half of a system descriptor in long mode; nothing elsewhere. */
int emu_read_desc_high(struct lodge_emu *e, u8 vector, struct emu_desc *d);
void emu_unpack_desc(struct kvm_segment *s, const struct emu_desc *d);
/* Write the type back, if it is another. */
int emu_write_desc_type(struct lodge_emu *e, struct emu_desc *d, u8 type);
int emu_mark_accessed(struct lodge_emu *e, struct emu_desc *d, struct kvm_segment *s);

/* --- emulate_segment.c --- */
/* The guest's own virtual-8086 mode: segments as in real mode, privilege as in none. */
bool emu_in_vm86(const struct lodge_emu *e);
/* Neither that nor real mode. */
bool emu_has_descriptors(const struct lodge_emu *e);
u16 emu_selector(struct lodge_emu *e, u8 seg);
/*
 * What @seg would be with @sel at privilege @cpl, in protected mode: @vector if it must not
 * be.  Not CS.  The register is as it was.
 */
int emu_check_segment(struct lodge_emu *e, u8 seg, u16 sel, unsigned int cpl, u8 vector,
		      struct kvm_segment *s);
void emu_null_segment(struct kvm_segment *s, u16 sel, unsigned int cpl);
void emu_vm86_segment(struct lodge_emu *e, u8 seg, u16 sel);

/* --- emulate_far.c, emulate_flags.c, emulate_ret.c --- */
int emu_read_far_pointer(struct lodge_emu *e, u16 *sel, u64 *offset);
/* May @offset in @cs be gone to?  EMU_OK or EMU_FAULT. */
int emu_check_target(struct lodge_emu *e, const struct kvm_segment *cs, unsigned long offset);
void emu_go_far(struct lodge_emu *e, const struct kvm_segment *cs, unsigned long offset);
unsigned int emu_iopl(struct lodge_emu *e);
/* What POPF and IRET may change at this privilege. */
unsigned long emu_flags_mask(struct lodge_emu *e);
/* @value, of @size bytes, in place of RFLAGS; @mask has the bits that may change. */
void emu_load_flags(struct lodge_emu *e, u64 value, u8 size, unsigned long mask);
/* The same with all that POPF checks, in virtual-8086 mode too: EMU_OK or EMU_FAULT. */
int emu_load_flags_checked(struct lodge_emu *e, u64 value);

/* --- emulate_frame.c: what the CPU pushes as a whole --- */
#define EMU_FRAME_WORDS	36	/* 31 parameters of a call gate, SS, RSP, CS, RIP */

struct emu_frame {
	struct kvm_segment ss;
	unsigned long sp;
	u64 word[EMU_FRAME_WORDS];
	int n;
	u8 width, size;		/* bytes of the pointer, and of a word */
	u8 cpl;
	u16 fault;		/* error code of #SS */
};

void emu_same_stack(struct lodge_emu *e, struct emu_frame *f);
/* @ist: of long mode's interrupt stacks, or 0.  EMU_OK or EMU_FAULT. */
int emu_inner_stack(struct lodge_emu *e, struct emu_frame *f, unsigned int cpl, unsigned int ist);
void emu_frame_push(struct emu_frame *f, u64 word);
int emu_frame_write(struct lodge_emu *e, struct emu_frame *f);
void emu_frame_load(struct lodge_emu *e, const struct emu_frame *f);

/* --- emulate_task.c, which begins with the checks of privilege --- */
int emu_task_by_branch(struct lodge_emu *e, const struct emu_desc *d, const struct kvm_segment *s);
int emu_task_by_gate(struct lodge_emu *e, u16 sel);
int emu_task_return(struct lodge_emu *e);
/* LDTR, by LLDT or (@vector is #TS) a task switch. */
int emu_load_ldt(struct lodge_emu *e, u16 sel, u8 vector);

/* --- emulate_stack.c: the stack, and where execution goes on --- */
/* Bytes of the stack pointer: by SS.B outside 64-bit mode. */
u8 emu_stack_width(struct lodge_emu *e);
/* The stack pointer, of @width bytes, and @delta more: an offset in SS. */
unsigned long emu_stack_offset(struct lodge_emu *e, u8 width, s64 delta);
/* Push @value, of operand size: EMU_OK or what emu_write() answers. */
int emu_push(struct lodge_emu *e, u64 value);
/* Go on at @target, of operand size, if the code segment allows it: EMU_OK or EMU_FAULT. */
int emu_branch(struct lodge_emu *e, unsigned long target);

/* --- emulate_vec.c: the guest's vector registers, which are the task's while KVM_RUN lasts --- */
union emu_vec {
	u8 bytes[32];
	u64 word[4];
};

enum emu_vec_kind {
	VEC_XMM,	/* 16 bytes; the rest of the register stays */
	VEC_XMM_VEX,	/* the same, but a write clears the rest */
	VEC_YMM,	/* 32 bytes */
	VEC_MMX,	/* 8 bytes, of the x87 unit's registers */
};

void emu_read_vec(struct lodge_emu *e, u8 reg, enum emu_vec_kind kind, union emu_vec *v);
void emu_write_vec(struct lodge_emu *e, u8 reg, enum emu_vec_kind kind, const union emu_vec *v);
/* FNSTCW, FNSTSW, FNINIT and FNCLEX, by enum insn_op: the word that it stores, if any. */
u16 emu_x87(struct lodge_emu *e, u8 op);

/* --- handlers: one for each kind of instruction --- */
int emu_do_alu(struct lodge_emu *e);		/* emulate_rmw.c */
int emu_do_bit(struct lodge_emu *e);
int emu_do_xchg(struct lodge_emu *e);
int emu_do_xadd(struct lodge_emu *e);
int emu_do_cmpxchg(struct lodge_emu *e);
int emu_do_cmpxchg8b(struct lodge_emu *e);
int emu_do_muldiv(struct lodge_emu *e);		/* emulate_muldiv.c */
int emu_do_bits(struct lodge_emu *e);		/* emulate_bits.c */
int emu_do_convert(struct lodge_emu *e);	/* emulate_convert.c */
int emu_do_string(struct lodge_emu *e);		/* emulate_string.c */
int emu_do_string_io(struct lodge_emu *e);
int emu_do_push(struct lodge_emu *e);		/* emulate_stack.c: and branches */
int emu_do_pop(struct lodge_emu *e);
int emu_do_pusha(struct lodge_emu *e);
int emu_do_popa(struct lodge_emu *e);
int emu_do_enter(struct lodge_emu *e);
int emu_do_leave(struct lodge_emu *e);
int emu_do_loop(struct lodge_emu *e);
int emu_do_call(struct lodge_emu *e);
int emu_do_ret(struct lodge_emu *e);
int emu_do_jump(struct lodge_emu *e);
int emu_do_sreg(struct lodge_emu *e);		/* emulate_segment.c */
int emu_do_load_far(struct lodge_emu *e);
int emu_do_far(struct lodge_emu *e);		/* emulate_far.c */
int emu_do_ret_far(struct lodge_emu *e);	/* emulate_ret.c */
int emu_do_iret(struct lodge_emu *e);
int emu_do_int(struct lodge_emu *e);		/* emulate_int.c */
int emu_do_flags(struct lodge_emu *e);		/* emulate_flags.c */
int emu_do_look(struct lodge_emu *e);		/* emulate_desc.c: LAR and its like */
int emu_do_table(struct lodge_emu *e);		/* emulate_table.c */
int emu_do_sse(struct lodge_emu *e);		/* emulate_sse.c */
int emu_do_x87(struct lodge_emu *e);
int emu_do_system(struct lodge_emu *e);		/* emulate_system.c */

#endif
