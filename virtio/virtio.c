/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A notifier (an eventfd, edge-triggered, hence never read) is made when a
 * queue is first notified by a register access; from then on the kernel signals
 * it, and no register access comes any more. It stays registered, here and with
 * the hypervisor, until the device is freed: only the loop's own thread could
 * take it out of the loop, and one for a queue that is not ready does nothing.
 *
 * Turns: a notified queue is served at once, until the turn is over. What is
 * left is a bit in `asked`, and the task `turn`, which comes behind all others
 * that the loop has to do. While that is posted, whatever else there is to
 * serve waits for it too, so that a device with many queues has no more of the
 * loop than one. After DRIVER_OK and after a hold all queues are asked for,
 * since buffers may have been made available before.
 *
 * Holds: a bit in `holds` keeps buffers from being taken. The device is still
 * when there is such a bit and no request in flight; nothing has been published
 * from then on, nor an interrupt sent: these are owed. The last virtio_end()
 * wakes those who wait (a reset, a register access), and answers the one who
 * asked and does not wait. A reset is a hold too, for as long as it waits.
 */
#include "virtio/virtio_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "core/util.h"

#define COMMON_FEATURES                                                     \
	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC | \
	 1ull << VIRTIO_RING_F_EVENT_IDX | 1ull << VIRTIO_F_RING_RESET)

static void take_turn(struct task *t);

int virtio_init(struct virtio *v, const struct virtio_ops *ops,
		const struct gmem *gmem, struct loop *loop, unsigned nqueues,
		uint16_t size, uint64_t features)
{
	unsigned q;

	v->ops = ops;
	v->gmem = gmem;
	v->loop = loop;
	v->turn.fn = take_turn;
	virtio_set_name(v, ops->name);
	v->offered = features | COMMON_FEATURES;
	v->nqueues = nqueues;
	v->vq = calloc(nqueues, sizeof(*v->vq));
	v->notifier = calloc(nqueues, sizeof(*v->notifier));
	if (!v->vq || !v->notifier) {
		free(v->vq);
		free(v->notifier);
		return -ENOMEM;
	}
	for (q = 0; q < nqueues; q++) {
		vq_init(&v->vq[q], gmem, size);
		v->notifier[q] =
			(struct virtio_notifier){ .io.fd = -1, .v = v, .q = q };
	}
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->drained, NULL);
	return 0;
}

static void cancel(struct virtio *v)
{
	unsigned q;

	for (q = 0; v->in_flight && v->ops->cancel && q < v->nqueues; q++)
		v->ops->cancel(v, q);
}

void virtio_exit(struct virtio *v)
{
	unsigned q;

	virtio_lock(v);
	v->holds |= VIRTIO_ENDING;
	cancel(v);
	/* They may need the thread. */
	while (v->thread && v->in_flight)
		pthread_cond_wait(&v->drained, &v->lock);
	virtio_unlock(v);
	iothread_free(v->thread);
	if (!v->thread)
		loop_unpost(&v->turn);
	for (q = 0; q < v->nqueues; q++)
		if (v->notifier[q].io.fd >= 0)
			close(v->notifier[q].io.fd);
	free(v->notifier);
	free(v->vq);
	pthread_cond_destroy(&v->drained);
	pthread_mutex_destroy(&v->lock);
}

void virtio_set_name(struct virtio *v, const char *name)
{
	snprintf(v->name, sizeof(v->name), "%s", name);
}

void virtio_on_failure(struct virtio *v, void (*fn)(void *ctx, int err),
		       void *ctx)
{
	v->failed = fn;
	v->failed_ctx = ctx;
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

/* It is held, and what was in progress is done. */
static bool is_still(const struct virtio *v)
{
	return v->holds && !v->in_flight;
}

void virtio_interrupt_config(struct virtio *v)
{
	if (is_still(v) && v->holds & VIRTIO_PAUSED) {
		v->config_owed = true;
		return;
	}
	v->stats.interrupts++;
	if (v->transport.config)
		v->transport.config(v->transport.ctx);
}

void virtio_needs_reset(struct virtio *v, const char *why)
{
	v->stats.errors++;
	log_guest(&v->complaints, "%s: %s, needs a reset", v->name, why);
	if (v->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	/* Nobody listens before (2.1.2). */
	if (v->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_interrupt_config(v);
}

void virtio_failed(struct virtio *v, int err, const char *what)
{
	v->stats.errors++;
	if (err == v->failure)
		return;
	v->failure = err;
	log_guest(&v->complaints, "%s: %s failed: %s", v->name, what,
		  strerror(err));
	if (v->failed)
		v->failed(v->failed_ctx, err);
}

void virtio_recovered(struct virtio *v, const char *what)
{
	v->failure = 0;
	log_guest(&v->complaints, "%s: %s is back", v->name, what);
	if (v->failed)
		v->failed(v->failed_ctx, 0);
}

/* --- serving queues --- */

static void serve(struct virtio *v, unsigned q)
{
	int r;

	if (!virtio_works(v) || !v->vq[q].ready)
		return;
	v->serving = true;
	r = v->ops->serve(v, q);
	v->serving = false;
	if (r == -EPROTO)
		virtio_needs_reset(v, "the driver broke the protocol");
}

static unsigned next_asked(struct virtio *v)
{
	uint64_t later = v->asked & UINT64_MAX << v->next % 64;
	unsigned q = __builtin_ctzll(later ? later : v->asked);

	v->asked &= ~(1ull << q);
	v->next = q + 1;
	return q;
}

static void fall_still(struct virtio *v);

/* Those asked for, until the turn is over. */
static void serve_asked(struct virtio *v)
{
	v->spent = 0;
	if (is_still(v))
		fall_still(v);
	if (v->holds)
		return;
	if (v->stopped && v->ops->resume && virtio_live(v))
		v->ops->resume(v);
	v->stopped = false;
	while (v->asked && !v->holds) {
		serve(v, next_asked(v));
		if (!virtio_spent(v))
			continue;
		if (v->loop)
			break;
		v->spent = 0;
	}
	if (v->asked && !v->holds)
		loop_post(v->loop, &v->turn);
}

static void take_turn(struct task *t)
{
	struct virtio *v = container_of(t, struct virtio, turn);

	virtio_lock(v);
	serve_asked(v);
	virtio_unlock(v);
}

/* Have serve_asked() called: on the loop, or now. */
static void ask(struct virtio *v)
{
	if (v->loop && (v->async || v->serving))
		loop_post(v->loop, &v->turn);
	else if (!v->serving)
		serve_asked(v);
}

void virtio_ask(struct virtio *v, unsigned q)
{
	v->asked |= 1ull << q;
	ask(v);
}

void virtio_ask_all(struct virtio *v)
{
	v->asked = UINT64_MAX >> (64 - v->nqueues);
	ask(v);
}

void virtio_serve(struct virtio *v, unsigned q)
{
	if (__atomic_load_n(&v->turn.loop, __ATOMIC_ACQUIRE)) {
		v->asked |= 1ull << q;
		return;
	}
	v->spent = 0;
	serve(v, q);
	/* After a good part of a turn, the next notification waits for one. */
	if (v->async && !v->ops->own_thread && v->spent > VIRTIO_TURN / 4)
		loop_post(v->loop, &v->turn);
	else if (!v->loop && v->asked)
		serve_asked(v);
}

int virtio_pop(struct virtio *v, unsigned q, struct vq_chain *c)
{
	struct virtqueue *vq = &v->vq[q];
	unsigned pieces;
	int r;

	if (!virtio_works(v))
		return 0;
	if (virtio_spent(v)) {
		vq_listen(vq);
		virtio_ask(v, q);
		return 0;
	}
	vq_suppress(vq);
	do
		r = vq_pop(vq, c);
	while (r == 0 && vq_listen(vq));
	pieces = r > 0 ? c->out.n + c->in.n : 0;
	virtio_spend(v,
		     pieces > 256 ? pieces * VIRTIO_CHAIN_PIECE : VIRTIO_CHAIN);
	return r;
}

int virtio_each(struct virtio *v, unsigned q, struct vq_chain *c,
		int (*fn)(struct virtio *, unsigned q, struct vq_chain *))
{
	int r;

	while ((r = virtio_pop(v, q, c)) > 0) {
		r = fn(v, q, c);
		if (r)
			break;
	}
	if (r == -EAGAIN || r == VIRTIO_MORE)
		vq_unpop(&v->vq[q], c);
	if (r == VIRTIO_MORE && virtio_works(v)) {
		vq_listen(&v->vq[q]);
		virtio_ask(v, q);
	}
	virtio_publish(v, q);
	return r == -EPROTO ? r : 0;
}

void virtio_push(struct virtio *v, unsigned q, struct vq_chain *c,
		 uint32_t written)
{
	vq_push(&v->vq[q], c, written);
	v->stats.requests++;
}

void virtio_interrupt(struct virtio *v, unsigned q)
{
	if (is_still(v)) {
		v->used_owed |= 1ull << q;
		return;
	}
	v->stats.interrupts++;
	if (v->transport.used)
		v->transport.used(v->transport.ctx, q);
}

void virtio_publish(struct virtio *v, unsigned q)
{
	/* When nothing holds it any more, each queue is served. */
	if (!is_still(v) && vq_flush(&v->vq[q]))
		virtio_interrupt(v, q);
}

/* --- notifications --- */

static void notified(struct io *io, uint32_t events)
{
	struct virtio_notifier *n = (struct virtio_notifier *)io;

	(void)events;
	virtio_lock(n->v);
	n->v->stats.notifications++;
	virtio_serve(n->v, n->q);
	virtio_unlock(n->v);
}

int virtio_notify_fd(struct virtio *v, unsigned q)
{
	struct virtio_notifier *n = &v->notifier[q];
	int r;

	if (n->io.fd >= 0)
		return n->io.fd;
	if (!v->ops->served_elsewhere && (!v->async || !v->loop))
		return -EAGAIN;
	n->io.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (n->io.fd < 0)
		return -errno;
	if (v->ops->served_elsewhere)
		return n->io.fd;
	n->io.fn = notified;
	r = loop_add(v->loop, &n->io, EPOLLIN | EPOLLET);
	if (r < 0) {
		close(n->io.fd);
		n->io.fd = -1;
		return r;
	}
	return n->io.fd;
}

void virtio_notified(struct virtio *v, uint32_t q)
{
	if (q >= v->nqueues || !virtio_live(v))
		return;
	v->stats.notifications++;
	virtio_ask(v, q);
}

/* --- holding it still --- */

static void fall_still(struct virtio *v)
{
	struct quiet *quiet = v->quiet;

	if (!v->stopped && v->ops->stop && virtio_live(v))
		v->ops->stop(v);
	v->stopped = true;
	v->quiet = NULL;
	if (quiet)
		quiet_done(quiet);
}

void virtio_end(struct virtio *v)
{
	if (--v->in_flight)
		return;
	pthread_cond_broadcast(&v->drained);
	if (v->holds)
		fall_still(v);
}

void virtio_hold(struct virtio *v, unsigned why)
{
	v->holds |= why;
	while (v->in_flight) {
		if (why != VIRTIO_PAUSED)
			cancel(v);
		pthread_cond_wait(&v->drained, &v->lock);
		/* Another that waited may have released its hold first. */
		v->holds |= why;
	}
	fall_still(v);
}

static void send_owed(struct virtio *v)
{
	const uint64_t used = v->used_owed;
	const bool config = v->config_owed;
	unsigned q;

	v->used_owed = 0;
	v->config_owed = false;
	if (config)
		virtio_interrupt_config(v);
	for (q = 0; q < v->nqueues; q++)
		if (used >> q & 1)
			virtio_interrupt(v, q);
}

void virtio_release(struct virtio *v, unsigned why)
{
	if (!(v->holds & why))
		return;
	v->holds &= ~why;
	if (v->holds)
		return;
	send_owed(v);
	virtio_ask_all(v);
}

void virtio_quiesce(struct virtio *v, struct quiet *quiet)
{
	virtio_lock(v);
	v->holds |= VIRTIO_PAUSED;
	if (!v->in_flight && (!v->ops->stop || v->stopped || !v->async)) {
		fall_still(v);
	} else {
		quiet_wait(quiet);
		v->quiet = quiet;
		if (!v->in_flight)
			ask(v);
	}
	virtio_unlock(v);
}

void virtio_resume(struct virtio *v)
{
	struct quiet *quiet;

	virtio_lock(v);
	quiet = v->quiet;
	v->quiet = NULL;
	if (quiet)
		quiet_done(quiet);
	virtio_release(v, VIRTIO_PAUSED);
	virtio_unlock(v);
}
