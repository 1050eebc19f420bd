/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two objects everything else is about: a virtual machine and a virtual
 * CPU.  Fields are grouped by what guards them; a group's comment names the
 * lock, who initialises the group and when it dies.
 *
 * Lock order, outermost first (Documentation/locking.md has the arguments):
 *
 *   vm->lock  >  vcpu->mutex  >  vm->slots_lock  >  vm->irq_lock (mutexes)
 *     >  mmap_lock  >  vm->mmu_lock  >  spinlocks of the interrupt controllers
 *
 * vm->srcu readers nest inside any of these but never hold across a wait for
 * vm->lock or vm->slots_lock: writers synchronise SRCU under those two.
 */
#ifndef LODGE_H
#define LODGE_H

#include <linux/kvm.h>
#include <linux/kvm_types.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/xarray.h>

#include "compat.h"
#include "request.h"
#include "stats.h"
#include "x86.h"

#define LODGE_MAX_VCPUS		1024	/* KVM_CAP_MAX_VCPUS */
#define LODGE_MAX_VCPU_ID	4096	/* KVM_CAP_MAX_VCPU_ID, exclusive */

/*
 * What an exit handler, and everything that acts for one, answers.  A negative
 * errno is the third possibility: KVM_RUN fails with it.  There is no fourth.
 */
enum lodge_next {
	LODGE_TO_USER	= 0,	/* kvm_run is filled in; KVM_RUN returns 0 */
	LODGE_RESUME	= 1,	/* enter the guest again */
};

struct lodge_io_bus;
struct lodge_irq_routes;
struct lodge_memslots;

enum lodge_bus {
	LODGE_PIO_BUS,
	LODGE_MMIO_BUS,
	LODGE_NR_BUSES,
};

/* What KVM_ENABLE_CAP turned on: bits of lodge_vm.enabled_caps. */
enum lodge_vm_cap {
	LODGE_VM_CAP_EXCEPTION_PAYLOAD,
	LODGE_VM_CAP_TRIPLE_FAULT_EVENT,
	LODGE_VM_CAP_NO_PLATFORM_INFO,	/* KVM_CAP_MSR_PLATFORM_INFO taken back */
};

/**
 * struct lodge_vm - one virtual machine, one open VM descriptor
 *
 * Created by KVM_CREATE_VM.  The VM descriptor, every vCPU descriptor and
 * every other descriptor that points here hold one count of @users; the last
 * put destroys it (kmod/vm.c).
 */
struct lodge_vm {
	/* Constant from creation to destruction. */
	struct mm_struct *mm;		/* the creator's; guest memory is there */
	refcount_t users;
	char name[32];			/* "lodge-PID", for logs and statistics */
	struct list_head link;		/* on the list of VMs; guarded by its lock */

	/* vm->lock: creation of vCPUs, irqchip, capabilities that are enabled. */
	struct mutex lock;
	/* by index; readers need no lock, see lodge_for_each_vcpu() */
	struct xarray vcpus;
	int nr_created;			/* vCPUs, also those not yet visible */
	atomic_t nr_online;		/* vCPUs visible in @vcpus: indices below it are present */
	unsigned long enabled_caps;	/* enum lodge_vm_cap; set by bit, read without the lock */
	u32 max_vcpu_ids;		/* KVM_CAP_MAX_VCPU_ID's; 0 until set or the first vCPU */
	bool dead;			/* a fault no ioctl may get past: all answer -EIO */

	/* vm->slots_lock writes; readers are those of kmod/readers.h. */
	struct mutex slots_lock;
	struct srcu_struct srcu;
	unsigned long read_gen;		/* raised to wait for readers; not 0 */
	struct rcuwait readers_wait;	/* the one who waits for vCPUs that read */
	struct lodge_memslots __rcu *memslots;
	u64 manual_dirty_log;		/* KVM_DIRTY_LOG_*: KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 */
	unsigned int nr_logged;		/* slots with a dirty log */
	struct lodge_io_bus __rcu *bus[LODGE_NR_BUSES];
	struct list_head ioeventfds;	/* slots_lock only */
	struct list_head coalesced_zones;	/* slots_lock only */
	struct page *coalesced_ring;	/* slots_lock to set; vm->ring_lock to fill */
	spinlock_t ring_lock;

	/* vm->irq_lock writes; vm->irq_srcu reads: kmod/irq_route.c, irqfd.c. */
	struct mutex irq_lock;
	struct srcu_struct irq_srcu;
	struct lodge_irq_routes __rcu *irq_routes;
	spinlock_t irqfds_lock;		/* the lists below; taken in wakeup callbacks */
	struct list_head irqfds;
	struct list_head resamplers;	/* irq_lock */
	struct hlist_head irq_ack_notifiers;	/* irq_lock writes; irq_srcu reads */

	/* kmod/mmu_notifier.c: see there for which of these need mmu_lock. */
	struct mmu_notifier notifier;
	unsigned long invalidate_seq;
	long invalidate_in_progress;
	unsigned long invalidate_start;	/* hva range of those in progress */
	unsigned long invalidate_end;

	spinlock_t mmu_lock;		/* zaps among themselves; faults do not take it */
	atomic64_t tlb_gen;		/* arch/x86/mmu/tlb.c: bumped by whoever owes a flush */
	atomic64_t tlb_gen_done;	/* the newest of them that no vCPU runs without */

	struct lodge_vm_stats stats;
	struct lodge_vm_arch arch;
};

/* vCPU run states as other threads may see them; see kmod/request.c. */
enum lodge_vcpu_mode {
	LODGE_OUTSIDE_GUEST,	/* will look at requests before it enters */
	LODGE_IN_GUEST,		/* needs a kick to look at requests */
	LODGE_EXITING_GUEST,	/* was kicked, is on its way out */
};

/**
 * struct lodge_vcpu - one virtual CPU, one open vCPU descriptor
 *
 * Allocated with room for the backend's part around it
 * (lodge_backend.vcpu_size).  Dies with its VM, never before.
 */
struct lodge_vcpu {
	/* Constant from creation to destruction. */
	struct lodge_vm *vm;
	int id;				/* KVM_CREATE_VCPU's argument; the initial APIC ID */
	int index;			/* position in vm->vcpus */
	struct kvm_run *run;		/* shared with user space: read once, distrust */
	void *pio_data;			/* the page after kvm_run */

	/* vcpu->mutex: everything an ioctl or the run loop changes. */
	struct mutex mutex;
	struct preempt_notifier preempt_notifier;
	int cpu;			/* loaded on this CPU, or -1; written with preemption off */
	int last_cpu;			/* where it ran last, or -1 */
	bool loaded;			/* between lodge_vcpu_load() and lodge_vcpu_put() */
	bool preempted;			/* scheduled out while runnable */
	unsigned long read_gen;		/* of the run loop's read section; 0: none (readers.h) */
	struct pid __rcu *pid;		/* who runs it; replaced under RCU */
	sigset_t sigset;
	bool sigset_active;
	/*
	 * What user space must answer before the guest can go on: set by the
	 * handler that returned LODGE_TO_USER, called once by the next KVM_RUN.
	 */
	int (*complete)(struct lodge_vcpu *vcpu);

	/* Written by anyone, atomically: kmod/request.c has the protocol. */
	unsigned long requests;
	int mode;			/* enum lodge_vcpu_mode */
	struct rcuwait wait;		/* the vCPU thread sleeps here when halted */
	bool blocking;

	struct lodge_vcpu_stats stats;
	struct lodge_vcpu_arch arch;
};

/**
 * lodge_for_each_vcpu - visit every vCPU that is visible
 *
 * May run at any time without a lock: a vCPU becomes visible once, fully
 * made, by the increment of nr_online (release), and stays until the VM dies.
 */
#define lodge_for_each_vcpu(i, v, vmp)						\
	for (i = 0; i < (unsigned long)atomic_read_acquire(&(vmp)->nr_online) &&	\
	     ((v) = xa_load(&(vmp)->vcpus, i)); i++)

/*
 * True, and cleared, if @req was set.  The vCPU's own thread.  It is cleared
 * before it is acted on, by a locked operation: a request made from then on is
 * a new one, and what came with this one is seen.
 */
static inline bool lodge_take_request(struct lodge_vcpu *vcpu, enum lodge_request req)
{
	if (likely(!test_bit(req, &vcpu->requests)))
		return false;
	clear_bit(req, &vcpu->requests);
	return true;
}

/* kmod/vm.c */
struct lodge_vm *lodge_vm_create(unsigned long type);
void lodge_vm_get(struct lodge_vm *vm);
/* May sleep; destroys the VM when the count falls to zero. */
void lodge_vm_put(struct lodge_vm *vm);
/* Call @fn for every VM there is.  Process context; @fn may sleep but not create or end a VM. */
void lodge_visit_vms(void (*fn)(struct lodge_vm *vm));
/* Ends the VM for good after a failure inside the module; logs once. */
void lodge_vm_kill(struct lodge_vm *vm, const char *why);
/* NULL when there is none.  lodge_vcpu_by_id() compares lodge_vcpu.id. */
struct lodge_vcpu *lodge_vcpu_by_index(struct lodge_vm *vm, unsigned long index);
struct lodge_vcpu *lodge_vcpu_by_id(struct lodge_vm *vm, u32 id);

/* kmod/vcpu.c */
int lodge_vcpu_create_fd(struct lodge_vm *vm, u32 id);	/* the descriptor, or -errno */
int lodge_vcpu_mmap(struct file *file, struct vm_area_struct *vma);
int lodge_vcpu_release(struct inode *inode, struct file *file);
void lodge_vcpus_destroy(struct lodge_vm *vm);
/*
 * Make the vCPU's state that of this CPU, and stop doing so.  Called with
 * vcpu->mutex held; between the two the preempt notifier keeps it so.  Loading may
 * sleep: until the thread is on a CPU that is not on its way down.
 */
void lodge_vcpu_load(struct lodge_vcpu *vcpu);
void lodge_vcpu_put(struct lodge_vcpu *vcpu);
/*
 * LODGE_REQ_CPU_OFF: this CPU's virtualization extension was turned off (it
 * goes offline, or the machine down).  Wait, loaded, to be on one that has it.
 * From the run loop; leaves its read section meanwhile.  0, or -EINTR when a
 * signal came first.
 */
int lodge_vcpu_leave_cpu(struct lodge_vcpu *vcpu);
/*
 * The vCPU whose thread this is, if it is loaded here; else NULL.  Preemption off or irq
 * context.
 */
struct lodge_vcpu *lodge_running_vcpu(void);

/* kmod/main.c: the virtualization extension is on here.  Preemption off. */
DECLARE_PER_CPU(bool, lodge_cpu_on);

/* kmod/run.c */
/* KVM_RUN.  vcpu->mutex held.  0, -EINTR, or another errno; may sleep. */
int lodge_vcpu_run(struct lodge_vcpu *vcpu);

static inline bool lodge_vm_has_cap(const struct lodge_vm *vm, enum lodge_vm_cap cap)
{
	return test_bit(cap, &vm->enabled_caps);
}

/* kmod/stats.c: KVM_GET_STATS_FD. */
int lodge_vm_stats_fd(struct lodge_vm *vm);
int lodge_vcpu_stats_fd(struct lodge_vcpu *vcpu);

#endif
