// SPDX-License-Identifier: GPL-2.0
/*
 * Making and ending a virtual machine, by the KVM ABI alone
 * (Documentation/virt/kvm/api.rst).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "layout.h"
#include "vm.h"

#define NODE_LODGE	"/dev/lodge"
#define NODE_KVM	"/dev/kvm"

static int node_open_failed(const char *node)
{
	switch (errno) {
	case ENOENT:
		return complain("%s does not exist; load the module, or give another --dev",
				node);
	case EACCES:
	case EPERM:
		return complain("%s: no permission; join its group (sudo usermod -aG kvm $USER)",
				node);
	case ENODEV:
	case ENXIO:
		return complain("%s: %m; the module behind it is not loaded", node);
	default:
		return complain("%s: %m", node);
	}
}

static int node_open(struct vm *vm, const char **node)
{
	bool fallback = !*node;

	if (fallback)
		*node = NODE_LODGE;
	vm->node_fd = open(*node, O_RDWR | O_CLOEXEC);
	if (vm->node_fd < 0 && errno == ENOENT && fallback && !access(NODE_KVM, F_OK)) {
		inform("%s does not exist: running on %s", *node, NODE_KVM);
		*node = NODE_KVM;
		vm->node_fd = open(*node, O_RDWR | O_CLOEXEC);
	}
	return vm->node_fd < 0 ? node_open_failed(*node) : 0;
}

static int node_check(struct vm *vm, const char *node)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {
		{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
		{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
		{ KVM_CAP_PIT2, "KVM_CAP_PIT2" },
		{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
		{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	};
	int version, size;

	version = ioctl(vm->node_fd, KVM_GET_API_VERSION, 0);
	if (version < 0)
		return complain("%s: not a hypervisor's node (KVM_GET_API_VERSION: %m)", node);
	if (version != KVM_API_VERSION)
		return complain("%s: speaks version %d of the KVM ABI, this launcher version %d",
				node, version, KVM_API_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (ioctl(vm->node_fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return complain("%s: lacks %s, which the launcher needs", node,
					needed[i].name);

	size = ioctl(vm->node_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return complain("%s: KVM_GET_VCPU_MMAP_SIZE gives %d", node, size);
	vm->run_size = size;
	vm->tsc_deadline = ioctl(vm->node_fd, KVM_CHECK_EXTENSION,
				 KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	return 0;
}

static int machine_create(struct vm *vm, const char *node)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity_map = GPA_IDENTITY_MAP;

	vm->fd = ioctl(vm->node_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return complain("%s: KVM_CREATE_VM: %m", node);

	/* Only some Intel CPUs have a use for these two; none minds them. */
	if (ioctl(vm->node_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0 &&
	    ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map))
		return complain("KVM_SET_IDENTITY_MAP_ADDR: %m");
	if (ioctl(vm->node_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0 &&
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, GPA_TSS))
		return complain("KVM_SET_TSS_ADDR: %m");

	/* Before the vCPUs: they get their local APICs by it. */
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return complain("KVM_CREATE_IRQCHIP: %m");
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		return complain("KVM_CREATE_PIT2: %m");
	return 0;
}

static int memory_attach(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->memory.count; i++) {
		const struct memory_region *region = &vm->memory.regions[i];
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = region->gpa,
			.memory_size = region->size,
			.userspace_addr = (uintptr_t)region->host,
		};

		if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot))
			return complain("KVM_SET_USER_MEMORY_REGION, %llu MiB at %#llx: %m",
					(unsigned long long)region->size >> 20,
					(unsigned long long)region->gpa);
	}
	return 0;
}

void vm_init(struct vm *vm)
{
	*vm = (struct vm){ .node_fd = -1, .fd = -1, .event_fd = -1, .outcome = OUTCOME_NONE };
}

int vm_create(struct vm *vm, const char *node)
{
	vm->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->event_fd < 0)
		return complain("eventfd: %m");
	if (node_open(vm, &node) || node_check(vm, node) ||
	    machine_create(vm, node) || memory_attach(vm))
		return -1;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void vm_destroy(struct vm *vm)
{
	close_fd(&vm->fd);
	close_fd(&vm->node_fd);
	close_fd(&vm->event_fd);
	guest_memory_destroy(&vm->memory);
}

void vm_end(struct vm *vm, enum outcome outcome)
{
	int running = OUTCOME_NONE;
	uint64_t one = 1;

	if (!atomic_compare_exchange_strong(&vm->outcome, &running, outcome))
		return;
	/* An eventfd that is written once cannot be full. */
	if (write(vm->event_fd, &one, sizeof(one)) < 0)
		complain("eventfd: %m");
}

void vm_set_irq(struct vm *vm, unsigned int gsi, bool level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	if (ioctl(vm->fd, KVM_IRQ_LINE, &irq)) {
		complain("KVM_IRQ_LINE %u: %m", gsi);
		vm_end(vm, OUTCOME_FAILURE);
	}
}
