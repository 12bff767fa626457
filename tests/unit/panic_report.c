/* SPDX-License-Identifier: MIT */
/* What a console says of a panic: when it has the last word, and when not. */
#include <string.h>

#include "run/panic_report.h"
#include "tests/unit/test.h"

#define WORDS "[    3.100000] Kernel panic - not syncing: no root\r\n"
#define TRACE                                                     \
	"[    3.110000] CPU: 0 UID: 0 PID: 1 Comm: swapper/0\r\n" \
	"[    3.120000] Call trace:\r\n"                          \
	"[    3.130000]  panic+0x1a0/0x3e0\r\n"
#define LAST "[    3.140000] Memory Limit: none\r\n"
#define END \
	"[    3.150000] ---[ end Kernel panic - not syncing: no root ]---\r\n"

static unsigned ends;

static void ended(void *ctx)
{
	(void)ctx;
	ends++;
}

static void make(struct panic_report *p)
{
	ends = 0;
	panic_report_init(p, ended, NULL);
}

static void say(struct panic_report *p, const char *text)
{
	panic_report_add(p, text, strlen(text));
}

/* Has a panic the last word, of a console that says @text, whole or in bytes? */
static bool is_last(const char *text)
{
	struct panic_report p;
	bool whole, bytes;
	size_t i;

	make(&p);
	say(&p, text);
	whole = panic_report_is_last(&p);
	panic_report_fini(&p);
	make(&p);
	for (i = 0; text[i]; i++)
		panic_report_add(&p, text + i, 1);
	bytes = panic_report_is_last(&p);
	panic_report_fini(&p);
	EQ(whole, bytes);
	return whole;
}

TEST(a_panic_that_resets_has_the_last_word)
{
	OK(is_last(WORDS TRACE LAST));
	OK(is_last("login: " WORDS TRACE LAST));
	OK(is_last(WORDS "somebody on another CPU\n" TRACE LAST));
	OK(is_last(WORDS TRACE LAST
		   "[    3.2][    T1] Rebooting in 1 seconds.."));
	/* Without stamps; and as 32-bit kernels end. */
	OK(is_last("Kernel panic - not syncing: x\nMemory Limit: none\n\n"));
	OK(is_last(WORDS "[    3.2]  panic from f+0x1c/0x20\n"));
	OK(is_last(WORDS "[<c0100000>] (panic) from [<c010>] (f+0x1c/0x20)\n"));
}

TEST(words_that_are_followed_by_others_are_no_panic)
{
	OK(!is_last(""));
	OK(!is_last(LAST));
	OK(!is_last(WORDS));
	OK(!is_last(WORDS "reset\n"));
	OK(!is_last(WORDS TRACE LAST "[   12.0] reboot: Restarting system\n"));
	OK(!is_last(WORDS TRACE LAST "[   12.0] sysrq: Resetting\n"));
	OK(!is_last(WORDS TRACE LAST "/ # "));
	OK(!is_last(END "x\n"));
}

TEST(the_end_of_a_panic_is_told_once_a_line)
{
	struct panic_report p;
	char why[80];

	make(&p);
	say(&p, "---[ end Kernel panic - not syncing: by itself\n");
	EQ(ends, 0);
	say(&p, WORDS TRACE LAST "[    3.150000] ---[ end Ker");
	EQ(ends, 0);
	say(&p, "nel panic - not syncing: no root ]---\n");
	EQ(ends, 1);
	panic_report_why(&p, why, sizeof(why));
	STR_EQ(why, "Kernel panic - not syncing: no root");
	say(&p, "a line with ---[ end Kernel panic in it\n");
	EQ(ends, 1);
	panic_report_forget(&p);
	panic_report_why(&p, why, sizeof(why));
	STR_EQ(why, "");
	OK(!panic_report_is_last(&p));
	say(&p, END);
	EQ(ends, 1);
	panic_report_fini(&p);
}

TEST(what_a_panic_says_of_itself_is_cut_and_cleaned)
{
	struct panic_report p;
	char why[200], line[5000];

	make(&p);
	memset(line, 'x', sizeof(line));
	memcpy(line, "Kernel panic - not syncing: \033\001", 30);
	panic_report_add(&p, line, sizeof(line));
	say(&p, "\n" LAST);
	OK(panic_report_is_last(&p));
	panic_report_why(&p, why, sizeof(why));
	OK(strlen(why) < 120);
	OK(!strpbrk(why, "\033\001"));
	OK(!strncmp(why, "Kernel panic - not syncing: xxxx", 32));
	panic_report_fini(&p);
}
