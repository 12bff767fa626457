/* SPDX-License-Identifier: MIT */
/*
 * The control socket: one client that sends anything, in any pieces, reads or
 * does not, closes one side or both; beside it one that behaves, which must get
 * its answer whatever the other does.
 *
 * A byte says what comes: how many bytes follow to be sent, or one of the acts
 * below.
 */
#include "host/control.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/loop.h"
#include "tests/unit/loop_call.h"

enum { READ = 240, HALF_CLOSE, REOPEN, EVENT, ANSWER, TURN };

static struct loop *loop;
static struct control *control;
static struct sockaddr_un addr = { .sun_family = AF_UNIX };
static socklen_t addr_len = sizeof(addr);
static struct control_request *pending;

static void do_echo(void *ctx, struct control_request *rq, json_t *args)
{
	(void)ctx;
	control_reply(rq, json_incref(args));
}

static void do_number(void *ctx, struct control_request *rq, json_t *args)
{
	int n = 0;

	(void)ctx;
	if (!control_args(rq, args, "{s?i}", "n", &n))
		control_refuse(rq, "number", "%d", n);
}

static void answer(void)
{
	struct control_request *rq = pending;

	pending = NULL;
	if (rq)
		control_reply(rq, NULL);
}

static void do_later(void *ctx, struct control_request *rq, json_t *args)
{
	(void)ctx;
	(void)args;
	answer();
	pending = rq;
}

static void do_events(void *ctx, struct control_request *rq, json_t *args)
{
	(void)ctx;
	(void)args;
	control_subscribe(rq, NULL, true);
}

static void do_take(void *ctx, struct control_request *rq, json_t *args)
{
	int fd = control_take(rq, NULL);

	(void)ctx;
	(void)args;
	if (fd >= 0)
		close(fd);
}

static void do_tell(void *ctx, struct control_request *rq, json_t *args)
{
	(void)ctx;
	control_event(control, "told", json_incref(args));
	control_reply(rq, NULL);
}

static const struct control_command commands[] = {
	{ "e", do_echo },   { "n", do_number }, { "l", do_later },
	{ "s", do_events }, { "t", do_take },	{ "w", do_tell },
	{ NULL, NULL },
};

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* Each turn serves at least what was ready before it. */
static void turn(unsigned n)
{
	while (n--) {
		loop_call(loop, stop, NULL);
		loop_run(loop);
	}
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	/* The backlog is full while nobody takes a turn. */
	while (connect(fd, (struct sockaddr *)&addr, addr_len) < 0) {
		if (errno != EAGAIN)
			abort();
		turn(1);
	}
	return fd;
}

static void check_the_other(void)
{
	static const char question[] = "{\"command\":\"e\",\"id\":1}\n";
	static const char expected[] = "{\"result\":{},\"id\":1}\n";
	char text[64] = "";
	int fd = client(), i;
	ssize_t n = 0;

	if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0)
		abort();
	for (i = 0; i < 1000 && n <= 0; i++) {
		turn(1);
		n = recv(fd, text, sizeof(text) - 1, 0);
	}
	if (strcmp(text, expected))
		abort();
	close(fd);
}

static void act(uint8_t what, int *fd)
{
	char drop[4096];

	switch (what) {
	case READ:
		if (recv(*fd, drop, sizeof(drop), 0) < 0) {
			/* There is nothing. */
		}
		return;
	case HALF_CLOSE:
		shutdown(*fd, SHUT_WR);
		return;
	case REOPEN:
		close(*fd);
		*fd = client();
		return;
	case EVENT:
		control_event(control, "e", NULL);
		return;
	case ANSWER:
		answer();
		return;
	default:
		turn(3);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd, listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	addr_len = sizeof(addr);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(sa_family_t)) < 0 ||
	    getsockname(listener, (struct sockaddr *)&addr, &addr_len) < 0 ||
	    listen(listener, 100) < 0)
		abort();
	loop = loop_new();
	if (control_new(loop, listener, commands, NULL, &control) < 0)
		abort();
	fd = client();
	while (size) {
		size_t n = *data++;

		size--;
		if (n >= READ) {
			act(n, &fd);
			continue;
		}
		if (n > size)
			n = size;
		if (send(fd, data, n, MSG_NOSIGNAL) < 0) {
			/* Full, or closed: its own fault. */
		}
		data += n;
		size -= n;
		turn(1);
	}
	turn(3);
	check_the_other();
	close(fd);
	turn(3);
	answer();
	control_free(control);
	loop_free(loop);
	close(listener);
	return 0;
}
