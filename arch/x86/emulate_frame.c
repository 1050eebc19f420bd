// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that the CPU pushes as a whole: of a call to an inner level, and of an event
 * (SDM vol. 3, Stack Switching; Stack Switching in IA-32e Mode).
 *
 * use: emu_same_stack() or emu_inner_stack(); emu_frame_push() each word, of f->size;
 * emu_frame_write(), which checks and writes them; and when nothing can fail any more
 * emu_frame_load(), by which stack and CPL are the new ones.
 */
#include <linux/mm.h>
#include <asm/trapnr.h>

#include "emu.h"
#include "mmu/mmu.h"
#include "regs_inline.h"

static void begin(struct emu_frame *f, unsigned int cpl, u8 width, unsigned long sp)
{
	f->cpl = cpl;
	f->width = width;
	f->sp = sp;
	f->n = 0;
}

static u8 width_of(struct lodge_emu *e, const struct kvm_segment *ss)
{
	return lodge_is_long_mode(e->vcpu) ? 8 : ss->db ? 4 : 2;
}

void emu_same_stack(struct lodge_emu *e, struct emu_frame *f)
{
	lodge_be(get_segment)(e->vcpu, &f->ss, LODGE_SEG_SS);
	f->fault = 0;
	begin(f, emu_cpl(e), width_of(e, &f->ss), lodge_reg(e->vcpu, LODGE_RSP));
}

/* Where the TSS has the stack pointer of level @cpl, and of an interrupt stack. */
static unsigned int tss_offset(bool long_mode, bool tss32, unsigned int cpl, unsigned int ist)
{
	if (long_mode)
		return ist ? 36 + 8 * (ist - 1) : 4 + 8 * cpl;
	return tss32 ? 4 + 8 * cpl : 2 + 4 * cpl;
}

/* SS and the pointer, from the TSS; in long mode the pointer alone, and SS is null. */
int emu_inner_stack(struct lodge_emu *e, struct emu_frame *f, unsigned int cpl, unsigned int ist)
{
	bool long_mode = lodge_is_long_mode(e->vcpu);
	struct kvm_segment tr;
	unsigned int at, len;
	u8 bytes[8] = { };
	u64 sp;
	u16 sel;
	int r;

	lodge_be(get_segment)(e->vcpu, &tr, LODGE_SEG_TR);
	at = tss_offset(long_mode, tr.type & 8, cpl, ist);
	len = long_mode ? 8 : tr.type & 8 ? 6 : 4;
	if (tr.unusable || at + len - 1 > tr.limit)
		return emu_selector_fault(e, X86_TRAP_TS, tr.selector);
	r = emu_read_system(e, tr.base + at, bytes, len);
	if (r)
		return r;
	memcpy(&sp, bytes, sizeof(sp));
	if (long_mode) {
		emu_null_segment(&f->ss, cpl == emu_cpl(e) ? emu_selector(e, SEG_SS) : cpl, cpl);
		if (cpl == emu_cpl(e))
			lodge_be(get_segment)(e->vcpu, &f->ss, LODGE_SEG_SS);
		f->fault = 0;
		begin(f, cpl, 8, sp);
		return EMU_OK;
	}
	memcpy(&sel, bytes + len - 2, sizeof(sel));
	r = emu_check_segment(e, SEG_SS, sel, cpl, X86_TRAP_TS, &f->ss);
	if (r)
		return r;
	f->fault = sel & ~3;
	begin(f, cpl, width_of(e, &f->ss), len == 6 ? (u32)sp : (u16)sp);
	return EMU_OK;
}

void emu_frame_push(struct emu_frame *f, u64 word)
{
	f->word[f->n++] = word;
}

static unsigned long wrap(const struct emu_frame *f, unsigned long sp)
{
	return f->width == 8 ? sp : f->width == 4 ? (u32)sp : (u16)sp;
}

/* Where a word of the frame is in the linear address space; false: outside the segment. */
static bool frame_address(struct lodge_emu *e, const struct emu_frame *f, unsigned long sp,
			  gva_t *gva)
{
	if (f->width == 8) {
		*gva = sp;
		return emu_canonical(e->vcpu, sp) && emu_canonical(e->vcpu, sp + f->size - 1);
	}
	*gva = (u32)(f->ss.base + sp);
	return emu_segment_allows(e, &f->ss, sp, f->size, true);
}

int emu_frame_write(struct lodge_emu *e, struct emu_frame *f)
{
	u64 access = f->cpl == 3 ? PFERR_USER : 0;
	unsigned long sp = f->sp;
	struct lodge_walk walk;
	gva_t gva;
	int i, r;

	for (i = 0; i < f->n; i++) {
		sp = wrap(f, sp - f->size);
		if (!frame_address(e, f, sp, &gva))
			return emu_fault_e(e, X86_TRAP_SS, f->fault | e->ext);
		r = lodge_write_gva(e->vcpu, gva, &f->word[i], f->size, access, &walk);
		if (r == -EFAULT) {
			lodge_queue_page_fault(e->vcpu, walk.addr, walk.error_code);
			return EMU_FAULT;
		}
		if (r)
			return EMU_UNKNOWN;
	}
	f->sp = sp;
	return EMU_OK;
}

void emu_frame_load(struct lodge_emu *e, const struct emu_frame *f)
{
	lodge_be(set_segment)(e->vcpu, &f->ss, LODGE_SEG_SS);
	emu_set_reg(e, LODGE_RSP, f->width, f->sp);
}
