// SPDX-License-Identifier: GPL-2.0
/* Why the hypervisor could not go on with a guest, in words. */
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "../../uapi/lodge.h"
#include "vcpu.h"

/* VMX: basic exit reasons of a failed entry (SDM vol. 3, "VM-Entry Failures"). */
#define VMX_ENTRY_FAILURE	0x80000000
#define VMX_INVALID_GUEST	33
#define VMX_MSR_LOAD		34
#define VMX_MACHINE_CHECK	41

/* SVM: VMEXIT_INVALID (APM vol. 2, "Canonicalization and Consistency Checks"). */
#define SVM_INVALID		UINT64_C(0xffffffffffffffff)
#define SVM_INVALID_32		UINT64_C(0xffffffff)

static const char *entry_failure_words(uint64_t reason)
{
	if (reason == SVM_INVALID || reason == SVM_INVALID_32)
		return "SVM: the guest's state breaks a consistency check";
	switch (reason) {
	case VMX_ENTRY_FAILURE | VMX_INVALID_GUEST:
		return "VMX: the guest's state is invalid";
	case VMX_ENTRY_FAILURE | VMX_MSR_LOAD:
		return "VMX: an MSR could not be loaded";
	case VMX_ENTRY_FAILURE | VMX_MACHINE_CHECK:
		return "VMX: a machine check during entry";
	}
	return "see the host's kernel log";
}

static const char *suberror_words(uint32_t suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "an instruction could not be emulated";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "an exception during the delivery of another";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "an exit during the delivery of an event";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "an exit for an unexpected reason";
	}
	return "an unknown error";
}

static const char *exit_words(uint32_t reason)
{
	switch (reason) {
	case KVM_EXIT_UNKNOWN:
		return "an exit unknown to the hypervisor";
	case KVM_EXIT_EXCEPTION:
		return "an exception that is not the guest's";
	case KVM_EXIT_HLT:
		return "a halt, which the in-kernel interrupt controller should have kept";
	case KVM_EXIT_SYSTEM_EVENT:
		return "a system event that the launcher does not know";
	}
	return "an exit that the launcher did not ask for";
}

static void instruction_report(const struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	unsigned int size = run->emulation_failure.insn_size;
	char text[3 * sizeof(run->emulation_failure.insn_bytes) + 1] = "";
	int len = 0;

	if (run->internal.ndata < 1 ||
	    !(run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		return;
	if (size > sizeof(run->emulation_failure.insn_bytes))
		size = sizeof(run->emulation_failure.insn_bytes);
	for (unsigned int i = 0; i < size; i++)
		len += sprintf(text + len, " %02x", run->emulation_failure.insn_bytes[i]);
	complain("vCPU %u: instruction bytes:%s", vcpu->id, text);
}

static void internal_error_report(const struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	char text[19 * ARRAY_SIZE(run->internal.data) + 1] = "";
	uint32_t ndata = run->internal.ndata;
	int len = 0;

	if (ndata > ARRAY_SIZE(run->internal.data))
		ndata = ARRAY_SIZE(run->internal.data);
	for (uint32_t i = 0; i < ndata; i++)
		len += sprintf(text + len, " %#llx", (unsigned long long)run->internal.data[i]);
	complain("vCPU %u: the hypervisor failed: %s (suberror %u)%s%s", vcpu->id,
		 suberror_words(run->internal.suberror), run->internal.suberror,
		 ndata ? ", data" : "", text);
	if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
		instruction_report(vcpu);
}

/* On the vCPU's own thread, the only one that may ask. */
static void registers_report(const struct vcpu *vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return;
	complain("vCPU %u: rip %#llx rsp %#llx rflags %#llx cs %#x:%#llx", vcpu->id,
		 (unsigned long long)regs.rip, (unsigned long long)regs.rsp,
		 (unsigned long long)regs.rflags, sregs.cs.selector,
		 (unsigned long long)sregs.cs.base);
	complain("vCPU %u: cr0 %#llx cr2 %#llx cr3 %#llx cr4 %#llx efer %#llx", vcpu->id,
		 (unsigned long long)sregs.cr0, (unsigned long long)sregs.cr2,
		 (unsigned long long)sregs.cr3, (unsigned long long)sregs.cr4,
		 (unsigned long long)sregs.efer);
}

/* Which rule of the manual the state breaks, if this hypervisor can say. */
static void rule_report(const struct vcpu *vcpu)
{
	struct lodge_failed_entry why;
	char text[ARRAY_SIZE(why.fields) * (sizeof(why.fields[0].name) + 24)] = "";
	int len = 0;

	if (ioctl(vcpu->fd, LODGE_GET_FAILED_ENTRY, &why))
		return;
	if (!why.name[0]) {
		complain("vCPU %u: none of the manual's rules that are known is broken", vcpu->id);
		return;
	}
	if (why.nr_fields > ARRAY_SIZE(why.fields))
		why.nr_fields = ARRAY_SIZE(why.fields);
	for (unsigned int i = 0; i < why.nr_fields; i++)
		len += sprintf(text + len, "%s%.*s is %#llx", i ? ", " : "",
			       (int)sizeof(why.fields[i].name), why.fields[i].name,
			       (unsigned long long)why.fields[i].value);
	complain("vCPU %u: %.*s, but %s", vcpu->id, (int)sizeof(why.rule), why.rule, text);
	complain("vCPU %u: the rule is in %.*s", vcpu->id, (int)sizeof(why.section), why.section);
}

void exit_report(const struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_FAIL_ENTRY:
		complain("vCPU %u: the hardware refused entry on CPU %u: reason %#llx (%s)",
			 vcpu->id, run->fail_entry.cpu,
			 (unsigned long long)run->fail_entry.hardware_entry_failure_reason,
			 entry_failure_words(run->fail_entry.hardware_entry_failure_reason));
		rule_report(vcpu);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		internal_error_report(vcpu);
		break;
	default:
		complain("vCPU %u: exit %u: %s", vcpu->id, run->exit_reason,
			 exit_words(run->exit_reason));
		break;
	}
	registers_report(vcpu);
}
