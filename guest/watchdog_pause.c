/* SPDX-License-Identifier: MIT */
/*
 * Serves its watchdog, which has two seconds, until its clock has jumped by
 * more: then it was paused, and must neither have been bitten for it nor see
 * that time in its counters.
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
	uint64_t hz = sysreg_read(cntfrq_el0);
	struct times last, now;

	(void)fdt;
	if (mmio_read32(WCS))
		fail("bitten: WCS is %x", (uint64_t)mmio_read32(WCS));
	mmio_write32(WOR, 2 * hz);
	mmio_write32(WCS, EN);
	print("serving\n");
	for (last = look(); now = look(), now.clock - last.clock < 3;
	     last = now)
		mmio_write32(REFRESH, 0);
	if (now.virt - last.virt >= 2 * hz || now.phys - last.phys >= 2 * hz)
		fail("in a pause of %u seconds the counters moved by %u and %u "
		     "(%u a second)",
		     (uint64_t)(now.clock - last.clock), now.virt - last.virt,
		     now.phys - last.phys, hz);
	if (mmio_read32(WCS) != EN)
		fail("after a pause WCS is %x", (uint64_t)mmio_read32(WCS));
	pass("paused for longer than the watchdog has");
	return 0;
}
