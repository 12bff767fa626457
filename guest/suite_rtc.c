/* SPDX-License-Identifier: MIT */
/*
 * The PL031 as a test suite takes it (Arm DDI 0224): what it is, that it counts
 * seconds, can be set, and interrupts when its match register is reached.
 *
 * BREAK 1: the alarm's interrupt is masked
 */
#include "guest/rt/suite.h"

#define RTC(reg) (MAP_RTC_BASE + (reg))
#define DR	 0x00u
#define MR	 0x04u
#define LR	 0x08u
#define CR	 0x0cu
#define IMSC	 0x10u
#define RIS	 0x14u
#define MIS	 0x18u
#define ICR	 0x1cu

#define SET_TO 0x12345678u

static volatile unsigned fired;
static unsigned intid;

static void on_irq(unsigned got)
{
	fired = fired + (got == intid);
	mmio_write32(RTC(ICR), 1);
}

static uint32_t id_at(uint64_t at)
{
	uint32_t id = 0;
	unsigned i;

	for (i = 0; i < 4; i++)
		id |= (mmio_read32(at + 4 * i) & 0xff) << 8 * i;
	return id;
}

/* Waits for the next second, for at most two; ticks that it took. */
static uint64_t next_second(void)
{
	const uint32_t was = mmio_read32(RTC(DR));
	const uint64_t t0 = sysreg_read(cntpct_el0);

	while (mmio_read32(RTC(DR)) == was && !passed(t0, 2000))
		;
	expect(mmio_read32(RTC(DR)) == was + 1, "a second adds one");
	isb();
	return sysreg_read(cntpct_el0) - t0;
}

static void counts(void)
{
	uint64_t hz = sysreg_read(cntfrq_el0), took;

	next_second();
	took = next_second();
	expect(took > hz / 2 && took < hz * 3 / 2,
	       "a second is one of the counter's");
	mmio_write32(RTC(LR), SET_TO);
	expect(mmio_read32(RTC(DR)) - SET_TO <= 1 &&
		       mmio_read32(RTC(LR)) == SET_TO,
	       "it can be set");
}

static void alarm(bool masked)
{
	const uint64_t t0 = sysreg_read(cntpct_el0);

	fired = 0;
	mmio_write32(RTC(IMSC), !masked);
	mmio_write32(RTC(MR), mmio_read32(RTC(DR)) + 1);
	/* Until it is raised, as no interrupt may end a wait for it. */
	while (!fired && !(masked && mmio_read32(RTC(RIS))) &&
	       !passed(t0, 3000))
		;
}

int main(uint64_t fdt)
{
	suite_begin(fdt, "rtc");
	expect(id_at(RTC(0xfe0)) == 0x00141031 &&
		       id_at(RTC(0xff0)) == 0xb105f00d,
	       "it is a PL031 of revision 1");
	expect(mmio_read32(RTC(CR)) == 1, "it runs, and cannot be stopped");
	counts();

	intid = suite_intid("pl031", 0);
	interrupt_hook = on_irq;
	gic_enable();
	gic_enable_intid(intid);
	irq_on();
	alarm(true);
	expect(!fired && mmio_read32(RTC(RIS)) == 1 &&
		       mmio_read32(RTC(MIS)) == 0,
	       "a masked alarm is raised, and does not interrupt");
	mmio_write32(RTC(ICR), 1);
	expect(mmio_read32(RTC(RIS)) == 0, "it is cleared");
	alarm(BROKEN(1));
	expect(fired == 1 && mmio_read32(RTC(RIS)) == 0,
	       "an alarm interrupts once, as the interrupt in the tree");
	return suite_end();
}
