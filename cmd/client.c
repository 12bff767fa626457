/* SPDX-License-Identifier: MIT */
/*
 * The client's side of the control socket: connecting, one request and its
 * answer at a time, and waiting for events. The socket is non-blocking, so that
 * every wait has a deadline.
 */
#include "cmd/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "run/ending.h"
#include "core/log.h"
#include "core/timer.h"

/* No answer is longer: statistics of 512 vCPUs have 2 MB. */
#define LINE_MAX_BYTES (16u << 20)

struct client {
	struct vmref vm;
	int fd;
	char *buf;
	size_t len, room;
};

/* 0 when the descriptor is ready for @events, or -ETIMEDOUT. */
static int await(const struct client *c, short events, int64_t deadline)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int64_t left = -1;
	int n;

	do {
		if (deadline >= 0) {
			left = deadline - mono_ms();
			if (left < 0)
				left = 0;
		}
		n = poll(&p, 1, left > 1000000 ? 1000000 : (int)left);
	} while ((n < 0 && errno == EINTR) || (n == 0 && left > 1000000));
	return n > 0 ? 0 : n < 0 ? -errno : -ETIMEDOUT;
}

static int64_t deadline_of(int timeout)
{
	return timeout < 0 ? -1 : mono_ms() + timeout;
}

static int say_ended(const struct vmref *vm, struct err *e)
{
	struct ending end;

	ending_read(vm, &end);
	return err_set(e, -ESRCH, "%s has ended (%s)", vm->name,
		       cause_name(end.cause));
}

static int say(const struct client *c, int r, struct err *e)
{
	if (r == -ETIMEDOUT)
		return err_set(e, r, "%s does not answer", c->vm.name);
	if (r == -ECONNRESET || r == -EPIPE || r == -ENODATA)
		return err_set(e, -ECONNRESET, "%s has ended meanwhile",
			       c->vm.name);
	return err_set(e, r, "%s: %s", c->vm.name, strerror(-r));
}

int client_open(const char *runtime_dir, const char *name, struct client **out,
		struct err *e)
{
	struct client *c = calloc(1, sizeof(*c));
	struct rundir *base = NULL;
	int r;

	if (!c)
		return err_no_memory(e);
	c->fd = c->vm.dir = -1;
	r = rundir_open(runtime_dir, false, &base, e);
	if (r == -ENOENT)
		err_set(e, r, "no VM is called '%.80s': see 'nestor ls'", name);
	if (!r)
		r = rundir_find(base, name, &c->vm, e);
	rundir_close(base);
	if (!r)
		r = c->fd = vmref_connect(&c->vm);
	if (r >= 0) {
		*out = c;
		return 0;
	}
	if (c->vm.dir >= 0 && !vmref_is_alive(&c->vm))
		r = say_ended(&c->vm, e);
	else if (c->vm.dir >= 0 && r == -EAGAIN)
		err_set(e, r, "%s does not take connections", c->vm.name);
	else if (c->vm.dir >= 0)
		err_set(e, r, "%s: cannot connect: %s", c->vm.name,
			strerror(-r));
	client_close(c);
	return r;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	vmref_close(&c->vm);
	free(c->buf);
	free(c);
}

const struct vmref *client_vm(const struct client *c)
{
	return &c->vm;
}

int client_fd(const struct client *c)
{
	return c->fd;
}

pid_t client_pid(const struct client *c)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return 0;
	return cred.pid;
}

static int send_line(struct client *c, const char *text, int64_t deadline)
{
	size_t len = strlen(text), done = 0;
	int r;

	while (done < len) {
		ssize_t n = send(c->fd, text + done, len - done, MSG_NOSIGNAL);

		if (n >= 0) {
			done += n;
		} else if (errno == EAGAIN) {
			r = await(c, POLLOUT, deadline);
			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/*
 * Reads nothing beyond the line, as the raw stream of a console may follow an
 * answer: bytes are peeked at, and consumed up to the newline.
 */
static int read_line(struct client *c, int64_t deadline)
{
	char *grown, *end;
	ssize_t n;
	int r;

	for (c->len = 0;;) {
		if (c->room - c->len < 4096) {
			grown = c->room > LINE_MAX_BYTES
					? NULL
					: realloc(c->buf, 2 * c->room + 8192);
			if (!grown)
				return -ENOMEM;
			c->buf = grown;
			c->room = 2 * c->room + 8192;
		}
		n = recv(c->fd, c->buf + c->len, c->room - c->len - 1,
			 MSG_PEEK);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno == EAGAIN) {
			r = await(c, POLLIN, deadline);
			if (r < 0)
				return r;
		} else if (n < 0 && errno != EINTR) {
			return -errno;
		} else if (n > 0) {
			end = memchr(c->buf + c->len, '\n', n);
			if (end)
				n = end + 1 - (c->buf + c->len);
			n = recv(c->fd, c->buf + c->len, n, 0);
			if (n > 0)
				c->len += n;
			if (end) {
				c->buf[c->len] = '\0';
				return 0;
			}
		}
	}
}

static int read_json(struct client *c, int64_t deadline, json_t **out)
{
	int r = read_line(c, deadline);

	if (r < 0)
		return r;
	*out = json_loads(c->buf, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(*out))
		return 0;
	json_decref(*out);
	*out = NULL;
	return -EPROTO;
}

/* The result of an answer (stolen), or its error as a sentence. */
static int unpack(struct client *c, json_t *answer, json_t **result,
		  struct err *e)
{
	const char *why = NULL;
	json_t *o = json_object_get(answer, "result");
	int r = 0;

	if (!o) {
		json_unpack(answer, "{s:{s:s}}", "error", "message", &why);
		r = err_set(e, -EREMOTEIO, "%s: %s", c->vm.name,
			    why ? why : "makes no sense");
	} else if (result) {
		*result = json_incref(o);
	}
	json_decref(answer);
	return r;
}

int client_call(struct client *c, const char *command, json_t *args,
		int timeout, json_t **result, struct err *e)
{
	int64_t deadline = deadline_of(timeout);
	json_t *answer, *o = json_pack("{s:s}", "command", command);
	char *line, *text = NULL;
	int r = -ENOMEM;

	if (args)
		json_object_set_new(o, "arguments", args);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text && asprintf(&line, "%s\n", text) >= 0) {
		r = send_line(c, line, deadline);
		free(line);
	}
	free(text);
	if (!r)
		r = read_json(c, deadline, &answer);
	return r < 0 ? say(c, r, e) : unpack(c, answer, result, e);
}

int client_event(struct client *c, int timeout, json_t **event, struct err *e)
{
	int r = read_json(c, deadline_of(timeout), event);

	if (!r)
		return 0;
	*event = NULL;
	say(c, r, e);
	return r == -ECONNRESET ? -ENODATA : r;
}

int client_await_end(struct client *c, int timeout)
{
	int64_t deadline = deadline_of(timeout);
	char drop[512];
	ssize_t n;
	int r;

	for (;;) {
		n = recv(c->fd, drop, sizeof(drop), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return 0;
		if (n < 0 && errno == EAGAIN) {
			r = await(c, POLLIN, deadline);
			if (r < 0)
				return r;
		}
	}
}

int client_status(int r, const struct err *e)
{
	cmd_refuse(e);
	return r == -ENOENT || r == -EPERM || r == -EACCES || r == -ENOTDIR ||
			       r == -EINVAL
		       ? STATUS_USAGE
		       : STATUS_FAILED;
}

int print_json(json_t *o)
{
	int r = o ? json_dumpf(o, stdout, JSON_COMPACT) : -1;

	json_decref(o);
	putchar('\n');
	if (!r)
		return STATUS_OFF;
	log_warnx("out of memory");
	return STATUS_FAILED;
}
