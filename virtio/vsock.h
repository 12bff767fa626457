/* SPDX-License-Identifier: MIT */
/*
 * The socket device (virtio 1.2, section 5.10): stream sockets between the
 * guest and processes of the host, whatever these are to the back end.
 *
 * Bounded: 256 connections at a time, for each at most 128 KiB that the guest
 * has sent and the host not taken, which is what the guest is told that it may
 * send. What the host sends stays in its socket until the guest has a buffer
 * for it. Whatever is out of order is answered by a reset of that connection.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gmem;
struct loop;
struct virtio;
struct vsock_back;

/* 0 to 2 have a meaning (hypervisor, local, host), and 2^32 - 1 is any. */
#define VSOCK_CID_MIN 3u
#define VSOCK_CID_MAX (UINT32_MAX - 1)

/*
 * virtio_vsock_new() - a guest with the address @cid, its connections by @back
 *
 * Lives on @loop, which is @back's too. Owns @back; NULL with errno set, and
 * it does not.
 */
struct virtio *virtio_vsock_new(const struct gmem *, struct loop *loop,
				struct vsock_back *back, uint32_t cid);
