// SPDX-License-Identifier: GPL-2.0
/*
 * Host MSRs that only user space can see, left with the guest's value while the
 * vCPU's thread stays in the kernel: see msr.h.
 *
 * Each CPU has one user-return notifier, registered from the first MSR that
 * differs until user space is returned to, by whichever task that is.
 */
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/user-return-notifier.h>
#include <asm/msr.h>

#include "msr.h"

#define LODGE_MAX_URET	8

struct uret_cpu {
	struct user_return_notifier notifier;
	bool registered;
	u64 host[LODGE_MAX_URET];
	u64 now[LODGE_MAX_URET];
};

static DEFINE_PER_CPU(struct uret_cpu, uret_cpu);
static u32 uret_msrs[LODGE_MAX_URET];
static int uret_count;

int lodge_uret_add(u32 msr)
{
	u64 value;

	if (WARN_ON_ONCE(uret_count == LODGE_MAX_URET))
		return -ENOENT;
	/* It must be possible to write it as well, or there is no way back. */
	if (rdmsrl_safe(msr, &value) || wrmsrl_safe(msr, value))
		return -ENOENT;
	uret_msrs[uret_count] = msr;
	return uret_count++;
}

/*
 * On the way to user space, or from lodge_uret_cpu_offline(): the two may meet on
 * one CPU when the latter comes as an interrupt.
 */
static void uret_restore(struct user_return_notifier *notifier)
{
	struct uret_cpu *c = container_of(notifier, struct uret_cpu, notifier);
	unsigned long flags;
	int i;

	local_irq_save(flags);
	if (c->registered) {
		c->registered = false;
		user_return_notifier_unregister(notifier);
	}
	for (i = 0; i < uret_count; i++) {
		if (c->now[i] != c->host[i]) {
			native_wrmsrl(uret_msrs[i], c->host[i]);
			c->now[i] = c->host[i];
		}
	}
	local_irq_restore(flags);
}

static noinline void uret_register(struct uret_cpu *c)
{
	c->notifier.on_user_return = uret_restore;
	user_return_notifier_register(&c->notifier);
	c->registered = true;
}

void lodge_uret_set(int slot, u64 value)
{
	struct uret_cpu *c = this_cpu_ptr(&uret_cpu);

	if (value == c->now[slot])
		return;
	native_wrmsrl(uret_msrs[slot], value);
	c->now[slot] = value;
	if (!c->registered)
		uret_register(c);
}

void lodge_uret_cpu_online(void)
{
	struct uret_cpu *c = this_cpu_ptr(&uret_cpu);
	int i;

	for (i = 0; i < uret_count; i++) {
		rdmsrl(uret_msrs[i], c->host[i]);
		c->now[i] = c->host[i];
	}
}

/* Interrupts or preemption off. */
void lodge_uret_cpu_offline(void)
{
	uret_restore(this_cpu_ptr(&uret_cpu.notifier));
}

static void uret_offline_ipi(void *unused)
{
	lodge_uret_cpu_offline();
}

int lodge_uret_init(void)
{
	uret_count = 0;
	return 0;
}

/* No vCPU is left, but a CPU may not have seen user space since the last one ran. */
void lodge_uret_exit(void)
{
	on_each_cpu(uret_offline_ipi, NULL, 1);
}
