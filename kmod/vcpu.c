// SPDX-License-Identifier: GPL-2.0
/*
 * The lifetime of a vCPU, and its place on a CPU.
 *
 * A vCPU is made whole before it is visible: to other vCPUs by the increment of
 * nr_online, to user space by the installation of its descriptor, the last step
 * and one that cannot fail.  It dies with its VM.
 *
 * Placement: between lodge_vcpu_load() and lodge_vcpu_put() its state is that
 * of the CPU its thread runs on; the preempt notifier takes it off when the
 * thread is scheduled out and puts it on where the thread comes back.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <asm/kvm_para.h>

#include "backend.h"
#include "cpuid.h"
#include "emulate.h"
#include "fpu.h"
#include "ioctl.h"
#include "irqchip/irqchip.h"
#include "msr.h"
#include "readers.h"
#include "time.h"

/* --- placement --- */

static DEFINE_PER_CPU(struct lodge_vcpu *, running_vcpu);

struct lodge_vcpu *lodge_running_vcpu(void)
{
	return this_cpu_read(running_vcpu);
}

/* Preemption off, or in the scheduler. */
static void place(struct lodge_vcpu *vcpu, int cpu)
{
	bool migrated = vcpu->last_cpu != cpu;

	__this_cpu_write(running_vcpu, vcpu);
	if (unlikely(!__this_cpu_read(lodge_cpu_on))) {
		/*
		 * The CPU is on its way down and the scheduler has yet to move
		 * this thread.  vcpu->cpu stays -1: nothing is loaded here.
		 */
		lodge_request(vcpu, LODGE_REQ_CPU_OFF);
		return;
	}
	WRITE_ONCE(vcpu->cpu, cpu);
	lodge_be(vcpu_load)(vcpu, cpu);
	lodge_tsc_vcpu_load(vcpu, migrated);
	if (migrated && vcpu->arch.lapic)
		lodge_lapic_timer_migrate(vcpu);
	vcpu->last_cpu = cpu;
	if (vcpu->arch.steal_msr & KVM_MSR_ENABLED)
		lodge_request(vcpu, LODGE_REQ_STEAL_UPDATE);
}

static void unplace(struct lodge_vcpu *vcpu)
{
	__this_cpu_write(running_vcpu, NULL);
	if (unlikely(vcpu->cpu < 0))
		return;
	lodge_tsc_vcpu_put(vcpu);
	/* Turned off under it, the CPU has already let go of everything. */
	if (likely(__this_cpu_read(lodge_cpu_on)))
		lodge_be(vcpu_put)(vcpu);
	WRITE_ONCE(vcpu->cpu, -1);
}

static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct lodge_vcpu *vcpu = container_of(notifier, struct lodge_vcpu, preempt_notifier);

	WRITE_ONCE(vcpu->preempted, false);
	place(vcpu, cpu);
}

static void sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct lodge_vcpu *vcpu = container_of(notifier, struct lodge_vcpu, preempt_notifier);

	/* Still on the run queue: it did not go to sleep, it was made to go. */
	if (current->on_rq)
		WRITE_ONCE(vcpu->preempted, true);
	if (vcpu->arch.steal_msr & KVM_MSR_ENABLED)
		lodge_steal_preempted(vcpu);
	unplace(vcpu);
}

static struct preempt_ops preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

static bool is_placed(struct lodge_vcpu *vcpu)
{
	bool placed;

	preempt_disable();
	placed = vcpu->cpu >= 0 && __this_cpu_read(lodge_cpu_on);
	preempt_enable();
	return placed;
}

/*
 * The state is the CPU's own to keep (a VMCS), and this one is on its way down:
 * waking up, the thread is given another.  One that is to die may see nothing.
 */
static noinline void wait_placed(struct lodge_vcpu *vcpu)
{
	while (!is_placed(vcpu) && !fatal_signal_pending(current))
		schedule_timeout_uninterruptible(1);
}

void lodge_vcpu_load(struct lodge_vcpu *vcpu)
{
	preempt_disable();
	preempt_notifier_register(&vcpu->preempt_notifier);
	vcpu->loaded = true;
	place(vcpu, smp_processor_id());
	preempt_enable();
	if (unlikely(READ_ONCE(vcpu->cpu) < 0))
		wait_placed(vcpu);
}

void lodge_vcpu_put(struct lodge_vcpu *vcpu)
{
	preempt_disable();
	unplace(vcpu);
	vcpu->loaded = false;
	preempt_notifier_unregister(&vcpu->preempt_notifier);
	preempt_enable();
}

int lodge_vcpu_leave_cpu(struct lodge_vcpu *vcpu)
	__must_hold(&vcpu->vm->srcu)
{
	int r = 0;

	lodge_reader_leave(vcpu);
	while (!is_placed(vcpu)) {
		/* Waking up, the thread is given a CPU that is not on its way down. */
		schedule_timeout_interruptible(1);
		if (signal_pending(current)) {
			r = -EINTR;
			break;
		}
	}
	lodge_reader_enter(vcpu);
	/* Asked again, should it still be so at the next KVM_RUN. */
	if (r)
		lodge_request(vcpu, LODGE_REQ_CPU_OFF);
	return r;
}

/* --- lifetime --- */

static void init_fields(struct lodge_vcpu *vcpu, struct lodge_vm *vm, u32 id)
{
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	vcpu->last_cpu = -1;
	mutex_init(&vcpu->mutex);
	preempt_notifier_init(&vcpu->preempt_notifier, &preempt_ops);
	rcuwait_init(&vcpu->wait);
	vcpu->arch.user_vector = -1;
	/* Until its CPUID says: what a CPU without function 0x80000008 has. */
	vcpu->arch.maxphyaddr = 36;
	vcpu->arch.exception_payload = lodge_vm_has_cap(vm, LODGE_VM_CAP_EXCEPTION_PAYLOAD);
	vcpu->arch.triple_fault_event = lodge_vm_has_cap(vm, LODGE_VM_CAP_TRIPLE_FAULT_EVENT);
}

static int shared_pages_create(struct lodge_vcpu *vcpu)
{
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->pio_data = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vcpu->run && vcpu->pio_data ? 0 : -ENOMEM;
}

static void shared_pages_destroy(struct lodge_vcpu *vcpu)
{
	free_page((unsigned long)vcpu->run);
	free_page((unsigned long)vcpu->pio_data);
}

static int backend_create(struct lodge_vcpu *vcpu)
{
	return lodge_be(vcpu_create)(vcpu);
}

static void backend_destroy(struct lodge_vcpu *vcpu)
{
	lodge_be(vcpu_destroy)(vcpu);
}

static int lapic_create(struct lodge_vcpu *vcpu)
{
	/* vm->lock is held: the mode is final once there is a vCPU. */
	return vcpu->vm->arch.irqchip_mode == LODGE_IRQCHIP_NONE ? 0 : lodge_lapic_create(vcpu);
}

static void lapic_destroy(struct lodge_vcpu *vcpu)
{
	if (vcpu->arch.lapic)
		lodge_lapic_destroy(vcpu);
}

/* What a vCPU is made of, in the order it is made; undone in the reverse order. */
static const struct vcpu_part {
	int (*create)(struct lodge_vcpu *vcpu);
	void (*destroy)(struct lodge_vcpu *vcpu);
} parts[] = {
	{ backend_create, backend_destroy },
	{ lodge_mmu_vcpu_create, lodge_mmu_vcpu_destroy },
	{ lapic_create, lapic_destroy },
	{ lodge_fpu_create, lodge_fpu_destroy },
	{ lodge_msr_vcpu_create, lodge_msr_vcpu_destroy },
	{ lodge_clock_vcpu_create, lodge_clock_vcpu_destroy },
	{ lodge_emu_create, lodge_emu_destroy },
};

static void destroy_parts(struct lodge_vcpu *vcpu, int n)
{
	while (n--)
		parts[n].destroy(vcpu);
	shared_pages_destroy(vcpu);
	kvfree(vcpu);
}

static void first_reset(struct lodge_vcpu *vcpu)
{
	struct lodge_vm *vm = vcpu->vm;
	bool waits = vcpu->arch.lapic && vcpu->id != vm->arch.bsp_vcpu_id;
	int idx;

	vcpu->arch.mp_state = waits ? KVM_MP_STATE_UNINITIALIZED : KVM_MP_STATE_RUNNABLE;
	mutex_lock(&vcpu->mutex);
	lodge_vcpu_load(vcpu);
	idx = srcu_read_lock(&vm->srcu);
	lodge_tsc_vcpu_create(vcpu);
	lodge_vcpu_reset(vcpu, false);
	srcu_read_unlock(&vm->srcu, idx);
	lodge_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
}

/* The vCPU, after RESET, seen by nobody yet; or an ERR_PTR.  vm->lock held. */
static struct lodge_vcpu *vcpu_create(struct lodge_vm *vm, u32 id)
{
	struct lodge_vcpu *vcpu;
	int i, r;

	vcpu = kvzalloc(lodge_backend->vcpu_size, GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	init_fields(vcpu, vm, id);
	r = shared_pages_create(vcpu);
	for (i = 0; !r && i < ARRAY_SIZE(parts); i++)
		r = parts[i].create(vcpu);
	if (r) {
		/* The part that failed, if it is one, has cleaned up after itself. */
		destroy_parts(vcpu, i ? i - 1 : 0);
		return ERR_PTR(r);
	}
	first_reset(vcpu);
	return vcpu;
}

static void vcpu_destroy(struct lodge_vcpu *vcpu)
{
	lodge_cpuid_free(vcpu);
	put_pid(rcu_access_pointer(vcpu->pid));
	destroy_parts(vcpu, ARRAY_SIZE(parts));
}

void lodge_vcpus_destroy(struct lodge_vm *vm)
{
	struct lodge_vcpu *vcpu;
	unsigned long i;

	xa_for_each(&vm->vcpus, i, vcpu)
		vcpu_destroy(vcpu);
	xa_destroy(&vm->vcpus);
	atomic_set(&vm->nr_online, 0);
}

/* A descriptor and its file, not yet installed.  Takes a count of the VM. */
static int prepare_fd(struct lodge_vcpu *vcpu, struct file **file)
{
	char name[32];
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	/* The name KVM's have: people and tools look for it in /proc/PID/fd. */
	snprintf(name, sizeof(name), "kvm-vcpu:%d", vcpu->id);
	*file = anon_inode_getfile(name, &lodge_vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(*file)) {
		put_unused_fd(fd);
		return PTR_ERR(*file);
	}
	lodge_vm_get(vcpu->vm);
	return fd;
}

/* vm->lock held. */
static int vcpu_create_locked(struct lodge_vm *vm, u32 id)
{
	struct lodge_vcpu *vcpu;
	struct file *file;
	int fd, r;

	if (vm->nr_created >= LODGE_MAX_VCPUS)
		return -EINVAL;
	if (!vm->max_vcpu_ids)
		vm->max_vcpu_ids = LODGE_MAX_VCPU_ID;
	if (id >= vm->max_vcpu_ids)
		return -EINVAL;
	if (lodge_vcpu_by_id(vm, id))
		return -EEXIST;

	vcpu = vcpu_create(vm, id);
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);
	vcpu->index = vm->nr_created;
	r = xa_insert(&vm->vcpus, vcpu->index, vcpu, GFP_KERNEL_ACCOUNT);
	if (r)
		goto destroy;
	fd = prepare_fd(vcpu, &file);
	if (fd < 0) {
		r = fd;
		goto erase;
	}
	vm->nr_created++;
	/* Pairs with the acquire in lodge_for_each_vcpu(): who sees it, sees all of it. */
	atomic_inc_return_release(&vm->nr_online);
	if (vcpu->arch.lapic)
		lodge_apic_map_update(vm);
	fd_install(fd, file);
	return fd;

erase:
	xa_erase(&vm->vcpus, vcpu->index);
destroy:
	vcpu_destroy(vcpu);
	return r;
}

/*
 * KVM_CREATE_VCPU.  The descriptor; -EINVAL: the ID is out of range or there
 * are too many; -EEXIST: there is one with this ID; -ENOMEM, -EMFILE.
 */
int lodge_vcpu_create_fd(struct lodge_vm *vm, u32 id)
{
	int r;

	mutex_lock(&vm->lock);
	r = vcpu_create_locked(vm, id);
	mutex_unlock(&vm->lock);
	return r;
}

int lodge_vcpu_release(struct inode *inode, struct file *file)
{
	struct lodge_vcpu *vcpu = file->private_data;

	lodge_vm_put(vcpu->vm);
	return 0;
}

/* --- the mapping: kvm_run, the PIO data page, the ring of coalesced writes --- */

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct lodge_vcpu *vcpu = vmf->vma->vm_file->private_data;
	struct page *page;

	switch (vmf->pgoff) {
	case 0:
		page = virt_to_page(vcpu->run);
		break;
	case KVM_PIO_PAGE_OFFSET:
		page = virt_to_page(vcpu->pio_data);
		break;
	case KVM_COALESCED_MMIO_PAGE_OFFSET:
		page = vcpu->vm->coalesced_ring;
		break;
	default:
		return VM_FAULT_SIGBUS;
	}
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

int lodge_vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}
