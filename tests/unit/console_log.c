/* SPDX-License-Identifier: MIT */
#include "host/console_log.h"

#include <ctype.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/console.h"

static struct chardev *c;
static struct console_log *clog;
static const char *path;

static void start(size_t bound)
{
	struct err e = { "" };

	c = open_ok("null");
	path = test_path("log");
	clog = console_log_new(loop, c, AT_FDCWD, path, bound, &e);
	STR_EQ(e.text, "");
	OK(clog);
}

static void stop(void)
{
	console_log_free(clog);
	finish(c, NULL);
}

static void says(const char *text)
{
	EQ(chardev_write(c, NULL, text, strlen(text)), strlen(text));
}

#define FILE_MAX 300000

static const char *file(void)
{
	static char *buf;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (!buf)
		buf = test_room(FILE_MAX);
	n = read(fd, buf, FILE_MAX - 1);
	OK(n >= 0);
	buf[n] = 0;
	close(fd);
	return buf;
}

/* The file, with a T in the place of each time, which is looked at. */
static const char *timeless(void)
{
	static const char form[] = "0000-00-00T00:00:00.000Z ";
	static char *out;
	const char *s = file();
	char *to;
	unsigned i;

	if (!out)
		out = test_room(FILE_MAX);
	to = out;
	while (*s) {
		for (i = 0; form[i]; i++)
			OK(form[i] == '0' ? isdigit((unsigned char)s[i])
					  : s[i] == form[i]);
		s += i;
		*to++ = 'T';
		*to++ = ' ';
		while (*s && *s != '\n')
			*to++ = *s++;
		if (*s)
			*to++ = *s++;
	}
	*to = 0;
	return out;
}

TEST(a_line_is_in_the_file_when_the_guest_has_ended_it)
{
	struct stat st;

	start(65536);
	says("Welcome\r\n");
	STR_EQ(timeless(), "T - Welcome\n");
	says("two\nthree\n\n");
	STR_EQ(timeless(), "T - Welcome\nT - two\nT - three\nT - \n");
	EQ(stat(path, &st), 0);
	EQ(st.st_mode & 0777, 0600);
	stop();
}

TEST(a_line_that_comes_byte_by_byte_is_one)
{
	const char *s;

	start(0);
	for (s = "hello\r\n"; *s; s++)
		EQ(chardev_write(c, NULL, s, 1), 1);
	STR_EQ(timeless(), "T - hello\n");
	stop();
}

TEST(an_unfinished_line_is_in_the_file_soon_and_goes_on_there)
{
	start(0);
	says("login: ");
	STR_EQ(file(), "");
	SPIN_UNTIL(*file());
	STR_EQ(timeless(), "T - login: ");
	says("root\r");
	says("\nnext");
	STR_EQ(timeless(), "T - login: root\n");
	console_log_free(clog);
	STR_EQ(timeless(), "T - login: root\nT - next\n");
	clog = NULL;
	stop();
}

TEST(the_level_is_what_the_line_says_and_nothing_is_guessed)
{
	start(0);
	says("<6>[    0.0] Booting\n<0>panic\n<3>err\n<30>systemd[1]: info\n"
	     "<12>user warning\n<191>debug\n");
	says("<>x\n<x>y\n<12\n<1234>z\n error: no\nlost 3 lines: x\n");
	STR_EQ(timeless(), "T info <6>[    0.0] Booting\nT emerg <0>panic\n"
			   "T err <3>err\nT info <30>systemd[1]: info\n"
			   "T warning <12>user warning\nT debug <191>debug\n"
			   "T - <>x\nT - <x>y\nT - <12\nT - <1234>z\n"
			   "T -  error: no\nT - lost 3 lines: x\n");
	stop();
}

TEST(a_line_without_an_end_is_cut_into_pieces)
{
	static char text[10000];
	const char *s;

	start(0);
	memset(text, 'x', sizeof(text) - 1);
	says(text);
	says("\n");
	s = timeless();
	EQ(strlen(s), 9999 + 3 * strlen("T - \n"));
	EQ(strchr(s, '\n') - s, 4 + CONSOLE_LOG_LINE);
	stop();
}

TEST(anything_may_be_in_a_line)
{
	start(0);
	EQ(chardev_write(c, NULL, "a\0b\033[1m\xff\tc\rd\n", 13), 13);
	/* Up to the NUL. */
	STR_EQ(timeless(), "T - a");
	EQ(strlen(file()), 25 + 2 + 1);
	stop();
}

TEST(a_users_file_is_appended_to_on_a_line_of_its_own)
{
	int fd;

	path = test_path("log");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	put_str(fd, "something");
	start(0);
	says("new\n");
	HAS(file(), "something\n2");
	HAS(file(), " - new\n");
	stop();
}

/* The number of the guest's line that @s begins with, as number() wrote it. */
static unsigned number_at(const char *s)
{
	unsigned n;

	EQ(sscanf(s, "T - line %u", &n), 1);
	return n;
}

static void number(unsigned n)
{
	char text[64];

	snprintf(text, sizeof(text), "line %u\n", n);
	says(text);
}

TEST(a_bounded_file_keeps_the_newest_and_says_how_many_are_gone)
{
	unsigned i, lost, next;
	const char *s;
	struct stat st;

	start(65536);
	for (i = 0; i < 20000; i++) {
		number(i);
		if (i % 1000 == 0) {
			EQ(stat(path, &st), 0);
			OK(st.st_size <= 65536);
		}
	}
	s = timeless();
	EQ(sscanf(s, "T lost %u lines: only the newest are kept", &lost), 1);
	for (next = lost; (s = strchr(s, '\n')) && *++s; next++)
		EQ(number_at(s), next);
	EQ(next, 20000);
	OK(next - lost > 500);
	stop();
}

TEST(a_bounded_file_that_cannot_be_replaced_is_emptied)
{
	unsigned i, lost, next;
	const char *s;

	start(65536);
	EQ(mkdir(test_path("log.new"), 0700), 0);
	for (i = 0; i < 20000; i++)
		number(i);
	s = timeless();
	EQ(sscanf(s, "T lost %u lines: only the newest are kept", &lost), 1);
	for (next = lost; (s = strchr(s, '\n')) && *++s; next++)
		EQ(number_at(s), next);
	EQ(next, 20000);
	stop();
}

static void limit(rlim_t size)
{
	struct rlimit l;

	EQ(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = size;
	signal(SIGXFSZ, SIG_IGN);
	EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
}

TEST(a_full_disk_loses_lines_that_are_counted_and_marked)
{
	unsigned i, lost = 0, next = 0, n;
	const char *s;

	start(0);
	log_level = LOG_ERROR;
	limit(4000);
	for (i = 0; i < 500; i++)
		number(i);
	limit(RLIM_INFINITY);
	for (; i < 600; i++)
		number(i);
	/* One place where lines are missing, and all are accounted for. */
	for (s = timeless(); *s; s = strchr(s, '\n') + 1) {
		if (sscanf(s, "T lost %u lines: File too large", &n) == 1) {
			EQ(lost, 0);
			lost = n;
			next += n;
		} else {
			EQ(number_at(s), next);
			next++;
		}
	}
	OK(lost > 300);
	EQ(next, 600);
	stop();
}

TEST(a_log_that_always_fails_never_harms)
{
	struct err e = { "" };
	unsigned i;

	c = open_ok("null");
	log_level = LOG_ERROR;
	clog = console_log_new(loop, c, AT_FDCWD, "/dev/full", 0, &e);
	OK(clog);
	path = test_path("log");
	for (i = 0; i < 1000; i++)
		number(i);
	says("unfinished");
	spin_for(150);
	stop();
}

TEST(a_log_that_cannot_be_opened_is_refused_with_a_sentence)
{
	struct err e = { "" };

	c = open_ok("null");
	OK(!console_log_new(loop, c, AT_FDCWD, "/nowhere/log", 0, &e));
	HAS(e.text, "cannot log the console to '/nowhere/log': No such file "
		    "or directory; ");
	path = test_path("log");
	EQ(mkfifo(path, 0600), 0);
	OK(!console_log_new(loop, c, AT_FDCWD, path, 0, &e));
	HAS(e.text, "nobody reads from it");
	unlink(path);
	EQ(symlink("/tmp", path), 0);
	OK(!console_log_new(loop, c, AT_FDCWD, path, 65536, &e));
	finish(c, NULL);
}

static bool parses(const char *s)
{
	struct log_line l;

	return log_line_parse(&l, s, strlen(s));
}

TEST(a_line_of_a_log_is_taken_apart)
{
	const char *s = "2026-11-23T02:03:04.567Z info <6>x y";
	struct log_line l;

	OK(log_line_parse(&l, s, strlen(s)));
	EQ(l.time_len, 24);
	EQ(l.level_len, 4);
	MEM_EQ(l.level, "info", 4);
	EQ(l.text_len, 6);
	MEM_EQ(l.text, "<6>x y", 6);
	EQ(l.lost, 0);
	s = "2026-11-23T02:03:04.567Z lost 12 lines: why not";
	OK(log_line_parse(&l, s, strlen(s)));
	EQ(l.lost, 12);
	MEM_EQ(l.text, "why not", 7);
	OK(parses("2026-11-23T02:03:04.567Z - "));
	OK(!parses("2026-11-23T02:03:04.567Z -"));
	OK(!parses("2026-11-23T02:03:04.567Z"));
	OK(!parses("something else entirely, long enough"));
	OK(!parses(""));
}
