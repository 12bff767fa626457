/* SPDX-License-Identifier: MIT */
/* What a console says of a panic: when it has the last word, and when not. */
#include <stdio.h>
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

static const char serial, virtio;

static void say_on(struct panic_report *p, const void *console,
		   const char *text)
{
	panic_report_add(p, console, text, strlen(text));
}

static void say(struct panic_report *p, const char *text)
{
	say_on(p, &serial, text);
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
		panic_report_add(&p, &serial, text + i, 1);
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

/* By what is on the kernel's command line, and what is between. */
TEST(a_panic_is_one_in_each_form_that_a_line_has)
{
	static const char *const forms[] = {
		"%s\n",
		"[    3.1] %s\n",
		"[  123.4][    T1] %s\n",
		"[    3.1][  C127] %s\r\n",
		"[    3.1][T1/C0] %s\n\r",
		"<0>[    3.1] %s\n",
		"<8>%s\n",
		"<0>[    3.1][    T1] %s\r\r\n",
		"\033[1;31m[    3.1] %s\033[0m\n",
		"\033[K[    3.1]\033[33m %s\r\n",
		"\033]0;title\007%s\n",
		"a job is running\r[    3.1] %s\n",
	};
	char text[200], line[400];
	struct panic_report p;
	unsigned i;

	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		snprintf(line, sizeof(line), forms[i],
			 "Kernel panic - not syncing: x");
		snprintf(text, sizeof(text), forms[i], "Memory Limit: none");
		strcat(line, text);
		OK(is_last(line));
		snprintf(text, sizeof(text), forms[i],
			 "---[ end Kernel panic - not syncing: x ]---");
		strcat(line, text);
		make(&p);
		say(&p, line);
		EQ(ends, 1);
		panic_report_fini(&p);
	}
}

TEST(what_is_within_a_line_is_no_end_of_a_panic)
{
	static const char *const lines[] = {
		"a ---[ end Kernel panic - not syncing: x ]---\n",
		"# echo ---[ end Kernel panic\r\n",
		"[    3.1] cat[1]: ---[ end Kernel panic\n",
		"[    3.1 ---[ end Kernel panic\n",
		"<x>---[ end Kernel panic\n",
		"---[ end\nKernel panic - not syncing: x\n",
		"---[ end Kernel panic\rover it\n",
	};
	struct panic_report p;
	unsigned i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		make(&p);
		say(&p, WORDS);
		say(&p, lines[i]);
		EQ(ends, 0);
		panic_report_fini(&p);
	}
}

TEST(a_line_of_one_console_is_not_cut_by_another)
{
	struct panic_report p;

	make(&p);
	say_on(&p, &virtio, "login: ");
	say(&p, "[    3.1] Kernel panic - not sy");
	say_on(&p, &virtio, "ro");
	say(&p, "ncing: x\n[    3.2] ---[ end Ker");
	say_on(&p, &virtio, "ot\r\nPassword: ");
	say(&p, "nel panic - not syncing: x ]---\n");
	EQ(ends, 1);
	OK(panic_report_is_last(&p));
	say_on(&p, &virtio, "\r\n# ");
	OK(!panic_report_is_last(&p));
	panic_report_fini(&p);
	/* More of them than a guest has are no harm. */
	make(&p);
	say_on(&p, p.line, "a");
	say_on(&p, p.why, "b");
	say(&p, "\n" WORDS END);
	EQ(ends, 1);
	panic_report_fini(&p);
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
	panic_report_add(&p, &serial, line, sizeof(line));
	say(&p, "\n" LAST);
	OK(panic_report_is_last(&p));
	panic_report_why(&p, why, sizeof(why));
	OK(strlen(why) < 120);
	OK(!strpbrk(why, "\033\001"));
	OK(!strncmp(why, "Kernel panic - not syncing: xxxx", 32));
	panic_report_fini(&p);
}
