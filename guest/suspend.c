/* SPDX-License-Identifier: MIT */
/*
 * Suspends the system, with the clock's alarm as the only way to wake up, and
 * comes back where it asked to, at the right time.
 */
#include "guest/rt/rt.h"

#define RTCDR	0x00
#define RTCMR	0x04
#define RTCIMSC 0x10
#define RTCRIS	0x14
#define CONTEXT 0xc0ffee

static uint32_t before;

/* Runs on a CPU that was reset: its vectors and stack are gone. */
void resume_main(uint64_t context);
void resume_main(uint64_t context)
{
	uint32_t now = mmio_read32(MAP_RTC_BASE + RTCDR);

	if (context != CONTEXT)
		fail("resumed with context %x", context);
	if (!(mmio_read32(MAP_RTC_BASE + RTCRIS) & 1))
		fail("woken up without an alarm");
	if (now < before + 1)
		fail("woken up at %u, suspended at %u", (uint64_t)now,
		     (uint64_t)before);
	pass("suspended until the alarm");
	psci_system_off();
}

void resume_entry(void);
asm(".text\n"
    "resume_entry:\n"
    "	adrp	x1, stacks + 0x4000\n"
    "	mov	sp, x1\n"
    "	b	resume_main\n");

int main(uint64_t fdt)
{
	int64_t r;

	(void)fdt;
	gic_enable();
	gic_enable_intid(32 + SPI_RTC);
	before = mmio_read32(MAP_RTC_BASE + RTCDR);
	mmio_write32(MAP_RTC_BASE + RTCMR, before + 1);
	mmio_write32(MAP_RTC_BASE + RTCIMSC, 1);
	r = smccc(PSCI_SYSTEM_SUSPEND, (uintptr_t)resume_entry, CONTEXT, 0);
	fail("SYSTEM_SUSPEND returned %x", r);
}
