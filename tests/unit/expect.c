/* SPDX-License-Identifier: MIT */
#include "cmd/expect.h"

#include <errno.h>

#include "tests/unit/test.h"

static struct expect x;
static const char *stream;
static size_t fed;

static void begin(const char *text)
{
	stream = text;
	fed = 0;
	expect_init(&x, 1000, true);
}

/* Look for @pattern in what is left, in pieces of at most @piece. */
static bool finds_by(const char *pattern, size_t piece)
{
	bool found;
	regex_t re;

	EQ(regcomp(&re, pattern, REG_EXTENDED | REG_NEWLINE), 0);
	while (!(found = expect_find(&x, &re)) && stream[fed]) {
		size_t n = strlen(stream + fed);

		fed += expect_feed(&x, stream + fed, n < piece ? n : piece);
	}
	regfree(&re);
	return found;
}

static bool finds(const char *pattern)
{
	return finds_by(pattern, SIZE_MAX);
}

TEST(what_follows_a_match_is_looked_through_for_the_next)
{
	begin("boot ok ok\nlogin: ");
	OK(finds("ok"));
	EQ(x.cursor, 1007);
	OK(finds("ok"));
	EQ(x.cursor, 1011);
	OK(!finds("ok"));
	begin("a\nb\na\n");
	OK(finds("^a$"));
	EQ(x.cursor, 1002);
	OK(finds("^a$"));
	EQ(x.cursor, 1006);
	OK(!finds("^a$"));
}

TEST(a_match_is_the_same_in_whatever_pieces_output_comes)
{
	size_t piece;

	for (piece = 1; piece < 30; piece++) {
		begin("noise\r\n\033[32mready\033[0m to go\r\n# ");
		OK(finds_by("^ready to go$", piece));
		EQ(x.cursor, 1029);
		OK(finds_by("^# ", piece));
		EQ(x.cursor, 1031);
	}
}

TEST(the_end_of_a_line_is_only_where_it_has_ended)
{
	begin("passed");
	OK(!finds("passed$"));
	OK(finds("passed"));
	begin("passed\n");
	OK(finds("passed$"));
	begin("all passed with 3 errors\n");
	OK(!finds_by("passed$", 10));
}

TEST(the_rest_of_a_line_is_no_beginning)
{
	begin("abc abc\nabc\n");
	OK(finds("abc"));
	OK(finds("^abc"));
	EQ(x.cursor, 1012);
	stream = "def\n";
	fed = 0;
	expect_init(&x, 5, false);
	OK(!finds("^def"));
}

TEST(a_blank_line_is_matched_once)
{
	begin("\n\nx\n");
	OK(finds("^$"));
	EQ(x.cursor, 1001);
	OK(finds("^$"));
	EQ(x.cursor, 1002);
	OK(!finds("^$"));
}

TEST(escape_sequences_and_what_is_no_text_are_left_out)
{
	begin("\033]0;title\007\033(B\033[1;31mre\033Pdata\033\\d\033[m\r\n");
	OK(finds("^red$"));
	STR_EQ(expect_last(&x), "red");
	/* One that never ends ends with the line. */
	begin("\033]0;title\nplain\n");
	OK(finds("^plain$"));
}

TEST(a_line_is_as_long_as_it_may_be_and_no_longer)
{
	static char text[3 * EXPECT_LINE];

	memset(text, 'x', sizeof(text) - 1);
	strcpy(text + sizeof(text) - 5, "yyy\n");
	begin(text);
	OK(finds("yyy$"));
	EQ(x.cursor, 1000 + sizeof(text) - 1);
	begin(text);
	OK(finds("^x+$"));
	EQ(x.cursor, 1000 + EXPECT_LINE);
}

TEST(the_last_line_seen_is_one_that_says_something)
{
	begin("one\ntwo\n\n  \r\n");
	OK(!finds("three"));
	STR_EQ(expect_last(&x), "two");
	begin("one\nlogin: ");
	OK(!finds("three"));
	STR_EQ(expect_last(&x), "login: ");
	begin("");
	STR_EQ(expect_last(&x), "");
}

static const char *unescaped(const char *s)
{
	static char out[64];
	int n = expect_unescape(s, out);

	if (n < 0)
		return NULL;
	out[n] = 0;
	return out;
}

TEST(escapes_are_those_of_c)
{
	char nul[4];

	STR_EQ(unescaped("ls\\n"), "ls\n");
	STR_EQ(unescaped("\\r\\t\\e\\\\\\\"\\'"), "\r\t\033\\\"'");
	STR_EQ(unescaped("\\x03\\x1b\\x4g"), "\003\033\004g");
	STR_EQ(unescaped("\\3\\0333"), "\003\0333");
	STR_EQ(unescaped(""), "");
	EQ(expect_unescape("a\\0b", nul), 3);
	MEM_EQ(nul, "a\0b", 3);
	OK(!unescaped("\\"));
	OK(!unescaped("\\x"));
	OK(!unescaped("\\xg"));
	OK(!unescaped("\\q"));
	OK(!unescaped("\\8"));
	OK(!unescaped("\\-1"));
}
