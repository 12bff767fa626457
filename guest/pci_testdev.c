/* SPDX-License-Identifier: MIT */
/*
 * Finds each function on PCI, places the test device's BARs, and has it count
 * writes: those that arrive, and those that KVM turns into an eventfd's signals.
 */
#include "guest/rt/rt.h"

#include "guest/rt/pci.h"

#define TESTDEV	  0x00051b36u
#define HEADER	  0x0e
#define BAR_AT(n) (MAP_PCI_MMIO_BASE + 0x100000 + 0x10000 * (n))
#define NR_WRITES 16u

/* Of the registers at the start of a BAR. */
#define TEST   0
#define WIDTH  1
#define OFFSET 4
#define DATA   8
#define COUNT  12
#define NAME   16

static uint64_t cfg(unsigned slot, unsigned function, unsigned off)
{
	return pci_cfg(slot, off) + (function << 12);
}

/* Lists them all; the test device's slot. */
static unsigned find(void)
{
	unsigned slot, fn, fns, found = 0;
	uint32_t id;

	for (slot = 0; slot < PCI_SLOTS; slot++) {
		fns = mmio_read8(cfg(slot, 0, HEADER)) & 0x80 ? 8 : 1;
		for (fn = 0; fn < fns; fn++) {
			id = mmio_read32(cfg(slot, fn, PCI_VENDOR));
			if (id == UINT32_MAX)
				continue;
			print("slot %u.%u: %x\n", (uint64_t)slot, (uint64_t)fn,
			      (uint64_t)id);
			if (id == TESTDEV && !fn)
				found = slot;
		}
	}
	return found;
}

static void place(unsigned slot, unsigned bar)
{
	uint64_t reg = cfg(slot, 0, PCI_BAR(bar));

	mmio_write32(reg, UINT32_MAX);
	if (mmio_read32(reg) != 0xfffff000)
		fail("BAR %u says that its size is %x", (uint64_t)bar,
		     (uint64_t)mmio_read32(reg));
	mmio_write32(reg, BAR_AT(bar));
}

static void print_name(uint64_t bar)
{
	char name[32];
	unsigned i;

	for (i = 0; i < sizeof(name) - 1; i++)
		name[i] = mmio_read8(bar + NAME + i);
	name[i] = 0;
	print("%s\n", name);
}

/* False if there is no such test. */
static bool drive(uint64_t bar, unsigned test)
{
	uint32_t count, at, data;
	unsigned i;

	mmio_write8(bar + TEST, test);
	if (mmio_read32(bar + COUNT))
		fail("test %u begins at %u", (uint64_t)test,
		     (uint64_t)mmio_read32(bar + COUNT));
	if (mmio_read8(bar + WIDTH) != 1)
		return false;
	print_name(bar);
	at = mmio_read32(bar + OFFSET);
	data = mmio_read32(bar + DATA);
	for (i = 0; i < NR_WRITES; i++)
		mmio_write8(bar + at, data);
	/* Of another value: only the one that takes any counts it. */
	mmio_write8(bar + at, data ^ 1);
	count = mmio_read32(bar + COUNT);
	if (count != NR_WRITES + (test == 1))
		fail("test %u counted %u", (uint64_t)test, (uint64_t)count);
	return true;
}

int main(uint64_t fdt)
{
	unsigned slot = find(), bar, test;

	(void)fdt;
	if (!slot)
		fail("there is no PCI test device");
	for (bar = 0; bar < 2; bar++)
		place(slot, bar);
	mmio_write16(pci_cfg(slot, PCI_COMMAND), PCI_CMD_MEMORY);
	for (bar = 0; bar < 2; bar++) {
		for (test = 0; drive(BAR_AT(bar), test); test++)
			;
		if (test != 3)
			fail("BAR %u has %u tests", (uint64_t)bar,
			     (uint64_t)test);
	}
	pass("6 tests of the PCI test device");
	mmio_write8(BAR_AT(0) + TEST, 2);
	mmio_write16(pci_cfg(slot, PCI_COMMAND), 0);
	mmio_write8(BAR_AT(0) + mmio_read32(BAR_AT(0) + OFFSET), 0xfa);
	if (mmio_read32(BAR_AT(0) + COUNT) != UINT32_MAX)
		fail("a BAR answers while memory is off");
	pass("no BAR answers while memory is off");
	return 0;
}
