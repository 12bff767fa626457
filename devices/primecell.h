/* SPDX-License-Identifier: MIT */
/*
 * The identification registers that every ARM PrimeCell ends with: PeriphID0-3
 * at 0xfe0, PCellID0-3 at 0xff0, a byte each (for example DDI 0183, 3.3.17).
 */
#pragma once

#include <stdint.h>

#define PRIMECELL_ID 0xfe0

/* The register at @off; @periph holds PeriphID3 .. PeriphID0. 0 elsewhere. */
static inline uint32_t primecell_id(uint32_t periph, uint64_t off)
{
	const uint32_t pcell = 0xb105f00d;

	if (off < PRIMECELL_ID || off > 0xffc || off % 4)
		return 0;
	return (off < 0xff0 ? periph : pcell) >> (off & 0xf) * 2 & 0xff;
}

/*
 * What a guest's access of @size bytes at @off means to a block of 32-bit
 * registers: those of 1, 2 and 4 bytes at a register's address are its lowest
 * bytes; all others are no access.
 */
static inline int primecell_access(uint64_t off, unsigned size)
{
	return off % 4 == 0 && size <= 4;
}

static inline uint32_t primecell_mask(unsigned size)
{
	return size >= 4 ? UINT32_MAX : (1u << size * 8) - 1;
}
