/* SPDX-License-Identifier: MIT */
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#include "host/tty.h"
#include "tests/unit/console.h"

static int in, out; /* our ends of its standard streams */
static int master;
static struct termios before;

static void use_pipes(void)
{
	int fds[2];

	EQ(pipe(fds), 0);
	dup2(fds[0], 0);
	close(fds[0]);
	in = fds[1];
	EQ(pipe(fds), 0);
	dup2(fds[1], 1);
	close(fds[1]);
	out = fds[0];
}

static void use_terminal(void)
{
	struct winsize w = { .ws_col = 100, .ws_row = 30 };
	int slave;

	EQ(openpty(&master, &slave, NULL, NULL, &w), 0);
	dup2(slave, 0);
	dup2(slave, 1);
	close(slave);
	EQ(tcgetattr(0, &before), 0);
}

static bool is_raw(void)
{
	struct termios t;

	EQ(tcgetattr(0, &t), 0);
	return !(t.c_lflag & (ICANON | ECHO | ISIG)) && !(t.c_oflag & OPOST);
}

static bool is_restored(void)
{
	struct termios t;

	EQ(tcgetattr(0, &t), 0);
	return t.c_lflag == before.c_lflag && t.c_iflag == before.c_iflag &&
	       t.c_oflag == before.c_oflag && t.c_cflag == before.c_cflag;
}

TEST(a_pipe_is_fed_and_a_terminal_is_not)
{
	struct loop *l = loop_new();
	struct chardev *c;
	struct err e;

	use_pipes();
	c = chardev_open(l, "stdio", &e);
	OK(chardev_is_fed(c));
	chardev_close(c);
	use_terminal();
	c = chardev_open(l, "stdio", &e);
	OK(!chardev_is_fed(c));
	chardev_close(c);
	loop_free(l);
}

TEST(piped_input_gets_in_and_its_end_costs_nothing)
{
	struct chardev *c;
	struct sink *s;

	use_pipes();
	c = open_ok("stdio");
	s = sink_new(c, 4);
	put_str(in, "a\001xb and more");
	SPIN_STR(s->buf, "a\001xb"); /* no escapes but on a terminal */
	s->cap = 100;
	chardev_room(c);
	close(in);
	SPIN_STR(s->buf, "a\001xb and more");
	OK(is_idle());
	EQ(chardev_write(c, NULL, "still here\n", 11), 11);
	DRAIN_EQ(out, "still here\n");
	finish(c, s);
}

TEST(standard_streams_keep_their_flags)
{
	struct chardev *c;
	int i, fds[2];

	for (i = 0; i < 3; i++) {
		if (i == 0) {
			use_pipes();
		} else if (i == 1) {
			use_terminal();
		} else {
			EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
			dup2(fds[0], 0);
			dup2(fds[0], 1);
		}
		c = open_ok("stdio");
		free(sink_new(c, 0));
		chardev_write(c, NULL, "x\n", 2);
		EQ(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
		EQ(fcntl(1, F_GETFL) & O_NONBLOCK, 0);
		chardev_close(c);
	}
	loop_free(loop);
}

TEST(closed_standard_streams_do_no_harm)
{
	struct chardev *c;
	struct sink *s;

	close(0);
	close(1);
	tty_fill_standard();
	c = open_ok("stdio");
	s = sink_new(c, 100);
	EQ(chardev_write(c, NULL, "x\n", 2), 2);
	OK(is_idle());
	EQ(s->len, 0);
	finish(c, s);
}

TEST(a_closed_pipe_on_standard_output_does_not_end_the_vm)
{
	struct chardev *c;
	struct sink *s;

	use_pipes();
	close(out);
	c = open_ok("stdio");
	s = sink_new(c, 100);
	EQ(chardev_write(c, NULL, "x\n", 2), 2);
	put_str(in, "y");
	SPIN_STR(s->buf, "y");
	EQ(chardev_write(c, NULL, "x\n", 2), 2);
	finish(c, s);
}

TEST(the_terminal_is_raw_only_while_the_loop_runs)
{
	struct chardev *c;
	struct sink *s;

	use_terminal();
	c = open_ok("stdio");
	s = sink_new(c, 100);
	OK(is_restored());
	SPIN_UNTIL(is_raw());
	put_str(master, "\003\032\r");
	SPIN_STR(s->buf, "\003\032\r");
	chardev_write(c, NULL, "a\nb\n", 4);
	DRAIN_EQ(master, "a\nb\n");
	chardev_close(c);
	OK(is_restored());
	loop_free(loop);
	free(s);
}

static void on_quit(void *ctx)
{
	++*(unsigned *)ctx;
}

TEST(ctrl_a_x_quits_also_when_the_guest_takes_nothing)
{
	struct chardev *c;
	unsigned quits = 0;
	struct sink *s;

	use_terminal();
	c = open_ok("stdio");
	chardev_on_quit(c, on_quit, &quits);
	s = sink_new(c, 0);
	SPIN_UNTIL(is_raw());
	put_str(master, "hello?");
	put_str(master, "\001");
	spin();
	EQ(quits, 0);
	put_str(master, "x");
	SPIN_UNTIL(quits);
	EQ(quits, 1);
	s->cap = 100;
	chardev_room(c);
	SPIN_STR(s->buf, "hello?");
	finish(c, s);
}

static void count_bytes(void *ctx, const void *front, const void *buf,
			size_t len)
{
	(void)front;
	(void)buf;
	*(size_t *)ctx += len;
}

TEST(what_nestor_says_itself_is_none_of_the_guests_output)
{
	struct chardev_tap tap = { .output = count_bytes };
	struct chardev *c;
	struct sink *s;
	size_t seen = 0;

	use_terminal();
	c = open_ok("stdio");
	tap.ctx = &seen;
	EQ(chardev_tap(c, &tap), 0);
	s = sink_new(c, 100);
	SPIN_UNTIL(is_raw());
	put_str(master, "\001h");
	SPIN_UNTIL(is_readable(master, 0));
	EQ(seen, 0);
	chardev_write(c, NULL, "guest\n", 6);
	EQ(seen, 6);
	finish(c, s);
}

TEST(ctrl_a_h_helps_and_other_escapes_do_as_they_say)
{
	struct chardev *c;
	struct sink *s;

	use_terminal();
	c = open_ok("stdio");
	s = sink_new(c, 100);
	SPIN_UNTIL(is_raw());
	put_str(master, "\001h");
	SPIN_UNTIL(is_readable(master, 0));
	HAS(drain_len(master, 25), "Ctrl-a x  end this VM\r\n");
	EQ(s->len, 0);
	put_str(master, "\001a.\001\001.\001z.\001b");
	SPIN_STR(s->buf, "\001.\001.\001z.");
	SPIN_UNTIL(s->breaks);
	EQ(s->breaks, 1);
	finish(c, s);
}

TEST(more_typed_than_is_kept_waits_and_is_not_lost)
{
	static char text[3001];
	struct chardev *c;
	struct sink *s;
	unsigned i;

	memset(text, 'x', 3000);
	use_terminal();
	c = open_ok("stdio");
	s = sink_new(c, 0);
	SPIN_UNTIL(is_raw());
	for (i = 0; i < 2; i++) {
		put_str(master, text);
		OK(is_idle());
	}
	s->cap = 10000;
	chardev_room(c);
	SPIN_UNTIL(s->len >= 6000);
	EQ(s->len, 6000);
	finish(c, s);
}

TEST(s1_a_terminal_that_is_held_does_not_hold_the_writer)
{
	static char text[4096];
	struct chardev *c;
	unsigned i;

	memset(text, 'x', sizeof(text));
	use_terminal();
	c = open_ok("stdio");
	free(sink_new(c, 0));
	SPIN_UNTIL(is_raw());
	for (i = 0; i < 100; i++)
		if (chardev_write(c, NULL, text, sizeof(text)) < sizeof(text))
			break;
	LT(i, 100);
	chardev_close(c);
	OK(is_restored());
	loop_free(loop);
}

TEST(a_terminal_that_hangs_up_costs_nothing)
{
	struct chardev *c;
	struct sink *s;

	use_terminal();
	c = open_ok("stdio");
	s = sink_new(c, 100);
	SPIN_UNTIL(is_raw());
	close(master);
	OK(is_idle());
	EQ(chardev_write(c, NULL, "x\n", 2), 2);
	finish(c, s);
}

TEST(the_fronts_hear_of_the_terminals_size)
{
	struct winsize w = { .ws_col = 80, .ws_row = 25 };
	unsigned cols, rows;
	struct chardev *c;
	struct sink *s;

	use_terminal();
	c = open_ok("stdio");
	s = sink_new(c, 0);
	OK(chardev_size(c, &cols, &rows));
	EQ(cols, 100);
	EQ(rows, 30);
	EQ(ioctl(master, TIOCSWINSZ, &w), 0);
	chardev_resize(c);
	EQ(s->resized, 1);
	EQ(s->cols, 80);
	EQ(s->rows, 25);
	w.ws_col = 0;
	EQ(ioctl(master, TIOCSWINSZ, &w), 0);
	chardev_resize(c);
	EQ(s->cols, 0);
	EQ(s->rows, 0);
	finish(c, s);
}
