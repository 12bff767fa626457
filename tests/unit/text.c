/* SPDX-License-Identifier: MIT */
#include "cmd/text.h"

#include "tests/unit/test.h"

static const char *utf8(const char *s)
{
	static char buf[200];
	size_t len;
	char *out = text_utf8(s, strlen(s), &len);

	EQ(strlen(out), len);
	strcpy(buf, out);
	free(out);
	return buf;
}

static const char *shown(const char *s)
{
	static char buf[200];
	FILE *f = fmemopen(buf, sizeof(buf), "w");

	text_put(f, s, strlen(s));
	fclose(f);
	return buf;
}

TEST(what_is_no_utf8_is_replaced)
{
	STR_EQ(utf8("plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
	       "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	STR_EQ(utf8("\xff|\xc3|\xe2\x82|\xc0\x80|\xed\xa0\x80"),
	       "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd|"
	       "\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	STR_EQ(utf8("\xf4\x90\x80\x80"),
	       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	STR_EQ(utf8(""), "");
}

TEST(nothing_that_is_shown_moves_the_cursor)
{
	STR_EQ(shown("a\tb \xc3\xa4"), "a\tb \xc3\xa4");
	STR_EQ(shown("\033[2J\r\b\177"), "^[[2J^M^H^?");
	STR_EQ(shown("\xc2\x9b\x9b\xff"), "???");
}
