/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A notification goes from the guest through KVM to the back end without us,
 * which waits on the queue's own eventfd. The way back is by another eventfd to
 * this device's thread, and from there as any device's interrupt, which the
 * guest may have masked or moved meanwhile.
 *
 * The queues are handed over at DRIVER_OK and taken back at a reset, both while
 * the driver's write of the status waits: after a reset nobody may write to
 * guest memory any more. A back end that hangs up, or does not do as it is
 * told, is lost, and the model has to make sure of that.
 *
 * The device then needs a reset. The next driver gets another back end: that is
 * made on the device's thread, as it takes time and a vCPU should not wait for
 * it. What the driver asks for meanwhile waits in the queues. One that loses them
 * over and over waits longer and longer.
 */
#include "virtio/vhost.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/log.h"
#include "core/util.h"

/*
 * The back end waits on the eventfd; this passes on what did not come by that.
 */
int vhost_serve(struct virtio *v, unsigned q)
{
	const uint64_t one = 1;
	int fd = virtio_notify_fd(v, q);

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0) {
		/* The counter is full: it is notified. */
	}
	return 0;
}

static void buffer_used(struct io *io, uint32_t events)
{
	struct vhost_queue *vq = container_of(io, struct vhost_queue, used);
	struct virtio *v = &vq->vhost->v;
	uint64_t n;

	(void)events;
	if (read(io->fd, &n, sizeof(n)) < 0)
		return;
	virtio_lock(v);
	if (virtio_live(v) && v->vq[vq->q].ready)
		virtio_interrupt(v, vq->q);
	virtio_unlock(v);
}

static void lose(struct vhost *h)
{
	if (h->lost)
		return;
	h->lost = true;
	virtio_failed(&h->v, ECONNRESET, "its back end");
	h->gone(h);
}

static void hung_up(struct io *io, uint32_t events)
{
	struct vhost *h = container_of(io, struct vhost, hang_up);

	(void)events;
	virtio_lock(&h->v);
	loop_del(io);
	lose(h);
	/*
	 * A driver that has reset it waits to read a status of 0 (4.1.4.3.2),
	 * and the next one for another.
	 */
	if (virtio_live(&h->v) && !h->due)
		virtio_needs_reset(&h->v, "its back end is gone");
	virtio_unlock(&h->v);
}

/* A place in guest RAM that a ring was checked to be in. */
static const void *place(const struct vhost *h, gpa_t gpa)
{
	struct iovec iov;

	return gmem_map(h->v.gmem, gpa, 1, &iov, 1) == 1 ? iov.iov_base : NULL;
}

static int open_call(struct vhost *h, struct vhost_queue *vq)
{
	int r;

	if (vq->used.fd >= 0)
		return 0;
	vq->used.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vq->used.fd < 0)
		return -errno;
	r = loop_add(h->v.loop, &vq->used, EPOLLIN);
	if (r < 0) {
		close(vq->used.fd);
		vq->used.fd = -1;
	}
	return r;
}

static int start_queue(struct vhost *h, struct vhost_queue *vq)
{
	const struct virtqueue *ring = &h->v.vq[vq->q];
	struct vhost_ring place_of = {
		.size = ring->size,
		.desc = place(h, ring->desc),
		.avail = place(h, ring->avail),
		.used = place(h, ring->used),
		.notify = virtio_notify_fd(&h->v, vq->q),
		.base = vq->base,
	};
	int r = open_call(h, vq);

	place_of.interrupt = vq->used.fd;
	if (!r)
		r = h->back->ops->queue_start(h->back, vq->q, &place_of);
	vq->served = !r;
	return r;
}

/* All that were handed over and are not served. */
static int start_queues(struct vhost *h)
{
	unsigned q;
	int r = 0;

	for (q = 0; q < h->v.nqueues && !r; q++)
		if (h->queue[q].handed && !h->queue[q].served)
			r = start_queue(h, &h->queue[q]);
	if (r < 0) {
		log_guest(&h->v.complaints, "%s: handing queues over: %s",
			  h->v.name, strerror(-r));
		lose(h);
	}
	return r;
}

static void stop_queue(struct vhost *h, struct vhost_queue *vq)
{
	int r;

	if (!vq->served)
		return;
	vq->served = false;
	r = h->back->ops->queue_stop(h->back, vq->q, &vq->base);
	if (r == 0 || h->lost)
		return;
	log_guest(&h->v.complaints, "%s: taking a queue back: %s", h->v.name,
		  strerror(-r));
	lose(h);
}

/* With the driver's features, and its queues unless the device is held. */
static int set_up(struct vhost *h)
{
	struct virtio *v = &h->v;
	int r = 0;

	if (h->hang_up.fd >= 0 && !h->hang_up.loop)
		r = loop_add(v->loop, &h->hang_up, EPOLLRDHUP);
	/* Without the features that only the transport knows. */
	if (!r)
		r = h->back->ops->set_up(h->back, v->acked & h->back->features,
					 &v->gmem->bank[0], h->ram_fd);
	if (r < 0) {
		log_guest(&v->complaints, "%s: setting up its back end: %s",
			  v->name, strerror(-r));
		lose(h);
	}
	return r || v->holds ? r : start_queues(h);
}

/* False: there is none, or it cannot do what the device has offered. */
static bool get_another(struct vhost *h)
{
	const uint64_t offered = h->back->features;
	struct vhost_back *back = h->again(h);

	if (!back)
		return false;
	if (h->hang_up.loop)
		loop_del(&h->hang_up);
	h->back->ops->free(h->back);
	h->back = back;
	h->hang_up.fd = back->fd;
	h->lost = false;
	if (!(offered & ~back->features))
		return true;
	log_guest(&h->v.complaints, "%s: another back end can do less",
		  h->v.name);
	/* What the next one has to have. */
	back->features = offered;
	lose(h);
	return false;
}

static void replace(struct task *t);

static void try_again(struct timer *t)
{
	replace(&container_of(t, struct vhost, later)->replace);
}

/*
 * For now there is no other one: a driver can end one after the other, each of
 * which costs the host a process. What is asked for waits in the queues.
 */
static void put_off(struct vhost *h, uint64_t ns)
{
	struct virtio *v = &h->v;

	if (!timer_is_open(&h->later) &&
	    timer_open(&h->later, v->loop, CLOCK_MONOTONIC, try_again) < 0) {
		h->due = false;
		virtio_needs_reset(v, "its back end is gone");
		return;
	}
	timer_after(&h->later, ns);
	if (h->put_off)
		return;
	h->put_off = true;
	log_guest(&h->put_offs,
		  "%s: its back end is lost time and again, and is not started "
		  "for %llu s",
		  v->name,
		  (unsigned long long)((ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC));
	virtio_failed(v, EAGAIN, "its back end");
}

static void start_another(struct vhost *h)
{
	h->due = h->put_off = false;
	pace_step(&h->pace, mono_ns());
	if (!get_another(h) || set_up(h) < 0)
		virtio_needs_reset(&h->v, "its back end is gone");
	else
		virtio_recovered(&h->v, "its back end");
}

static void replace(struct task *t)
{
	struct vhost *h = container_of(t, struct vhost, replace);
	uint64_t wait;

	virtio_lock(&h->v);
	if (h->due && virtio_works(&h->v)) {
		wait = pace_wait(&h->pace, mono_ns());
		if (wait)
			put_off(h, wait);
		else
			start_another(h);
	}
	virtio_unlock(&h->v);
}

int vhost_activate(struct virtio *v)
{
	struct vhost *h = (struct vhost *)v;
	unsigned q;

	for (q = 0; q < v->nqueues; q++) {
		h->queue[q].handed = v->vq[q].ready;
		h->queue[q].base = 0;
	}
	h->due = h->lost;
	if (!h->due)
		return set_up(h);
	loop_post(v->loop, &h->replace);
	return 0;
}

void vhost_stop(struct virtio *v)
{
	struct vhost *h = (struct vhost *)v;
	unsigned q;

	for (q = 0; q < v->nqueues; q++)
		stop_queue(h, &h->queue[q]);
}

void vhost_resume(struct virtio *v)
{
	struct vhost *h = (struct vhost *)v;

	if (h->due)
		loop_post(v->loop, &h->replace);
	else if (h->lost || start_queues(h) < 0)
		virtio_needs_reset(v, "its back end is gone");
}

void vhost_queue_reset(struct virtio *v, unsigned q)
{
	struct vhost *h = (struct vhost *)v;

	stop_queue(h, &h->queue[q]);
	h->queue[q].handed = false;
}

int vhost_init(struct vhost *h, const struct virtio_ops *ops,
	       const struct gmem *gmem, int ram_fd, struct vhost_back *back,
	       unsigned nqueues, uint16_t size)
{
	unsigned q;
	int r = virtio_init(&h->v, ops, gmem, NULL, nqueues, size, 0);

	if (r < 0)
		return r;
	h->v.offered &= back->features;
	h->back = back;
	h->ram_fd = ram_fd;
	h->hang_up = (struct io){ .fd = back->fd, .fn = hung_up };
	h->replace.fn = replace;
	for (q = 0; q < nqueues; q++)
		h->queue[q] =
			(struct vhost_queue){ .used = { .fd = -1,
							.fn = buffer_used },
					      .vhost = h,
					      .q = q };
	return 0;
}

void vhost_exit(struct vhost *h)
{
	unsigned q;

	virtio_exit(&h->v);
	if (!h->v.thread) {
		loop_unpost(&h->replace);
		timer_close(&h->later);
	}
	for (q = 0; q < VHOST_QUEUES_MAX && h->queue[q].vhost; q++)
		if (h->queue[q].used.fd >= 0)
			close(h->queue[q].used.fd);
	h->back->ops->free(h->back);
}
