/* SPDX-License-Identifier: MIT */
/*
 * What programs for QEMU's `virt` board take for granted, by one that does as
 * they do: the tree is at that board's place, and is edited in place; PSCI is
 * called by the numbers that version 0.1 has in the tree; the last of 256 SPIs
 * arrives; flash is erased and can be programmed; PrimeCells say what they are.
 * Wants two CPUs, and no initrd. On that board itself it goes as far as the flash,
 * which reads 0 there if it is empty.
 */
#include "guest/rt/flash.h"
#include "guest/rt/tree.h"

#define ADDED	  "added"
#define ADDED_LEN 0x80000u
#define LAST_SPI  (32u + 255u)

#define GICD_TYPER   0x004u
#define GICD_ISPENDR 0x200u

static uint8_t *tree;
static uint32_t up;

void secondary_start(void);

static uint8_t *find(const char *node, const char *prop, uint32_t least)
{
	return tree_find(tree, node, prop, least);
}

static void check_place(uint64_t fdt)
{
	uint64_t half, at;

	tree = (uint8_t *)fdt;
	if (be32(tree) != TREE_MAGIC)
		fail("no tree at %x", fdt);
	half = be32(find("memory", "reg", 16) + 12) / 2;
	at = MAP_RAM_BASE + (half < 128u << 20 ? half : 128u << 20);
	if (fdt != at)
		fail("the tree is at %x, not at %x", fdt, at);
	if (be32(tree + TREE_TOTALSIZE) != 1u << 20)
		fail("it has %u bytes in all",
		     (uint64_t)be32(tree + TREE_TOTALSIZE));
	pass("the tree is where QEMU's board has it, with 1 MiB");
}

/* All behind @p makes room for @n bytes. */
static void move(uint8_t *p, uint32_t n)
{
	volatile uint8_t *from = tree + be32(tree + TREE_OFF_STRINGS) +
				 be32(tree + TREE_LEN_STRINGS);

	while (from > p) {
		from--;
		from[n] = *from;
	}
	put_be32(tree + TREE_OFF_STRINGS, be32(tree + TREE_OFF_STRINGS) + n);
	put_be32(tree + TREE_LEN_STRUCT, be32(tree + TREE_LEN_STRUCT) + n);
}

static void edit(void)
{
	const uint32_t len = be32(tree + TREE_LEN_STRINGS);
	const char *name = ADDED;
	uint8_t *p = tree_node(tree, "chosen", 0);
	volatile uint8_t *s;
	uint32_t i;

	move(p, 12 + ADDED_LEN);
	put_be32(p, TREE_PROP);
	put_be32(p + 4, ADDED_LEN);
	put_be32(p + 8, len);
	for (i = 0; i < ADDED_LEN; i += 4)
		put_be32(p + 12 + i, i);
	s = tree + be32(tree + TREE_OFF_STRINGS) + len;
	for (i = 0; i < sizeof(ADDED); i++)
		s[i] = name[i];
	put_be32(tree + TREE_LEN_STRINGS, len + sizeof(ADDED));

	p = find("chosen", ADDED, ADDED_LEN);
	for (i = 0; i < ADDED_LEN; i += 4)
		if (be32(p + i) != i)
			fail("%u is lost", (uint64_t)i);
	find("chosen", "stdout-path", 1);
	pass("half a MiB is added to the tree in place");
}

void secondary_main(uint64_t n)
{
	volatile uint32_t *state = &up;

	*state = n;
	dsb();
	asm volatile("sev");
	smccc(be32(find("psci", "cpu_off", 4)), 0, 0, 0);
	*state = ~0u;
}

static void psci_0_1(void)
{
	volatile uint32_t *state = &up;
	const uint32_t on = be32(find("psci", "cpu_on", 4));
	int64_t r;

	r = smccc(on, 1, (uintptr_t)secondary_start, 1);
	if (r)
		fail("cpu_on gives %x", (uint64_t)r);
	while (!*state)
		asm volatile("wfe");
	/* It is off once it can be turned on again: before, it is on already. */
	while (*state == 1 &&
	       (r = smccc(on, 1, (uintptr_t)secondary_start, 1)) == -4)
		;
	if (r || *state != 1)
		fail("it is not off: %x", (uint64_t)r);
	pass("a CPU goes on and off by the tree's numbers");
}

static void last_spi(void)
{
	const uint32_t lines = mmio_read32(MAP_GICD_BASE + GICD_TYPER) & 0x1f;
	unsigned intid;

	if (32 * (lines + 1) != LAST_SPI + 1)
		fail("the GIC has %u INTIDs", (uint64_t)32 * (lines + 1));
	gic_enable();
	gic_enable_intid(LAST_SPI);
	mmio_write32(MAP_GICD_BASE + GICD_ISPENDR + LAST_SPI / 32 * 4,
		     1u << LAST_SPI % 32);
	wfi();
	intid = gic_ack();
	if (intid != LAST_SPI)
		fail("INTID %u came", (uint64_t)intid);
	gic_eoi(intid);
	pass("the last of 256 SPIs arrives");
}

static void empty_flash(void)
{
	const uint8_t *reg = find("flash", "reg", 32);
	const uint64_t second = VARS_BANK + MAP_FLASH_SIZE - FLASH_BLOCK;

	if (be32(reg + 20) != VARS_BANK || mmio_read32(CODE_BANK) != ~0u ||
	    mmio_read32(second) != ~0u)
		fail("flash is not there, or not erased");
	if (flash_program(second, 0x12345678) != FLASH_READY ||
	    mmio_read32(second) != 0x12345678 || mmio_read32(second + 4) != ~0u)
		fail("flash cannot be programmed");
	pass("both banks of flash are erased, and can be programmed");
}

/* PeriphID3 to PeriphID0, a byte of each register. */
static void primecell(uint64_t base, uint32_t id)
{
	uint32_t got = 0;
	unsigned i;

	for (i = 0; i < 4; i++)
		got |= (mmio_read32(base + 0xfe0 + 4 * i) & 0xff) << 8 * i;
	if (got != id)
		fail("at %x is %x", base, (uint64_t)got);
}

int main(uint64_t fdt)
{
	check_place(fdt);
	edit();
	psci_0_1();
	last_spi();
	empty_flash();
	primecell(MAP_UART_BASE, 0x00141011);
	primecell(MAP_RTC_BASE, 0x00141031);
	primecell(MAP_GPIO_BASE, 0x00041061);
	pass("PL011, PL031 and PL061 are those of QEMU's board");
	return 0;
}
