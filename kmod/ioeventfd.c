// SPDX-License-Identifier: GPL-2.0
/*
 * ioeventfd: a guest's write to an address signals an eventfd, without an exit
 * to user space.  Each is a device on a bus; slots_lock guards the list.
 */
#include <linux/slab.h>

#include "io_bus.h"
#include "irq.h"

#define IOEVENTFD_FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | \
			 KVM_IOEVENTFD_FLAG_DEASSIGN)

struct lodge_ioeventfd {
	struct lodge_io_device dev;
	struct list_head link;		/* vm->ioeventfds; slots_lock */
	struct eventfd_ctx *eventfd;	/* holds a reference */
	enum lodge_bus bus;
	gpa_t addr;
	u32 len;			/* 0: any */
	bool any_data;
	u64 data;
};

static u64 written(const void *val, int len)
{
	switch (len) {
	case 1:
		return *(const u8 *)val;
	case 2:
		return *(const u16 *)val;
	case 4:
		return *(const u32 *)val;
	}
	return *(const u64 *)val;
}

static int ioeventfd_write(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t addr,
			   int len, const void *val)
{
	struct lodge_ioeventfd *e = container_of(dev, struct lodge_ioeventfd, dev);

	/* The bus let through what lies inside: a longer one's parts do not count. */
	if (addr != e->addr || (e->len && len != e->len))
		return -EOPNOTSUPP;
	if (!e->any_data && written(val, len) != e->data)
		return -EOPNOTSUPP;
	lodge_eventfd_signal(e->eventfd);
	return 0;
}

static void ioeventfd_free(struct lodge_ioeventfd *e)
{
	eventfd_ctx_put(e->eventfd);
	list_del(&e->link);
	kfree(e);
}

static void ioeventfd_release(struct lodge_io_device *dev)
{
	ioeventfd_free(container_of(dev, struct lodge_ioeventfd, dev));
}

static const struct lodge_io_ops ioeventfd_ops = {
	.write = ioeventfd_write,
	.release = ioeventfd_release,
};

/* Would some write be taken by both? */
static bool collides(const struct lodge_ioeventfd *a, const struct lodge_ioeventfd *b)
{
	return a->bus == b->bus && a->addr == b->addr &&
	       (!a->len || !b->len || a->len == b->len) &&
	       (a->any_data || b->any_data || a->data == b->data);
}

static bool same(const struct lodge_ioeventfd *a, const struct lodge_ioeventfd *b)
{
	return a->eventfd == b->eventfd && a->bus == b->bus && a->addr == b->addr &&
	       a->len == b->len && a->any_data == b->any_data &&
	       (a->any_data || a->data == b->data);
}

static int check_args(const struct kvm_ioeventfd *args)
{
	switch (args->len) {
	case 0:
	case 1:
	case 2:
	case 4:
	case 8:
		break;
	default:
		return -EINVAL;
	}
	if (args->addr + args->len < args->addr)
		return -EINVAL;
	if (args->flags & ~IOEVENTFD_FLAGS)
		return -EINVAL;
	/* Without a length there is nothing to compare. */
	if (!args->len && (args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH))
		return -EINVAL;
	return 0;
}

static int assign(struct lodge_vm *vm, struct lodge_ioeventfd *new)
{
	struct lodge_ioeventfd *e;
	int r = 0;

	mutex_lock(&vm->slots_lock);
	list_for_each_entry(e, &vm->ioeventfds, link) {
		if (collides(e, new))
			r = -EEXIST;
	}
	if (!r)
		r = lodge_io_register(vm, new->bus, new->addr, new->len, &new->dev);
	if (!r)
		list_add_tail(&new->link, &vm->ioeventfds);
	mutex_unlock(&vm->slots_lock);
	return r;
}

static int deassign(struct lodge_vm *vm, const struct lodge_ioeventfd *which)
{
	struct lodge_ioeventfd *e;
	int r = -ENOENT;

	mutex_lock(&vm->slots_lock);
	list_for_each_entry(e, &vm->ioeventfds, link) {
		if (!same(e, which))
			continue;
		lodge_io_unregister(vm, e->bus, &e->dev);
		ioeventfd_free(e);
		r = 0;
		break;
	}
	mutex_unlock(&vm->slots_lock);
	return r;
}

int lodge_ioeventfd(struct lodge_vm *vm, const struct kvm_ioeventfd *args)
{
	struct lodge_ioeventfd *e;
	int r = check_args(args);

	if (r)
		return r;
	e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	e->dev.ops = &ioeventfd_ops;
	INIT_LIST_HEAD(&e->link);
	e->bus = args->flags & KVM_IOEVENTFD_FLAG_PIO ? LODGE_PIO_BUS : LODGE_MMIO_BUS;
	e->addr = args->addr;
	e->len = args->len;
	e->any_data = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	e->data = args->datamatch;
	e->eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(e->eventfd)) {
		r = PTR_ERR(e->eventfd);
		kfree(e);
		return r;
	}
	if (!(args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)) {
		r = assign(vm, e);
		if (!r)
			return 0;
	} else {
		r = deassign(vm, e);
	}
	ioeventfd_free(e);
	return r;
}

void lodge_ioeventfd_release(struct lodge_vm *vm)
{
	struct lodge_ioeventfd *e, *next;

	mutex_lock(&vm->slots_lock);
	list_for_each_entry_safe(e, next, &vm->ioeventfds, link) {
		lodge_io_unregister(vm, e->bus, &e->dev);
		ioeventfd_free(e);
	}
	mutex_unlock(&vm->slots_lock);
}
