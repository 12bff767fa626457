/* SPDX-License-Identifier: MIT */
/*
 * From "stdio", "pty", "unix:PATH" and the like to a chardev, and the kinds
 * that need nothing but their streams.
 */
#include "host/chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"
#include "host/chardev_impl.h"

static const struct chardev_ops plain_ops;

/* A chardev of no particular kind; the streams are taken if it succeeds. */
static struct chardev *plain(struct loop *l, struct stream in,
			     struct stream out, struct err *e)
{
	struct chardev *c = calloc(1, sizeof(*c));
	int r = c ? chardev_init(c, l, &plain_ops) : -ENOMEM;

	if (r < 0) {
		err_host(e, r, "console");
		free(c);
		return NULL;
	}
	chardev_connect(c, in, out);
	return c;
}

/* O_NONBLOCK: a FIFO that nobody reads is an error, not a wait. */
static struct chardev *open_file(struct loop *l, const char *path,
				 struct err *e)
{
	struct stream out = STREAM_NONE;
	struct chardev *c = NULL;
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK |
			      O_CLOEXEC,
		      0666);
	int r = fd < 0 ? -errno : stream_of(&out, fd, O_WRONLY);

	if (r < 0)
		err_host(e, r, "cannot write console output to '%s'", path);
	else
		c = plain(l, STREAM_NONE, out, e);
	if (!c)
		stream_close(&out);
	if (fd >= 0)
		close(fd);
	return c;
}

/* The number in all of @s, or -1. */
static int parse_fd(const char *s)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	return end == s || *end || errno || n < 0 || n > INT_MAX ? -1 : n;
}

static struct chardev *open_fd(struct loop *l, const char *num, struct err *e)
{
	struct stream in = STREAM_NONE, out = STREAM_NONE;
	int fd = parse_fd(num), mode = fcntl(fd, F_GETFL);
	struct chardev *c = NULL;
	int r = mode < 0 ? -EBADF : 0;

	if (r == 0 && (mode & O_ACCMODE) != O_WRONLY)
		r = stream_of(&in, fd, O_RDONLY);
	if (r == 0 && (mode & O_ACCMODE) != O_RDONLY)
		r = stream_of(&out, fd, O_WRONLY);
	if (r < 0)
		err_set(e, r,
			"console fd:%s: give the number of a descriptor that "
			"nestor inherits open: %s",
			num, strerror(-r));
	else
		c = plain(l, in, out, e);
	if (c) {
		close(fd);
		return c;
	}
	stream_close(&in);
	stream_close(&out);
	return NULL;
}

struct chardev *chardev_open(struct loop *l, const char *spec, struct err *e)
{
	if (!strcmp(spec, "stdio"))
		return chardev_stdio(l, e);
	if (!strcmp(spec, "null"))
		return plain(l, STREAM_NONE, STREAM_NONE, e);
	if (!strcmp(spec, "pty"))
		return chardev_pty(l, e);
	if (!strncmp(spec, "file:", 5) && spec[5])
		return open_file(l, spec + 5, e);
	if (!strncmp(spec, "unix:", 5) && spec[5])
		return chardev_unix(l, spec + 5, e);
	if (!strncmp(spec, "fd:", 3))
		return open_fd(l, spec + 3, e);
	err_set(e, -EINVAL,
		"console '%s': give one of stdio, null, pty, file:PATH, "
		"unix:PATH, fd:N",
		spec);
	return NULL;
}
