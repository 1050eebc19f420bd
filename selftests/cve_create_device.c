// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: CVE-2019-6974: KVM_CREATE_DEVICE publishes the descriptor last:
 * another thread that closes every descriptor as it appears, while devices,
 * vCPUs and statistics files are created, takes no reference that is in use.
 */
#include <fcntl.h>

#include "lodge_test.h"

static volatile bool stop;
static int first_fd;

static void *closes(void *arg)
{
	int i;

	while (!stop) {
		for (i = first_fd; i < first_fd + 4; i++)
			close(i);
	}
	return NULL;
}

TEST(descriptor_closed_as_it_appears)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create_bare(vm, 0);
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };
	pthread_t thread;
	unsigned int i;

	first_fd = fcntl(vcpu->fd, F_DUPFD_CLOEXEC, 0);
	close(first_fd);
	pthread_create(&thread, NULL, closes, NULL);
	for (i = 1; i < 300; i++) {
		ioctl(vm->fd, KVM_CREATE_DEVICE, &device);
		ioctl(vm->fd, KVM_GET_STATS_FD, 0);
		if (i < 50)
			ioctl(vm->fd, KVM_CREATE_VCPU, i);
		ioctl(vcpu->fd, KVM_GET_STATS_FD, 0);
	}
	stop = true;
	pthread_join(thread, NULL);
	vm_free(vm);
}

LODGE_TEST_MAIN()
