/* SPDX-License-Identifier: MIT */
/*
 * What the driver writes to the device: status, features, which queues are
 * ready, configuration bytes. Under the device's lock but where it says so.
 */
#include "virtio/virtio_impl.h"

#include <errno.h>
#include <string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

/* What a driver may set; FAILED, for one, changes nothing here. */
#define STATUS_BITS                                                \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |    \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK | \
	 VIRTIO_CONFIG_S_FAILED)

/* --- configuration --- */

void virtio_config_set(struct virtio *v, unsigned off, const void *buf,
		       unsigned len)
{
	if (!memcmp(v->config + off, buf, len))
		return;
	memcpy(v->config + off, buf, len);
	if (v->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_interrupt_config(v);
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

/* What drivers do that no specification allows, and that works on QEMU. */
static const char *const liberties[] = {
	[VIRTIO_EARLY_QUEUES] = "sets queues up before FEATURES_OK",
	[VIRTIO_NO_FEATURES_OK] = "sets DRIVER_OK without FEATURES_OK",
	[VIRTIO_NO_VERSION_1] = "takes no VIRTIO_F_VERSION_1",
};

/* Tells of it once. */
static void takes_liberty(struct virtio *v, enum virtio_liberty what)
{
	if (!v->legacy && !(v->liberties >> what & 1))
		log_debug("%s: its driver %s", v->name, liberties[what]);
	v->liberties |= 1u << what;
}

void virtio_ack_features(struct virtio *v, uint32_t sel, uint32_t bits)
{
	const uint8_t fixed =
		VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;

	if (sel > 1 || v->status & fixed)
		return;
	v->acked &= ~((uint64_t)UINT32_MAX << 32 * sel);
	v->acked |= (uint64_t)bits << 32 * sel;
}

/* Requests in flight use queues and memory that the driver takes back. */
static void drain(struct virtio *v)
{
	if (v->in_flight)
		virtio_hold(v, VIRTIO_RESETTING);
}

static void reset_queue(struct virtio *v, unsigned q)
{
	vq_reset(&v->vq[q]);
	v->asked &= ~(1ull << q);
	v->used_owed &= ~(1ull << q);
	if (v->ops->queue_reset)
		v->ops->queue_reset(v, q);
}

static void drain_and_reset_queue(struct virtio *v, unsigned q)
{
	if (v->in_flight && v->ops->cancel)
		v->ops->cancel(v, q);
	drain(v);
	reset_queue(v, q);
	virtio_release(v, VIRTIO_RESETTING);
}

static void reset(struct virtio *v)
{
	unsigned q;

	drain(v);
	for (q = 0; q < v->nqueues; q++)
		reset_queue(v, q);
	v->acked = 0;
	v->status = 0;
	v->config_owed = false;
	v->failure = 0;
	if (v->ops->reset)
		v->ops->reset(v);
	virtio_release(v, VIRTIO_RESETTING);
}

void virtio_reset(struct virtio *v)
{
	virtio_lock(v);
	reset(v);
	v->shut = false;
	virtio_unlock(v);
}

/* Again, as queues may have been set up before that was settled. */
static void negotiate(struct virtio *v, struct virtqueue *vq)
{
	vq->event_idx = virtio_has(v, VIRTIO_RING_F_EVENT_IDX);
	vq->indirect = virtio_has(v, VIRTIO_RING_F_INDIRECT_DESC);
}

int virtio_start(struct virtio *v)
{
	unsigned q;
	int r;

	if (!virtio_live(v))
		return 0;

	for (q = 0; q < v->nqueues; q++)
		negotiate(v, &v->vq[q]);
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
	v->stopped = v->holds;
	virtio_ask_all(v);
	return 0;
}

static bool features_ok(const struct virtio *v)
{
	return !(v->acked & ~v->offered);
}

/*
 * DRIVER_OK comes, and FEATURES_OK is not set: unless that was refused, it need
 * not be. What was not offered is not accepted then.
 */
static bool goes_without_features_ok(struct virtio *v, uint8_t status)
{
	if (status & VIRTIO_CONFIG_S_FEATURES_OK)
		return false;
	takes_liberty(v, VIRTIO_NO_FEATURES_OK);
	v->acked &= v->offered;
	return true;
}

void virtio_set_status(struct virtio *v, uint8_t status)
{
	uint8_t set = status & STATUS_BITS & ~v->status;

	if (!status) {
		v->shut |= virtio_live(v);
		reset(v);
		return;
	}
	if (set & VIRTIO_CONFIG_S_FEATURES_OK && !features_ok(v))
		set &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if (set & VIRTIO_CONFIG_S_DRIVER_OK &&
	    !((v->status | set) & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    !goes_without_features_ok(v, status))
		set &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	v->status |= set;
	if (set & VIRTIO_CONFIG_S_DRIVER_OK)
		v->shut = false;
	if (set & VIRTIO_CONFIG_S_DRIVER_OK &&
	    !virtio_has(v, VIRTIO_F_VERSION_1))
		takes_liberty(v, VIRTIO_NO_VERSION_1);
	if (set & VIRTIO_CONFIG_S_DRIVER_OK && virtio_start(v) < 0)
		virtio_needs_reset(v, "cannot start");
	else if (set & VIRTIO_CONFIG_S_DRIVER_OK && !virtio_live(v))
		virtio_interrupt_config(
			v); /* a ring was broken before anyone listened */
}

bool virtio_queue_open(const struct virtio *v, unsigned q)
{
	if (q >= v->nqueues || v->vq[q].ready || v->vq[q].broken)
		return false;
	return !(v->status & VIRTIO_CONFIG_S_DRIVER_OK) || v->legacy ||
	       virtio_has(v, VIRTIO_F_RING_RESET);
}

void virtio_queue_ready(struct virtio *v, unsigned q, bool ready)
{
	if (q >= v->nqueues || v->vq[q].ready == ready)
		return;
	if (!ready) {
		drain_and_reset_queue(v, q);
		return;
	}
	if (!virtio_queue_open(v, q))
		return;
	if (!(v->status & VIRTIO_CONFIG_S_FEATURES_OK))
		takes_liberty(v, VIRTIO_EARLY_QUEUES);
	if (vq_start(&v->vq[q], virtio_has(v, VIRTIO_RING_F_EVENT_IDX),
		     virtio_has(v, VIRTIO_RING_F_INDIRECT_DESC)))
		virtio_needs_reset(v, "a ring lies outside RAM");
	else if (virtio_live(v))
		virtio_ask(v, q);
}

void virtio_queue_reset(struct virtio *v, unsigned q)
{
	if (q < v->nqueues && virtio_has(v, VIRTIO_F_RING_RESET))
		drain_and_reset_queue(v, q);
}
