/* SPDX-License-Identifier: MIT */
/*
 * Every vCPU comes up by PSCI CPU_ON, has its own MPIDR and stack, and powers
 * itself off again. How many there are, the first failing CPU_ON tells.
 */
#include "guest/rt/rt.h"

static uint32_t up[MAX_CPUS];

void secondary_main(uint64_t n)
{
	uint64_t mpidr = sysreg_read(mpidr_el1);

	up[n] = (mpidr & 0xff) + (mpidr >> 8 & 0xff) * 16 == n ? 1 : 2;
	dsb();
	asm volatile("sev");
}

int main(uint64_t fdt)
{
	volatile uint32_t *state = up;
	unsigned n, i;

	(void)fdt;
	for (n = 1; n < MAX_CPUS && psci_cpu_on(n) == 0; n++)
		;
	for (i = 1; i < n; i++) {
		while (!state[i])
			asm volatile("wfe");
		if (state[i] != 1)
			fail("vCPU %u has a wrong MPIDR", (uint64_t)i);
	}
	print("PASS %u vCPUs up\n", (uint64_t)n);
	return 0;
}
