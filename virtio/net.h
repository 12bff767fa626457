/* SPDX-License-Identifier: MIT */
/* The network device (virtio 1.2, section 5.1), one queue pair, over a tap. */
#pragma once

#include <stdint.h>

struct gmem;
struct tap;
struct virtio;

/*
 * virtio_net_new() - @tap as a network interface
 *
 * @mac: six bytes; NULL for a random, locally administered address. Owns @tap;
 * NULL with errno set, and it does not.
 */
struct virtio *virtio_net_new(const struct gmem *, struct tap *tap,
			      const uint8_t *mac);
