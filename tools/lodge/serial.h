/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 16550A UART at 0x3f8, IRQ 4 (PC16550D data sheet; register names are those
 * of <linux/serial_reg.h>), with the console at its other end.
 *
 * Locks: serial.lock guards the registers; the console's locks are taken under
 * it, never it under theirs.  It is not held while a character is sent, which
 * may wait for the console.
 */
#ifndef LODGE_SERIAL_H
#define LODGE_SERIAL_H

#include <pthread.h>

#include "console.h"
#include "vm.h"

#define SERIAL_FIFO	16

struct serial {
	struct vm *vm;			/* constant */
	struct console *console;	/* constant */

	pthread_mutex_t lock;		/* guards what follows */
	uint8_t ier;
	uint8_t fcr;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t lsr_errors;		/* what a read of LSR clears */
	uint8_t msr_deltas;		/* what a read of MSR clears */
	uint8_t scr;
	uint8_t dll;
	uint8_t dlm;
	bool thr_empty_pending;		/* the THRE interrupt is not yet seen */
	bool irq;			/* the level last given to the VM */
	uint8_t fifo[SERIAL_FIFO];
	unsigned int fifo_head;
	unsigned int fifo_count;
};

void serial_init(struct serial *serial, struct vm *vm, struct console *console);
void serial_destroy(struct serial *serial);

/* The console has input: takes what the receiver has room for. */
void serial_input_ready(struct serial *serial);

#endif
