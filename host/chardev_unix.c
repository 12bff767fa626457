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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/log.h"
#include "host/chardev_impl.h"

struct unix_dev {
	struct chardev c;
	struct io listener;
	struct sockaddr_un addr;
	struct stat st; /* of the socket that we made, lest we remove another */
};

static bool is_trusted(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == geteuid() || cred.uid == 0);
}

static void accept_client(struct io *io, uint32_t events)
{
	struct unix_dev *u = container_of(io, struct unix_dev, listener);
	struct stream in = STREAM_NONE, out = STREAM_NONE;
	int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	if (is_trusted(fd) && stream_of(&in, fd, O_RDONLY) == 0 &&
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
	struct stat st;

	loop_del(&u->listener);
	close(u->listener.fd);
	if (lstat(u->addr.sun_path, &st) == 0 && st.st_ino == u->st.st_ino &&
	    st.st_dev == u->st.st_dev)
		unlink(u->addr.sun_path);
}

static const struct chardev_ops unix_ops = {
	.hung_up = unix_hung_up,
	.close = unix_close,
};

/* Nobody listens on the socket at @addr any more. */
static bool is_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* The mode of the socket, set before bind(), becomes that of the file. */
static int listen_at(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = fchmod(fd, 0600);
	if (r == 0)
		r = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	if (r < 0 && errno == EADDRINUSE && is_stale(addr)) {
		unlink(addr->sun_path);
		r = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	}
	if (r < 0 || listen(fd, 1) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

struct chardev *chardev_unix(struct loop *l, const char *path, struct err *e)
{
	struct unix_dev *u = calloc(1, sizeof(*u));
	int r = -ENOMEM;

	if (!u)
		goto fail;
	r = -ENAMETOOLONG;
	if (strlen(path) >= sizeof(u->addr.sun_path))
		goto fail;
	u->addr.sun_family = AF_UNIX;
	strcpy(u->addr.sun_path, path);
	r = listen_at(&u->addr);
	if (r < 0)
		goto fail;
	u->listener.fd = r;
	u->listener.fn = accept_client;
	lstat(path, &u->st);
	r = chardev_init(&u->c, l, &unix_ops);
	if (r < 0)
		goto fail_listener;
	r = loop_add(l, &u->listener, EPOLLIN);
	if (r == 0)
		return &u->c;
	chardev_fini(&u->c);
fail_listener:
	close(u->listener.fd);
	unlink(path);
fail:
	free(u);
	if (r == -EADDRINUSE)
		err_set(e, r,
			"console unix:%s: the path is in use; choose another "
			"or end the process that listens there",
			path);
	else
		err_set(e, r, "console unix:%s: %s", path, strerror(-r));
	return NULL;
}
