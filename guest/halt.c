/* SPDX-License-Identifier: MIT */
/*
 * Halts for good, in the three ways there are: the last CPU is off, the one
 * before waits with nothing to interrupt it, though its timer's interrupt is
 * enabled and the timer has run, and CPU 0 waits where it takes no interrupt.
 */
#include "guest/rt/rt.h"

static volatile unsigned parked;

static void halt(void)
{
	parked = parked + 1;
	for (;;)
		wfi();
}

void secondary_main(uint64_t n)
{
	if (n == 2)
		psci_cpu_off();
	gic_enable();
	gic_enable_intid(16 + PPI_TIMER_V);
	sysreg_write(cntv_tval_el0, 0);
	sysreg_write(cntv_ctl_el0, 1);
	while (!(sysreg_read(cntv_ctl_el0) & 4))
		;
	sysreg_write(cntv_ctl_el0, 3); /* masked at the timer */
	isb();
	halt();
}

int main(uint64_t fdt)
{
	(void)fdt;
	psci_cpu_on(2);
	psci_cpu_on(1);
	while (!parked)
		;
	irq_off();
	print("halting\n");
	halt();
	return 0;
}
