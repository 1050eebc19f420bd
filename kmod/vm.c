// SPDX-License-Identifier: GPL-2.0
/*
 * The lifetime of a virtual machine.
 *
 * Descriptors hold it: the VM's own and each vCPU's count one in vm->users, and
 * the last to be closed destroys it, when no thread can be inside any more.
 * irqfds and ioeventfds hold nothing: those that are left when the VM
 * descriptor closes are ended there.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "backend.h"
#include "io_bus.h"
#include "irq.h"
#include "irqchip/irqchip.h"
#include "memslot.h"
#include "msr.h"
#include "time.h"

/* All VMs, for what changes for every guest at once. */
static LIST_HEAD(vms);
static DEFINE_MUTEX(vms_lock);

void lodge_visit_vms(void (*fn)(struct lodge_vm *vm))
{
	struct lodge_vm *vm;

	mutex_lock(&vms_lock);
	list_for_each_entry(vm, &vms, link)
		fn(vm);
	mutex_unlock(&vms_lock);
}

static void vm_publish(struct lodge_vm *vm)
{
	mutex_lock(&vms_lock);
	list_add(&vm->link, &vms);
	mutex_unlock(&vms_lock);
}

static void vm_unpublish(struct lodge_vm *vm)
{
	mutex_lock(&vms_lock);
	list_del(&vm->link);
	mutex_unlock(&vms_lock);
}

static void init_fields(struct lodge_vm *vm)
{
	refcount_set(&vm->users, 1);
	snprintf(vm->name, sizeof(vm->name), "lodge-%d", task_pid_nr(current));
	mutex_init(&vm->lock);
	xa_init(&vm->vcpus);
	atomic_set(&vm->nr_online, 0);
	mutex_init(&vm->slots_lock);
	vm->read_gen = 1;
	rcuwait_init(&vm->readers_wait);
	INIT_LIST_HEAD(&vm->ioeventfds);
	INIT_LIST_HEAD(&vm->coalesced_zones);
	spin_lock_init(&vm->ring_lock);
	mutex_init(&vm->irq_lock);
	spin_lock_init(&vm->irqfds_lock);
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_LIST_HEAD(&vm->resamplers);
	INIT_HLIST_HEAD(&vm->irq_ack_notifiers);
	spin_lock_init(&vm->mmu_lock);
	atomic64_set(&vm->tlb_gen, 0);
	vm->arch.default_tsc_khz = lodge_host_tsc_khz();
}

/* What a VM is made of, in the order it is made; undone in the reverse order. */
static const struct vm_part {
	int (*init)(struct lodge_vm *vm);
	void (*destroy)(struct lodge_vm *vm);
} parts[] = {
	{ lodge_memslots_init, lodge_memslots_destroy },
	{ lodge_clock_vm_init },
	{ lodge_mmu_vm_init, lodge_mmu_vm_destroy },
	{ lodge_irq_routes_empty, lodge_irq_routes_free },
	{ lodge_coalesced_init, lodge_coalesced_free },
	{ lodge_io_bus_init, lodge_io_bus_destroy },
};

static void destroy_parts(struct lodge_vm *vm, int n)
{
	while (n--) {
		if (parts[n].destroy)
			parts[n].destroy(vm);
	}
}

static int init_parts(struct lodge_vm *vm)
{
	int i, r;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		r = parts[i].init(vm);
		if (r)
			goto fail;
	}
	r = lodge_be(vm_init)(vm);
	if (r)
		goto fail;
	/* From here on the VM can be called upon by whoever changes the address space. */
	r = lodge_mmu_notifier_register(vm);
	if (r)
		goto fail_backend;
	return 0;

fail_backend:
	lodge_be(vm_destroy)(vm);
fail:
	destroy_parts(vm, i);
	return r;
}

static int init_srcu(struct lodge_vm *vm)
{
	int r = init_srcu_struct(&vm->srcu);

	if (r)
		return r;
	r = init_srcu_struct(&vm->irq_srcu);
	if (r)
		cleanup_srcu_struct(&vm->srcu);
	return r;
}

static void cleanup_srcu(struct lodge_vm *vm)
{
	cleanup_srcu_struct(&vm->irq_srcu);
	cleanup_srcu_struct(&vm->srcu);
}

/*
 * KVM_CREATE_VM.  The VM, with one user, or an ERR_PTR: -EINVAL for a type that
 * this architecture does not have, -ENOMEM.
 */
struct lodge_vm *lodge_vm_create(unsigned long type)
{
	struct lodge_vm *vm;
	int r;

	if (type)
		return ERR_PTR(-EINVAL);
	vm = kvzalloc(lodge_backend->vm_size, GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	init_fields(vm);
	r = init_srcu(vm);
	if (r)
		goto free;
	/* The address space must outlive the VM; what is mapped in it need not. */
	vm->mm = current->mm;
	mmgrab(vm->mm);
	r = init_parts(vm);
	if (r)
		goto drop_mm;
	vm_publish(vm);
	return vm;

drop_mm:
	mmdrop(vm->mm);
	cleanup_srcu(vm);
free:
	kvfree(vm);
	return ERR_PTR(r);
}

void lodge_vm_get(struct lodge_vm *vm)
{
	refcount_inc(&vm->users);
}

static void vm_destroy(struct lodge_vm *vm)
{
	/*
	 * First what reaches for vCPUs from outside: the walk over all VMs, the
	 * MMU notifier (it returns when no callback is running), the interrupt
	 * controllers with their timers.
	 */
	vm_unpublish(vm);
	lodge_mmu_notifier_unregister(vm);
	lodge_pit_destroy(vm);
	lodge_irqchip_destroy(vm);
	lodge_vcpus_destroy(vm);
	lodge_msr_filter_free(vm);
	lodge_be(vm_destroy)(vm);
	destroy_parts(vm, ARRAY_SIZE(parts));
	mmdrop(vm->mm);
	cleanup_srcu(vm);
	kvfree(vm);
}

void lodge_vm_put(struct lodge_vm *vm)
{
	if (refcount_dec_and_test(&vm->users))
		vm_destroy(vm);
}

void lodge_vm_kill(struct lodge_vm *vm, const char *why)
{
	struct lodge_vcpu *vcpu;
	unsigned long i;

	if (xchg(&vm->dead, true))
		return;
	pr_err("%s: ended: %s\n", vm->name, why);
	lodge_for_each_vcpu(i, vcpu, vm) {
		lodge_request(vcpu, LODGE_REQ_VM_DEAD);
		lodge_kick(vcpu);
	}
}

struct lodge_vcpu *lodge_vcpu_by_index(struct lodge_vm *vm, unsigned long index)
{
	if (index >= (unsigned long)atomic_read_acquire(&vm->nr_online))
		return NULL;
	return xa_load(&vm->vcpus, index);
}

struct lodge_vcpu *lodge_vcpu_by_id(struct lodge_vm *vm, u32 id)
{
	struct lodge_vcpu *vcpu;
	unsigned long i;

	/* The usual case: numbered as they were made. */
	vcpu = lodge_vcpu_by_index(vm, id);
	if (vcpu && vcpu->id == id)
		return vcpu;
	lodge_for_each_vcpu(i, vcpu, vm) {
		if (vcpu->id == id)
			return vcpu;
	}
	return NULL;
}
