/* SPDX-License-Identifier: MIT */
/*
 * The front end of vhost-user: a device whose queues another process serves
 * (QEMU's docs/interop/vhost-user.rst).
 *
 * Messages go over a UNIX socket, one at a time, and each is waited for, with a
 * limit: the other process is not ours. It has all of guest RAM mapped,
 * and takes and signals buffers by eventfds; nothing of that passes through here.
 *
 * A message that fails means that the connection is of no more use: every
 * function then returns -errno, and so do all that follow.
 *
 * No lock: the device's guards it.
 */
#pragma once

#include "core/gmem.h"

struct vhost_user;

/* A queue as the driver has set it up: places in our own address space. */
struct vhost_ring {
	unsigned size;
	const void *desc, *avail, *used;
	int kick; /* eventfd: the driver has made buffers available */
	int call; /* eventfd: a buffer was used */
};

/* A busy host is slow; a stuck process is not waited for longer. */
#define VHOST_USER_PATIENCE (30 * 1000000000ull)

/*
 * vhost_user_new() - begin to speak on the connected socket @fd
 *
 * Waits for the other process to listen: as with any message, for at most
 * @patience ns until all of the answer is there. It then owns @fd; NULL with errno set,
 * and it does not.
 */
struct vhost_user *vhost_user_new(int fd, uint64_t patience);
void vhost_user_free(struct vhost_user *);

/* To be waited for: it hangs up when the other process ends. */
int vhost_user_fd(const struct vhost_user *);

/* What it offers to a driver: virtio's feature bits. */
uint64_t vhost_user_features(const struct vhost_user *);

/*
 * vhost_user_start() - hand @n queues over, of a driver that has @features
 *
 * Guest RAM is @ram, the start of the file @ram_fd. A queue of size 0 is none.
 * 0 or -errno.
 */
int vhost_user_start(struct vhost_user *, uint64_t features,
		     const struct gmem_bank *ram, int ram_fd,
		     const struct vhost_ring *rings, unsigned n);

/*
 * vhost_user_stop() - take queue @q back
 *
 * When it returns, the other process no longer touches the queue's memory, nor
 * any buffer of it. 0 or -errno.
 */
int vhost_user_stop(struct vhost_user *, unsigned q);
