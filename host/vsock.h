/* SPDX-License-Identifier: MIT */
/*
 * Where the connections of a guest's vsock lead to, for its model.
 *
 * A connection is a descriptor of a connected UNIX stream socket that does not
 * wait (host/unix.h); the model reads and writes it, and closes it. All of it
 * on the loop's thread.
 */
#pragma once

#include <stdint.h>

/* What the model provides. */
struct vsock_front {
	/*
	 * A process of the host's wants to speak to port @port of the guest: 0,
	 * and @fd is the model's; or -errno, and nobody is there.
	 */
	int (*asked)(void *ctx, int fd, uint32_t port);
	void *ctx;
};

/* Embedded, as the first member, by a back end. */
struct vsock_back {
	/* Before the loop runs; @front is copied. */
	void (*attach)(struct vsock_back *, const struct vsock_front *front);
	/* The guest wants port @port of the host: a descriptor, or -errno. */
	int (*dial)(struct vsock_back *, uint32_t port);
	/*
	 * The guest has accepted what asked() brought; it knows the other side
	 * as port @port.
	 */
	void (*accepted)(struct vsock_back *, int fd, uint32_t port);
	void (*free)(struct vsock_back *);
};
