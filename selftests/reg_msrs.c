// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: every MSR of KVM_GET_MSR_INDEX_LIST reads on a vCPU and takes back
 * what was read, every one of KVM_GET_MSR_FEATURE_INDEX_LIST reads on the
 * system's descriptor, the ones that hold a value give back what was set, to
 * user space and to the guest; and KVM_GET/SET_MSRS stop at the first they do
 * not know and return how many went before.
 */
#include <asm/msr-index.h>

#include "lodge_test.h"

static volatile uint32_t msr_index;
static volatile uint64_t msr_value;

/* Reads the register that it is asked for. */
static void guest_reads(void)
{
	for (;;) {
		msr_value = rdmsr(msr_index);
		guest_sync(1);
	}
}

FIXTURE(msrs) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(msrs)
{
	self->vm = vm_create_irqchip();
	self->vcpu = vcpu_create(self->vm, guest_reads);
}

FIXTURE_TEARDOWN(msrs)
{
	vm_free(self->vm);
}

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[3];
};

static int get_msr(struct vcpu *vcpu, uint32_t msr, uint64_t *v)
{
	struct msrs msrs = { .head.nmsrs = 1, .entry[0].index = msr };
	int ret = try_ioctl(vcpu->fd, KVM_GET_MSRS, &msrs);

	*v = msrs.entry[0].data;
	return ret;
}

TEST_F(msrs, every_listed_one_reads_and_takes_back)
{
	struct kvm_msr_list *list = node_msr_list();
	uint64_t v;
	unsigned int i;

	ASSERT_LT(0, list->nmsrs);
	for (i = 0; i < list->nmsrs; i++) {
		EXPECT_EQ(1, get_msr(self->vcpu, list->indices[i], &v))
			TH_LOG("MSR %#x does not read", list->indices[i]);
		EXPECT_EQ(1, vcpu_set_msr_try(self->vcpu, list->indices[i], v))
			TH_LOG("MSR %#x does not take %#lx", list->indices[i],
			       v);
	}
	free(list);
}

TEST_F(msrs, every_feature_msr_reads)
{
	struct kvm_msr_list probe = { .nmsrs = 0 }, *list;
	int fd = node_open();
	unsigned int i;

	EXPECT_EQ(-E2BIG, try_ioctl(fd, KVM_GET_MSR_FEATURE_INDEX_LIST,
				    &probe));
	list = calloc(1, sizeof(*list) + probe.nmsrs * sizeof(uint32_t));
	list->nmsrs = probe.nmsrs;
	must_ioctl(fd, KVM_GET_MSR_FEATURE_INDEX_LIST, list);
	for (i = 0; i < list->nmsrs; i++) {
		struct msrs msrs = {
			.head.nmsrs = 1,
			.entry[0].index = list->indices[i],
		};

		EXPECT_EQ(1, try_ioctl(fd, KVM_GET_MSRS, &msrs))
			TH_LOG("MSR %#x", list->indices[i]);
	}
	close(fd);
	free(list);
}

TEST_F(msrs, hold_what_is_set)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} want[] = {
		{ MSR_IA32_SYSENTER_CS, 0x10 },
		/* On AMD these two are of 32 bits, outside legacy mode unused. */
		{ MSR_IA32_SYSENTER_ESP, 0x12340000 },
		{ MSR_IA32_SYSENTER_EIP, 0x81000010 },
		{ MSR_STAR, 0x0023001000000000 },
		{ MSR_LSTAR, 0xffffffff81000020 },
		{ MSR_CSTAR, 0xffffffff81000030 },
		{ MSR_SYSCALL_MASK, 0x47700 },
		{ MSR_KERNEL_GS_BASE, 0xffff888012345000 },
		{ MSR_FS_BASE, 0x7fff12345678 },
		{ MSR_IA32_CR_PAT, 0x0007040600070406 },
		{ MSR_MTRRdefType, 0xc06 },
		{ MSR_MTRRfix64K_00000, 0x0606060606060606 },
		{ MSR_MTRRfix4K_F8000, 0x0505050505050505 },
		{ 0x200, 0x80000006 },		/* variable base 0 */
		{ 0x201, 0xffc0000800 },	/* variable mask 0 */
		{ 0x20e, 0x40000006 },		/* variable base 7 */
		{ MSR_IA32_TSC_ADJUST, 0x1000 },
	};
	struct ucall uc;
	unsigned int i;
	uint64_t v;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		EXPECT_EQ(1, vcpu_set_msr_try(self->vcpu, want[i].index,
					      want[i].value))
			TH_LOG("MSR %#x does not take it", want[i].index);
	}
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		EXPECT_EQ(1, get_msr(self->vcpu, want[i].index, &v));
		EXPECT_EQ(want[i].value, v)
			TH_LOG("MSR %#x to user space", want[i].index);
		guest_var(self->vm, msr_index) = want[i].index;
		ASSERT_EQ(UCALL_SYNC, vcpu_run_ucall(self->vcpu, &uc));
		EXPECT_EQ(want[i].value, guest_var(self->vm, msr_value))
			TH_LOG("MSR %#x to the guest", want[i].index);
	}
}

/* What QEMU writes at every reset, and insists on. */
TEST_F(msrs, machine_check_banks)
{
	uint64_t cap = 10 | 1 << 8;		/* ten banks, MCG_CTL */
	unsigned int i;

	must_ioctl(self->vcpu->fd, KVM_X86_SETUP_MCE, &cap);
	EXPECT_EQ(1, vcpu_set_msr_try(self->vcpu, MSR_IA32_MCG_STATUS, 0));
	EXPECT_EQ(1, vcpu_set_msr_try(self->vcpu, MSR_IA32_MCG_CTL, -1UL));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(1, vcpu_set_msr_try(self->vcpu,
					      MSR_IA32_MC0_CTL + 4 * i, -1UL));
	EXPECT_NE(1, vcpu_set_msr_try(self->vcpu, MSR_IA32_MC0_CTL + 40, -1UL));
}

TEST_F(msrs, stops_at_the_first_unknown)
{
	struct msrs msrs = {
		.head.nmsrs = 3,
		.entry = {
			{ .index = MSR_LSTAR, .data = 0x1000 },
			{ .index = 0xdeadbeef, .data = 1 },
			{ .index = MSR_CSTAR, .data = 0x2000 },
		},
	};

	EXPECT_EQ(1, try_ioctl(self->vcpu->fd, KVM_SET_MSRS, &msrs));
	EXPECT_EQ(1, try_ioctl(self->vcpu->fd, KVM_GET_MSRS, &msrs));
	EXPECT_EQ(0x1000, vcpu_get_msr(self->vcpu, MSR_LSTAR));
	EXPECT_EQ(0, vcpu_get_msr(self->vcpu, MSR_CSTAR));
}

TEST_F(msrs, impossible_values_are_refused)
{
	EXPECT_EQ(0, vcpu_set_msr_try(self->vcpu, MSR_IA32_CR_PAT, 2));
	EXPECT_EQ(0, vcpu_set_msr_try(self->vcpu, MSR_MTRRdefType, 0xff));
	EXPECT_EQ(0, vcpu_set_msr_try(self->vcpu, MSR_LSTAR, 1UL << 62));
	EXPECT_EQ(0, vcpu_set_msr_try(self->vcpu, MSR_IA32_APICBASE,
				      1UL << 62));
	EXPECT_EQ(0x0007040600070406, vcpu_get_msr(self->vcpu,
						   MSR_IA32_CR_PAT));
}

TEST_F(msrs, counts_and_pointers)
{
	struct kvm_msrs many = { .nmsrs = 1 << 20 };

	EXPECT_EQ(-E2BIG, try_ioctl(self->vcpu->fd, KVM_GET_MSRS, &many));
	EXPECT_EQ(-E2BIG, try_ioctl(self->vcpu->fd, KVM_SET_MSRS, &many));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vcpu->fd, KVM_GET_MSRS, NULL));
	EXPECT_EQ(-EFAULT, try_ioctl(self->vcpu->fd, KVM_SET_MSRS, 8));
	many.nmsrs = 0;
	EXPECT_EQ(0, try_ioctl(self->vcpu->fd, KVM_GET_MSRS, &many));
}

LODGE_TEST_MAIN(KVM_CAP_GET_MSR_FEATURES, KVM_CAP_IRQCHIP)
