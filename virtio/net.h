/* SPDX-License-Identifier: MIT */
/*
 * The network device (virtio 1.2, section 5.1), one queue pair, over any back
 * end of host/netif.h.
 */
#pragma once

#include <stdint.h>

struct gmem;
struct netif;
struct virtio;

/*
 * virtio_net_new() - @net as a network interface
 *
 * @mac: six bytes; NULL for a random, locally administered address. Owns @net;
 * NULL with errno set, and it does not.
 */
struct virtio *virtio_net_new(const struct gmem *, struct netif *net,
			      const uint8_t *mac);
