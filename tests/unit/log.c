/* SPDX-License-Identifier: MIT */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/said.h"
#include "tests/unit/test.h"

TEST(a_warning_is_one_line_with_the_reason)
{
	listen_in();
	errno = ENOENT;
	log_warn("cannot open %s", "x");
	EQ(errno, ENOENT);
	STR_EQ(said(), "nestor: cannot open x: No such file or directory\n");
}

TEST(a_warning_without_errno_does_not_name_one)
{
	listen_in();
	errno = ENOENT;
	log_warnx("odd %d", 7);
	STR_EQ(said(), "nestor: odd 7\n");
}

TEST(what_is_below_the_level_is_not_said)
{
	listen_in();
	log_level = LOG_WARN;
	log_debug("a");
	log_level = LOG_DEBUG;
	log_debug("b");
	STR_EQ(said(), "nestor: b\n");
}

TEST(a_line_that_is_too_long_is_cut_and_ended)
{
	static char text[4096];
	const char *s;

	memset(text, 'x', sizeof(text) - 1);
	listen_in();
	log_warnx("%s", text);
	errno = EIO;
	log_warn("%s", text);
	s = said();
	LT(strlen(s), 2049);
	EQ(s[strlen(s) - 1], '\n');
	OK(strchr(s, '\n') && strchr(s, '\n')[1] == 'n');
}

TEST(a_line_that_just_fits_with_its_reason_is_cut_too)
{
	static char text[2048];
	unsigned n;
	const char *s;

	for (n = 960; n < 1030; n++) {
		memset(text, 'x', sizeof(text));
		text[n] = 0;
		listen_in();
		errno = EIO;
		log_warn("%s", text);
		s = said();
		OK(strlen(s) <= 1024);
		EQ(s[strlen(s) - 1], '\n');
		close(out);
		close(saved);
	}
}

TEST(a_guest_in_a_loop_costs_a_few_lines)
{
	struct log_limit l = { 0 };
	unsigned i, lines = 0;
	const char *s;

	listen_in();
	for (i = 0; i < 1000; i++)
		log_guest(&l, "queue %d", 3);
	for (s = said(); *s; s++)
		lines += *s == '\n';
	EQ(lines, 10);
	EQ(l.count, 1000);
}

TEST(a_closed_standard_error_does_no_harm)
{
	listen_in();
	close(STDERR_FILENO);
	errno = EIO;
	log_warn("lost");
	EQ(errno, EIO);
	said();
}

TEST(a_log_of_ours_keeps_its_newer_half)
{
	const char *path = test_path("log");
	char first[64], line[64] = "";
	int keep = dup(STDERR_FILENO);
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	unsigned i, from = 0;
	struct stat st;
	FILE *f;

	OK(fd >= 0);
	dup2(fd, STDERR_FILENO);
	log_bound = 4096;
	for (i = 0; i < 1000; i++) {
		log_warnx("line %u", i);
		fstat(fd, &st);
		if (st.st_size > 4096 + 1024)
			break;
	}
	log_bound = 0;
	dup2(keep, STDERR_FILENO);
	close(keep);
	EQ(i, 1000);
	f = fdopen(fd, "r");
	rewind(f);
	OK(fgets(first, sizeof(first), f));
	EQ(sscanf(first, "nestor: line %u", &from), 1);
	OK(from > 0 && from < 999);
	for (i = from + 1; fgets(line, sizeof(line), f); i++) {
		snprintf(first, sizeof(first), "nestor: line %u\n", i);
		STR_EQ(line, first);
	}
	EQ(i, 1000);
	fclose(f);
}

TEST(an_error_keeps_its_code_and_is_cut_to_fit)
{
	static char text[1024];
	struct err e;

	EQ(err_set(&e, -EINVAL, "-m %s: give bytes", "x"), -EINVAL);
	STR_EQ(e.text, "-m x: give bytes");
	memset(text, 'y', sizeof(text) - 1);
	EQ(err_set(&e, -EIO, "%s", text), -EIO);
	EQ(strlen(e.text), sizeof(e.text) - 1);
}

/* As systemd has it in $JOURNAL_STREAM. */
static void name_journal(int off)
{
	char stream[64];
	struct stat st;

	EQ(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino + off);
	setenv("JOURNAL_STREAM", stream, 1);
}

TEST(the_journal_gets_priorities_and_knows_who_speaks)
{
	listen_in();
	name_journal(0);
	log_level = LOG_DEBUG;
	log_errorx("a");
	log_warnx("b");
	log_debug("c");
	STR_EQ(said(), "<3>a\n<4>b\n<7>c\n");
}

TEST(a_standard_error_that_is_not_the_journals_gets_none)
{
	listen_in();
	name_journal(1);
	log_warnx("a");
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_warnx("b");
	unsetenv("JOURNAL_STREAM");
	log_warnx("c");
	STR_EQ(said(), "nestor: a\nnestor: b\nnestor: c\n");
}

TEST(what_a_file_or_a_guest_said_is_shown_and_not_obeyed)
{
	struct err e;

	err_set(&e, 0, "%s", "a\033[2J\n\tb\x7f\xc2\x9b\xc3\xb6");
	STR_EQ(e.text, "a^[[2J^J\tb^??\xc3\xb6");
	err_set(&e, 0, "%s: %s", "x\n", e.text);
	STR_EQ(e.text, "x^J: a^[[2J^J\tb^??\xc3\xb6");
}
