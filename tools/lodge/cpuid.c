// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID policy: everything the hypervisor supports is passed on.  Only what
 * depends on the VM's shape is changed: identifiers and topology (SDM vol. 2,
 * "CPUID-CPU Identification"; APM vol. 3, "Obtaining Processor Information Via
 * the CPUID Instruction").
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "cpuid.h"

#define LEAF_1_ECX_TSC_DEADLINE		(1u << 24)
#define LEAF_1_ECX_HYPERVISOR		(1u << 31)
#define LEAF_1_EDX_HTT			(1u << 28)
#define LEAF_80000001_ECX_CMP_LEGACY	(1u << 1)

#define LEVEL_SMT	1
#define LEVEL_CORE	2

struct kvm_cpuid2 *cpuid_get_supported(int node_fd)
{
	struct kvm_cpuid2 *cpuid;

	for (uint32_t nent = 64; nent <= 4096; nent *= 2) {
		cpuid = calloc(1, sizeof(*cpuid) + nent * sizeof(cpuid->entries[0]));
		if (!cpuid) {
			complain("out of memory");
			return NULL;
		}
		cpuid->nent = nent;
		if (!ioctl(node_fd, KVM_GET_SUPPORTED_CPUID, cpuid))
			return cpuid;
		free(cpuid);
		if (errno != E2BIG)
			break;
	}
	complain("KVM_GET_SUPPORTED_CPUID: %m");
	return NULL;
}

static void set_field(uint32_t *reg, unsigned int low, unsigned int width, uint32_t value)
{
	uint32_t mask = ((1u << width) - 1) << low;

	*reg = (*reg & ~mask) | ((value << low) & mask);
}

/* How many bits of an APIC identifier tell n cores apart. */
static unsigned int id_bits(unsigned int n)
{
	unsigned int bits = 0;

	while ((1u << bits) < n)
		bits++;
	return bits;
}

/*
 * Leaf 4 and AMD's 0x8000001D, one cache a subleaf: the first two levels are a
 * core's own, the third is the package's.
 */
static void specialize_cache(struct kvm_cpuid_entry2 *e, unsigned int cpus)
{
	unsigned int type = e->eax & 0x1f, level = (e->eax >> 5) & 7;

	if (!type)
		return;
	set_field(&e->eax, 14, 12, level >= 3 ? cpus - 1 : 0);
	if (e->function == 4)
		set_field(&e->eax, 26, 6, cpus - 1 < 63 ? cpus - 1 : 63);
}

/* Leaves 0xB and 0x1F, one level of the topology a subleaf. */
static void specialize_topology(struct kvm_cpuid_entry2 *e, unsigned int apic_id,
				unsigned int cpus)
{
	e->eax = 0;
	e->ebx = 0;
	e->ecx = e->index & 0xff;
	e->edx = apic_id;
	if (e->index == 0) {
		e->ebx = 1;
		e->ecx |= LEVEL_SMT << 8;
	} else if (e->index == 1) {
		e->eax = id_bits(cpus);
		e->ebx = cpus;
		e->ecx |= LEVEL_CORE << 8;
	}
}

static void specialize_entry(struct kvm_cpuid_entry2 *e, unsigned int apic_id,
			     unsigned int cpus, bool tsc_deadline)
{
	switch (e->function) {
	case 0x1:
		set_field(&e->ebx, 24, 8, apic_id);
		set_field(&e->ebx, 16, 8, cpus);
		e->ecx |= LEAF_1_ECX_HYPERVISOR;
		if (tsc_deadline)
			e->ecx |= LEAF_1_ECX_TSC_DEADLINE;
		e->edx &= ~LEAF_1_EDX_HTT;
		if (cpus > 1)
			e->edx |= LEAF_1_EDX_HTT;
		break;
	case 0x4:
	case 0x8000001d:
		specialize_cache(e, cpus);
		break;
	case 0xb:
	case 0x1f:
		specialize_topology(e, apic_id, cpus);
		break;
	case 0x80000001:
		e->ecx &= ~LEAF_80000001_ECX_CMP_LEGACY;
		if (cpus > 1)
			e->ecx |= LEAF_80000001_ECX_CMP_LEGACY;
		break;
	case 0x80000008:
		set_field(&e->ecx, 0, 8, cpus - 1);
		set_field(&e->ecx, 12, 4, id_bits(cpus));
		break;
	case 0x8000001e:
		e->eax = apic_id;
		e->ebx = apic_id & 0xff;	/* core, of one thread */
		e->ecx = 0;			/* node 0 of one */
		break;
	}
}

/* AMD's and Hygon's leaves have counts where Intel's are reserved. */
static bool leaf_is_amd_only(uint32_t function)
{
	return function == 0x80000001 || function == 0x80000008 || function == 0x8000001e;
}

static bool vendor_is_intel(const struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0)
			return cpuid->entries[i].ecx == 0x6c65746e;	/* "ntel" */
	return false;
}

void cpuid_specialize(struct kvm_cpuid2 *cpuid, unsigned int apic_id, unsigned int cpus,
		      bool tsc_deadline)
{
	bool intel = vendor_is_intel(cpuid);

	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (!intel || !leaf_is_amd_only(e->function))
			specialize_entry(e, apic_id, cpus, tsc_deadline);
	}
}

unsigned int cpuid_physical_bits(const struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x80000008)
			return cpuid->entries[i].eax & 0xff;
	return 36;	/* what a CPU without that leaf has */
}
