// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: x87, SSE and AVX state goes through KVM_SET/GET_FPU, _XSAVE and
 * _XCRS unchanged, the guest sees what was set and user space sees what the
 * guest left; a reserved bit of MXCSR, an XSTATE_BV outside XCR0, or an XCR0
 * that no CPU can hold is -EINVAL (APM vol. 2, XCR0 and the XSAVE area).
 */
#include "lodge_test.h"

static uint8_t vectors[4][32] __attribute__((aligned(32)));

static void guest_sse(void)
{
	__asm__ volatile("fld1; pcmpeqd %xmm0, %xmm0");
	guest_sync(0);
	__asm__ volatile("movdqu %%xmm0, %0" : "=m"(vectors[0]));
	__asm__ volatile("movdqu %%xmm15, %0" : "=m"(vectors[1]));
	__asm__ volatile("movdqu %0, %%xmm7" : : "m"(vectors[2]));
	guest_sync(1);
	guest_done();
}

FIXTURE(fpu) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(fpu)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_sse);
}

FIXTURE_TEARDOWN(fpu)
{
	vm_free(self->vm);
}

TEST_F(fpu, fxsave_form)
{
	struct kvm_fpu set, get;
	uint8_t *xmm7;
	unsigned int i;

	/*
	 * This form has no room for XSTATE_BV: KVM takes x87 and SSE from it
	 * only once the guest has used them.  MXCSR it leaves alone.
	 */
	ASSERT_STAGE(0, self->vcpu);
	must_ioctl(self->vcpu->fd, KVM_GET_FPU, &set);
	EXPECT_EQ(0x37f, set.fcw);
	for (i = 0; i < 16; i++)
		memset(set.xmm[i], 0x10 + i, 16);
	for (i = 0; i < 8; i++)
		memset(set.fpr[i], 0x40 + i, 10);
	set.fcw = 0x27f;
	must_ioctl(self->vcpu->fd, KVM_SET_FPU, &set);
	memset(&get, 0xee, sizeof(get));
	must_ioctl(self->vcpu->fd, KVM_GET_FPU, &get);
	EXPECT_EQ(0, memcmp(set.xmm, get.xmm, sizeof(set.xmm)));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(0, memcmp(set.fpr[i], get.fpr[i], 10));
	EXPECT_EQ(0x27f, get.fcw);

	memset(vm_hva(self->vm, (uintptr_t)vectors[2]), 0x77, 16);
	ASSERT_STAGE(1, self->vcpu);
	EXPECT_EQ(0x10, guest_var(self->vm, vectors)[0][0]);
	EXPECT_EQ(0x1f, guest_var(self->vm, vectors)[1][15]);
	must_ioctl(self->vcpu->fd, KVM_GET_FPU, &get);
	xmm7 = get.xmm[7];
	EXPECT_EQ(0x77, xmm7[0]);
	EXPECT_EQ(0x77, xmm7[15]);
	EXPECT_EQ(0x16, get.xmm[6][0]);
}

static void guest_avx(void)
{
	__asm__ volatile("vmovdqu %%ymm3, %0" : "=m"(vectors[0]));
	__asm__ volatile("vmovdqu %0, %%ymm4" : : "m"(vectors[2]));
	guest_sync(1);
	guest_done();
}

/* The standard form: XSTATE_BV at 512, the upper halves of AVX at 576. */
#define XSTATE_BV(area)	(*(uint64_t *)((uint8_t *)(area)->region + 512))
#define XMM(area, n)	((uint8_t *)(area)->region + 160 + 16 * (n))
#define YMM_HI(area, n)	((uint8_t *)(area)->region + 576 + 16 * (n))

TEST_F(fpu, xsave_form)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(self->vm->cpuid, 1, 0);
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0].value = 7 };
	struct kvm_xsave area, get;
	struct kvm_sregs sregs;
	unsigned int i;

	if (!e || !(e->ecx & 1 << 28))
		SKIP(return, "the CPU has no AVX");
	vcpu_sregs(self->vcpu, &sregs);
	sregs.cr4 |= 1 << 18;
	must_ioctl(self->vcpu->fd, KVM_SET_SREGS, &sregs);
	must_ioctl(self->vcpu->fd, KVM_SET_XCRS, &xcrs);
	memset(&xcrs, 0, sizeof(xcrs));
	must_ioctl(self->vcpu->fd, KVM_GET_XCRS, &xcrs);
	EXPECT_EQ(1, xcrs.nr_xcrs);
	EXPECT_EQ(0, xcrs.xcrs[0].xcr);
	EXPECT_EQ(7, xcrs.xcrs[0].value);

	vcpu_entry(self->vcpu, guest_avx, 0);
	must_ioctl(self->vcpu->fd, KVM_GET_XSAVE, &area);
	XSTATE_BV(&area) |= 7;
	for (i = 0; i < 16; i++) {
		memset(XMM(&area, i), 0x20 + i, 16);
		memset(YMM_HI(&area, i), 0x60 + i, 16);
	}
	must_ioctl(self->vcpu->fd, KVM_SET_XSAVE, &area);
	memset(vm_hva(self->vm, (uintptr_t)vectors[2]), 0x99, 32);
	ASSERT_STAGE(1, self->vcpu);
	EXPECT_EQ(0x23, guest_var(self->vm, vectors)[0][0]);
	EXPECT_EQ(0x63, guest_var(self->vm, vectors)[0][31]);
	must_ioctl(self->vcpu->fd, KVM_GET_XSAVE, &get);
	EXPECT_EQ(0x99, XMM(&get, 4)[0]);
	EXPECT_EQ(0x99, YMM_HI(&get, 4)[15]);
	EXPECT_EQ(0x65, YMM_HI(&get, 5)[0]);
	EXPECT_EQ(6, XSTATE_BV(&get) & 6);
}

TEST_F(fpu, impossible_state_is_refused)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };
	struct kvm_xsave area, get;

	must_ioctl(self->vcpu->fd, KVM_GET_XSAVE, &area);
	area.region[6] = -1U;			/* MXCSR */
	XSTATE_BV(&area) |= 2;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_XSAVE, &area));
	must_ioctl(self->vcpu->fd, KVM_GET_XSAVE, &area);
	EXPECT_EQ(0x1f80, area.region[6]);
	XSTATE_BV(&area) |= 1UL << 62;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_XSAVE, &area));
	must_ioctl(self->vcpu->fd, KVM_GET_XSAVE, &get);
	EXPECT_EQ(0, XSTATE_BV(&get) >> 62);

	xcrs.xcrs[0].value = 0;			/* x87 cannot be off */
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_XCRS, &xcrs));
	xcrs.xcrs[0].value = 5;			/* AVX without SSE */
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_XCRS, &xcrs));
	xcrs.xcrs[0].value = 1UL << 61 | 3;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_XCRS, &xcrs));
	xcrs.nr_xcrs = KVM_MAX_XCRS + 1;
	EXPECT_EQ(-EINVAL, try_ioctl(self->vcpu->fd, KVM_SET_XCRS, &xcrs));
	must_ioctl(self->vcpu->fd, KVM_GET_XCRS, &xcrs);
	EXPECT_EQ(1, xcrs.xcrs[0].value);
}

/* Host and guest each keep their own, across many exits. */
static void guest_holds(void)
{
	unsigned int i;

	__asm__ volatile("movq %0, %%xmm9" : : "r"(0x1122334455667788));
	for (i = 0; i < 20; i++) {
		uint64_t v;

		guest_sync(1);
		__asm__ volatile("movq %%xmm9, %0" : "=r"(v));
		GUEST_ASSERT_EQ(0x1122334455667788UL, v);
	}
	guest_done();
}

TEST_F(fpu, host_and_guest_do_not_mix)
{
	uint64_t before = 0xaabbccdd, after;
	unsigned int i;

	vcpu_entry(self->vcpu, guest_holds, 0);
	for (i = 0; i < 20; i++) {
		__asm__ volatile("movq %0, %%xmm9" : : "r"(before) : "xmm9");
		sys_ioctl(self->vcpu->fd, KVM_RUN, NULL);
		__asm__ volatile("movq %%xmm9, %0" : "=r"(after));
		EXPECT_EQ(before, after);
		sched_yield();
	}
	ASSERT_DONE(self->vcpu);
}

LODGE_TEST_MAIN(KVM_CAP_XSAVE, KVM_CAP_XCRS)
