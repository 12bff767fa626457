/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables that are ARM's: how the guest calls its firmware, its GIC, its
 * timers and watchdog, and who takes messages. What they say, arm64/fdt.c says
 * of the device tree.
 *
 * Sections are of ACPI 6.3, whose tables older compilers and kernels know too.
 */
#include "machine/acpi.h"

#include "arm64/map.h"
#include "arm64/vcpu.h"
#include "devices/sbsa_gwdt.h"
#include "machine/arch.h"

/* The interrupts' numbers among all, GSIVs, are INTIDs (5.2.13). */
#define GSI_PPI(n) ((n) + 16)
#define GSI_SPI(n) ((n) + 32)

unsigned arch_acpi_gsi(unsigned spi)
{
	return GSI_SPI(spi);
}

const uint8_t arch_acpi_spcr_interrupt = 1 << 3; /* of a GIC */

/* ARM Architecture Boot Flags (5.2.9.4). */
#define FADT_ARM_BOOT	   129
#define BOOT_PSCI	   0x1u
#define BOOT_PSCI_USES_HVC 0x2u

void arch_acpi_fadt(struct aml *a, size_t fadt, const struct machine *m)
{
	aml_poke(a, fadt + FADT_ARM_BOOT,
		 BOOT_PSCI | (m->el2 ? 0 : BOOT_PSCI_USES_HVC), 2);
}

/* --- MADT (5.2.12) ------------------------------------------------------------ */

/* Structures: their kinds and sizes. */
enum { GICC = 0xb, GICD = 0xc, GICM = 0xd, GICR = 0xe, ITS = 0xf };
enum {
	GICC_SIZE = 80,
	GICD_SIZE = 24,
	GICM_SIZE = 24,
	GICR_SIZE = 16,
	ITS_SIZE = 20,
};

#define GICC_ENABLED	0x1u /* and levels, for the PMU and maintenance */
#define GICM_SPIS_GIVEN 0x1u

static void begin_part(struct aml *a, unsigned kind, unsigned size)
{
	aml_put(a, kind, 1);
	aml_put(a, size, 1);
	aml_put(a, 0, 2);
}

static void put_gicd(struct aml *a, const struct machine *m)
{
	begin_part(a, GICD, GICD_SIZE);
	aml_put(a, 0, 4);
	aml_put(a, MAP_GICD_BASE, 8);
	aml_put(a, 0, 4);
	aml_put(a, m->gic, 1);
	aml_put(a, 0, 3);
}

/* A CPU: its number is also that of its device in the namespace. */
static void put_gicc(struct aml *a, const struct machine *m, unsigned cpu)
{
	begin_part(a, GICC, GICC_SIZE);
	aml_put(a, cpu, 4);
	aml_put(a, cpu, 4);
	aml_put(a, GICC_ENABLED, 4);
	aml_put(a, 0, 4);
	aml_put(a, m->pmu ? GSI_PPI(PPI_PMU) : 0, 4);
	aml_put(a, 0, 8); /* parked nowhere */
	aml_put(a, m->gic == GIC_V2 ? MAP_GICC_BASE : 0, 8);
	aml_put(a, 0, 8); /* GICV, GICH: an EL2 comes with a GICv3 only */
	aml_put(a, 0, 8);
	aml_put(a, m->el2 ? GSI_PPI(PPI_GIC_MAINT) : 0, 4);
	aml_put(a, 0, 8); /* its redistributor is in a region: put_gicr() */
	aml_put(a, vcpu_mpidr(cpu), 8);
	aml_put(a, 0, 1 + 1 + 2); /* as efficient as others; no SPE */
}

static void put_gicr(struct aml *a, gpa_t base, uint64_t size)
{
	begin_part(a, GICR, GICR_SIZE);
	aml_put(a, base, 8);
	aml_put(a, size, 4);
}

static void put_its(struct aml *a)
{
	begin_part(a, ITS, ITS_SIZE);
	aml_put(a, 0, 4);
	aml_put(a, MAP_ITS_BASE, 8);
	aml_put(a, 0, 4);
}

static void put_gicv2m(struct aml *a)
{
	begin_part(a, GICM, GICM_SIZE);
	aml_put(a, 0, 4);
	aml_put(a, MAP_V2M_BASE, 8);
	aml_put(a, GICM_SPIS_GIVEN, 4);
	aml_put(a, SPI_V2M_COUNT, 2);
	aml_put(a, GSI_SPI(SPI_V2M), 2);
}

static bool takes_messages(const struct machine *m, enum msi_kind kind)
{
	return m->has_pci && m->msi == kind;
}

static void add_madt(struct acpi *o, const struct machine *m)
{
	struct aml *a = &o->tables;
	const size_t table = acpi_begin(o, "APIC", 5);
	unsigned i;

	aml_put(a, 0, 4 + 4); /* of a PC */
	put_gicd(a, m);
	for (i = 0; i < m->cpus; i++)
		put_gicc(a, m, i);
	if (m->gic == GIC_V3)
		put_gicr(a, MAP_GICR_BASE, MAP_GICR_SIZE);
	if (m->gicr2.size)
		put_gicr(a, m->gicr2.base, m->gicr2.size);
	if (takes_messages(m, MSI_ITS))
		put_its(a);
	if (takes_messages(m, MSI_V2M))
		put_gicv2m(a);
	acpi_end(o, table);
}

/* --- GTDT (5.2.24) ------------------------------------------------------------ */

#define TIMER_ALWAYS_ON 0x4u /* and a level, high */
#define NO_FRAME	(~0ull)

static void put_timer(struct aml *a, unsigned ppi)
{
	aml_put(a, ppi ? GSI_PPI(ppi) : 0, 4);
	aml_put(a, ppi ? TIMER_ALWAYS_ON : 0, 4);
}

/* The Arm Generic Watchdog: a level, high. */
static void put_watchdog(struct aml *a)
{
	aml_put(a, 1, 1);
	aml_put(a, 28, 2);
	aml_put(a, 0, 1);
	aml_put(a, MAP_WATCHDOG_BASE + SBSA_GWDT_REFRESH, 8);
	aml_put(a, MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL, 8);
	aml_put(a, GSI_SPI(SPI_WATCHDOG), 4);
	aml_put(a, 0, 4);
}

static void add_gtdt(struct acpi *o, const struct machine *m)
{
	struct aml *a = &o->tables;
	const size_t table = acpi_begin(o, "GTDT", 3);

	aml_put(a, NO_FRAME, 8);
	aml_put(a, 0, 4);
	put_timer(a, PPI_TIMER_S);
	put_timer(a, PPI_TIMER_P);
	put_timer(a, PPI_TIMER_V);
	put_timer(a, PPI_TIMER_HP);
	aml_put(a, NO_FRAME, 8);
	aml_put(a, m->has_watchdog, 4);
	aml_put(a, m->has_watchdog ? 104 : 0, 4); /* right behind */
	put_timer(a, m->el2 && m->vhe ? PPI_TIMER_HV : 0);
	if (m->has_watchdog)
		put_watchdog(a);
	acpi_end(o, table);
}

/* --- IORT (Arm DEN0049, E) ---------------------------------------------------- */

enum { NODE_ITS = 0, NODE_PCI = 2 };
enum { IORT_HEADER = 48, NODE_ITS_SIZE = 24, NODE_PCI_SIZE = 36 + 20 };

static void begin_node(struct aml *a, unsigned kind, unsigned size,
		       unsigned maps, unsigned first)
{
	aml_put(a, kind, 1);
	aml_put(a, size, 2);
	aml_put(a, 0, 1 + 4); /* revision */
	aml_put(a, maps, 4);
	aml_put(a, first, 4);
}

/* The ITS knows a PCI function by its requester id. */
static void add_iort(struct acpi *o)
{
	struct aml *a = &o->tables;
	const size_t table = acpi_begin(o, "IORT", 0);

	aml_put(a, 2, 4);
	aml_put(a, IORT_HEADER, 4);
	aml_put(a, 0, 4);
	begin_node(a, NODE_ITS, NODE_ITS_SIZE, 0, 0);
	aml_put(a, 1, 4); /* ITS 0 */
	aml_put(a, 0, 4);
	begin_node(a, NODE_PCI, NODE_PCI_SIZE, 1, 36);
	aml_put(a, 1, 4); /* coherent, as the CPU maps it */
	aml_put(a, 0, 1 + 2);
	aml_put(a, 3, 1);
	aml_put(a, 0, 4); /* no ATS */
	aml_put(a, 0, 4); /* segment */
	aml_put(a, 0, 4);
	aml_put(a, 0, 4); /* these ids */
	aml_put(a, 0xffff, 4);
	aml_put(a, 0, 4);	    /* ... are these */
	aml_put(a, IORT_HEADER, 4); /* ... for that node */
	aml_put(a, 0, 4);
	acpi_end(o, table);
}

void arch_acpi_tables(struct acpi *o, const struct machine *m)
{
	add_madt(o, m);
	add_gtdt(o, m);
	if (takes_messages(m, MSI_ITS))
		add_iort(o);
}
