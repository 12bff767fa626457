/* SPDX-License-Identifier: MIT */
/*
 * The nodes of the device tree that are ARM's: CPUs and what calls their
 * firmware, timers, the GIC, the PMU.
 */
#include <linux/psci.h>

#include "arm64/map.h"
#include "arm64/vcpu.h"
#include "machine/arch.h"
#include "machine/machine.h"
#include "machine/tree.h"

/* The first cell of an interrupt specifier (arm,gic-v3.yaml) and its flags. */
#define GIC_SPI	   0
#define GIC_PPI	   1
#define EDGE	   1
#define LEVEL_HIGH 4

unsigned arch_irq_cells(unsigned spi, bool edge,
			uint32_t cell[ARCH_IRQ_CELLS_MAX])
{
	cell[0] = GIC_SPI;
	cell[1] = spi;
	cell[2] = edge ? EDGE : LEVEL_HIGH;
	return 3;
}

/*
 * The flags of a PPI. A GICv2 wants to know whose it is, and has eight CPUs at
 * the most.
 */
static uint32_t ppi_flags(const struct machine *m)
{
	if (m->gic == GIC_V2)
		return ((1u << m->cpus) - 1) << 8 | LEVEL_HIGH;
	return LEVEL_HIGH;
}

/* A vCPU's phandle follows those of the nodes with a label. */
static unsigned cpu_handle(unsigned i)
{
	return TREE_HANDLES + i;
}

/* As QEMU has it (cpu/cpu-topology.txt): all are cores of one cluster. */
static void add_cpu_map(struct tree *t, const struct machine *m)
{
	unsigned i;

	tree_node(t, "cpu-map");
	tree_node(t, "socket0");
	tree_node(t, "cluster0");
	for (i = 0; i < m->cpus; i++) {
		tree_node(t, "core%u", i);
		tree_cells(t, "cpu", cpu_handle(i));
		tree_end(t);
	}
	tree_end(t);
	tree_end(t);
	tree_end(t);
}

/* One cell of address: vcpu_mpidr() leaves Aff3 at 0. */
static void add_cpus(struct tree *t, const struct machine *m)
{
	unsigned i;

	tree_node(t, "cpus");
	tree_cells(t, "#address-cells", 1);
	tree_cells(t, "#size-cells", 0);
	for (i = 0; i < m->cpus; i++) {
		const uint32_t reg = vcpu_mpidr(i);

		tree_node(t, "cpu@%x", reg);
		tree_cells(t, "phandle", cpu_handle(i));
		tree_string(t, "device_type", "cpu");
		tree_string(t, "compatible", "arm,armv8");
		tree_cells(t, "reg", reg);
		tree_string(t, "enable-method", "psci");
		tree_end(t);
	}
	add_cpu_map(t, m);
	tree_end(t);
}

/*
 * KVM's PSCI is called by HVC; a guest that has EL2 itself calls by SMC. What
 * knows version 0.1 alone is told the numbers of the functions, which are those
 * that later versions fix (psci.yaml).
 */
static void add_psci(struct tree *t, const struct machine *m)
{
	const bool wide = !m->aarch32;

	tree_node(t, "psci");
	tree_strings(t, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
	tree_string(t, "method", m->el2 ? "smc" : "hvc");
	tree_cells(t, "cpu_suspend",
		   wide ? PSCI_0_2_FN64_CPU_SUSPEND : PSCI_0_2_FN_CPU_SUSPEND);
	tree_cells(t, "cpu_off", PSCI_0_2_FN_CPU_OFF);
	tree_cells(t, "cpu_on",
		   wide ? PSCI_0_2_FN64_CPU_ON : PSCI_0_2_FN_CPU_ON);
	tree_cells(t, "migrate",
		   wide ? PSCI_0_2_FN64_MIGRATE : PSCI_0_2_FN_MIGRATE);
	tree_end(t);
}

/* The fifth is the EL2 virtual timer, which comes with VHE. */
static void add_timer(struct tree *t, const struct machine *m)
{
	const uint32_t flags = ppi_flags(m);
	const uint32_t irq[] = {
		GIC_PPI, PPI_TIMER_S,  flags, GIC_PPI, PPI_TIMER_P,  flags,
		GIC_PPI, PPI_TIMER_V,  flags, GIC_PPI, PPI_TIMER_HP, flags,
		GIC_PPI, PPI_TIMER_HV, flags,
	};

	tree_node(t, "timer");
	tree_strings(t, "compatible", "arm,armv8-timer\0arm,armv7-timer");
	tree_empty(t, "always-on");
	tree_cell_list(t, "interrupts", irq, m->el2 && m->vhe ? 15 : 12);
	tree_end(t);
}

static void add_gicv3(struct tree *t, const struct machine *m)
{
	const uint32_t reg[] = {
		TREE_REGION(MAP_GICD_BASE, MAP_GICD_SIZE),
		TREE_REGION(MAP_GICR_BASE, MAP_GICR_SIZE),
		TREE_REGION(m->gicr2.base, m->gicr2.size),
	};

	tree_string(t, "compatible", "arm,gic-v3");
	tree_cells(t, "#redistributor-regions", m->gicr2.size ? 2 : 1);
	tree_cell_list(t, "reg", reg, m->gicr2.size ? 12 : 8);
	if (m->el2)
		tree_cells(t, "interrupts", GIC_PPI, PPI_GIC_MAINT, LEVEL_HIGH);
}

/* The node of what takes messages, within the GIC's. */
static void add_msi(struct tree *t, const struct machine *m)
{
	if (m->msi == MSI_ITS) {
		tree_node_at(t, "its", MAP_ITS_BASE);
		tree_string(t, "compatible", "arm,gic-v3-its");
		tree_cells(t, "#msi-cells", 1);
		tree_cells(t, "reg", TREE_REGION(MAP_ITS_BASE, MAP_ITS_SIZE));
	} else {
		tree_node_at(t, "v2m", MAP_V2M_BASE);
		tree_string(t, "compatible", "arm,gic-v2m-frame");
		tree_cells(t, "reg", TREE_REGION(MAP_V2M_BASE, MAP_V2M_SIZE));
	}
	tree_handle(t, TREE_MSI, NULL);
	tree_empty(t, "msi-controller");
	tree_end(t);
}

static void add_gic(struct tree *t, const struct machine *m)
{
	tree_node_at(t, "intc", MAP_GICD_BASE);
	tree_handle(t, TREE_INTC, "gic");
	if (m->gic == GIC_V3) {
		add_gicv3(t, m);
	} else {
		tree_string(t, "compatible", "arm,cortex-a15-gic");
		tree_cells(t, "reg", TREE_REGION(MAP_GICD_BASE, MAP_GICD_SIZE),
			   TREE_REGION(MAP_GICC_BASE, MAP_GICC_SIZE));
	}
	tree_empty(t, "ranges");
	tree_cells(t, "#size-cells", 2);
	tree_cells(t, "#address-cells", 2);
	tree_empty(t, "interrupt-controller");
	tree_cells(t, "#interrupt-cells", 3);
	if (m->has_pci && m->msi != MSI_NONE)
		add_msi(t, m);
	tree_end(t);
}

static void add_pmu(struct tree *t, const struct machine *m)
{
	tree_node(t, "pmu");
	tree_string(t, "compatible", "arm,armv8-pmuv3");
	tree_cells(t, "interrupts", GIC_PPI, PPI_PMU, ppi_flags(m));
	tree_end(t);
}

void arch_fdt_cpus(struct tree *t, const struct machine *m)
{
	add_cpus(t, m);
	add_psci(t, m);
	add_timer(t, m);
	add_gic(t, m);
	if (m->pmu)
		add_pmu(t, m);
}
