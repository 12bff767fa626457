/* SPDX-License-Identifier: MIT */
/*
 * A new pseudo-terminal as a chardev.
 *
 * While nobody has its slave open, the master reports EPOLLHUP without end and
 * output would pile up: the chardev is disconnected then, and output dropped.
 * inotify tells when somebody opens the slave.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"
#include "host/chardev_impl.h"

struct pty {
	struct chardev c;
	struct io opened; /* inotify */
	int master;
};

static void slave_opened(struct io *io, uint32_t events)
{
	char buf[sizeof(struct inotify_event) + NAME_MAX + 1];
	struct pty *p = container_of(io, struct pty, opened);
	struct stream in = STREAM_NONE, out = STREAM_NONE;

	(void)events;
	while (read(io->fd, buf, sizeof(buf)) > 0)
		;
	if (p->c.in.fd >= 0)
		return;
	if (stream_of(&in, p->master, O_RDONLY) < 0 ||
	    stream_of(&out, p->master, O_WRONLY) < 0) {
		stream_close(&in);
		return;
	}
	/* The master itself is ours alone, and so are its flags. */
	in.kind = out.kind = STREAM_OWN;
	chardev_connect(&p->c, in, out);
	chardev_pump(&p->c);
}

static void pty_hung_up(struct chardev *c)
{
	(void)c; /* The next open is an event again. */
}

static void pty_close(struct chardev *c)
{
	struct pty *p = container_of(c, struct pty, c);

	loop_del(&p->opened);
	close(p->opened.fd);
	close(p->master);
}

static const struct chardev_ops pty_ops = {
	.hung_up = pty_hung_up,
	.close = pty_close,
};

/* The master of a new pty in raw mode, its slave's name in @name; or -errno. */
static int make_pty(char *name, size_t size)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	struct termios t;

	if (fd < 0)
		return -errno;
	if (grantpt(fd) == 0 && unlockpt(fd) == 0 &&
	    ptsname_r(fd, name, size) == 0 && tcgetattr(fd, &t) == 0) {
		cfmakeraw(&t);
		if (tcsetattr(fd, TCSANOW, &t) == 0)
			return fd;
	}
	close(fd);
	return -EIO;
}

static int watch(const char *name)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	if (inotify_add_watch(fd, name, IN_OPEN) >= 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

struct chardev *chardev_pty(struct loop *l, struct err *e)
{
	struct pty *p = calloc(1, sizeof(*p));
	char name[64];
	int r = -ENOMEM;

	if (!p)
		goto fail;
	r = p->master = make_pty(name, sizeof(name));
	if (r < 0)
		goto fail;
	r = p->opened.fd = watch(name);
	if (r < 0)
		goto fail_master;
	p->opened.fn = slave_opened;
	r = chardev_init(&p->c, l, &pty_ops);
	if (r < 0)
		goto fail_watch;
	r = loop_add(l, &p->opened, EPOLLIN);
	if (r == 0) {
		fprintf(stderr, "nestor: console on %s\n", name);
		return &p->c;
	}
	chardev_fini(&p->c);
fail_watch:
	close(p->opened.fd);
fail_master:
	close(p->master);
fail:
	free(p);
	err_host(e, r, "console pty");
	return NULL;
}
