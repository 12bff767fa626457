/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Whoever connects to PATH is a caller until its line has come, and then its
 * descriptor is the model's. Nothing behind the line is read here: it is looked
 * at (MSG_PEEK) until it is whole, and then only it is taken. A caller is
 * therefore waited for edge by edge: what is there and not enough would wake
 * the loop for ever.
 *
 * There are at most CALLERS of them. A client that connects and says nothing
 * keeps nobody out: the next one takes the place of the one that has it longest.
 */
#include "host/vsock_unix.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/remedy.h"
#include "host/unix.h"
#include "host/vsock.h"

#define CALLERS 32u
#define BACKLOG 128
/* "CONNECT 4294967295", and some blanks. */
#define LINE_LEN 32u
/* "_4294967295" */
#define PORT_LEN 11u

struct caller {
	struct io io; /* fd is -1: free */
	struct vsock_unix *u;
};

struct vsock_unix {
	struct vsock_back back;
	struct vsock_front front;
	struct unix_listener socket;
	struct io listener;
	struct caller caller[CALLERS];
	unsigned turn; /* who has to leave next */
};

static void hang_up(struct caller *c)
{
	loop_del(&c->io);
	close(c->io.fd);
	c->io.fd = -1;
}

/* The number in `CONNECT <port>`; -1 if that is something else. */
static int64_t parse(const char *line)
{
	unsigned long long port;
	char *end;

	if (strncasecmp(line, "CONNECT ", 8) || !isdigit(line[8]))
		return -1;
	port = strtoull(line + 8, &end, 10);
	end += strspn(end, " \t\r");
	return *end || port > UINT32_MAX ? -1 : (int64_t)port;
}

/* The length of the line in @buf of @len bytes; 0: not whole yet; -EPROTO. */
static int whole(const char *buf, ssize_t len)
{
	const char *end = len > 0 ? memchr(buf, '\n', len) : NULL;

	if (end)
		return end - buf + 1;
	return len == LINE_LEN || (len <= 0 && errno != EAGAIN) ? -EPROTO : 0;
}

static void hear(struct io *io, uint32_t events)
{
	struct caller *c = (struct caller *)io;
	struct vsock_front *front = &c->u->front;
	char line[LINE_LEN];
	int len, fd = io->fd;
	int64_t port;

	(void)events;
	errno = 0;
	len = whole(line, recv(fd, line, sizeof(line), MSG_PEEK));
	if (len == 0)
		return;
	if (len < 0 || recv(fd, line, len, 0) != len) {
		hang_up(c);
		return;
	}
	line[len - 1] = 0;
	port = parse(line);
	if (port < 0 || !front->asked) {
		hang_up(c);
		return;
	}
	loop_del(io);
	io->fd = -1;
	if (front->asked(front->ctx, fd, port) < 0)
		close(fd);
}

static struct caller *place(struct vsock_unix *u)
{
	struct caller *c;

	for (c = u->caller; c < u->caller + CALLERS; c++)
		if (c->io.fd < 0)
			return c;
	c = &u->caller[u->turn++ % CALLERS];
	hang_up(c);
	return c;
}

static void accept_caller(struct io *io, uint32_t events)
{
	struct vsock_unix *u =
		(struct vsock_unix *)((char *)io -
				      offsetof(struct vsock_unix, listener));
	int fd = unix_accept(&u->socket);
	struct caller *c;

	(void)events;
	if (fd < 0)
		return;
	c = place(u);
	*c = (struct caller){ .io = { .fd = fd, .fn = hear }, .u = u };
	if (loop_add(io->loop, &c->io, EPOLLIN | EPOLLET) < 0)
		hang_up(c);
}

static void attach(struct vsock_back *back, const struct vsock_front *front)
{
	((struct vsock_unix *)back)->front = *front;
}

static int dial(struct vsock_back *back, uint32_t port)
{
	struct vsock_unix *u = (struct vsock_unix *)back;
	char name[UNIX_NAME_MAX + PORT_LEN];
	int fd;

	snprintf(name, sizeof(name), "%s_%u", u->socket.name, port);
	fd = unix_connect_at(u->socket.dir, name);
	if (fd < 0)
		log_debug("vsock: %s: %s", name, strerror(-fd));
	return fd;
}

static void accepted(struct vsock_back *back, int fd, uint32_t port)
{
	char line[LINE_LEN];
	struct iovec iov = { .iov_base = line };

	(void)back;
	iov.iov_len = snprintf(line, sizeof(line), "OK %u\n", port);
	/*
	 * The first bytes to a socket always fit; if the client has gone, it is
	 * all the same.
	 */
	unix_write(fd, &iov, 1);
}

static void vsock_unix_free(struct vsock_back *back)
{
	struct vsock_unix *u = (struct vsock_unix *)back;
	struct caller *c;

	for (c = u->caller; c < u->caller + CALLERS; c++)
		if (c->io.fd >= 0)
			hang_up(c);
	loop_del(&u->listener);
	unix_unlisten(&u->socket);
	free(u);
}

static int start(struct vsock_unix *u, struct loop *l, const char *path)
{
	unsigned i;
	int r;

	for (i = 0; i < CALLERS; i++)
		u->caller[i].io.fd = -1;
	/* The sockets that the guest connects to have longer names. */
	if (strlen(path) + PORT_LEN >= UNIX_NAME_MAX)
		return -ENAMETOOLONG;
	r = unix_listen(&u->socket, path, BACKLOG);
	if (r < 0)
		return r;
	u->listener = (struct io){ .fd = u->socket.fd, .fn = accept_caller };
	r = loop_add(l, &u->listener, EPOLLIN);
	if (r < 0)
		unix_unlisten(&u->socket);
	return r;
}

struct vsock_back *vsock_unix_new(struct loop *l, const char *path,
				  struct err *e)
{
	struct vsock_unix *u = calloc(1, sizeof(*u));
	int r = u ? start(u, l, path) : -ENOMEM;

	if (r < 0) {
		if (r == -EADDRINUSE)
			err_set(e, r,
				"--vsock %s: the path is in use; choose "
				"another or end the process that listens there",
				path);
		else
			err_path(e, r, "--vsock", path);
		free(u);
		return NULL;
	}
	u->back = (struct vsock_back){ .attach = attach,
				       .dial = dial,
				       .accepted = accepted,
				       .free = vsock_unix_free };
	return &u->back;
}
