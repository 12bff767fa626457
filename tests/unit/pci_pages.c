/* SPDX-License-Identifier: MIT */
#include "devices/pci.h"

#include <pthread.h>

#include "tests/unit/pci_rig.h"
#include "tests/unit/test.h"

/* A function with a BAR that leads nowhere; it counts its resets. */
struct thing {
	struct pci_function fn;
	unsigned resets;
};

static void thing_reset(struct pci_function *fn)
{
	((struct thing *)fn)->resets++;
}

static const struct pci_ops thing_ops = {
	.name = "thing",
	.reset = thing_reset,
};

static void thing_add(struct pci_rig *r, struct thing *t)
{
	t->resets = 0;
	pci_init(&t->fn, &thing_ops, 0x1234, 0x5678, 0xff0000);
	pci_add_bar(&t->fn, 0, 0x1000, false);
	pci_add_express(&t->fn);
	pci_add_pin(&t->fn, 1);
	OK(pci_host_add(r->host, &t->fn) > 0);
}

#define BAR0 PCI_BASE_ADDRESS_0

static uint32_t seen(const struct pci_rig *r, unsigned slot, unsigned off)
{
	uint32_t val = 0xdead;
	const uint8_t *p = cfg_memory(r, cfg_at(slot, off));

	OK(p);
	if (p)
		memcpy(&val, p, sizeof(val));
	return val;
}

TEST(who_does_not_look_for_devices_pays_for_no_memory)
{
	struct pci_rig r;
	struct thing t;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	cfg_get(&r, 2, 0, 4);
	EQ(r.maps, 0);
	pci_rig_free(&r);
}

TEST(after_one_read_the_function_is_memory_and_so_is_all_that_becomes_of_it)
{
	struct pci_rig r;
	struct thing t;
	unsigned cap;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cfg_set(&r, 1, PCI_INTERRUPT_LINE, 1, 0x55);
	EQ(cfg_get(&r, 1, PCI_VENDOR_ID, 4), 0x56781234);
	EQ(r.maps, 1);
	EQ(seen(&r, 1, PCI_VENDOR_ID), 0x56781234);
	EQ(seen(&r, 1, PCI_INTERRUPT_LINE), 0x155);
	EQ(seen(&r, 1, 0x100), 0);
	EQ(seen(&r, 1, 0xffc), 0);
	OK(!cfg_memory(&r, cfg_at(0, 0)));

	cfg_set(&r, 1, BAR0, 4, UINT32_MAX);
	EQ(seen(&r, 1, BAR0), 0xfffff000);
	cfg_set(&r, 1, BAR0, 4, LOW_BASE);
	EQ(seen(&r, 1, BAR0), LOW_BASE);
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EQ(seen(&r, 1, PCI_COMMAND) & 0xffff, PCI_COMMAND_MEMORY);

	cap = cfg_cap(&r, 1, PCI_CAP_ID_EXP, 0);
	cfg_set(&r, 1, cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	EQ(t.resets, 1);
	EQ(seen(&r, 1, BAR0), 0);
	EQ(seen(&r, 1, PCI_COMMAND) & 0xffff, 0);
	cfg_set(&r, 1, BAR0, 4, LOW_BASE);
	bus_reset(&r.bus);
	EQ(seen(&r, 1, BAR0), 0);
	EQ(r.maps, 1);
	EQ(r.unmaps, 0);
	pci_rig_free(&r);
}

TEST(the_status_register_in_memory_tells_of_the_pin_whoever_writes_beside_it)
{
	struct pci_rig r;
	struct thing t;

	pci_rig_new(&r);
	thing_add(&r, &t);
	pci_intx(&t.fn, true);
	OK(cfg_get(&r, 1, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	cfg_set(&r, 1, PCI_COMMAND, 4, UINT32_MAX);
	OK(seen(&r, 1, PCI_COMMAND) & PCI_STATUS_INTERRUPT << 16);
	pci_intx(&t.fn, true);
	OK(seen(&r, 1, PCI_COMMAND) & PCI_STATUS_INTERRUPT << 16);
	pci_intx(&t.fn, false);
	OK(!(seen(&r, 1, PCI_COMMAND) & PCI_STATUS_INTERRUPT << 16));
	pci_intx(&t.fn, true);
	bus_reset(&r.bus);
	OK(!(seen(&r, 1, PCI_COMMAND) & PCI_STATUS_INTERRUPT << 16));
	pci_intx(&t.fn, true);
	OK(seen(&r, 1, PCI_COMMAND) & PCI_STATUS_INTERRUPT << 16);
	pci_rig_free(&r);
}

static void *toggle(void *arg)
{
	unsigned i;

	for (i = 0; i < 2001; i++)
		pci_intx(arg, i % 2 == 0);
	return NULL;
}

TEST(a_driver_that_writes_the_command_register_loses_no_interrupt_beside_it)
{
	struct pci_rig r;
	struct thing t;
	pthread_t thread;
	unsigned i;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cfg_get(&r, 1, PCI_VENDOR_ID, 4);
	EQ(pthread_create(&thread, NULL, toggle, &t.fn), 0);
	for (i = 0; i < 2000; i++)
		cfg_set(&r, 1, PCI_COMMAND, 4, i);
	pthread_join(thread, NULL);
	OK(seen(&r, 1, PCI_COMMAND) & PCI_STATUS_INTERRUPT << 16);
	pci_rig_free(&r);
}

/* One whose interrupt line counts how often it was read. */
static void counting(struct pci_function *fn, unsigned off, unsigned len,
		     bool write)
{
	if (write && off == PCI_CACHE_LINE_SIZE)
		pci_ask_reads(fn);
	else if (!write && off == PCI_INTERRUPT_LINE && len == 1)
		fn->config[PCI_INTERRUPT_LINE]++;
}

TEST(a_function_that_has_to_hear_of_reads_hears_of_them_from_then_on)
{
	struct pci_ops ops = thing_ops;
	struct pci_rig r;
	struct thing t;
	unsigned i;

	pci_rig_new(&r);
	thing_add(&r, &t);
	ops.config = counting;
	t.fn.ops = &ops;
	EQ(cfg_get(&r, 1, PCI_VENDOR_ID, 2), 0x1234);
	EQ(r.maps, 1);
	cfg_set(&r, 1, PCI_CACHE_LINE_SIZE, 1, 1);
	EQ(r.unmaps, 1);
	OK(!cfg_memory(&r, cfg_at(1, 0)));
	for (i = 1; i < 5; i++)
		EQ(cfg_get(&r, 1, PCI_INTERRUPT_LINE, 1), i);
	/* And again, once is enough. */
	cfg_set(&r, 1, PCI_CACHE_LINE_SIZE, 1, 2);
	EQ(r.unmaps, 1);
	/* A slot that comes and goes as often as a guest wants costs too much. */
	bus_reset(&r.bus);
	EQ(cfg_get(&r, 1, PCI_INTERRUPT_LINE, 1), 1);
	EQ(r.maps, 1);
	pci_rig_free(&r);
}

/* Of 64 KiB: slots 0 and 1 have one page, 2 the first half of another. */
TEST(with_larger_pages_neighbours_share_one_and_the_rest_of_it_is_absent)
{
	static const unsigned absent[] = { 0x1000, 0x7000, 0xa000, 0xf000 };
	struct pci_ops ops = thing_ops;
	struct thing t, joined, behind;
	struct pci_rig r;
	unsigned i;

	pci_rig_pages(&r, 0x10000);
	thing_add(&r, &t);
	pci_init(&joined.fn, &thing_ops, 0x1234, 0x9abc, 0xff0000);
	EQ(pci_host_join(r.host, &t.fn, &joined.fn), 1);
	thing_add(&r, &behind);
	ops.config = counting;
	joined.fn.ops = &ops;

	EQ(cfg_get(&r, 1, PCI_VENDOR_ID, 4), 0x56781234);
	EQ(r.maps, 1);
	EQ(seen(&r, 0, PCI_VENDOR_ID), 0x00081b36);
	EQ(seen(&r, 1, 0x1000), 0x9abc1234);
	for (i = 0; i < 4; i++) {
		EQ(seen(&r, 0, absent[i]), UINT32_MAX);
		EQ(seen(&r, 0, absent[i] + 0xffc), UINT32_MAX);
	}
	OK(!cfg_memory(&r, cfg_at(2, 0)));
	EQ(cfg_get(&r, 2, PCI_VENDOR_ID, 4), 0x56781234);
	EQ(seen(&r, 3, 0), UINT32_MAX);

	/* If one of them has to hear of reads, then so do all of the page. */
	cfg_set(&r, 1, 0x1000 + PCI_CACHE_LINE_SIZE, 1, 1);
	EQ(r.unmaps, 1);
	EQ(cfg_get(&r, 0, PCI_VENDOR_ID, 4), 0x00081b36);
	OK(!cfg_memory(&r, cfg_at(0, 0)));
	cfg_set(&r, 0, PCI_CACHE_LINE_SIZE, 1, 7);
	EQ(cfg_get(&r, 0, PCI_CACHE_LINE_SIZE, 1), 7);
	EQ(r.maps, 2);
	pci_rig_free(&r);
}

/* As an enumeration does, which asks each slot for its function 0. */
static void looks_behind(size_t page_size)
{
	struct pci_rig r;
	struct thing t;
	unsigned off;

	pci_rig_pages(&r, page_size);
	thing_add(&r, &t);
	EQ(cfg_get(&r, 1, PCI_VENDOR_ID, 4), 0x56781234);
	EQ(r.maps, 1);
	OK(page_size > 0x8000 || !cfg_memory(&r, cfg_at(2, 0)));
	EQ(cfg_get(&r, 2, PCI_VENDOR_ID, 4), UINT32_MAX);
	EQ(r.maps, 2);
	for (off = 2 * 0x8000; off < PCI_ECAM_BUS_SIZE; off += 4)
		if (seen(&r, 0, off) != UINT32_MAX)
			break;
	EQ(off, PCI_ECAM_BUS_SIZE);
	/* What it had before is as it was, and what is absent is not written. */
	EQ(seen(&r, 1, PCI_VENDOR_ID), 0x56781234);
	OK(page_size > 0x8000 || !cfg_memory(&r, cfg_at(0, 0)));
	cfg_set(&r, 31, PCI_COMMAND, 2, 0);
	EQ(seen(&r, 31, PCI_COMMAND), UINT32_MAX);
	EQ(cfg_get(&r, 31, PCI_COMMAND, 2), 0xffff);
	EQ(r.maps, 2);
	EQ(r.unmaps, 0);
	pci_rig_free(&r);
}

TEST(one_read_behind_the_last_slot_is_enough_for_the_rest_of_the_bus)
{
	looks_behind(0x1000);
	looks_behind(0x4000);
	looks_behind(0x10000);
}

TEST(what_cannot_be_mapped_is_asked_for_by_exits_and_tried_once)
{
	struct pci_rig r;
	struct thing t;

	pci_rig_new(&r);
	thing_add(&r, &t);
	EQ(cfg_get(&r, 1, PCI_VENDOR_ID, 4), 0x56781234);
	r.no_slots = true;
	EQ(cfg_get(&r, 0, PCI_VENDOR_ID, 4), 0x00081b36);
	r.no_slots = false;
	EQ(cfg_get(&r, 0, PCI_VENDOR_ID, 4), 0x00081b36);
	EQ(r.maps, 1);
	cfg_set(&r, 0, PCI_CACHE_LINE_SIZE, 1, 7);
	EQ(cfg_get(&r, 0, PCI_CACHE_LINE_SIZE, 1), 7);
	cfg_set(&r, 1, PCI_CACHE_LINE_SIZE, 1, 9);
	EQ(seen(&r, 1, PCI_CACHE_LINE_SIZE) & 0xff, 9);
	pci_rig_free(&r);
}
