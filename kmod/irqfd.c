// SPDX-License-Identifier: GPL-2.0
/*
 * irqfd: an eventfd that raises a GSI when it is signalled.  With a second
 * eventfd (resampling) the GSI is a level: it stays high until the guest's EOI,
 * which lowers it and signals the second.
 *
 * The eventfd's wait queue calls irqfd_wakeup() with its lock held and interrupts
 * off, possibly in hard interrupt context.  Raising a GSI takes SRCU and the
 * raw spinlocks of the interrupt controllers, so it is done right there: no
 * worker, and no copy of the route that would have to follow changes.  What
 * that costs with interrupts off is bounded by one pass over the vCPUs, for a
 * broadcast message.
 *
 * Lifetime.  An irqfd is active while it is on vm->irqfds (irqfds_lock).  It is
 * taken off by KVM_IRQFD, by the close of the VM descriptor or, in its wait
 * queue's callback, by the close of the eventfd; whoever takes it off queues
 * its shutdown, so that happens once.  The shutdown leaves the wait queue, after
 * which the callback neither runs nor comes, and frees it; flushing the work
 * queue waits for that.
 *
 * Lock order: vm->irq_lock, then irqfds_lock; the wait queue's lock (whose
 * holder, the signaller, may be anyone), then irqfds_lock.
 */
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "irq.h"
#include "irqchip/irqchip.h"

/* All resampling irqfds of one GSI; on vm->resamplers while it has one. */
struct lodge_resampler {
	struct lodge_vm *vm;
	struct list_head irqfds;	/* irq_lock writes; irq_srcu reads */
	struct lodge_irq_ack_notifier notifier;
	struct list_head link;		/* vm->resamplers; irq_lock */
};

struct lodge_irqfd {
	struct lodge_vm *vm;
	u32 gsi;
	struct eventfd_ctx *eventfd;		/* holds a reference */
	struct eventfd_ctx *resamplefd;		/* the same; NULL without resampling */
	struct lodge_resampler *resampler;
	struct list_head resampler_link;
	struct list_head link;			/* vm->irqfds; irqfds_lock */
	wait_queue_entry_t wait;
	poll_table poll;
	struct work_struct shutdown;
};

static struct workqueue_struct *shutdown_wq;

/* --- resampling --- */

/* The guest's EOI: lower the line and let those who drive it look again. */
static void resampler_acked(struct lodge_irq_ack_notifier *n)
{
	struct lodge_resampler *resampler = container_of(n, struct lodge_resampler, notifier);
	struct lodge_vm *vm = resampler->vm;
	struct lodge_irqfd *irqfd;

	lodge_set_irq(vm, LODGE_IRQ_RESAMPLER, n->gsi, 0);
	list_for_each_entry_srcu(irqfd, &resampler->irqfds, resampler_link,
				 srcu_read_lock_held(&vm->irq_srcu))
		lodge_eventfd_signal(irqfd->resamplefd);
}

static struct lodge_resampler *find_resampler(struct lodge_vm *vm, u32 gsi)
{
	struct lodge_resampler *resampler;

	list_for_each_entry(resampler, &vm->resamplers, link) {
		if (resampler->notifier.gsi == gsi)
			return resampler;
	}
	return NULL;
}

/* Serialises joining and leaving; outside vm->irq_lock, which the notifier's list takes. */
static DEFINE_MUTEX(resampler_mutex);

static int resampler_join(struct lodge_irqfd *irqfd)
{
	struct lodge_vm *vm = irqfd->vm;
	struct lodge_resampler *resampler;

	mutex_lock(&resampler_mutex);
	resampler = find_resampler(vm, irqfd->gsi);
	if (!resampler) {
		resampler = kzalloc(sizeof(*resampler), GFP_KERNEL_ACCOUNT);
		if (!resampler) {
			mutex_unlock(&resampler_mutex);
			return -ENOMEM;
		}
		resampler->vm = vm;
		INIT_LIST_HEAD(&resampler->irqfds);
		resampler->notifier.gsi = irqfd->gsi;
		resampler->notifier.acked = resampler_acked;
		list_add(&resampler->link, &vm->resamplers);
		lodge_irq_ack_register(vm, &resampler->notifier);
	}
	list_add_rcu(&irqfd->resampler_link, &resampler->irqfds);
	irqfd->resampler = resampler;
	mutex_unlock(&resampler_mutex);
	return 0;
}

static void resampler_leave(struct lodge_irqfd *irqfd)
{
	struct lodge_resampler *resampler = irqfd->resampler;
	struct lodge_vm *vm = irqfd->vm;

	mutex_lock(&resampler_mutex);
	list_del_rcu(&irqfd->resampler_link);
	synchronize_srcu(&vm->irq_srcu);
	if (list_empty(&resampler->irqfds)) {
		list_del(&resampler->link);
		lodge_irq_ack_unregister(vm, &resampler->notifier);
		lodge_set_irq(vm, LODGE_IRQ_RESAMPLER, irqfd->gsi, 0);
		kfree(resampler);
	}
	mutex_unlock(&resampler_mutex);
	eventfd_ctx_put(irqfd->resamplefd);
}

/* --- the eventfd's side --- */

static void raise_gsi(struct lodge_irqfd *irqfd)
{
	if (irqfd->resamplefd) {
		lodge_set_irq(irqfd->vm, LODGE_IRQ_RESAMPLER, irqfd->gsi, 1);
		return;
	}
	lodge_set_irq(irqfd->vm, LODGE_IRQ_USER, irqfd->gsi, 1);
	lodge_set_irq(irqfd->vm, LODGE_IRQ_USER, irqfd->gsi, 0);
}

/* Make it inactive and have it freed.  irqfds_lock held. */
static void deactivate(struct lodge_irqfd *irqfd)
{
	list_del_init(&irqfd->link);
	queue_work(shutdown_wq, &irqfd->shutdown);
}

static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct lodge_irqfd *irqfd = container_of(wait, struct lodge_irqfd, wait);
	struct lodge_vm *vm = irqfd->vm;
	__poll_t events = key_to_poll(key);
	unsigned long flags;
	int taken = 0;
	u64 count;

	if (events & EPOLLIN) {
		/* Taking the count here is what makes this the eventfd's reader. */
		eventfd_ctx_do_read(irqfd->eventfd, &count);
		raise_gsi(irqfd);
		taken = 1;
	}
	if (events & EPOLLHUP) {
		spin_lock_irqsave(&vm->irqfds_lock, flags);
		/* Somebody else may have been first. */
		if (!list_empty(&irqfd->link))
			deactivate(irqfd);
		spin_unlock_irqrestore(&vm->irqfds_lock, flags);
	}
	return taken;
}

static void irqfd_queue(struct file *file, wait_queue_head_t *queue, poll_table *poll)
{
	struct lodge_irqfd *irqfd = container_of(poll, struct lodge_irqfd, poll);

	add_wait_queue_priority(queue, &irqfd->wait);
}

static void irqfd_shutdown(struct work_struct *work)
{
	struct lodge_irqfd *irqfd = container_of(work, struct lodge_irqfd, shutdown);
	u64 count;

	eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	if (irqfd->resamplefd)
		resampler_leave(irqfd);
	eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

/* --- KVM_IRQFD --- */

/* Make it active, unless its eventfd raises a GSI of this VM already.  irq_lock held. */
static int activate(struct lodge_vm *vm, struct lodge_irqfd *irqfd)
{
	struct lodge_irqfd *other;
	int r = 0;

	spin_lock_irq(&vm->irqfds_lock);
	list_for_each_entry(other, &vm->irqfds, link) {
		if (other->eventfd == irqfd->eventfd)
			r = -EBUSY;
	}
	if (!r)
		list_add_tail(&irqfd->link, &vm->irqfds);
	spin_unlock_irq(&vm->irqfds_lock);
	return r;
}

static struct lodge_irqfd *irqfd_alloc(struct lodge_vm *vm, const struct kvm_irqfd *args,
				       struct file *file)
{
	struct lodge_irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);

	if (!irqfd)
		return ERR_PTR(-ENOMEM);
	irqfd->vm = vm;
	irqfd->gsi = args->gsi;
	INIT_LIST_HEAD(&irqfd->link);
	INIT_WORK(&irqfd->shutdown, irqfd_shutdown);
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&irqfd->poll, irqfd_queue);
	irqfd->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->eventfd)) {
		void *err = irqfd->eventfd;

		kfree(irqfd);
		return err;
	}
	return irqfd;
}

static int irqfd_attach(struct lodge_vm *vm, struct lodge_irqfd *irqfd, struct file *file,
			const struct kvm_irqfd *args)
{
	struct eventfd_ctx *resamplefd;
	int r;

	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE) {
		resamplefd = eventfd_ctx_fdget(args->resamplefd);
		if (IS_ERR(resamplefd))
			return PTR_ERR(resamplefd);
		irqfd->resamplefd = resamplefd;
		r = resampler_join(irqfd);
		if (r) {
			eventfd_ctx_put(resamplefd);
			return r;
		}
	}
	mutex_lock(&vm->irq_lock);
	r = activate(vm, irqfd);
	/* From here on the callback comes; what was signalled before did not. */
	if (!r && vfs_poll(file, &irqfd->poll) & EPOLLIN)
		raise_gsi(irqfd);
	mutex_unlock(&vm->irq_lock);
	if (r && irqfd->resamplefd)
		resampler_leave(irqfd);
	return r;
}

static int irqfd_assign(struct lodge_vm *vm, const struct kvm_irqfd *args)
{
	struct lodge_irqfd *irqfd;
	struct fd f;
	int r;

	if (vm->arch.irqchip_mode == LODGE_IRQCHIP_NONE)
		return -EAGAIN;
	if ((args->flags & KVM_IRQFD_FLAG_RESAMPLE) && !lodge_irqchip_kernel(vm))
		return -EINVAL;
	f = fdget(args->fd);
	if (!f.file)
		return -EBADF;
	irqfd = irqfd_alloc(vm, args, f.file);
	if (IS_ERR(irqfd)) {
		r = PTR_ERR(irqfd);
	} else {
		r = irqfd_attach(vm, irqfd, f.file, args);
		if (r) {
			eventfd_ctx_put(irqfd->eventfd);
			kfree(irqfd);
		}
	}
	/* Held until here: the eventfd cannot close between activation and the poll. */
	fdput(f);
	return r;
}

static int irqfd_deassign(struct lodge_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->fd);
	struct lodge_irqfd *irqfd, *next;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	/* One that is being made is on the list before it is on its wait queue. */
	mutex_lock(&vm->irq_lock);
	spin_lock_irq(&vm->irqfds_lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqfds, link) {
		if (irqfd->eventfd == eventfd && irqfd->gsi == args->gsi)
			deactivate(irqfd);
	}
	spin_unlock_irq(&vm->irqfds_lock);
	mutex_unlock(&vm->irq_lock);
	eventfd_ctx_put(eventfd);
	/* No interrupt comes from it once the caller is back. */
	flush_workqueue(shutdown_wq);
	return 0;
}

int lodge_irqfd(struct lodge_vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (args->gsi >= LODGE_MAX_GSI)
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(vm, args);
	return irqfd_assign(vm, args);
}

void lodge_irqfd_release(struct lodge_vm *vm)
{
	struct lodge_irqfd *irqfd, *next;

	spin_lock_irq(&vm->irqfds_lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqfds, link)
		deactivate(irqfd);
	spin_unlock_irq(&vm->irqfds_lock);
	/* Also for what closed eventfds left: it points to the VM. */
	flush_workqueue(shutdown_wq);
}

int lodge_irqfd_init(void)
{
	shutdown_wq = alloc_workqueue("lodge-irqfd", 0, 0);
	return shutdown_wq ? 0 : -ENOMEM;
}

void lodge_irqfd_exit(void)
{
	destroy_workqueue(shutdown_wq);
}
