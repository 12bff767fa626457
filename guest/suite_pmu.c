/* SPDX-License-Identifier: MIT */
/*
 * The PMU as a test suite takes it (Arm ARM, D13): the cycle counter counts, and
 * stops, and is reset; an event counter counts software increments, each of them;
 * an overflow is told, interrupts as the tree says, and carries into a chained
 * counter.
 *
 * BREAK 1: no counter is enabled
 */
#include "guest/rt/suite.h"

#define E     (1ull << 0) /* PMCR_EL0 */
#define P     (1ull << 1)
#define C     (1ull << 2)
#define LC    (1ull << 6)
#define N(r)  ((r) >> 11 & 0x1f)
#define CYCLE (1ull << 31)
#define NSH   (1ull << 27) /* EL2 counts */

#define SW_INCR	 0x00u
#define CHAIN	 0x1eu
#define NEAR_END 0xfffffff0ull
#define WORK	 20000u

static unsigned intid;
static volatile unsigned fired, others;

static void on_irq(unsigned got)
{
	fired = fired + (got == intid);
	others = others + (got != intid);
	sysreg_write(pmovsclr_el0, ~0u);
	isb();
}

static void begin(uint64_t counters)
{
	sysreg_write(pmcr_el0, P | C | LC);
	sysreg_write(pmcntenclr_el0, 0xffffffff);
	sysreg_write(pmintenclr_el1, 0xffffffff);
	sysreg_write(pmovsclr_el0, 0xffffffff);
	sysreg_write(pmccfiltr_el0, NSH);
	sysreg_write(pmevtyper0_el0, NSH | SW_INCR);
	sysreg_write(pmevtyper1_el0, NSH | CHAIN);
	sysreg_write(pmcntenset_el0, BROKEN(1) ? 0 : counters);
	isb();
}

static void go(void)
{
	sysreg_write(pmcr_el0, E | LC);
	isb();
}

static uint64_t cycles(void)
{
	isb();
	return sysreg_read(pmccntr_el0);
}

static void work(unsigned n)
{
	while (n--)
		asm volatile("" ::: "memory");
}

/* Counters are of 64 bits from PMUv3.5 on, and overflow after 32 all the same. */
static uint32_t event_counter(unsigned n)
{
	return n ? sysreg_read(pmevcntr1_el0) : sysreg_read(pmevcntr0_el0);
}

static void increment(unsigned n)
{
	while (n--)
		sysreg_write(pmswinc_el0, 1);
	isb();
}

static void cycle_counter(void)
{
	uint64_t a, b;
	unsigned i, n = 0;

	begin(CYCLE);
	go();
	for (i = 0; i < 10; i++) {
		a = cycles();
		work(WORK);
		n += cycles() > a;
	}
	expect(n == 10, "cycles are counted");
	sysreg_write(pmcntenclr_el0, CYCLE);
	a = cycles();
	work(WORK);
	b = cycles();
	expect(a == b, "a counter that is off stands still");
	sysreg_write(pmcntenset_el0, CYCLE);
	sysreg_write(pmcr_el0, LC);
	a = cycles();
	work(WORK);
	b = cycles();
	expect(a == b && a, "so do all without PMCR_EL0.E");
	sysreg_write(pmcr_el0, LC | C);
	expect(cycles() == 0, "PMCR_EL0.C resets it");
}

static void software_increments(void)
{
	begin(1);
	increment(5);
	expect(event_counter(0) == 0, "before it starts, none counts");
	go();
	increment(100);
	expect(event_counter(0) == 100, "each of 100 increments counts");
	expect(sysreg_read(pmovsclr_el0) == 0, "none has overflown");
	sysreg_write(pmcr_el0, E | LC | P);
	isb();
	expect(event_counter(0) == 0, "PMCR_EL0.P resets it");
}

static void overflows(void)
{
	begin(1);
	sysreg_write(pmevcntr0_el0, NEAR_END);
	go();
	increment(15);
	expect(sysreg_read(pmovsclr_el0) == 0 && event_counter(0) == 0xffffffff,
	       "15 increments before the end, and it has not overflown");
	increment(1);
	expect(sysreg_read(pmovsclr_el0) == 1 && event_counter(0) == 0,
	       "one more, and it has");
	irq_on();
	isb();
	irq_off();
	expect(!fired, "which does not interrupt unasked");

	begin(1);
	sysreg_write(pmevcntr0_el0, NEAR_END);
	sysreg_write(pmintenset_el1, 1);
	go();
	irq_on();
	increment(32);
	expect(SOON(fired || others) && fired == 1 && !others,
	       "asked, it does, as the interrupt in the tree");
	irq_off();
	expect(event_counter(0) == 16, "and has gone on counting");
}

static void chained(void)
{
	begin(3);
	sysreg_write(pmevcntr0_el0, NEAR_END);
	sysreg_write(pmevcntr1_el0, 7);
	go();
	increment(20);
	expect(event_counter(0) == 4 && event_counter(1) == 8,
	       "an overflow counts in the chained counter");
}

static void cycles_overflow(void)
{
	fired = 0;
	begin(CYCLE);
	sysreg_write(pmccntr_el0, ~0ull - WORK);
	sysreg_write(pmintenset_el1, CYCLE);
	isb();
	irq_on();
	go();
	expect(SOON(fired == 1), "the cycle counter's overflow interrupts");
	irq_off();
}

int main(uint64_t fdt)
{
	suite_begin(fdt, "pmu");
	intid = suite_intid("pmu", 0);
	interrupt_hook = on_irq;
	gic_enable();
	gic_enable_intid(intid);
	print("INFO: pmu: %u event counters\n", N(sysreg_read(pmcr_el0)));
	cycle_counter();
	if (N(sysreg_read(pmcr_el0)) >= 2) {
		software_increments();
		overflows();
		chained();
	}
	cycles_overflow();
	return suite_end();
}
