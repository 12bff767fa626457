/* SPDX-License-Identifier: MIT */
/* Reports a crash through pvpanic, and then does nothing more. */
#include "guest/rt/rt.h"

int main(uint64_t fdt)
{
	(void)fdt;
	print("crashing\n");
	mmio_write8(MAP_PVPANIC_BASE, 1);
	for (;;)
		wfi();
}
