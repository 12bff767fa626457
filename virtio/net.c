/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Both directions run on a thread of the device's own, since a write to a tap
 * takes the packet through the host's network stack, which is long compared
 * with what else happens on the main loop.
 *
 * A received packet is read straight into the buffers of the first chain; what
 * exceeds them goes to `spill` and is copied to further chains (MRG_RXBUF). If
 * they run out midway, the rest waits there until the driver adds some: the
 * chains that were filled are pushed, but not published. While no buffer is
 * there the back end is not in the loop; the driver's notification puts it back.
 *
 * A packet to send has its header copied and checked; the copy is what the
 * kernel gets. Whatever is wrong with it costs the driver that packet only.
 *
 * An interface that has been removed on the host is a cable without a link: no
 * fault of the device, for which its driver would have to reset it. It is
 * looked for at each reset, and when the back end says that it may be back.
 */
#include "virtio/net.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "core/util.h"
#include "host/netif.h"
#include "virtio/virtio.h"

/* Of UDP segmentation (Linux 6.2); the headers of the build may be older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_GUEST_USO4 54
#define VIRTIO_NET_F_GUEST_USO6 55
#define VIRTIO_NET_F_HOST_USO	56
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define QUEUE_SIZE 256
#define RX	   0
#define TX	   1
/* Packets in a row before the loop, and a reset, have their turn. */
#define BATCH	   64
#define ETH_HEADER 14u
/* The longest that a tap gives or takes: 64 KiB of IP behind its headers. */
#define PACKET_MAX (65536u + 32)

struct net {
	struct virtio v;
	struct netif *net;
	struct io io;	/* of n->net */
	struct io news; /* while that is gone: it may be back */
	unsigned tun_f; /* what the driver can receive */
	struct vq_chain rx, more, tx;
	struct iovec iov[VQ_IOV_MAX + 2];
	struct virtio_net_hdr_v1 header; /* of the packet received last */
	/* A packet that waits for buffers: spill[spill_off .. spill_len). */
	size_t spill_off, spill_len;
	uint16_t merged; /* chains that it has filled */
	uint8_t spill[PACKET_MAX + NETIF_HEADER];
};

/* Feature bits, and what the back end must know for them. */
static const struct {
	unsigned feature, tun_f;
	bool guest; /* the driver receives such packets */
} offloads[] = {
	{ VIRTIO_NET_F_CSUM, TUN_F_CSUM, false },
	{ VIRTIO_NET_F_HOST_TSO4, TUN_F_TSO4, false },
	{ VIRTIO_NET_F_HOST_TSO6, TUN_F_TSO6, false },
	{ VIRTIO_NET_F_HOST_ECN, TUN_F_TSO_ECN, false },
	{ VIRTIO_NET_F_HOST_USO, TUN_F_USO4 | TUN_F_USO6, false },
	{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM, true },
	{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4, true },
	{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6, true },
	{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN, true },
	{ VIRTIO_NET_F_GUEST_USO4, TUN_F_USO4, true },
	{ VIRTIO_NET_F_GUEST_USO6, TUN_F_USO6, true },
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Before virtio 1.0, only merged buffers are counted (5.1.6.1). */
static unsigned header_size(const struct net *n)
{
	return virtio_has(&n->v, VIRTIO_F_VERSION_1) ||
			       virtio_has(&n->v, VIRTIO_NET_F_MRG_RXBUF)
		       ? sizeof(struct virtio_net_hdr_v1)
		       : sizeof(struct virtio_net_hdr);
}

/* --- sending --- */

/* The feature without which a driver must not ask for this segmentation. */
static int gso_feature(uint8_t type)
{
	switch (type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return VIRTIO_NET_F_HOST_TSO4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return VIRTIO_NET_F_HOST_TSO6;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return VIRTIO_NET_F_HOST_USO;
	default:
		return -1;
	}
}

/*
 * What a device is to ignore (5.1.6.2.2): flags that it does not know, as a driver
 * leaves in what it has received and forwards; and a hint at the length of headers
 * that cannot be true, at which a tap would refuse the packet.
 */
static void clean_header(struct virtio_net_hdr_v1 *h, size_t len)
{
	h->num_buffers = 0;
	h->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	if (le16toh(h->hdr_len) > len)
		h->hdr_len = 0;
}

/* 5.1.6.2; @len bytes of packet follow. */
static bool header_ok(const struct net *n, const struct virtio_net_hdr_v1 *h,
		      size_t len)
{
	int feature;

	if (len < ETH_HEADER || len > PACKET_MAX)
		return false;
	if (h->flags &&
	    (!virtio_has(&n->v, VIRTIO_NET_F_CSUM) ||
	     le16toh(h->csum_start) + le16toh(h->csum_offset) + 2u > len))
		return false;
	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return true;
	feature = gso_feature(h->gso_type);
	if (feature < 0 || !virtio_has(&n->v, feature))
		return false;
	if (h->gso_type & VIRTIO_NET_HDR_GSO_ECN &&
	    !virtio_has(&n->v, VIRTIO_NET_F_HOST_ECN))
		return false;
	return h->flags && h->gso_size;
}

static bool is_gone(int err)
{
	return err == EBADFD || err == ENODEV;
}

static void set_link(struct net *n, bool up)
{
	const uint16_t status = htole16(up ? VIRTIO_NET_S_LINK_UP : 0);

	virtio_config_set(&n->v, offsetof(struct virtio_net_config, status),
			  &status, sizeof(status));
}

static bool has_link(const struct net *n)
{
	return n->v.config[offsetof(struct virtio_net_config, status)] &
	       VIRTIO_NET_S_LINK_UP;
}

/* 0 with a link, or -errno. */
static int join(struct net *n)
{
	int r = n->net->ops->rejoin(n->net);

	if (!r)
		r = n->net->ops->set_offloads(n->net, n->tun_f);
	if (!r)
		set_link(n, true);
	return r;
}

static void hear_news(struct io *io, uint32_t events)
{
	struct net *n = container_of(io, struct net, news);

	(void)events;
	virtio_lock(&n->v);
	if (!has_link(n) && !join(n)) {
		virtio_recovered(&n->v, "the interface");
		virtio_ask(&n->v, RX);
	}
	if (has_link(n))
		loop_del(io);
	virtio_unlock(&n->v);
}

static void lose(struct net *n)
{
	set_link(n, false);
	if (n->news.loop || !n->v.async)
		return;
	n->news.fd = n->net->ops->watch(n->net);
	if (n->news.fd >= 0)
		loop_add(n->v.loop, &n->news, EPOLLIN);
}

static void failed(struct net *n, int err, const char *what)
{
	if (is_gone(err))
		lose(n);
	virtio_failed(&n->v, err, what);
}

/* What the back end refused: a full queue and a bad packet are no fault of its. */
static void not_sent(struct net *n, int err)
{
	if (err == EAGAIN || err == EINVAL)
		n->v.stats.errors++;
	else
		failed(n, err, "sending a packet");
}

static int transmit(struct virtio *v, unsigned q, struct vq_chain *c)
{
	struct net *n = (struct net *)v;
	struct virtio_net_hdr_v1 h;
	int64_t r;

	if (vq_get(c, &h, header_size(n)))
		return -EPROTO;
	clean_header(&h, c->out.len);
	n->iov[0] = (struct iovec){ &h, sizeof(h) };
	memcpy(n->iov + 1, c->out.iov, c->out.n * sizeof(n->iov[0]));
	r = header_ok(n, &h, c->out.len)
		    ? n->net->ops->write(n->net, n->iov, c->out.n + 1)
		    : -EINVAL;
	if (r < 0)
		not_sent(n, -r);
	virtio_push(v, q, c, 0);
	return 0;
}

/* --- receiving --- */

/* Have the loop look at the back end, or not; on its thread. */
static void watch(struct net *n, bool on)
{
	if (!n->v.async || on == !!n->io.loop)
		return;
	if (!on)
		loop_del(&n->io);
	else if (loop_add(n->v.loop, &n->io, EPOLLIN) < 0)
		virtio_needs_reset(&n->v, "cannot wait for its back end");
}

/* All of the packet is in @merged chains. */
static void publish(struct net *n)
{
	n->header.num_buffers = htole16(n->merged);
	if (!virtio_has(&n->v, VIRTIO_NET_F_GUEST_CSUM))
		n->header.flags = 0;
	vq_poke(&n->rx, 0, &n->header, header_size(n));
	n->merged = 0;
	n->spill_off = n->spill_len = 0;
	virtio_publish(&n->v, RX);
}

/* 1 the packet is out, 0 more buffers are needed, -EPROTO. */
static int unspill(struct net *n)
{
	struct virtqueue *vq = &n->v.vq[RX];

	while (n->spill_off < n->spill_len) {
		size_t len = n->spill_len - n->spill_off;
		int r = vq_pop(vq, &n->more);

		if (r == 0 && n->merged < vq->size)
			return 0;
		if (r == 0) {
			/*
			 * These are all buffers that can exist: the packet is
			 * cut.
			 */
			n->v.stats.errors++;
			break;
		}
		if (r < 0 || !n->more.in.len)
			return -EPROTO;
		if (len > n->more.in.len)
			len = n->more.in.len;
		vq_put(&n->more, n->spill + n->spill_off, len);
		virtio_push(&n->v, RX, &n->more, len);
		n->spill_off += len;
		n->merged++;
	}
	publish(n);
	return 1;
}

/*
 * A packet of @len bytes was read: its header by itself, and the rest into the
 * buffers of n->rx and the spill.
 */
static int deliver(struct net *n, size_t len)
{
	const size_t room = n->rx.in.len + NETIF_HEADER - header_size(n);

	if (len < NETIF_HEADER + ETH_HEADER ||
	    (len > room && !virtio_has(&n->v, VIRTIO_NET_F_MRG_RXBUF))) {
		n->v.stats.errors++;
		vq_unpop(&n->v.vq[RX], &n->rx);
		return 1;
	}
	n->spill_len = len > room ? len - room : 0;
	virtio_push(&n->v, RX, &n->rx,
		    len - n->spill_len - NETIF_HEADER + header_size(n));
	n->merged = 1;
	return unspill(n);
}

/* One call reads into so many pieces, of which header and spill are two. */
static void fit(struct vq_span *s)
{
	while (s->n > IOV_MAX - 2)
		s->len -= s->iov[--s->n].iov_len;
}

/* The next packet's bytes, into n->header, n->rx and the spill; or -errno. */
static int64_t read_packet(struct net *n)
{
	struct vq_span to = n->rx.in;

	to.iov = n->iov + 1;
	memcpy(to.iov, n->rx.in.iov, to.n * sizeof(n->iov[0]));
	vq_skip(&to, header_size(n));
	to.iov[-1] = (struct iovec){ &n->header, NETIF_HEADER };
	to.iov[to.n] = (struct iovec){ n->spill, sizeof(n->spill) };
	return n->net->ops->read(n->net, to.iov - 1, to.n + 2);
}

/* One packet: 1 done, 0 no buffers, -EAGAIN no packet, -EPROTO. */
static int receive(struct net *n)
{
	struct virtqueue *vq = &n->v.vq[RX];
	int64_t len;
	int r;

	if (n->merged)
		return unspill(n);
	r = vq_pop(vq, &n->rx);
	if (r <= 0)
		return r;
	fit(&n->rx.in);
	if (n->rx.in.len < header_size(n))
		return -EPROTO;
	len = read_packet(n);
	if (len >= 0)
		return deliver(n, len);
	vq_unpop(vq, &n->rx);
	if (len == -EAGAIN)
		return -EAGAIN;
	failed(n, -len, "receiving a packet");
	return -EIO;
}

static int receive_all(struct net *n)
{
	struct virtqueue *vq = &n->v.vq[RX];
	unsigned left = BATCH;
	int r;

	vq_suppress(vq);
	do {
		r = receive(n);
	} while ((r > 0 && --left) || (r == 0 && vq_listen(vq)));
	/* No buffers, or a broken ring: a notification may change that. */
	watch(n, r > 0 || r == -EAGAIN);
	return r == -EPROTO ? r : 0;
}

static void net_ready(struct io *io, uint32_t events)
{
	struct net *n = container_of(io, struct net, io);

	(void)events;
	virtio_lock(&n->v);
	if (virtio_works(&n->v) && n->v.vq[RX].ready)
		virtio_serve(&n->v, RX);
	else
		watch(n, false);
	virtio_unlock(&n->v);
}

/* --- the device --- */

static int net_serve(struct virtio *v, unsigned q)
{
	struct net *n = (struct net *)v;

	if (q == RX)
		return receive_all(n);
	return virtio_each(v, q, &n->tx, transmit);
}

static int net_activate(struct virtio *v)
{
	struct net *n = (struct net *)v;
	unsigned i, tun_f = 0;
	int r;

	for (i = 0; i < ARRAY_LEN(offloads); i++)
		if (offloads[i].guest && virtio_has(v, offloads[i].feature))
			tun_f |= offloads[i].tun_f;
	/* No segment of a packet can be left to a driver without it. */
	if (!(tun_f & TUN_F_CSUM))
		tun_f = 0;
	n->tun_f = tun_f;
	r = join(n);
	if (r < 0 && is_gone(-r)) {
		failed(n, -r, "preparing the interface");
		return 0;
	}
	return r;
}

static void net_queue_reset(struct virtio *v, unsigned q)
{
	struct net *n = (struct net *)v;

	if (q == RX) {
		n->merged = 0;
		n->spill_off = n->spill_len = 0;
	}
}

static void net_free(struct virtio *v)
{
	struct net *n = (struct net *)v;

	virtio_exit(v);
	netif_free(n->net);
	free(n);
}

static const struct virtio_ops net_ops = {
	.name = "virtio-net",
	.id = VIRTIO_ID_NET,
	.own_thread = true,
	.serve = net_serve,
	.activate = net_activate,
	.queue_reset = net_queue_reset,
	.free = net_free,
};

static uint64_t features_of(const struct netif *net)
{
	const unsigned known = net->offloads;
	uint64_t features = 1ull << VIRTIO_NET_F_MAC |
			    1ull << VIRTIO_NET_F_STATUS |
			    1ull << VIRTIO_NET_F_MRG_RXBUF;
	unsigned i;

	for (i = 0; i < ARRAY_LEN(offloads); i++)
		if (!(offloads[i].tun_f & ~known))
			features |= 1ull << offloads[i].feature;
	return features;
}

static int configure(struct net *n, const uint8_t *mac)
{
	struct virtio_net_config cfg = {
		.status = htole16(VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = htole16(1),
	};

	if (mac) {
		memcpy(cfg.mac, mac, sizeof(cfg.mac));
	} else {
		if (getrandom(cfg.mac, sizeof(cfg.mac), 0) !=
		    (ssize_t)sizeof(cfg.mac))
			return -EIO;
		cfg.mac[0] = (cfg.mac[0] & ~1) | 2;
	}
	n->v.config_size = offsetof(struct virtio_net_config, mtu);
	memcpy(n->v.config, &cfg, n->v.config_size);
	return 0;
}

struct virtio *virtio_net_new(const struct gmem *gmem, struct netif *net,
			      const uint8_t *mac)
{
	struct net *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	if (configure(n, mac) || virtio_init(&n->v, &net_ops, gmem, NULL, 2,
					     QUEUE_SIZE, features_of(net))) {
		free(n);
		return NULL;
	}
	n->net = net;
	n->io.fd = net->fd;
	n->io.fn = net_ready;
	n->news.fn = hear_news;
	return &n->v;
}
