/* SPDX-License-Identifier: MIT */
/*
 * UNIX sockets in the file system, between processes of one user: both sides
 * are our own user's or root's, or there is no connection.
 *
 * Nothing here ever waits, and nothing raises SIGPIPE. Any thread.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "host/leavings.h"

/* With the terminating zero. */
#define UNIX_NAME_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

struct unix_listener {
	int fd;	 /* readable: somebody has connected */
	int dir; /* where it is, under @name */
	char name[UNIX_NAME_MAX];
	struct leaving made;
	int spare; /* a descriptor to give up when there are no more */
};

/*
 * unix_socket() - a socket that listens at @path, if it is never to be removed
 *
 * As unix_listen(). A descriptor, or -errno.
 */
int unix_socket(const char *path, int backlog);

/*
 * unix_listen() - a socket at @path, mode 0600, with room for @backlog
 *
 * Replaces one on which nobody listens any more, and nothing else. It must not
 * move. 0, or -errno: -EADDRINUSE if something is there, -ENAMETOOLONG.
 */
int unix_listen(struct unix_listener *, const char *path, int backlog);

/* Closes it, and removes the socket if it is still ours. */
void unix_unlisten(struct unix_listener *);

/*
 * unix_accept() - the next one who has connected
 *
 * A descriptor that does not wait; -errno: -EAGAIN if there is none, -EACCES if
 * it was another user, -EMFILE if there are no descriptors left. These two have
 * been turned away: nobody is left who would wake the loop over and over.
 */
int unix_accept(struct unix_listener *);

/*
 * unix_connect() - to the process that listens at @path
 *
 * A descriptor that does not wait; -errno: -EAGAIN if their backlog is full,
 * -EACCES if they are another user's.
 */
int unix_connect(const char *path);

/* The same for one of any name in the directory @dir; it needs /proc. */
int unix_connect_at(int dir, const char *name);

/*
 * unix_read(), unix_write() - on a connected descriptor, as readv() and writev()
 *
 * Of more than IOV_MAX pieces it moves the first ones. Bytes; 0 at the end of
 * input; -errno: -EAGAIN, -EPIPE.
 */
ssize_t unix_read(int fd, const struct iovec *iov, int n);
ssize_t unix_write(int fd, const struct iovec *iov, int n);
