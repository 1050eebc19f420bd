// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: an access to guest-physical memory that no slot backs ends in
 * KVM_EXIT_MMIO with address, length, direction and data; what user space
 * answers to a read reaches the register as the instruction extends it, and a
 * read-modify-write is one read and one write of what the operation gives.
 * Accesses wider than eight bytes come in pieces, in order.
 */
#include "lodge_test.h"

FIXTURE(mmio) {
	struct vm *vm;
};

FIXTURE_SETUP(mmio)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(mmio)
{
	vm_free(self->vm);
}

/*
 * A device of 4 KiB of plain memory, driven until the guest ends.  Keeps the
 * exits it saw for the test to look at.
 */
struct access {
	uint64_t addr;
	uint64_t data;
	uint32_t len;
	bool write;
};

static uint8_t device[2 * 4096];
static struct access accesses[64];
static unsigned int nr_accesses;

static bool drive(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct ucall uc;

	for (;;) {
		uint64_t off;

		switch (vcpu_run(vcpu)) {
		case KVM_EXIT_MMIO:
			off = run->mmio.phys_addr - GPA_MMIO;
			if (off + run->mmio.len > sizeof(device) ||
			    run->mmio.len > 8 ||
			    nr_accesses == ARRAY_SIZE(accesses)) {
				vcpu_describe_exit(vcpu);
				return false;
			}
			accesses[nr_accesses].addr = off;
			accesses[nr_accesses].len = run->mmio.len;
			accesses[nr_accesses].write = run->mmio.is_write;
			if (run->mmio.is_write)
				memcpy(device + off, run->mmio.data,
				       run->mmio.len);
			else
				memcpy(run->mmio.data, device + off,
				       run->mmio.len);
			memcpy(&accesses[nr_accesses++].data, run->mmio.data,
			       run->mmio.len);
			break;
		case KVM_EXIT_IO:
			if (vcpu_is_ucall(vcpu, &uc)) {
				if (uc.kind != UCALL_DONE)
					fprintf(stderr, "# guest: %s:%u %s (%#lx, %#lx, %#lx)\n",
						uc.file, uc.line, uc.text,
						uc.arg[0], uc.arg[1],
						uc.arg[2]);
				return uc.kind == UCALL_DONE;
			}
			/* fall through */
		default:
			vcpu_describe_exit(vcpu);
			return false;
		}
	}
}

static void fill_device(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(device); i++)
		device[i] = 0x81 + i;
}

static void guest_reads(void)
{
	uint64_t v = -1UL;

	__asm__ volatile("movb (%1), %b0" : "+q"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0xffffffffffffff81UL, v);
	v = -1UL;
	__asm__ volatile("movw (%1), %w0" : "+r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0xffffffffffff8281UL, v);
	v = -1UL;
	__asm__ volatile("movl (%1), %k0" : "+r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0x84838281UL, v);
	__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0x8887868584838281UL, v);
	__asm__ volatile("movzbl (%1), %k0" : "=r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0x81UL, v);
	__asm__ volatile("movzwl (%1), %k0" : "=r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0x8281UL, v);
	__asm__ volatile("movsbq (%1), %0" : "=r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0xffffffffffffff81UL, v);
	__asm__ volatile("movswl (%1), %k0" : "=r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0xffff8281UL, v);
	__asm__ volatile("movslq (%1), %0" : "=r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0xffffffff84838281UL, v);
	v = 0x1234;
	__asm__ volatile("movb (%1), %h0" : "+Q"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0x8134UL, v);
	guest_done();
}

TEST_F(mmio, reads_of_every_size_and_extension)
{
	static const uint8_t len[] = { 1, 2, 4, 8, 1, 2, 1, 2, 4, 1 };
	struct vcpu *vcpu = vcpu_create(self->vm, guest_reads);
	unsigned int i;

	fill_device();
	ASSERT_TRUE(drive(vcpu));
	ASSERT_EQ(ARRAY_SIZE(len), nr_accesses);
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		EXPECT_EQ(0, accesses[i].addr);
		EXPECT_EQ(len[i], accesses[i].len);
		EXPECT_FALSE(accesses[i].write);
	}
}

static void guest_writes(void)
{
	uint64_t v = 0x1122334455667788;

	__asm__ volatile("movb %b0, 0x10(%1)" : : "q"(v), "r"(GPA_MMIO));
	__asm__ volatile("movw %w0, 0x10(%1)" : : "r"(v), "r"(GPA_MMIO));
	__asm__ volatile("movl %k0, 0x10(%1)" : : "r"(v), "r"(GPA_MMIO));
	__asm__ volatile("movq %0, 0x10(%1)" : : "r"(v), "r"(GPA_MMIO));
	__asm__ volatile("movb $0xa1, 0x10(%0)" : : "r"(GPA_MMIO));
	__asm__ volatile("movw $0xa2a1, 0x10(%0)" : : "r"(GPA_MMIO));
	__asm__ volatile("movl $0xa4a3a2a1, 0x10(%0)" : : "r"(GPA_MMIO));
	__asm__ volatile("movq $-2, 0x10(%0)" : : "r"(GPA_MMIO));
	__asm__ volatile("movb %h0, 0x10(%1)" : : "Q"(v), "r"(GPA_MMIO));
	guest_done();
}

TEST_F(mmio, writes_of_every_size)
{
	static const struct access want[] = {
		{ 0x10, 0x88, 1, true },
		{ 0x10, 0x7788, 2, true },
		{ 0x10, 0x55667788, 4, true },
		{ 0x10, 0x1122334455667788, 8, true },
		{ 0x10, 0xa1, 1, true },
		{ 0x10, 0xa2a1, 2, true },
		{ 0x10, 0xa4a3a2a1, 4, true },
		{ 0x10, -2UL, 8, true },
		{ 0x10, 0x77, 1, true },
	};
	struct vcpu *vcpu = vcpu_create(self->vm, guest_writes);
	unsigned int i;

	ASSERT_TRUE(drive(vcpu));
	ASSERT_EQ(ARRAY_SIZE(want), nr_accesses);
	for (i = 0; i < nr_accesses; i++) {
		EXPECT_EQ(want[i].addr, accesses[i].addr);
		EXPECT_EQ(want[i].data, accesses[i].data);
		EXPECT_EQ(want[i].len, accesses[i].len);
		EXPECT_TRUE(accesses[i].write);
	}
}

static void guest_modify(void)
{
	uint64_t flags;
	uint32_t v = 0x10;

	__asm__ volatile("movl $0xfffffffe, (%0)" : : "r"(GPA_MMIO));
	__asm__ volatile("addl $3, (%1); pushfq; popq %0"
			 : "=r"(flags) : "r"(GPA_MMIO) : "cc");
	GUEST_ASSERT(flags & 1);			/* CF */
	GUEST_ASSERT(!(flags & 0x40));			/* ZF */
	__asm__ volatile("orl %0, (%1)" : : "r"(v), "r"(GPA_MMIO) : "cc");
	__asm__ volatile("andb $0xf0, (%0)" : : "r"(GPA_MMIO) : "cc");
	__asm__ volatile("xorw $0xffff, (%0)" : : "r"(GPA_MMIO) : "cc");
	__asm__ volatile("subl $0xffef, (%1); pushfq; popq %0"
			 : "=r"(flags) : "r"(GPA_MMIO) : "cc");
	GUEST_ASSERT(flags & 0x40);
	__asm__ volatile("xchgl %0, (%1)" : "+r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0, v);
	guest_done();
}

TEST_F(mmio, read_modify_write)
{
	static const struct access want[] = {
		{ 0, 0xfffffffe, 4, true },
		{ 0, 0xfffffffe, 4, false }, { 0, 1, 4, true },
		{ 0, 1, 4, false }, { 0, 0x11, 4, true },
		{ 0, 0x11, 1, false }, { 0, 0x10, 1, true },
		{ 0, 0x10, 2, false }, { 0, 0xffef, 2, true },
		{ 0, 0xffef, 4, false }, { 0, 0, 4, true },
		{ 0, 0, 4, false }, { 0, 0x10, 4, true },
	};
	struct vcpu *vcpu = vcpu_create(self->vm, guest_modify);
	unsigned int i;

	ASSERT_TRUE(drive(vcpu));
	ASSERT_EQ(ARRAY_SIZE(want), nr_accesses);
	for (i = 0; i < nr_accesses; i++) {
		EXPECT_EQ(want[i].data, accesses[i].data)
			TH_LOG("access %u", i);
		EXPECT_EQ(want[i].len, accesses[i].len);
		EXPECT_EQ(want[i].write, accesses[i].write);
	}
}

static void guest_compare(void)
{
	uint64_t flags;

	__asm__ volatile("cmpb $0x81, (%1); pushfq; popq %0"
			 : "=r"(flags) : "r"(GPA_MMIO) : "cc");
	GUEST_ASSERT(flags & 0x40);
	__asm__ volatile("testl $0x80, (%1); pushfq; popq %0"
			 : "=r"(flags) : "r"(GPA_MMIO) : "cc");
	GUEST_ASSERT(!(flags & 0x40));
	guest_done();
}

TEST_F(mmio, compare_only_reads)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_compare);

	fill_device();
	ASSERT_TRUE(drive(vcpu));
	ASSERT_EQ(2, nr_accesses);
	EXPECT_FALSE(accesses[0].write);
	EXPECT_FALSE(accesses[1].write);
}

static uint8_t buffer[64];

static void guest_string(void)
{
	uint64_t src = GPA_MMIO + 0x20, dst = (uintptr_t)buffer, count = 5;

	__asm__ volatile("rep movsb" : "+S"(src), "+D"(dst), "+c"(count)
			 : : "memory");
	GUEST_ASSERT_EQ(0, count);
	GUEST_ASSERT_EQ(GPA_MMIO + 0x25, src);
	GUEST_ASSERT_EQ(0xa1, buffer[0]);
	GUEST_ASSERT_EQ(0xa5, buffer[4]);
	src = (uintptr_t)buffer;
	dst = GPA_MMIO + 0x100;
	count = 1;
	__asm__ volatile("rep movsl" : "+S"(src), "+D"(dst), "+c"(count)
			 : : "memory");
	dst = GPA_MMIO + 0x110;
	count = 3;
	__asm__ volatile("rep stosw" : "+D"(dst), "+c"(count) : "a"(0xbeef)
			 : "memory");
	GUEST_ASSERT_EQ(0, count);
	GUEST_ASSERT_EQ(GPA_MMIO + 0x116, dst);
	guest_done();
}

TEST_F(mmio, string_moves)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_string);

	fill_device();
	ASSERT_TRUE(drive(vcpu));
	EXPECT_EQ(0, memcmp(device + 0x100, "\xa1\xa2\xa3\xa4", 4));
	EXPECT_EQ(0, memcmp(device + 0x110, "\xef\xbe\xef\xbe\xef\xbe", 6));
}

static void guest_sse(void)
{
	uint64_t out[2] __attribute__((aligned(16)));

	__asm__ volatile("movdqu (%0), %%xmm3; movdqu %%xmm3, (%1)"
			 : : "r"(GPA_MMIO), "r"(out) : "xmm3", "memory");
	GUEST_ASSERT_EQ(0x8887868584838281UL, out[0]);
	GUEST_ASSERT_EQ(0x908f8e8d8c8b8a89UL, out[1]);
	__asm__ volatile("movdqa %%xmm3, 0x40(%0)" : : "r"(GPA_MMIO));
	__asm__ volatile("movups %%xmm3, 0x60(%0)" : : "r"(GPA_MMIO));
	guest_done();
}

TEST_F(mmio, sse_moves_in_pieces)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_sse);
	unsigned int i, bytes = 0;

	fill_device();
	ASSERT_TRUE(drive(vcpu));
	for (i = 0; i < nr_accesses; i++)
		bytes += accesses[i].len;
	EXPECT_EQ(3 * 16, bytes);
	EXPECT_EQ(0, memcmp(device + 0x40, device, 16));
	EXPECT_EQ(0, memcmp(device + 0x60, device, 16));
}

static void guest_crossing(void)
{
	uint64_t v;

	__asm__ volatile("movq %0, (%1)" : : "r"(0x1122334455667788),
			 "r"(GPA_MMIO + 0xffd));
	__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(GPA_MMIO + 0xffd));
	GUEST_ASSERT_EQ(0x1122334455667788UL, v);
	guest_done();
}

TEST_F(mmio, across_a_page_boundary)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_crossing);
	static const uint64_t want = 0x1122334455667788;

	ASSERT_TRUE(drive(vcpu));
	EXPECT_EQ(0, memcmp(device + 0xffd, &want, sizeof(want)));
}

/* Half of the datum is RAM, the other half is not. */
static void guest_straddle(void)
{
	uint64_t v;

	write32(RAM_SIZE - 4, 0xddccbbaa);
	__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(RAM_SIZE - 4));
	GUEST_ASSERT_EQ(0x44332211ddccbbaaUL, v);
	guest_done();
}

TEST_F(mmio, from_memory_into_nothing)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_straddle);
	struct kvm_run *run = vcpu->run;

	ASSERT_EQ(KVM_EXIT_MMIO, vcpu_run(vcpu));
	EXPECT_EQ(RAM_SIZE, run->mmio.phys_addr);
	EXPECT_EQ(4, run->mmio.len);
	EXPECT_EQ(0, run->mmio.is_write);
	memcpy(run->mmio.data, "\x11\x22\x33\x44", 4);
	ASSERT_DONE(vcpu);
}

/* push and pop, call through memory: operands that are MMIO by accident. */
static void guest_stack(void)
{
	uint64_t v = 0x55aa;

	__asm__ volatile("pushq (%1); popq %0" : "=r"(v) : "r"(GPA_MMIO));
	GUEST_ASSERT_EQ(0x8887868584838281UL, v);
	guest_done();
}

TEST_F(mmio, push_from_mmio)
{
	struct vcpu *vcpu = vcpu_create(self->vm, guest_stack);

	fill_device();
	ASSERT_TRUE(drive(vcpu));
}

LODGE_TEST_MAIN()
