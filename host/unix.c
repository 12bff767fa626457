/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets in the file system: bind, listen, accept and connect, with
 * stale socket files replaced, and reads and writes that EINTR does not end.
 */
#include "host/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/peer.h"

#define KIND (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

/* A new socket, and in @addr the address of @path. */
static int new_socket(struct sockaddr_un *addr, const char *path)
{
	int fd;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	fd = socket(AF_UNIX, KIND, 0);
	return fd < 0 ? -errno : fd;
}

/* 0: nobody listens on the socket at @addr any more. Or -errno. */
static int check_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = socket(AF_UNIX, KIND, 0);
	if (fd < 0)
		return -errno;
	stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return stale ? 0 : -EADDRINUSE;
}

/* The mode of the socket, set before bind(), becomes that of the file. */
int unix_socket(const char *path, int backlog)
{
	struct sockaddr_un addr;
	const struct sockaddr *sa = (const struct sockaddr *)&addr;
	int fd = new_socket(&addr, path), r;

	if (fd < 0)
		return fd;
	r = fchmod(fd, 0600) < 0 || bind(fd, sa, sizeof(addr)) < 0 ? -errno : 0;
	if (r == -EADDRINUSE) {
		r = check_stale(&addr);
		if (r == 0 &&
		    (unlink(path) < 0 || bind(fd, sa, sizeof(addr)) < 0))
			r = -errno;
	}
	if (r == 0 && listen(fd, backlog) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* The directory that @path is in, and in @name what it is called there. */
static int open_dir(const char *path, char name[UNIX_NAME_MAX])
{
	char dir[UNIX_NAME_MAX] = ".";
	const char *slash = strrchr(path, '/');
	int fd;

	strcpy(name, slash ? slash + 1 : path);
	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash + 1 - path),
			 path);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int unix_listen(struct unix_listener *l, const char *path, int backlog)
{
	int r;

	*l = (struct unix_listener){ .fd = -1, .dir = -1, .spare = -1 };
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;
	/* By which it can be removed, before there is something to remove. */
	r = l->dir = open_dir(path, l->name);
	if (r >= 0)
		r = l->fd = unix_socket(path, backlog);
	if (r >= 0)
		r = leaving_note(&l->made, l->dir, l->name);
	if (r < 0) {
		unix_unlisten(l);
		return r;
	}
	l->spare = fcntl(l->dir, F_DUPFD_CLOEXEC, 3);
	return 0;
}

void unix_unlisten(struct unix_listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->spare >= 0)
		close(l->spare);
	l->fd = l->spare = -1;
	if (l->dir < 0)
		return;
	leaving_remove(&l->made);
	close(l->dir);
	l->dir = -1;
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
	l->spare = fcntl(l->dir, F_DUPFD_CLOEXEC, 3);
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
	int fd = new_socket(&addr, path), r;

	if (fd < 0)
		return fd;
	r = connect(fd, (const struct sockaddr *)&addr, sizeof(addr));
	return vetted(fd, r < 0 ? -errno : 0);
}

int unix_connect_at(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_CLOEXEC), r;
	char path[32];

	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = unix_connect(path);
	close(fd);
	return r;
}

/* Of a stream, one call moves no more. */
static int at_once(int n)
{
	return n < IOV_MAX ? n : IOV_MAX;
}

ssize_t unix_read(int fd, const struct iovec *iov, int n)
{
	ssize_t r;

	do
		r = readv(fd, iov, at_once(n));
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

ssize_t unix_write(int fd, const struct iovec *iov, int n)
{
	const struct msghdr m = { .msg_iov = (struct iovec *)iov,
				  .msg_iovlen = at_once(n) };
	ssize_t r;

	do
		r = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}
