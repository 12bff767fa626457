/* SPDX-License-Identifier: MIT */
/*
 * Halts for good. Of three CPUs the last is off, the one before waits with
 * nothing that could interrupt it, though its timer's interrupt is enabled and
 * the timer has run; and CPU 0 waits with its interrupts masked.
 *
 * With two more, that are off and in an empty loop, a device's interrupt is
 * enabled as well, and CPU 1 masks its own.
 */
#include "guest/rt/rt.h"

static volatile unsigned parked, spinning, device;

/* The timer's, if it is pending still. */
static void on_irq(unsigned intid)
{
	(void)intid;
}

static void halt(void)
{
	parked = parked + 1;
	for (;;)
		wfi();
}

void secondary_main(uint64_t n)
{
	if (n == 2 || n == 3)
		psci_cpu_off();
	if (n == 4) {
		spinning = 1;
		for (;;)
			;
	}
	gic_enable();
	gic_enable_intid(16 + PPI_TIMER_V);
	sysreg_write(cntv_tval_el0, 0);
	sysreg_write(cntv_ctl_el0, 1);
	while (!(sysreg_read(cntv_ctl_el0) & 4))
		;
	sysreg_write(cntv_ctl_el0, 3); /* masked at the timer */
	isb();
	if (!device)
		irq_on();
	halt();
}

int main(uint64_t fdt)
{
	(void)fdt;
	interrupt_hook = on_irq;
	psci_cpu_on(2);
	psci_cpu_on(3);
	device = psci_cpu_on(4) == 0;
	psci_cpu_on(1);
	while (!parked || (device && !spinning))
		;
	gic_enable();
	if (device)
		gic_enable_intid(32 + SPI_GPIO);
	irq_off();
	print("halting\n");
	halt();
	return 0;
}
