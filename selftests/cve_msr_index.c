// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: CVE-2016-3713: an MSR number next to an array of registers (MTRRs,
 * machine-check banks, x2APIC, performance counters) is not an index past it:
 * every one of the neighbourhoods reads and writes, by user space and by the
 * guest, as itself or not at all, and none changes another's value.
 */
#include <asm/msr-index.h>

#include "lodge_test.h"

static const struct {
	uint32_t first, last;
} ranges[] = {
	{ 0x1f0, 0x2ff },	/* MTRRs */
	{ 0x3f0, 0x4ff },	/* machine check */
	{ 0x7f0, 0x900 },	/* x2APIC */
	{ 0x0c0, 0x0ff },	/* performance counters, MTRRcap */
	{ 0x174, 0x18f },	/* SYSENTER, MCG, event selectors */
	{ 0xc0000080, 0xc0000110 },
	{ 0xc0010000, 0xc0010130 },
	{ 0x40000000, 0x40000120 },	/* Hyper-V */
	{ 0x4b564cf0, 0x4b564d20 },	/* KVM */
};

static void guest_reads_all(void)
{
	unsigned int i, msr;
	uint64_t v;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		for (msr = ranges[i].first; msr <= ranges[i].last; msr++) {
			unsigned int vec = rdmsr_try(msr, &v);

			GUEST_ASSERT(vec == 0 || vec == VEC_GP);
		}
	}
	guest_done();
}

TEST(neighbourhoods)
{
	struct vm *vm = vm_create_irqchip();
	struct vcpu *vcpu = vcpu_create(vm, guest_reads_all);
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1 };
	unsigned int i;
	uint32_t index;

	vcpu_set_msr(vcpu, MSR_LSTAR, 0x1234);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		for (index = ranges[i].first; index <= ranges[i].last;
		     index++) {
			msr.entry.index = index;
			if (try_ioctl(vcpu->fd, KVM_GET_MSRS, &msr) == 1)
				try_ioctl(vcpu->fd, KVM_SET_MSRS, &msr);
			else
				EXPECT_GE(1, vcpu_set_msr_try(vcpu, index, 0));
		}
	}
	EXPECT_EQ(0x1234, vcpu_get_msr(vcpu, MSR_LSTAR));
	ASSERT_DONE(vcpu);
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
