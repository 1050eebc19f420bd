// SPDX-License-Identifier: GPL-2.0
/*
 * Memory as instructions see it: segment and mode checks, translation by the
 * guest's page tables, and then RAM or MMIO.  An access is translated whole
 * before any part of it is made, so that one that faults has no effect.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <asm/page.h>
#include <asm/trapnr.h>

#include "emu.h"
#include "memslot.h"
#include "mmu/mmu.h"
#include "regs_inline.h"

/* A part of an access, within one page. */
struct span {
	gpa_t gpa;
	unsigned int len;
	bool mmio;		/* known to be no RAM; otherwise it is tried */
};

#define MAX_PIECE	8	/* what one MMIO access carries */

static_assert((int)SEG_GS == (int)LODGE_SEG_GS && (int)SEG_SS == (int)LODGE_SEG_SS);

bool emu_canonical(struct lodge_vcpu *vcpu, gva_t gva)
{
	return __is_canonical_address(gva, lodge_cr4(vcpu) & X86_CR4_LA57 ? 57 : 48);
}

static bool linear64(struct lodge_emu *e, u8 seg, unsigned long offset, unsigned int len,
		     gva_t *linear)
{
	gva_t gva = offset;

	if (unlikely(seg == SEG_FS || seg == SEG_GS))
		gva += lodge_be(get_segment_base)(e->vcpu, seg);
	*linear = gva;
	return emu_canonical(e->vcpu, gva) && emu_canonical(e->vcpu, gva + len - 1);
}

/* APM vol. 2, Data-Access Privilege Checks and Limit Checks; the loads have checked the rest. */
bool emu_segment_allows(struct lodge_emu *e, const struct kvm_segment *s, u32 offset,
			unsigned int len, bool write)
{
	u64 last = (u64)offset + len - 1;

	if (emu_has_descriptors(e)) {
		bool code = s->type & 8, rw = s->type & 2;

		if (s->unusable || !s->present)
			return false;
		if (write ? code || !rw : code && !rw)
			return false;
	}
	/* Type 4, of data: it expands down, and the limit is the last byte below. */
	if ((s->type & 0xc) == 4)
		return offset > s->limit && last <= (s->db ? 0xffffffff : 0xffff);
	return last <= s->limit;
}

static bool linear32(struct lodge_emu *e, u8 seg, unsigned long offset, unsigned int len,
		     bool write, gva_t *linear)
{
	struct kvm_segment s;

	lodge_be(get_segment)(e->vcpu, &s, seg);
	*linear = (u32)(s.base + offset);
	return emu_segment_allows(e, &s, offset, len, write);
}

bool emu_segment_ok(struct lodge_emu *e, u8 seg, unsigned long offset, unsigned int len,
		    bool write, gva_t *linear)
{
	if (likely(e->insn->mode == 8))
		return linear64(e, seg, offset, len, linear);
	return linear32(e, seg, offset, len, write, linear);
}

int emu_linear(struct lodge_emu *e, u8 seg, unsigned long offset, unsigned int len, bool write,
	       gva_t *linear)
{
	if (unlikely(!emu_segment_ok(e, seg, offset, len, write, linear)))
		return emu_fault_e(e, seg == SEG_SS ? X86_TRAP_SS : X86_TRAP_GP, 0);
	/* APM vol. 2, #AC: at CPL 3, with both AM and AC. */
	if (unlikely((*linear & (len - 1)) && emu_cpl(e) == 3 &&
		     (lodge_cr0(e->vcpu) & X86_CR0_AM) &&
		     (lodge_rflags(e->vcpu) & X86_EFLAGS_AC)))
		return emu_fault_e(e, X86_TRAP_AC, 0);
	return EMU_OK;
}

static u64 access_bits(const struct lodge_emu *e, bool write)
{
	return (write ? PFERR_WRITE : 0) | (emu_cpl(e) == 3 ? PFERR_USER : 0);
}

static int translate(struct lodge_emu *e, gva_t gva, unsigned int len, u64 access,
		     struct span *span)
{
	struct lodge_walk walk;

	span->len = len;
	/* The exit told where this operand is: the CPU's walk stands for ours. */
	if (likely(e->gpa_valid && !((gva ^ e->gpa) & ~PAGE_MASK))) {
		span->gpa = e->gpa;
		span->mmio = true;
		return EMU_OK;
	}
	span->mmio = false;
	if (!lodge_gva_to_gpa(e->vcpu, gva, access, &walk)) {
		lodge_queue_page_fault(e->vcpu, walk.addr, walk.error_code);
		return EMU_FAULT;
	}
	span->gpa = walk.gpa;
	return EMU_OK;
}

/* How much of an access lies in its first page. */
static unsigned int first_len(gva_t gva, unsigned int len)
{
	return min_t(unsigned int, len, PAGE_SIZE - offset_in_page(gva));
}

/* EMU_OK with the second span's length zero when there is none. */
static int translate_all(struct lodge_emu *e, gva_t gva, unsigned int len, u64 access,
			 struct span spans[2])
{
	unsigned int first = first_len(gva, len);
	int r = translate(e, gva, first, access, &spans[0]);

	spans[1].len = 0;
	if (likely(r || first == len))
		return r;
	return translate(e, gva + first, len - first, access, &spans[1]);
}

/*
 * The access is the one that exited, whole and in one page: the CPU has done
 * all that comes before it.
 */
static bool is_the_access(const struct lodge_emu *e, unsigned long offset, unsigned int len)
{
	return e->flat && !((offset ^ e->gpa) & ~PAGE_MASK) && len <= MAX_PIECE &&
	       offset_in_page(offset) + len <= PAGE_SIZE;
}

static int read_piece(struct lodge_emu *e, const struct span *span, unsigned int done,
		      void *data, unsigned int len)
{
	if (emu_journal_replay(&e->journal, data, len))
		return EMU_OK;
	if (!span->mmio && !lodge_read_guest(e->vcpu->vm, span->gpa + done, data, len))
		return emu_journal_note(&e->journal, data, len) ? EMU_OK : EMU_UNKNOWN;
	return emu_mmio_read(e, span->gpa + done, data, len);
}

static noinline int read_any(struct lodge_emu *e, u8 seg, unsigned long offset, void *data,
			     unsigned int len, bool write)
{
	struct span spans[2];
	unsigned int i, done;
	gva_t gva;
	int r;

	r = emu_linear(e, seg, offset, len, write, &gva);
	if (r)
		return r;
	if (emu_journal_replay(&e->journal, data, len))
		return EMU_OK;
	r = translate_all(e, gva, len, access_bits(e, write), spans);
	for (i = 0; i < 2; i++) {
		for (done = 0; !r && done < spans[i].len; done += MAX_PIECE) {
			unsigned int piece = min_t(unsigned int, spans[i].len - done, MAX_PIECE);

			r = read_piece(e, &spans[i], done, data, piece);
			data += piece;
		}
	}
	return r;
}

static int read_for(struct lodge_emu *e, u8 seg, unsigned long offset, void *data,
		    unsigned int len, bool write)
{
	if (unlikely(!is_the_access(e, offset, len)))
		return read_any(e, seg, offset, data, len, write);
	if (emu_journal_replay(&e->journal, data, len))
		return EMU_OK;
	return emu_mmio_read(e, e->gpa, data, len);
}

int emu_read(struct lodge_emu *e, u8 seg, unsigned long offset, void *data, unsigned int len)
{
	return read_for(e, seg, offset, data, len, false);
}

int emu_read_modify(struct lodge_emu *e, u8 seg, unsigned long offset, void *data,
		    unsigned int len)
{
	return read_for(e, seg, offset, data, len, true);
}

static int write_piece(struct lodge_emu *e, gpa_t gpa, bool mmio, const void *data,
		       unsigned int len)
{
	struct emu_journal *j = &e->journal;
	int r;

	if (j->write_pos < j->write_end) {
		j->write_pos++;
		return EMU_OK;
	}
	if (!mmio && !lodge_write_guest(e->vcpu->vm, gpa, data, len))
		r = EMU_OK;
	else
		r = emu_mmio_write(e, gpa, data, len);
	/* Once it is with user space, it is made. */
	if (r == EMU_OK || r == EMU_USER)
		j->write_pos = ++j->write_end;
	return r;
}

static int write_spans(struct lodge_emu *e, const struct span spans[2], const void *data)
{
	unsigned int i, done;
	int r = EMU_OK;

	for (i = 0; i < 2; i++) {
		for (done = 0; !r && done < spans[i].len; done += MAX_PIECE) {
			unsigned int piece = min_t(unsigned int, spans[i].len - done, MAX_PIECE);

			r = write_piece(e, spans[i].gpa + done, spans[i].mmio, data, piece);
			data += piece;
		}
	}
	return r;
}

/* The whole write has been made in an earlier run of the handler. */
static bool replay_write(struct lodge_emu *e, gva_t gva, unsigned int len)
{
	unsigned int first = first_len(gva, len);
	unsigned int pieces = DIV_ROUND_UP(first, MAX_PIECE) +
			      DIV_ROUND_UP(len - first, MAX_PIECE);
	struct emu_journal *j = &e->journal;

	if (likely(j->write_end - j->write_pos < (int)pieces))
		return false;
	j->write_pos += pieces;
	return true;
}

/* Where a write goes: to nowhere, spans of no length, when it was made before. */
static int write_targets(struct lodge_emu *e, u8 seg, unsigned long offset, unsigned int len,
			 struct span spans[2])
{
	gva_t gva;
	int r;

	r = emu_linear(e, seg, offset, len, true, &gva);
	if (r)
		return r;
	if (replay_write(e, gva, len)) {
		memset(spans, 0, 2 * sizeof(*spans));
		return EMU_OK;
	}
	return translate_all(e, gva, len, access_bits(e, true), spans);
}

static noinline int write_any(struct lodge_emu *e, u8 seg, unsigned long offset,
			      const void *data, unsigned int len)
{
	struct span spans[2];
	int r = write_targets(e, seg, offset, len, spans);

	return r ? r : write_spans(e, spans, data);
}

int emu_write(struct lodge_emu *e, u8 seg, unsigned long offset, const void *data,
	      unsigned int len)
{
	if (unlikely(!is_the_access(e, offset, len)))
		return write_any(e, seg, offset, data, len);
	return write_piece(e, e->gpa, true, data, len);
}

static bool is_ram(struct lodge_emu *e, const struct span *span)
{
	bool writable = false;
	unsigned long hva;

	if (!span->len || span->mmio)
		return false;
	hva = lodge_gfn_to_hva(e->vcpu->vm, span->gpa >> PAGE_SHIFT, &writable);
	return !lodge_hva_error(hva) && writable;
}

/* 0 exchanged, 1 not: it holds something else; -EFAULT. */
static int cmpxchg_user(unsigned long hva, const void *old, const void *new, unsigned int len)
{
	union { u8 b; u16 w; u32 l; u64 q; } o, n;

	memcpy(&o, old, len);
	memcpy(&n, new, len);
	switch (len) {
	case 1:
		return __try_cmpxchg_user((u8 __user *)hva, &o.b, n.b, fault_b);
	case 2:
		return __try_cmpxchg_user((u16 __user *)hva, &o.w, n.w, fault_w);
	case 4:
		return __try_cmpxchg_user((u32 __user *)hva, &o.l, n.l, fault_l);
	default:
		return __try_cmpxchg_user((u64 __user *)hva, &o.q, n.q, fault_q);
	}
}

static int cmpxchg_ram(struct lodge_emu *e, gpa_t gpa, const void *old, const void *new,
		       unsigned int len)
{
	struct lodge_vm *vm = e->vcpu->vm;
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct lodge_memslot *slot = lodge_gfn_to_slot(vm, gfn);
	int r;

	if (!slot)
		return EMU_UNKNOWN;
	r = cmpxchg_user(lodge_gfn_to_hva(vm, gfn, NULL) + offset_in_page(gpa), old, new, len);
	if (r < 0)
		return r;
	/* Another CPU came between: the guest's instruction starts over. */
	if (r)
		return EMU_RETRY;
	lodge_mark_page_dirty(slot, gfn);
	lodge_mmu_written(vm, gpa, len);
	return EMU_OK;
}

int emu_write_locked(struct lodge_emu *e, u8 seg, unsigned long offset, const void *old,
		     const void *new, unsigned int len)
{
	struct span spans[2];
	int r = write_targets(e, seg, offset, len, spans);

	if (r)
		return r;
	if (is_ram(e, &spans[0]) || is_ram(e, &spans[1])) {
		/* Two pages, or 16 bytes: no atomic access of ours is that. */
		if (spans[1].len || len > sizeof(u64))
			return EMU_UNKNOWN;
		return cmpxchg_ram(e, spans[0].gpa, old, new, len);
	}
	return write_spans(e, spans, new);
}

int emu_read_ram(struct lodge_emu *e, gva_t linear, void *data, unsigned int len)
{
	struct span span;
	int r = translate(e, linear, len, access_bits(e, false), &span);

	if (r)
		return r;
	if (span.mmio || lodge_read_guest(e->vcpu->vm, span.gpa, data, len))
		return EMU_UNKNOWN;
	return EMU_OK;
}

int emu_write_ram(struct lodge_emu *e, gva_t linear, const void *data, unsigned int len)
{
	struct span span;
	int r = translate(e, linear, len, access_bits(e, true), &span);

	if (r)
		return r;
	if (!is_ram(e, &span) || lodge_write_guest(e->vcpu->vm, span.gpa, data, len))
		return EMU_UNKNOWN;
	return EMU_OK;
}

int emu_probe_read(struct lodge_emu *e, gva_t linear, unsigned int len)
{
	struct span spans[2];

	return translate_all(e, linear, len, access_bits(e, false), spans);
}

int emu_probe_write(struct lodge_emu *e, gva_t linear, unsigned int len)
{
	struct span spans[2];

	return translate_all(e, linear, len, access_bits(e, true), spans);
}

/* What an access of the CPU's own came to. */
static int system_result(struct lodge_emu *e, int r, const struct lodge_walk *walk)
{
	if (r == -EFAULT) {
		lodge_queue_page_fault(e->vcpu, walk->addr, walk->error_code);
		return EMU_FAULT;
	}
	return r ? EMU_UNKNOWN : EMU_OK;
}

int emu_read_system(struct lodge_emu *e, gva_t linear, void *data, unsigned int len)
{
	struct lodge_walk walk;
	int r = lodge_read_gva(e->vcpu, linear, data, len, PFERR_IMPLICIT, &walk);

	return system_result(e, r, &walk);
}

int emu_write_system(struct lodge_emu *e, gva_t linear, const void *data, unsigned int len)
{
	struct lodge_walk walk;
	int r = lodge_write_gva(e->vcpu, linear, data, len, PFERR_IMPLICIT, &walk);

	return system_result(e, r, &walk);
}
