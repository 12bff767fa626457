/* SPDX-License-Identifier: MIT */
/*
 * Every device of the machine, in the order of the address map.
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

#include "machine/arch.h"
#include "core/log.h"
#include "devices/exits.h"
#include "devices/pci.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/pvpanic.h"
#include "host/chardev.h"

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

static void panicked(void *ctx, unsigned bits)
{
	struct board *b = ctx;

	if (bits & PVPANIC_PANICKED)
		vm_post(&b->vm, VM_PANIC, NULL, bits);
	else if (bits & PVPANIC_CRASH_LOADED)
		vm_post(&b->vm, VM_CRASH_KERNEL, NULL, bits);
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

static int add_platform_devices(struct board *b, struct err *e)
{
	struct chardev *chr = board_console(b, CONSOLE_SERIAL, e);
	struct irq irq = board_level_irq(b, arch_map.uart.line);
	int r;

	if (!chr)
		return -ENOMEM;
	r = board_add(b, pl011_new(b->vm.loop, chr, &irq), "the UART",
		      &arch_map.uart);
	if (r < 0)
		return r;
	b->m.has_uart = true;
	irq = board_level_irq(b, arch_map.rtc.line);
	r = board_add(b, pl031_new(b->vm.loop, &irq), "the clock",
		      &arch_map.rtc);
	if (r < 0)
		return r;
	irq = board_level_irq(b, arch_map.gpio.line);
	b->gpio = pl061_new(b->vm.loop, &irq);
	r = board_add(b, b->gpio, "the GPIO controller", &arch_map.gpio);
	if (r < 0)
		return r;
	return board_add(b, pvpanic_new(panicked, b), "pvpanic",
			 &arch_map.pvpanic);
}

static int add_exit_counter(struct board *b, struct err *e)
{
	int r = board_open_exits(b, e);

	if (!r)
		r = board_add(b, exits_new(board_count_exits, b),
			      "the exit counter", &arch_map.exits);
	b->m.has_exits = !r;
	return r;
}

void board_power_button(struct board *b)
{
	pl061_press(b->gpio, arch_map.power_button);
}

int board_add_devices(struct board *b, struct err *e)
{
	const struct config *c = b->cfg;
	int r = board_check_virtio(b, e);

	if (!r)
		r = arch_board_devices(b);
	if (!r)
		r = board_add_flash(b, e);
	if (!r)
		r = add_platform_devices(b, e);
	if (!r && c->exit_counter)
		r = add_exit_counter(b, e);
	if (!r && c->watchdog)
		r = arch_board_watchdog(b);
	if (!r && b->m.has_pci)
		r = board_add_pci(b);
	if (!r)
		r = board_add_virtio(b, e);
	if (!r && c->pci_testdev)
		r = board_add_pci_testdev(b);
	return r ? r : board_add_fw_cfg(b, e);
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
