/* SPDX-License-Identifier: MIT */
/*
 * Every device of the machine: how it is put together, its node in the device
 * tree, and what it is in the ACPI namespace.
 *
 * Never lets a device model know where it stands: it gets an irq line, a
 * back end and guest memory.
 */
#include "machine/board_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/acpi.h"
#include "machine/arch.h"
#include "machine/tree.h"
#include "core/log.h"
#include "devices/exits.h"
#include "devices/pci.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/pvpanic.h"
#include "host/chardev.h"

#define KEY_POWER 116 /* linux/input-event-codes.h */

static void set_level(void *ctx, unsigned line, bool on)
{
	struct board *b = ctx;

	if (on)
		__atomic_fetch_add(&b->line[line].raised, 1, __ATOMIC_RELAXED);
	arch_irq_line(&b->vm, line, on);
}

int board_add(struct board *b, struct device *dev, const char *what,
	      const struct place *at)
{
	int r;

	if (!dev)
		return log_failure(what, -ENOMEM);
	if (!dev->name[0])
		snprintf(dev->name, sizeof(dev->name), "%s", dev->ops->name);
	r = bus_add(&b->vm.bus, dev, at->base, at->size);
	if (!r && at->line && at->line < BOARD_LINES)
		b->line[at->line].dev = dev;
	if (r < 0) {
		log_warnx("%s does not fit onto the bus", what);
		if (dev->ops->free)
			dev->ops->free(dev);
	}
	return r;
}

struct irq board_level_irq(struct board *b, unsigned line)
{
	assert(line < BOARD_LINES);
	return (struct irq){ .set = set_level, .ctx = b, .line = line };
}

struct chardev *board_console(struct board *b, enum console_kind kind,
			      struct err *e)
{
	if (b->cfg->console == CONSOLE_AUTO || b->cfg->console == kind)
		return b->host.terminal;
	if (!b->null)
		b->null = chardev_open(b->vm.loop, "null", e);
	return b->null;
}

/* --- devices of a page and a line ------------------------------------------- */

static int add_uart(struct board *b, struct err *e)
{
	struct chardev *chr = board_console(b, CONSOLE_SERIAL, e);
	struct irq irq = board_level_irq(b, arch_map.uart.line);

	return chr ? board_add(b, pl011_new(b->vm.loop, chr, &irq), "the UART",
			       &arch_map.uart)
		   : -ENOMEM;
}

/*
 * What it is, and which PrimeCell: the same that its identification registers say,
 * whose reads are eight exits each.
 */
static void primecell_is(struct tree *t, const char *kind, uint32_t periph)
{
	char both[32];
	size_t n = snprintf(both, sizeof(both), "arm,%s", kind) + 1;

	n += snprintf(both + n, sizeof(both) - n, "arm,primecell") + 1;
	tree_prop(t, "compatible", both, n);
	tree_cells(t, "arm,primecell-periphid", periph);
}

static void uart_node(struct tree *t, const struct machine *m)
{
	(void)m;
	tree_node_at(t, "pl011", arch_map.uart.base);
	tree_handle(t, TREE_UART, "uart0");
	tree_strings(t, "clock-names", "uartclk\0apb_pclk");
	tree_cells(t, "clocks", TREE_CLOCK, TREE_CLOCK);
	tree_interrupt(t, arch_map.uart.line, false);
	tree_reg(t, &arch_map.uart);
	primecell_is(t, "pl011", PL011_PERIPH_ID);
	tree_end(t);
	tree_node(t, "aliases");
	tree_path(t, "serial0", TREE_UART);
	tree_end(t);
}

static void uart_acpi(struct aml *a, const struct machine *m)
{
	(void)m;
	acpi_device(a, UART_NAME, "ARMH0011", 0);
	acpi_resources(a, &arch_map.uart, false);
	aml_end(a);
}

static int add_rtc(struct board *b, struct err *e)
{
	struct irq irq = board_level_irq(b, arch_map.rtc.line);

	(void)e;
	return board_add(b, pl031_new(b->vm.loop, &irq), "the clock",
			 &arch_map.rtc);
}

/* A PrimeCell at @at, with one clock and a level interrupt: up to its reg. */
static void begin_primecell(struct tree *t, const char *name,
			    const struct place *at, enum tree_handle h,
			    const char *label)
{
	tree_node_at(t, name, at->base);
	tree_handle(t, h, label);
	tree_string(t, "clock-names", "apb_pclk");
	tree_cells(t, "clocks", TREE_CLOCK);
	tree_interrupt(t, at->line, false);
}

static void rtc_node(struct tree *t, const struct machine *m)
{
	(void)m;
	begin_primecell(t, "pl031", &arch_map.rtc, TREE_RTC, "rtc");
	tree_reg(t, &arch_map.rtc);
	primecell_is(t, "pl031", PL031_PERIPH_ID);
	tree_end(t);
}

static int add_gpio(struct board *b, struct err *e)
{
	struct irq irq = board_level_irq(b, arch_map.gpio.line);

	(void)e;
	b->gpio = pl061_new(b->vm.loop, &irq);
	return board_add(b, b->gpio, "the GPIO controller", &arch_map.gpio);
}

void board_power_button(struct board *b)
{
	pl061_press(b->gpio, arch_map.power_button);
}

static void gpio_node(struct tree *t, const struct machine *m)
{
	(void)m;
	begin_primecell(t, "pl061", &arch_map.gpio, TREE_GPIO, "gpio0");
	tree_empty(t, "gpio-controller");
	tree_cells(t, "#gpio-cells", 2);
	primecell_is(t, "pl061", PL061_PERIPH_ID);
	tree_reg(t, &arch_map.gpio);
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

/* A rise of the input is an event of the button's (ACPI 6.5, 5.6.5). */
static void gpio_acpi(struct aml *a, const struct machine *m)
{
	char method[16];

	(void)m;
	acpi_device(a, "GPO0", "ARMH0061", 0);
	acpi_resources(a, &arch_map.gpio, false);
	aml_resources(a, "_AEI");
	aml_res_gpio_event(a, arch_map.power_button, "\\_SB.GPO0");
	aml_resources_end(a);
	snprintf(method, sizeof(method), "_E%02X", arch_map.power_button);
	aml_method(a, method, 0);
	aml_op(a, AML_NOTIFY);
	aml_path(a, "\\_SB.PWRB");
	aml_int(a, 0x80); /* pressed */
	aml_end(a);
	aml_end(a);
	acpi_device(a, "PWRB", "PNP0C0C", 0);
	aml_end(a);
}

static void panicked(void *ctx, unsigned bits)
{
	struct board *b = ctx;

	if (bits & PVPANIC_PANICKED)
		vm_post(&b->vm, VM_PANIC, NULL, bits);
	else if (bits & PVPANIC_CRASH_LOADED)
		vm_post(&b->vm, VM_CRASH_KERNEL, NULL, bits);
}

static int add_pvpanic(struct board *b, struct err *e)
{
	(void)e;
	return board_add(b, pvpanic_new(panicked, b), "pvpanic",
			 &arch_map.pvpanic);
}

static void pvpanic_node(struct tree *t, const struct machine *m)
{
	(void)m;
	tree_node_at(t, "pvpanic", arch_map.pvpanic.base);
	tree_string(t, "compatible", "qemu,pvpanic-mmio");
	tree_reg(t, &arch_map.pvpanic);
	tree_end(t);
}

static void pvpanic_acpi(struct aml *a, const struct machine *m)
{
	(void)m;
	acpi_device(a, "PVPN", "QEMU0001", 0);
	acpi_resources(a, &arch_map.pvpanic, false);
	aml_end(a);
}

static int add_exits(struct board *b, struct err *e)
{
	int r = b->cfg->exit_counter ? board_open_exits(b, e) : 0;

	if (r || !b->cfg->exit_counter)
		return r;
	b->m.has_exits = true;
	return board_add(b, exits_new(board_count_exits, b), "the exit counter",
			 &arch_map.exits);
}

static void exits_node(struct tree *t, const struct machine *m)
{
	if (!m->has_exits)
		return;
	tree_node_at(t, "exits", arch_map.exits.base);
	tree_string(t, "compatible", "nestor,exit-counter");
	tree_reg(t, &arch_map.exits);
	tree_end(t);
}

/* It has no identifier: by what it is compatible with (UEFI's _DSD guide). */
static void exits_acpi(struct aml *a, const struct machine *m)
{
	static const uint8_t properties[] = {
		0x14, 0xd8, 0xff, 0xda, 0xba, 0x6e, 0x8c, 0x4d,
		0x8a, 0x91, 0xbc, 0x9b, 0xbf, 0x4a, 0xa3, 0x01,
	};

	if (!m->has_exits)
		return;
	acpi_device(a, "EXIT", "PRP0001", 0);
	acpi_resources(a, &arch_map.exits, false);
	aml_name(a, "_DSD");
	aml_package(a, 2);
	aml_buffer(a, properties, sizeof(properties));
	aml_package(a, 1);
	aml_package(a, 2);
	aml_string(a, "compatible");
	aml_string(a, "nestor,exit-counter");
	aml_end(a);
	aml_end(a);
	aml_end(a);
	aml_end(a);
}

/* --- all of them ------------------------------------------------------------ */

/* In the order of the tree. All find nothing to do if there is none. */
static const struct {
	int (*add)(struct board *, struct err *);
	void (*node)(struct tree *, const struct machine *);
	void (*acpi)(struct aml *, const struct machine *);
} devices[] = {
	{ arch_board_devices, NULL, NULL },
	{ board_add_flash, board_flash_node, board_flash_acpi },
	{ board_add_fw_cfg, board_fw_cfg_node, board_fw_cfg_acpi },
	{ add_uart, uart_node, uart_acpi },
	{ add_rtc, rtc_node, NULL },
	{ add_gpio, gpio_node, gpio_acpi },
	{ add_pvpanic, pvpanic_node, pvpanic_acpi },
	{ add_exits, exits_node, exits_acpi },
	{ arch_board_watchdog, arch_watchdog_node, NULL },
	{ board_add_pci, board_pci_node, board_pci_acpi },
	{ board_add_virtio, board_virtio_node, board_virtio_acpi },
	{ board_add_pci_functions, NULL, NULL },
};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))

int board_add_devices(struct board *b, struct err *e)
{
	int r = board_check_virtio(b, e);
	unsigned i;

	for (i = 0; i < DEVICES && !r; i++)
		r = devices[i].add(b, e);
	return r ? r : board_fill_fw_cfg(b, e);
}

void board_add_nodes(struct tree *t, const struct machine *m)
{
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		if (devices[i].node)
			devices[i].node(t, m);
}

void board_add_acpi(struct aml *a, const struct machine *m)
{
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		if (devices[i].acpi)
			devices[i].acpi(a, m);
}

void board_free_devices(struct board *b)
{
	unsigned i;

	pci_host_free(b->pci);
	for (i = 0; b->ports && i < b->cfg->nports; i++)
		chardev_close(b->ports[i]);
	free(b->ports);
	chardev_close(b->null);
	board_close_counts(b);
	board_free_flash(b);
	board_free_virtio(b);
	free(b->bootorder);
}
