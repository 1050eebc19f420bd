// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction emulator's driver: fetch, decode, run the handler, and go on
 * after the instruction or answer its failure.  emu.h has the contract between
 * the parts.
 */
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "debug_regs.h"
#include "emu.h"
#include "emulate.h"
#include "exit.h"
#include "mmu/mmu.h"
#include "regs_inline.h"
#include "trace.h"

int lodge_emu_create(struct lodge_vcpu *vcpu)
{
	struct lodge_emu *e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);

	if (!e)
		return -ENOMEM;
	e->vcpu = vcpu;
	vcpu->arch.emu = e;
	return 0;
}

void lodge_emu_destroy(struct lodge_vcpu *vcpu)
{
	kfree(vcpu->arch.emu);
	vcpu->arch.emu = NULL;
}

int emu_fault(struct lodge_emu *e, u8 vector)
{
	lodge_queue_exception(e->vcpu, vector);
	return EMU_FAULT;
}

int emu_fault_e(struct lodge_emu *e, u8 vector, u32 error_code)
{
	lodge_queue_exception_e(e->vcpu, vector, error_code);
	return EMU_FAULT;
}

int lodge_advance_rip(struct lodge_vcpu *vcpu, unsigned long rip)
{
	unsigned long flags = lodge_rflags(vcpu);

	lodge_set_reg(vcpu, LODGE_RIP, rip);
	lodge_be(set_interrupt_shadow)(vcpu, 0);
	if (likely(!(flags & (X86_EFLAGS_TF | X86_EFLAGS_RF))))
		return LODGE_RESUME;
	lodge_set_rflags(vcpu, flags & ~X86_EFLAGS_RF);
	if (!(flags & X86_EFLAGS_TF))
		return LODGE_RESUME;
	/* The trap after a single step, which the CPU would have raised. */
	return lodge_exit_debug(vcpu, DR_STEP | LODGE_DR6_ACTIVE_LOW);
}

/* The linear address of RIP, in code of @mode (lodge_backend.get_code_size). */
static gva_t code_address(struct lodge_vcpu *vcpu, unsigned int mode)
{
	gva_t rip = lodge_rip(vcpu);

	if (likely(mode == 8))
		return rip;
	return (u32)(rip + lodge_be(get_segment_base)(vcpu, LODGE_SEG_CS));
}

static unsigned long advance(unsigned int mode, unsigned long rip, unsigned int len)
{
	return mode == 8 ? rip + len : (u32)(rip + len);
}

/* Up to @max bytes at @gva: how many, or EMU_FAULT or EMU_UNKNOWN as a negative. */
static int fetch(struct lodge_emu *e, gva_t gva, u8 *bytes, int max)
{
	int n = lodge_fetch_insn(e->vcpu, gva, bytes, max, &e->walk);

	if (likely(n > 0))
		return n;
	if (n != -EFAULT)
		return -EMU_UNKNOWN;
	lodge_queue_page_fault(e->vcpu, e->walk.addr, e->walk.error_code);
	return -EMU_FAULT;
}

/* The instruction goes on where the bytes end: why do they? */
static noinline int short_insn(struct lodge_emu *e, gva_t gva)
{
	u8 byte;
	int n;

	if (e->nr_bytes == INSN_MAX_LEN)
		return emu_fault_e(e, X86_TRAP_GP, 0);
	n = fetch(e, gva + e->nr_bytes, &byte, 1);
	/* It is there now: let the CPU look again. */
	return n > 0 ? EMU_RETRY : -n;
}

/* The mask of the first @len bytes of two words. */
static void byte_masks(u64 mask[2], unsigned int len)
{
	mask[0] = len >= 8 ? ~0ull : BIT_ULL(8 * len) - 1;
	mask[1] = len <= 8 ? 0 : BIT_ULL(8 * (len - 8)) - 1;
}

static enum insn_status decode(struct lodge_emu *e, unsigned int mode)
{
	struct emu_decoded *d = &e->decoded[(e->rip ^ (e->rip >> 3)) % EMU_DECODED];
	enum insn_status status;

	e->insn = &d->insn;
	if (likely(d->insn.mode == mode && d->insn.len <= e->nr_bytes &&
		   !((d->bytes[0] ^ e->words[0]) & d->mask[0]) &&
		   !((d->bytes[1] ^ e->words[1]) & d->mask[1])))
		return INSN_OK;

	status = lodge_decode(&d->insn, mode, e->bytes, e->nr_bytes);
	if (status != INSN_OK) {
		d->insn.mode = 0;
		return status;
	}
	byte_masks(d->mask, d->insn.len);
	d->bytes[0] = e->words[0];
	d->bytes[1] = e->words[1];
	return INSN_OK;
}

static int fetch_and_decode(struct lodge_emu *e, const void *insn, int len)
{
	struct lodge_vcpu *vcpu = e->vcpu;
	enum insn_status status = INSN_SHORT;
	unsigned int mode;
	gva_t gva;
	int n;

	mode = lodge_be(get_code_size)(vcpu);
	gva = code_address(vcpu, mode);
	e->rip = lodge_rip(vcpu);
	e->nr_bytes = 0;
	if (len > 0) {
		e->nr_bytes = min(len, INSN_MAX_LEN);
		memcpy(e->bytes, insn, e->nr_bytes);
		status = decode(e, mode);
	}
	if (status == INSN_SHORT && e->nr_bytes < INSN_MAX_LEN) {
		n = fetch(e, gva, e->bytes, INSN_MAX_LEN);
		if (unlikely(n < 0))
			return -n;
		e->nr_bytes = n;
		status = decode(e, mode);
	}
	if (likely(status == INSN_OK)) {
		e->next_rip = advance(mode, e->rip, e->insn->len);
		return EMU_OK;
	}
	switch (status) {
	case INSN_SHORT:
		return short_insn(e, gva);
	case INSN_INVALID:
		return emu_fault(e, X86_TRAP_UD);
	default:
		return EMU_UNKNOWN;
	}
}

static bool is_plain_store(const struct lodge_insn *i)
{
	return i->op == OP_MOV && i->mem && i->dst == OPND_RM;
}

/*
 * Go on behind an instruction that is done, in the shadow that it leaves.  The trap of a
 * single step is due if TF was set as it began, whatever it made of TF, and waits behind a
 * load of SS (APM vol. 2, Single Stepping; SDM vol. 2, MOV).
 */
static int finish(struct lodge_emu *e)
{
	struct lodge_vcpu *vcpu = e->vcpu;
	unsigned long flags = lodge_rflags(vcpu);

	lodge_set_reg(vcpu, LODGE_RIP, e->next_rip);
	lodge_be(set_interrupt_shadow)(vcpu, e->shadow);
	/* What IRET loads is for the instruction that it returns to. */
	if (unlikely(flags & X86_EFLAGS_RF) && e->insn->op != OP_IRET)
		lodge_set_rflags(vcpu, flags & ~X86_EFLAGS_RF);
	if (likely(!e->tf) || e->shadow == KVM_X86_SHADOW_INT_MOV_SS)
		return LODGE_RESUME;
	return lodge_exit_debug(vcpu, DR_STEP | LODGE_DR6_ACTIVE_LOW);
}

static int answer(struct lodge_emu *e, int r)
{
	struct lodge_vcpu *vcpu = e->vcpu;

	trace_kvm_emulate_insn(vcpu, e->bytes, e->nr_bytes, r == EMU_UNKNOWN);
	if (likely(r == EMU_OK))
		return finish(e);
	switch (r) {
	case EMU_TELL_USER:
		r = finish(e);
		if (r != LODGE_RESUME)
			return r;
		vcpu->run->exit_reason = e->exit_reason;
		return LODGE_TO_USER;
	case EMU_REPEAT:
		/* Between two elements: a trap, if one is due, but RF stays for the rest. */
		if (lodge_rflags(vcpu) & X86_EFLAGS_TF)
			return lodge_advance_rip(vcpu, e->rip);
		return LODGE_RESUME;
	case EMU_FAULT:
	case EMU_RETRY:
		return LODGE_RESUME;
	case EMU_USER:
		return LODGE_TO_USER;
	case EMU_UNKNOWN:
		vcpu->stats.insn_emulation_fail++;
		return lodge_emulation_failure(vcpu, e->bytes, e->nr_bytes);
	default:
		return r;
	}
}

/*
 * User space has answered.  If it has also moved RIP (a reset, or a restored
 * state), the answer belongs to an instruction that is no more.
 */
static int complete_emulation(struct lodge_vcpu *vcpu)
{
	struct lodge_emu *e = vcpu->arch.emu;

	if (lodge_rip(vcpu) != e->rip)
		return LODGE_RESUME;
	emu_take_answer(e);
	emu_journal_rewind(&e->journal);
	return answer(e, emu_run_handler(e));
}

int emu_to_user(struct lodge_emu *e)
{
	e->vcpu->complete = complete_emulation;
	return EMU_USER;
}

/* User space has the whole of a plain store: the instruction is over. */
static int complete_store(struct lodge_vcpu *vcpu)
{
	struct lodge_emu *e = vcpu->arch.emu;

	return lodge_rip(vcpu) == e->rip ? answer(e, EMU_OK) : LODGE_RESUME;
}

/* A register or an immediate to memory: nearly all that devices see of a busy guest. */
static int do_plain_store(struct lodge_emu *e)
{
	const struct lodge_insn *i = e->insn;
	int r;

	e->datum = i->src == OPND_IMM ? i->imm : emu_reg(e, i->reg, i->size);
	r = emu_write(e, i->seg, emu_address(e), &e->datum, i->size);
	if (r == EMU_USER && offset_in_page(e->mmio_gpa) + i->size <= PAGE_SIZE)
		e->vcpu->complete = complete_store;
	return r;
}

/*
 * A hypercall in the other vendor's encoding: give the guest this CPU's, as
 * KVM_X86_QUIRK_FIX_HYPERCALL_INSN promises, and let it execute that.
 */
static int fix_hypercall(struct lodge_emu *e)
{
	static const u8 vmcall[3] = { 0x0f, 0x01, 0xc1 }, vmmcall[3] = { 0x0f, 0x01, 0xd9 };
	const u8 *ours = lodge_backend->isa == LODGE_ISA_SVM ? vmmcall : vmcall;
	u8 other = lodge_backend->isa == LODGE_ISA_SVM ? OP_VMCALL : OP_VMMCALL;
	struct lodge_vcpu *vcpu = e->vcpu;
	struct lodge_walk *walk = &e->walk;
	gva_t gva;
	int r;

	if (e->insn->op != other ||
	    (vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_FIX_HYPERCALL_INSN))
		return emu_fault(e, X86_TRAP_UD);
	gva = code_address(vcpu, e->insn->mode) + e->insn->len - sizeof(vmcall);
	r = lodge_write_gva(vcpu, gva, ours, sizeof(vmcall),
			    PFERR_WRITE | (emu_cpl(e) == 3 ? PFERR_USER : 0), walk);
	if (r == -EFAULT) {
		lodge_queue_page_fault(vcpu, walk->addr, walk->error_code);
		return EMU_FAULT;
	}
	return r ? EMU_UNKNOWN : EMU_RETRY;
}

/* These have a second memory operand: which of the two the exit's address is of is not known. */
static bool two_memory_operands(const struct lodge_insn *i)
{
	switch (i->op) {
	case OP_MOVS:
	case OP_CMPS:
	case OP_PUSH:
	case OP_POP:
	case OP_CALL:
		return true;
	default:
		return false;
	}
}

/*
 * For tests, as KVM's parameter of the same name is: what follows these bytes, the first
 * two of which are UD2, is emulated, whether the CPU could execute it or not.
 */
static bool force_emulation_prefix;
module_param(force_emulation_prefix, bool, 0644);
MODULE_PARM_DESC(force_emulation_prefix, "emulate an instruction that has the prefix 0F 0B 6B 76 6D");

static bool is_forced(const struct lodge_emu *e)
{
	static const u8 prefix[] = { 0x0f, 0x0b, 'k', 'v', 'm' };

	return unlikely(READ_ONCE(force_emulation_prefix)) && e->nr_bytes >= sizeof(prefix) &&
	       !memcmp(e->bytes, prefix, sizeof(prefix));
}

int lodge_emulate(struct lodge_vcpu *vcpu, gpa_t gpa, u32 flags, const void *insn, int len)
{
	struct lodge_emu *e = vcpu->arch.emu;
	int r;

	vcpu->stats.insn_emulation++;
	r = fetch_and_decode(e, insn, len);
	if (flags & LODGE_EMU_UD) {
		if (is_forced(e)) {
			lodge_set_reg(vcpu, LODGE_RIP, lodge_rip(vcpu) + 5);
			return lodge_emulate(vcpu, 0, 0, NULL, 0);
		}
		/* What is not known here is not known to be more than the CPU's own #UD. */
		if (r == EMU_UNKNOWN && e->nr_bytes)
			r = emu_fault(e, X86_TRAP_UD);
		else if (r == EMU_OK)
			r = fix_hypercall(e);
		return answer(e, r);
	}
	if (unlikely(r))
		return answer(e, r);
	if (flags & LODGE_EMU_SKIP)
		return lodge_advance_rip(vcpu, e->next_rip);

	emu_journal_clear(&e->journal);
	e->tf = lodge_rflags(vcpu) & X86_EFLAGS_TF;
	e->shadow = 0;
	e->pio_count = 0;
	e->gpa = gpa;
	e->gpa_valid = (flags & LODGE_EMU_PF) && !two_memory_operands(e->insn);
	e->flat = e->gpa_valid && e->insn->mode == 8 && e->insn->seg < SEG_FS;
	if (likely(is_plain_store(e->insn)))
		return answer(e, do_plain_store(e));
	return answer(e, emu_run_handler(e));
}

static bool starts_with(const u8 *bytes, const u8 *opcode, int len)
{
	while (len && *bytes == *opcode) {
		bytes++;
		opcode++;
		len--;
	}
	return !len;
}

int lodge_skip_known(struct lodge_vcpu *vcpu, const u8 *opcode, int len, int total)
{
	unsigned int mode = lodge_be(get_code_size)(vcpu), prefixes = 0;
	struct lodge_emu *e = vcpu->arch.emu;
	u8 *bytes = e->bytes;
	int n;

	n = fetch(e, code_address(vcpu, mode), bytes, INSN_MAX_LEN);
	if (n == -EMU_FAULT)
		return LODGE_RESUME;
	if (n < 0)
		return lodge_emulation_failure(vcpu, NULL, 0);
	/* Most have no prefix. */
	if (unlikely(n < len || !starts_with(bytes, opcode, len))) {
		prefixes = lodge_decode_prefixes(mode, bytes, n);
		if (n - (int)prefixes < len || !starts_with(bytes + prefixes, opcode, len))
			return lodge_emulation_failure(vcpu, bytes, n);
	}
	lodge_set_reg(vcpu, LODGE_RIP, advance(mode, lodge_rip(vcpu), prefixes + total));
	return LODGE_RESUME;
}
