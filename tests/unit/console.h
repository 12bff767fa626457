/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the chardev's kinds share: a front that keeps what it gets,
 * and how to open and close.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/log.h"
#include "host/chardev.h"
#include "tests/unit/spin.h"

struct sink {
	size_t cap; /* how much it takes in all */
	size_t len;
	char buf[200000];
	unsigned writable, resized, breaks;
	unsigned cols, rows;
};

static inline size_t sink_room(void *ctx)
{
	struct sink *s = ctx;

	return s->cap - s->len;
}

static inline void sink_input(void *ctx, const void *buf, size_t len)
{
	struct sink *s = ctx;

	OK(len <= s->cap - s->len);
	memcpy(s->buf + s->len, buf, len);
	s->len += len;
}

static inline void sink_writable(void *ctx)
{
	((struct sink *)ctx)->writable++;
}

static inline void sink_resized(void *ctx, unsigned cols, unsigned rows)
{
	struct sink *s = ctx;

	s->resized++;
	s->cols = cols;
	s->rows = rows;
}

static inline void sink_break(void *ctx)
{
	((struct sink *)ctx)->breaks++;
}

/* A front that takes @cap bytes. */
static inline struct sink *sink_new(struct chardev *c, size_t cap)
{
	struct sink *s = calloc(1, sizeof(*s));
	struct chardev_front front = {
		.room = sink_room,
		.input = sink_input,
		.writable = sink_writable,
		.resized = sink_resized,
		.line_break = sink_break,
		.ctx = s,
	};

	s->cap = cap;
	EQ(chardev_attach(c, &front), 0);
	return s;
}

static inline struct chardev *open_ok(const char *spec)
{
	struct err e = { "" };
	struct chardev *c;

	if (!loop)
		loop = loop_new();
	c = chardev_open(loop, spec, &e);
	STR_EQ(e.text, "");
	OK(c);
	return c;
}

/* On one end of a pipe, whose other end is @peer. */
static inline struct chardev *open_pipe(int end, int *peer)
{
	char spec[16];
	int fds[2];

	EQ(pipe(fds), 0);
	*peer = fds[!end];
	snprintf(spec, sizeof(spec), "fd:%d", fds[end]);
	return open_ok(spec);
}

static inline const char *open_fails(const char *spec)
{
	static struct err e;

	if (!loop)
		loop = loop_new();
	OK(!chardev_open(loop, spec, &e));
	return e.text;
}

static inline void finish(struct chardev *c, struct sink *s)
{
	chardev_close(c);
	loop_free(loop);
	free(s);
}

static inline void put_str(int fd, const char *s)
{
	EQ(write(fd, s, strlen(s)), strlen(s));
}
