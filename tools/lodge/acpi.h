/* SPDX-License-Identifier: GPL-2.0 */
/* The ACPI tables of the guest; the RSDP is at GPA_ACPI. */
#ifndef LODGE_ACPI_H
#define LODGE_ACPI_H

#include "memory.h"

void acpi_write(struct guest_memory *mem, unsigned int cpus);

#endif
