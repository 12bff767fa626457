/* SPDX-License-Identifier: MIT */
/*
 * Standard input and output as a chardev.
 *
 * A terminal on standard input is ours only in the foreground. In the
 * background no signal says that this has changed back (a shell sends SIGCONT
 * only to what it had stopped), so a slow timer looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"
#include "host/chardev_impl.h"
#include "host/tty.h"

#define PREFIX ('a' & 0x1f) /* Ctrl-a */
#define LOOK   (500 * NSEC_PER_MSEC)

struct stdio {
	struct chardev c;
	bool tty;      /* standard input is a terminal */
	bool prefixed; /* Ctrl-a was typed */
	struct timer look;
};

static void look_later(struct stdio *s);

static void looked(struct timer *t)
{
	struct stdio *s = container_of(t, struct stdio, look);

	if (tty_raw(STDIN_FILENO) == -EAGAIN)
		look_later(s);
	else
		chardev_pump(&s->c);
}

static void look_later(struct stdio *s)
{
	if (!timer_is_open(&s->look) &&
	    timer_open(&s->look, s->c.loop, CLOCK_MONOTONIC, looked) < 0)
		return;
	timer_after(&s->look, LOOK);
}

static void stdio_start(struct chardev *c)
{
	struct stdio *s = container_of(c, struct stdio, c);

	if (s->tty)
		tty_raw(STDIN_FILENO);
}

static bool stdio_may_read(struct chardev *c)
{
	struct stdio *s = container_of(c, struct stdio, c);

	if (!s->tty || tty_foreground(STDIN_FILENO))
		return true;
	look_later(s);
	return false;
}

static void help(struct chardev *c)
{
	static const char text[] = "\r\nCtrl-a x  end this VM\r\n"
				   "Ctrl-a b  send a break\r\n"
				   "Ctrl-a a  send Ctrl-a\r\n"
				   "Ctrl-a h  this help\r\n";

	chardev_say(c, text, sizeof(text) - 1);
}

/* What follows a Ctrl-a; true if it was for us. */
static bool command(struct chardev *c, uint8_t ch)
{
	switch (ch) {
	case 'x':
		if (c->quit)
			c->quit(c->quit_ctx);
		return true;
	case 'h':
		help(c);
		return true;
	case 'b':
		chardev_break(c);
		return true;
	default:
		return false;
	}
}

static size_t stdio_filter(struct chardev *c, const uint8_t *in, size_t n,
			   uint8_t *out)
{
	struct stdio *s = container_of(c, struct stdio, c);
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		if (!s->tty || (!s->prefixed && in[i] != PREFIX)) {
			out[len++] = in[i];
		} else if (!s->prefixed) {
			s->prefixed = true;
		} else {
			s->prefixed = false;
			if (command(c, in[i]))
				continue;
			out[len++] = PREFIX;
			if (in[i] != PREFIX && in[i] != 'a')
				out[len++] = in[i];
		}
	}
	return len;
}

static bool stdio_size(struct chardev *c, unsigned *cols, unsigned *rows)
{
	struct winsize w;

	(void)c;
	if ((ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 &&
	     ioctl(STDIN_FILENO, TIOCGWINSZ, &w) < 0) ||
	    !w.ws_col || !w.ws_row)
		return false;
	*cols = w.ws_col;
	*rows = w.ws_row;
	return true;
}

static void stdio_close(struct chardev *c)
{
	struct stdio *s = container_of(c, struct stdio, c);

	timer_close(&s->look);
	if (s->tty)
		tty_restore();
}

static const struct chardev_ops stdio_ops = {
	.start = stdio_start,
	.may_read = stdio_may_read,
	.filter = stdio_filter,
	.size = stdio_size,
	.close = stdio_close,
};

static bool is_fed(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && !S_ISCHR(st.st_mode);
}

/* A standard stream that is closed is one that says and takes nothing. */
struct chardev *chardev_stdio(struct loop *l, struct err *e)
{
	struct stdio *s = calloc(1, sizeof(*s));
	int r = s ? chardev_init(&s->c, l, &stdio_ops) : -ENOMEM;
	struct stream in, out;

	if (r < 0) {
		err_host(e, r, "console stdio");
		free(s);
		return NULL;
	}
	stream_of(&in, STDIN_FILENO, O_RDONLY);
	stream_of(&out, STDOUT_FILENO, O_WRONLY);
	s->tty = isatty(STDIN_FILENO);
	s->c.in_ahead = s->tty;
	s->c.fed = is_fed(STDIN_FILENO);
	chardev_connect(&s->c, in, out);
	return &s->c;
}
