// SPDX-License-Identifier: GPL-2.0
/*
 * Poweroff, reset and panic:
 *
 * - the PM1a registers of ACPI ("PM1 Event Grouping", "PM1 Control Grouping"),
 *   of which only the sleep type and enable of S5 do anything;
 * - the reset control register, port 0xcf9;
 * - the 8042's command to pulse the CPU's reset line, with nothing behind the
 *   controller: it is always ready, and never has data;
 * - pvpanic, by which a guest's kernel tells that it panicked
 *   (QEMU's docs/specs/pvpanic.txt).
 *
 * The devices have no state but the PM1 enable bits, each byte of which is
 * read and written whole; hence no lock.
 */
#include "layout.h"
#include "power.h"

#define PM1_EVENT_SIZE		4
#define PM1_ENABLE		2	/* offset of the enable register */

/* PM1 control, low and high byte. */
#define PM1_SCI_EN		0x01
#define PM1_SLP_TYP(byte)	(((byte) >> 2) & 7)
#define PM1_SLP_EN		0x20

/* Port 0xcf9: a reset starts when this bit rises. */
#define RESET_CPU		0x04

#define PORT_8042_DATA		0x60
#define PORT_8042_COMMAND	0x64
#define COMMAND_PULSE_RESET	0xfe

#define PVPANIC_PANICKED	0x01
#define PVPANIC_CRASH_LOADED	0x02

static uint8_t pm1_event_read(void *opaque, unsigned int offset)
{
	struct power *power = opaque;

	/* No event has ever happened: status reads as zero. */
	return offset >= PM1_ENABLE ? power->pm1_enable[offset - PM1_ENABLE] : 0;
}

static void pm1_event_write(void *opaque, unsigned int offset, uint8_t value)
{
	struct power *power = opaque;

	if (offset >= PM1_ENABLE)
		power->pm1_enable[offset - PM1_ENABLE] = value;
}

static uint8_t pm1_control_read(void *opaque, unsigned int offset)
{
	(void)opaque;
	return offset ? 0 : PM1_SCI_EN;
}

static void pm1_control_write(void *opaque, unsigned int offset, uint8_t value)
{
	struct power *power = opaque;

	if (offset == 1 && (value & PM1_SLP_EN) && PM1_SLP_TYP(value) == SLEEP_TYPE_S5)
		vm_end(power->vm, OUTCOME_POWEROFF);
}

static uint8_t zero_read(void *opaque, unsigned int offset)
{
	(void)opaque;
	(void)offset;
	return 0;
}

static void reset_write(void *opaque, unsigned int offset, uint8_t value)
{
	struct power *power = opaque;

	(void)offset;
	if (value & RESET_CPU)
		vm_end(power->vm, OUTCOME_RESET);
}

static void i8042_command_write(void *opaque, unsigned int offset, uint8_t value)
{
	struct power *power = opaque;

	(void)offset;
	if (value == COMMAND_PULSE_RESET)
		vm_end(power->vm, OUTCOME_RESET);
}

static void i8042_data_write(void *opaque, unsigned int offset, uint8_t value)
{
	(void)opaque;
	(void)offset;
	(void)value;
}

static uint8_t pvpanic_read(void *opaque, unsigned int offset)
{
	(void)opaque;
	(void)offset;
	return PVPANIC_PANICKED | PVPANIC_CRASH_LOADED;
}

static void pvpanic_write(void *opaque, unsigned int offset, uint8_t value)
{
	struct power *power = opaque;

	(void)offset;
	if (value & PVPANIC_PANICKED)
		vm_end(power->vm, OUTCOME_PANIC);
	else if (value & PVPANIC_CRASH_LOADED)
		inform("the guest crashed and goes on with its crash kernel");
}

void power_add(struct power *power, struct vm *vm)
{
	const struct pio_device devices[] = {
		{ PORT_PM1_EVENT, PM1_EVENT_SIZE, pm1_event_read, pm1_event_write, power },
		{ PORT_PM1_CONTROL, 2, pm1_control_read, pm1_control_write, power },
		{ PORT_RESET, 1, zero_read, reset_write, power },
		{ PORT_8042_DATA, 1, zero_read, i8042_data_write, power },
		{ PORT_8042_COMMAND, 1, zero_read, i8042_command_write, power },
		{ PORT_PVPANIC, 1, pvpanic_read, pvpanic_write, power },
	};

	*power = (struct power){ .vm = vm };
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		pio_add(&vm->pio, &devices[i]);
}
