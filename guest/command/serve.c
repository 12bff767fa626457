/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * One loop around ppoll(). Of the program's output a piece is read only when
 * it fits into the buffer towards the host and into what the host has room
 * for; of its input, what the host sends fits into a window by agreement, and
 * waits here until the program's pipe takes it. Nothing blocks but ppoll().
 *
 * When the program has ended, whoever else still runs is killed: a machine ends
 * with its command. What they have written is carried until the pipes are
 * empty, and then the end is told.
 */
#include <linux/poll.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "guest/command/init.h"

/* What a signal at the terminal reaches: all of a job, not its leader alone. */
#define IS_FOR_ALL(n) ((n) == SIGINT || (n) == SIGQUIT || (n) == SIGHUP)

struct server {
	int port, signals, kmsg;
	struct child *child;

	/* Towards the host: whole frames, of which some bytes may be gone. */
	size_t to_head, to_len;
	uint8_t to[4 * (FRAME_HEADER + FRAME_MAX)];
	uint32_t window[2]; /* of the program's output */

	size_t from_len;
	uint8_t from[FRAME_HEADER + FRAME_MAX];
	/* Input that the program has not taken. */
	size_t in_head, in_len;
	uint8_t in[FRAME_WINDOW];
	bool in_ends;
	uint32_t in_owed; /* has been taken since the last credit */

	bool ended;
	int status;
};

static struct server server;

/* --- towards the host --- */

static bool has_room(const struct server *s, size_t payload)
{
	return sizeof(s->to) - s->to_len >= FRAME_HEADER + payload;
}

static void put(struct server *s, const void *buf, size_t len)
{
	if (s->to_head + s->to_len + len > sizeof(s->to)) {
		memmove(s->to, s->to + s->to_head, s->to_len);
		s->to_head = 0;
	}
	memcpy(s->to + s->to_head + s->to_len, buf, len);
	s->to_len += len;
}

static void put_frame(struct server *s, enum frame_type type, const void *head,
		      size_t head_len, const void *rest, size_t rest_len)
{
	const uint32_t word = (uint32_t)type << 24 | (head_len + rest_len);

	put(s, &word, sizeof(word));
	put(s, head, head_len);
	put(s, rest, rest_len);
}

static void put_credit(struct server *s)
{
	const uint8_t stream = 0;

	if (!s->in_owed || !has_room(s, 5))
		return;
	put_frame(s, FRAME_CREDIT, &stream, 1, &s->in_owed, sizeof(s->in_owed));
	s->in_owed = 0;
}

static void flush(struct server *s)
{
	while (s->to_len) {
		long n = SYS(write, s->port, s->to + s->to_head, s->to_len);

		if (n <= 0)
			return;
		s->to_head += n;
		s->to_len -= n;
	}
	s->to_head = 0;
}

/* Blocks: for the last words. */
static void flush_all(struct server *s)
{
	SYS(fcntl, s->port, F_SETFL, O_RDWR);
	flush(s);
}

void send_end(int port, enum frame_end how, int number, const char *text)
{
	struct server *s = &server;
	const uint8_t head[2] = { how, number };
	uint8_t none;

	s->port = port;
	SYS(sync);
	flush_all(s);
	put_frame(s, FRAME_END, head, sizeof(head), text, strlen(text));
	flush_all(s);
	/* The host ends the machine; if there is none, so do we. */
	while (SYS(read, port, &none, 1) > 0)
		;
	power_off();
}

/* --- the program's output --- */

static void close_out(struct server *s, int i)
{
	const uint8_t stream = i + 1;

	SYS(close, s->child->out[i]);
	s->child->out[i] = -1;
	if (has_room(s, 1))
		put_frame(s, FRAME_CLOSE, &stream, 1, NULL, 0);
}

static size_t may_read(const struct server *s, int i)
{
	const size_t most = FRAME_MAX - 1;

	if (s->child->out[i] < 0 || !has_room(s, FRAME_MAX))
		return 0;
	return s->window[i] < most ? s->window[i] : most;
}

static void carry_out(struct server *s, int i)
{
	static uint8_t buf[FRAME_MAX];
	const uint8_t stream = i + 1;
	long n = SYS(read, s->child->out[i], buf, may_read(s, i));

	if (n > 0) {
		put_frame(s, FRAME_DATA, &stream, 1, buf, n);
		s->window[i] -= n;
	} else if (n != -EAGAIN && n != -EINTR) {
		close_out(s, i);
	}
}

/* --- its input --- */

static void close_in(struct server *s)
{
	if (s->child->in >= 0)
		SYS(close, s->child->in);
	s->child->in = -1;
	s->in_len = 0;
}

static void carry_in(struct server *s)
{
	while (s->in_len) {
		long n =
			SYS(write, s->child->in, s->in + s->in_head, s->in_len);

		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0) {
			const uint8_t stream = 0;

			close_in(s);
			if (has_room(s, 1))
				put_frame(s, FRAME_CLOSE, &stream, 1, NULL, 0);
			return;
		}
		s->in_head += n;
		s->in_len -= n;
		s->in_owed += n;
	}
	s->in_head = 0;
	if (s->in_ends)
		close_in(s);
}

static void take_in(struct server *s, const uint8_t *buf, size_t len)
{
	if (s->child->in < 0 || len > sizeof(s->in) - s->in_len)
		return;
	if (s->in_head + s->in_len + len > sizeof(s->in)) {
		memmove(s->in, s->in + s->in_head, s->in_len);
		s->in_head = 0;
	}
	memcpy(s->in + s->in_head + s->in_len, buf, len);
	s->in_len += len;
	carry_in(s);
}

/* --- from the host --- */

static void take_signal(const struct server *s, int number)
{
	if (!s->ended)
		SYS(kill, IS_FOR_ALL(number) ? -s->child->pid : s->child->pid,
		    number);
}

static void take_close(struct server *s, unsigned stream)
{
	if (stream == 0) {
		s->in_ends = true;
		carry_in(s);
	} else if (stream <= 2 && s->child->out[stream - 1] >= 0) {
		close_out(s, stream - 1);
	}
}

static void take_frame(struct server *s, unsigned type, const uint8_t *p,
		       size_t len)
{
	uint32_t more;

	if (type == FRAME_DATA && len >= 1) {
		take_in(s, p + 1, len - 1);
	} else if (type == FRAME_CLOSE && len >= 1) {
		take_close(s, p[0]);
	} else if (type == FRAME_SIGNAL && len >= 1) {
		take_signal(s, p[0]);
	} else if (type == FRAME_CREDIT && len >= 5 &&
		   (p[0] == 1 || p[0] == 2)) {
		memcpy(&more, p + 1, sizeof(more));
		s->window[p[0] - 1] += more;
	}
}

static void take(struct server *s)
{
	uint32_t word;
	size_t len;
	long n = SYS(read, s->port, s->from + s->from_len,
		     sizeof(s->from) - s->from_len);

	if (n == 0)
		power_off();
	if (n < 0)
		return;
	s->from_len += n;
	while (s->from_len >= FRAME_HEADER) {
		memcpy(&word, s->from, sizeof(word));
		len = FRAME_HEADER + (word & 0xffffff);
		if (s->from_len < len)
			return;
		take_frame(s, word >> 24, s->from + FRAME_HEADER,
			   len - FRAME_HEADER);
		memmove(s->from, s->from + len, s->from_len - len);
		s->from_len -= len;
	}
}

/* --- the rest of the guest --- */

/* A child has ended: the program, or an orphan of its. */
static void reap(struct server *s)
{
	static uint8_t info[128];
	int pid, status;

	SYS(read, s->signals, info, sizeof(info));
	while ((pid = SYS(wait4, -1, &status, WNOHANG, 0)) > 0) {
		if (pid != s->child->pid)
			continue;
		s->ended = true;
		s->status = status;
		close_in(s);
		SYS(kill, -1, SIGKILL);
	}
}

/* One record: "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT\n", and further lines. */
static void hear_kernel(struct server *s)
{
	static char record[2048];
	const char *text, *end;
	long n = SYS(read, s->kmsg, record, sizeof(record));

	if (n <= 0 || !find(record, n, "ut of memory: Killed process"))
		return;
	text = find(record, n, ";");
	end = text ? find(text, record + n - text, "\n") : NULL;
	if (end && has_room(s, end - text))
		put_frame(s, FRAME_NOTICE, text + 1, end - text - 1, NULL, 0);
}

static void set_up(struct server *s)
{
	const uint64_t chld = 1ull << (SIGCHLD - 1);
	int i;

	s->window[0] = s->window[1] = FRAME_WINDOW;
	SYS(rt_sigprocmask, SIG_BLOCK, &chld, 0, sizeof(chld));
	s->signals =
		SYS(signalfd4, -1, &chld, sizeof(chld), O_CLOEXEC | O_NONBLOCK);
	s->kmsg = SYS(openat, AT_FDCWD, "/dev/kmsg",
		      O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	SYS(lseek, s->kmsg, 0, 2);
	SYS(fcntl, s->port, F_SETFL, O_RDWR | O_NONBLOCK);
	SYS(fcntl, s->child->in, F_SETFL, O_WRONLY | O_NONBLOCK);
	for (i = 0; i < 2; i++)
		SYS(fcntl, s->child->out[i], F_SETFL, O_RDONLY | O_NONBLOCK);
}

static void turn(struct server *s)
{
	struct pollfd p[6] = {
		{ .fd = s->port, .events = POLLIN },
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->kmsg, .events = POLLIN },
		{ .fd = s->in_len ? s->child->in : -1, .events = POLLOUT },
		{ .fd = may_read(s, 0) ? s->child->out[0] : -1,
		  .events = POLLIN },
		{ .fd = may_read(s, 1) ? s->child->out[1] : -1,
		  .events = POLLIN },
	};

	if (s->to_len)
		p[0].events |= POLLOUT;
	if (SYS(ppoll, p, 6, 0, 0, 0) < 0)
		return;
	if (p[0].revents & POLLHUP)
		power_off();
	if (p[0].revents & POLLIN)
		take(s);
	if (p[1].revents)
		reap(s);
	if (p[2].revents)
		hear_kernel(s);
	if (p[3].revents && s->child->in >= 0)
		carry_in(s);
	if (p[4].revents && s->child->out[0] >= 0)
		carry_out(s, 0);
	if (p[5].revents && s->child->out[1] >= 0)
		carry_out(s, 1);
	put_credit(s);
	flush(s);
}

void serve(int port, const struct job *j, struct child *c)
{
	struct server *s = &server;

	s->port = port;
	s->child = c;
	/* Waits for the host's side to open: before that the port hangs up. */
	put_frame(s, FRAME_STARTED, NULL, 0, NULL, 0);
	flush_all(s);
	set_up(s);
	/* It may have ended before its signals were blocked. */
	reap(s);
	while (!s->ended || c->out[0] >= 0 || c->out[1] >= 0)
		turn(s);
	if (s->status & 0x7f)
		send_end(port, FRAME_KILLED, s->status & 0x7f, j->argv[0]);
	send_end(port, FRAME_EXITED, s->status >> 8 & 0xff, j->argv[0]);
}
