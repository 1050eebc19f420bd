// SPDX-License-Identifier: GPL-2.0
/*
 * Running a vCPU, reading its ucalls, and telling what went wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vm.h"

int vcpu_run_try(struct vcpu *vcpu)
{
	return sys_ioctl(vcpu->fd, KVM_RUN, NULL);
}

/* -EAGAIN is how KVM_RUN says that an AP took INIT or SIPI meanwhile. */
uint32_t vcpu_run(struct vcpu *vcpu)
{
	int ret;

	do {
		ret = vcpu_run_try(vcpu);
	} while (ret == -EINTR || ret == -EAGAIN);
	if (ret)
		fatal("KVM_RUN: %s", strerror(-ret));
	return vcpu->run->exit_reason;
}

const char *exit_name(uint32_t reason)
{
	static const char * const names[] = {
		[KVM_EXIT_UNKNOWN] = "unknown",
		[KVM_EXIT_EXCEPTION] = "exception",
		[KVM_EXIT_IO] = "io",
		[KVM_EXIT_HYPERCALL] = "hypercall",
		[KVM_EXIT_DEBUG] = "debug",
		[KVM_EXIT_HLT] = "hlt",
		[KVM_EXIT_MMIO] = "mmio",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "irq window open",
		[KVM_EXIT_SHUTDOWN] = "shutdown",
		[KVM_EXIT_FAIL_ENTRY] = "fail entry",
		[KVM_EXIT_INTR] = "intr",
		[KVM_EXIT_SET_TPR] = "set tpr",
		[KVM_EXIT_TPR_ACCESS] = "tpr access",
		[KVM_EXIT_INTERNAL_ERROR] = "internal error",
		[KVM_EXIT_SYSTEM_EVENT] = "system event",
		[KVM_EXIT_IOAPIC_EOI] = "ioapic eoi",
		[KVM_EXIT_X86_RDMSR] = "rdmsr",
		[KVM_EXIT_X86_WRMSR] = "wrmsr",
	};

	if (reason < ARRAY_SIZE(names) && names[reason])
		return names[reason];
	return "another";
}

void vcpu_describe_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs;

	vcpu_regs(vcpu, &regs);
	fprintf(stderr, "# vCPU %u: exit %u (%s) at rip %#llx\n", vcpu->id,
		run->exit_reason, exit_name(run->exit_reason), regs.rip);
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		fprintf(stderr, "#   port %#x, %s, %u x %u bytes\n",
			run->io.port, run->io.direction ? "out" : "in",
			run->io.count, run->io.size);
		break;
	case KVM_EXIT_MMIO:
		fprintf(stderr, "#   %s of %u bytes at %#llx\n",
			run->mmio.is_write ? "write" : "read", run->mmio.len,
			run->mmio.phys_addr);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		fprintf(stderr, "#   reason %#llx\n",
			run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		fprintf(stderr, "#   suberror %u, data %#llx %#llx %#llx\n",
			run->internal.suberror, run->internal.data[0],
			run->internal.data[1], run->internal.data[2]);
		break;
	}
}

bool vcpu_is_ucall(struct vcpu *vcpu, struct ucall *uc)
{
	struct kvm_run *run = vcpu->run;
	uint32_t gpa;

	if (run->exit_reason != KVM_EXIT_IO || run->io.port != UCALL_PORT ||
	    run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 4 ||
	    run->io.count != 1)
		return false;
	memcpy(&gpa, (char *)run + run->io.data_offset, sizeof(gpa));
	memcpy(uc, vm_hva(vcpu->vm, gpa), sizeof(*uc));
	return true;
}

static void report_ucall(struct vcpu *vcpu, const struct ucall *uc)
{
	switch (uc->kind) {
	case UCALL_ABORT:
		fprintf(stderr, "# guest, vCPU %u: %s:%u: not %s", vcpu->id,
			uc->file, uc->line, uc->text);
		if (uc->arg[0])
			fprintf(stderr, " (%#lx, %#lx)", uc->arg[1],
				uc->arg[2]);
		fputc('\n', stderr);
		break;
	case UCALL_TRAP:
		fprintf(stderr,
			"# guest, vCPU %u: vector %lu, error code %#lx, rip %#lx, cr2 %#lx\n",
			vcpu->id, uc->arg[0], uc->arg[1], uc->arg[2],
			uc->arg[3]);
		break;
	}
}

enum ucall_kind vcpu_run_ucall(struct vcpu *vcpu, struct ucall *uc)
{
	vcpu_run(vcpu);
	if (!vcpu_is_ucall(vcpu, uc)) {
		vcpu_describe_exit(vcpu);
		fatal("vCPU %u: an exit that the test does not expect",
		      vcpu->id);
	}
	report_ucall(vcpu, uc);
	return uc->kind;
}

bool vcpu_finish(struct vcpu *vcpu)
{
	struct ucall uc;

	while (vcpu_run_ucall(vcpu, &uc) == UCALL_SYNC)
		;
	return uc.kind == UCALL_DONE;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	while (vcpu_run_ucall(vcpu, &vcpu->end) == UCALL_SYNC)
		;
	return NULL;
}

void vcpu_start(struct vcpu *vcpu)
{
	if (pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu))
		fatal("no thread for vCPU %u", vcpu->id);
}

bool vcpu_join(struct vcpu *vcpu)
{
	pthread_join(vcpu->thread, NULL);
	return vcpu->end.kind == UCALL_DONE;
}
