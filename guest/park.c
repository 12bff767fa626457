/* SPDX-License-Identifier: MIT */
/* Suspends the system with nothing that could wake it up. */
#include "guest/rt/rt.h"

int main(uint64_t fdt)
{
	(void)fdt;
	print("parking\n");
	smccc(PSCI_SYSTEM_SUSPEND, MAP_RAM_BASE, 0, 0);
	fail("woken up");
	return 0;
}
