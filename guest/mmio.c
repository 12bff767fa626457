/* SPDX-License-Identifier: MIT */
/*
 * What an access costs that user space answers: reads of a PL011 register, in
 * ticks of the virtual counter; beside a hypercall that KVM answers.
 */
#include "guest/rt/rt.h"

#define N	     1000u
#define UARTCR	     0x30
#define PSCI_VERSION 0x84000000u

int main(uint64_t fdt)
{
	uint64_t t0, t1, t2;
	unsigned i;

	(void)fdt;
	mmio_read32(MAP_UART_BASE + UARTCR);
	smccc(PSCI_VERSION, 0, 0, 0);
	isb();
	t0 = sysreg_read(cntvct_el0);
	for (i = 0; i < N; i++)
		mmio_read32(MAP_UART_BASE + UARTCR);
	isb();
	t1 = sysreg_read(cntvct_el0);
	for (i = 0; i < N; i++)
		smccc(PSCI_VERSION, 0, 0, 0);
	isb();
	t2 = sysreg_read(cntvct_el0);
	print("counter-hz %u\n", sysreg_read(cntfrq_el0));
	print("mmio-read-ticks %u\n", (t1 - t0) / N);
	print("hypercall-ticks %u\n", (t2 - t1) / N);
	return 0;
}
