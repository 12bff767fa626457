/* SPDX-License-Identifier: MIT */
#include "core/utc.h"

#include "tests/unit/test.h"

TEST(a_moment_is_the_text_that_the_c_library_makes_of_it)
{
	const time_t odd[] = { 0,	  951782399,  951782400,
			       951868800, 4102444800, 253402300799 };
	char ours[UTC_SIZE], theirs[UTC_SIZE];
	struct timespec t = { 0 };
	struct tm tm;
	unsigned i;

	for (i = 0; i < 2000; i++) {
		t.tv_sec = i < 6 ? odd[i] : (time_t)i * 86399 * 40 + i;
		strftime(theirs, sizeof(theirs), "%FT%TZ",
			 gmtime_r(&t.tv_sec, &tm));
		EQ(utc_text(ours, &t, false), 20);
		STR_EQ(ours, theirs);
	}
}

TEST(a_moment_may_have_milliseconds)
{
	const struct timespec t = { .tv_sec = 1795722038, .tv_nsec = 7999999 };
	char text[UTC_SIZE];

	EQ(utc_text(text, &t, true), 24);
	STR_EQ(text, "2026-11-26T19:40:38.007Z");
}
