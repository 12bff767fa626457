/* SPDX-License-Identifier: MIT */
/*
 * The machine's own device tree, written front to back with libfdt.
 *
 * Theory of operation: libfdt reports trouble from each call, and all of them
 * have the same cause (the buffer is too small) and the same cure (none: it is
 * sized for the largest machine). So a struct tree remembers the first error,
 * and everything after it is skipped.
 */
#include "machine/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm64/map.h"
#include "arm64/vcpu.h"
#include "machine/fdt_parts.h"
#include "devices/sbsa_gwdt.h"

struct tree {
	void *buf;
	int err; /* of libfdt; the first one */
};

/* The first cell of an interrupt specifier (arm,gic-v3.yaml) and its flags. */
#define GIC_SPI	   0
#define GIC_PPI	   1
#define EDGE	   1
#define LEVEL_HIGH 4

/* What a node of the tree refers to by phandle, or an overlay by label. */
enum handle { H_NONE, H_GIC, H_CLOCK, H_UART, H_RTC, H_GPIO, H_MSI };

#define KEY_POWER 116 /* linux/input-event-codes.h */

/* Bytes: what every machine has, and then each CPU, slot and parameter. */
#define ROOM	  8192
#define ROOM_CPU  256
#define ROOM_SLOT 256

__attribute__((format(printf, 2, 3))) static void
node_begin(struct tree *t, const char *fmt, ...)
{
	char name[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (!t->err)
		t->err = fdt_begin_node(t->buf, name);
}

static void node_end(struct tree *t)
{
	if (!t->err)
		t->err = fdt_end_node(t->buf);
}

static void prop(struct tree *t, const char *name, const void *val, size_t len)
{
	if (!t->err)
		t->err = fdt_property(t->buf, name, val, len);
}

static void prop_string(struct tree *t, const char *name, const char *s)
{
	prop(t, name, s, strlen(s) + 1);
}

/* A list of strings is a literal with \0 between them. */
#define prop_strings(t, name, lit) prop(t, name, lit, sizeof(lit))

static void prop_empty(struct tree *t, const char *name)
{
	prop(t, name, NULL, 0);
}

static void prop_u64(struct tree *t, const char *name, uint64_t v)
{
	if (!t->err)
		t->err = fdt_property_u64(t->buf, name, v);
}

static void cells(struct tree *t, const char *name, const uint32_t *v, size_t n)
{
	fdt32_t be[32];
	size_t i;

	for (i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(v[i]);
	prop(t, name, be, n * sizeof(be[0]));
}

#define prop_cells(t, name, ...)                          \
	cells(t, name, (const uint32_t[]){ __VA_ARGS__ }, \
	      sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

/* A 64-bit number as two cells, and a region of them. */
#define U64(v)		   (uint32_t)((uint64_t)(v) >> 32), (uint32_t)(v)
#define REGION(base, size) U64(base), U64(size)

static void handle(struct tree *t, enum handle h)
{
	prop_cells(t, "phandle", h);
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

static void add_root(struct tree *t)
{
	prop_cells(t, "interrupt-parent", H_GIC);
	prop_cells(t, "#size-cells", 2);
	prop_cells(t, "#address-cells", 2);
	prop_string(t, "compatible", "linux,dummy-virt");
	prop_string(t, "model", "linux,dummy-virt");
}

#define STRINGS(lit)             \
	{                        \
		lit, sizeof(lit) \
	}
const struct fdt_strings fdt_modules[] = {
	[MODULE_KERNEL] = STRINGS("multiboot,kernel\0multiboot,module"),
	[MODULE_RAMDISK] = STRINGS("multiboot,ramdisk\0multiboot,module"),
};

/* Each addressed as the root's children are. */
static void add_modules(struct tree *t, const struct machine *m)
{
	unsigned i;

	prop_cells(t, "#address-cells", 2);
	prop_cells(t, "#size-cells", 2);
	for (i = 0; i < MODULE_KINDS; i++) {
		const struct range *r = &m->module[i].at;

		if (!r->size)
			continue;
		node_begin(t, "module@%llx", (unsigned long long)r->base);
		prop(t, "compatible", fdt_modules[i].s, fdt_modules[i].len);
		prop_cells(t, "reg", REGION(r->base, r->size));
		if (m->module[i].args)
			prop_string(t, "bootargs", m->module[i].args);
		node_end(t);
	}
}

static void add_chosen(struct tree *t, const struct machine *m)
{
	node_begin(t, "chosen");
	if (m->has_uart)
		prop_string(t, "stdout-path", "/pl011@9000000");
	if (m->params)
		prop_string(t, fdt_params_name(m), m->params);
	if (m->initrd.size) {
		prop_u64(t, "linux,initrd-start", m->initrd.base);
		prop_u64(t, "linux,initrd-end",
			 m->initrd.base + m->initrd.size);
	}
	prop_u64(t, "kaslr-seed", m->kaslr_seed);
	prop(t, "rng-seed", m->rng_seed, sizeof(m->rng_seed));
	if (fdt_has_modules(m))
		add_modules(t, m);
	node_end(t);
}

/* One cell of address: vcpu_mpidr() leaves Aff3 at 0. */
static void add_cpus(struct tree *t, const struct machine *m)
{
	unsigned i;

	node_begin(t, "cpus");
	prop_cells(t, "#address-cells", 1);
	prop_cells(t, "#size-cells", 0);
	for (i = 0; i < m->cpus; i++) {
		const uint32_t reg = vcpu_mpidr(i);

		node_begin(t, "cpu@%x", reg);
		prop_string(t, "device_type", "cpu");
		prop_string(t, "compatible", "arm,armv8");
		prop_cells(t, "reg", reg);
		prop_string(t, "enable-method", "psci");
		node_end(t);
	}
	node_end(t);
}

/* KVM's PSCI is called by HVC; a guest that has EL2 itself calls by SMC. */
static void add_psci(struct tree *t, const struct machine *m)
{
	node_begin(t, "psci");
	prop_strings(t, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	prop_string(t, "method", m->el2 ? "smc" : "hvc");
	node_end(t);
}

static void add_memory(struct tree *t, const struct machine *m)
{
	node_begin(t, "memory@%llx", MAP_RAM_BASE);
	prop_string(t, "device_type", "memory");
	prop_cells(t, "reg", REGION(MAP_RAM_BASE, m->ram_size));
	node_end(t);
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

	node_begin(t, "timer");
	prop_strings(t, "compatible", "arm,armv8-timer\0arm,armv7-timer");
	prop_empty(t, "always-on");
	cells(t, "interrupts", irq, m->el2 && m->vhe ? 15 : 12);
	node_end(t);
}

static void add_gicv3(struct tree *t, const struct machine *m)
{
	const uint32_t reg[] = {
		REGION(MAP_GICD_BASE, MAP_GICD_SIZE),
		REGION(MAP_GICR_BASE, MAP_GICR_SIZE),
		REGION(m->gicr2.base, m->gicr2.size),
	};

	prop_string(t, "compatible", "arm,gic-v3");
	prop_cells(t, "#redistributor-regions", m->gicr2.size ? 2 : 1);
	cells(t, "reg", reg, m->gicr2.size ? 12 : 8);
	if (m->el2)
		prop_cells(t, "interrupts", GIC_PPI, PPI_GIC_MAINT, LEVEL_HIGH);
}

/* Who takes messages: below the GIC, as its part. */
static void add_msi(struct tree *t, const struct machine *m)
{
	if (m->msi == MSI_ITS) {
		node_begin(t, "its@%llx", MAP_ITS_BASE);
		prop_string(t, "compatible", "arm,gic-v3-its");
		prop_cells(t, "#msi-cells", 1);
		prop_cells(t, "reg", REGION(MAP_ITS_BASE, MAP_ITS_SIZE));
	} else {
		node_begin(t, "v2m@%llx", MAP_V2M_BASE);
		prop_string(t, "compatible", "arm,gic-v2m-frame");
		prop_cells(t, "reg", REGION(MAP_V2M_BASE, MAP_V2M_SIZE));
	}
	handle(t, H_MSI);
	prop_empty(t, "msi-controller");
	node_end(t);
}

static void add_gic(struct tree *t, const struct machine *m)
{
	node_begin(t, "intc@%llx", MAP_GICD_BASE);
	handle(t, H_GIC);
	if (m->gic == GIC_V3) {
		add_gicv3(t, m);
	} else {
		prop_string(t, "compatible", "arm,cortex-a15-gic");
		prop_cells(t, "reg", REGION(MAP_GICD_BASE, MAP_GICD_SIZE),
			   REGION(MAP_GICC_BASE, MAP_GICC_SIZE));
	}
	prop_empty(t, "ranges");
	prop_cells(t, "#size-cells", 2);
	prop_cells(t, "#address-cells", 2);
	prop_empty(t, "interrupt-controller");
	prop_cells(t, "#interrupt-cells", 3);
	if (m->has_pci && m->msi != MSI_NONE)
		add_msi(t, m);
	node_end(t);
}

static void add_pmu(struct tree *t, const struct machine *m)
{
	node_begin(t, "pmu");
	prop_string(t, "compatible", "arm,armv8-pmuv3");
	prop_cells(t, "interrupts", GIC_PPI, PPI_PMU, ppi_flags(m));
	node_end(t);
}

static void add_clock(struct tree *t)
{
	node_begin(t, "apb-pclk");
	handle(t, H_CLOCK);
	prop_string(t, "clock-output-names", "clk24mhz");
	prop_cells(t, "clock-frequency", 24000000);
	prop_cells(t, "#clock-cells", 0);
	prop_string(t, "compatible", "fixed-clock");
	node_end(t);
}

/* One node for both banks, with the chips' common width in bytes. */
static void add_flash(struct tree *t)
{
	node_begin(t, "flash@%llx", MAP_FLASH_BASE);
	prop_cells(t, "bank-width", 4);
	prop_cells(t, "reg", REGION(MAP_FLASH_BASE, MAP_FLASH_SIZE),
		   REGION(MAP_FLASH_BASE + MAP_FLASH_SIZE, MAP_FLASH_SIZE));
	prop_string(t, "compatible", "cfi-flash");
	node_end(t);
}

static void add_fw_cfg(struct tree *t)
{
	node_begin(t, "fw-cfg@%llx", MAP_FW_CFG_BASE);
	prop_empty(t, "dma-coherent");
	prop_cells(t, "reg", REGION(MAP_FW_CFG_BASE, MAP_FW_CFG_SIZE));
	prop_string(t, "compatible", "qemu,fw-cfg-mmio");
	node_end(t);
}

static void add_uart(struct tree *t)
{
	node_begin(t, "pl011@%llx", MAP_UART_BASE);
	handle(t, H_UART);
	prop_strings(t, "clock-names", "uartclk\0apb_pclk");
	prop_cells(t, "clocks", H_CLOCK, H_CLOCK);
	prop_cells(t, "interrupts", GIC_SPI, SPI_UART, LEVEL_HIGH);
	prop_cells(t, "reg", REGION(MAP_UART_BASE, MAP_UART_SIZE));
	prop_strings(t, "compatible", "arm,pl011\0arm,primecell");
	node_end(t);
	node_begin(t, "aliases");
	prop_string(t, "serial0", "/pl011@9000000");
	node_end(t);
}

static void add_rtc(struct tree *t)
{
	node_begin(t, "pl031@%llx", MAP_RTC_BASE);
	handle(t, H_RTC);
	prop_string(t, "clock-names", "apb_pclk");
	prop_cells(t, "clocks", H_CLOCK);
	prop_cells(t, "interrupts", GIC_SPI, SPI_RTC, LEVEL_HIGH);
	prop_cells(t, "reg", REGION(MAP_RTC_BASE, MAP_RTC_SIZE));
	prop_strings(t, "compatible", "arm,pl031\0arm,primecell");
	node_end(t);
}

static void add_gpio(struct tree *t)
{
	node_begin(t, "pl061@%llx", MAP_GPIO_BASE);
	handle(t, H_GPIO);
	prop_string(t, "clock-names", "apb_pclk");
	prop_cells(t, "clocks", H_CLOCK);
	prop_cells(t, "interrupts", GIC_SPI, SPI_GPIO, LEVEL_HIGH);
	prop_empty(t, "gpio-controller");
	prop_cells(t, "#gpio-cells", 2);
	prop_strings(t, "compatible", "arm,pl061\0arm,primecell");
	prop_cells(t, "reg", REGION(MAP_GPIO_BASE, MAP_GPIO_SIZE));
	node_end(t);
	node_begin(t, "gpio-keys");
	prop_string(t, "compatible", "gpio-keys");
	node_begin(t, "poweroff");
	prop_cells(t, "gpios", H_GPIO, GPIO_POWER_BUTTON, 0);
	prop_cells(t, "linux,code", KEY_POWER);
	prop_string(t, "label", "GPIO Key Poweroff");
	node_end(t);
	node_end(t);
}

static void add_pvpanic(struct tree *t)
{
	node_begin(t, "pvpanic@%llx", MAP_PVPANIC_BASE);
	prop_string(t, "compatible", "qemu,pvpanic-mmio");
	prop_cells(t, "reg", REGION(MAP_PVPANIC_BASE, MAP_PVPANIC_SIZE));
	node_end(t);
}

static void add_exit_counter(struct tree *t)
{
	node_begin(t, "exits@%llx", MAP_EXITS_BASE);
	prop_string(t, "compatible", "nestor,exit-counter");
	prop_cells(t, "reg", REGION(MAP_EXITS_BASE, MAP_EXITS_SIZE));
	node_end(t);
}

/* Its own order of frames: control, refresh (arm,sbsa-gwdt.yaml). */
static void add_watchdog(struct tree *t)
{
	node_begin(t, "watchdog@%llx", MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL);
	prop_cells(t, "interrupts", GIC_SPI, SPI_WATCHDOG, LEVEL_HIGH);
	prop_cells(
		t, "reg",
		REGION(MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL, SBSA_GWDT_FRAME),
		REGION(MAP_WATCHDOG_BASE + SBSA_GWDT_REFRESH, SBSA_GWDT_FRAME));
	prop_string(t, "compatible", "arm,sbsa-gwdt");
	node_end(t);
}

/* The first cell of a PCI address: what kind of space (PCI OF binding 2.1). */
#define PCI_SPACE_IO  0x01000000u
#define PCI_SPACE_32  0x02000000u
#define PCI_SPACE_64  0x03000000u
#define PCI_SLOT_CELL 0x800u

/* Pin INTA of slot n is line n % 4; the others follow it around. */
static void add_intx(struct tree *t)
{
	fdt32_t map[16 * 10], *p = map;
	unsigned slot, pin, i;

	for (slot = 0; slot < 4; slot++) {
		for (pin = 0; pin < 4; pin++) {
			const uint32_t entry[] = {
				slot * PCI_SLOT_CELL,
				0,
				0,
				pin + 1,
				H_GIC,
				0,
				0,
				GIC_SPI,
				SPI_PCI + (slot + pin) % 4,
				LEVEL_HIGH,
			};

			for (i = 0; i < 10; i++)
				*p++ = cpu_to_fdt32(entry[i]);
		}
	}
	prop_cells(t, "#interrupt-cells", 1);
	prop(t, "interrupt-map", map, sizeof(map));
	prop_cells(t, "interrupt-map-mask", 3 * PCI_SLOT_CELL, 0, 0, 7);
}

static void add_pci(struct tree *t, const struct machine *m)
{
	node_begin(t, "pcie@%llx", MAP_PCI_MMIO_BASE);
	prop_string(t, "compatible", "pci-host-ecam-generic");
	prop_string(t, "device_type", "pci");
	prop_cells(t, "linux,pci-domain", 0);
	prop_cells(t, "bus-range", 0, MAP_ECAM_SIZE / (1u << 20) - 1);
	prop_cells(t, "#address-cells", 3);
	prop_cells(t, "#size-cells", 2);
	prop_cells(t, "reg", REGION(MAP_ECAM_BASE, MAP_ECAM_SIZE));
	prop_cells(t, "ranges", PCI_SPACE_IO, U64(0),
		   REGION(MAP_PCI_IO_BASE, MAP_PCI_IO_SIZE), PCI_SPACE_32,
		   U64(MAP_PCI_MMIO_BASE),
		   REGION(MAP_PCI_MMIO_BASE, MAP_PCI_MMIO_SIZE), PCI_SPACE_64,
		   U64(m->pci_high.base),
		   REGION(m->pci_high.base, m->pci_high.size));
	prop_empty(t, "dma-coherent");
	/* Requester ids are the ITS's device ids. */
	if (m->msi != MSI_NONE)
		prop_cells(t, "msi-map", 0, H_MSI, 0, 0x10000);
	add_intx(t);
	node_end(t);
}

static void add_virtio(struct tree *t, const struct machine *m)
{
	unsigned i;

	for (i = 0; i < m->nvirtio; i++) {
		const gpa_t base = MAP_VIRTIO_BASE + i * MAP_VIRTIO_STRIDE;

		node_begin(t, "virtio_mmio@%llx", (unsigned long long)base);
		prop_empty(t, "dma-coherent");
		prop_cells(t, "interrupts", GIC_SPI, SPI_VIRTIO + i, EDGE);
		prop_cells(t, "reg", REGION(base, MAP_VIRTIO_STRIDE));
		prop_string(t, "compatible", "virtio,mmio");
		node_end(t);
	}
}

/* The labels of the nodes above that have a phandle. */
static void add_symbols(struct tree *t, const struct machine *m)
{
	node_begin(t, "__symbols__");
	prop_string(t, "gic", "/intc@8000000");
	prop_string(t, "apb_pclk", "/apb-pclk");
	if (m->has_uart)
		prop_string(t, "uart0", "/pl011@9000000");
	prop_string(t, "rtc", "/pl031@9010000");
	prop_string(t, "gpio0", "/pl061@9030000");
	node_end(t);
}

static void add_all(struct tree *t, const struct machine *m)
{
	node_begin(t, "%s", "");
	add_root(t);
	add_chosen(t, m);
	add_memory(t, m);
	add_cpus(t, m);
	add_psci(t, m);
	add_timer(t, m);
	add_gic(t, m);
	if (m->pmu)
		add_pmu(t, m);
	add_clock(t);
	if (m->has_flash)
		add_flash(t);
	add_fw_cfg(t);
	if (m->has_uart)
		add_uart(t);
	add_rtc(t);
	add_gpio(t);
	add_pvpanic(t);
	if (m->has_exits)
		add_exit_counter(t);
	if (m->has_watchdog)
		add_watchdog(t);
	if (m->has_pci)
		add_pci(t, m);
	add_virtio(t, m);
	add_symbols(t, m);
	node_end(t);
}

int fdt_build(const struct machine *m, void **out, size_t *size)
{
	const size_t room = ROOM + m->cpus * ROOM_CPU + m->nvirtio * ROOM_SLOT +
			    fdt_text_room(m);
	struct tree t = { .buf = malloc(room) };

	if (!t.buf)
		return -ENOMEM;
	t.err = fdt_create(t.buf, room);
	if (!t.err)
		t.err = fdt_finish_reservemap(t.buf);
	add_all(&t, m);
	if (!t.err)
		t.err = fdt_finish(t.buf);
	if (t.err) {
		free(t.buf);
		return -ENOMEM;
	}
	*out = t.buf;
	*size = fdt_totalsize(t.buf);
	return 0;
}
