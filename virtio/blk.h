/* SPDX-License-Identifier: MIT */
/* The block device (virtio 1.2, section 5.2), over one disk image. */
#pragma once

struct disk;
struct gmem;
struct virtio;

/*
 * virtio_blk_new() - @disk as a block device
 *
 * @serial: at most 20 bytes are shown; may be NULL or empty. Owns @disk; NULL
 * with errno set, and it does not.
 */
struct virtio *virtio_blk_new(const struct gmem *, struct disk *disk,
			      const char *serial);
