// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: guest state that the CPU refuses to enter (APM vol. 2, VMRUN
 * Instruction: Canonicalization and Consistency Checks) is either refused when
 * user space sets it, or KVM_RUN ends in KVM_EXIT_FAIL_ENTRY with the
 * hardware's reason and the CPU; the vCPU can be given another state and run.
 * Where the node is Lodge's, LODGE_GET_FAILED_ENTRY names the rule that is broken.
 */
#include <string.h>

#include "../uapi/lodge.h"
#include "lodge_test.h"

static void guest_fine(void)
{
	guest_done();
}

FIXTURE(entry) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(entry)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, guest_fine);
}

FIXTURE_TEARDOWN(entry)
{
	vm_free(self->vm);
}

#define CANNOT_ENTER(change) do {					\
	struct kvm_sregs bad;						\
	int ret;							\
	vcpu_sregs(self->vcpu, &bad);					\
	change;								\
	ret = try_ioctl(self->vcpu->fd, KVM_SET_SREGS, &bad);		\
	if (ret == 0) {							\
		struct kvm_run *run = self->vcpu->run;			\
		ASSERT_EQ(KVM_EXIT_FAIL_ENTRY, vcpu_run(self->vcpu));	\
		EXPECT_NE(0, run->fail_entry.hardware_entry_failure_reason); \
		EXPECT_GE(sysconf(_SC_NPROCESSORS_CONF), run->fail_entry.cpu); \
	} else {							\
		EXPECT_EQ(-EINVAL, ret);				\
	}								\
	vcpu_long_mode(self->vcpu);					\
	vcpu_entry(self->vcpu, guest_fine, 0);				\
} while (0)

static bool explains(const struct vcpu *vcpu)
{
	return ioctl(vcpu->vm->fd, KVM_CHECK_EXTENSION, LODGE_CAP_FAILED_ENTRY) > 0;
}

TEST_F(entry, reserved_efer_bit)
{
	CANNOT_ENTER(bad.efer |= 1UL << 9);
	ASSERT_DONE(self->vcpu);
}

TEST_F(entry, long_mode_with_32_bit_and_64_bit_code)
{
	CANNOT_ENTER(bad.cs.db = 1);		/* CS.L and CS.D at once */
	ASSERT_DONE(self->vcpu);
}

TEST_F(entry, nothing_to_explain)
{
	struct lodge_failed_entry why;

	if (!explains(self->vcpu))
		SKIP(return, "not Lodge's node");
	EXPECT_EQ(-ENOENT, try_ioctl(self->vcpu->fd, LODGE_GET_FAILED_ENTRY, &why));
	ASSERT_DONE(self->vcpu);
	EXPECT_EQ(-ENOENT, try_ioctl(self->vcpu->fd, LODGE_GET_FAILED_ENTRY, &why));
}

/* CS.L and CS.D at once: the rule, its section, and the fields that it is about. */
TEST_F(entry, explained)
{
	struct lodge_failed_entry why = {};
	struct kvm_run *run = self->vcpu->run;
	struct kvm_sregs bad;
	bool found = false;

	if (!explains(self->vcpu))
		SKIP(return, "not Lodge's node");
	vcpu_sregs(self->vcpu, &bad);
	bad.cs.db = 1;
	if (try_ioctl(self->vcpu->fd, KVM_SET_SREGS, &bad))
		SKIP(return, "such a CS cannot be set");
	ASSERT_EQ(KVM_EXIT_FAIL_ENTRY, vcpu_run(self->vcpu));
	ASSERT_EQ(0, try_ioctl(self->vcpu->fd, LODGE_GET_FAILED_ENTRY, &why));
	EXPECT_EQ(run->fail_entry.hardware_entry_failure_reason, why.reason);
	EXPECT_EQ(run->fail_entry.cpu, why.cpu);
	EXPECT_STREQ("cs-long-and-32-bit", why.name);
	EXPECT_NE(NULL, strstr(why.rule, "CS.L"));
	EXPECT_NE('\0', why.section[0]);
	ASSERT_GE(LODGE_ENTRY_FIELDS, why.nr_fields);
	for (unsigned int i = 0; i < why.nr_fields; i++) {
		EXPECT_NE('\0', why.fields[i].name[0]);
		found |= strstr(why.fields[i].name, "CS") && why.fields[i].value;
	}
	EXPECT_TRUE(found);

	vcpu_long_mode(self->vcpu);
	vcpu_entry(self->vcpu, guest_fine, 0);
	ASSERT_DONE(self->vcpu);
	/* It stays, until another entry fails. */
	EXPECT_EQ(0, try_ioctl(self->vcpu->fd, LODGE_GET_FAILED_ENTRY, &why));
}

/*
 * State of one register that user space may set and an Intel CPU refuses: the CPU says
 * no, and the rule that was broken is named.
 */
#define REFUSED(rule, change) do {						\
	struct lodge_failed_entry why = {};					\
	struct kvm_sregs bad;							\
	vcpu_sregs(self->vcpu, &bad);						\
	change;									\
	ASSERT_EQ(0, try_ioctl(self->vcpu->fd, KVM_SET_SREGS, &bad));		\
	ASSERT_EQ(KVM_EXIT_FAIL_ENTRY, vcpu_run(self->vcpu));			\
	ASSERT_EQ(0, try_ioctl(self->vcpu->fd, LODGE_GET_FAILED_ENTRY, &why));	\
	EXPECT_STREQ(rule, why.name);						\
	vcpu_long_mode(self->vcpu);						\
} while (0)

TEST_F(entry, explained_on_intel)
{
	if (!explains(self->vcpu) || !__builtin_cpu_is("intel"))
		SKIP(return, "not Lodge's node, or not an Intel CPU");
	REFUSED("tr-type", bad.tr.type = 1);
	REFUSED("tr-ti", bad.tr.selector |= 4);
	REFUSED("tr-s", bad.tr.s = 1);
	REFUSED("tr-granularity", bad.tr.g = 1; bad.tr.limit = 0x67);
	REFUSED("tr-base", bad.tr.base = 1ull << 62);
	REFUSED("ss-type", bad.ss.type = 1);
	REFUSED("ss-s", bad.ss.s = 0);
	REFUSED("ds-s", bad.ds.s = 0; bad.ds.type = 3);
	REFUSED("es-granularity", bad.es.g = 0; bad.es.limit = 0xffffffff);
	REFUSED("gs-base", bad.gs.base = 1ull << 62);
	REFUSED("cs-base", bad.cs.base = 1ull << 32);
	REFUSED("cs-dpl-code", bad.cs.dpl = 3);
	REFUSED("gdtr-base", bad.gdt.base = 1ull << 62);
	REFUSED("idtr-base", bad.idt.base = 1ull << 62);
	vcpu_entry(self->vcpu, guest_fine, 0);
	ASSERT_DONE(self->vcpu);
}

LODGE_TEST_MAIN()
