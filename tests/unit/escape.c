/* SPDX-License-Identifier: MIT */
#include "core/escape.h"

#include <string.h>

#include "tests/unit/test.h"

/* What is left of @text. */
static const char *plain(const char *text)
{
	struct escape x = { 0 };
	static char left[64];
	size_t n = 0;

	for (; *text; text++)
		if (!escape_has(&x, *text))
			left[n++] = *text;
	left[n] = 0;
	return left;
}

TEST(escape_sequences_are_told_from_text)
{
	STR_EQ(plain("a\033[1;31mred\033[mb"), "aredb");
	STR_EQ(plain("\033]0;title\007a\033]8;;x\033\\b"), "ab");
	STR_EQ(plain("\033(Ba\033cb\033Pq\033xyz\033\\c"), "abc");
	STR_EQ(plain("\033[?2004ha"), "a");
}

TEST(a_line_that_ends_ends_an_escape_sequence)
{
	STR_EQ(plain("\033]0;title\nx"), "\nx");
	STR_EQ(plain("\033[12\nx"), "\nx");
	STR_EQ(plain("\033\nx"), "\nx");
}
