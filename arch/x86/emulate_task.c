// SPDX-License-Identifier: GPL-2.0
/*
 * Task switches by hardware: far JMP and CALL, IRET with NT, and events through a task gate
 * (SDM vol. 3, Task Management; APM vol. 2, Hardware Task Management).  No CPU does them in
 * a guest: each is an exit, or met by the emulator on its own way.
 *
 * Up to the point where the new task's registers are loaded all that fails is a fault of
 * the old task, which is unchanged; from there on, one of the new task's, which has all
 * of its registers but the segments that could not be loaded.
 */
#include <asm/trapnr.h>

#include "debug_regs.h"
#include "emu.h"
#include "emulate.h"
#include "exit.h"
#include "regs_inline.h"

/* SDM vol. 3, 32-Bit Task-State Segment; 16-Bit Task-State Segment: the figures. */
struct tss32 {
	u32 link, stacks[6], cr3, eip, eflags, regs[8];
	u32 seg[6];		/* as instructions number them */
	u32 ldt;
	u16 trap, io_map;
};

struct tss16 {
	u16 link, stacks[6], ip, flags, regs[8];
	u16 seg[4];		/* ES, CS, SS, DS */
	u16 ldt;
};

static_assert(sizeof(struct tss32) == 104 && sizeof(struct tss16) == 44);

/* What a TSS has of a task, of whatever size it is. */
struct task {
	u32 link, cr3, eip, eflags, regs[8];
	u16 seg[6], ldt;
	bool trap;
};

struct task_switch {
	enum lodge_task_switch reason;
	bool has_error;
	u32 error;
	struct kvm_segment old, new;	/* the TSSs */
	struct emu_desc old_desc, new_desc;
};

static bool is_32bit(const struct kvm_segment *tss)
{
	return tss->type & 8;
}

/* --- the TSS in memory --- */

static int read_task32(struct lodge_emu *e, gva_t at, struct task *t)
{
	struct tss32 tss;
	int r = emu_read_system(e, at, &tss, sizeof(tss));
	int i;

	if (r)
		return r;
	*t = (struct task) {
		.link = tss.link, .cr3 = tss.cr3, .eip = tss.eip, .eflags = tss.eflags,
		.ldt = tss.ldt, .trap = tss.trap & 1,
	};
	memcpy(t->regs, tss.regs, sizeof(t->regs));
	for (i = 0; i < ARRAY_SIZE(t->seg); i++)
		t->seg[i] = tss.seg[i];
	return EMU_OK;
}

/* A 16-bit task's FS and GS are null, and the upper halves of its registers all ones. */
static int read_task16(struct lodge_emu *e, gva_t at, struct task *t)
{
	struct tss16 tss;
	int r = emu_read_system(e, at, &tss, sizeof(tss));
	int i;

	if (r)
		return r;
	*t = (struct task) {
		.link = tss.link, .eip = tss.ip, .eflags = tss.flags, .ldt = tss.ldt,
	};
	for (i = 0; i < ARRAY_SIZE(t->regs); i++)
		t->regs[i] = 0xffff0000 | tss.regs[i];
	for (i = 0; i < ARRAY_SIZE(tss.seg); i++)
		t->seg[i] = tss.seg[i];
	return EMU_OK;
}

static int write_task32(struct lodge_emu *e, gva_t at, const struct task *t)
{
	struct tss32 tss = { .eip = t->eip, .eflags = t->eflags };
	const unsigned int first = offsetof(struct tss32, eip);
	int i;

	memcpy(tss.regs, t->regs, sizeof(tss.regs));
	for (i = 0; i < ARRAY_SIZE(t->seg); i++)
		tss.seg[i] = t->seg[i];
	return emu_write_system(e, at + first, &tss.eip, offsetof(struct tss32, ldt) - first);
}

static int write_task16(struct lodge_emu *e, gva_t at, const struct task *t)
{
	struct tss16 tss = { .ip = t->eip, .flags = t->eflags };
	const unsigned int first = offsetof(struct tss16, ip);
	int i;

	for (i = 0; i < ARRAY_SIZE(t->regs); i++)
		tss.regs[i] = t->regs[i];
	for (i = 0; i < ARRAY_SIZE(tss.seg); i++)
		tss.seg[i] = t->seg[i];
	return emu_write_system(e, at + first, &tss.ip, offsetof(struct tss16, ldt) - first);
}

/* --- before: the descriptors --- */

/* The new task's, which JMP, CALL and events want available, and IRET busy. */
static int check_new(struct lodge_emu *e, u16 sel, struct task_switch *ts)
{
	bool back = ts->reason == LODGE_TASK_IRET;
	u8 vector = back ? X86_TRAP_TS : X86_TRAP_GP;
	int r;

	if (!(sel & ~3) || (sel & 4))
		return emu_selector_fault(e, vector, sel);
	r = emu_read_desc(e, sel, vector, &ts->new_desc);
	if (r)
		return r;
	emu_unpack_desc(&ts->new, &ts->new_desc);
	if (ts->new.s || (ts->new.type & ~8) != (back ? 3 : 1))
		return emu_selector_fault(e, vector, sel);
	if (!ts->new.present)
		return emu_selector_fault(e, X86_TRAP_NP, sel);
	if (ts->new.limit < (is_32bit(&ts->new) ? sizeof(struct tss32) : sizeof(struct tss16)) - 1)
		return emu_selector_fault(e, X86_TRAP_TS, sel);
	return EMU_OK;
}

/* The old one's registers, to where they are kept, and its descriptor as it is to be. */
static int leave_old(struct lodge_emu *e, struct task_switch *ts)
{
	struct lodge_vcpu *vcpu = e->vcpu;
	struct task t = { .eip = e->next_rip, .eflags = lodge_rflags(vcpu) };
	bool nested = ts->reason == LODGE_TASK_CALL || ts->reason == LODGE_TASK_GATE;
	int i, r;

	if (ts->reason == LODGE_TASK_IRET)
		t.eflags &= ~X86_EFLAGS_NT;
	for (i = 0; i < ARRAY_SIZE(t.regs); i++)
		t.regs[i] = lodge_reg(vcpu, i);
	for (i = 0; i < ARRAY_SIZE(t.seg); i++)
		t.seg[i] = emu_selector(e, i);
	r = is_32bit(&ts->old) ? write_task32(e, ts->old.base, &t) :
				 write_task16(e, ts->old.base, &t);
	/* Who is to be returned to stays busy. */
	if (!r && !nested)
		r = emu_write_desc_type(e, &ts->old_desc, ts->old.type & ~2);
	return r;
}

static int enter_new(struct lodge_emu *e, struct task_switch *ts, struct task *t)
{
	u32 link = ts->old.selector;
	int r;

	r = is_32bit(&ts->new) ? read_task32(e, ts->new.base, t) : read_task16(e, ts->new.base, t);
	if (!r && (ts->reason == LODGE_TASK_CALL || ts->reason == LODGE_TASK_GATE)) {
		t->eflags |= X86_EFLAGS_NT;
		r = emu_write_system(e, ts->new.base, &link, 2);
	}
	ts->new.type |= 2;
	if (!r)
		r = emu_write_desc_type(e, &ts->new_desc, ts->new.type);
	return r;
}

/* --- after: the new task's registers --- */

static void load_registers(struct lodge_emu *e, const struct task_switch *ts, const struct task *t)
{
	struct lodge_vcpu *vcpu = e->vcpu;
	unsigned int cpl = t->eflags & X86_EFLAGS_VM ? 3 : t->seg[SEG_CS] & 3;
	struct kvm_segment s;
	int i;

	for (i = 0; i < ARRAY_SIZE(t->regs); i++)
		lodge_set_reg(vcpu, i, t->regs[i]);
	lodge_set_rflags(vcpu, t->eflags & EMU_ALL_FLAGS);
	lodge_set_reg(vcpu, LODGE_RIP, t->eip);
	e->next_rip = t->eip;
	lodge_be(set_segment)(vcpu, &ts->new, LODGE_SEG_TR);
	/* Their selectors, until they are loaded one by one. */
	emu_null_segment(&s, t->ldt, 0);
	lodge_be(set_segment)(vcpu, &s, LODGE_SEG_LDTR);
	for (i = 0; i < ARRAY_SIZE(t->seg); i++) {
		if (t->eflags & X86_EFLAGS_VM) {
			emu_vm86_segment(e, i, t->seg[i]);
			continue;
		}
		emu_null_segment(&s, t->seg[i], cpl);
		lodge_be(set_segment)(vcpu, &s, i);
	}
	/* Local breakpoints are a task's own (SDM vol. 3, Debug Control Register (DR7)). */
	lodge_write_dr(vcpu, 7, vcpu->arch.dr7 & ~0x55ul);
	lodge_write_cr0(vcpu, lodge_cr0(vcpu) | X86_CR0_TS);
}

int emu_load_ldt(struct lodge_emu *e, u16 sel, u8 vector)
{
	struct kvm_segment s;
	struct emu_desc d;
	int r;

	if (!(sel & ~3)) {
		emu_null_segment(&s, sel, 0);
		lodge_be(set_segment)(e->vcpu, &s, LODGE_SEG_LDTR);
		return EMU_OK;
	}
	if (sel & 4)
		return emu_selector_fault(e, vector, sel);
	r = emu_read_desc(e, sel, vector, &d);
	if (!r)
		r = emu_read_desc_high(e, vector, &d);
	if (r)
		return r;
	emu_unpack_desc(&s, &d);
	if (s.s || s.type != DESC_LDT)
		return emu_selector_fault(e, vector, sel);
	/* LLDT says what is not there, a task switch only that it is wrong. */
	if (!s.present)
		return emu_selector_fault(e, vector == X86_TRAP_GP ? X86_TRAP_NP : vector, sel);
	lodge_be(set_segment)(e->vcpu, &s, LODGE_SEG_LDTR);
	return EMU_OK;
}

static int load_code(struct lodge_emu *e, u16 sel, u32 eip)
{
	unsigned int rpl = sel & 3;
	struct kvm_segment cs;
	struct emu_desc d;
	int r;

	if (!(sel & ~3))
		return emu_selector_fault(e, X86_TRAP_TS, sel);
	r = emu_read_desc(e, sel, X86_TRAP_TS, &d);
	if (r)
		return r;
	emu_unpack_desc(&cs, &d);
	if (!cs.s || !(cs.type & 8) || (cs.type & 4 ? cs.dpl > rpl : cs.dpl != rpl))
		return emu_selector_fault(e, X86_TRAP_TS, sel);
	if (!cs.present)
		return emu_selector_fault(e, X86_TRAP_NP, sel);
	r = emu_mark_accessed(e, &d, &cs);
	if (r)
		return r;
	lodge_be(set_segment)(e->vcpu, &cs, LODGE_SEG_CS);
	return eip > cs.limit ? emu_fault_e(e, X86_TRAP_GP, e->ext) : EMU_OK;
}

static int load_segments(struct lodge_emu *e, const struct task *t)
{
	static const u8 order[] = { SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS };
	unsigned int cpl = t->seg[SEG_CS] & 3;
	struct kvm_segment s;
	int i, r;

	r = emu_load_ldt(e, t->ldt, X86_TRAP_TS);
	if (r || (t->eflags & X86_EFLAGS_VM))
		return r;
	r = load_code(e, t->seg[SEG_CS], t->eip);
	for (i = 0; !r && i < ARRAY_SIZE(order); i++) {
		r = emu_check_segment(e, order[i], t->seg[order[i]], cpl, X86_TRAP_TS, &s);
		if (!r)
			lodge_be(set_segment)(e->vcpu, &s, order[i]);
	}
	return r;
}

static int push_error(struct lodge_emu *e, const struct task_switch *ts)
{
	struct emu_frame f;
	int r;

	emu_same_stack(e, &f);
	f.size = is_32bit(&ts->new) ? 4 : 2;
	emu_frame_push(&f, ts->error);
	r = emu_frame_write(e, &f);
	if (!r)
		emu_frame_load(e, &f);
	return r;
}

/* The event, if it was one, is delivered: nothing of it is to be injected again. */
static void event_done(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu_arch *a = &vcpu->arch;

	if (a->nmi_injected)
		lodge_be(set_nmi_mask)(vcpu, true);
	a->nmi_injected = false;
	a->exception.injected = false;
	a->interrupt.injected = false;
}

static int task_switch(struct lodge_emu *e, u16 sel, struct task_switch *ts)
{
	struct lodge_vcpu *vcpu = e->vcpu;
	struct task t;
	int r;

	lodge_be(get_segment)(vcpu, &ts->old, LODGE_SEG_TR);
	r = check_new(e, sel, ts);
	if (!r)
		r = emu_read_desc(e, ts->old.selector, X86_TRAP_TS, &ts->old_desc);
	if (!r)
		r = leave_old(e, ts);
	if (!r)
		r = enter_new(e, ts, &t);
	if (r)
		return r;
	if (ts->reason == LODGE_TASK_GATE)
		event_done(vcpu);
	if (ts->reason == LODGE_TASK_IRET)
		lodge_be(set_nmi_mask)(vcpu, false);
	if (is_32bit(&ts->new) && lodge_is_paging(vcpu) && lodge_write_cr3(vcpu, t.cr3))
		return emu_fault_e(e, X86_TRAP_TS, ts->new.selector & ~3);
	load_registers(e, ts, &t);
	e->tf = false;
	r = load_segments(e, &t);
	if (!r && ts->has_error)
		r = push_error(e, ts);
	if (!r && t.trap)
		lodge_queue_exception_p(vcpu, X86_TRAP_DB, LODGE_DR6_BT);
	return r;
}

/* --- who asks --- */

int emu_task_by_branch(struct lodge_emu *e, const struct emu_desc *d, const struct kvm_segment *s)
{
	struct task_switch ts = {
		.reason = e->insn->op == OP_CALL_FAR ? LODGE_TASK_CALL : LODGE_TASK_JMP,
	};
	bool gate = s->type == GATE_TASK;

	if (s->dpl < emu_cpl(e) || s->dpl < (d->sel & 3))
		return emu_selector_fault(e, X86_TRAP_GP, d->sel);
	if (gate && !s->present)
		return emu_selector_fault(e, X86_TRAP_NP, d->sel);
	return task_switch(e, gate ? d->low >> 16 : d->sel, &ts);
}

int emu_task_by_gate(struct lodge_emu *e, u16 sel)
{
	struct task_switch ts = { .reason = LODGE_TASK_GATE };

	return task_switch(e, sel, &ts);
}

int emu_task_return(struct lodge_emu *e)
{
	struct task_switch ts = { .reason = LODGE_TASK_IRET };
	struct kvm_segment tr;
	u16 link;
	int r;

	lodge_be(get_segment)(e->vcpu, &tr, LODGE_SEG_TR);
	r = emu_read_system(e, tr.base, &link, sizeof(link));
	return r ?: task_switch(e, link, &ts);
}

/* Behind the instruction, but without the trap that would be due there: that is the new task's. */
static int skip_instruction(struct lodge_vcpu *vcpu)
{
	unsigned long tf = lodge_rflags(vcpu) & X86_EFLAGS_TF;
	int r;

	lodge_set_rflags(vcpu, lodge_rflags(vcpu) & ~X86_EFLAGS_TF);
	r = lodge_be(skip_instruction)(vcpu);
	lodge_set_rflags(vcpu, lodge_rflags(vcpu) | tf);
	return r;
}

int lodge_task_switch(struct lodge_vcpu *vcpu, u16 sel, enum lodge_task_switch reason,
		      bool insn, bool has_error, u32 error)
{
	/* None, but of the mode that has task switches. */
	static const struct lodge_insn no_insn = { .op = OP_UNKNOWN, .mode = 4 };
	struct task_switch ts = { .reason = reason, .has_error = has_error, .error = error };
	struct lodge_emu *e = vcpu->arch.emu;
	unsigned long rip = lodge_rip(vcpu);
	int r;

	if (insn) {
		r = skip_instruction(vcpu);
		/* Where its fetch faulted, the instruction has yet to be executed. */
		if (r != LODGE_RESUME || lodge_rip(vcpu) == rip)
			return r;
	}
	e->insn = &no_insn;
	e->next_rip = lodge_rip(vcpu);
	lodge_set_reg(vcpu, LODGE_RIP, rip);
	e->ext = reason == LODGE_TASK_GATE && !insn;
	emu_journal_clear(&e->journal);
	r = task_switch(e, sel, &ts);
	e->ext = 0;
	if (r == EMU_OK)
		lodge_be(set_interrupt_shadow)(vcpu, 0);
	if (r == EMU_UNKNOWN)
		return lodge_emulation_failure(vcpu, NULL, 0);
	return r < 0 ? r : LODGE_RESUME;
}
