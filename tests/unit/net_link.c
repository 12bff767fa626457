/* SPDX-License-Identifier: MIT */
/* A network card whose interface goes away on the host, and comes back. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_net.h>

#include "core/log.h"
#include "host/netif.h"
#include "tests/unit/virtio_rig.h"
#include "virtio/net.h"

#define RX 0

static const uint8_t mac[6] = { 2, 1, 2, 3, 4, 5 };
static int failures, failure;

static void on_failure(void *ctx, int err)
{
	(void)ctx;
	failures++;
	failure = err;
}

/* A back end that is there, or as a tap whose interface was deleted. */
static bool gone;

static int64_t gone_io(struct netif *n, const struct iovec *iov, int pieces)
{
	(void)n;
	(void)iov;
	(void)pieces;
	return gone ? -EBADFD : -EAGAIN;
}

static int gone_set(struct netif *n, unsigned tun_f)
{
	(void)n;
	(void)tun_f;
	return gone ? -EBADFD : 0;
}

static void gone_free(struct netif *n)
{
	close(n->fd);
}

static bool has_link(struct rig *r)
{
	return r->v->config[offsetof(struct virtio_net_config, status)] &
	       VIRTIO_NET_S_LINK_UP;
}

TEST(an_interface_that_is_gone_is_a_link_that_is_down_also_after_a_reset)
{
	static const struct netif_ops ops = { .read = gone_io,
					      .write = gone_io,
					      .set_offloads = gone_set,
					      .free = gone_free };
	struct netif net = { .ops = &ops, .fd = eventfd(0, 0) };
	struct rig r;

	log_level = LOG_ERROR;
	failures = 0;
	rig_ram(&r);
	rig_plug(&r, virtio_net_new(&r.m, &net, mac));
	virtio_on_failure(r.v, on_failure, NULL);
	rig_start(&r, 0);
	rig_desc(&r, RX, 0, DATA, 1526, W, 0);
	rig_avail(&r, RX, 0);
	rig_notify(&r, RX);
	OK(has_link(&r));
	gone = true;
	rig_notify(&r, RX);
	OK(!has_link(&r));
	EQ(failures, 1);
	EQ(failure, EBADFD);
	OK(!rig_needs_reset(&r));
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	rig_start(&r, 0);
	OK(!rig_needs_reset(&r));
	OK(!has_link(&r));
	gone = false;
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	rig_start(&r, 0);
	OK(has_link(&r));
	rig_free(&r);
}
