/* SPDX-License-Identifier: MIT */
/* A network card whose interface goes away on the host, and comes back. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "core/log.h"
#include "host/netif.h"
#include "tests/unit/virtio_rig.h"
#include "virtio/net.h"

#define RX 0

static const uint8_t mac[6] = { 2, 1, 2, 3, 4, 5 };
static _Atomic int failures, failure;

static void on_failure(void *ctx, int err)
{
	(void)ctx;
	failures++;
	failure = err;
}

/* A back end that is there, or as a tap whose interface was deleted. */
static struct netif net;
static _Atomic bool gone, busy;
static _Atomic unsigned offloads;
static int news;

static int64_t no_packet(struct netif *n, const struct iovec *iov, int pieces)
{
	(void)n;
	(void)iov;
	(void)pieces;
	return gone ? -EBADFD : -EAGAIN;
}

static int set_offloads(struct netif *n, unsigned tun_f)
{
	(void)n;
	if (gone)
		return -EBADFD;
	offloads = tun_f;
	return 0;
}

static int watch(struct netif *n)
{
	(void)n;
	return news;
}

static int rejoin(struct netif *n)
{
	eventfd_t count;

	(void)n;
	eventfd_read(news, &count);
	offloads = 0;
	return gone ? -ENODEV : busy ? -EBUSY : 0;
}

static void no_free(struct netif *n)
{
	close(n->fd);
	close(news);
}

static const struct netif_ops ops = { .read = no_packet,
				      .write = no_packet,
				      .set_offloads = set_offloads,
				      .watch = watch,
				      .rejoin = rejoin,
				      .free = no_free };

/* With one buffer for what it receives. */
static void begin(struct rig *r)
{
	log_level = LOG_ERROR;
	failures = 0;
	gone = busy = false;
	news = eventfd(0, EFD_NONBLOCK);
	net = (struct netif){ .ops = &ops,
			      .fd = eventfd(0, EFD_NONBLOCK),
			      .offloads = TUN_F_CSUM };
	rig_ram(r);
	rig_plug(r, virtio_net_new(&r->m, &net, mac));
	virtio_on_failure(r->v, on_failure, NULL);
	rig_start(r, 1ull << VIRTIO_NET_F_GUEST_CSUM);
	rig_desc(r, RX, 0, DATA, 1526, W, 0);
	rig_avail(r, RX, 0);
	rig_notify(r, RX);
}

/* By what the driver reads; the card's thread has done what it had to. */
static bool has_link(struct rig *r)
{
	if (rig_on_a_thread)
		rig_fence(r->v->loop);
	return rig_get(r, VIRTIO_MMIO_CONFIG +
				  offsetof(struct virtio_net_config, status)) &
	       VIRTIO_NET_S_LINK_UP;
}

static void lose(struct rig *r)
{
	gone = true;
	rig_notify(r, RX);
	OK(!has_link(r));
	EQ(failure, EBADFD);
	OK(!rig_needs_reset(r));
}

static void reset(struct rig *r)
{
	rig_set(r, VIRTIO_MMIO_STATUS, 0);
	rig_start(r, 0);
	OK(!rig_needs_reset(r));
}

VIRTIO_TEST(an_interface_that_is_gone_is_a_link_that_is_down_also_after_a_reset)
{
	struct rig r;

	begin(&r);
	OK(has_link(&r));
	EQ(offloads, TUN_F_CSUM);
	lose(&r);
	EQ(failures, 1);
	rig_notify(&r, RX);
	OK(!has_link(&r));
	EQ(failures, 1);
	/* Another driver meets it anew. */
	reset(&r);
	OK(!has_link(&r));
	EQ(failures, 2);
	gone = false;
	reset(&r);
	OK(has_link(&r));
	EQ(failures, 2);
	rig_free(&r);
}

/* The news are of others too, and of one that somebody else still has. */
static void tell_news(struct rig *r)
{
	eventfd_write(news, 1);
	rig_fence(r->v->loop);
	rig_fence(r->v->loop);
}

static void comes_back_when_told(bool pci)
{
	struct rig r;
	unsigned irqs, again;

	rig_on_a_thread = true;
	rig_over_pci = pci;
	begin(&r);
	for (again = 0; again < 3; again++) {
		lose(&r);
		EQ(failures, 2 * again + 1);
		tell_news(&r);
		OK(!has_link(&r));
		gone = false;
		busy = true;
		tell_news(&r);
		OK(!has_link(&r));
		EQ(failures, 2 * again + 1);
		busy = false;
		irqs = r.irqs;
		tell_news(&r);
		OK(has_link(&r));
		LT(irqs, r.irqs);
		EQ(failures, 2 * again + 2);
		EQ(failure, 0);
		EQ(offloads, TUN_F_CSUM);
		/* While there is a link, nobody listens. */
		eventfd_write(news, 1);
		rig_fence(r.v->loop);
		OK(has_link(&r));
	}
	rig_free(&r);
}

TEST(an_interface_that_is_made_again_is_a_link_that_is_up_without_a_reset)
{
	comes_back_when_told(false);
}

TEST(an_interface_that_is_made_again_is_a_link_that_is_up_on_pci)
{
	comes_back_when_told(true);
}
