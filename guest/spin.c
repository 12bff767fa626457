/* SPDX-License-Identifier: MIT */
/* Every vCPU runs and runs, without an exit and without an end. */
#include "guest/rt/rt.h"

static uint32_t up[MAX_CPUS];

static void spin(void)
{
	for (;;)
		asm volatile("yield");
}

void secondary_main(uint64_t n)
{
	up[n] = 1;
	dsb();
	spin();
}

int main(uint64_t fdt)
{
	volatile uint32_t *state = up;
	unsigned n, i;

	(void)fdt;
	for (n = 1; n < MAX_CPUS && psci_cpu_on(n) == 0; n++)
		;
	for (i = 1; i < n; i++)
		while (!state[i])
			;
	print("%u spinning\n", (uint64_t)n);
	spin();
	return 0;
}
