/* SPDX-License-Identifier: MIT */
/*
 * Which granules an ID register offers. Its fields say the same thing in three
 * ways, which is why this is a table.
 */
#include "nested/granule.h"

#include <stddef.h>

#define NONE_2	    1u /* of a TGran*_2 */
#define AS_STAGE1_2 0u

static const struct {
	unsigned kib;
	unsigned shift, none; /* TGran*, and its value where there is none */
	unsigned shift2;      /* TGran*_2 */
} fields[] = {
	{ 4, 28, 0xf, 40 },
	{ 16, 20, 0x0, 32 },
	{ 64, 24, 0xf, 36 },
};

#define FIELDS	      (sizeof(fields) / sizeof(*fields))
#define FIELD(id, at) ((unsigned)((id) >> (at)&0xf))

unsigned granules_stage1(uint64_t mmfr0)
{
	unsigned i, set = 0;

	for (i = 0; i < FIELDS; i++)
		if (FIELD(mmfr0, fields[i].shift) != fields[i].none)
			set |= fields[i].kib;
	return set;
}

unsigned granules_stage2(uint64_t mmfr0)
{
	unsigned i, set = granules_stage1(mmfr0);

	for (i = 0; i < FIELDS; i++)
		switch (FIELD(mmfr0, fields[i].shift2)) {
		case AS_STAGE1_2:
			break;
		case NONE_2:
			set &= ~fields[i].kib;
			break;
		default:
			set |= fields[i].kib;
		}
	return set;
}

unsigned granules_of_el2(unsigned stage1, uint64_t page)
{
	/* Of powers of two, those from the page's on. */
	return stage1 & ~(unsigned)(page / 1024 - 1);
}

const char *granules_text(unsigned set)
{
	static const char *const text[] = {
		"none",	  "4 KiB",	  "16 KiB",	   "4 and 16 KiB",
		"64 KiB", "4 and 64 KiB", "16 and 64 KiB", "4, 16 and 64 KiB",
	};

	return text[(set >> 2 & 1) | (set >> 3 & 2) | (set >> 4 & 4)];
}
