// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an instruction whose memory operand is MMIO does what it does on RAM:
 * the same value in memory, in every register and in every flag that the manual
 * defines (APM vol. 3).  Each is executed twice in the guest with the same
 * inputs, by the CPU on RAM and by the module on a device of user space that
 * behaves as RAM, and the two outcomes are compared.
 */
#include "lodge_test.h"

#define WORDS	6		/* of memory that an instruction may touch */
#define MIDDLE	16		/* its operand begins here, so that BT can reach below */

#define CF	0x001
#define PF	0x004
#define AF	0x010
#define ZF	0x040
#define SF	0x080
#define DF	0x400
#define OF	0x800
#define STATUS	(CF | PF | AF | ZF | SF | OF)

struct state {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, flags;
	uint64_t xmm[2];
	uint64_t mem[WORDS];
};

/*
 * X(name, flags that are undefined, text).  The operand is (%%r9); for string
 * instructions RSI or RDI, or both, point there, as the suffix says.
 */
#define INSNS(X)							\
	X(mov_store8, 0, "movb %%al, (%%r9)")				\
	X(mov_store_high, 0, "movb %%dh, (%%rdi)")			\
	X(mov_store16, 0, "movw %%bx, (%%r9)")				\
	X(mov_store32, 0, "movl %%ecx, (%%r9)")				\
	X(mov_store64, 0, "movq %%rdx, (%%r9)")				\
	X(mov_store_imm8, 0, "movb $0x5a, 1(%%r9)")			\
	X(mov_store_imm16, 0, "movw $0x5a01, 1(%%r9)")			\
	X(mov_store_imm32, 0, "movl $0x89abcdef, (%%r9)")		\
	X(mov_store_imm64, 0, "movq $-7, (%%r9)")			\
	X(mov_load8, 0, "movb (%%r9), %%al")				\
	X(mov_load_high, 0, "movb (%%rdi), %%ch")			\
	X(mov_load16, 0, "movw (%%r9), %%bx")				\
	X(mov_load32, 0, "movl (%%r9), %%edx")				\
	X(mov_load64, 0, "movq (%%r9), %%rax")				\
	X(mov_sib, 0, "movl $3, %%ecx; movl -8(%%r9,%%rcx,2), %%eax")	\
	X(mov_addr32, 0, "movl (%%r9d), %%eax")				\
	X(mov_misaligned, 0, "movq 3(%%r9), %%rax")			\
	X(movnti, 0, "movnti %%rax, (%%r9)")				\
	X(movzx8, 0, "movzbl (%%r9), %%eax")				\
	X(movzx8_16, 0, "movzbw (%%r9), %%ax")				\
	X(movzx16, 0, "movzwq (%%r9), %%rax")				\
	X(movsx8, 0, "movsbq (%%r9), %%rax")				\
	X(movsx8_16, 0, "movsbw (%%r9), %%ax")				\
	X(movsx16, 0, "movswl (%%r9), %%eax")				\
	X(movsxd, 0, "movslq (%%r9), %%rax")				\
	X(add8, 0, "addb %%al, (%%r9)")					\
	X(add16, 0, "addw %%ax, (%%r9)")				\
	X(add32, 0, "addl %%eax, (%%r9)")				\
	X(add64, 0, "addq %%rax, (%%r9)")				\
	X(add_load, 0, "addl (%%r9), %%eax")				\
	X(add_imm8, 0, "addq $-3, (%%r9)")				\
	X(add_imm32, 0, "addl $0x7fffffff, (%%r9)")			\
	X(add_locked, 0, "lock addl %%eax, (%%r9)")			\
	X(or8, AF, "orb $0x81, (%%r9)")					\
	X(or64, AF, "orq %%rdx, (%%r9)")				\
	X(adc32, 0, "adcl %%edx, (%%r9)")				\
	X(adc_load, 0, "adcq (%%r9), %%rdx")				\
	X(sbb32, 0, "sbbl %%edx, (%%r9)")				\
	X(sbb8, 0, "sbbb (%%r9), %%dl")					\
	X(and16, AF, "andw $0xff0, (%%r9)")				\
	X(and_load, AF, "andq (%%r9), %%rbx")				\
	X(sub32, 0, "subl %%ebx, (%%r9)")				\
	X(sub_load, 0, "subb (%%rdi), %%bh")				\
	X(xor64, AF, "xorq %%rax, (%%r9)")				\
	X(xor_locked, AF, "lock xorb $0x55, (%%r9)")			\
	X(cmp8, 0, "cmpb %%al, (%%r9)")					\
	X(cmp64, 0, "cmpq (%%r9), %%rdx")				\
	X(cmp_imm, 0, "cmpl $-1, (%%r9)")				\
	X(test32, AF, "testl %%eax, (%%r9)")				\
	X(test_imm8, AF, "testb $0x80, (%%r9)")				\
	X(inc8, 0, "incb (%%r9)")					\
	X(inc64, 0, "incq (%%r9)")					\
	X(inc_locked, 0, "lock incl (%%r9)")				\
	X(dec16, 0, "decw (%%r9)")					\
	X(not32, 0, "notl (%%r9)")					\
	X(neg32, 0, "negl (%%r9)")					\
	X(neg8, 0, "negb (%%r9)")					\
	X(rol32, 0, "roll $1, (%%r9)")					\
	X(rol_imm, OF, "rolq $13, (%%r9)")				\
	X(ror8, OF, "rorb %%cl, (%%r9)")				\
	X(rcl32, OF, "rcll %%cl, (%%r9)")				\
	X(rcr16, 0, "rcrw $1, (%%r9)")					\
	X(shl32, AF, "shll $1, (%%r9)")					\
	X(shl_cl, AF | OF, "shlq %%cl, (%%r9)")				\
	X(shr64, AF | OF, "shrq $7, (%%r9)")				\
	X(sar16, AF, "sarw $1, (%%r9)")					\
	X(sar_cl, AF | OF, "sarl %%cl, (%%r9)")				\
	X(bt_imm, OF | SF | AF | PF, "btl $37, (%%r9)")			\
	X(bt_reg, OF | SF | AF | PF, "movl $-100, %%eax; btl %%eax, (%%r9)")	\
	X(bts_reg, OF | SF | AF | PF, "movq $90, %%rax; btsq %%rax, (%%r9)")	\
	X(bts_locked, OF | SF | AF | PF, "lock btsl $3, (%%r9)")	\
	X(btr_imm, OF | SF | AF | PF, "btrw $9, (%%r9)")		\
	X(btc_reg, OF | SF | AF | PF, "movw $-3, %%ax; btcw %%ax, (%%r9)")	\
	X(xchg8, 0, "xchgb %%al, (%%r9)")				\
	X(xchg_high, 0, "xchgb %%ah, (%%rdi)")				\
	X(xchg64, 0, "xchgq %%rbx, (%%r9)")				\
	X(xadd32, 0, "xaddl %%edx, (%%r9)")				\
	X(xadd_locked, 0, "lock xaddq %%rdx, (%%r9)")			\
	X(cmpxchg_fails, 0, "cmpxchgl %%ebx, (%%r9)")			\
	X(cmpxchg_done, 0, "movq (%%r9), %%rax; lock cmpxchgq %%rbx, (%%r9)")	\
	X(cmpxchg8b_fails, 0, "cmpxchg8b (%%r9)")			\
	X(cmpxchg8b_done, 0, "movl (%%r9), %%eax; movl 4(%%r9), %%edx;"	\
	  "lock cmpxchg8b (%%r9)")					\
	X(cmov_taken, 0, "stc; cmovcq (%%r9), %%rax")			\
	X(cmov_not_taken, 0, "clc; cmovcl (%%r9), %%eax")		\
	X(setc, 0, "setc (%%r9)")					\
	X(setle, 0, "setle (%%r9)")					\
	X(push, 0, "pushq (%%r9); popq %%rax")				\
	X(push16, 0, "pushw (%%r9); popw %%ax")				\
	X(pop, 0, "pushq %%rax; popq (%%r9)")				\
	X(movs8_rdi, 0, "leaq 24(%%rdi), %%rsi; movsb")			\
	X(movs_rep_rdi, 0, "leaq -5(%%rdi), %%rsi; movl $7, %%ecx; rep movsb")	\
	X(movs64_rsi, 0, "leaq 8(%%rsi), %%rdi; movsq")			\
	X(stos32_rdi, 0, "stosl")					\
	X(stos_rep_rdi, 0, "movl $3, %%ecx; rep stosq")			\
	X(stos_down_rdi, 0, "movl $5, %%ecx; std; rep stosw; cld")	\
	X(stos_none_rdi, 0, "xorl %%ecx, %%ecx; rep stosb")		\
	X(lods8_rsi, 0, "lodsb")					\
	X(lods64_rsi, 0, "lodsq")					\
	X(scas32_rdi, 0, "scasl")					\
	X(scas_rep_rdi, 0, "movl $9, %%ecx; movb 4(%%rdi), %%al; repne scasb")	\
	X(scas_repe_rdi, 0, "movl $9, %%ecx; movb (%%rdi), %%al; repe scasb")	\
	X(cmps_rsi, 0, "leaq 1(%%rsi), %%rdi; movl $6, %%ecx; repe cmpsw")	\
	X(movups_load, 0, "movups (%%r9), %%xmm2")			\
	X(movups_store, 0, "movups %%xmm2, 1(%%r9)")			\
	X(movaps_load, 0, "movaps (%%r9), %%xmm2")			\
	X(movaps_store, 0, "movaps %%xmm2, (%%r9)")			\
	X(movdqa_load, 0, "movdqa (%%r9), %%xmm2")			\
	X(movdqu_store, 0, "movdqu %%xmm2, 3(%%r9)")			\
	X(movntdq, 0, "movntdq %%xmm2, (%%r9)")				\
	X(movntps, 0, "movntps %%xmm2, (%%r9)")

/* KVM gives these up with an internal error. */
#define INSNS_NOT_KVM(X)						\
	X(cmpxchg16b_fails, 0, "cmpxchg16b (%%r9)")			\
	X(cmpxchg16b_done, 0, "movq (%%r9), %%rax; movq 8(%%r9), %%rdx;"	\
	  "lock cmpxchg16b (%%r9)")					\
	X(movss_load, 0, "movss (%%r9), %%xmm2")			\
	X(movsd_store, 0, "movsd %%xmm2, (%%r9)")			\
	X(movlps_load, 0, "movlps (%%r9), %%xmm2")			\
	X(movhps_load, 0, "movhps (%%r9), %%xmm2")			\
	X(movhpd_store, 0, "movhpd %%xmm2, (%%r9)")			\
	X(movd_load, 0, "movd (%%r9), %%xmm2")				\
	X(movd_store, 0, "movd %%xmm2, (%%r9)")				\
	X(movq_load, 0, "movq (%%r9), %%xmm2")				\
	X(movq_store, 0, "movq %%xmm2, (%%r9)")

/*
 * Strings move RDI and RSI, whose difference from the operand is what can be
 * compared between the two places.
 */
#define DEFINE(name, undefined, text)					\
static void run_##name(struct state *s, uint64_t mem)			\
{									\
	register uint64_t flags __asm__("r8") = s->flags;		\
	register uint64_t at __asm__("r9") = mem;			\
	uint64_t rsi = mem, rdi = mem;					\
	__asm__ volatile("movdqu %[x], %%xmm2\n"			\
			 "pushq %[f]\n popfq\n"				\
			 text "\n"					\
			 "pushfq\n popq %[f]\n"				\
			 "movdqu %%xmm2, %[x]"				\
			 : "+a"(s->rax), "+b"(s->rbx), "+c"(s->rcx),	\
			   "+d"(s->rdx), "+S"(rsi), "+D"(rdi),		\
			   [f] "+r"(flags), [x] "+m"(s->xmm), "+r"(at)	\
			 : : "memory", "cc", "xmm2");			\
	s->flags = flags & ~(uint64_t)(undefined);			\
	s->rsi = rsi - mem;						\
	s->rdi = rdi - mem;						\
}
INSNS(DEFINE)
INSNS_NOT_KVM(DEFINE)

struct insn {
	const char *name;
	void (*run)(struct state *s, uint64_t mem);
};

#define ENTRY(name, undefined, text)	{ #name, run_##name },
static const struct insn insns[] = { INSNS(ENTRY) { } };
static const struct insn insns_not_kvm[] = { INSNS_NOT_KVM(ENTRY) { } };

#define ROUNDS		5

static uint64_t ram[WORDS] __attribute__((aligned(64)));

/* Values that carry, do not, are equal, and have their signs in all places. */
static void fill(struct state *s, unsigned int round)
{
	static const uint64_t seeds[ROUNDS] = {
		0x8182838485868788, 0, -1UL, 0x7fffffff80000000, 0x0123456789abcdef,
	};
	uint64_t v = seeds[round];
	unsigned int i;

	s->rax = v;
	s->rbx = v * 0x9e3779b97f4a7c15 + 1;
	s->rcx = v >> (round * 3);
	s->rdx = ~v;
	s->xmm[0] = v ^ 0x1111111122222222;
	s->xmm[1] = v ^ 0x3333333344444444;
	s->flags = 2 | (round & 1 ? STATUS : 0);
	for (i = 0; i < WORDS; i++)
		s->mem[i] = v * (i | 1);
}

static void run_at(const struct insn *insn, struct state *s, uint64_t mem)
{
	volatile uint64_t *m = (volatile uint64_t *)mem;
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		m[i] = s->mem[i];
	insn->run(s, mem + MIDDLE);
	for (i = 0; i < WORDS; i++)
		s->mem[i] = m[i];
}

/* A ucall names what differs: the instruction, the round and the field. */
static void guest_compare(uint64_t table)
{
	const struct insn *insn;
	struct state on_ram, on_mmio;
	unsigned int j, round;

	for (insn = (const struct insn *)table; insn->run; insn++) {
		for (round = 0; round < ROUNDS; round++) {
			uint64_t *a = (uint64_t *)&on_ram, *b = (uint64_t *)&on_mmio;

			fill(&on_ram, round);
			fill(&on_mmio, round);
			run_at(insn, &on_ram, (uintptr_t)ram);
			run_at(insn, &on_mmio, GPA_MMIO);
			for (j = 0; j < sizeof(on_ram) / 8; j++)
				if (a[j] != b[j])
					guest_ucall_(UCALL_SYNC, insn->name,
						     round << 8 | j, a[j], b[j], 0);
		}
	}
	guest_done();
}

static const char *const fields[] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rflags", "xmm2 low", "xmm2 high",
	"memory", "memory+8", "memory+16", "memory+24", "memory+32", "memory+40",
};

static uint8_t device[4096];

/* Answers for the device until a ucall comes; false on any other exit. */
static bool run_device(struct vcpu *vcpu, struct ucall *uc)
{
	struct kvm_run *run = vcpu->run;

	while (vcpu_run(vcpu) == KVM_EXIT_MMIO) {
		uint64_t off = run->mmio.phys_addr - GPA_MMIO;

		if (run->mmio.len > 8 || off + run->mmio.len > sizeof(device))
			break;
		if (run->mmio.is_write)
			memcpy(device + off, run->mmio.data, run->mmio.len);
		else
			memcpy(run->mmio.data, device + off, run->mmio.len);
	}
	if (vcpu_is_ucall(vcpu, uc))
		return true;
	vcpu_describe_exit(vcpu);
	return false;
}

/* How many differences there were; more than there can be when it did not end well. */
static unsigned int differences(const struct insn *table)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create_arg(vm, guest_compare, (uintptr_t)table);
	unsigned int n = 0;
	struct ucall uc;

	for (;;) {
		if (!run_device(vcpu, &uc))
			return -1U;
		if (uc.kind != UCALL_SYNC)
			break;
		n++;
		printf("# %s, round %lu: %s is %#lx on RAM and %#lx on MMIO\n", uc.text,
		       uc.arg[0] >> 8, fields[uc.arg[0] & 0xff], uc.arg[1], uc.arg[2]);
	}
	vm_free(vm);
	return uc.kind == UCALL_DONE ? n : -1U;
}

TEST(mmio_is_as_ram)
{
	EXPECT_EQ(0, differences(insns));
}

TEST(mmio_is_as_ram_where_kvm_gives_up)
{
	EXPECT_EQ(0, differences(insns_not_kvm));
}

/* The faults of the same accesses: alignment, and addresses that are none. */
static void guest_faults(void)
{
	uint64_t hole = 1UL << 63;

	GUEST_ASSERT_EQ(VEC_GP, guest_try("movaps %%xmm0, 8(%1)", (), ("r"(GPA_MMIO))));
	GUEST_ASSERT_EQ(VEC_GP, guest_try("movdqa %%xmm0, 1(%1)", (), ("r"(GPA_MMIO))));
	GUEST_ASSERT_EQ(VEC_GP, guest_try("lock cmpxchg16b 8(%1)", (), ("r"(GPA_MMIO))));
	/* The other operand of an instruction that is emulated for the first one's sake. */
	GUEST_ASSERT_EQ(VEC_GP, guest_try("movsb", (), ("S"(GPA_MMIO), "D"(hole))));
	guest_done();
}

TEST(faults_come_as_from_the_cpu)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_faults);
	struct ucall uc;

	ASSERT_TRUE(run_device(vcpu, &uc));
	EXPECT_EQ(UCALL_DONE, uc.kind)
		TH_LOG("%s: %#lx, %#lx", uc.text, uc.arg[1], uc.arg[2]);
	vm_free(vm);
}

LODGE_TEST_MAIN()
