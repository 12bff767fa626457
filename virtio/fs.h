/* SPDX-License-Identifier: MIT */
/*
 * The file system device (virtio 1.2, section 5.11), whose queues another
 * process serves: virtiofsd.
 *
 * What the guest sends there is FUSE, and none of it is looked at here. When
 * that process ends, or breaks the protocol, for which it is killed, the device
 * needs a reset, and the guest goes on without it. A driver that resets it gets
 * another process.
 */
#pragma once

#include <stdint.h>

struct gmem;
struct virtio;
struct virtiofsd;

#define VIRTIO_FS_TAG_MAX 36u

/*
 * virtio_fs_new() - what @back shares, under the name @tag
 *
 * Guest RAM is the one bank of @gmem, and @ram_fd the file that it is mapped
 * from, which stays the caller's. @lost(@ctx) runs when the other process is
 * gone, on any thread and under the device's lock; it may be NULL. Owns
 * @back; NULL with errno set, and it does not.
 */
struct virtio *virtio_fs_new(const struct gmem *gmem, int ram_fd,
			     struct virtiofsd *back, const char *tag,
			     void (*lost)(void *ctx), void *ctx);
