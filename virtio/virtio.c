/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A kick (an eventfd, edge-triggered, hence never read) is made when a queue is
 * first notified by a register access; from then on the kernel signals it, and
 * no register access comes any more. It stays registered, here and with the
 * hypervisor, until the device is freed: only the loop's own thread could take
 * it out of the loop, and a kick for a queue that is not ready does nothing.
 *
 * Between DRIVER_OK and the first notification, all queues are served once,
 * since buffers may have been made available before.
 */
#include "virtio/virtio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "core/util.h"

#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET 40
#endif

#define COMMON_FEATURES                                                     \
	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC | \
	 1ull << VIRTIO_RING_F_EVENT_IDX | 1ull << VIRTIO_F_RING_RESET)

/* What a driver may set; FAILED, for one, changes nothing here. */
#define STATUS_BITS                                                \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |    \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK | \
	 VIRTIO_CONFIG_S_FAILED)

static void serve_all(struct task *t);

int virtio_init(struct virtio *v, const struct virtio_ops *ops,
		const struct gmem *gmem, struct loop *loop, unsigned nqueues,
		uint16_t size, uint64_t features)
{
	unsigned q;

	v->ops = ops;
	v->gmem = gmem;
	v->loop = loop;
	v->serve_all.fn = serve_all;
	v->offered = features | COMMON_FEATURES;
	v->nqueues = nqueues;
	v->vq = calloc(nqueues, sizeof(*v->vq));
	v->kick = calloc(nqueues, sizeof(*v->kick));
	if (!v->vq || !v->kick) {
		free(v->vq);
		free(v->kick);
		return -ENOMEM;
	}
	for (q = 0; q < nqueues; q++) {
		vq_init(&v->vq[q], gmem, size);
		v->kick[q] =
			(struct virtio_kick){ .io.fd = -1, .v = v, .q = q };
	}
	pthread_mutex_init(&v->lock, NULL);
	return 0;
}

void virtio_exit(struct virtio *v)
{
	unsigned q;

	iothread_free(v->thread);
	if (!v->thread)
		loop_unpost(&v->serve_all);
	for (q = 0; q < v->nqueues; q++)
		if (v->kick[q].io.fd >= 0)
			close(v->kick[q].io.fd);
	free(v->kick);
	free(v->vq);
	pthread_mutex_destroy(&v->lock);
}

void virtio_lock(struct virtio *v)
{
	pthread_mutex_lock(&v->lock);
}

void virtio_unlock(struct virtio *v)
{
	pthread_mutex_unlock(&v->lock);
}

bool virtio_live(const struct virtio *v)
{
	return v->status & VIRTIO_CONFIG_S_DRIVER_OK &&
	       !(v->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void interrupt_config(struct virtio *v)
{
	v->stats.interrupts++;
	if (v->transport.config)
		v->transport.config(v->transport.ctx);
}

void virtio_needs_reset(struct virtio *v, const char *why)
{
	v->stats.errors++;
	log_guest(&v->complaints, "%s: %s, needs a reset", v->ops->name, why);
	if (v->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	/* Nobody listens before (2.1.2). */
	if (v->status & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt_config(v);
}

/* --- serving queues --- */

void virtio_serve(struct virtio *v, unsigned q)
{
	if (!virtio_live(v) || !v->vq[q].ready)
		return;
	if (v->ops->serve(v, q) == -EPROTO)
		virtio_needs_reset(v, "the driver broke the protocol");
}

int virtio_each(struct virtio *v, unsigned q, struct vq_chain *c,
		int (*fn)(struct virtio *, unsigned q, struct vq_chain *))
{
	struct virtqueue *vq = &v->vq[q];
	unsigned left = vq->size;
	int r;

	vq_suppress(vq);
	do {
		while ((r = vq_pop(vq, c)) > 0) {
			r = fn(v, q, c);
			if (r)
				break;
			if (--left == 0)
				break;
		}
		if (r == -EAGAIN) {
			vq_unpop(vq, c);
			r = 0;
			break;
		}
		if (r < 0)
			break;
		if (left == 0) {
			/* Others may be waiting for the loop, or the lock. */
			virtio_notify_used(v, q);
			vq_listen(vq);
			virtio_kick(v, q);
			return 0;
		}
	} while (vq_listen(vq));
	virtio_notify_used(v, q);
	return r;
}

void virtio_push(struct virtio *v, unsigned q, struct vq_chain *c,
		 uint32_t written)
{
	vq_push(&v->vq[q], c, written);
	v->stats.requests++;
}

void virtio_notify_used(struct virtio *v, unsigned q)
{
	if (!vq_flush(&v->vq[q]))
		return;
	v->stats.interrupts++;
	if (v->transport.used)
		v->transport.used(v->transport.ctx, q);
}

/* --- notifications --- */

static void kicked(struct io *io, uint32_t events)
{
	struct virtio_kick *k = (struct virtio_kick *)io;

	(void)events;
	virtio_lock(k->v);
	k->v->stats.notifications++;
	virtio_serve(k->v, k->q);
	virtio_unlock(k->v);
}

int virtio_kick_fd(struct virtio *v, unsigned q)
{
	struct virtio_kick *k = &v->kick[q];
	int r;

	if (k->io.fd >= 0)
		return k->io.fd;
	if (!v->ops->served_elsewhere && (!v->async || !v->loop))
		return -EAGAIN;
	k->io.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->io.fd < 0)
		return -errno;
	if (v->ops->served_elsewhere)
		return k->io.fd;
	k->io.fn = kicked;
	r = loop_add(v->loop, &k->io, EPOLLIN | EPOLLET);
	if (r < 0) {
		close(k->io.fd);
		k->io.fd = -1;
		return r;
	}
	return k->io.fd;
}

static void serve_all(struct task *t)
{
	struct virtio *v = container_of(t, struct virtio, serve_all);
	unsigned q;

	virtio_lock(v);
	for (q = 0; q < v->nqueues; q++)
		virtio_serve(v, q);
	virtio_unlock(v);
}

void virtio_kick(struct virtio *v, unsigned q)
{
	uint64_t one = 1;
	int fd;

	if (!v->async || !v->loop) {
		virtio_serve(v, q);
		return;
	}
	fd = virtio_kick_fd(v, q);
	if (fd < 0)
		loop_post(v->loop, &v->serve_all);
	else if (write(fd, &one, sizeof(one)) < 0) {
		/* The counter is full: the loop has been told. */
	}
}

void virtio_notified(struct virtio *v, uint32_t q)
{
	if (q >= v->nqueues || !virtio_live(v))
		return;
	if (!v->async || !v->loop)
		v->stats.notifications++;
	virtio_kick(v, q);
}

/* --- configuration --- */

void virtio_config_set(struct virtio *v, unsigned off, const void *buf,
		       unsigned len)
{
	if (!memcmp(v->config + off, buf, len))
		return;
	memcpy(v->config + off, buf, len);
	if (v->status & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt_config(v);
	else if (v->transport.config)
		v->transport.config(v->transport.ctx);
}

void virtio_config_write(struct virtio *v, unsigned off, const void *buf,
			 unsigned len)
{
	if (!v->ops->config_write || off > v->config_size ||
	    len > v->config_size - off)
		return;
	v->ops->config_write(v, off, buf, len);
}

/* --- the status machine --- */

void virtio_ack_features(struct virtio *v, uint32_t sel, uint32_t bits)
{
	if (sel > 1 || v->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	v->acked &= ~((uint64_t)UINT32_MAX << 32 * sel);
	v->acked |= (uint64_t)bits << 32 * sel;
}

static void reset_queue(struct virtio *v, unsigned q)
{
	vq_reset(&v->vq[q]);
	if (v->ops->queue_reset)
		v->ops->queue_reset(v, q);
}

static void reset(struct virtio *v)
{
	unsigned q;

	for (q = 0; q < v->nqueues; q++)
		reset_queue(v, q);
	v->acked = 0;
	v->status = 0;
	if (v->ops->reset)
		v->ops->reset(v);
}

void virtio_reset(struct virtio *v)
{
	virtio_lock(v);
	reset(v);
	virtio_unlock(v);
}

static int start(struct virtio *v)
{
	unsigned q;
	int r;

	if (v->async && v->ops->own_thread && !v->thread) {
		v->thread = iothread_new(v->ops->name);
		if (!v->thread)
			return -errno;
		v->loop = iothread_loop(v->thread);
	}
	if (v->ops->activate) {
		r = v->ops->activate(v);
		if (r < 0)
			return r;
	}
	if (v->async && v->loop) {
		loop_post(v->loop, &v->serve_all);
		return 0;
	}
	for (q = 0; q < v->nqueues; q++)
		virtio_serve(v, q);
	return 0;
}

static bool features_ok(const struct virtio *v)
{
	return !(v->acked & ~v->offered) && virtio_has(v, VIRTIO_F_VERSION_1);
}

void virtio_set_status(struct virtio *v, uint8_t status)
{
	uint8_t set = status & STATUS_BITS & ~v->status;

	if (!status) {
		reset(v);
		return;
	}
	if (set & VIRTIO_CONFIG_S_FEATURES_OK && !features_ok(v))
		set &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!((v->status | set) & VIRTIO_CONFIG_S_FEATURES_OK))
		set &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	v->status |= set;
	if (set & VIRTIO_CONFIG_S_DRIVER_OK && virtio_live(v) && start(v) < 0)
		virtio_needs_reset(v, "cannot start");
	else if (set & VIRTIO_CONFIG_S_DRIVER_OK && !virtio_live(v))
		interrupt_config(
			v); /* a ring was broken before anyone listened */
}

bool virtio_queue_open(const struct virtio *v, unsigned q)
{
	if (q >= v->nqueues || v->vq[q].ready || v->vq[q].broken)
		return false;
	return !(v->status & VIRTIO_CONFIG_S_DRIVER_OK) ||
	       virtio_has(v, VIRTIO_F_RING_RESET);
}

void virtio_queue_ready(struct virtio *v, unsigned q, bool ready)
{
	if (q >= v->nqueues || v->vq[q].ready == ready)
		return;
	if (!ready) {
		reset_queue(v, q);
		return;
	}
	if (!virtio_queue_open(v, q) ||
	    !(v->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (vq_start(&v->vq[q], virtio_has(v, VIRTIO_RING_F_EVENT_IDX),
		     virtio_has(v, VIRTIO_RING_F_INDIRECT_DESC)))
		virtio_needs_reset(v, "a ring lies outside RAM");
	else if (virtio_live(v))
		virtio_kick(v, q);
}

void virtio_queue_reset(struct virtio *v, unsigned q)
{
	if (q < v->nqueues && virtio_has(v, VIRTIO_F_RING_RESET))
		reset_queue(v, q);
}
