/* SPDX-License-Identifier: MIT */
/*
 * The entropy device's queue. Each request is filled at once, up to a bound: a
 * driver asks again for more.
 */
#include "virtio/rng.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/random.h>
#include <linux/virtio_ids.h>

#include "virtio/virtio.h"

#define QUEUE_SIZE 64
/* A request is no reason to hold the loop up; a driver asks again for more. */
#define REQUEST_MAX 4096u

struct rng {
	struct virtio v;
	struct vq_chain chain;
};

static int fill(struct virtio *v, unsigned q, struct vq_chain *c)
{
	uint32_t written = 0;

	while (c->in.len && written < REQUEST_MAX) {
		size_t n = c->in.iov->iov_len;
		ssize_t r;

		if (n > REQUEST_MAX - written)
			n = REQUEST_MAX - written;
		r = getrandom(c->in.iov->iov_base, n, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			v->stats.errors++;
			break;
		}
		vq_skip(&c->in, r);
		written += r;
	}
	/* To make them is some ten times as dear as to copy them. */
	virtio_spend(v, written * 8);
	v->stats.bytes += written;
	virtio_push(v, q, c, written);
	return 0;
}

static int rng_serve(struct virtio *v, unsigned q)
{
	struct rng *r = (struct rng *)v;

	return virtio_each(v, q, &r->chain, fill);
}

/* Each request is done at once: there is nothing to keep. */
static int rng_save(const struct virtio *v, json_t *to)
{
	(void)v;
	(void)to;
	return 0;
}

static int rng_load(struct virtio *v, const json_t *from, struct err *e)
{
	(void)v;
	(void)from;
	(void)e;
	return 0;
}

static void rng_free(struct virtio *v)
{
	virtio_exit(v);
	free(v);
}

static const struct virtio_ops rng_ops = {
	.name = "virtio-rng",
	.id = VIRTIO_ID_RNG,
	.serve = rng_serve,
	.save = rng_save,
	.load = rng_load,
	.free = rng_free,
};

struct virtio *virtio_rng_new(const struct gmem *gmem, struct loop *loop)
{
	struct rng *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	if (virtio_init(&r->v, &rng_ops, gmem, loop, 1, QUEUE_SIZE, 0)) {
		free(r);
		return NULL;
	}
	return &r->v;
}
