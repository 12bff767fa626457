/* SPDX-License-Identifier: MIT */
#include <termios.h>

#include "tests/unit/console.h"

static char name[64];

/* A pty, whose name is taken from standard error. */
static struct chardev *open_pty(void)
{
	int saved = dup(STDERR_FILENO), fds[2];
	struct chardev *c;

	EQ(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	c = open_ok("pty");
	dup2(saved, STDERR_FILENO);
	OK(is_readable(fds[0], PATIENCE * 1000));
	EQ(sscanf(drain(fds[0]), "nestor: console on %63s", name), 1);
	return c;
}

static int open_slave(void)
{
	int fd = open(name, O_RDWR | O_NOCTTY);

	OK(fd >= 0);
	return fd;
}

TEST(a_pty_goes_both_ways_and_is_raw)
{
	struct chardev *c = open_pty();
	struct sink *s = sink_new(c, 100);
	int fd = open_slave();
	struct termios t;

	EQ(tcgetattr(fd, &t), 0);
	EQ(t.c_lflag & (ICANON | ECHO | ISIG), 0);
	put_str(fd, "in\r\n\003");
	SPIN_STR(s->buf, "in\r\n\003");
	chardev_write(c, NULL, "out\n", 4);
	DRAIN_EQ(fd, "out\n");
	close(fd);
	finish(c, s);
}

TEST(s1_a_pty_that_nobody_has_open_drops_output_and_costs_nothing)
{
	struct chardev *c = open_pty();
	struct sink *s = sink_new(c, 100);
	static char text[100000];
	int fd;

	memset(text, 'x', sizeof(text));
	EQ(chardev_write(c, NULL, text, sizeof(text)), sizeof(text));
	OK(is_idle());
	fd = open_slave();
	put_str(fd, "x");
	SPIN_STR(s->buf, "x");
	close(fd);
	OK(is_idle());
	EQ(chardev_write(c, NULL, text, sizeof(text)), sizeof(text));
	finish(c, s);
}

TEST(a_pty_can_be_opened_again)
{
	struct chardev *c = open_pty();
	struct sink *s = sink_new(c, 100);
	unsigned i;
	int fd;

	for (i = 0; i < 3; i++) {
		fd = open_slave();
		put_str(fd, "x");
		SPIN_UNTIL(s->len == i + 1);
		chardev_write(c, NULL, "y\n", 2);
		DRAIN_EQ(fd, "y\n");
		close(fd);
		OK(is_idle());
	}
	finish(c, s);
}
