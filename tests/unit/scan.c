/* SPDX-License-Identifier: MIT */
#include "config/scan.h"

#include <errno.h>

#include "core/log.h"
#include "tests/unit/test.h"

static const char *const words[] = { "low", "high", NULL };

static const struct opt opts[] = {
	{ .id = 1, .name = "file", .letter = 'f', .arg = "FILE" },
	{ .id = 2, .name = "all", .letter = 'a' },
	{ .id = 3, .name = "quiet", .letter = 'q', .no = OPT_NO_TOO },
	{ .id = 4,
	  .name = "level",
	  .arg = "HOW",
	  .bare = "low",
	  .words = words },
	{ .id = 5, .name = "no-wait" },
	{ 0 },
};

static struct scan s;
static struct err e;

/* Begins with these words. */
#define SCAN(...) begin((char *[]){ __VA_ARGS__, NULL })

static void begin(char **argv)
{
	static char *copy[8];
	unsigned n;

	for (n = 0; argv[n]; n++)
		copy[n] = argv[n];
	s = (struct scan){
		.command = "x", .opts = opts, .arg = copy, .end = copy + n
	};
}

/* What comes next has this id and this value. */
static void next(int id, const char *value)
{
	EQ(scan_next(&s, &e), id);
	STR_EQ(s.value, value);
}

static void refused(const char *sentence)
{
	EQ(scan_next(&s, &e), -EINVAL);
	STR_EQ(e.text, sentence);
}

TEST(a_value_follows_stands_behind_an_equals_sign_or_behind_the_letter)
{
	SCAN("--file", "a", "--file=b=c", "-fd", "-f", "e", "--file=", "-af-");
	next(1, "a");
	STR_EQ(s.spelled, "--file");
	next(1, "b=c");
	next(1, "d");
	STR_EQ(s.spelled, "-f");
	next(1, "e");
	next(1, "");
	next(2, "on");
	next(1, "-");
	EQ(scan_next(&s, &e), 0);
	EQ(scan_next(&s, &e), 0);
}

TEST(a_value_may_look_like_an_option)
{
	SCAN("-f", "--", "--file", "-a");
	next(1, "--");
	next(1, "-a");
	EQ(scan_next(&s, &e), 0);
}

TEST(flags_are_bundled_and_some_have_a_no_form)
{
	SCAN("-aqa", "--no-quiet", "--quiet");
	next(2, "on");
	next(3, "on");
	next(2, "on");
	next(3, "off");
	STR_EQ(s.spelled, "--no-quiet");
	next(3, "on");
	SCAN("--no-all");
	refused("unknown option --no-all: see 'nestor help x'");
	SCAN("--no-file");
	refused("unknown option --no-file: only flags have a --no- form");
	/* A name of its own is none. */
	SCAN("--no-wait");
	next(5, "on");
}

TEST(an_option_of_which_the_value_may_be_left_out_takes_no_word)
{
	SCAN("--level", "high", "--level=high", "low", "-a", "x");
	next(4, "low");
	next(OPT_OPERAND, "high");
	OK(s.bare == &opts[3]);
	next(4, "high");
	next(OPT_OPERAND, "low");
	OK(!s.bare);
	next(2, "on");
	next(OPT_OPERAND, "x");
	OK(!s.bare);
}

TEST(all_behind_two_dashes_are_operands)
{
	SCAN("y", "-", "--", "-a", "--", "--file");
	next(OPT_OPERAND, "y");
	next(OPT_OPERAND, "-");
	OK(!s.literal);
	next(OPT_OPERAND, "-a");
	OK(s.literal);
	next(OPT_OPERAND, "--");
	next(OPT_OPERAND, "--file");
	EQ(scan_next(&s, &e), 0);
}

TEST(two_dashes_alone_are_the_end)
{
	SCAN("--");
	EQ(scan_next(&s, &e), 0);
	OK(s.literal && !s.value);
}

TEST(every_table_has_help_even_none)
{
	SCAN("--help", "-ah", "--help=me");
	EQ(scan_next(&s, &e), OPT_HELP);
	next(2, "on");
	EQ(scan_next(&s, &e), OPT_HELP);
	refused("--help takes no value");
	SCAN("-h", "-a");
	s.opts = NULL;
	EQ(scan_next(&s, &e), OPT_HELP);
	refused("unknown option -a: see 'nestor help x'");
}

TEST(a_word_that_is_no_option_is_refused_with_the_nearest)
{
	SCAN("--quite=1");
	refused("unknown option --quite=1: did you mean --quiet?");
	SCAN("--no-quite");
	refused("unknown option --no-quite: did you mean --no-quiet?");
	SCAN("--no-wiat");
	refused("unknown option --no-wiat: did you mean --no-wait?");
	SCAN("--no-flie");
	refused("unknown option --no-flie: see 'nestor help x'");
	SCAN("--fil");
	refused("unknown option --fil: did you mean --file?");
	SCAN("---");
	refused("unknown option ---: see 'nestor help x'");
	SCAN("--=a");
	refused("unknown option --=a: see 'nestor help x'");
	SCAN("-az");
	next(2, "on");
	refused("unknown option -z: see 'nestor help x'");
}

TEST(a_name_behind_one_dash_is_told_to_have_two)
{
	SCAN("-file", "a");
	refused("-file: options of more than a letter have two dashes; write "
		"--file");
	SCAN("-file=a");
	refused("-file=a: options of more than a letter have two dashes; write "
		"--file=a");
	SCAN("-fil");
	next(1, "il");
}

TEST(a_flag_that_has_a_no_form_takes_on_and_off)
{
	SCAN("--quiet=off", "--quiet=on", "--quiet");
	next(3, "off");
	next(3, "on");
	next(3, "on");
}

TEST(a_value_that_is_missing_or_one_too_many_is_refused)
{
	SCAN("--file");
	refused("--file needs a value: --file FILE");
	SCAN("-af");
	next(2, "on");
	refused("-f needs a value: -f FILE");
	SCAN("--all=1");
	refused("--all takes no value");
	SCAN("--quiet=of");
	refused("--quiet=of: a flag is on or off; use --quiet or --no-quiet");
	SCAN("--no-quiet=off");
	EQ(scan_next(&s, &e), -EINVAL);
	SCAN("--no-wait=");
	refused("--no-wait takes no value");
}
