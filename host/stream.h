/* SPDX-License-Identifier: MIT */
/*
 * Bytes from or to a descriptor that others may share, without ever waiting.
 *
 * The standard streams belong to the shell that started nestor as much as to
 * nestor: O_NONBLOCK set on them would break whoever else uses the same open
 * file description, now and after nestor has ended. A stream gets the same
 * behaviour without touching theirs; stream.c says how.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum stream_kind {
	STREAM_FILE,   /* never waits: a regular file */
	STREAM_OWN,    /* an open file description of ours, O_NONBLOCK */
	STREAM_SOCKET, /* MSG_DONTWAIT does it call by call */
	STREAM_SHARED, /* asks poll() first, then moves little */
};

struct stream {
	int fd; /* a descriptor of the stream's own; -1: none */
	enum stream_kind kind;
	size_t chunk; /* what one write() may be given */
};

#define STREAM_NONE ((struct stream){ .fd = -1 })

/*
 * stream_of() - a stream that reads (O_RDONLY) or writes (O_WRONLY) @fd's file
 *
 * @fd remains the caller's. Without a stream (fd -1) and -errno if @fd is not
 * open.
 */
int stream_of(struct stream *, int fd, int how);

/* The bytes moved; 0 at the end of input; -EAGAIN; -errno. */
ssize_t stream_read(const struct stream *, void *buf, size_t len);
ssize_t stream_write(const struct stream *, const void *buf, size_t len);

void stream_close(struct stream *);
