/* SPDX-License-Identifier: MIT */
/*
 * Suspends the system, with the clock's alarm as the only way to wake up, and
 * comes back where it asked to, at the right time. Before that it is refused:
 * while another CPU is on, and with nowhere to come back to (Arm DEN0022, 5.20).
 */
#include "guest/rt/rt.h"

#define RTCDR	0x00
#define RTCMR	0x04
#define RTCIMSC 0x10
#define RTCRIS	0x14
#define CONTEXT 0xc0ffee

#define AFFINITY_INFO	0xc4000004u
#define OFF		1
#define DENIED		(-3)
#define INVALID_ADDRESS (-9)

static uint32_t before;
static volatile bool is_up, shall_go;

void secondary_main(uint64_t n)
{
	(void)n;
	is_up = true;
	while (!shall_go)
		;
	psci_cpu_off();
}

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

static int64_t suspend(uint64_t entry)
{
	return smccc(PSCI_SYSTEM_SUSPEND, entry, CONTEXT, 0);
}

/* Also while it asks more than once, and the other turns itself off. */
static void be_refused(void)
{
	int64_t r;
	unsigned i;

	if (psci_cpu_on(1) != 0)
		return;
	for (i = 0; i < 20; i++) {
		r = suspend((uintptr_t)resume_entry);
		if (r != DENIED)
			fail("with CPU 1 on SYSTEM_SUSPEND returned %x", r);
	}
	while (!is_up)
		;
	shall_go = true;
	while (smccc(AFFINITY_INFO, 1, 0, 0) != OFF)
		;
	pass("denied while another CPU is on");
}

int main(uint64_t fdt)
{
	int64_t r;

	(void)fdt;
	r = suspend(MAP_UART_BASE);
	if (r != INVALID_ADDRESS)
		fail("without an entry SYSTEM_SUSPEND returned %x", r);
	be_refused();
	gic_enable();
	gic_enable_intid(32 + SPI_RTC);
	before = mmio_read32(MAP_RTC_BASE + RTCDR);
	mmio_write32(MAP_RTC_BASE + RTCMR, before + 1);
	mmio_write32(MAP_RTC_BASE + RTCIMSC, 1);
	r = suspend((uintptr_t)resume_entry);
	fail("SYSTEM_SUSPEND returned %x", r);
}
