/* SPDX-License-Identifier: MIT */
/*
 * Calendar dates from seconds since 1970, without the C library's time zones.
 */
#include "core/utc.h"

#include <stdint.h>
#include <stdio.h>

#define DAY 86400

/*
 * Year, month and day of the day @n since 1970: years that begin in March have
 * their leap day last, and 400 of them are 146097 days.
 */
static void civil(int64_t n, unsigned *year, unsigned *month, unsigned *day)
{
	unsigned era, of_era, y, of_year, m;

	n += 719468; /* since 0000-03-01 */
	era = n / 146097;
	of_era = n % 146097;
	y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * y + y / 4 - y / 100);
	m = (5 * of_year + 2) / 153;
	*day = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = y + era * 400 + (*month <= 2);
}

int utc_text(char text[UTC_SIZE], const struct timespec *t, bool fine)
{
	/* Before 1970 no clock is, and after 9999 no text has the room. */
	const int64_t s = t->tv_sec < 0 ? 0 : t->tv_sec % (253402300800);
	const unsigned clock = s % DAY;
	unsigned year, month, day;
	int n;

	civil(s / DAY, &year, &month, &day);
	n = snprintf(text, UTC_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u",
		     year % 10000, month % 100, day % 100, clock / 3600,
		     clock / 60 % 60, clock % 60);
	return n + (fine ? snprintf(text + n, UTC_SIZE - n, ".%03uZ",
				    (unsigned)(t->tv_nsec / 1000000) % 1000)
			 : snprintf(text + n, UTC_SIZE - n, "Z"));
}
