// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual CPUs: creation, and the loop that runs one until the VM ends.
 *
 * How a thread is got out of KVM_RUN: vm_end() has set the outcome; then
 * immediate_exit is set and the thread is signalled.  A thread that is in the
 * guest comes back by the signal.  One that has looked at the outcome before
 * it was set, and is about to enter, is turned back by immediate_exit.  One
 * that was on its way out sees the outcome at the top of the loop.  So none
 * stays, whenever the signal came.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot_state.h"
#include "cpuid.h"
#include "layout.h"
#include "vcpu.h"

#define MSR_IA32_MISC_ENABLE		0x1a0
#define MISC_ENABLE_FAST_STRING		1
#define MSR_MTRR_DEF_TYPE		0x2ff
#define MTRR_ENABLED_WRITE_BACK		0xc06

/* SDM vol. 3, "Local Vector Table": offsets, and delivery modes in place. */
#define APIC_LVT_LINT0	0x350
#define APIC_LVT_LINT1	0x360
#define APIC_LVT_NMI	0x400
#define APIC_LVT_EXTINT	0x700

/*
 * What firmware would have left: memory is cached (else Linux turns the PAT
 * off), and string instructions are fast.  An MSR that the hypervisor refuses
 * stays as it is.
 */
static int firmware_msrs_set(struct vcpu *vcpu)
{
	union {
		struct kvm_msrs msrs;
		uint8_t room[sizeof(struct kvm_msrs) + 2 * sizeof(struct kvm_msr_entry)];
	} set = { .msrs.nmsrs = 2 };

	set.msrs.entries[0].index = MSR_MTRR_DEF_TYPE;
	set.msrs.entries[0].data = MTRR_ENABLED_WRITE_BACK;
	set.msrs.entries[1].index = MSR_IA32_MISC_ENABLE;
	set.msrs.entries[1].data = MISC_ENABLE_FAST_STRING;
	if (ioctl(vcpu->fd, KVM_SET_MSRS, &set) < 0)
		return complain("KVM_SET_MSRS: %m");
	return 0;
}

/* Virtual wire mode: MPS 1.4, "Virtual Wire Mode"; NMI is at LINT1 of all. */
static int firmware_lapic_set(struct vcpu *vcpu)
{
	const uint32_t extint = APIC_LVT_EXTINT, nmi = APIC_LVT_NMI;
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		return complain("KVM_GET_LAPIC: %m");
	if (!vcpu->id)
		memcpy(&lapic.regs[APIC_LVT_LINT0], &extint, sizeof(extint));
	memcpy(&lapic.regs[APIC_LVT_LINT1], &nmi, sizeof(nmi));
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic))
		return complain("KVM_SET_LAPIC: %m");
	return 0;
}

static int vcpu_create(struct vcpu *vcpu, struct kvm_cpuid2 *cpuid)
{
	struct vm *vm = vcpu->vm;
	void *run;

	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, vcpu->id);
	if (vcpu->fd < 0)
		return complain("KVM_CREATE_VCPU %u: %m", vcpu->id);
	run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return complain("vCPU %u: mmap: %m", vcpu->id);
	vcpu->run = run;

	cpuid_specialize(cpuid, vcpu->id, vm->cpus, vm->tsc_deadline);
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		return complain("KVM_SET_CPUID2: %m");
	if (firmware_msrs_set(vcpu) || firmware_lapic_set(vcpu))
		return -1;
	return 0;
}

/* How many vCPUs the hypervisor has for one VM. */
static int cpus_check(struct vm *vm)
{
	int max = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	if (max <= 0)
		max = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
	if (max > 0 && vm->cpus > (unsigned int)max)
		return complain("--cpus %u: the hypervisor has %d at most", vm->cpus, max);
	return 0;
}

static int memory_check(struct vm *vm, const struct kvm_cpuid2 *cpuid)
{
	const struct memory_region *last = &vm->memory.regions[vm->memory.count - 1];
	unsigned int bits = cpuid_physical_bits(cpuid);

	if (bits < 64 && (last->gpa + last->size - 1) >> bits)
		return complain("--memory: the CPU addresses %u bits, too few for that much", bits);
	return 0;
}

int vcpus_create(struct vm *vm, const struct boot *boot)
{
	struct kvm_cpuid2 *cpuid;
	int ret = -1;

	if (cpus_check(vm))
		return -1;
	cpuid = cpuid_get_supported(vm->node_fd);
	if (!cpuid)
		return -1;
	if (memory_check(vm, cpuid))
		goto out;

	vm->vcpus = calloc(vm->cpus, sizeof(*vm->vcpus));
	if (!vm->vcpus) {
		complain("out of memory");
		goto out;
	}
	for (unsigned int i = 0; i < vm->cpus; i++)
		vm->vcpus[i] = (struct vcpu){ .vm = vm, .id = i, .fd = -1 };
	for (unsigned int i = 0; i < vm->cpus; i++)
		if (vcpu_create(&vm->vcpus[i], cpuid))
			goto out;
	ret = boot_state_set(vm->vcpus[0].fd, &vm->memory, boot);
out:
	if (ret)
		vcpus_destroy(vm);
	free(cpuid);
	return ret;
}

void vcpus_destroy(struct vm *vm)
{
	if (!vm->vcpus)
		return;
	for (unsigned int i = 0; i < vm->cpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (vcpu->run)
			munmap(vcpu->run, vm->run_size);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
	}
	free(vm->vcpus);
	vm->vcpus = NULL;
}

/* Memory without a device reads as all ones, and takes writes without effect. */
static void mmio_exit(struct kvm_run *run)
{
	if (!run->mmio.is_write)
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
}

static void system_event_exit(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_end(vcpu->vm, OUTCOME_POWEROFF);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_end(vcpu->vm, OUTCOME_RESET);
		break;
	case KVM_SYSTEM_EVENT_CRASH:
		vm_end(vcpu->vm, OUTCOME_PANIC);
		break;
	default:
		exit_report(vcpu);
		vm_end(vcpu->vm, OUTCOME_FAILURE);
	}
}

static void vcpu_exit(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (pio_exit(&vm->pio, run, vm->run_size))
			vm_end(vm, OUTCOME_FAILURE);
		break;
	case KVM_EXIT_MMIO:
		mmio_exit(run);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_SHUTDOWN:
		vm_end(vm, OUTCOME_SHUTDOWN);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		system_event_exit(vcpu);
		break;
	default:
		exit_report(vcpu);
		vm_end(vm, OUTCOME_FAILURE);
	}
}

static void *vcpu_thread(void *opaque)
{
	struct vcpu *vcpu = opaque;
	struct vm *vm = vcpu->vm;
	sigset_t kick;

	sigemptyset(&kick);
	sigaddset(&kick, INTERRUPT_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);

	while (!vm_ended(vm)) {
		if (!ioctl(vcpu->fd, KVM_RUN, 0)) {
			vcpu_exit(vcpu);
		} else if (errno != EINTR && errno != EAGAIN) {
			complain("vCPU %u: KVM_RUN: %m", vcpu->id);
			vm_end(vm, OUTCOME_FAILURE);
		}
	}
	return NULL;
}

int vcpus_start(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->cpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];
		int err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);

		if (err)
			return complain("cannot start a thread for vCPU %u: %s", i, strerror(err));
		vcpu->started = true;
	}
	return 0;
}

void vcpus_stop(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->cpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (!vcpu->started)
			continue;
		__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELEASE);
		pthread_kill(vcpu->thread, INTERRUPT_SIGNAL);
	}
	for (unsigned int i = 0; i < vm->cpus; i++)
		if (vm->vcpus[i].started)
			pthread_join(vm->vcpus[i].thread, NULL);
}
