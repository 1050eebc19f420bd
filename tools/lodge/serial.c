// SPDX-License-Identifier: GPL-2.0
/*
 * The UART.  Its line is infinitely fast: a character is sent as soon as it is
 * written, so that the transmitter is always empty, and a character that the
 * console has arrives as soon as there is room.  The other end minds RTS, as a
 * terminal with hardware flow control does; so nothing is lost that is typed or
 * piped in before the guest has set up its port.
 */
#include <linux/serial_reg.h>

#include "layout.h"
#include "serial.h"

#define PORT_SERIAL	0x3f8
#define PORT_COUNT	8

#define IIR_FIFO_ENABLED	0xc0
#define IIR_TIMEOUT		UART_IIR_RX_TIMEOUT
#define IER_MASK		0x0f
#define MCR_MASK		0x1f
#define MODEM_LINES		(UART_MSR_CTS | UART_MSR_DSR | UART_MSR_RI | UART_MSR_DCD)

/* A cable to a terminal that is there; in loopback our own outputs. */
static uint8_t modem_lines(const struct serial *s)
{
	uint8_t lines = 0;

	if (!(s->mcr & UART_MCR_LOOP))
		return UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD;
	if (s->mcr & UART_MCR_RTS)
		lines |= UART_MSR_CTS;
	if (s->mcr & UART_MCR_DTR)
		lines |= UART_MSR_DSR;
	if (s->mcr & UART_MCR_OUT1)
		lines |= UART_MSR_RI;
	if (s->mcr & UART_MCR_OUT2)
		lines |= UART_MSR_DCD;
	return lines;
}

/* The delta bits are the line bits four lower; RI's is its falling edge alone. */
static uint8_t modem_deltas(uint8_t before, uint8_t after)
{
	uint8_t changed = before ^ after;

	if (after & UART_MSR_RI)
		changed &= ~UART_MSR_RI;
	return changed >> 4;
}

static unsigned int fifo_size(const struct serial *s)
{
	return s->fcr & UART_FCR_ENABLE_FIFO ? SERIAL_FIFO : 1;
}

static unsigned int fifo_trigger(const struct serial *s)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return s->fcr & UART_FCR_ENABLE_FIFO ? levels[s->fcr >> 6] : 1;
}

static void fifo_push(struct serial *s, uint8_t byte)
{
	if (s->fifo_count == fifo_size(s)) {
		/* The holding register is overwritten, a full FIFO is kept. */
		s->lsr_errors |= UART_LSR_OE;
		if (s->fcr & UART_FCR_ENABLE_FIFO)
			return;
		s->fifo_count = 0;
	}
	s->fifo[(s->fifo_head + s->fifo_count++) % SERIAL_FIFO] = byte;
}

static uint8_t fifo_pop(struct serial *s)
{
	uint8_t byte = s->fifo[s->fifo_head];

	if (!s->fifo_count)
		return 0;
	s->fifo_head = (s->fifo_head + 1) % SERIAL_FIFO;
	s->fifo_count--;
	return byte;
}

/* The pending interrupt of the highest priority, as IIR shows it. */
static uint8_t interrupt_pending(const struct serial *s)
{
	if ((s->ier & UART_IER_RLSI) && s->lsr_errors)
		return UART_IIR_RLSI;
	if ((s->ier & UART_IER_RDI) && s->fifo_count)
		return s->fifo_count >= fifo_trigger(s) ? UART_IIR_RDI : IIR_TIMEOUT;
	if ((s->ier & UART_IER_THRI) && s->thr_empty_pending)
		return UART_IIR_THRI;
	if ((s->ier & UART_IER_MSI) && s->msr_deltas)
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

/* OUT2 gates the interrupt on a PC; in loopback it is off at the pin. */
static void irq_update(struct serial *s)
{
	bool enabled = (s->mcr & (UART_MCR_OUT2 | UART_MCR_LOOP)) == UART_MCR_OUT2;
	bool level = enabled && interrupt_pending(s) != UART_IIR_NO_INT;

	if (level == s->irq)
		return;
	s->irq = level;
	vm_set_irq(s->vm, IRQ_SERIAL, level);
}

/* Takes what the console has and the receiver has room for. */
static void receive(struct serial *s)
{
	uint8_t buf[SERIAL_FIFO];
	size_t n;

	if ((s->mcr & (UART_MCR_RTS | UART_MCR_LOOP)) != UART_MCR_RTS)
		return;
	n = console_take(s->console, buf, fifo_size(s) - s->fifo_count);
	for (size_t i = 0; i < n; i++)
		fifo_push(s, buf[i]);
}

static void fcr_write(struct serial *s, uint8_t value)
{
	/* Both directions are cleared when the FIFOs are switched on or off. */
	if ((value ^ s->fcr) & UART_FCR_ENABLE_FIFO)
		value |= UART_FCR_CLEAR_RCVR;
	if (value & UART_FCR_CLEAR_RCVR)
		s->fifo_count = 0;
	/* The other bits only count together with the enable bit. */
	s->fcr = value & UART_FCR_ENABLE_FIFO ?
		 value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK) : 0;
}

static void mcr_write(struct serial *s, uint8_t value)
{
	uint8_t before = modem_lines(s);

	s->mcr = value & MCR_MASK;
	s->msr_deltas |= modem_deltas(before, modem_lines(s));
}

static void ier_write(struct serial *s, uint8_t value)
{
	/* Enabling the THRE interrupt with an empty transmitter raises it. */
	if (!(s->ier & UART_IER_THRI) && (value & UART_IER_THRI))
		s->thr_empty_pending = true;
	s->ier = value & IER_MASK;
}

/* Called without the lock; see serial.h. */
static void transmit(struct serial *s, uint8_t byte)
{
	bool loop;

	pthread_mutex_lock(&s->lock);
	loop = s->mcr & UART_MCR_LOOP;
	s->thr_empty_pending = false;
	irq_update(s);
	pthread_mutex_unlock(&s->lock);

	if (!loop)
		console_put(s->console, byte);

	pthread_mutex_lock(&s->lock);
	if (loop)
		fifo_push(s, byte);
	s->thr_empty_pending = true;
	irq_update(s);
	pthread_mutex_unlock(&s->lock);
}

static uint8_t iir_read(struct serial *s)
{
	uint8_t iir = interrupt_pending(s);

	if (iir == UART_IIR_THRI)
		s->thr_empty_pending = false;
	if (s->fcr & UART_FCR_ENABLE_FIFO)
		iir |= IIR_FIFO_ENABLED;
	return iir;
}

static uint8_t lsr_read(struct serial *s)
{
	uint8_t lsr = UART_LSR_THRE | UART_LSR_TEMT | s->lsr_errors;

	if (s->fifo_count)
		lsr |= UART_LSR_DR;
	s->lsr_errors = 0;
	return lsr;
}

static uint8_t msr_read(struct serial *s)
{
	uint8_t msr = modem_lines(s) | s->msr_deltas;

	s->msr_deltas = 0;
	return msr;
}

static uint8_t register_read(struct serial *s, unsigned int offset)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_RX:
		return dlab ? s->dll : fifo_pop(s);
	case UART_IER:
		return dlab ? s->dlm : s->ier;
	case UART_IIR:
		return iir_read(s);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return lsr_read(s);
	case UART_MSR:
		return msr_read(s);
	default:
		return s->scr;
	}
}

static uint8_t serial_read(void *opaque, unsigned int offset)
{
	struct serial *s = opaque;
	uint8_t value;

	pthread_mutex_lock(&s->lock);
	value = register_read(s, offset);
	receive(s);
	irq_update(s);
	pthread_mutex_unlock(&s->lock);
	return value;
}

static void register_write(struct serial *s, unsigned int offset, uint8_t value)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_TX:	/* the divisor: data does not come here */
		s->dll = value;
		break;
	case UART_IER:
		if (dlab)
			s->dlm = value;
		else
			ier_write(s, value);
		break;
	case UART_FCR:
		fcr_write(s, value);
		break;
	case UART_LCR:
		s->lcr = value;
		break;
	case UART_MCR:
		mcr_write(s, value);
		break;
	case UART_SCR:
		s->scr = value;
		break;
	}
}

static void serial_write(void *opaque, unsigned int offset, uint8_t value)
{
	struct serial *s = opaque;
	bool data;

	pthread_mutex_lock(&s->lock);
	data = offset == UART_TX && !(s->lcr & UART_LCR_DLAB);
	if (!data) {
		register_write(s, offset, value);
		receive(s);
		irq_update(s);
	}
	pthread_mutex_unlock(&s->lock);
	if (data)
		transmit(s, value);
}

void serial_input_ready(struct serial *serial)
{
	pthread_mutex_lock(&serial->lock);
	receive(serial);
	irq_update(serial);
	pthread_mutex_unlock(&serial->lock);
}

void serial_init(struct serial *serial, struct vm *vm, struct console *console)
{
	struct pio_device device = {
		PORT_SERIAL, PORT_COUNT, serial_read, serial_write, serial
	};

	*serial = (struct serial){ .vm = vm, .console = console };
	pthread_mutex_init(&serial->lock, NULL);
	pio_add(&vm->pio, &device);
}

void serial_destroy(struct serial *serial)
{
	pthread_mutex_destroy(&serial->lock);
}
