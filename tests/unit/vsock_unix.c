/* SPDX-License-Identifier: MIT */
#include "host/vsock_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/log.h"
#include "core/loop.h"
#include "host/unix.h"
#include "host/vsock.h"
#include "tests/unit/spin.h"
#include "tests/unit/test.h"

static const char *path, *path_of_7;
static struct vsock_back *back;
/* The last one who was let through, and how many were. */
static int got = -1, verdict;
static uint32_t got_port;
static unsigned asked;

static int on_asked(void *ctx, int fd, uint32_t port)
{
	EQ(ctx == &got, 1);
	asked++;
	got_port = port;
	got = verdict < 0 ? -1 : fd;
	return verdict;
}

static void name(void)
{
	path = test_path("v");
	path_of_7 = test_path("v_7");
	loop = loop_new();
}

static void open_it(void)
{
	struct err e;

	back = vsock_unix_new(loop, path, &e);
	if (!back)
		FAIL("%s", e.text);
	back->attach(back, &(struct vsock_front){ on_asked, &got });
}

static void start(void)
{
	name();
	open_it();
}

static void finish(void)
{
	back->free(back);
	loop_free(loop);
	OK(access(path, F_OK) < 0);
}

/* Nothing is to come of it yet. */
static int client(const char *line)
{
	int fd = unix_connect(path);

	OK(fd >= 0);
	EQ(write(fd, line, strlen(line)), strlen(line));
	spin();
	return fd;
}

static bool has_answer(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* One whose line is whole: the device is asked, or it is hung up on. */
static int served(const char *line)
{
	unsigned before = asked;
	int fd = client(line);

	SPIN_UNTIL(asked != before || has_answer(fd));
	return fd;
}

static bool hung_up(int fd)
{
	char c;

	return read(fd, &c, 1) == 0;
}

static void hears(int fd, const char *s)
{
	char buf[64] = "";

	EQ(read(fd, buf, sizeof(buf) - 1), strlen(s));
	STR_EQ(buf, s);
}

TEST(a_line_names_the_port_and_what_follows_is_left_alone)
{
	int fd;

	start();
	fd = served("CONNECT 4294967295\nhello");
	EQ(asked, 1);
	EQ(got_port, UINT32_MAX);
	hears(got, "hello");
	back->accepted(back, got, 1073741825);
	hears(fd, "OK 1073741825\n");
	EQ(write(got, "x", 1), 1);
	hears(fd, "x");
	close(got);
	OK(hung_up(fd));
	close(fd);
	finish();
}

TEST(a_line_may_come_in_pieces)
{
	int fd;

	start();
	fd = client("CONN");
	EQ(asked, 0);
	/* It is not looked at over and over. */
	OK(is_idle());
	EQ(write(fd, "ECT 1234", 8), 8);
	spin();
	EQ(asked, 0);
	EQ(write(fd, "\n", 1), 1);
	SPIN_UNTIL(asked == 1);
	EQ(got_port, 1234);
	close(got);
	close(fd);
	finish();
}

TEST(what_is_no_line_of_that_form_is_hung_up_on)
{
	static const char *const lines[] = {
		"\n",
		"HELLO\n",
		"CONNECT\n",
		"CONNECT \n",
		"CONNECT -1\n",
		"CONNECT +1\n",
		"CONNECT 4294967296\n",
		"CONNECT 99999999999999999999\n",
		"CONNECT 12x\n",
		"CONNECT 1 2\n",
		"CONNECT 0000000000000000000000000000001\n",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	unsigned i;

	start();
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int fd = served(lines[i]);
		char c;

		/* 0, or -1 where something was not read. */
		errno = 0;
		OK(read(fd, &c, 1) <= 0 && errno != EAGAIN);
		close(fd);
	}
	EQ(asked, 0);
	finish();
}

TEST(a_port_that_nobody_has_is_hung_up_on)
{
	int fd;

	start();
	verdict = -ECONNREFUSED;
	fd = served("CONNECT 5\n");
	EQ(asked, 1);
	OK(hung_up(fd));
	close(fd);
	finish();
}

TEST(callers_who_say_nothing_keep_nobody_out)
{
	int fd[100], last;
	unsigned i;

	start();
	for (i = 0; i < 100; i++)
		fd[i] = client("");
	last = served("connect 9\r\n");
	EQ(asked, 1);
	OK(hung_up(fd[0]));
	close(got);
	close(last);
	for (i = 0; i < 100; i++)
		close(fd[i]);
	spin();
	finish();
}

TEST(without_descriptors_callers_are_turned_away_and_the_loop_is_idle)
{
	struct rlimit none = { 0, 0 }, all;
	int fd, next;

	start();
	fd = unix_connect(path);
	EQ(getrlimit(RLIMIT_NOFILE, &all), 0);
	/* What is open stays, and there is one for the clock of spin(). */
	next = dup(fd);
	close(next);
	none.rlim_cur = next + 1;
	none.rlim_max = all.rlim_max;
	EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	SPIN_UNTIL(has_answer(fd));
	OK(hung_up(fd));
	OK(is_idle());
	EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
	close(fd);
	fd = served("CONNECT 5\n");
	EQ(asked, 1);
	close(got);
	close(fd);
	finish();
}

TEST(the_guest_finds_who_listens_for_a_port)
{
	struct unix_listener l;
	int a, b;

	start();
	EQ(back->dial(back, 7), -ENOENT);
	EQ(unix_listen(&l, path_of_7, 1), 0);
	a = back->dial(back, 7);
	OK(a >= 0);
	b = unix_accept(&l);
	OK(b >= 0);
	EQ(write(a, "x", 1), 1);
	hears(b, "x");
	close(a);
	close(b);
	unix_unlisten(&l);
	EQ(back->dial(back, 7), -ENOENT);
	finish();
}

TEST(who_listens_and_does_not_accept_is_not_waited_for)
{
	struct unix_listener l;
	int fd[64], n = 0;

	start();
	EQ(unix_listen(&l, path_of_7, 1), 0);
	while (n < 64 && (fd[n] = back->dial(back, 7)) >= 0)
		n++;
	LT(n, 64);
	EQ(fd[n], -EAGAIN);
	while (n)
		close(fd[--n]);
	unix_unlisten(&l);
	finish();
}

TEST(of_more_pieces_than_a_call_takes_the_first_are_moved)
{
	static char out[IOV_MAX + 1], in[sizeof(out)];
	static struct iovec v[sizeof(out)];
	int fd[2];
	size_t i;

	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	for (i = 0; i < sizeof(out); i++)
		v[i] = (struct iovec){ out + i, 1 };
	EQ(unix_write(fd[0], v, sizeof(out)), IOV_MAX);
	for (i = 0; i < sizeof(in); i++)
		v[i] = (struct iovec){ in + i, 1 };
	EQ(unix_read(fd[1], v, sizeof(in)), IOV_MAX);
	close(fd[0]);
	close(fd[1]);
}

TEST(A1_the_socket_is_for_its_owner_alone)
{
	struct stat st;

	name();
	umask(0);
	open_it();
	EQ(stat(path, &st), 0);
	EQ(st.st_mode & 0777, 0600);
	finish();
}

TEST(a_path_in_use_is_refused_and_that_of_the_dead_replaced)
{
	struct unix_listener l;
	struct err e;

	name();
	EQ(unix_listen(&l, path, 1), 0);
	OK(!vsock_unix_new(loop, path, &e));
	HAS(e.text, "v: the path is in use; choose another");
	close(l.fd);
	EQ(access(path, F_OK), 0);
	open_it();
	finish();
}

TEST(a_path_without_room_for_a_port_is_refused)
{
	char lengthy[108] = "/tmp/";
	struct err e;

	loop = loop_new();
	memset(lengthy + 5, 'x', 93);
	OK(!vsock_unix_new(loop, lengthy, &e));
	HAS(e.text, "too long");
	loop_free(loop);
}
