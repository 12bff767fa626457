/* SPDX-License-Identifier: MIT */
#include "devices/pci.h"

#include "tests/unit/pci_rig.h"
#include "tests/unit/test.h"

/* A function whose BARs 0 (32 bits) and 2 (64 bits) say what was read. */
struct thing {
	struct pci_function fn;
	gpa_t moved[PCI_BARS];
	unsigned moves, resets;
	uint64_t written;
	bool master, quiet;
	unsigned masters; /* how often it was told */
};

static uint64_t thing_read(struct pci_function *fn, unsigned bar, uint64_t off,
			   unsigned size)
{
	(void)fn;
	(void)size;
	return bar << 16 | off;
}

static void thing_write(struct pci_function *fn, unsigned bar, uint64_t off,
			unsigned size, uint64_t val)
{
	(void)bar;
	(void)off;
	(void)size;
	((struct thing *)fn)->written = val;
}

static void thing_moved(struct pci_function *fn, unsigned bar, gpa_t at)
{
	struct thing *t = (struct thing *)fn;

	t->moved[bar] = at;
	t->moves++;
}

static void thing_master(struct pci_function *fn, bool on)
{
	struct thing *t = (struct thing *)fn;

	t->master = on;
	t->masters++;
}

static void thing_reset(struct pci_function *fn)
{
	OK(!((struct thing *)fn)->master);
	((struct thing *)fn)->resets++;
}

static void thing_quiesce(struct pci_function *fn, struct quiet *quiet)
{
	(void)quiet;
	((struct thing *)fn)->quiet = true;
}

static void thing_resume(struct pci_function *fn)
{
	((struct thing *)fn)->quiet = false;
}

static const struct pci_ops thing_ops = {
	.name = "thing",
	.bar_read = thing_read,
	.bar_write = thing_write,
	.moved = thing_moved,
	.master = thing_master,
	.quiesce = thing_quiesce,
	.resume = thing_resume,
	.reset = thing_reset,
};

static void thing_add(struct pci_rig *r, struct thing *t)
{
	*t = (struct thing){ .moves = 0 };
	pci_init(&t->fn, &thing_ops, 0x1234, 0x5678, 0xff0000);
	pci_add_bar(&t->fn, 0, 0x1000, false);
	pci_add_bar(&t->fn, 2, 0x4000, true);
	pci_add_express(&t->fn);
	pci_add_pin(&t->fn, 1);
	OK(pci_host_add(r->host, &t->fn) > 0);
}

#define BAR0 PCI_BASE_ADDRESS_0
#define BAR2 PCI_BASE_ADDRESS_2
#define BAR3 PCI_BASE_ADDRESS_3

TEST(an_empty_slot_and_a_bus_that_is_not_there_read_as_ones)
{
	struct pci_rig r;

	pci_rig_new(&r);
	EQ(cfg_get(&r, 0, PCI_VENDOR_ID, 4), 0x00081b36);
	EQ(cfg_get(&r, 1, PCI_VENDOR_ID, 2), 0xffff);
	EQ(cfg_get(&r, 31, 0, 4), 0xffffffff);
	EQ(mem_get(&r, ECAM_BASE + 0x1000, 4), 0xffffffff);
	EQ(mem_get(&r, ECAM_BASE + 0x100000, 4), 0xffffffff);
	EQ(mem_get(&r, ECAM_BASE + 0xfffff8, 8), UINT64_MAX);
	EQ(mem_get(&r, 0x3eff0000, 1), 0xff);
	pci_rig_free(&r);
}

TEST(bars_answer_to_sizing_as_the_specification_has_it)
{
	struct pci_rig r;
	struct thing t;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cfg_set(&r, 1, BAR0, 4, UINT32_MAX);
	EQ(cfg_get(&r, 1, BAR0, 4), 0xfffff000);
	cfg_set(&r, 1, BAR2, 4, UINT32_MAX);
	cfg_set(&r, 1, BAR3, 4, UINT32_MAX);
	EQ(cfg_get(&r, 1, BAR2, 4), 0xffffc00c);
	EQ(cfg_get(&r, 1, BAR3, 4), UINT32_MAX);
	cfg_set(&r, 1, PCI_BASE_ADDRESS_1, 4, UINT32_MAX);
	EQ(cfg_get(&r, 1, PCI_BASE_ADDRESS_1, 4), 0);
	cfg_set(&r, 1, PCI_ROM_ADDRESS, 4, UINT32_MAX);
	EQ(cfg_get(&r, 1, PCI_ROM_ADDRESS, 4), 0);
	pci_rig_free(&r);
}

TEST(a_bar_answers_while_memory_is_enabled_and_follows_its_moves)
{
	struct pci_rig r;
	struct thing t;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cfg_set(&r, 1, BAR0, 4, LOW_BASE + 0x3000);
	EQ(mem_get(&r, LOW_BASE + 0x3004, 4), UINT32_MAX);
	EQ(t.moves, 0);
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EQ(t.moved[0], LOW_BASE + 0x3000);
	EQ(mem_get(&r, LOW_BASE + 0x3004, 4), 4);
	cfg_set(&r, 1, BAR0, 4, LOW_BASE + 0x7000);
	EQ(mem_get(&r, LOW_BASE + 0x3004, 4), UINT32_MAX);
	EQ(mem_get(&r, LOW_BASE + 0x7008, 4), 8);
	mem_set(&r, LOW_BASE + 0x7008, 4, 99);
	EQ(t.written, 99);
	/* A 64-bit one goes high, and low. */
	cfg_set(&r, 1, BAR2, 8, HIGH_BASE + 0x4000);
	EQ(mem_get(&r, HIGH_BASE + 0x4010, 4), 2 << 16 | 0x10);
	cfg_set(&r, 1, BAR2, 8, LOW_BASE + 0x8000);
	EQ(mem_get(&r, LOW_BASE + 0x8010, 4), 2 << 16 | 0x10);
	EQ(mem_get(&r, HIGH_BASE + 0x4010, 4), UINT32_MAX);
	cfg_set(&r, 1, PCI_COMMAND, 2, 0);
	EQ(t.moved[0], PCI_NOWHERE);
	EQ(t.moved[2], PCI_NOWHERE);
	EQ(mem_get(&r, LOW_BASE + 0x7008, 4), UINT32_MAX);
	pci_rig_free(&r);
}

TEST(P2_a_bar_outside_of_the_windows_answers_nowhere)
{
	static const uint64_t bad[] = {
		0,	    LOW_BASE - 0x4000,	LOW_BASE + LOW_SIZE,
		0x40000000, HIGH_BASE - 0x4000, UINT64_MAX - 0x3fff,
		UINT64_MAX,
	};
	struct pci_rig r;
	struct thing t;
	unsigned i;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cfg_set(&r, 1, BAR0, 4, bad[i]);
		cfg_set(&r, 1, BAR2, 8, bad[i]);
		if (bad[i] <= UINT32_MAX)
			EQ(t.fn.bar[0].at, PCI_NOWHERE);
		EQ(t.fn.bar[2].at, PCI_NOWHERE);
	}
	pci_rig_free(&r);
}

TEST(P2_an_access_across_the_end_of_a_bar_is_nobodys)
{
	struct pci_rig r;
	struct thing t;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	cfg_set(&r, 1, BAR0, 4, LOW_BASE + 0x3000);
	EQ(mem_get(&r, LOW_BASE + 0x3ffc, 4), 0xffc);
	EQ(mem_get(&r, LOW_BASE + 0x3ffc, 8), UINT64_MAX);
	mem_set(&r, LOW_BASE + 0x3ffe, 4, 1);
	EQ(t.written, 0);
	/* And across the end of the window. */
	cfg_set(&r, 1, BAR0, 4, LOW_BASE + LOW_SIZE - 0x1000);
	EQ(mem_get(&r, LOW_BASE + LOW_SIZE - 4, 4), 0xffc);
	EQ(mem_get(&r, LOW_BASE + LOW_SIZE - 4, 8), 0);
	pci_rig_free(&r);
}

TEST(P2_configuration_space_reads_as_0_past_its_end)
{
	struct pci_rig r;
	struct thing t;
	unsigned off, size;

	pci_rig_new(&r);
	thing_add(&r, &t);
	for (size = 1; size <= 8; size *= 2) {
		for (off = 257 - size; off <= 0x1000 - size; off += size) {
			cfg_set(&r, 1, off, size, UINT64_MAX);
			EQ(cfg_get(&r, 1, off, size), 0);
		}
		/* Across the end of one function's and into the next. */
		if (size > 1)
			EQ(cfg_get(&r, 1, 0x1000 - size / 2, size), 0);
	}
	pci_rig_free(&r);
}

TEST(what_is_read_only_stays_whatever_the_width)
{
	uint8_t before[256], after[256];
	struct pci_rig r;
	struct thing t;
	unsigned off, size;

	pci_rig_new(&r);
	thing_add(&r, &t);
	memcpy(before, t.fn.config, 256);
	for (size = 1; size <= 8; size *= 2) {
		for (off = 0; off <= 256 - size; off++)
			cfg_set(&r, 1, off, size, 0x0101010101010101 * 0x55);
	}
	memcpy(after, t.fn.config, 256);
	for (off = 0; off < 256; off++)
		EQ((before[off] ^ after[off]) & ~t.fn.writable[off], 0);
	pci_rig_free(&r);
}

TEST(a_function_level_reset_is_asked_for_by_a_bit_that_reads_as_0)
{
	struct pci_rig r;
	struct thing t;
	unsigned cap;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cap = cfg_cap(&r, 1, PCI_CAP_ID_EXP, 0);
	OK(cfg_get(&r, 1, cap + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	cfg_set(&r, 1, BAR0, 4, LOW_BASE);
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	cfg_set(&r, 1, cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_URRE);
	EQ(t.resets, 0);
	cfg_set(&r, 1, cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	EQ(t.resets, 1);
	EQ(t.moved[0], PCI_NOWHERE);
	EQ(cfg_get(&r, 1, cap + PCI_EXP_DEVCTL, 2), 0x2000);
	EQ(cfg_get(&r, 1, BAR0, 4), 0);
	EQ(cfg_get(&r, 1, PCI_COMMAND, 2), 0);
	pci_rig_free(&r);
}

TEST(device_control_has_the_bits_that_mean_something_and_begins_as_specified)
{
	struct pci_rig r;
	struct thing t;
	unsigned at;

	pci_rig_new(&r);
	thing_add(&r, &t);
	at = cfg_cap(&r, 1, PCI_CAP_ID_EXP, 0) + PCI_EXP_DEVCTL;
	/* Requests to read 512 bytes; no payload, order or tag but the least. */
	EQ(cfg_get(&r, 1, at, 2), 2 << 12);
	cfg_set(&r, 1, at, 2, 0x7fff);
	EQ(cfg_get(&r, 1, at, 2), 7 << 12 | 0xf);
	cfg_set(&r, 1, at, 2, 0);
	EQ(cfg_get(&r, 1, at, 2), 0);
	bus_reset(&r.bus);
	EQ(cfg_get(&r, 1, at, 2), 2 << 12);
	pci_rig_free(&r);
}

TEST(Q17_a_function_is_told_whether_it_is_bus_master_once_a_change)
{
	struct pci_rig r;
	struct thing t;
	unsigned cap;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cap = cfg_cap(&r, 1, PCI_CAP_ID_EXP, 0);
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EQ(t.masters, 0);
	/* By an access of any width that has the bit in it. */
	cfg_set(&r, 1, PCI_COMMAND, 1, PCI_COMMAND_MASTER);
	cfg_set(&r, 1, PCI_VENDOR_ID, 8, 0x00000406ull << 32);
	cfg_set(&r, 1, PCI_COMMAND + 1, 1, 0);
	OK(t.master);
	EQ(t.masters, 1);
	cfg_set(&r, 1, PCI_COMMAND, 4, PCI_COMMAND_MEMORY);
	OK(!t.master);
	EQ(t.masters, 2);
	/* A reset takes it away, before the function resets itself. */
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	cfg_set(&r, 1, cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	EQ(t.resets, 1);
	EQ(t.masters, 4);
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	bus_reset(&r.bus);
	EQ(t.resets, 2);
	EQ(t.masters, 6);
	pci_rig_free(&r);
}

TEST(a_reset_of_the_machine_resets_each_function)
{
	struct device *ecam;
	struct pci_rig r;
	struct thing t;

	pci_rig_new(&r);
	thing_add(&r, &t);
	cfg_set(&r, 1, BAR0, 4, LOW_BASE);
	cfg_set(&r, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_intx(&t.fn, true);
	bus_reset(&r.bus);
	ecam = pci_host_window(r.host, PCI_ECAM);
	OK(ecam->ops->reset);
	EQ(t.resets, 1);
	EQ(t.moved[0], PCI_NOWHERE);
	EQ(r.pin[1], false);
	pci_rig_free(&r);
}

TEST(functions_share_a_line_which_falls_with_the_last_of_them)
{
	struct pci_rig r;
	struct thing t[5];
	unsigned i;

	pci_rig_new(&r);
	for (i = 0; i < 5; i++)
		thing_add(&r, &t[i]);
	/* Slots 1 and 5 are both on line 1. */
	pci_intx(&t[0].fn, true);
	pci_intx(&t[0].fn, true);
	EQ(r.pin[1], true);
	pci_intx(&t[4].fn, true);
	pci_intx(&t[0].fn, false);
	EQ(r.pin[1], true);
	OK(cfg_get(&r, 5, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	OK(!(cfg_get(&r, 1, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT));
	/* Disabled, it still shows in the status. */
	cfg_set(&r, 5, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	EQ(r.pin[1], false);
	OK(cfg_get(&r, 5, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	cfg_set(&r, 5, PCI_COMMAND, 2, 0);
	EQ(r.pin[1], true);
	pci_intx(&t[4].fn, false);
	EQ(r.pin[1], false);
	EQ(r.pins_set, 4);
	pci_rig_free(&r);
}

TEST(a_bus_has_32_slots)
{
	struct pci_rig r;
	static struct thing t[32];
	unsigned i;

	pci_rig_new(&r);
	for (i = 0; i < 31; i++)
		thing_add(&r, &t[i]);
	EQ(pci_host_slots(r.host), 32);
	pci_init(&t[31].fn, &thing_ops, 1, 2, 3);
	EQ(pci_host_add(r.host, &t[31].fn), -ENOSPC);
	EQ(cfg_get(&r, 31, 0, 4), 0x56781234);
	pci_rig_free(&r);
}

TEST(functions_of_one_slot_are_found_behind_its_first)
{
	struct pci_rig r;
	static struct thing t[9];
	struct device *ecam;
	unsigned i, cap;

	pci_rig_new(&r);
	thing_add(&r, &t[0]);
	EQ(cfg_get(&r, 1, PCI_HEADER_TYPE, 1), 0);
	for (i = 1; i < 9; i++) {
		t[i] = (struct thing){ .moves = 0 };
		pci_init(&t[i].fn, &thing_ops, 0x1234, i, 0xff0000);
		pci_add_bar(&t[i].fn, 0, 0x1000, false);
		pci_add_pin(&t[i].fn, i % 4 + 1);
		EQ(pci_host_join(r.host, &t[i / 2].fn, &t[i].fn),
		   i < 8 ? (int)i : -ENOSPC);
	}
	EQ(pci_host_slots(r.host), 2);
	for (i = 1; i < 8; i++) {
		gpa_t cfg = cfg_at(1, i << 12);

		EQ(mem_get(&r, cfg, 4), i << 16 | 0x1234);
		EQ(mem_get(&r, cfg + PCI_HEADER_TYPE, 1), 0x80);
		mem_set(&r, cfg + BAR0, 4, LOW_BASE + (i << 12));
		mem_set(&r, cfg + PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		mem_set(&r, LOW_BASE + (i << 12) + 8, 4, 100 + i);
		EQ(t[i].written, 100 + i);
		/* Slot 1: INTA is line 1. */
		pci_intx(&t[i].fn, true);
		OK(r.pin[(1 + i) % 4]);
		pci_intx(&t[i].fn, false);
		OK(!r.pin[(1 + i) % 4]);
	}
	EQ(mem_get(&r, cfg_at(2, 0), 4), UINT32_MAX);
	/* A reset of one of them is no other's, and the machine's is all's. */
	cap = cfg_cap(&r, 1, PCI_CAP_ID_EXP, 0);
	cfg_set(&r, 1, cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	EQ(t[0].resets, 1);
	EQ(t[1].resets, 0);
	EQ(cfg_get(&r, 1, PCI_HEADER_TYPE, 1), 0x80);
	bus_reset(&r.bus);
	EQ(t[0].resets, 2);
	EQ(t[7].resets, 1);
	EQ(t[7].moved[0], PCI_NOWHERE);
	ecam = pci_host_window(r.host, PCI_ECAM);
	ecam->ops->quiesce(ecam, NULL);
	for (i = 0; i < 8; i++)
		OK(t[i].quiet);
	ecam->ops->resume(ecam);
	for (i = 0; i < 8; i++)
		OK(!t[i].quiet);
	pci_rig_free(&r);
}
