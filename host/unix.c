/* SPDX-License-Identifier: MIT */
#include "host/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/peer.h"

#define KIND (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

static int address(struct sockaddr_un *addr, const char *path)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	return 0;
}

/* Nobody listens on the socket at @addr any more. */
static bool is_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, KIND, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* The mode of the socket, set before bind(), becomes that of the file. */
int unix_listen(struct unix_listener *l, const char *path, int backlog)
{
	const struct sockaddr *sa = (const struct sockaddr *)&l->addr;
	int r = address(&l->addr, path);

	l->fd = -1;
	if (r < 0)
		return r;
	l->fd = socket(AF_UNIX, KIND, 0);
	if (l->fd < 0)
		return -errno;
	r = fchmod(l->fd, 0600);
	if (r == 0)
		r = bind(l->fd, sa, sizeof(l->addr));
	if (r < 0 && errno == EADDRINUSE && is_stale(&l->addr)) {
		unlink(path);
		r = bind(l->fd, sa, sizeof(l->addr));
	}
	if (r < 0 || listen(l->fd, backlog) < 0) {
		r = -errno;
		close(l->fd);
		l->fd = -1;
		return r;
	}
	lstat(path, &l->st);
	l->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return 0;
}

void unix_unlisten(struct unix_listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	close(l->fd);
	if (l->spare >= 0)
		close(l->spare);
	l->fd = l->spare = -1;
	if (lstat(l->addr.sun_path, &st) == 0 && st.st_ino == l->st.st_ino &&
	    st.st_dev == l->st.st_dev)
		unlink(l->addr.sun_path);
}

/* @fd, or closed and -errno if @r or the other side's user says so. */
static int vetted(int fd, int r)
{
	if (r == 0 && !peer_is_trusted(fd))
		r = -EACCES;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static int accept_one(const struct unix_listener *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

/* Takes the spare descriptor to hang up on whoever comes next. */
static void turn_away(struct unix_listener *l)
{
	int fd;

	if (l->spare < 0)
		return;
	close(l->spare);
	fd = accept_one(l);
	if (fd >= 0)
		close(fd);
	l->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int unix_accept(struct unix_listener *l)
{
	int fd = accept_one(l);

	if (fd == -EMFILE || fd == -ENFILE)
		turn_away(l);
	return fd < 0 ? fd : vetted(fd, 0);
}

int unix_connect(const char *path)
{
	struct sockaddr_un addr;
	int fd, r = address(&addr, path);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, KIND, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)&addr, sizeof(addr));
	return vetted(fd, r < 0 ? -errno : 0);
}

ssize_t unix_read(int fd, const struct iovec *iov, int n)
{
	ssize_t r;

	do
		r = readv(fd, iov, n);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

ssize_t unix_write(int fd, const struct iovec *iov, int n)
{
	const struct msghdr m = { .msg_iov = (struct iovec *)iov,
				  .msg_iovlen = n };
	ssize_t r;

	do
		r = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}
