/* SPDX-License-Identifier: MIT */
/*
 * A pipe that is the guest's console: a ring buffer keeps the last of it, which
 * is printed as plain text when the command fails.
 */
#include "run/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"
#include "core/loop.h"
#include "core/util.h"
#include "host/chardev.h"

#define KEPT 32768u

struct capture {
	struct io io;
	bool show;
	size_t total; /* bytes that have come */
	char kept[KEPT];
};

/* A line end, a blank or something to be seen. */
static bool is_plain(char c)
{
	return c == '\n' || c == '\t' || (c >= ' ' && c <= '~');
}

static void print(const char *p, size_t len)
{
	for (; len; len--, p++)
		if (is_plain(*p))
			fputc(*p, stderr);
}

static bool take(struct capture *c)
{
	char buf[4096];
	ssize_t n = read(c->io.fd, buf, sizeof(buf)), i;

	if (n <= 0)
		return false;
	if (c->show)
		print(buf, n);
	for (i = 0; !c->show && i < n; i++)
		c->kept[c->total++ % KEPT] = buf[i];
	return true;
}

static void ready(struct io *io, uint32_t events)
{
	struct capture *c = container_of(io, struct capture, io);

	(void)events;
	if (!take(c))
		loop_del(io);
}

void capture_print(struct capture *c)
{
	size_t at, last = '\n';

	while (take(c))
		;
	at = c->total > KEPT ? c->total - KEPT : 0;
	for (; at < c->total; at++) {
		print(&c->kept[at % KEPT], 1);
		last = c->kept[at % KEPT];
	}
	if (last != '\n')
		fputc('\n', stderr);
	c->total = 0;
}

struct capture *capture_new(struct loop *loop, bool show, struct chardev **chr,
			    struct err *e)
{
	struct capture *c = calloc(1, sizeof(*c));
	char spec[16];
	int fds[2];

	if (!c || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		err_host(e, -errno, "the guest's console");
		free(c);
		return NULL;
	}
	c->show = show;
	c->io = (struct io){ .fd = fds[0], .fn = ready };
	snprintf(spec, sizeof(spec), "fd:%d", fds[1]);
	*chr = chardev_open(loop, spec, e);
	if (*chr && !loop_add(loop, &c->io, EPOLLIN))
		return c;
	if (!*chr)
		close(fds[1]);
	chardev_close(*chr);
	close(fds[0]);
	free(c);
	return NULL;
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	loop_del(&c->io);
	close(c->io.fd);
	free(c);
}
