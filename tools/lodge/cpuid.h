/* SPDX-License-Identifier: GPL-2.0 */
/* What CPUID tells the guest. */
#ifndef LODGE_CPUID_H
#define LODGE_CPUID_H

#include <linux/kvm.h>

#include "lodge.h"

/* KVM_GET_SUPPORTED_CPUID of the node in full, to be freed; NULL on failure. */
struct kvm_cpuid2 *cpuid_get_supported(int node_fd);

/*
 * Makes of the supported leaves those of CPU apic_id of cpus, one package of
 * cpus cores without hyperthreads.  May be applied again to its own result,
 * with another apic_id.
 */
void cpuid_specialize(struct kvm_cpuid2 *cpuid, unsigned int apic_id, unsigned int cpus,
		      bool tsc_deadline);

/* The width of guest-physical addresses. */
unsigned int cpuid_physical_bits(const struct kvm_cpuid2 *cpuid);

#endif
