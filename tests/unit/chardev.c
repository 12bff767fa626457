/* SPDX-License-Identifier: MIT */
#include "host/chardev.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/unit/console.h"

static int peer;

/* A chardev on one end of a socket pair; the other is @peer. */
static struct chardev *open_pair(void)
{
	char spec[16];
	int fds[2];

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	peer = fds[1];
	snprintf(spec, sizeof(spec), "fd:%d", fds[0]);
	return open_ok(spec);
}

TEST(a_chardev_of_no_known_kind_is_refused_with_a_sentence)
{
	HAS(open_fails("tty"), "console 'tty': give one of stdio");
	HAS(open_fails(""), "give one of");
	HAS(open_fails("file:"), "give one of");
	HAS(open_fails("unix:"), "give one of");
	HAS(open_fails("fd:"), "descriptor");
	HAS(open_fails("fd:-1"), "descriptor");
	HAS(open_fails("fd:1x"), "descriptor");
	HAS(open_fails("fd:999"), "descriptor");
	HAS(open_fails("fd:99999999999999999999"), "descriptor");
	HAS(open_fails("file:/nowhere/x"), "'/nowhere/x': No such file");
	loop_free(loop);
}

TEST(null_takes_everything_and_gives_nothing)
{
	struct chardev *c = open_ok("null");
	struct sink *s = sink_new(c, 10);
	unsigned cols, rows;

	EQ(chardev_write(c, NULL, "abc", 3), 3);
	EQ(chardev_write(c, NULL, "", 0), 0);
	OK(is_idle());
	EQ(s->len, 0);
	OK(!chardev_size(c, &cols, &rows));
	finish(c, s);
}

TEST(closing_no_chardev_is_allowed)
{
	chardev_close(NULL);
}

TEST(bytes_go_both_ways)
{
	struct chardev *c = open_pair();
	struct sink *s = sink_new(c, 100);

	put_str(peer, "in");
	SPIN_STR(s->buf, "in");
	EQ(chardev_write(c, NULL, "out", 3), 3);
	DRAIN_EQ(peer, "out");
	finish(c, s);
}

TEST(nothing_is_read_before_the_loop_runs)
{
	struct chardev *c = open_pair();
	struct sink *s = sink_new(c, 100);

	put_str(peer, "in");
	EQ(s->len, 0);
	finish(c, s);
}

TEST(input_waits_in_the_pipe_while_the_front_has_no_room)
{
	struct chardev *c = open_pipe(0, &peer);
	struct sink *s = sink_new(c, 0);

	put_str(peer, "0123456789");
	OK(is_idle());
	EQ(s->len, 0);
	s->cap = 4;
	chardev_room(c);
	SPIN_STR(s->buf, "0123");
	OK(is_idle());
	STR_EQ(s->buf, "0123");
	s->cap = 100;
	chardev_room(c);
	SPIN_STR(s->buf, "0123456789");
	finish(c, s);
}

TEST(input_that_is_waited_for_and_then_not_wanted_costs_nothing)
{
	struct chardev *c = open_pipe(0, &peer);
	struct sink *s = sink_new(c, 4);

	OK(is_idle());
	put_str(peer, "0123456789");
	SPIN_STR(s->buf, "0123");
	OK(is_idle());
	STR_EQ(s->buf, "0123");
	finish(c, s);
}

static struct chardev *raced;
static unsigned asked, race_at;

/* A vCPU makes room right after it was asked, and says so. */
static size_t racing_room(void *ctx)
{
	struct sink *s = ctx;
	size_t room = s->cap - s->len;

	if (++asked == race_at) {
		s->cap = 100;
		chardev_room(raced);
	}
	return room;
}

TEST(room_made_while_it_is_asked_for_is_not_missed)
{
	struct chardev_front front = {
		.room = racing_room,
		.input = sink_input,
	};
	struct sink *s;

	for (race_at = 1; race_at <= 4; race_at++) {
		asked = 0;
		s = front.ctx = calloc(1, sizeof(*s));
		raced = open_pipe(0, &peer);
		EQ(chardev_attach(raced, &front), 0);
		put_str(peer, "abc");
		SPIN_STR(s->buf, "abc");
		chardev_close(raced);
		free(s);
	}
	loop_free(loop);
}

TEST(telling_of_room_that_nobody_waits_for_does_nothing)
{
	struct chardev *c = open_pair();
	struct sink *s = sink_new(c, 100);

	OK(is_idle());
	chardev_room(c);
	chardev_room(c);
	OK(is_idle());
	finish(c, s);
}

TEST(a_peer_that_is_gone_costs_nothing)
{
	struct chardev *c = open_pair();
	struct sink *s = sink_new(c, 100);

	put_str(peer, "last");
	close(peer);
	SPIN_STR(s->buf, "last");
	OK(is_idle());
	STR_EQ(s->buf, "last");
	EQ(chardev_write(c, NULL, "x\n", 2), 2);
	EQ(chardev_write(c, NULL, "y\n", 2), 2);
	OK(is_idle());
	finish(c, s);
}

TEST(the_end_of_a_pipe_while_the_front_is_full_costs_nothing)
{
	struct chardev *c = open_pipe(0, &peer);
	struct sink *s = sink_new(c, 2);

	put_str(peer, "abcd");
	close(peer);
	SPIN_STR(s->buf, "ab");
	OK(is_idle());
	STR_EQ(s->buf, "ab");
	s->cap = 100;
	chardev_room(c);
	SPIN_STR(s->buf, "abcd");
	OK(is_idle());
	STR_EQ(s->buf, "abcd");
	finish(c, s);
}

TEST(a_pipe_that_nobody_reads_is_where_output_is_dropped)
{
	struct chardev *c = open_pipe(1, &peer);

	close(peer);
	EQ(chardev_write(c, NULL, "abc\n", 4), 4);
	EQ(chardev_write(c, NULL, "def\n", 4), 4);
	OK(is_idle());
	finish(c, NULL);
}

TEST(s1_output_that_is_not_read_is_bounded_and_complete_in_the_end)
{
	struct chardev *c = open_pipe(1, &peer);
	struct sink *s = sink_new(c, 0);
	static char text[1000];
	size_t n, put = 0, got = 0;

	memset(text, 'x', sizeof(text));
	do {
		n = chardev_write(c, NULL, text, sizeof(text));
		put += n;
		LT(put, 1000000);
	} while (n == sizeof(text));
	EQ(chardev_write(c, NULL, text, 1), 0);
	OK(is_idle());
	EQ(s->writable, 0);
	SPIN_UNTIL((got += strlen(drain(peer))) >= put);
	EQ(got, put);
	SPIN_UNTIL(s->writable);
	OK(is_idle());
	EQ(s->writable, 1);
	EQ(chardev_write(c, NULL, "y\n", 2), 2);
	DRAIN_EQ(peer, "y\n");
	finish(c, s);
}

TEST(more_output_than_the_buffer_holds_goes_in_one_call_if_the_peer_takes_it)
{
	struct chardev *c = open_pipe(1, &peer);
	static char text[40000];

	memset(text, 'x', sizeof(text));
	EQ(chardev_write(c, NULL, text, sizeof(text)), sizeof(text));
	EQ(strlen(drain_len(peer, sizeof(text))), sizeof(text));
	finish(c, NULL);
}

TEST(single_bytes_wait_for_the_end_of_the_line)
{
	struct chardev *c = open_pipe(1, &peer);

	chardev_write(c, NULL, "a", 1);
	chardev_write(c, NULL, "b", 1);
	STR_EQ(drain(peer), "");
	chardev_write(c, NULL, "\n", 1);
	DRAIN_EQ(peer, "ab\n");
	chardev_write(c, NULL, "c", 1);
	SPIN_UNTIL(is_readable(peer, 0));
	DRAIN_EQ(peer, "c");
	finish(c, NULL);
}

TEST(the_flags_of_an_inherited_pipe_stay_as_they_were)
{
	struct chardev *c;
	char spec[16];
	int fds[2], other, flags;

	EQ(pipe(fds), 0);
	other = dup(fds[1]); /* the shell's */
	flags = fcntl(other, F_GETFL);
	snprintf(spec, sizeof(spec), "fd:%d", fds[1]);
	c = open_ok(spec);
	chardev_write(c, NULL, "abc", 3);
	EQ(fcntl(other, F_GETFL), flags);
	DRAIN_EQ(fds[0], "abc");
	finish(c, NULL);
}

TEST(a_regular_file_is_read_to_its_end)
{
	int fd = memfd_create("input", 0), i;
	char spec[16];
	struct chardev *c;
	struct sink *s;

	for (i = 0; i < 5000; i++)
		put_str(fd, "0123456789");
	lseek(fd, 10, SEEK_SET); /* somebody has read a part */
	snprintf(spec, sizeof(spec), "fd:%d", fd);
	c = open_ok(spec);
	s = sink_new(c, 30000);
	SPIN_UNTIL(s->len >= 30000);
	OK(is_idle());
	EQ(s->len, 30000);
	s->cap = 100000;
	chardev_room(c);
	SPIN_UNTIL(s->len >= 49990);
	OK(is_idle());
	EQ(s->len, 49990);
	finish(c, s);
}

TEST(dev_null_is_an_empty_input)
{
	struct chardev *c;
	struct sink *s;
	char spec[16];

	snprintf(spec, sizeof(spec), "fd:%d", open("/dev/null", O_RDWR));
	c = open_ok(spec);
	s = sink_new(c, 100);
	OK(is_idle());
	EQ(s->len, 0);
	EQ(chardev_write(c, NULL, "ab", 2), 2);
	finish(c, s);
}

TEST(an_endless_input_leaves_the_loop_to_others)
{
	struct chardev *c;
	struct sink *s;
	char spec[16];

	snprintf(spec, sizeof(spec), "fd:%d", open("/dev/zero", O_RDONLY));
	c = open_ok(spec);
	s = sink_new(c, 150000);
	SPIN_UNTIL(s->len == 150000);
	OK(is_idle());
	finish(c, s);
}

TEST(a_file_is_truncated_and_written)
{
	const char *path = test_path("file");
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	char spec[300];
	struct chardev *c;

	put_str(fd, "something that was there before");
	snprintf(spec, sizeof(spec), "file:%s", path);
	c = open_ok(spec);
	chardev_write(c, NULL, "new", 3);
	lseek(fd, 0, SEEK_SET);
	DRAIN_EQ(fd, "new");
	finish(c, NULL);
}

TEST(a_fifo_that_nobody_reads_is_refused_at_once)
{
	const char *path = test_path("file");
	char spec[300];

	EQ(mkfifo(path, 0600), 0);
	snprintf(spec, sizeof(spec), "file:%s", path);
	HAS(open_fails(spec), "nobody reads from it");
	loop_free(loop);
}

TEST(a_full_disk_loses_output_and_nothing_else)
{
	struct chardev *c = open_ok("file:/dev/full");

	log_level = LOG_ERROR;
	EQ(chardev_write(c, NULL, "abc\n", 4), 4);
	EQ(chardev_write(c, NULL, "abc\n", 4), 4);
	OK(is_idle());
	finish(c, NULL);
}

TEST(a_line_is_as_large_as_the_terminal_that_shows_it)
{
	struct chardev *c = open_ok("null");
	struct sink *s = sink_new(c, 3);
	unsigned cols = 0, rows = 0;

	OK(!chardev_size(c, &cols, &rows));
	chardev_resize_to(c, 80, 25);
	EQ(s->cols, 80);
	EQ(s->rows, 25);
	OK(chardev_size(c, &cols, &rows));
	EQ(cols, 80);
	EQ(rows, 25);
	chardev_resize(c);
	EQ(s->resized, 2);
	EQ(s->cols, 0);
	finish(c, s);
}

static size_t size_of(const char *path)
{
	struct stat st;

	EQ(stat(path, &st), 0);
	return st.st_size;
}

TEST(output_goes_on_when_a_full_file_has_room_again)
{
	struct rlimit was, few;
	const char *path = test_path("file");
	struct chardev *c;
	char spec[300];

	snprintf(spec, sizeof(spec), "file:%s", path);
	c = open_ok(spec);
	EQ(getrlimit(RLIMIT_FSIZE, &was), 0);
	few = was;
	few.rlim_cur = 10;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &few);
	EQ(chardev_write(c, NULL, "0123456789abcdef\n", 17), 17);
	EQ(chardev_write(c, NULL, "lost\n", 5), 5);
	EQ(size_of(path), 10);
	setrlimit(RLIMIT_FSIZE, &was);
	EQ(chardev_write(c, NULL, "found\n", 6), 6);
	EQ(size_of(path), 16);
	finish(c, NULL);
}
