/* SPDX-License-Identifier: MIT */
#include "host/console_hub.h"

#include <pthread.h>
#include <sys/socket.h>

#include "tests/unit/console.h"

static struct chardev *c;
static struct console_hub *hub;
static struct sink *guest;

/* A VM in the background, whose guest takes @cap bytes of input. */
static void start(size_t cap)
{
	c = open_ok("null");
	hub = console_hub_new(loop, c);
	OK(hub);
	guest = sink_new(c, cap);
}

static void stop(void)
{
	console_hub_free(hub);
	finish(c, guest);
}

static void says(const char *text)
{
	EQ(chardev_write(c, NULL, text, strlen(text)), strlen(text));
}

static void says_much(size_t n)
{
	static char line[100];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	for (; n >= sizeof(line); n -= sizeof(line))
		EQ(chardev_write(c, NULL, line, sizeof(line)), sizeof(line));
}

/* Our end of a new connection. */
static int attach_as(const struct hub_wish *w)
{
	int fds[2];

	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	EQ(console_hub_attach(hub, fds[0], w), 0);
	return fds[1];
}

static int attach_from(uint64_t from)
{
	return attach_as(&(struct hub_wish){ .from = from, .notices = true });
}

/* Until the other end hangs up; how many bytes that were. */
static size_t read_to_end(int fd)
{
	static char buf[4096];
	size_t all = 0;
	ssize_t n;

	patience_start();
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) != 0) {
		if (n > 0)
			all += n;
		else
			spin_for(1);
		OK(patience_left());
	}
	return all;
}

static unsigned count(const char *hay, const char *needle)
{
	unsigned n = 0;

	for (; (hay = strstr(hay, needle)); hay++)
		n++;
	return n;
}

TEST(each_reader_gets_what_the_guest_writes)
{
	int a, b;

	start(0);
	a = attach_from(0);
	b = attach_from(0);
	says("hello\n");
	spin();
	DRAIN_EQ(a, "hello\n");
	DRAIN_EQ(b, "hello\n");
	stop();
}

TEST(a_reader_begins_where_it_wants_to)
{
	int fd;

	start(0);
	says("one\ntwo\nthree\nfo");
	fd = attach_from(4);
	spin();
	DRAIN_EQ(fd, "two\nthree\nfo");
	fd = attach_from(console_hub_end(hub));
	says("ur\n");
	spin();
	DRAIN_EQ(fd, "ur\n");
	EQ(console_hub_start(hub), 0);
	EQ(console_hub_end(hub), 19);
	stop();
}

TEST(lines_are_counted_back_from_the_end)
{
	start(0);
	EQ(console_hub_lines(hub, 5), 0);
	says("one\ntwo\n");
	EQ(console_hub_lines(hub, 0), 8);
	EQ(console_hub_lines(hub, 1), 4);
	EQ(console_hub_lines(hub, 2), 0);
	EQ(console_hub_lines(hub, 3), 0);
	says("thr");
	EQ(console_hub_lines(hub, 1), 8);
	EQ(console_hub_lines(hub, 2), 4);
	OK(console_hub_is_line(hub, 0));
	OK(console_hub_is_line(hub, 4));
	OK(!console_hub_is_line(hub, 5));
	OK(!console_hub_is_line(hub, 99));
	stop();
}

TEST(scrollback_has_the_newest_bytes_also_of_one_huge_write)
{
	const size_t size = HUB_RING + 1000;
	char *big = test_room(size);
	char *got = test_room(HUB_RING + 1);
	int fd;

	start(0);
	memset(big, 'a', size);
	memcpy(big + size - 4, "end\n", 4);
	says("before\n");
	EQ(chardev_write(c, NULL, big, size), size);
	EQ(console_hub_end(hub), 7 + size);
	EQ(console_hub_end(hub) - console_hub_start(hub), HUB_RING);
	fd = attach_from(console_hub_start(hub));
	spin();
	strcpy(got, drain_len(fd, HUB_RING));
	EQ(strlen(got), HUB_RING);
	STR_EQ(got + HUB_RING - 5, "aend\n");
	stop();
}

TEST(s1_a_reader_that_does_not_read_delays_nobody)
{
	struct hub_wish w = { .notices = true };
	size_t got = 0;
	int slow, quick;
	unsigned i;

	start(0);
	slow = attach_as(&w);
	quick = attach_as(&w);
	for (i = 0; i < 40; i++) {
		says_much(50000);
		spin_for(1);
		got += strlen(drain_len(quick, 50000));
	}
	EQ(got, 40 * 50000);
	OK(is_idle());
	close(slow);
	OK(is_idle());
	stop();
}

TEST(s1_a_reader_that_was_overtaken_is_told_how_much_it_missed)
{
	const size_t room = 3000000;
	char *text = test_room(room);
	static const char form[] =
		"\r\n[nestor: %llu bytes are missing here; the "
		"guest wrote faster than they were read]\r\n%n";
	unsigned long long lost, all = 0, missed = 0;
	const char *s, *note;
	size_t len = 0;
	unsigned i;
	int fd, n;

	start(0);
	fd = attach_from(0);
	for (i = 0; i < 30; i++) {
		says_much(100000);
		spin_for(1);
	}
	says("the end\n");
	patience_start();
	while (!strstr(text, "the end\n") && patience_left()) {
		len += read_now(fd, text + len, room - 1 - len);
		spin_for(1);
	}
	/* What is there and what it says is missing make up all. */
	for (s = text; (note = strstr(s, "\r\n[")); s = note + n) {
		EQ(sscanf(note, form, &lost, &n), 1);
		all += note - s + lost;
		missed += lost;
		/* A line begins behind it. */
		EQ(note[n], note[n + 98]);
		EQ(note[n + 99], '\n');
	}
	all += strlen(s);
	OK(missed > 1000000);
	EQ(all, 30 * 100000 + 8);
	stop();
}

TEST(without_notices_output_ends_where_the_reader_was_overtaken)
{
	struct hub_wish w = { .notices = false };
	size_t got;
	int fd;

	start(100);
	fd = attach_as(&w);
	for (unsigned i = 0; i < 20; i++) {
		says_much(100000);
		spin_for(1);
	}
	got = read_to_end(fd);
	OK(got > 0 && got < 20 * 100000);
	/* What it sends still arrives. */
	put_str(fd, "still");
	SPIN_STR(guest->buf, "still");
	close(fd);
	OK(is_idle());
	stop();
}

TEST(an_unfinished_line_is_shown_soon)
{
	int fd;

	start(0);
	fd = attach_from(0);
	says("l");
	says("o");
	SPIN_UNTIL(is_readable(fd, 0));
	DRAIN_EQ(fd, "lo");
	stop();
}

TEST(input_of_all_writers_reaches_the_guest)
{
	int a, b;

	start(100);
	a = attach_from(0);
	b = attach_from(0);
	put_str(a, "aaa");
	put_str(b, "bbb");
	SPIN_UNTIL(guest->len == 6);
	OK(!strcmp(guest->buf, "aaabbb") || !strcmp(guest->buf, "bbbaaa"));
	stop();
}

TEST(the_end_of_its_input_is_not_that_of_its_output)
{
	int fd;

	start(100);
	fd = attach_from(0);
	put_str(fd, "in");
	shutdown(fd, SHUT_WR);
	SPIN_STR(guest->buf, "in");
	OK(is_idle());
	says("out\n");
	spin();
	DRAIN_EQ(fd, "out\n");
	OK(is_idle());
	stop();
}

TEST(input_of_one_that_has_gone_is_still_delivered)
{
	int fd;

	start(2);
	fd = attach_from(0);
	put_str(fd, "abcdef");
	close(fd);
	SPIN_STR(guest->buf, "ab");
	OK(is_idle());
	guest->cap = 100;
	chardev_room(c);
	SPIN_STR(guest->buf, "abcdef");
	OK(is_idle());
	stop();
}

TEST(s1_a_flood_of_input_stays_with_its_writer)
{
	static char flood[65536];
	size_t put = 0;
	ssize_t n;
	int fd;

	start(10);
	fd = attach_from(0);
	memset(flood, 'x', sizeof(flood));
	do {
		n = send(fd, flood, sizeof(flood), MSG_DONTWAIT);
		put += n > 0 ? n : 0;
		spin_for(1);
		LT(put, 4000000);
	} while (n > 0);
	EQ(guest->len, 10);
	OK(is_idle());
	/* Another writer, and the guest's output, do not notice. */
	says("alive\n");
	spin();
	DRAIN_EQ(fd, "alive\n");
	stop();
}

TEST(a_writer_that_floods_leaves_room_for_another)
{
	static char flood[4096];
	int fd, other;
	unsigned i;

	start(0);
	fd = attach_from(0);
	other = attach_from(0);
	memset(flood, 'x', sizeof(flood));
	EQ(send(fd, flood, sizeof(flood), 0), sizeof(flood));
	put_str(other, "yyy");
	spin();
	/* A UART takes 16 bytes at a time. */
	for (i = 0; i < 8; i++) {
		guest->cap += 16;
		chardev_room(c);
		spin_for(1);
	}
	HAS(guest->buf, "yyy");
	HAS(guest->buf, "xxxx");
	stop();
}

TEST(the_terminal_and_a_writer_take_turns)
{
	static char flood[4096];
	int fds[2], fd;
	char spec[16];
	unsigned i;

	EQ(pipe(fds), 0);
	snprintf(spec, sizeof(spec), "fd:%d", fds[0]);
	c = open_ok(spec);
	hub = console_hub_new(loop, c);
	guest = sink_new(c, 0);
	fd = attach_from(0);
	memset(flood, 'x', sizeof(flood));
	EQ(write(fds[1], flood, sizeof(flood)), sizeof(flood));
	put_str(fd, "yyy");
	spin();
	for (i = 0; i < 8; i++) {
		guest->cap += 16;
		chardev_room(c);
		spin_for(1);
	}
	HAS(guest->buf, "yyy");
	HAS(guest->buf, "xxxx");
	stop();
}

TEST(one_that_leaves_is_let_go_when_the_guest_has_all)
{
	struct hub_wish w = { .leaves = true };
	int fd;

	start(2);
	says("before\n");
	fd = attach_as(&w);
	put_str(fd, "abcd");
	shutdown(fd, SHUT_WR);
	spin();
	OK(!strcmp(drain(fd), "before\n"));
	says("mid\n");
	guest->cap = 10;
	chardev_room(c);
	EQ(read_to_end(fd), 4);
	STR_EQ(guest->buf, "abcd");
	OK(is_idle());
	stop();
}

TEST(readers_are_bounded_and_those_who_left_make_room)
{
	struct hub_wish w = { 0 };
	int fd[HUB_READERS], more[2];
	unsigned i;

	start(0);
	for (i = 0; i < HUB_READERS; i++)
		fd[i] = attach_from(0);
	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, more), 0);
	OK(!console_hub_has_room(hub));
	EQ(console_hub_attach(hub, more[0], &w), -ENOSPC);
	/* Gone, but for input that nobody takes. */
	put_str(fd[3], "never");
	close(fd[3]);
	spin();
	EQ(console_hub_attach(hub, more[0], &w), 0);
	OK(!console_hub_has_room(hub));
	close(fd[4]);
	SPIN_UNTIL(console_hub_has_room(hub));
	stop();
}

TEST(at_the_end_readers_get_the_last_words)
{
	char *got = test_room(HUB_RING);
	int fd;

	start(0);
	fd = attach_from(0);
	says_much(200000);
	says("last words\n");
	console_hub_free(hub);
	strcpy(got, drain_len(fd, 200011));
	EQ(strlen(got), 200011);
	STR_EQ(got + 200000, "last words\n");
	EQ(read(fd, got, 1), 0);
	finish(c, guest);
}

static void *writes(void *arg)
{
	unsigned i;

	(void)arg;
	for (i = 0; i < 2000; i++)
		chardev_write(c, NULL, "0123456789abcdef\n", 17);
	return NULL;
}

TEST(a_guest_that_writes_on_threads_of_its_own_loses_nothing)
{
	static char got[70000];
	pthread_t a, b;
	int fd;

	start(0);
	fd = attach_from(0);
	EQ(pthread_create(&a, NULL, writes, NULL), 0);
	EQ(pthread_create(&b, NULL, writes, NULL), 0);
	size_t len = 0;

	patience_start();
	while (len < 68000 && patience_left()) {
		spin_for(1);
		len += read_now(fd, got + len, sizeof(got) - 1 - len);
	}
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	EQ(len, 68000);
	EQ(count(got, "0123456789abcdef\n"), 4000);
	stop();
}
