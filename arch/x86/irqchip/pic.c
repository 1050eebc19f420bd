// SPDX-License-Identifier: GPL-2.0
/*
 * The pair of 8259A interrupt controllers of a PC (Intel 8259A data sheet; the
 * edge/level registers of the 82371 at 0x4d0): the slave's output is input 2 of
 * the master, and the master's output is ExtINT to the processors that accept
 * it.
 *
 * pic->lock guards all of it but @output, which entries read without.  Whoever
 * must be told of an acknowledged input is told after the lock is released, as
 * he may drive the input again at once.
 */
#include <linux/slab.h>

#include "chips.h"
#include "io_bus.h"
#include "lapic_regs.h"
#include "trace.h"

#define CASCADE		2	/* the master's input from the slave */
#define SPURIOUS	7	/* what a chip answers when the request has gone */

/* Initialization command words still to come, in kvm_pic_state.init_state. */
enum pic_init { PIC_READY, PIC_ICW2, PIC_ICW3, PIC_ICW4 };

struct lodge_pic {
	raw_spinlock_t lock;
	struct lodge_vm *vm;
	struct kvm_pic_state chip[2];
	u8 lines[PIC_NR_PINS];
	u16 acked;		/* inputs acknowledged under the lock, to tell of after */
	bool output;		/* INTR; read without the lock */
	bool raised;		/* @output rose under the lock, to tell of after */
	struct lodge_io_device ports[2], elcr;
};

/* --- priorities: 8259A data sheet, Interrupt Sequence and Fully Nested Mode --- */

/* Of inputs @mask the one that ranks highest, by its rank; 8: none. */
static unsigned int highest_rank(const struct kvm_pic_state *s, u8 mask)
{
	u8 lowest = s->priority_add & 7;
	u8 ranked = mask >> lowest | mask << (8 - lowest);

	return ranked ? __ffs(ranked) : 8;
}

/* The input the chip raises its output for, or -1. */
static int chip_request(const struct lodge_pic *pic, int chip)
{
	const struct kvm_pic_state *s = &pic->chip[chip];
	u8 asking = s->irr & ~s->imr, in_service = s->isr;
	unsigned int rank;

	if (likely(!asking))
		return -1;
	rank = highest_rank(s, asking);
	/* Special mask mode: what is masked does not hold others off. */
	if (s->special_mask)
		in_service &= ~s->imr;
	/* Special fully nested: the slave may ask again while it is served. */
	if (s->special_fully_nested_mode && chip == 0)
		in_service &= ~BIT(CASCADE);
	if (rank >= highest_rank(s, in_service))
		return -1;
	return (rank + s->priority_add) & 7;
}

/* Carry the slave's output to the master, and the master's to the processors. */
static void update_output(struct lodge_pic *pic)
{
	bool output;

	if (chip_request(pic, 1) >= 0)
		pic->chip[0].irr |= BIT(CASCADE);
	else
		pic->chip[0].irr &= ~BIT(CASCADE);
	output = chip_request(pic, 0) >= 0;
	if (output && !pic->output)
		pic->raised = true;
	WRITE_ONCE(pic->output, output);
}

/* --- the lock, and what is to be done after it --- */

/* The master's output rose: let the processors that listen to it know. */
static void signal_processors(struct lodge_vm *vm)
{
	struct lodge_vcpu *vcpu;
	unsigned long i;

	lodge_for_each_vcpu(i, vcpu, vm) {
		struct lodge_lapic *l = vcpu->arch.lapic;

		if (lodge_lapic_accepts_pic(vcpu)) {
			lodge_request(vcpu, LODGE_REQ_EVENT);
			lodge_kick(vcpu);
		} else if (GET_APIC_DELIVERY_MODE(lapic_get(l, APIC_LVT0)) != APIC_MODE_EXTINT) {
			/* LINT0 as an interrupt or NMI of its own. */
			lodge_lapic_local(l, APIC_LVT0);
		}
	}
}

static void pic_unlock(struct lodge_pic *pic, unsigned long flags)
	__releases(&pic->lock)
{
	unsigned long acked = pic->acked;
	bool raised = pic->raised;
	unsigned int pin;

	pic->acked = 0;
	pic->raised = false;
	raw_spin_unlock_irqrestore(&pic->lock, flags);

	if (raised)
		signal_processors(pic->vm);
	for_each_set_bit(pin, &acked, PIC_NR_PINS)
		lodge_irq_acked(pic->vm, pin / 8 ? KVM_IRQCHIP_PIC_SLAVE : KVM_IRQCHIP_PIC_MASTER,
				pin & 7);
}

static void end_of_interrupt(struct lodge_pic *pic, int chip, u8 inputs)
{
	pic->chip[chip].isr &= ~inputs;
	pic->acked |= inputs << chip * 8;
}

/* --- inputs --- */

int lodge_pic_set_irq(struct lodge_pic *pic, u32 pin, enum lodge_irq_source source, bool level)
{
	int chip = pin / 8, ret = 1;
	struct kvm_pic_state *s = &pic->chip[chip];
	u8 bit = BIT(pin & 7);
	unsigned long flags;
	bool rising;

	raw_spin_lock_irqsave(&pic->lock, flags);
	level = line_drive(&pic->lines[pin], source, level);
	rising = level && !(s->last_irr & bit);
	if (level) {
		s->last_irr |= bit;
		if (rising || (s->elcr & bit)) {
			ret = !(s->irr & bit);
			s->irr |= bit;
		} else {
			ret = 0;
		}
	} else {
		s->last_irr &= ~bit;
		if (s->elcr & bit)
			s->irr &= ~bit;
	}
	if (s->imr & bit)
		ret = -1;
	update_output(pic);
	trace_kvm_pic_set_irq(chip, pin & 7, s->elcr, s->imr, ret == 0);
	pic_unlock(pic, flags);
	return ret;
}

/* --- the processor's side: 8259A data sheet, Interrupt Sequence --- */

int lodge_pic_pending(struct lodge_vm *vm)
{
	return READ_ONCE(vm->arch.pic->output);
}

static void acknowledge(struct lodge_pic *pic, int chip, unsigned int input)
{
	struct kvm_pic_state *s = &pic->chip[chip];

	if (!(s->elcr & BIT(input)))
		s->irr &= ~BIT(input);
	if (!s->auto_eoi) {
		s->isr |= BIT(input);
		return;
	}
	if (s->rotate_on_auto_eoi)
		s->priority_add = (input + 1) & 7;
	end_of_interrupt(pic, chip, BIT(input));
}

int lodge_pic_ack(struct lodge_vm *vm)
{
	struct lodge_pic *pic = vm->arch.pic;
	int vector, master, slave;
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	master = chip_request(pic, 0);
	if (master == CASCADE) {
		slave = chip_request(pic, 1);
		acknowledge(pic, 0, CASCADE);
		if (slave >= 0)
			acknowledge(pic, 1, slave);
		vector = pic->chip[1].irq_base + (slave >= 0 ? slave : SPURIOUS);
	} else {
		if (master >= 0)
			acknowledge(pic, 0, master);
		vector = pic->chip[0].irq_base + (master >= 0 ? master : SPURIOUS);
	}
	update_output(pic);
	pic_unlock(pic, flags);
	return vector & 0xff;
}

/* --- commands: 8259A data sheet, Initialization and Operation Command Words --- */

static void write_icw1(struct lodge_pic *pic, int chip, u8 value)
{
	struct kvm_pic_state *s = &pic->chip[chip];

	/* What was requested or in service will not be acknowledged any more. */
	pic->acked |= (s->irr | s->isr) << chip * 8;
	s->irr &= s->elcr;
	s->imr = 0;
	s->isr = 0;
	s->priority_add = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	s->special_mask = 0;
	s->auto_eoi = 0;
	s->rotate_on_auto_eoi = 0;
	s->special_fully_nested_mode = 0;
	s->init4 = value & BIT(0);
	s->init_state = PIC_ICW2;
}

static void write_ocw2(struct lodge_pic *pic, int chip, u8 value)
{
	struct kvm_pic_state *s = &pic->chip[chip];
	unsigned int rank = highest_rank(s, s->isr), input = value & 7;
	u8 command = value >> 5;

	switch (command) {
	case 0:		/* rotate on automatic EOI: clear, set */
	case 4:
		s->rotate_on_auto_eoi = command >> 2;
		return;
	case 1:		/* EOI of the highest in service; and rotate */
	case 5:
		if (rank == 8)
			return;
		input = (rank + s->priority_add) & 7;
		break;
	case 6:		/* set the lowest priority */
		s->priority_add = (input + 1) & 7;
		return;
	case 3:		/* EOI of the one that is named; and rotate */
	case 7:
		break;
	default:
		return;
	}
	end_of_interrupt(pic, chip, BIT(input));
	if (command & 4)
		s->priority_add = (input + 1) & 7;
}

static void write_ocw3(struct kvm_pic_state *s, u8 value)
{
	if (value & BIT(2))
		s->poll = 1;
	if (value & BIT(1))
		s->read_reg_select = value & BIT(0);
	if (value & BIT(6))
		s->special_mask = !!(value & BIT(5));
}

static void write_command(struct lodge_pic *pic, int chip, u8 value)
{
	if (value & BIT(4))
		write_icw1(pic, chip, value);
	else if (value & BIT(3))
		write_ocw3(&pic->chip[chip], value);
	else
		write_ocw2(pic, chip, value);
}

/* True if input 0 of the master was unmasked. */
static bool write_data(struct lodge_pic *pic, int chip, u8 value)
{
	struct kvm_pic_state *s = &pic->chip[chip];
	bool unmasked;

	switch (s->init_state) {
	case PIC_ICW2:
		s->irq_base = value & 0xf8;
		s->init_state = PIC_ICW3;
		break;
	case PIC_ICW3:
		s->init_state = s->init4 ? PIC_ICW4 : PIC_READY;
		break;
	case PIC_ICW4:
		s->special_fully_nested_mode = !!(value & BIT(4));
		s->auto_eoi = !!(value & BIT(1));
		s->init_state = PIC_READY;
		break;
	default:
		unmasked = chip == 0 && (s->imr & ~value & BIT(0));
		s->imr = value;
		return unmasked;
	}
	return false;
}

/* Poll mode: the read is the acknowledge cycle (8259A data sheet, Poll Command). */
static u8 read_poll(struct lodge_pic *pic, int chip)
{
	int input = chip_request(pic, chip);

	pic->chip[chip].poll = 0;
	if (input < 0)
		return SPURIOUS;
	acknowledge(pic, chip, input);
	update_output(pic);
	return BIT(7) | input;
}

static u8 read_port(struct lodge_pic *pic, int chip, bool data)
{
	const struct kvm_pic_state *s = &pic->chip[chip];

	if (s->poll)
		return read_poll(pic, chip);
	if (data)
		return s->imr;
	return s->read_reg_select ? s->isr : s->irr;
}

/* --- ports.  A wider access is one to each port in turn, as on the bus. --- */

static int pic_read(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t port, int len,
		    void *val)
{
	struct lodge_pic *pic = vcpu->vm->arch.pic;
	int chip = dev - pic->ports, i;
	unsigned long flags;
	u8 *bytes = val;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < len; i++)
		bytes[i] = read_port(pic, chip, (port + i) & 1);
	pic_unlock(pic, flags);
	return 0;
}

static int pic_write(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t port, int len,
		     const void *val)
{
	struct lodge_pic *pic = vcpu->vm->arch.pic;
	int chip = dev - pic->ports, i;
	const u8 *bytes = val;
	bool unmasked = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < len; i++) {
		if ((port + i) & 1)
			unmasked |= write_data(pic, chip, bytes[i]);
		else
			write_command(pic, chip, bytes[i]);
	}
	update_output(pic);
	pic_unlock(pic, flags);
	if (unmasked)
		lodge_pit_unmasked(pic->vm, KVM_IRQCHIP_PIC_MASTER, 0);
	return 0;
}

static int elcr_read(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t port, int len,
		     void *val)
{
	struct lodge_pic *pic = container_of(dev, struct lodge_pic, elcr);
	u8 *bytes = val;
	int i;

	/* Each is one byte, and nothing else depends on it: no lock. */
	for (i = 0; i < len; i++)
		bytes[i] = READ_ONCE(pic->chip[(port + i) & 1].elcr);
	return 0;
}

static int elcr_write(struct lodge_vcpu *vcpu, struct lodge_io_device *dev, gpa_t port, int len,
		      const void *val)
{
	struct lodge_pic *pic = container_of(dev, struct lodge_pic, elcr);
	const u8 *bytes = val;
	bool changed = false;
	unsigned long flags;
	int i;

	for (i = 0; i < len; i++) {
		const struct kvm_pic_state *s = &pic->chip[(port + i) & 1];

		changed |= READ_ONCE(s->elcr) != (bytes[i] & s->elcr_mask);
	}
	if (!changed)
		return 0;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < len; i++) {
		struct kvm_pic_state *s = &pic->chip[(port + i) & 1];

		WRITE_ONCE(s->elcr, bytes[i] & s->elcr_mask);
	}
	update_output(pic);
	pic_unlock(pic, flags);
	return 0;
}

static const struct lodge_io_ops pic_ops = { .read = pic_read, .write = pic_write };
static const struct lodge_io_ops elcr_ops = { .read = elcr_read, .write = elcr_write };

/* --- state and lifetime --- */

void lodge_pic_get(struct lodge_pic *pic, int chip, struct kvm_pic_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	*state = pic->chip[chip];
	pic_unlock(pic, flags);
}

void lodge_pic_set(struct lodge_pic *pic, int chip, const struct kvm_pic_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	pic->chip[chip] = *state;
	update_output(pic);
	/* Whether it rose just now or earlier: somebody may have to look. */
	pic->raised = pic->output;
	pic_unlock(pic, flags);
}

static const struct {
	gpa_t port;
	u8 elcr_mask;	/* inputs 0, 1, 2, 8 and 13 are edge-triggered for good */
} pic_chips[] = {
	{ 0x20, 0xf8 },
	{ 0xa0, 0xde },
};

static void pic_unregister(struct lodge_pic *pic)
{
	struct lodge_vm *vm = pic->vm;

	mutex_lock(&vm->slots_lock);
	lodge_io_unregister(vm, LODGE_PIO_BUS, &pic->ports[0]);
	lodge_io_unregister(vm, LODGE_PIO_BUS, &pic->ports[1]);
	lodge_io_unregister(vm, LODGE_PIO_BUS, &pic->elcr);
	mutex_unlock(&vm->slots_lock);
}

static int pic_register(struct lodge_pic *pic)
{
	struct lodge_vm *vm = pic->vm;
	int i, r = 0;

	mutex_lock(&vm->slots_lock);
	for (i = 0; i < 2 && !r; i++)
		r = lodge_io_register(vm, LODGE_PIO_BUS, pic_chips[i].port, 2, &pic->ports[i]);
	if (!r)
		r = lodge_io_register(vm, LODGE_PIO_BUS, 0x4d0, 2, &pic->elcr);
	mutex_unlock(&vm->slots_lock);
	if (r)
		pic_unregister(pic);
	return r;
}

struct lodge_pic *lodge_pic_create(struct lodge_vm *vm)
{
	struct lodge_pic *pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);
	int i, r;

	if (!pic)
		return ERR_PTR(-ENOMEM);
	raw_spin_lock_init(&pic->lock);
	pic->vm = vm;
	for (i = 0; i < 2; i++) {
		pic->chip[i].elcr_mask = pic_chips[i].elcr_mask;
		pic->ports[i].ops = &pic_ops;
	}
	pic->elcr.ops = &elcr_ops;
	r = pic_register(pic);
	if (r) {
		kfree(pic);
		return ERR_PTR(r);
	}
	return pic;
}

void lodge_pic_destroy(struct lodge_vm *vm)
{
	struct lodge_pic *pic = vm->arch.pic;

	if (!pic)
		return;
	pic_unregister(pic);
	vm->arch.pic = NULL;
	kfree(pic);
}
