// SPDX-License-Identifier: GPL-2.0
/* I/O port exits: who serves them. */
#include <assert.h>
#include <linux/kvm.h>

#include "pio.h"

void pio_add(struct pio_bus *bus, const struct pio_device *device)
{
	assert(bus->count < PIO_DEVICES_MAX);
	bus->devices[bus->count++] = *device;
}

static const struct pio_device *pio_find(const struct pio_bus *bus, uint16_t port)
{
	for (unsigned int i = 0; i < bus->count; i++) {
		const struct pio_device *device = &bus->devices[i];

		if (port >= device->base && port - device->base < device->count)
			return device;
	}
	return NULL;
}

static void pio_access(const struct pio_bus *bus, uint16_t port, uint8_t *data, bool write)
{
	const struct pio_device *device = pio_find(bus, port);

	if (write) {
		if (device)
			device->write(device->opaque, port - device->base, *data);
	} else {
		*data = device ? device->read(device->opaque, port - device->base) : 0xff;
	}
}

int pio_exit(const struct pio_bus *bus, struct kvm_run *run, size_t run_size)
{
	bool write = run->io.direction == KVM_EXIT_IO_OUT;
	uint64_t offset = run->io.data_offset;
	uint64_t len = (uint64_t)run->io.size * run->io.count;
	uint8_t *data = (uint8_t *)run + offset;

	if (offset > run_size || len > run_size - offset)
		return complain("KVM_EXIT_IO with data outside of the shared pages");
	for (uint32_t i = 0; i < run->io.count; i++)
		for (unsigned int byte = 0; byte < run->io.size; byte++)
			pio_access(bus, run->io.port + byte, data++, write);
	return 0;
}
