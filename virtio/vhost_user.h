/* SPDX-License-Identifier: MIT */
/*
 * The front end of vhost-user: a device whose queues another process serves
 * (QEMU's docs/interop/vhost-user.rst), as a back end of virtio/vhost.h.
 *
 * Messages go over a UNIX socket, one at a time, and each is waited for, with a
 * limit: the other process is not ours. It has all of guest RAM mapped, and takes
 * and signals buffers by eventfds; nothing of that passes through here.
 *
 * A message that fails means that the connection is of no more use: every
 * function then returns -errno, and so do all that follow.
 */
#pragma once

#include "virtio/vhost.h"

/* A busy host is slow; a stuck process is not waited for longer. */
#define VHOST_USER_PATIENCE (30 * 1000000000ull)

/*
 * vhost_user_new() - begin to speak on the connected socket @fd
 *
 * Waits for the other process to listen: as with any message, for at most
 * @patience ns until all of the answer is there. It then owns @fd; NULL with
 * errno set, and it does not.
 */
struct vhost_back *vhost_user_new(int fd, uint64_t patience);
