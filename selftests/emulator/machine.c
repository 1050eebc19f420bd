// SPDX-License-Identifier: GPL-2.0
/*
 * What decoder and emulator ask of the module, answered for one guest in a program:
 * see machine.h.  The functions are the module's; what they do here is what their
 * contracts say (kmod/backend.h and the headers of their own), and no more.
 */
#include "machine.h"

#include "cpuid.h"
#include "debug_regs.h"
#include "emulate.h"
#include "exit.h"
#include "io_bus.h"
#include "irqchip/irqchip.h"
#include "memslot.h"
#include "msr.h"
#include "regs_inline.h"
#include "time.h"

static const struct lodge_backend svm_like = { .name = "none", .isa = 2 };
const struct lodge_backend *lodge_backend = &svm_like;
struct lodge_caps lodge_caps;
typeof(boot_cpu_data) boot_cpu_data;

/* --- the machine --- */

void machine_init(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	m->vcpu.vm = &m->vm;
	m->vcpu.run = &m->run;
	m->vcpu.pio_data = m->pio_data;
	if (lodge_emu_create(&m->vcpu))
		abort();
}

void machine_free(struct machine *m)
{
	lodge_emu_destroy(&m->vcpu);
}

void machine_reset(struct machine *m)
{
	struct lodge_vcpu_arch *a = &m->vcpu.arch;
	struct lodge_emu *emu = a->emu;
	int i;

	memset(a, 0, sizeof(*a));
	a->emu = emu;
	a->regs_avail = ~0u;
	a->regs[LODGE_RFLAGS] = X86_EFLAGS_FIXED;
	a->cr0 = X86_CR0_ET;
	a->dr6 = LODGE_DR6_ACTIVE_LOW;
	a->dr7 = LODGE_DR7_FIXED;
	a->maxphyaddr = 48;
	m->vcpu.complete = NULL;
	m->vcpu.requests = 0;
	for (i = 0; i < LODGE_SEG_LDTR; i++)
		m->seg[i] = (struct kvm_segment) {
			.limit = 0xffff, .type = 3, .s = 1, .present = 1,
		};
	m->seg[LODGE_SEG_LDTR] = (struct kvm_segment) { .unusable = 1 };
	m->seg[LODGE_SEG_TR] = (struct kvm_segment) { .limit = 0x67, .type = 11, .present = 1 };
	m->gdt = m->idt = (struct kvm_dtable) { .limit = 0xffff };
	m->nr_ranges = 0;
	m->shadow = 0;
	m->nmi_unmasked = m->triple_fault = m->outside = false;
	m->mmio_exits = 0;
}

struct machine_range *machine_map(struct machine *m, gva_t at, size_t size, u8 *bytes)
{
	struct machine_range *r = &m->range[m->nr_ranges++];

	if (m->nr_ranges > MACHINE_RANGES)
		abort();
	*r = (struct machine_range) { .at = at, .size = size, .bytes = bytes,
				      .user = true, .writable = true };
	return r;
}

void machine_flat(struct machine *m, unsigned int code_bytes, unsigned int cpl)
{
	struct lodge_vcpu_arch *a = &m->vcpu.arch;
	int i;

	a->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_NE | X86_CR0_MP | X86_CR0_WP;
	a->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	a->xcr0 = 7;
	a->efer = EFER_SCE | EFER_NX | EFER_LME | EFER_LMA;
	for (i = 0; i < LODGE_SEG_LDTR; i++)
		m->seg[i] = (struct kvm_segment) {
			.selector = 0x28 | cpl, .limit = 0xffffffff, .type = 3, .s = 1,
			.dpl = cpl, .present = 1, .db = 1, .g = 1,
		};
	m->seg[LODGE_SEG_CS].selector = 0x30 | cpl;
	m->seg[LODGE_SEG_CS].type = 11;
	m->seg[LODGE_SEG_CS].l = code_bytes == 8;
	m->seg[LODGE_SEG_CS].db = code_bytes == 4;
}

static struct machine_range *find(struct machine *m, gva_t at)
{
	for (int i = 0; i < m->nr_ranges; i++)
		if (at - m->range[i].at < m->range[i].size)
			return &m->range[i];
	return NULL;
}

/* Answer for the device that user space is. */
static void answer_mmio(struct machine *m)
{
	struct kvm_run *run = &m->run;
	unsigned int i;

	m->mmio_exits++;
	if (run->mmio.len > sizeof(run->mmio.data))
		abort();
	for (i = 0; i < run->mmio.len; i++) {
		struct machine_range *r = find(m, run->mmio.phys_addr + i);
		u8 *p = r ? r->bytes + (run->mmio.phys_addr + i - r->at) : NULL;

		if (!run->mmio.is_write)
			run->mmio.data[i] = p ? *p : 0xff;
		else if (p && r->writable)
			*p = run->mmio.data[i];
	}
}

enum machine_end machine_step(struct machine *m)
{
	int (*complete)(struct lodge_vcpu *vcpu);
	int r;

	m->run.exit_reason = 0;
	r = lodge_emulate(&m->vcpu, 0, 0, NULL, 0);
	while (r == LODGE_TO_USER && m->run.exit_reason == KVM_EXIT_MMIO) {
		answer_mmio(m);
		m->run.exit_reason = 0;
		complete = m->vcpu.complete;
		m->vcpu.complete = NULL;
		r = complete(&m->vcpu);
	}
	if (r == LODGE_RESUME)
		return MACHINE_DONE;
	if (r < 0)
		return MACHINE_ERROR;
	return m->run.exit_reason == KVM_EXIT_INTERNAL_ERROR ? MACHINE_UNKNOWN : MACHINE_TO_USER;
}

bool need_resched(void)
{
	static unsigned int n;

	return !(++n % 64);
}

/* --- memory --- */

bool lodge_gva_to_gpa(struct lodge_vcpu *vcpu, gva_t gva, u64 access, struct lodge_walk *walk)
{
	struct machine *m = machine_of(vcpu);
	struct machine_range *r = find(m, gva);

	walk->addr = gva;
	walk->error_code = access & (PFERR_WRITE | PFERR_USER | PFERR_FETCH);
	walk->gpa = gva;
	if (!r)
		m->outside = true;
	if (!lodge_is_paging(vcpu))
		return true;
	if (!r)
		return false;
	walk->error_code |= PFERR_PRESENT;
	return !(((access & PFERR_USER) && !r->user) || ((access & PFERR_WRITE) && !r->writable) ||
		 ((access & PFERR_FETCH) && !r->executable));
}

static u8 *ram(struct machine *m, gpa_t gpa, unsigned int len)
{
	struct machine_range *r = find(m, gpa);

	if (!r || r->mmio || gpa - r->at + len > r->size)
		return NULL;
	return r->bytes + (gpa - r->at);
}

int lodge_read_guest(struct lodge_vm *vm, gpa_t gpa, void *data, unsigned long len)
{
	u8 *p = ram(container_of(vm, struct machine, vm), gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(data, p, len);
	return 0;
}

int lodge_write_guest(struct lodge_vm *vm, gpa_t gpa, const void *data, unsigned long len)
{
	u8 *p = ram(container_of(vm, struct machine, vm), gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(p, data, len);
	return 0;
}

int lodge_read_gva(struct lodge_vcpu *vcpu, gva_t gva, void *data, unsigned int len, u64 access,
		   struct lodge_walk *walk)
{
	u8 *to = data;

	for (; len; len--, gva++, to++) {
		if (!lodge_gva_to_gpa(vcpu, gva, access, walk))
			return -EFAULT;
		if (lodge_read_guest(vcpu->vm, walk->gpa, to, 1))
			return -ENXIO;
	}
	return 0;
}

int lodge_write_gva(struct lodge_vcpu *vcpu, gva_t gva, const void *data, unsigned int len,
		    u64 access, struct lodge_walk *walk)
{
	const u8 *from = data;

	for (; len; len--, gva++, from++) {
		if (!lodge_gva_to_gpa(vcpu, gva, access | PFERR_WRITE, walk))
			return -EFAULT;
		if (lodge_write_guest(vcpu->vm, walk->gpa, from, 1))
			return -ENXIO;
	}
	return 0;
}

int lodge_fetch_insn(struct lodge_vcpu *vcpu, gva_t gva, u8 *buf, int len, struct lodge_walk *walk)
{
	u64 access = PFERR_FETCH | (call_lodge_get_cpl(vcpu) == 3 ? PFERR_USER : 0);
	struct machine *m = machine_of(vcpu);
	bool outside = m->outside;
	int n;

	for (n = 0; n < len; n++) {
		int r = lodge_read_gva(vcpu, gva + n, buf + n, 1, access, walk);

		if (r && !n)
			return r;
		if (r)
			break;
	}
	/* What lies behind the instruction is none of its business. */
	m->outside = outside;
	return n;
}

/* The slot of RAM: its host address is the range's, and its one page is asked for. */
struct lodge_memslot *lodge_gfn_to_slot(struct lodge_vm *vm, gfn_t gfn)
{
	static struct lodge_memslot slot;

	return ram(container_of(vm, struct machine, vm), gfn << PAGE_SHIFT, 1) ? &slot : NULL;
}

unsigned long lodge_gfn_to_hva(struct lodge_vm *vm, gfn_t gfn, bool *writable)
{
	u8 *p = ram(container_of(vm, struct machine, vm), gfn << PAGE_SHIFT, 1);

	if (writable)
		*writable = p;
	return p ? (unsigned long)p : ~0ul;
}

void lodge_mark_page_dirty(struct lodge_memslot *slot, gfn_t gfn)
{
}

/* --- registers --- */

void call_lodge_cache_reg(struct lodge_vcpu *vcpu, int reg)
{
}

void call_lodge_get_segment(struct lodge_vcpu *vcpu, struct kvm_segment *s, int seg)
{
	*s = machine_of(vcpu)->seg[seg];
}

/* "Accessed" is set whenever a segment is loaded, as both vendors' CPUs do. */
void call_lodge_set_segment(struct lodge_vcpu *vcpu, const struct kvm_segment *s, int seg)
{
	machine_of(vcpu)->seg[seg] = *s;
}

u64 call_lodge_get_segment_base(struct lodge_vcpu *vcpu, int seg)
{
	return machine_of(vcpu)->seg[seg].base;
}

int call_lodge_get_cpl(struct lodge_vcpu *vcpu)
{
	if (!lodge_is_protmode(vcpu))
		return 0;
	if (lodge_rflags(vcpu) & X86_EFLAGS_VM)
		return 3;
	return machine_of(vcpu)->seg[LODGE_SEG_SS].dpl;
}

int call_lodge_get_code_size(struct lodge_vcpu *vcpu)
{
	const struct kvm_segment *cs = &machine_of(vcpu)->seg[LODGE_SEG_CS];

	if (lodge_is_long_mode(vcpu) && cs->l)
		return 8;
	return cs->db ? 4 : 2;
}

void call_lodge_get_idt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt)
{
	*dt = machine_of(vcpu)->idt;
}

void call_lodge_set_idt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt)
{
	machine_of(vcpu)->idt = *dt;
}

void call_lodge_get_gdt(struct lodge_vcpu *vcpu, struct kvm_dtable *dt)
{
	*dt = machine_of(vcpu)->gdt;
}

void call_lodge_set_gdt(struct lodge_vcpu *vcpu, const struct kvm_dtable *dt)
{
	machine_of(vcpu)->gdt = *dt;
}

void call_lodge_set_interrupt_shadow(struct lodge_vcpu *vcpu, u32 mask)
{
	machine_of(vcpu)->shadow = mask;
}

void call_lodge_set_nmi_mask(struct lodge_vcpu *vcpu, bool masked)
{
	machine_of(vcpu)->nmi_unmasked = !masked;
}

void call_lodge_set_dr7(struct lodge_vcpu *vcpu, unsigned long dr7)
{
}

void call_lodge_update_exception_bitmap(struct lodge_vcpu *vcpu)
{
}

void lodge_mmu_invlpg(struct lodge_vcpu *vcpu, gva_t gva)
{
}

void lodge_mmu_written(struct lodge_vm *vm, gpa_t gpa, unsigned long len)
{
}

int call_lodge_skip_instruction(struct lodge_vcpu *vcpu)
{
	abort();
}

void emu_read_vec(struct lodge_emu *e, u8 reg, enum emu_vec_kind kind, union emu_vec *v)
{
	struct machine *m = machine_of(e->vcpu);

	if (kind == VEC_MMX)
		v->word[0] = m->mmx[reg];
	else
		memcpy(v, &m->vec[reg], kind == VEC_YMM ? 32 : 16);
}

void emu_write_vec(struct lodge_emu *e, u8 reg, enum emu_vec_kind kind, const union emu_vec *v)
{
	struct machine *m = machine_of(e->vcpu);

	if (kind == VEC_MMX) {
		m->mmx[reg] = v->word[0];
		return;
	}
	memcpy(&m->vec[reg], v, kind == VEC_YMM ? 32 : 16);
	if (kind == VEC_XMM_VEX)
		memset(m->vec[reg].bytes + 16, 0, 16);
}

/* As after FNINIT. */
u16 emu_x87(struct lodge_emu *e, u8 op)
{
	return op == OP_FNSTCW ? 0x37f : 0;
}

/* --- control registers, MSRs and the like: kept, not acted on --- */

int lodge_write_cr0(struct lodge_vcpu *vcpu, unsigned long cr0)
{
	if ((cr0 >> 32) || ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE)))
		return 1;
	vcpu->arch.cr0 = cr0 | X86_CR0_ET;
	return 0;
}

int lodge_write_cr3(struct lodge_vcpu *vcpu, unsigned long cr3)
{
	vcpu->arch.cr3 = cr3;
	return 0;
}

int lodge_write_cr4(struct lodge_vcpu *vcpu, unsigned long cr4)
{
	if (cr4 >> 32)
		return 1;
	vcpu->arch.cr4 = cr4;
	return 0;
}

int lodge_write_xcr0(struct lodge_vcpu *vcpu, u32 index, u64 xcr0, bool host)
{
	vcpu->arch.xcr0 = xcr0;
	return !!index;
}

int lodge_write_cr8(struct lodge_vcpu *vcpu, unsigned long cr8)
{
	vcpu->arch.cr8 = cr8 & 15;
	return cr8 > 15;
}

unsigned long lodge_read_cr8(struct lodge_vcpu *vcpu)
{
	return vcpu->arch.cr8;
}

int lodge_read_cr(struct lodge_vcpu *vcpu, int cr, unsigned long *value)
{
	*value = cr == 0 ? vcpu->arch.cr0 : vcpu->arch.cr4;
	return 0;
}

int lodge_get_msr(struct lodge_vcpu *vcpu, u32 index, u64 *data, bool host)
{
	*data = index;
	return index >> 31;
}

int lodge_set_msr(struct lodge_vcpu *vcpu, u32 index, u64 data, bool host)
{
	return index >> 31;
}

bool lodge_msr_to_user(struct lodge_vcpu *vcpu, bool write, u32 index, u64 data, int err,
		       unsigned long next_rip)
{
	return false;
}

bool lodge_msr_filter_allows(struct lodge_vm *vm, u32 index, u32 access)
{
	return true;
}

void lodge_cpuid_execute(struct lodge_vcpu *vcpu)
{
}

u64 lodge_guest_tsc(struct lodge_vcpu *vcpu, u64 host_tsc)
{
	return host_tsc;
}

/* --- events and exits --- */

void lodge_request(struct lodge_vcpu *vcpu, enum lodge_request req)
{
	if (req == LODGE_REQ_TRIPLE_FAULT)
		machine_of(vcpu)->triple_fault = true;
}

bool lodge_halt(struct lodge_vcpu *vcpu)
{
	return true;
}

int lodge_emulation_failure(struct lodge_vcpu *vcpu, const u8 *insn, int len)
{
	vcpu->run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	return LODGE_TO_USER;
}

/* No device of the module's is anywhere. */

bool lodge_lapic_mmio_read(struct lodge_vcpu *vcpu, gpa_t gpa, int len, void *val)
{
	return false;
}

bool lodge_lapic_mmio_write(struct lodge_vcpu *vcpu, gpa_t gpa, int len, const void *val)
{
	return false;
}

int lodge_io_read(struct lodge_vcpu *vcpu, enum lodge_bus bus, gpa_t addr, int len, void *val)
{
	return -EOPNOTSUPP;
}

int lodge_io_write(struct lodge_vcpu *vcpu, enum lodge_bus bus, gpa_t addr, int len,
		   const void *val)
{
	return -EOPNOTSUPP;
}

void lodge_fill_io_exit(struct lodge_vcpu *vcpu, bool in, u16 port, u8 size, u32 count)
{
	vcpu->run->exit_reason = KVM_EXIT_IO;
}
