// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an instruction whose memory operand is MMIO does what it does on RAM:
 * the same value in memory, in every register and in every flag that the manual
 * defines (APM vol. 3).  Each is executed twice in the guest with the same
 * inputs, by the CPU on RAM and by the module on a device of user space that
 * behaves as RAM, and the two outcomes are compared.
 *
 * KVM does not emulate CMPXCHG16B, scalar SSE moves and those of half a
 * register, and fails the second test.
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

static void put_memory(const struct state *s, uint64_t mem)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		write64(mem + 8 * i, s->mem[i]);
}

static void get_memory(struct state *s, uint64_t mem)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		s->mem[i] = read64(mem + 8 * i);
}

/* A ucall for each field that differs. */
static void compare(const char *insn, const struct state s[2], unsigned int round)
{
	const uint64_t *on_ram = (const uint64_t *)&s[0], *on_mmio = (const uint64_t *)&s[1];
	unsigned int i;

	for (i = 0; i < sizeof(*s) / 8; i++)
		if (on_ram[i] != on_mmio[i])
			guest_ucall_(UCALL_SYNC, insn, round << 8 | i, on_ram[i], on_mmio[i], 0);
}

/*
 * Executes it in both places.  The operand is at R9, RSI and RDI; strings move
 * the latter two, so it is their distance from the operand that is compared.
 */
#define TRY(undefined, text) do {					\
	struct state s_[2];						\
	unsigned int i_;						\
									\
	for (i_ = 0; i_ < 2; i_++) {					\
		uint64_t mem_ = i_ ? GPA_MMIO : (uintptr_t)ram;		\
		register uint64_t flags_ __asm__("r8");			\
		register uint64_t at_ __asm__("r9");			\
		uint64_t rsi_ = mem_ + MIDDLE, rdi_ = mem_ + MIDDLE;	\
									\
		fill(&s_[i_], round);					\
		put_memory(&s_[i_], mem_);				\
		flags_ = s_[i_].flags;					\
		at_ = mem_ + MIDDLE;					\
		__asm__ volatile("movdqu %[x], %%xmm2\n"		\
				 "pushq %[f]\n popfq\n"			\
				 text "\n"				\
				 "pushfq\n popq %[f]\n"			\
				 "movdqu %%xmm2, %[x]"			\
				 : "+a"(s_[i_].rax), "+b"(s_[i_].rbx),	\
				   "+c"(s_[i_].rcx), "+d"(s_[i_].rdx),	\
				   "+S"(rsi_), "+D"(rdi_),		\
				   [f] "+r"(flags_), "+r"(at_),		\
				   [x] "+m"(s_[i_].xmm)			\
				 : : "memory", "cc", "xmm2");		\
		s_[i_].flags = flags_ & ~(uint64_t)(undefined);		\
		s_[i_].rsi = rsi_ - mem_;				\
		s_[i_].rdi = rdi_ - mem_;				\
		get_memory(&s_[i_], mem_);				\
	}								\
	compare(text, s_, round);					\
} while (0)

/* Each with the flags that it leaves undefined. */
static void guest_compare(void)
{
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		TRY(0, "movb %%al, (%%r9)");
		TRY(0, "movb %%dh, (%%rdi)");
		TRY(0, "movw %%bx, (%%r9)");
		TRY(0, "movl %%ecx, (%%r9)");
		TRY(0, "movq %%rdx, (%%r9)");
		TRY(0, "movb $0x5a, 1(%%r9)");
		TRY(0, "movw $0x5a01, 1(%%r9)");
		TRY(0, "movl $0x89abcdef, (%%r9)");
		TRY(0, "movq $-7, (%%r9)");
		TRY(0, "movb (%%r9), %%al");
		TRY(0, "movb (%%rdi), %%ch");
		TRY(0, "movw (%%r9), %%bx");
		TRY(0, "movl (%%r9), %%edx");
		TRY(0, "movq (%%r9), %%rax");
		TRY(0, "movl $3, %%ecx; movl -8(%%r9,%%rcx,2), %%eax");
		TRY(0, "movl (%%r9d), %%eax");
		TRY(0, "movq 3(%%r9), %%rax");
		TRY(0, "movnti %%rax, (%%r9)");
		TRY(0, "movzbl (%%r9), %%eax");
		TRY(0, "movzbw (%%r9), %%ax");
		TRY(0, "movzwq (%%r9), %%rax");
		TRY(0, "movsbq (%%r9), %%rax");
		TRY(0, "movsbw (%%r9), %%ax");
		TRY(0, "movswl (%%r9), %%eax");
		TRY(0, "movslq (%%r9), %%rax");
		TRY(0, "addb %%al, (%%r9)");
		TRY(0, "addw %%ax, (%%r9)");
		TRY(0, "addl %%eax, (%%r9)");
		TRY(0, "addq %%rax, (%%r9)");
		TRY(0, "addl (%%r9), %%eax");
		TRY(0, "addq $-3, (%%r9)");
		TRY(0, "addl $0x7fffffff, (%%r9)");
		TRY(0, "lock addl %%eax, (%%r9)");
		TRY(AF, "orb $0x81, (%%r9)");
		TRY(AF, "orq %%rdx, (%%r9)");
		TRY(0, "adcl %%edx, (%%r9)");
		TRY(0, "adcq (%%r9), %%rdx");
		TRY(0, "sbbl %%edx, (%%r9)");
		TRY(0, "sbbb (%%r9), %%dl");
		TRY(AF, "andw $0xff0, (%%r9)");
		TRY(AF, "andq (%%r9), %%rbx");
		TRY(0, "subl %%ebx, (%%r9)");
		TRY(0, "subb (%%rdi), %%bh");
		TRY(AF, "xorq %%rax, (%%r9)");
		TRY(AF, "lock xorb $0x55, (%%r9)");
		TRY(0, "cmpb %%al, (%%r9)");
		TRY(0, "cmpq (%%r9), %%rdx");
		TRY(0, "cmpl $-1, (%%r9)");
		TRY(AF, "testl %%eax, (%%r9)");
		TRY(AF, "testb $0x80, (%%r9)");
		TRY(0, "incb (%%r9)");
		TRY(0, "incq (%%r9)");
		TRY(0, "lock incl (%%r9)");
		TRY(0, "decw (%%r9)");
		TRY(0, "notl (%%r9)");
		TRY(0, "negl (%%r9)");
		TRY(0, "negb (%%r9)");
		TRY(0, "roll $1, (%%r9)");
		TRY(OF, "rolq $13, (%%r9)");
		TRY(OF, "rorb %%cl, (%%r9)");
		TRY(OF, "rcll %%cl, (%%r9)");
		TRY(0, "rcrw $1, (%%r9)");
		TRY(AF, "shll $1, (%%r9)");
		TRY(AF | OF, "shlq %%cl, (%%r9)");
		TRY(AF | OF, "shrq $7, (%%r9)");
		TRY(AF, "sarw $1, (%%r9)");
		TRY(AF | OF, "sarl %%cl, (%%r9)");
		TRY(OF | SF | AF | PF, "btl $37, (%%r9)");
		TRY(OF | SF | AF | PF, "movl $-100, %%eax; btl %%eax, (%%r9)");
		TRY(OF | SF | AF | PF, "movq $90, %%rax; btsq %%rax, (%%r9)");
		TRY(OF | SF | AF | PF, "lock btsl $3, (%%r9)");
		TRY(OF | SF | AF | PF, "btrw $9, (%%r9)");
		TRY(OF | SF | AF | PF, "movw $-3, %%ax; btcw %%ax, (%%r9)");
		TRY(0, "xchgb %%al, (%%r9)");
		TRY(0, "xchgb %%ah, (%%rdi)");
		TRY(0, "xchgq %%rbx, (%%r9)");
		TRY(0, "xaddl %%edx, (%%r9)");
		TRY(0, "lock xaddq %%rdx, (%%r9)");
		TRY(0, "cmpxchgl %%ebx, (%%r9)");
		TRY(0, "movq (%%r9), %%rax; lock cmpxchgq %%rbx, (%%r9)");
		TRY(0, "cmpxchg8b (%%r9)");
		TRY(0, "movl (%%r9), %%eax; movl 4(%%r9), %%edx; lock cmpxchg8b (%%r9)");
		TRY(0, "stc; cmovcq (%%r9), %%rax");
		TRY(0, "clc; cmovcl (%%r9), %%eax");
		TRY(0, "setc (%%r9)");
		TRY(0, "setle (%%r9)");
		TRY(0, "pushq (%%r9); popq %%rax");
		TRY(0, "pushw (%%r9); popw %%ax");
		TRY(0, "pushq %%rax; popq (%%r9)");
		TRY(0, "leaq 24(%%rdi), %%rsi; movsb");
		TRY(0, "leaq -5(%%rdi), %%rsi; movl $7, %%ecx; rep movsb");
		TRY(0, "leaq 8(%%rsi), %%rdi; movsq");
		TRY(0, "stosl");
		TRY(0, "movl $3, %%ecx; rep stosq");
		TRY(0, "movl $5, %%ecx; std; rep stosw; cld");
		TRY(0, "xorl %%ecx, %%ecx; rep stosb");
		TRY(0, "lodsb");
		TRY(0, "lodsq");
		TRY(0, "scasl");
		TRY(0, "movl $9, %%ecx; movb 4(%%rdi), %%al; repne scasb");
		TRY(0, "movl $9, %%ecx; movb (%%rdi), %%al; repe scasb");
		TRY(0, "leaq 1(%%rsi), %%rdi; movl $6, %%ecx; repe cmpsw");
		TRY(0, "movups (%%r9), %%xmm2");
		TRY(0, "movups %%xmm2, 1(%%r9)");
		TRY(0, "movaps (%%r9), %%xmm2");
		TRY(0, "movaps %%xmm2, (%%r9)");
		TRY(0, "movdqa (%%r9), %%xmm2");
		TRY(0, "movdqu %%xmm2, 3(%%r9)");
		TRY(0, "movntdq %%xmm2, (%%r9)");
		TRY(0, "movntps %%xmm2, (%%r9)");
	}
	guest_done();
}

/* KVM gives these up with an internal error. */
static void guest_compare_not_kvm(void)
{
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		TRY(0, "cmpxchg16b (%%r9)");
		TRY(0, "movq (%%r9), %%rax; movq 8(%%r9), %%rdx; lock cmpxchg16b (%%r9)");
		TRY(0, "movss (%%r9), %%xmm2");
		TRY(0, "movsd %%xmm2, (%%r9)");
		TRY(0, "movlps (%%r9), %%xmm2");
		TRY(0, "movhps (%%r9), %%xmm2");
		TRY(0, "movhpd %%xmm2, (%%r9)");
		TRY(0, "movd (%%r9), %%xmm2");
		TRY(0, "movd %%xmm2, (%%r9)");
		TRY(0, "movq (%%r9), %%xmm2");
		TRY(0, "movq %%xmm2, (%%r9)");
	}
	guest_done();
}

static const char *const fields[] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rflags", "xmm2 low", "xmm2 high",
	"memory", "memory+8", "memory+16", "memory+24", "memory+32", "memory+40",
};

static uint8_t device[4096];

/* Answers for the device until another exit comes: its reason. */
static uint32_t run_device(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint32_t reason;

	while ((reason = vcpu_run(vcpu)) == KVM_EXIT_MMIO) {
		uint64_t off = run->mmio.phys_addr - GPA_MMIO;

		if (run->mmio.len > 8 || off + run->mmio.len > sizeof(device))
			break;
		if (run->mmio.is_write)
			memcpy(device + off, run->mmio.data, run->mmio.len);
		else
			memcpy(run->mmio.data, device + off, run->mmio.len);
	}
	return reason;
}

/* The same, until a ucall: false on any other exit. */
static bool run_to_ucall(struct vcpu *vcpu, struct ucall *uc)
{
	run_device(vcpu);
	if (vcpu_is_ucall(vcpu, uc))
		return true;
	vcpu_describe_exit(vcpu);
	return false;
}

/* How many differences there were; more than there can be when it did not end well. */
static unsigned int differences(void (*guest)(void))
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest);
	unsigned int n = 0;
	struct ucall uc;

	for (;;) {
		if (!run_to_ucall(vcpu, &uc))
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
	EXPECT_EQ(0, differences(guest_compare));
}

TEST(mmio_is_as_ram_where_kvm_gives_up)
{
	EXPECT_EQ(0, differences(guest_compare_not_kvm));
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

	ASSERT_TRUE(run_to_ucall(vcpu, &uc));
	EXPECT_EQ(UCALL_DONE, uc.kind)
		TH_LOG("%s: %#lx, %#lx", uc.text, uc.arg[1], uc.arg[2]);
	vm_free(vm);
}

/* Real mode, with DS and ES at the device: 16-bit operands and addresses. */
static const uint8_t real_code[] = {
	0xa1, 0x10, 0x00,			/* mov 0x10, %ax */
	0xa3, 0x20, 0x00,			/* mov %ax, 0x20 */
	0x66, 0xc7, 0x06, 0x30, 0x00,
	0x78, 0x56, 0x34, 0x12,			/* movl $0x12345678, 0x30 */
	0xbb, 0x0b, 0x00,			/* mov $0xb, %bx */
	0x67, 0x8a, 0x43, 0x05,			/* mov 5(%ebx), %al */
	0xbe, 0xf0, 0xff,			/* mov $0xfff0, %si */
	0x8a, 0x60, 0x25,			/* mov 0x25(%bx,%si), %ah: wraps to 0x20 */
	0xbf, 0x40, 0x00,			/* mov $0x40, %di */
	0xb9, 0x03, 0x00,			/* mov $3, %cx */
	0xfc,					/* cld */
	0xf3, 0xaa,				/* rep stosb */
	0x26, 0xff, 0x06, 0x20, 0x00,		/* incw %es:0x20 */
	0xf4,					/* hlt */
	0xbe, 0x10, 0x00,			/* mov $0x10, %si */
	0xbf, 0xff, 0xff,			/* mov $0xffff, %di */
	0xa5,					/* movsw: past the limit of ES */
};
#define REAL_GP		0x3000		/* where #GP goes, and halts */

/* Segments, from a device and to it. */
static const uint8_t real_segments[] = {
	0x8e, 0x06, 0x10, 0x00,			/* mov 0x10, %es */
	0x8c, 0x06, 0x20, 0x00,			/* mov %es, 0x20 */
	0x0f, 0x01, 0x16, 0x40, 0x00,		/* lgdtw 0x40 */
	0x66, 0x0f, 0x01, 0x1e, 0x46, 0x00,	/* lidtl 0x46 */
	0xff, 0x1e, 0x30, 0x00,			/* lcallw *0x30: to the lretw */
	0xff, 0x2e, 0x34, 0x00,			/* ljmpw *0x34: behind it */
	0xcb,					/* lretw */
	0xf4,					/* hlt */
};

TEST(real_mode)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create_real(vm, real_code, sizeof(real_code));
	uint16_t *ivt = vm_hva(vm, 0);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	ivt[2 * VEC_GP] = REAL_GP;
	ivt[2 * VEC_GP + 1] = 0;
	*(uint8_t *)vm_hva(vm, REAL_GP) = 0xf4;
	vcpu_sregs(vcpu, &sregs);
	sregs.ds.base = GPA_MMIO;
	sregs.es.base = GPA_MMIO;
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	memset(device, 0, sizeof(device));
	memcpy(device + 0x10, "\x34\x92", 2);

	ASSERT_EQ(KVM_EXIT_HLT, run_device(vcpu));
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(0x3434, regs.rax & 0xffff);
	EXPECT_EQ(0x43, regs.rdi & 0xffff);
	EXPECT_EQ(0, regs.rcx & 0xffff);
	EXPECT_EQ(0, memcmp(device + 0x20, "\x35\x92", 2));
	EXPECT_EQ(0, memcmp(device + 0x30, "\x78\x56\x34\x12", 4));
	EXPECT_EQ(0, memcmp(device + 0x3f, "\0\x34\x34\x34\0", 5));

	ASSERT_EQ(KVM_EXIT_HLT, run_device(vcpu));
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(REAL_GP + 1, regs.rip);
	EXPECT_EQ(0x10, regs.rsi & 0xffff);
	vm_free(vm);
}

TEST(real_mode_segments)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create_real(vm, real_segments, sizeof(real_segments));
	const uint16_t end = REAL_CODE + sizeof(real_segments);
	const uint16_t far[4] = { end - 2, 0, end - 1 - 0x80, 8 };
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	vcpu_sregs(vcpu, &sregs);
	sregs.ds.base = GPA_MMIO;
	must_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	memset(device, 0, sizeof(device));
	memcpy(device + 0x10, "\x34\x92", 2);
	memcpy(device + 0x30, far, sizeof(far));
	memcpy(device + 0x40, "\x77\0\x11\x22\x33\x44", 6);
	memcpy(device + 0x46, "\x88\0\x11\x22\x33\x44", 6);

	ASSERT_EQ(KVM_EXIT_HLT, run_device(vcpu));
	EXPECT_EQ(0, memcmp(device + 0x20, "\x34\x92\0", 3));
	vcpu_sregs(vcpu, &sregs);
	EXPECT_EQ(0x9234, sregs.es.selector);
	EXPECT_EQ(0x92340, sregs.es.base);
	EXPECT_EQ(0xffff, sregs.es.limit);
	EXPECT_EQ(0x77, sregs.gdt.limit);
	EXPECT_EQ(0x332211, sregs.gdt.base);
	EXPECT_EQ(0x88, sregs.idt.limit);
	EXPECT_EQ(0x44332211, sregs.idt.base);
	EXPECT_EQ(8, sregs.cs.selector);
	EXPECT_EQ(0x80, sregs.cs.base);
	vcpu_regs(vcpu, &regs);
	EXPECT_EQ(end - 0x80, regs.rip);
	EXPECT_EQ(0x1000, regs.rsp);
	vm_free(vm);
}

LODGE_TEST_MAIN()
