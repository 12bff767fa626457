/* SPDX-License-Identifier: MIT */
/*
 * Erases the first block of the second bank, programs some of it and verifies
 * that, again and again: for a test that kills nestor meanwhile. In round r, word i is
 * r << 16 | i, programmed in the order of i.
 */
#include "guest/rt/flash.h"

#define WORDS 512u

int main(uint64_t fdt)
{
	uint32_t r, i;

	(void)fdt;
	for (r = 1; r < 0x8000; r++) {
		if (flash_erase(VARS_BANK) != FLASH_READY)
			fail("round %u: erase\n", (uint64_t)r);
		for (i = 0; i < WORDS; i++) {
			if (flash_program(VARS_BANK + 4 * i, r << 16 | i) !=
			    FLASH_READY)
				fail("round %u: program\n", (uint64_t)r);
			if (i == WORDS / 2)
				print("half of round %u\n", (uint64_t)r);
		}
		for (i = 0; i < WORDS; i++)
			if (mmio_read32(VARS_BANK + 4 * i) != (r << 16 | i))
				fail("round %u: verify\n", (uint64_t)r);
		print("round %u\n", (uint64_t)r);
	}
	return 0;
}
