// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables: the least by which an operating system finds its CPUs and the
 * IOAPIC, powers off (PM1a control register), resets (reset register) and
 * reports a panic (the pvpanic device).  References are to the ACPI
 * Specification 6.4 by section title.
 */
#include <string.h>

#include "acpi.h"
#include "layout.h"

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

/* "Root System Description Pointer (RSDP)" */
struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;		/* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;	/* of all */
	uint8_t reserved[3];
} __attribute__((packed));

#define RSDP_V1_LENGTH	20

struct acpi_xsdt {
	struct acpi_header header;
	uint64_t tables[2];
} __attribute__((packed));

/* "Generic Address Structure" */
struct acpi_address {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} __attribute__((packed));

#define SPACE_IO	1
#define ACCESS_BYTE	1
#define ACCESS_WORD	2

/* "Fixed ACPI Description Table (FADT)" */
struct acpi_fadt {
	struct acpi_header header;
	uint32_t facs;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t preferred_profile;
	uint16_t sci_interrupt;
	uint32_t smi_command;		/* 0: ACPI mode is always on */
	uint8_t acpi_enable;
	uint8_t acpi_disable;
	uint8_t s4bios_request;
	uint8_t pstate_control;
	uint32_t pm1a_event;
	uint32_t pm1b_event;
	uint32_t pm1a_control;
	uint32_t pm1b_control;
	uint32_t pm2_control;
	uint32_t pm_timer;
	uint32_t gpe0;
	uint32_t gpe1;
	uint8_t pm1_event_length;
	uint8_t pm1_control_length;
	uint8_t pm2_control_length;
	uint8_t pm_timer_length;
	uint8_t gpe0_length;
	uint8_t gpe1_length;
	uint8_t gpe1_base;
	uint8_t cst_control;
	uint16_t c2_latency;
	uint16_t c3_latency;
	uint16_t flush_size;
	uint16_t flush_stride;
	uint8_t duty_offset;
	uint8_t duty_width;
	uint8_t day_alarm;
	uint8_t month_alarm;
	uint8_t century;
	uint16_t boot_flags;
	uint8_t reserved1;
	uint32_t flags;
	struct acpi_address reset_register;
	uint8_t reset_value;
	uint16_t arm_boot_flags;
	uint8_t minor_revision;
	uint64_t x_facs;
	uint64_t x_dsdt;
	struct acpi_address x_pm1a_event;
	struct acpi_address x_pm1b_event;
	struct acpi_address x_pm1a_control;
	struct acpi_address x_pm1b_control;
	struct acpi_address x_pm2_control;
	struct acpi_address x_pm_timer;
	struct acpi_address x_gpe0;
	struct acpi_address x_gpe1;
	struct acpi_address sleep_control;
	struct acpi_address sleep_status;
	uint64_t hypervisor_vendor;
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_fadt) == 276, "the FADT's length in revision 6");

/* "IA-PC Boot Architecture Flags": there is no 8042, VGA or CMOS clock. */
#define BOOT_LEGACY_DEVICES	(1 << 0)
#define BOOT_NO_VGA		(1 << 2)
#define BOOT_NO_CMOS_CLOCK	(1 << 5)

/* "Fixed ACPI Description Table Fixed Feature Flags" */
#define FADT_WBINVD		(1 << 0)
#define FADT_POWER_BUTTON	(1 << 4)	/* none of fixed hardware */
#define FADT_SLEEP_BUTTON	(1 << 5)	/* the same */
#define FADT_FIXED_RTC		(1 << 6)	/* no RTC wake status */
#define FADT_RESET_REGISTER	(1 << 10)

#define LATENCY_NO_C2		101
#define LATENCY_NO_C3		1001

/* "Firmware ACPI Control Structure (FACS)" */
struct acpi_facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_waking_vector;
	uint8_t version;
	uint8_t reserved[31];
} __attribute__((packed));

/* "Multiple APIC Description Table (MADT)" and its entries */
struct acpi_madt {
	struct acpi_header header;
	uint32_t lapic;
	uint32_t flags;
} __attribute__((packed));

#define MADT_DUAL_8259		(1 << 0)

struct madt_lapic {
	uint8_t type;
	uint8_t length;
	uint8_t processor;
	uint8_t apic_id;
	uint32_t flags;
} __attribute__((packed));

#define MADT_LAPIC		0
#define LAPIC_ENABLED		(1 << 0)

struct madt_ioapic {
	uint8_t type;
	uint8_t length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} __attribute__((packed));

#define MADT_IOAPIC		1

struct madt_override {
	uint8_t type;
	uint8_t length;
	uint8_t bus;
	uint8_t source;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

#define MADT_OVERRIDE		2
#define MPS_ACTIVE_HIGH		0x1
#define MPS_LEVEL		0xc

struct madt_nmi {
	uint8_t type;
	uint8_t length;
	uint8_t processor;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

#define MADT_NMI		4
#define MADT_ALL_PROCESSORS	0xff

/*
 * The DSDT's AML ("ACPI Machine Language (AML) Specification"):
 *
 *	Name (_S5, Package () { 5, 0, 0, 0 })
 *	Scope (_SB) {
 *		Device (PEVT) {
 *			Name (_HID, "QEMU0001")
 *			Name (_CRS, ResourceTemplate () {
 *				IO (Decode16, 0x505, 0x505, 1, 1)
 *			})
 *		}
 *	}
 *
 * QEMU0001 is the name under which operating systems know the pvpanic device.
 */
static const uint8_t dsdt_aml[] = {
	0x08, '_', 'S', '5', '_',
	0x12, 0x07, 4, 0x0a, SLEEP_TYPE_S5, 0x00, 0x00, 0x00,
	0x10, 0x2e, '_', 'S', 'B', '_',
		0x5b, 0x82, 0x27, 'P', 'E', 'V', 'T',
			0x08, '_', 'H', 'I', 'D',
				0x0d, 'Q', 'E', 'M', 'U', '0', '0', '0', '1', 0x00,
			0x08, '_', 'C', 'R', 'S',
				0x11, 0x0d, 0x0a, 0x0a,
					0x47, 0x01,
					PORT_PVPANIC & 0xff, PORT_PVPANIC >> 8,
					PORT_PVPANIC & 0xff, PORT_PVPANIC >> 8,
					0x01, 0x01,
					0x79, 0x00,
};

static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (len--)
		sum += *byte++;
	return -sum;
}

/* Where the next table goes, in the guest and in this process. */
struct acpi_writer {
	uint8_t *base;
	uint32_t offset;
};

static void *table_reserve(struct acpi_writer *writer, size_t len, uint32_t *gpa)
{
	void *table = writer->base + writer->offset;

	*gpa = GPA_ACPI + writer->offset;
	/* The FACS needs an alignment of 64; the others do not mind it. */
	writer->offset = align_up(writer->offset + len, 64);
	return table;
}

static void table_seal(void *table, const char *signature, uint8_t revision, size_t len)
{
	struct acpi_header *header = table;

	memcpy(header->signature, signature, sizeof(header->signature));
	header->length = len;
	header->revision = revision;
	memcpy(header->oem_id, "LODGE ", sizeof(header->oem_id));
	memcpy(header->oem_table_id, "LODGEVM ", sizeof(header->oem_table_id));
	header->oem_revision = 1;
	memcpy(header->creator_id, "LODG", sizeof(header->creator_id));
	header->creator_revision = 1;
	header->checksum = 0;
	header->checksum = checksum(table, len);
}

static uint32_t dsdt_write(struct acpi_writer *writer)
{
	size_t len = sizeof(struct acpi_header) + sizeof(dsdt_aml);
	uint32_t gpa;
	uint8_t *dsdt = table_reserve(writer, len, &gpa);

	memcpy(dsdt + sizeof(struct acpi_header), dsdt_aml, sizeof(dsdt_aml));
	table_seal(dsdt, "DSDT", 2, len);
	return gpa;
}

static uint32_t facs_write(struct acpi_writer *writer)
{
	uint32_t gpa;
	struct acpi_facs *facs = table_reserve(writer, sizeof(*facs), &gpa);

	memcpy(facs->signature, "FACS", sizeof(facs->signature));
	facs->length = sizeof(*facs);
	facs->version = 2;
	return gpa;
}

static uint32_t fadt_write(struct acpi_writer *writer)
{
	uint32_t dsdt = dsdt_write(writer), facs = facs_write(writer), gpa;
	struct acpi_fadt *fadt = table_reserve(writer, sizeof(*fadt), &gpa);

	fadt->facs = facs;
	fadt->x_dsdt = dsdt;
	fadt->dsdt = dsdt;
	fadt->sci_interrupt = IRQ_SCI;
	fadt->pm1a_event = PORT_PM1_EVENT;
	fadt->pm1_event_length = 4;
	fadt->pm1a_control = PORT_PM1_CONTROL;
	fadt->pm1_control_length = 2;
	fadt->x_pm1a_event = (struct acpi_address){
		SPACE_IO, 32, 0, ACCESS_WORD, PORT_PM1_EVENT
	};
	fadt->x_pm1a_control = (struct acpi_address){
		SPACE_IO, 16, 0, ACCESS_WORD, PORT_PM1_CONTROL
	};
	fadt->c2_latency = LATENCY_NO_C2;
	fadt->c3_latency = LATENCY_NO_C3;
	fadt->boot_flags = BOOT_LEGACY_DEVICES | BOOT_NO_VGA | BOOT_NO_CMOS_CLOCK;
	fadt->flags = FADT_WBINVD | FADT_POWER_BUTTON | FADT_SLEEP_BUTTON | FADT_FIXED_RTC |
		      FADT_RESET_REGISTER;
	fadt->reset_register = (struct acpi_address){ SPACE_IO, 8, 0, ACCESS_BYTE, PORT_RESET };
	fadt->reset_value = RESET_VALUE;
	table_seal(fadt, "FACP", 6, sizeof(*fadt));
	return gpa;
}

static uint32_t madt_write(struct acpi_writer *writer, unsigned int cpus)
{
	size_t len = sizeof(struct acpi_madt) + cpus * sizeof(struct madt_lapic) +
		     sizeof(struct madt_ioapic) + sizeof(struct madt_override) +
		     sizeof(struct madt_nmi);
	uint32_t gpa;
	struct acpi_madt *madt = table_reserve(writer, len, &gpa);
	struct madt_lapic *lapic = (struct madt_lapic *)(madt + 1);
	struct madt_ioapic *ioapic = (struct madt_ioapic *)(lapic + cpus);
	struct madt_override *sci = (struct madt_override *)(ioapic + 1);
	struct madt_nmi *nmi = (struct madt_nmi *)(sci + 1);

	madt->lapic = GPA_LAPIC;
	madt->flags = MADT_DUAL_8259;
	for (unsigned int i = 0; i < cpus; i++)
		lapic[i] = (struct madt_lapic){
			.type = MADT_LAPIC, .length = sizeof(*lapic),
			.processor = i, .apic_id = i, .flags = LAPIC_ENABLED,
		};
	*ioapic = (struct madt_ioapic){
		.type = MADT_IOAPIC, .length = sizeof(*ioapic), .address = GPA_IOAPIC,
	};
	/* ISA interrupts go to the IOAPIC pin of the same number; SCI is level. */
	*sci = (struct madt_override){
		.type = MADT_OVERRIDE, .length = sizeof(*sci),
		.source = IRQ_SCI, .gsi = IRQ_SCI, .flags = MPS_ACTIVE_HIGH | MPS_LEVEL,
	};
	*nmi = (struct madt_nmi){
		.type = MADT_NMI, .length = sizeof(*nmi),
		.processor = MADT_ALL_PROCESSORS, .lint = 1,
	};
	table_seal(madt, "APIC", 5, len);
	return gpa;
}

void acpi_write(struct guest_memory *mem, unsigned int cpus)
{
	struct acpi_writer writer = {
		.base = guest_memory_at(mem, GPA_ACPI, GPA_HIGH - GPA_ACPI),
	};
	struct acpi_xsdt *xsdt;
	struct acpi_rsdp *rsdp;
	uint32_t gpa;

	rsdp = table_reserve(&writer, sizeof(*rsdp), &gpa);
	xsdt = table_reserve(&writer, sizeof(*xsdt), &gpa);
	xsdt->tables[0] = fadt_write(&writer);
	xsdt->tables[1] = madt_write(&writer, cpus);
	table_seal(xsdt, "XSDT", 1, sizeof(*xsdt));

	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oem_id, "LODGE ", sizeof(rsdp->oem_id));
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = gpa;
	rsdp->checksum = checksum(rsdp, RSDP_V1_LENGTH);
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
}
