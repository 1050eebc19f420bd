// SPDX-License-Identifier: GPL-2.0
/*
 * The I/O APIC (Intel 82093AA data sheet): 24 inputs, each with a redirection
 * entry that says which message to send to the local APICs.
 *
 * ioapic->lock guards all but @eoi_vectors, which every EOI reads without.  A
 * message is sent with the lock held: sending takes no lock.  Acknowledge
 * notifiers are called without it, as they may change inputs.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "chips.h"
#include "io_bus.h"
#include "lapic_regs.h"
#include "trace.h"

#define IOAPIC_NR_PINS		KVM_IOAPIC_NUM_PINS
#define IOAPIC_VERSION		((IOAPIC_NR_PINS - 1) << 16 | 0x11)
#define IOAPIC_SIZE		0x100

/* The register window. */
#define IOREGSEL		0x00
#define IOWIN			0x10
#define IOAPICID		0
#define IOAPICVER		1
#define IOAPICARB		2
#define IOREDTBL		0x10

/* A redirection entry. */
#define RTE_DELIVERY_STATUS	BIT_ULL(12)
#define RTE_REMOTE_IRR		BIT_ULL(14)
#define RTE_LEVEL		BIT_ULL(15)
#define RTE_MASKED		BIT_ULL(16)
#define RTE_RESERVED		GENMASK_ULL(55, 17)
#define RTE_READ_ONLY		(RTE_DELIVERY_STATUS | RTE_REMOTE_IRR)

/*
 * A level input that its EOI finds asserted is delivered again at once.  When
 * that has happened this often in a row, its driver makes no progress: deliver
 * after a pause, so that the guest's other work gets a turn.
 */
#define STORM_EOIS		10000
#define STORM_PAUSE		msecs_to_jiffies(10)

struct lodge_ioapic {
	raw_spinlock_t lock;
	struct lodge_vm *vm;
	struct lodge_io_device mmio;
	u32 regsel, id;
	u32 irr;			/* inputs that are high */
	u64 rte[IOAPIC_NR_PINS];
	u8 lines[IOAPIC_NR_PINS];
	u32 eois[IOAPIC_NR_PINS];	/* in a row with the input still high */
	struct delayed_work storm_work;
	/* Vectors whose EOI must come here though it be of an edge interrupt. */
	DECLARE_BITMAP(eoi_vectors, 256);
};

/* --- sending --- */

/* Send what @pin's entry says.  As lodge_set_irq().  Lock held. */
static int send(struct lodge_ioapic *ioapic, unsigned int pin)
{
	u64 rte = ioapic->rte[pin];
	struct lodge_msi msi = {
		.dest_id = rte >> 56,
		.dest_logical = rte & BIT_ULL(11),
		.vector = rte,
		.delivery_mode = (rte >> 8) & 7,
		.level = rte & RTE_LEVEL,
		.assert = true,
	};
	int r;

	if (rte & RTE_MASKED)
		return -1;
	/* Taken and not yet at its end: the EOI will look at the input. */
	if ((rte & RTE_LEVEL) && (rte & RTE_REMOTE_IRR))
		return 0;
	r = lodge_apic_deliver(ioapic->vm, NULL, &msi);
	if (r >= 0 && (rte & RTE_LEVEL))
		ioapic->rte[pin] |= RTE_REMOTE_IRR;
	return r;
}

/* A level input that is high and not being served. */
static void send_if_asserted(struct lodge_ioapic *ioapic, unsigned int pin)
{
	if ((ioapic->irr & BIT(pin)) && (ioapic->rte[pin] & RTE_LEVEL))
		send(ioapic, pin);
}

int lodge_ioapic_set_irq(struct lodge_ioapic *ioapic, u32 pin, enum lodge_irq_source source,
			 bool level)
{
	unsigned long flags;
	bool rising;
	int r = 1;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	level = line_drive(&ioapic->lines[pin], source, level);
	rising = level && !(ioapic->irr & BIT(pin));
	if (!level)
		ioapic->irr &= ~BIT(pin);
	else
		ioapic->irr |= BIT(pin);
	if (rising)
		r = send(ioapic, pin);
	else if (level)
		r = 0;
	trace_kvm_ioapic_set_irq(ioapic->rte[pin], pin, r == 0);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	return r;
}

/* --- EOI --- */

bool lodge_ioapic_handles(struct lodge_vm *vm, u8 vector)
{
	const struct lodge_ioapic *ioapic = vm->arch.ioapic;

	return ioapic && test_bit(vector, ioapic->eoi_vectors);
}

void lodge_ioapic_eoi_vectors(struct lodge_vm *vm, unsigned long *vectors)
{
	const struct lodge_ioapic *ioapic = vm->arch.ioapic;

	if (ioapic)
		bitmap_copy(vectors, ioapic->eoi_vectors, 256);
	else
		bitmap_zero(vectors, 256);
}

/*
 * A vector too many only costs its EOIs a look here, so nothing is lost if one
 * is seen between the two steps.  Lock held.
 */
static void update_eoi_vectors(struct lodge_ioapic *ioapic)
{
	DECLARE_BITMAP(vectors, 256) = { };
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		if (lodge_irq_has_ack_notifier(ioapic->vm, KVM_IRQCHIP_IOAPIC, pin))
			__set_bit((u8)ioapic->rte[pin], vectors);
	}
	bitmap_copy(ioapic->eoi_vectors, vectors, 256);
}

void lodge_ioapic_notifiers_changed(struct lodge_ioapic *ioapic)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	update_eoi_vectors(ioapic);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* The input is still high at its EOI: send again, or later if it never ends. */
static void send_again(struct lodge_ioapic *ioapic, unsigned int pin)
{
	if (++ioapic->eois[pin] < STORM_EOIS) {
		send(ioapic, pin);
		return;
	}
	ioapic->eois[pin] = 0;
	schedule_delayed_work(&ioapic->storm_work, STORM_PAUSE);
}

static void storm_resume(struct work_struct *work)
{
	struct lodge_ioapic *ioapic = container_of(work, struct lodge_ioapic, storm_work.work);
	unsigned long flags;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++)
		send_if_asserted(ioapic, pin);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

void lodge_ioapic_eoi(struct lodge_vcpu *vcpu, u8 vector, bool level)
{
	struct lodge_ioapic *ioapic = vcpu->vm->arch.ioapic;
	unsigned long pins = 0, flags;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		if ((u8)ioapic->rte[pin] == vector)
			pins |= BIT(pin);
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);

	/* First those who drive the inputs, so that they may lower them. */
	for_each_set_bit(pin, &pins, IOAPIC_NR_PINS)
		lodge_irq_acked(vcpu->vm, KVM_IRQCHIP_IOAPIC, pin);
	if (!level)
		return;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	for_each_set_bit(pin, &pins, IOAPIC_NR_PINS) {
		u64 rte = ioapic->rte[pin];

		if ((u8)rte != vector || !(rte & RTE_LEVEL))
			continue;
		ioapic->rte[pin] &= ~RTE_REMOTE_IRR;
		if ((ioapic->irr & BIT(pin)) && !(rte & RTE_MASKED))
			send_again(ioapic, pin);
		else
			ioapic->eois[pin] = 0;
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* --- registers: 82093AA data sheet, Register Description --- */

/* True if the write unmasked the entry. */
static bool write_rte(struct lodge_ioapic *ioapic, unsigned int index, u32 value)
{
	unsigned int pin = index >> 1;
	u64 old = ioapic->rte[pin], rte;

	if (index & 1)
		rte = (u32)old | (u64)value << 32;
	else
		rte = (old & GENMASK_ULL(63, 32)) | value;
	rte = (rte & ~(RTE_RESERVED | RTE_READ_ONLY)) | (old & RTE_READ_ONLY);
	/* Remote IRR has no meaning for edges; guests clear it by this switch. */
	if (!(rte & RTE_LEVEL))
		rte &= ~RTE_REMOTE_IRR;
	ioapic->rte[pin] = rte;
	ioapic->eois[pin] = 0;
	if ((u8)old != (u8)rte)
		update_eoi_vectors(ioapic);
	send_if_asserted(ioapic, pin);
	return (old & ~rte) & RTE_MASKED;
}

static u32 read_register(const struct lodge_ioapic *ioapic)
{
	unsigned int index = ioapic->regsel - IOREDTBL;

	switch (ioapic->regsel) {
	case IOAPICID:
	case IOAPICARB:
		return (ioapic->id & 0xf) << 24;
	case IOAPICVER:
		return IOAPIC_VERSION;
	}
	if (index >= 2 * IOAPIC_NR_PINS)
		return 0;
	return ioapic->rte[index >> 1] >> (index & 1) * 32;
}

/* The pin that was unmasked, or -1. */
static int write_register(struct lodge_ioapic *ioapic, u32 value)
{
	unsigned int index = ioapic->regsel - IOREDTBL;

	if (ioapic->regsel == IOAPICID)
		ioapic->id = (value >> 24) & 0xf;
	else if (index < 2 * IOAPIC_NR_PINS && write_rte(ioapic, index, value))
		return index >> 1;
	return -1;
}

static int ioapic_read(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t addr, int len,
		       void *val)
{
	struct lodge_ioapic *ioapic = container_of(dev, struct lodge_ioapic, mmio);
	unsigned long flags;
	u32 value = 0;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr & (IOAPIC_SIZE - 1)) {
	case IOREGSEL:
		value = ioapic->regsel;
		break;
	case IOWIN:
		value = read_register(ioapic);
		break;
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	memset(val, 0, len);
	memcpy(val, &value, min_t(int, len, sizeof(value)));
	return 0;
}

static int ioapic_write(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t addr, int len,
			const void *val)
{
	struct lodge_ioapic *ioapic = container_of(dev, struct lodge_ioapic, mmio);
	unsigned long flags;
	int unmasked = -1;
	u32 value = 0;

	memcpy(&value, val, min_t(int, len, sizeof(value)));
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr & (IOAPIC_SIZE - 1)) {
	case IOREGSEL:
		ioapic->regsel = value & 0xff;
		break;
	case IOWIN:
		/* A partial write of a 32-bit register is not defined. */
		if (len >= sizeof(value))
			unmasked = write_register(ioapic, value);
		break;
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	if (unmasked >= 0)
		lodge_pit_unmasked(vcpu->vm, KVM_IRQCHIP_IOAPIC, unmasked);
	return 0;
}

static const struct lodge_io_ops ioapic_ops = { .read = ioapic_read, .write = ioapic_write };

/* --- state and lifetime --- */

/* Inputs that were high at an edge entry have been delivered: a restored one is to rise anew. */
void lodge_ioapic_get(struct lodge_ioapic *ioapic, struct kvm_ioapic_state *state)
{
	unsigned long flags;
	unsigned int pin;

	memset(state, 0, sizeof(*state));
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	state->base_address = IO_APIC_DEFAULT_PHYS_BASE;
	state->ioregsel = ioapic->regsel;
	state->id = ioapic->id;
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		state->redirtbl[pin].bits = ioapic->rte[pin];
		if (ioapic->rte[pin] & RTE_LEVEL)
			state->irr |= ioapic->irr & BIT(pin);
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

void lodge_ioapic_set(struct lodge_ioapic *ioapic, const struct kvm_ioapic_state *state)
{
	unsigned long flags;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->regsel = state->ioregsel & 0xff;
	ioapic->id = state->id & 0xf;
	ioapic->irr = state->irr & GENMASK(IOAPIC_NR_PINS - 1, 0);
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		ioapic->rte[pin] = state->redirtbl[pin].bits & ~RTE_RESERVED;
		ioapic->eois[pin] = 0;
	}
	update_eoi_vectors(ioapic);
	/* An edge that is still in the state was not delivered where it comes from. */
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		if (ioapic->irr & BIT(pin))
			send(ioapic, pin);
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

struct lodge_ioapic *lodge_ioapic_create(struct lodge_vm *vm)
{
	struct lodge_ioapic *ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	unsigned int pin;
	int r;

	if (!ioapic)
		return ERR_PTR(-ENOMEM);
	raw_spin_lock_init(&ioapic->lock);
	ioapic->vm = vm;
	ioapic->mmio.ops = &ioapic_ops;
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++)
		ioapic->rte[pin] = RTE_MASKED;
	INIT_DELAYED_WORK(&ioapic->storm_work, storm_resume);

	mutex_lock(&vm->slots_lock);
	r = lodge_io_register(vm, LODGE_MMIO_BUS, IO_APIC_DEFAULT_PHYS_BASE, IOAPIC_SIZE,
			      &ioapic->mmio);
	mutex_unlock(&vm->slots_lock);
	if (r) {
		kfree(ioapic);
		return ERR_PTR(r);
	}
	return ioapic;
}

void lodge_ioapic_destroy(struct lodge_vm *vm)
{
	struct lodge_ioapic *ioapic = vm->arch.ioapic;

	if (!ioapic)
		return;
	mutex_lock(&vm->slots_lock);
	lodge_io_unregister(vm, LODGE_MMIO_BUS, &ioapic->mmio);
	mutex_unlock(&vm->slots_lock);
	cancel_delayed_work_sync(&ioapic->storm_work);
	vm->arch.ioapic = NULL;
	kfree(ioapic);
}
