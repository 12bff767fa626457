/* SPDX-License-Identifier: MIT */
/*
 * A listening UNIX socket as a chardev, for one client after the other. A
 * second one waits in the backlog until the first has gone.
 *
 * The client types at a guest's console: only our own user and root may.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"
#include "host/chardev_impl.h"
#include "host/unix.h"

struct unix_dev {
	struct chardev c;
	struct io listener;
	struct unix_listener socket;
};

static void accept_client(struct io *io, uint32_t events)
{
	struct unix_dev *u = container_of(io, struct unix_dev, listener);
	struct stream in = STREAM_NONE, out = STREAM_NONE;
	int fd = unix_accept(&u->socket);

	(void)events;
	if (fd < 0)
		return;
	if (stream_of(&in, fd, O_RDONLY) == 0 &&
	    stream_of(&out, fd, O_WRONLY) == 0) {
		loop_del(&u->listener);
		chardev_connect(&u->c, in, out);
		chardev_pump(&u->c);
	} else {
		stream_close(&in);
	}
	close(fd);
}

static void unix_hung_up(struct chardev *c)
{
	struct unix_dev *u = container_of(c, struct unix_dev, c);

	loop_add(c->loop, &u->listener, EPOLLIN);
}

static void unix_close(struct chardev *c)
{
	struct unix_dev *u = container_of(c, struct unix_dev, c);

	loop_del(&u->listener);
	unix_unlisten(&u->socket);
}

static const struct chardev_ops unix_ops = {
	.hung_up = unix_hung_up,
	.close = unix_close,
};

struct chardev *chardev_unix(struct loop *l, const char *path, struct err *e)
{
	struct unix_dev *u = calloc(1, sizeof(*u));
	int r = -ENOMEM;

	if (!u)
		goto fail;
	r = unix_listen(&u->socket, path, 1);
	if (r < 0)
		goto fail;
	u->listener.fd = u->socket.fd;
	u->listener.fn = accept_client;
	r = chardev_init(&u->c, l, &unix_ops);
	if (r < 0)
		goto fail_listener;
	r = loop_add(l, &u->listener, EPOLLIN);
	if (r == 0)
		return &u->c;
	chardev_fini(&u->c);
fail_listener:
	unix_unlisten(&u->socket);
fail:
	free(u);
	if (r == -EADDRINUSE)
		err_set(e, r,
			"console unix:%s: the path is in use; choose another "
			"or end the process that listens there",
			path);
	else
		err_host(e, r, "console unix:%s", path);
	return NULL;
}
