/* SPDX-License-Identifier: MIT */
/*
 * The control socket's server: requests, answers and events, one JSON object a
 * line (nestor-ctl(7) is its specification).
 *
 * What a request means is its table's business; here are lines, limits and
 * clients. A client is answered in order, one request at a time, and is read
 * again only when it has taken its answers. One that does not take its events
 * is dropped. No client delays another, or the loop.
 *
 * All on the loop's thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct control;
struct control_request;
struct loop;

#define CONTROL_LINE_MAX    65536u /* bytes of a request */
#define CONTROL_DEPTH_MAX   8	   /* objects and lists within each other */
#define CONTROL_CLIENTS_MAX 200
#define CONTROL_KEPT_EVENTS 64
#define CONTROL_OUT_MAX	    (1u << 20) /* bytes that a client has not taken */

struct control_command {
	const char *name;
	/*
	 * Answers, now or later, by one of control_reply(), control_refuse(),
	 * control_subscribe() and control_take(). @args is an object, and valid
	 * for the time of the call.
	 */
	void (*fn)(void *ctx, struct control_request *, json_t *args);
};

/*
 * control_new() - serve the listening, non-blocking socket @listener
 *
 * It stays the caller's. @commands ends with an empty row. Only processes of
 * our user and of root get an answer. 0 or -errno.
 */
int control_new(struct loop *, int listener,
		const struct control_command *commands, void *ctx,
		struct control **out);

/* Clients get what they are owed if that needs no wait. NULL is fine. */
void control_free(struct control *);

/* Answer with @result (stolen; NULL: an empty object). */
void control_reply(struct control_request *, json_t *result);

/* Answer with an error: @code for programs, the sentence for people. */
void control_refuse(struct control_request *, const char *code, const char *fmt,
		    ...) __attribute__((format(printf, 3, 4)));

/*
 * control_args() - json_unpack() the arguments, strictly
 *
 * 0; or -EINVAL, and the request has been refused.
 */
int control_args(struct control_request *, json_t *args, const char *fmt, ...);

/* Answer, and from now on send events; with @replay the last ones first. */
void control_subscribe(struct control_request *, json_t *result, bool replay);

/*
 * control_take() - answer, and take the connection over
 *
 * The descriptor, non-blocking and the caller's, on which everything behind the
 * answer's line is the caller's too. -errno: the client is gone, or has sent
 * more already, which has been refused.
 */
int control_take(struct control_request *, json_t *result);

/*
 * control_event() - tell the subscribers, and keep it for those to come
 *
 * @data (stolen; may be NULL) is an object whose members the event gets beside
 * "event" and "time" (UTC, milliseconds).
 */
void control_event(struct control *, const char *event, json_t *data);
