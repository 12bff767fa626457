/* SPDX-License-Identifier: MIT */
/* The machine's own device tree: all of it but the architecture's nodes. */
#include "machine/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine/arch.h"
#include "machine/fdt_parts.h"
#include "machine/tree.h"

#define KEY_POWER 116 /* linux/input-event-codes.h */

/* Bytes: what every machine has, and then each CPU, slot and parameter. */
#define ROOM	  8192
#define ROOM_CPU  256
#define ROOM_SLOT 256

/* The path of a node of the root's, as a property. */
static void add_path(struct tree *t, const char *name, const char *fmt,
		     const struct place *at)
{
	char path[64];

	snprintf(path, sizeof(path), fmt, (unsigned long long)at->base);
	tree_string(t, name, path);
}

static void add_root(struct tree *t)
{
	tree_cells(t, "interrupt-parent", TREE_INTC);
	tree_cells(t, "#size-cells", 2);
	tree_cells(t, "#address-cells", 2);
	tree_string(t, "compatible", "linux,dummy-virt");
	tree_string(t, "model", "linux,dummy-virt");
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

	tree_cells(t, "#address-cells", 2);
	tree_cells(t, "#size-cells", 2);
	for (i = 0; i < MODULE_KINDS; i++) {
		const struct range *r = &m->module[i].at;

		if (!r->size)
			continue;
		tree_node(t, "module@%llx", (unsigned long long)r->base);
		tree_prop(t, "compatible", fdt_modules[i].s,
			  fdt_modules[i].len);
		tree_cells(t, "reg", TREE_REGION(r->base, r->size));
		if (m->module[i].args)
			tree_string(t, "bootargs", m->module[i].args);
		tree_end(t);
	}
}

static void add_chosen(struct tree *t, const struct machine *m)
{
	tree_node(t, "chosen");
	if (m->has_uart)
		add_path(t, "stdout-path", "/pl011@%llx", &arch_map.uart);
	if (m->params)
		tree_string(t, fdt_params_name(m), m->params);
	if (m->initrd.size) {
		tree_u64(t, "linux,initrd-start", m->initrd.base);
		tree_u64(t, "linux,initrd-end",
			 m->initrd.base + m->initrd.size);
	}
	tree_u64(t, "kaslr-seed", m->kaslr_seed);
	tree_prop(t, "rng-seed", m->rng_seed, sizeof(m->rng_seed));
	if (fdt_has_modules(m))
		add_modules(t, m);
	tree_end(t);
}

static void add_memory(struct tree *t, const struct machine *m)
{
	tree_node(t, "memory@%llx", (unsigned long long)arch_map.ram);
	tree_string(t, "device_type", "memory");
	tree_cells(t, "reg", TREE_REGION(arch_map.ram, m->ram_size));
	tree_end(t);
}

static void add_clock(struct tree *t)
{
	tree_node(t, "apb-pclk");
	tree_handle(t, TREE_CLOCK);
	tree_string(t, "clock-output-names", "clk24mhz");
	tree_cells(t, "clock-frequency", 24000000);
	tree_cells(t, "#clock-cells", 0);
	tree_string(t, "compatible", "fixed-clock");
	tree_end(t);
}

/* One node for both banks, with the chips' common width in bytes. */
static void add_flash(struct tree *t)
{
	tree_node(t, "flash@%llx", (unsigned long long)arch_map.flash.base);
	tree_cells(t, "bank-width", 4);
	tree_cells(t, "reg",
		   TREE_REGION(arch_map.flash.base, arch_map.flash.size),
		   TREE_REGION(arch_map.flash.base + arch_map.flash.size,
			       arch_map.flash.size));
	tree_string(t, "compatible", "cfi-flash");
	tree_end(t);
}

static void add_fw_cfg(struct tree *t)
{
	tree_node(t, "fw-cfg@%llx", (unsigned long long)arch_map.fw_cfg.base);
	tree_empty(t, "dma-coherent");
	tree_cells(t, "reg",
		   TREE_REGION(arch_map.fw_cfg.base, arch_map.fw_cfg.size));
	tree_string(t, "compatible", "qemu,fw-cfg-mmio");
	tree_end(t);
}

static void add_uart(struct tree *t)
{
	tree_node(t, "pl011@%llx", (unsigned long long)arch_map.uart.base);
	tree_handle(t, TREE_UART);
	tree_strings(t, "clock-names", "uartclk\0apb_pclk");
	tree_cells(t, "clocks", TREE_CLOCK, TREE_CLOCK);
	tree_interrupt(t, arch_map.uart.line, false);
	tree_cells(t, "reg",
		   TREE_REGION(arch_map.uart.base, arch_map.uart.size));
	tree_strings(t, "compatible", "arm,pl011\0arm,primecell");
	tree_end(t);
	tree_node(t, "aliases");
	add_path(t, "serial0", "/pl011@%llx", &arch_map.uart);
	tree_end(t);
}

/* A PrimeCell at @at, with one clock and a level interrupt: up to its reg. */
static void begin_primecell(struct tree *t, const char *name,
			    const struct place *at, enum tree_handle h)
{
	tree_node(t, "%s@%llx", name, (unsigned long long)at->base);
	tree_handle(t, h);
	tree_string(t, "clock-names", "apb_pclk");
	tree_cells(t, "clocks", TREE_CLOCK);
	tree_interrupt(t, at->line, false);
}

static void add_rtc(struct tree *t)
{
	begin_primecell(t, "pl031", &arch_map.rtc, TREE_RTC);
	tree_cells(t, "reg", TREE_REGION(arch_map.rtc.base, arch_map.rtc.size));
	tree_strings(t, "compatible", "arm,pl031\0arm,primecell");
	tree_end(t);
}

static void add_gpio(struct tree *t)
{
	begin_primecell(t, "pl061", &arch_map.gpio, TREE_GPIO);
	tree_empty(t, "gpio-controller");
	tree_cells(t, "#gpio-cells", 2);
	tree_strings(t, "compatible", "arm,pl061\0arm,primecell");
	tree_cells(t, "reg",
		   TREE_REGION(arch_map.gpio.base, arch_map.gpio.size));
	tree_end(t);
	tree_node(t, "gpio-keys");
	tree_string(t, "compatible", "gpio-keys");
	tree_node(t, "poweroff");
	tree_cells(t, "gpios", TREE_GPIO, arch_map.power_button, 0);
	tree_cells(t, "linux,code", KEY_POWER);
	tree_string(t, "label", "GPIO Key Poweroff");
	tree_end(t);
	tree_end(t);
}

static void add_pvpanic(struct tree *t)
{
	tree_node(t, "pvpanic@%llx", (unsigned long long)arch_map.pvpanic.base);
	tree_string(t, "compatible", "qemu,pvpanic-mmio");
	tree_cells(t, "reg",
		   TREE_REGION(arch_map.pvpanic.base, arch_map.pvpanic.size));
	tree_end(t);
}

static void add_exit_counter(struct tree *t)
{
	tree_node(t, "exits@%llx", (unsigned long long)arch_map.exits.base);
	tree_string(t, "compatible", "nestor,exit-counter");
	tree_cells(t, "reg",
		   TREE_REGION(arch_map.exits.base, arch_map.exits.size));
	tree_end(t);
}

/* The first cell of a PCI address: what kind of space (PCI OF binding 2.1). */
#define PCI_SPACE_IO  0x01000000u
#define PCI_SPACE_32  0x02000000u
#define PCI_SPACE_64  0x03000000u
#define PCI_SLOT_CELL 0x800u

/* Pin INTA of slot n is line n % 4; the others follow it around. */
static void add_intx(struct tree *t)
{
	fdt32_t map[16 * (7 + ARCH_IRQ_CELLS_MAX)], *p = map;
	unsigned slot, pin, i, n;

	for (slot = 0; slot < 4; slot++) {
		for (pin = 0; pin < 4; pin++) {
			uint32_t entry[7 + ARCH_IRQ_CELLS_MAX] = {
				slot * PCI_SLOT_CELL, 0, 0, pin + 1, TREE_INTC,
			};

			n = arch_irq_cells(arch_map.ecam.line +
						   (slot + pin) % 4,
					   false, entry + 7);
			for (i = 0; i < 7 + n; i++)
				*p++ = cpu_to_fdt32(entry[i]);
		}
	}
	tree_cells(t, "#interrupt-cells", 1);
	tree_prop(t, "interrupt-map", map, (char *)p - (char *)map);
	tree_cells(t, "interrupt-map-mask", 3 * PCI_SLOT_CELL, 0, 0, 7);
}

static void add_pci(struct tree *t, const struct machine *m)
{
	tree_node(t, "pcie@%llx", (unsigned long long)arch_map.pci_mmio.base);
	tree_string(t, "compatible", "pci-host-ecam-generic");
	tree_string(t, "device_type", "pci");
	tree_cells(t, "linux,pci-domain", 0);
	tree_cells(t, "bus-range", 0, arch_map.ecam.size / (1u << 20) - 1);
	tree_cells(t, "#address-cells", 3);
	tree_cells(t, "#size-cells", 2);
	tree_cells(t, "reg",
		   TREE_REGION(arch_map.ecam.base, arch_map.ecam.size));
	tree_cells(t, "ranges", PCI_SPACE_IO, TREE_U64(0),
		   TREE_REGION(arch_map.pci_io.base, arch_map.pci_io.size),
		   PCI_SPACE_32, TREE_U64(arch_map.pci_mmio.base),
		   TREE_REGION(arch_map.pci_mmio.base, arch_map.pci_mmio.size),
		   PCI_SPACE_64, TREE_U64(m->pci_high.base),
		   TREE_REGION(m->pci_high.base, m->pci_high.size));
	tree_empty(t, "dma-coherent");
	/* Requester ids are what messages are told apart by. */
	if (m->msi != MSI_NONE)
		tree_cells(t, "msi-map", 0, TREE_MSI, 0, 0x10000);
	add_intx(t);
	tree_end(t);
}

static void add_virtio(struct tree *t, const struct machine *m)
{
	unsigned i;

	for (i = 0; i < m->nvirtio; i++) {
		const gpa_t base =
			arch_map.virtio.base + i * arch_map.virtio.size;

		tree_node(t, "virtio_mmio@%llx", (unsigned long long)base);
		tree_empty(t, "dma-coherent");
		tree_interrupt(t, arch_map.virtio.line + i, true);
		tree_cells(t, "reg", TREE_REGION(base, arch_map.virtio.size));
		tree_string(t, "compatible", "virtio,mmio");
		tree_end(t);
	}
}

/* The labels of the nodes above that have a phandle. */
static void add_symbols(struct tree *t, const struct machine *m)
{
	tree_node(t, "__symbols__");
	arch_fdt_symbols(t);
	tree_string(t, "apb_pclk", "/apb-pclk");
	if (m->has_uart)
		add_path(t, "uart0", "/pl011@%llx", &arch_map.uart);
	add_path(t, "rtc", "/pl031@%llx", &arch_map.rtc);
	add_path(t, "gpio0", "/pl061@%llx", &arch_map.gpio);
	tree_end(t);
}

static void add_all(struct tree *t, const struct machine *m)
{
	tree_node(t, "%s", "");
	add_root(t);
	add_chosen(t, m);
	add_memory(t, m);
	arch_fdt_cpus(t, m);
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
		arch_fdt_watchdog(t);
	if (m->has_pci)
		add_pci(t, m);
	add_virtio(t, m);
	add_symbols(t, m);
	tree_end(t);
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
