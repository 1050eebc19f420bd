// SPDX-License-Identifier: GPL-2.0
/*
 * The 8254 interval timer of a PC and the speaker port: counter 0 drives GSI 0,
 * counter 2 the speaker (Intel 8254 data sheet; the NMI status and control port
 * of the 82371).
 *
 * Counter 0 has a high-resolution timer, whose callback raises the interrupt
 * itself, in hard interrupt context: all that this takes is raw spinlocks of
 * the interrupt controllers.  A thread in between would add its wake-up to
 * every tick.
 *
 * Two locks: pit->lock guards the counters, and is held while the timer is
 * stopped, so the callback must not take it; tick_lock guards what callback,
 * EOI and unmasking share.  Neither is held while an interrupt is raised.
 */
#include <linux/hrtimer.h>
#include <linux/i8253.h>
#include <linux/math64.h>
#include <linux/slab.h>

#include "chips.h"
#include "io_bus.h"
#include "pit.h"

#define PIT_GSI		0
#define PIT_PORT	0x40
#define SPEAKER_PORT	0x61
/* A guest may not make the host take timer interrupts faster than this. */
#define MIN_PERIOD_NS	(200 * NSEC_PER_USEC)

struct lodge_pit {
	raw_spinlock_t lock;
	struct lodge_vm *vm;
	struct lodge_pit_counter counter[3];
	u32 flags;			/* KVM_PIT_FLAGS_* */
	struct hrtimer timer;
	u64 period;			/* ns; 0: once.  Changed with the timer stopped */
	struct lodge_io_device ports, speaker;

	/*
	 * Reinjection: a tick that comes while the guest still handles the last
	 * one is owed, and given at its EOI, so that a guest that counts ticks
	 * keeps time.  Without it such a tick is lost.
	 */
	raw_spinlock_t tick_lock;
	bool reinject;
	bool acked;			/* the last one given was acknowledged */
	u32 owed;
	struct lodge_irq_ack_notifier ack;
};

/* --- ticks: any context --- */

static void raise_irq(struct lodge_pit *pit)
{
	unsigned long flags;
	int r;

	r = lodge_set_irq(pit->vm, LODGE_IRQ_PIT, PIT_GSI, 1);
	lodge_set_irq(pit->vm, LODGE_IRQ_PIT, PIT_GSI, 0);
	if (r >= 0)
		return;
	/* Masked everywhere: there will be no EOI to wait for. */
	raw_spin_lock_irqsave(&pit->tick_lock, flags);
	pit->acked = true;
	raw_spin_unlock_irqrestore(&pit->tick_lock, flags);
}

/* Take one of the ticks owed, if the guest is ready for it.  tick_lock held. */
static bool take_owed(struct lodge_pit *pit)
{
	if (!pit->acked || !pit->owed)
		return false;
	pit->acked = false;
	pit->owed--;
	return true;
}

static void tick(struct lodge_pit *pit, u32 ticks)
{
	unsigned long flags;
	bool give = true;

	raw_spin_lock_irqsave(&pit->tick_lock, flags);
	if (pit->reinject) {
		pit->owed += ticks;
		give = take_owed(pit);
	}
	raw_spin_unlock_irqrestore(&pit->tick_lock, flags);
	if (give)
		raise_irq(pit);
}

static void tick_acked(struct lodge_irq_ack_notifier *n)
{
	struct lodge_pit *pit = container_of(n, struct lodge_pit, ack);
	unsigned long flags;
	bool give;

	raw_spin_lock_irqsave(&pit->tick_lock, flags);
	pit->acked = true;
	give = take_owed(pit);
	raw_spin_unlock_irqrestore(&pit->tick_lock, flags);
	if (give)
		raise_irq(pit);
}

static void reset_ticks(struct lodge_pit *pit)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->tick_lock, flags);
	pit->owed = 0;
	pit->acked = true;
	raw_spin_unlock_irqrestore(&pit->tick_lock, flags);
}

void lodge_pit_unmasked(struct lodge_vm *vm, u32 irqchip, u32 pin)
{
	/* Pairs with the release in lodge_pit_create(). */
	struct lodge_pit *pit = smp_load_acquire(&vm->arch.pit);

	if (pit && lodge_irq_gsi_of_pin(vm, irqchip, pin) == PIT_GSI)
		reset_ticks(pit);
}

static enum hrtimer_restart pit_fired(struct hrtimer *timer)
{
	struct lodge_pit *pit = container_of(timer, struct lodge_pit, timer);

	if (!pit->period) {
		tick(pit, 1);
		return HRTIMER_NORESTART;
	}
	/* More than one where the host was late by whole periods: they are owed too. */
	tick(pit, hrtimer_forward_now(timer, ns_to_ktime(pit->period)));
	return HRTIMER_RESTART;
}

/* Counter 0 was loaded.  Lock held. */
static void start_timer(struct lodge_pit *pit)
{
	const struct kvm_pit_channel_state *s = &pit->counter[0].s;
	u64 ns = mul_u64_u32_div(s->count, NSEC_PER_SEC, PIT_TICK_RATE);

	hrtimer_cancel(&pit->timer);
	reset_ticks(pit);
	/* The HPET has taken the counter's place. */
	if (pit->flags & KVM_PIT_FLAGS_HPET_LEGACY)
		return;
	switch (s->mode) {
	case 0:
	case 4:
		pit->period = 0;
		break;
	case 2:
	case 3:
		ns = max_t(u64, ns, MIN_PERIOD_NS);
		pit->period = ns;
		break;
	default:
		/* Modes 1 and 5 wait for a rising gate, which counter 0 does not have. */
		return;
	}
	hrtimer_start(&pit->timer, ktime_add_ns(ktime_get(), ns), HRTIMER_MODE_ABS_HARD);
}

/* --- ports.  A wider access is one to each port in turn, as on the bus. --- */

static void write_control(struct lodge_pit *pit, u8 value)
{
	unsigned int i = value >> 6;

	if (i < 3) {
		/* Programmed anew it is idle until it has a count. */
		if (lodge_pit_control(&pit->counter[i], value) && i == 0)
			hrtimer_cancel(&pit->timer);
		return;
	}
	for (i = 0; i < 3; i++) {
		if (value & BIT(i + 1))
			lodge_pit_read_back(&pit->counter[i], value);
	}
}

static void write_port(struct lodge_pit *pit, unsigned int port, u8 value)
{
	if (port == 3)
		write_control(pit, value);
	else if (lodge_pit_write(&pit->counter[port], value) && port == 0)
		start_timer(pit);
}

static int pit_write(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t port, int len,
		     const void *val)
{
	struct lodge_pit *pit = container_of(dev, struct lodge_pit, ports);
	const u8 *bytes = val;
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++)
		write_port(pit, (port + i) & 3, bytes[i]);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int pit_read(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t port, int len,
		    void *val)
{
	struct lodge_pit *pit = container_of(dev, struct lodge_pit, ports);
	unsigned long flags;
	u8 *bytes = val;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++) {
		unsigned int p = (port + i) & 3;

		/* The control word cannot be read. */
		bytes[i] = p == 3 ? 0 : lodge_pit_read(&pit->counter[p]);
	}
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

/* Bit 4 follows the refresh of memory, every 15 microseconds or so: some guests time with it. */
static int speaker_read(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t port, int len,
			void *val)
{
	struct lodge_pit *pit = container_of(dev, struct lodge_pit, speaker);
	const struct lodge_pit_counter *c = &pit->counter[2];
	unsigned long flags;
	u8 value;

	raw_spin_lock_irqsave(&pit->lock, flags);
	value = (c->s.gate ? BIT(0) : 0) |
		(pit->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON ? BIT(1) : 0) |
		(ktime_get_ns() & BIT(14) ? BIT(4) : 0) |
		(lodge_pit_output(c) ? BIT(5) : 0);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	*(u8 *)val = value;
	return 0;
}

static int speaker_write(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t port, int len,
			 const void *val)
{
	struct lodge_pit *pit = container_of(dev, struct lodge_pit, speaker);
	u8 value = *(const u8 *)val;
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->lock, flags);
	if (value & BIT(1))
		pit->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	else
		pit->flags &= ~KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	lodge_pit_set_gate(&pit->counter[2], value & BIT(0));
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static const struct lodge_io_ops pit_ops = { .read = pit_read, .write = pit_write };
static const struct lodge_io_ops speaker_ops = { .read = speaker_read, .write = speaker_write };

/* --- state: vm->lock held --- */

int lodge_pit_get(struct lodge_vm *vm, struct kvm_pit_state2 *state)
{
	struct lodge_pit *pit = vm->arch.pit;
	unsigned long flags;
	int i;

	if (!pit)
		return -ENXIO;
	memset(state, 0, sizeof(*state));
	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < 3; i++)
		state->channels[i] = pit->counter[i].s;
	state->flags = pit->flags;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

/* The host's clock is no part of the state: counters begin their round anew. */
static void set_counter(struct lodge_pit_counter *c, const struct kvm_pit_channel_state *s)
{
	bool bcd = s->bcd;

	c->s = *s;
	c->s.gate = !!s->gate;
	/* The state has the count in binary whatever the guest wrote. */
	c->s.bcd = 0;
	lodge_pit_load(c, s->count);
	c->s.bcd = bcd;
}

int lodge_pit_set(struct lodge_vm *vm, const struct kvm_pit_state2 *state)
{
	struct lodge_pit *pit = vm->arch.pit;
	unsigned long flags;
	int i;

	if (!pit)
		return -ENXIO;
	raw_spin_lock_irqsave(&pit->lock, flags);
	pit->flags = state->flags & (KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	for (i = 0; i < 3; i++)
		set_counter(&pit->counter[i], &state->channels[i]);
	start_timer(pit);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

/* EOIs are only worth a look while ticks may be owed. */
static void set_reinject(struct lodge_pit *pit, bool reinject)
{
	unsigned long flags;

	if (reinject == pit->reinject)
		return;
	reset_ticks(pit);
	raw_spin_lock_irqsave(&pit->tick_lock, flags);
	pit->reinject = reinject;
	raw_spin_unlock_irqrestore(&pit->tick_lock, flags);
	if (reinject)
		lodge_irq_ack_register(pit->vm, &pit->ack);
	else
		lodge_irq_ack_unregister(pit->vm, &pit->ack);
}

int lodge_pit_reinject(struct lodge_vm *vm, const struct kvm_reinject_control *control)
{
	if (!vm->arch.pit)
		return -ENXIO;
	set_reinject(vm->arch.pit, control->pit_reinject);
	return 0;
}

/* --- lifetime --- */

static void pit_unregister(struct lodge_pit *pit)
{
	struct lodge_vm *vm = pit->vm;

	mutex_lock(&vm->slots_lock);
	lodge_io_unregister(vm, LODGE_PIO_BUS, &pit->ports);
	lodge_io_unregister(vm, LODGE_PIO_BUS, &pit->speaker);
	mutex_unlock(&vm->slots_lock);
}

static int pit_register(struct lodge_pit *pit, bool speaker)
{
	struct lodge_vm *vm = pit->vm;
	int r;

	mutex_lock(&vm->slots_lock);
	r = lodge_io_register(vm, LODGE_PIO_BUS, PIT_PORT, 4, &pit->ports);
	if (!r && speaker)
		r = lodge_io_register(vm, LODGE_PIO_BUS, SPEAKER_PORT, 1, &pit->speaker);
	mutex_unlock(&vm->slots_lock);
	return r;
}

static void pit_free(struct lodge_pit *pit)
{
	pit_unregister(pit);
	/* No port is left to start it again. */
	hrtimer_cancel(&pit->timer);
	set_reinject(pit, false);
	kfree(pit);
}

int lodge_pit_create(struct lodge_vm *vm, const struct kvm_pit_config *config)
{
	struct lodge_pit *pit;
	int i, r;

	if (config->flags & ~KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	if (!lodge_irqchip_kernel(vm))
		return -ENOENT;
	if (vm->arch.pit)
		return -EEXIST;
	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	raw_spin_lock_init(&pit->lock);
	raw_spin_lock_init(&pit->tick_lock);
	pit->vm = vm;
	pit->ports.ops = &pit_ops;
	pit->speaker.ops = &speaker_ops;
	pit->ack.gsi = PIT_GSI;
	pit->ack.acked = tick_acked;
	lodge_hrtimer_setup(&pit->timer, pit_fired, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	for (i = 0; i < 3; i++) {
		pit->counter[i].s.mode = 0xff;
		pit->counter[i].s.gate = i != 2;
		lodge_pit_load(&pit->counter[i], 0);
	}
	set_reinject(pit, true);
	r = pit_register(pit, config->flags & KVM_PIT_SPEAKER_DUMMY);
	if (r) {
		pit_free(pit);
		return r;
	}
	/* Pairs with the acquire in lodge_pit_unmasked(). */
	smp_store_release(&vm->arch.pit, pit);
	return 0;
}

void lodge_pit_destroy(struct lodge_vm *vm)
{
	struct lodge_pit *pit = vm->arch.pit;

	if (!pit)
		return;
	vm->arch.pit = NULL;
	pit_free(pit);
}
