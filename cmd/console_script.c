/* SPDX-License-Identifier: MIT */
/*
 * nestor console --expect, --send: a conversation with a guest.
 *
 * The regular expressions are matched here, never in the VM, whose time they
 * are not to take. What is kept there is the cursor, set at each match before
 * anything else happens, so that whoever comes next goes on behind it.
 *
 * Positions are counted, so the connection carries no notices: when output is
 * lost because we were too slow, it ends, and is opened anew where the output
 * goes on.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/console.h"
#include "cmd/expect.h"
#include "cmd/text.h"
#include "core/log.h"
#include "core/timer.h"

/* As much of a line as a message shows. */
#define SHOWN 200

struct talk {
	struct console *console;
	bool json;
	struct expect x;
	char buf[16384];
	size_t at, len;	  /* what of it was not looked at yet */
	uint64_t printed; /* position up to which output was passed on */
	int64_t deadline; /* CLOCK_MONOTONIC, ms; -1: none */
	unsigned timeout; /* that is so many seconds after the step began */
	bool tty;	  /* standard output is a terminal */
	uint8_t lead;	  /* of the character of UTF-8 that is shown */
	unsigned tail;	  /* how many bytes it still has */
};

static void set_deadline(struct talk *t, unsigned seconds)
{
	t->timeout = seconds;
	t->deadline = seconds ? mono_ms() + seconds * 1000ll : -1;
}

/* 1 if the connection is ready for @events, 0 when time is up. */
static int await(const struct talk *t, short events)
{
	struct pollfd p = { .fd = client_fd(t->console->raw),
			    .events = events };
	int64_t left = -1;
	int n;

	do {
		if (t->deadline >= 0) {
			left = t->deadline - mono_ms();
			if (left <= 0)
				return 0;
			if (left > 1000000)
				left = 1000000;
		}
		n = poll(&p, 1, left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return 1;
}

/*
 * A byte, for a terminal that it must not command: as text_put() does, but what
 * comes may end within a character.
 */
static void show_byte(struct talk *t, uint8_t b)
{
	bool more = t->tail && (b & 0xc0) == 0x80;

	if (!t->tty || b == '\n' || b == '\t' || (b >= ' ' && b < 0x7f)) {
		t->tail = 0;
		putchar(b);
	} else if (more) {
		/* C2 80 to C2 9F are controls. */
		putchar(t->lead == 0xc2 && b < 0xa0 ? '?' : b);
		t->tail--;
	} else if (b >= 0xc2 && b < 0xf5) {
		t->lead = b;
		t->tail = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
		putchar(b);
	} else {
		t->tail = 0;
		if (b < 0x80)
			printf("^%c", b ^ 0x40);
		else
			putchar('?');
	}
}

/* What was looked at, up to @pos, without carriage returns: as lines. */
static void show(struct talk *t, uint64_t pos)
{
	const uint64_t first = t->x.pos - t->at; /* of the buffer */

	if (t->printed < first)
		t->printed = first;
	if (pos <= t->printed || t->json)
		return;
	for (; t->printed < pos; t->printed++)
		if (t->buf[t->printed - first] != '\r')
			show_byte(t, t->buf[t->printed - first]);
}

/* --- getting more --- */

static json_t *wish(json_t *from)
{
	return json_pack("{s:o, s:b, s:b}", "from", from, "notices", false,
			 "leave", true);
}

static int begin(struct talk *t, json_t *from, struct err *e)
{
	int r = console_open(t->console, wish(from), e);

	if (r)
		return r;
	expect_init(&t->x, t->console->position, t->console->line_begins);
	t->printed = t->x.pos;
	t->at = t->len = 0;
	return 0;
}

/* The connection has ended: for good, or as we were too slow. */
static int resume(struct talk *t)
{
	char last[EXPECT_LINE + 1];
	uint64_t pos = t->x.pos;
	struct err e;
	int r;

	strcpy(last, expect_last(&t->x));
	r = begin(t, json_integer(pos), &e);
	strcpy(t->x.last, last);
	if (!r && t->x.pos > pos)
		log_warnx("%llu bytes of output were missed: it came faster "
			  "than they were looked at",
			  (unsigned long long)(t->x.pos - pos));
	return r;
}

/* More output: 1; 0 when time is up; -errno when the VM has ended. */
static int more(struct talk *t)
{
	ssize_t n;

	for (;;) {
		n = recv(client_fd(t->console->raw), t->buf, sizeof(t->buf),
			 MSG_DONTWAIT);
		if (n > 0) {
			t->at = 0;
			t->len = n;
			return 1;
		}
		if (n < 0 && errno == EAGAIN) {
			fflush(stdout);
			if (!await(t, POLLIN))
				return 0;
		} else if (n == 0 || errno != EINTR) {
			return resume(t) < 0 ? -ECONNRESET : 1;
		}
	}
}

/* --- steps --- */

static void print_result(const struct talk *t, const struct step *s,
			 const char *result)
{
	const struct expect *x = &t->x;
	const bool matched = !strcmp(result, "matched");
	const char *line = matched ? x->line : expect_last(x);
	json_t *o = json_pack("{s:o, s:s, s:o}", "expect",
			      text_json(s->text, strlen(s->text)), "result",
			      result, "line", text_json(line, strlen(line)));

	if (matched)
		json_object_set_new(
			o, "text",
			text_json(x->line + x->found, x->begin - x->found));
	print_json(o);
}

static int fail(const struct talk *t, const struct step *s, bool timeout)
{
	const char *last = expect_last(&t->x);
	size_t len = strlen(last);

	if (t->json)
		print_result(t, s, timeout ? "timeout" : "ended");
	fflush(stdout);
	fputs("nestor: --expect '", stderr);
	text_put(stderr, s->text, strlen(s->text));
	fputs("': ", stderr);
	if (timeout)
		fprintf(stderr, "not seen within %u s; ", t->timeout);
	else
		fputs("the VM ended first; ", stderr);
	if (len) {
		fputs("the last line was '", stderr);
		text_put(stderr, last, len < SHOWN ? len : SHOWN);
		fputs(len < SHOWN ? "'\n" : "...'\n", stderr);
	} else {
		fputs("there was no output since the cursor\n", stderr);
	}
	return timeout ? STATUS_TIMEOUT : STATUS_FAILED;
}

static int set_cursor(struct talk *t)
{
	json_t *args = json_pack("{s:I}", "position", (json_int_t)t->x.cursor);
	struct err e;
	int r = client_call(t->console->control, "console-cursor", args,
			    CLIENT_PATIENCE, NULL, &e);

	/* Nobody will ask a VM that has ended. */
	return r && r != -ECONNRESET ? client_status(r, &e) : STATUS_OFF;
}

static int expect(struct talk *t, const struct step *s)
{
	int r;

	while (!expect_find(&t->x, &s->re)) {
		if (t->at < t->len) {
			t->at += expect_feed(&t->x, t->buf + t->at,
					     t->len - t->at);
			continue;
		}
		show(t, t->x.pos);
		r = more(t);
		if (r <= 0)
			return fail(t, s, r == 0);
	}
	show(t, t->x.cursor);
	if (t->json)
		print_result(t, s, "matched");
	return set_cursor(t);
}

static int untaken(const struct talk *t)
{
	log_warnx("--send: %s did not take all of it within %u s",
		  t->console->name, t->timeout);
	return STATUS_TIMEOUT;
}

static int send_text(struct talk *t, const struct step *s)
{
	size_t done = 0;
	ssize_t n;

	while (done < s->len) {
		n = send(client_fd(t->console->raw), s->text + done,
			 s->len - done, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0) {
			done += n;
		} else if (errno == EAGAIN) {
			if (!await(t, POLLOUT))
				return untaken(t);
		} else if (errno == EPIPE || errno == ECONNRESET) {
			log_warnx("--send: the VM ended first");
			return STATUS_FAILED;
		} else if (errno != EINTR) {
			log_warn("--send");
			return STATUS_FAILED;
		}
	}
	return STATUS_OFF;
}

/* Until the guest has taken what was sent: the VM hangs up then. */
static int leave(struct talk *t)
{
	int left = -1;

	shutdown(client_fd(t->console->raw), SHUT_WR);
	if (t->deadline >= 0) {
		left = t->deadline - mono_ms();
		if (left < 0)
			left = 0;
	}
	return client_await_end(t->console->raw, left) ? untaken(t)
						       : STATUS_OFF;
}

int console_script(struct console *c, struct step *steps, unsigned n, bool json)
{
	struct talk t = { .console = c,
			  .json = json,
			  .deadline = -1,
			  .tty = isatty(STDOUT_FILENO) };
	bool sent = false;
	struct err e;
	unsigned i;
	int r = begin(&t, json_string("cursor"), &e);

	if (r)
		return client_status(r, &e);
	r = STATUS_OFF;
	for (i = 0; i < n && !r; i++) {
		set_deadline(&t, steps[i].timeout);
		sent |= steps[i].is_send;
		r = steps[i].is_send ? send_text(&t, &steps[i])
				     : expect(&t, &steps[i]);
	}
	if (!r && sent)
		r = leave(&t);
	return r;
}
