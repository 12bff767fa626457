/* SPDX-License-Identifier: MIT */
/*
 * Serves its watchdog, which has two seconds, until its own counter has jumped by
 * more: then it was paused, and must not have been bitten for it.
 */
#include "guest/rt/rt.h"

#include "devices/sbsa_gwdt.h"

#define WCS	(MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL + 0x00)
#define WOR	(MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL + 0x08)
#define REFRESH (MAP_WATCHDOG_BASE + SBSA_GWDT_REFRESH)
#define EN	1u

static uint64_t count(void)
{
	isb();
	return sysreg_read(cntvct_el0);
}

int main(uint64_t fdt)
{
	uint64_t hz = sysreg_read(cntfrq_el0), last, now;

	(void)fdt;
	if (mmio_read32(WCS))
		fail("bitten: WCS is %x", (uint64_t)mmio_read32(WCS));
	mmio_write32(WOR, 2 * hz);
	mmio_write32(WCS, EN);
	print("serving\n");
	for (last = count(); now = count(), now - last < 2 * hz; last = now)
		mmio_write32(REFRESH, 0);
	if (mmio_read32(WCS) != EN)
		fail("after a pause WCS is %x", (uint64_t)mmio_read32(WCS));
	pass("paused for longer than the watchdog has");
	return 0;
}
