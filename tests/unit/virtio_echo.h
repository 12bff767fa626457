/* SPDX-License-Identifier: MIT */
/*
 * A device that gives each buffer back, filled with 0xee, at once or when it is
 * told to; for tests of what all devices have in common.
 */
#pragma once

#include "tests/unit/test.h"
#include "tests/unit/virtio_rig.h"

#define ECHO_FEATURE (1ull << 5) /* of its own */

struct echo {
	struct virtio v;
	struct vq_chain chain[QSIZE];
	bool keeps;
	unsigned kept, cancelled, taken;
	size_t cost; /* of each chain, in bytes */
	unsigned activated;
	int activation; /* its result */
};

static inline int echo_take(struct virtio *v, unsigned q, struct vq_chain *c)
{
	struct echo *e = (struct echo *)v;
	const uint32_t n = c->in.len;

	virtio_spend(v, e->cost);
	__atomic_fetch_add(&e->taken, 1, __ATOMIC_RELEASE);
	if (!e->keeps) {
		while (c->in.len)
			vq_put(c, "\xee", 1);
		virtio_push(v, q, c, n);
		return 0;
	}
	e->chain[++e->kept].head = c->head;
	virtio_begin(v);
	return 0;
}

static inline int echo_serve(struct virtio *v, unsigned q)
{
	return virtio_each(v, q, ((struct echo *)v)->chain, echo_take);
}

static inline void echo_cancel(struct virtio *v, unsigned q)
{
	(void)q;
	((struct echo *)v)->cancelled++;
}

static inline int echo_activate(struct virtio *v)
{
	struct echo *e = (struct echo *)v;

	e->activated++;
	return e->activation;
}

static inline void echo_free(struct virtio *v)
{
	virtio_exit(v);
	free(v);
}

static const struct virtio_ops echo_ops = {
	.name = "echo",
	.id = 42,
	.serve = echo_serve,
	.cancel = echo_cancel,
	.activate = echo_activate,
	.free = echo_free,
};

/* Served on @loop, or as the rig has it. */
static inline struct echo *echo_new(struct rig *r, struct loop *loop,
				    unsigned queues)
{
	struct echo *e = calloc(1, sizeof(*e));

	log_level = LOG_ERROR;
	rig_ram(r);
	EQ(virtio_init(&e->v, &echo_ops, &r->m, loop ? loop : rig_loop(r),
		       queues, QSIZE, ECHO_FEATURE),
	   0);
	e->v.config_size = 4;
	rig_plug(r, &e->v);
	rig_start(r, 0);
	return e;
}

static inline void echo_send(struct rig *r, unsigned q, unsigned i)
{
	rig_desc(r, q, i, DATA, 8, 0, 0);
	rig_send(r, q, i);
}

/* One that keeps two requests in flight. */
static inline struct echo *echo_busy(struct rig *r)
{
	struct echo *e = echo_new(r, NULL, 1);

	e->keeps = true;
	echo_send(r, 0, 0);
	echo_send(r, 0, 1);
	return e;
}

/* The one kept last is done. */
static inline void echo_finish(struct echo *e)
{
	virtio_lock(&e->v);
	virtio_push(&e->v, 0, &e->chain[e->kept--], 0);
	virtio_publish(&e->v, 0);
	virtio_end(&e->v);
	virtio_unlock(&e->v);
}

/* Why it is held. */
static inline unsigned echo_holds(struct rig *r)
{
	unsigned holds;

	virtio_lock(r->v);
	holds = r->v->holds;
	virtio_unlock(r->v);
	return holds;
}
