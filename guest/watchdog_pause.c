/* SPDX-License-Identifier: MIT */
/*
 * Serves its watchdog, which has three seconds, until its clock has jumped by
 * more: then it was paused, and must neither have been bitten for it nor see
 * that time in its counters. Whoever starts it judges the physical one: not
 * every host can hold it.
 */
#include "guest/rt/rt.h"

#include "devices/sbsa_gwdt.h"

#define WCS	(MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL + 0x00)
#define WOR	(MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL + 0x08)
#define REFRESH (MAP_WATCHDOG_BASE + SBSA_GWDT_REFRESH)
#define EN	1u

struct times {
	uint64_t virt, phys;
	uint32_t clock; /* in seconds */
};

static struct times look(void)
{
	struct times t = { .clock = mmio_read32(MAP_RTC_BASE) };

	isb();
	t.virt = sysreg_read(cntvct_el0);
	t.phys = sysreg_read(cntpct_el0);
	return t;
}

int main(uint64_t fdt)
{
	uint64_t hz = sysreg_read(cntfrq_el0), virt, phys;
	struct times before, last, now;
	uint32_t gap;

	(void)fdt;
	if (mmio_read32(WCS))
		fail("bitten: WCS is %x", (uint64_t)mmio_read32(WCS));
	mmio_write32(WOR, 3 * hz);
	mmio_write32(WCS, EN);
	print("serving\n");
	before = last = look();
	while (now = look(), gap = now.clock - last.clock, gap < 5) {
		mmio_write32(REFRESH, 0);
		before = last;
		last = now;
	}
	/* The pause may have come between the clock and the counters of last. */
	virt = now.virt - before.virt;
	phys = now.phys - before.phys;
	if (virt >= 3 * hz)
		fail("in a pause of %u seconds the virtual counter moved by %u "
		     "(%u a second)",
		     (uint64_t)gap, virt, hz);
	if (mmio_read32(WCS) != EN)
		fail("after a pause WCS is %x", (uint64_t)mmio_read32(WCS));
	print("the physical counter %s\n",
	      phys >= 3 * hz ? "went on" : "stood still");
	pass("paused for longer than the watchdog has");
	return 0;
}
