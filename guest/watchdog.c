/* SPDX-License-Identifier: MIT */
/*
 * The watchdog: a refresh gives time, a guest that is late gets WS0's
 * interrupt, and one that hangs is reset by WS1. Two things prove that after
 * the reset: WS1 is still there, and so is a word of RAM that no image covers.
 *
 * BREAK 1: nobody refreshes.
 * BREAK 2: the interrupt is not enabled.
 */
#include "guest/rt/rt.h"

#include "devices/sbsa_gwdt.h"

#define CONTROL (MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL)
#define REFRESH (MAP_WATCHDOG_BASE + SBSA_GWDT_REFRESH)
#define WCS	(CONTROL + 0x00)
#define WOR	(CONTROL + 0x08)
#define WCV	(CONTROL + 0x10)
#define IIDR	(CONTROL + 0xfcc)
#define EN	1u
#define WS0	2u
#define WS1	4u
#define MARK	(MAP_RAM_BASE + 0x40000)
#define HANGING 0x4a46u

static volatile unsigned barks;

static uint64_t count(void)
{
	isb();
	return sysreg_read(cntvct_el0);
}

static uint64_t compare_value(void)
{
	return mmio_read32(WCV) | (uint64_t)mmio_read32(WCV + 4) << 32;
}

static void on_irq(unsigned intid)
{
	if (intid == 32 + SPI_WATCHDOG) {
		if (mmio_read32(WCS) != (EN | WS0))
			fail("interrupted, and WCS is %x",
			     (uint64_t)mmio_read32(WCS));
		mmio_write32(REFRESH, 0);
		barks = barks + 1;
	}
}

/* The compare value is when the refresh was, and a second. */
static void check_refresh(uint64_t hz)
{
	uint64_t before, after, compare;

	mmio_write32(WOR, hz);
	mmio_write32(WCS, EN);
	compare = compare_value();
	before = count();
	while (count() - before < hz / 1000)
		;
	before = count();
	if (!BROKEN(1))
		mmio_write32(REFRESH, 0);
	after = count();
	if (compare_value() - compare < hz / 1000)
		fail("a refresh gives no time");
	compare = compare_value() - hz;
	/* What nestor knows of our counter is not exact. */
	if (compare + hz / 10 < before || compare > after + hz / 10)
		fail("refreshed at %u to %u, for %u and a second", before,
		     after, compare);
	pass("a refresh gives a second");
}

/* Late from now on; if the interrupt is lost, WS1 comes in a second. */
static void check_bark(void)
{
	interrupt_hook = on_irq;
	gic_enable();
	if (!BROKEN(2))
		gic_enable_intid(32 + SPI_WATCHDOG);
	mmio_write32(WCV, 0);
	mmio_write32(WCV + 4, 0);
	while (!barks) {
		irq_off();
		if (!barks)
			wfi();
		irq_on();
	}
	if (mmio_read32(WCS) != EN)
		fail("refreshed, and WCS is %x", (uint64_t)mmio_read32(WCS));
	pass("who is late is interrupted");
}

static void hang(uint64_t hz)
{
	irq_off();
	mmio_write32(MARK, HANGING);
	dsb();
	mmio_write32(WOR, hz / 100);
	for (;;)
		wfi();
}

static void check_reset(void)
{
	if (mmio_read32(MARK) != HANGING)
		fail("reset before anything hung");
	if (mmio_read32(WCS) != WS1)
		fail("after the reset WCS is %x", (uint64_t)mmio_read32(WCS));
	mmio_write32(REFRESH, 0);
	if (mmio_read32(WCS))
		fail("WS1 survives a refresh");
	pass("who hangs is reset");
}

int main(uint64_t fdt)
{
	uint64_t hz = sysreg_read(cntfrq_el0);

	(void)fdt;
	if ((mmio_read32(IIDR) >> 16 & 15) != 1)
		fail("no watchdog of version 1: W_IIDR is %x",
		     (uint64_t)mmio_read32(IIDR));
	if (mmio_read32(WCS) & WS1) {
		check_reset();
		return 0;
	}
	check_refresh(hz);
	check_bark();
	hang(hz);
	return 0;
}
