/* SPDX-License-Identifier: MIT */
/* The entropy device (virtio 1.2, section 5.4): the host's random bytes. */
#pragma once

struct gmem;
struct loop;
struct virtio;

/* NULL with errno set. @loop may be NULL; see virtio/virtio.h. */
struct virtio *virtio_rng_new(const struct gmem *, struct loop *loop);
