/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A client is in one of three moods: it is read (nothing is owed to it), it
 * waits for an answer (`busy`), or it has to take what is in its `out` first.
 * So the input of a client that floods stays in the socket, where it blocks
 * its sender and nobody else; what a read brought is at most one buffer of
 * requests. Events are the one thing that comes unasked, hence the bound on
 * `out`.
 *
 * A request outlives its client: `client` is NULL then, and the answer goes
 * nowhere.
 */
#include "host/control.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/utc.h"
#include "core/timer.h"
#include "core/util.h"
#include "host/peer.h"

#define READ_SIZE 4096
#define TOO_LONG                                                \
	"{\"error\": {\"code\": \"bad-request\", \"message\": " \
	"\"the line is too long\"}}"
#define TOO_MANY                                         \
	"{\"error\": {\"code\": \"busy\", \"message\": " \
	"\"too many clients\"}}"
#define ACCEPT_AGAIN NSEC_PER_SEC /* when there was no descriptor left */

struct client {
	struct control *control;
	struct client *next, **self;
	struct io io;
	struct control_request *busy;
	bool serving; /* within serve(): do not begin it again */
	bool ended;   /* it sends no more */
	bool dead;    /* to be freed as soon as nobody uses it */
	bool subscribed;
	char *in, *out;
	size_t in_head, in_len, in_room; /* head: up to here it is done */
	size_t out_len, out_room;
};

struct control_request {
	struct client *client; /* NULL: gone */
	json_t *id;
};

struct control {
	struct loop *loop;
	struct io listener;
	struct timer again;
	const struct control_command *commands;
	void *ctx;
	struct client *clients;
	unsigned nclients;
	char *kept[CONTROL_KEPT_EVENTS];
	unsigned first, nkept;
	struct log_limit strangers;
};

static void serve(struct client *c);

/* Clients. */

static void free_client(struct client *c)
{
	if (c->busy)
		c->busy->client = NULL;
	*c->self = c->next;
	if (c->next)
		c->next->self = c->self;
	c->control->nclients--;
	if (c->io.fd >= 0) {
		loop_del(&c->io);
		close(c->io.fd);
	}
	free(c->in);
	free(c->out);
	free(c);
}

/* Send what it is owed, as far as that goes without a wait. */
static void push(struct client *c)
{
	size_t done = 0;

	while (!c->dead && done < c->out_len) {
		ssize_t n = send(c->io.fd, c->out + done, c->out_len - done,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			c->dead = true;
		if (n < 0)
			break;
		done += n;
	}
	c->out_len -= done;
	if (done)
		memmove(c->out, c->out + done, c->out_len);
}

static void owe(struct client *c, const char *line, size_t len)
{
	size_t need = c->out_len + len + 1;
	char *grown;

	if (c->dead)
		return;
	if (need > c->out_room) {
		grown = need > CONTROL_OUT_MAX ? NULL : realloc(c->out, need);
		if (!grown) {
			c->dead = true;
			return;
		}
		c->out = grown;
		c->out_room = need;
	}
	memcpy(c->out + c->out_len, line, len);
	c->out[c->out_len + len] = '\n';
	c->out_len = need;
}

static void owe_json(struct client *c, json_t *o)
{
	char *line = json_dumps(o, JSON_COMPACT);

	if (line)
		owe(c, line, strlen(line));
	else
		c->dead = true;
	json_decref(o);
	free(line);
}

/* Wait for what can happen next. */
static void rest(struct client *c)
{
	if (c->dead)
		shutdown(c->io.fd, SHUT_RDWR); /* wakes us: EPOLLHUP */
	loop_mod(&c->io,
		 (c->out_len ? EPOLLOUT : 0) |
			 (c->out_len || c->busy || c->ended ? 0 : EPOLLIN));
}

/* After anything happened: send, go on, wait for the right thing, or end. */
static void settle(struct client *c)
{
	push(c);
	if (c->serving)
		return;
	if (!c->busy && !c->out_len && !c->dead && c->in_head < c->in_len)
		serve(c);
	if (c->ended && !c->busy && !c->out_len && !c->subscribed)
		c->dead = true;
	if (c->dead)
		free_client(c);
	else
		rest(c);
}

/* Requests. */

static bool too_deep(const char *s, size_t len)
{
	bool string = false;
	int depth = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (string && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			string = !string;
		else if (!string && (s[i] == '{' || s[i] == '['))
			depth++;
		else if (!string && (s[i] == '}' || s[i] == ']'))
			depth--;
		if (depth > CONTROL_DEPTH_MAX)
			return true;
	}
	return false;
}

static const struct control_command *find(const struct control *control,
					  const char *name)
{
	const struct control_command *k;

	for (k = control->commands; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

static void run_line(struct client *c, const char *line, size_t len)
{
	struct control_request *rq = calloc(1, sizeof(*rq));
	const struct control_command *k;
	json_t *o = NULL, *id = NULL, *args = NULL, *none = json_object();
	const char *name;
	json_error_t je;

	if (!rq) {
		c->dead = true;
		goto out;
	}
	rq->client = c;
	c->busy = rq;
	if (too_deep(line, len)) {
		control_refuse(rq, "bad-request", "nested too deeply");
		goto out;
	}
	o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je);
	if (!o) {
		control_refuse(rq, "bad-request", "no JSON: %s", je.text);
		goto out;
	}
	rq->id = json_incref(json_object_get(o, "id"));
	if (json_unpack_ex(o, &je, 0, "{s?o, s:s, s?o !}", "id", &id, "command",
			   &name, "arguments", &args) < 0) {
		control_refuse(rq, "bad-request",
			       "a request is {\"id\", \"command\", "
			       "\"arguments\"}: %s",
			       je.text);
		goto out;
	}
	k = find(c->control, name);
	if (args && !json_is_object(args))
		control_refuse(rq, "bad-request", "arguments is no object");
	else if (json_is_object(rq->id) || json_is_array(rq->id))
		control_refuse(rq, "bad-request", "id is no plain value");
	else if (!k)
		control_refuse(rq, "unknown-command",
			       "there is no command '%.40s'", name);
	else
		k->fn(c->control->ctx, rq, args ? args : none);
out:
	json_decref(none);
	json_decref(o);
}

/* Run what has come, as long as nothing is owed. */
static void serve(struct client *c)
{
	char *line, *end;

	c->serving = true;
	while (!c->dead && c->io.fd >= 0 && !c->busy && !c->out_len) {
		line = c->in + c->in_head;
		end = memchr(line, '\n', c->in_len - c->in_head);
		if (!end)
			break;
		c->in_head += end + 1 - line;
		run_line(c, line, end - line);
		push(c);
	}
	c->serving = false;
	c->in_len -= c->in_head;
	memmove(c->in, c->in + c->in_head, c->in_len);
	c->in_head = 0;
	if (c->in_len >= CONTROL_LINE_MAX) {
		owe(c, TOO_LONG, strlen(TOO_LONG));
		c->ended = true;
		c->in_len = 0;
	}
}

static void take_input(struct client *c)
{
	ssize_t n;
	char *grown;

	if (c->in_room < c->in_len + READ_SIZE) {
		grown = realloc(c->in, c->in_len + READ_SIZE);
		if (!grown) {
			c->dead = true;
			return;
		}
		c->in = grown;
		c->in_room = c->in_len + READ_SIZE;
	}
	n = recv(c->io.fd, c->in + c->in_len, READ_SIZE, MSG_DONTWAIT);
	if (n > 0)
		c->in_len += n;
	else if (n == 0)
		c->ended = true;
	else if (errno != EAGAIN && errno != EINTR)
		c->dead = true;
}

static void client_ready(struct io *io, uint32_t events)
{
	struct client *c = container_of(io, struct client, io);

	if (events & EPOLLIN)
		take_input(c);
	/* Both directions are closed: nobody is there to answer. */
	else if (events & (EPOLLHUP | EPOLLERR))
		c->dead = true;
	settle(c);
}

static void welcome(struct control *control, int fd)
{
	struct client *c;

	if (!peer_is_trusted(fd)) {
		log_guest(&control->strangers,
			  "a process of another user wanted to control the VM");
		close(fd);
		return;
	}
	c = control->nclients < CONTROL_CLIENTS_MAX ? calloc(1, sizeof(*c))
						    : NULL;
	if (!c) {
		send(fd, TOO_MANY "\n", sizeof(TOO_MANY),
		     MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	c->control = control;
	c->io = (struct io){ .fd = fd, .fn = client_ready };
	c->next = control->clients;
	c->self = &control->clients;
	if (c->next)
		c->next->self = &c->next;
	control->clients = c;
	control->nclients++;
	if (loop_add(control->loop, &c->io, EPOLLIN) < 0)
		free_client(c);
}

static void listener_ready(struct io *io, uint32_t events)
{
	struct control *control = container_of(io, struct control, listener);
	int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0) {
		welcome(control, fd);
	} else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
		/* No descriptor is left: whoever asks must wait for one. */
		loop_mod(io, 0);
		timer_after(&control->again, ACCEPT_AGAIN);
	}
}

static void accept_again(struct timer *t)
{
	struct control *control = container_of(t, struct control, again);

	loop_mod(&control->listener, EPOLLIN);
}

/* Answers. */

/* The answer's line goes out; true if the client is there to take it. */
static bool answer(struct control_request *rq, json_t *o)
{
	struct client *c = rq->client;

	if (rq->id)
		json_object_set(o, "id", rq->id);
	json_decref(rq->id);
	free(rq);
	if (!c) {
		json_decref(o);
		return false;
	}
	c->busy = NULL;
	owe_json(c, o);
	return true;
}

static void finish(struct control_request *rq, json_t *o)
{
	struct client *c = rq->client;

	if (answer(rq, o))
		settle(c);
}

static json_t *success(json_t *result)
{
	return json_pack("{s:o}", "result", result ? result : json_object());
}

void control_reply(struct control_request *rq, json_t *result)
{
	finish(rq, success(result));
}

void control_refuse(struct control_request *rq, const char *code,
		    const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Cut within a character, or quoting garbage: no JSON to be had. */
	finish(rq, json_pack("{s:{s:s, s:o}}", "error", "code", code, "message",
			     json_string(text) ?: json_string("garbled")));
}

int control_args(struct control_request *rq, json_t *args, const char *fmt, ...)
{
	json_error_t je;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = json_vunpack_ex(args, &je, JSON_STRICT, fmt, ap);
	va_end(ap);
	if (!r)
		return 0;
	control_refuse(rq, "invalid-argument", "%s", je.text);
	return -EINVAL;
}

void control_subscribe(struct control_request *rq, json_t *result, bool replay)
{
	struct client *c = rq->client;
	struct control *control;
	unsigned i;

	if (!answer(rq, success(result)))
		return;
	control = c->control;
	for (i = 0; replay && i < control->nkept; i++) {
		const char *line = control->kept[(control->first + i) %
						 CONTROL_KEPT_EVENTS];

		owe(c, line, strlen(line));
	}
	c->subscribed = true;
	settle(c);
}

int control_take(struct control_request *rq, json_t *result)
{
	struct client *c = rq->client;
	int fd;

	if (c && c->in_head != c->in_len) {
		json_decref(result);
		control_refuse(rq, "bad-request",
			       "send nothing behind this before its answer");
		return -EPROTO;
	}
	if (!answer(rq, success(result)))
		return -ECONNRESET;
	push(c);
	if (c->dead || c->out_len) {
		c->dead = true;
		settle(c);
		return -ECONNRESET;
	}
	loop_del(&c->io);
	fd = c->io.fd;
	c->io.fd = -1;
	c->dead = true;
	if (!c->serving)
		free_client(c);
	return fd;
}

static json_t *now(void)
{
	struct timespec t;
	char text[UTC_SIZE];

	clock_gettime(CLOCK_REALTIME, &t);
	utc_text(text, &t, true);
	return json_string(text);
}

static void keep(struct control *control, char *line)
{
	unsigned at = (control->first + control->nkept) % CONTROL_KEPT_EVENTS;

	if (control->nkept == CONTROL_KEPT_EVENTS) {
		free(control->kept[at]);
		control->first = (control->first + 1) % CONTROL_KEPT_EVENTS;
		control->nkept--;
	}
	control->kept[at] = line;
	control->nkept++;
}

void control_event(struct control *control, const char *event, json_t *data)
{
	json_t *o = json_pack("{s:s, s:o}", "event", event, "time", now());
	struct client *c;
	char *line;

	json_object_update(o, data);
	json_decref(data);
	line = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (!line)
		return;
	keep(control, line);
	for (c = control->clients; c; c = c->next) {
		if (!c->subscribed)
			continue;
		/* This may be within a request of another client's: nothing
		 * that runs requests or frees clients here. */
		owe(c, line, strlen(line));
		push(c);
		rest(c);
	}
}

int control_new(struct loop *loop, int listener,
		const struct control_command *commands, void *ctx,
		struct control **out)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->loop = loop;
	control->commands = commands;
	control->ctx = ctx;
	control->listener = (struct io){ .fd = listener, .fn = listener_ready };
	r = timer_open(&control->again, loop, CLOCK_MONOTONIC, accept_again);
	if (!r)
		r = loop_add(loop, &control->listener, EPOLLIN);
	if (r < 0)
		control_free(control);
	else
		*out = control;
	return r;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	while (control->clients) {
		push(control->clients);
		free_client(control->clients);
	}
	while (control->nkept)
		free(control->kept[(control->first + --control->nkept) %
				   CONTROL_KEPT_EVENTS]);
	if (control->listener.loop)
		loop_del(&control->listener);
	timer_close(&control->again);
	free(control);
}
