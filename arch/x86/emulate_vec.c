// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's vector registers, and its x87 unit.  While KVM_RUN lasts, its FPU state is
 * the task's own: in the CPU's registers, or to be loaded there when the task was
 * scheduled out since.
 */
#include <asm/fpu/api.h>

#include "emu.h"

/* In twins: the guest's registers are the CPU's between the two. */
static void fpu_get(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

static void fpu_put(void)
{
	fpregs_unlock();
}

/* A register's number is a part of the instruction: one for each. */
#define GET(op, name, n)							\
	case n:									\
		asm volatile(op " %%" name #n ", %0" : "=m"(*v));		\
		break
#define PUT(op, name, n)							\
	case n:									\
		asm volatile(op " %0, %%" name #n : : "m"(*v));			\
		break

#define EACH8(do, op, name)							\
	do(op, name, 0); do(op, name, 1); do(op, name, 2); do(op, name, 3);	\
	do(op, name, 4); do(op, name, 5); do(op, name, 6); do(op, name, 7)
#define EACH16(do, op, name)							\
	EACH8(do, op, name);							\
	do(op, name, 8); do(op, name, 9); do(op, name, 10); do(op, name, 11);	\
	do(op, name, 12); do(op, name, 13); do(op, name, 14); do(op, name, 15)

#define DEFINE_ACCESS(kind, op, name, each)					\
static void read_##kind(u8 reg, union emu_vec *v)				\
{										\
	switch (reg) {								\
	each(GET, op, name);							\
	}									\
}										\
static void write_##kind(u8 reg, const union emu_vec *v)			\
{										\
	switch (reg) {								\
	each(PUT, op, name);							\
	}									\
}

DEFINE_ACCESS(xmm, "movdqu", "xmm", EACH16)
DEFINE_ACCESS(xmm_vex, "vmovdqu", "xmm", EACH16)
DEFINE_ACCESS(ymm, "vmovdqu", "ymm", EACH16)
DEFINE_ACCESS(mmx, "movq", "mm", EACH8)

static const struct {
	void (*read)(u8 reg, union emu_vec *v);
	void (*write)(u8 reg, const union emu_vec *v);
} kinds[] = {
	[VEC_XMM] = { read_xmm, write_xmm },
	[VEC_XMM_VEX] = { read_xmm_vex, write_xmm_vex },
	[VEC_YMM] = { read_ymm, write_ymm },
	[VEC_MMX] = { read_mmx, write_mmx },
};

void emu_read_vec(struct lodge_emu *e, u8 reg, enum emu_vec_kind kind, union emu_vec *v)
{
	fpu_get();
	kinds[kind].read(reg, v);
	fpu_put();
}

void emu_write_vec(struct lodge_emu *e, u8 reg, enum emu_vec_kind kind, const union emu_vec *v)
{
	fpu_get();
	kinds[kind].write(reg, v);
	fpu_put();
}

u16 emu_x87(struct lodge_emu *e, u8 op)
{
	u16 word = 0;

	fpu_get();
	switch (op) {
	case OP_FNINIT:
		asm volatile("fninit");
		break;
	case OP_FNCLEX:
		asm volatile("fnclex");
		break;
	case OP_FNSTCW:
		asm volatile("fnstcw %0" : "=m"(word));
		break;
	case OP_FNSTSW:
		asm volatile("fnstsw %0" : "=m"(word));
		break;
	}
	fpu_put();
	return word;
}
