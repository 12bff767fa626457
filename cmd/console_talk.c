/* SPDX-License-Identifier: MIT */
/*
 * nestor console, for a person at a terminal or a program at a pipe.
 *
 * Output is written as it comes; a slow reader of it holds up nobody else.
 * Input is read only when the last is sent, so that what a guest does not take
 * stays where it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/console.h"
#include "core/log.h"
#include "host/stream.h"
#include "host/tty.h"

#define PREFIX ('a' & 0x1f) /* Ctrl-a */

struct terminal {
	struct console *console;
	int fd; /* the console's */
	int winch;
	bool tty, prefixed;
	bool detached, ended;
	struct stream in; /* without one: input has ended */
	char buf[4096 + 1];
	size_t at, len; /* what of it is not sent yet */
};

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0) {
		/* Nobody looks. */
	}
}

/* A command beside the console; if it fails, the session goes on. */
static void tell(struct terminal *t, const char *command, json_t *args)
{
	struct err e;

	if (client_call(t->console->control, command, args, CLIENT_PATIENCE,
			NULL, &e) < 0)
		log_debug("%s", e.text);
}

static void tell_size(struct terminal *t)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row)
		tell(t, "resize",
		     json_pack("{s:i, s:i}", "columns", (int)w.ws_col, "rows",
			       (int)w.ws_row));
}

/* What follows a Ctrl-a; true if it was for us. */
static bool command(struct terminal *t, char c)
{
	switch (c) {
	case 'd':
		t->detached = true;
		return true;
	case 'b':
		tell(t, "break", NULL);
		return true;
	case 'h':
		say("\r\nCtrl-a d  detach: the VM goes on\r\n"
		    "Ctrl-a b  send a break\r\n"
		    "Ctrl-a a  send Ctrl-a\r\n"
		    "Ctrl-a h  this help\r\n");
		return true;
	default:
		return false;
	}
}

/* @n bytes that were typed, from @in to what is to be sent. */
static void filter(struct terminal *t, const char *in, size_t n)
{
	size_t i;

	for (i = 0; i < n && !t->detached; i++) {
		if (!t->prefixed && in[i] != PREFIX) {
			t->buf[t->len++] = in[i];
		} else if (!t->prefixed) {
			t->prefixed = true;
		} else {
			t->prefixed = false;
			if (command(t, in[i]))
				continue;
			t->buf[t->len++] = PREFIX;
			if (in[i] != PREFIX && in[i] != 'a')
				t->buf[t->len++] = in[i];
		}
	}
}

static void end_input(struct terminal *t)
{
	stream_close(&t->in);
	shutdown(t->fd, SHUT_WR);
}

static void take_input(struct terminal *t)
{
	char in[sizeof(t->buf) - 1];
	ssize_t n = stream_read(&t->in, in, sizeof(in));

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		end_input(t);
		return;
	}
	t->at = t->len = 0;
	if (t->tty) {
		filter(t, in, n);
	} else {
		memcpy(t->buf, in, n);
		t->len = n;
	}
}

static void send_input(struct terminal *t)
{
	ssize_t n = send(t->fd, t->buf + t->at, t->len - t->at,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		t->at += n;
	else if (errno != EAGAIN && errno != EINTR)
		t->at = t->len; /* its output ends, too */
}

/* 0 or -errno, if nobody reads. */
static int put_all(const char *p, size_t len)
{
	struct pollfd wait = { .fd = STDOUT_FILENO, .events = POLLOUT };

	while (len) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n >= 0) {
			p += n;
			len -= n;
		} else if (errno == EAGAIN) {
			poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int take_output(struct terminal *t)
{
	char buf[16384];
	ssize_t n = recv(t->fd, buf, sizeof(buf), MSG_DONTWAIT);
	int r;

	if (n > 0) {
		r = put_all(buf, n);
		if (r < 0)
			log_warnx("standard output: %s", strerror(-r));
		return r;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		t->ended = true;
	return 0;
}

/* One turn: wait for anything, and do it. */
static int turn(struct terminal *t)
{
	const bool waiting = t->at < t->len;
	struct pollfd p[] = {
		{ .fd = t->fd, .events = POLLIN | (waiting ? POLLOUT : 0) },
		{ .fd = waiting ? -1 : t->in.fd, .events = POLLIN },
		{ .fd = t->winch, .events = POLLIN },
	};
	struct signalfd_siginfo si;

	if (poll(p, 3, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[2].revents && read(t->winch, &si, sizeof(si)) == sizeof(si))
		tell_size(t);
	if (p[1].revents)
		take_input(t);
	if (p[0].revents & POLLOUT)
		send_input(t);
	return p[0].revents & ~POLLOUT ? take_output(t) : 0;
}

static int begin(struct terminal *t, bool leave)
{
	sigset_t winch;
	int r = 0;

	t->tty = isatty(STDIN_FILENO) && !leave;
	if (t->tty)
		r = tty_raw(STDIN_FILENO);
	if (r == -EAGAIN)
		log_warnx("console: is in the background, where it cannot have "
			  "the terminal");
	else if (r < 0)
		log_warnx("console: the terminal: %s", strerror(-r));
	if (r < 0)
		return r;
	if (t->tty) {
		sigemptyset(&winch);
		sigaddset(&winch, SIGWINCH);
		sigprocmask(SIG_BLOCK, &winch, NULL);
		t->winch = signalfd(-1, &winch, SFD_CLOEXEC | SFD_NONBLOCK);
		tell_size(t);
	}
	if (isatty(STDIN_FILENO) && leave)
		end_input(t); /* nobody is asked to type */
	else if (stream_of(&t->in, STDIN_FILENO, O_RDONLY) < 0)
		end_input(t);
	return 0;
}

int console_talk(struct console *c, bool leave)
{
	struct terminal t = { .console = c,
			      .fd = client_fd(c->raw),
			      .winch = -1,
			      .in = STREAM_NONE };
	int r = begin(&t, leave);

	if (r < 0)
		return STATUS_FAILED;
	if (t.tty)
		say("[nestor: attached; Ctrl-a d detaches, Ctrl-a h "
		    "helps]\r\n");
	while (!r && !t.detached && !t.ended)
		r = turn(&t);
	/* What was typed before Ctrl-a d; without a wait, for a guest may be
	 * stuck. */
	if (t.detached && t.at < t.len)
		send_input(&t);
	tty_restore();
	if (t.tty)
		say(t.detached ? "\r\n[nestor: detached]\r\n"
			       : "\r\n[nestor: the VM has ended]\r\n");
	stream_close(&t.in);
	if (t.winch >= 0)
		close(t.winch);
	return r < 0 ? STATUS_FAILED : STATUS_OFF;
}
