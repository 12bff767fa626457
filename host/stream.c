/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Opening /proc/self/fd/N makes a new open file description of the same
 * terminal or pipe, whose O_NONBLOCK is ours alone. That is how most standard
 * streams are handled. The exceptions:
 *
 * - A regular file never waits in the sense of poll(), and a new description
 *   would start at offset 0: it is duplicated, and its offset stays shared.
 * - A socket cannot be opened, but takes MSG_DONTWAIT.
 * - The master of a pty must not be opened: that would make another pty.
 * - Where opening fails (a terminal of another user's, no /proc), poll() is
 *   asked before each transfer. A pipe that is writable takes PIPE_BUF bytes
 *   without waiting, a terminal is only sure to take one.
 */
#include "host/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static bool may_reopen(const struct stat *st, int fd)
{
	if (S_ISFIFO(st->st_mode))
		return true;
	return S_ISCHR(st->st_mode) && st->st_rdev != makedev(5, 2) &&
	       isatty(fd);
}

static int reopen(int fd, int how)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, how | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int stream_of(struct stream *s, int fd, int how)
{
	struct stat st;

	*s = STREAM_NONE;
	if (fstat(fd, &st) < 0)
		return -errno;
	s->kind = S_ISREG(st.st_mode)	 ? STREAM_FILE
		  : S_ISSOCK(st.st_mode) ? STREAM_SOCKET
					 : STREAM_SHARED;
	s->chunk = S_ISCHR(st.st_mode) ? 1 : PIPE_BUF;
	if (may_reopen(&st, fd)) {
		s->fd = reopen(fd, how);
		if (s->fd >= 0) {
			s->kind = STREAM_OWN;
			return 0;
		}
	}
	/* Clear of 0, 1 and 2, which others take for the standard streams. */
	s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return s->fd < 0 ? -errno : 0;
}

static bool ready(const struct stream *s, short events)
{
	struct pollfd p = { .fd = s->fd, .events = events };

	return s->kind != STREAM_SHARED || poll(&p, 1, 0) > 0;
}

ssize_t stream_read(const struct stream *s, void *buf, size_t len)
{
	ssize_t n;

	do {
		if (s->kind == STREAM_SOCKET)
			n = recv(s->fd, buf, len, MSG_DONTWAIT);
		else if (ready(s, POLLIN))
			n = read(s->fd, buf, len);
		else
			return -EAGAIN;
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t stream_write(const struct stream *s, const void *buf, size_t len)
{
	ssize_t n;

	if (s->kind == STREAM_SHARED && len > s->chunk)
		len = s->chunk;
	do {
		if (s->kind == STREAM_SOCKET)
			n = send(s->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (ready(s, POLLOUT))
			n = write(s->fd, buf, len);
		else
			return -EAGAIN;
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

void stream_close(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	*s = STREAM_NONE;
}
