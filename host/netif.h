/* SPDX-License-Identifier: MIT */
/*
 * A network back end: where a network device's packets go and come from.
 *
 * Each kind is a file of its own with a constructor that returns a struct netif
 * (host/tap.h); the device knows no more than this. One packet a read or write,
 * each behind a 12-byte struct virtio_net_hdr_v1, which says what of checksums
 * and segmentation the receiver has to do.
 *
 * Nothing blocks. All of it on the device's thread, or before there is one. A
 * back end takes nothing by itself: while its device is held, nobody reads it.
 */
#pragma once

#include <stdint.h>
#include <sys/uio.h>

#define NETIF_HEADER   12u
#define NETIF_NAME_MAX 16u /* with the terminating zero */

struct netif;

struct netif_ops {
	/*
	 * Bytes, header included, or -errno; -EAGAIN if there is none now, or
	 * no room. A packet longer than the vector is cut.
	 */
	int64_t (*read)(struct netif *, const struct iovec *iov, int n);
	int64_t (*write)(struct netif *, const struct iovec *iov, int n);
	/* What the receiver of read() can take, of TUN_F_*. 0 or -errno. */
	int (*set_offloads)(struct netif *, unsigned tun_f);
	/*
	 * The other side is gone, as -EBADFD and -ENODEV tell. watch(): what is
	 * readable when that may have changed; -1 if nothing is. rejoin(): 0 if
	 * it is there again, or was all the time; offloads are to be set.
	 */
	int (*watch)(struct netif *);
	int (*rejoin)(struct netif *);
	void (*free)(struct netif *);
};

/* Embedded, as the first member, by each kind. */
struct netif {
	const struct netif_ops *ops;
	int fd; /* readable when read() has a packet */
	unsigned
		offloads; /* which of TUN_F_* the other side knows, both ways */
	char name[NETIF_NAME_MAX]; /* the interface's; "" if there is none */
};

/* NULL is allowed. */
static inline void netif_free(struct netif *n)
{
	if (n)
		n->ops->free(n);
}
