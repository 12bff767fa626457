/* SPDX-License-Identifier: MIT */
/*
 * Walking descriptor chains, the two rings, and the suppression of
 * notifications. Every access to guest memory goes through core/gmem.h.
 */
#include "virtio/virtqueue.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <linux/virtio_ring.h>

/* Offsets in the two rings; the entries start at 4 (2.7.6, 2.7.8). */
#define RING_FLAGS   0
#define RING_IDX     2
#define RING_ENTRIES 4
#define AVAIL_ENTRY  2u
#define USED_ENTRY   8u

static gpa_t used_event(const struct virtqueue *vq)
{
	return vq->avail + RING_ENTRIES + vq->size * AVAIL_ENTRY;
}

static gpa_t avail_event(const struct virtqueue *vq)
{
	return vq->used + RING_ENTRIES + vq->size * USED_ENTRY;
}

void vq_init(struct virtqueue *vq, const struct gmem *gmem, uint16_t max)
{
	*vq = (struct virtqueue){ .gmem = gmem, .max = max };
}

void vq_reset(struct virtqueue *vq)
{
	vq_init(vq, vq->gmem, vq->max);
}

static int broken(struct virtqueue *vq)
{
	vq->broken = true;
	return -EPROTO;
}

static bool in_ram(const struct virtqueue *vq, gpa_t gpa, size_t len)
{
	struct iovec iov[GMEM_BANKS];

	return gmem_map(vq->gmem, gpa, len, iov, GMEM_BANKS) > 0;
}

int vq_start(struct virtqueue *vq, bool event_idx, bool indirect)
{
	const uint16_t n = vq->size;

	/* Each ring ends in the event index of the other direction. */
	if (!n || n > vq->max || (n & (n - 1)) || vq->desc % 16 ||
	    vq->avail % 2 || vq->used % 4 ||
	    !in_ram(vq, vq->desc, n * sizeof(struct vring_desc)) ||
	    !in_ram(vq, vq->avail, RING_ENTRIES + n * AVAIL_ENTRY + 2) ||
	    !in_ram(vq, vq->used, RING_ENTRIES + n * USED_ENTRY + 2))
		return broken(vq);
	vq->event_idx = event_idx;
	vq->indirect = indirect;
	vq->ready = true;
	return 0;
}

static bool is_taken(const struct virtqueue *vq, uint16_t head)
{
	return vq->taken[head / 64] >> (head % 64) & 1;
}

static void flip_taken(struct virtqueue *vq, uint16_t head)
{
	vq->taken[head / 64] ^= 1ull << (head % 64);
}

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
	gpa_t base;
	uint32_t n;
};

static int fetch(const struct virtqueue *vq, const struct table *t, uint32_t i,
		 struct vring_desc *d)
{
	if (i >= t->n ||
	    gmem_read(vq->gmem, t->base + i * sizeof(*d), d, sizeof(*d)))
		return -EPROTO;
	d->addr = le64toh(d->addr);
	d->len = le32toh(d->len);
	d->flags = le16toh(d->flags);
	d->next = le16toh(d->next);
	return 0;
}

/* Append the buffer of @d to the chain. */
static int add_buffer(const struct virtqueue *vq, struct vq_chain *c,
		      const struct vring_desc *d)
{
	struct vq_span *s = d->flags & VRING_DESC_F_WRITE ? &c->in : &c->out;
	unsigned n = c->out.n + c->in.n;
	int r;

	if (!d->len || d->len > UINT32_MAX - c->out.len - c->in.len)
		return -EPROTO;
	if (s == &c->out && c->in.n)
		return -EPROTO;
	r = gmem_map(vq->gmem, d->addr, d->len, c->iov + n, VQ_IOV_MAX - n);
	if (r < 0)
		return -EPROTO;
	s->n += r;
	s->len += d->len;
	return 0;
}

/* @d stands for the table that its buffer holds (2.7.5.3). */
static int enter_indirect(const struct virtqueue *vq, struct table *t,
			  const struct vring_desc *d)
{
	if (!vq->indirect || d->flags & VRING_DESC_F_NEXT || !d->len ||
	    d->len % sizeof(*d) || d->len / sizeof(*d) > vq->max ||
	    !in_ram(vq, d->addr, d->len))
		return -EPROTO;
	*t = (struct table){ .base = d->addr, .n = d->len / sizeof(*d) };
	return 0;
}

static int walk(const struct virtqueue *vq, struct vq_chain *c)
{
	struct table t = { .base = vq->desc, .n = vq->size };
	bool indirect = false;
	struct vring_desc d;
	uint32_t i = c->head, left = t.n;

	/* In a table of n entries, a chain longer than n has met itself. */
	while (left--) {
		if (fetch(vq, &t, i, &d))
			return -EPROTO;
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (indirect || enter_indirect(vq, &t, &d))
				return -EPROTO;
			indirect = true;
			left = t.n;
			i = 0;
			continue;
		}
		if (add_buffer(vq, c, &d))
			return -EPROTO;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		i = d.next;
	}
	return -EPROTO;
}

int vq_pop(struct virtqueue *vq, struct vq_chain *c)
{
	uint16_t idx, pending;
	gpa_t entry;

	if (vq->broken)
		return -EPROTO;
	if (!vq->ready)
		return 0;
	/* Read before the entry that it covers. */
	if (gmem_load16(vq->gmem, vq->avail + RING_IDX, &idx))
		return broken(vq);
	pending = idx - vq->avail_idx;
	if (!pending)
		return 0;
	if (pending > vq->size)
		return broken(vq);
	entry = vq->avail + RING_ENTRIES +
		vq->avail_idx % vq->size * AVAIL_ENTRY;
	if (gmem_load16(vq->gmem, entry, &c->head))
		return broken(vq);
	if (c->head >= vq->size || is_taken(vq, c->head))
		return broken(vq);
	c->out = (struct vq_span){ .iov = c->iov };
	c->in = c->out;
	if (walk(vq, c))
		return broken(vq);
	c->in.iov = c->iov + c->out.n;
	flip_taken(vq, c->head);
	vq->avail_idx++;
	return 1;
}

void vq_unpop(struct virtqueue *vq, struct vq_chain *c)
{
	flip_taken(vq, c->head);
	vq->avail_idx--;
}

void vq_skip(struct vq_span *s, size_t len)
{
	s->len -= len;
	while (len && len >= s->iov->iov_len) {
		len -= s->iov->iov_len;
		s->iov++;
		s->n--;
	}
	if (len) {
		s->iov->iov_base = (uint8_t *)s->iov->iov_base + len;
		s->iov->iov_len -= len;
	}
}

/* Copy between @buf and the bytes at @off in @s, which are there. */
static void copy(const struct vq_span *s, size_t off, void *buf, size_t len,
		 bool to_guest)
{
	const struct iovec *v = s->iov;
	uint8_t *p = buf;

	for (; len; v++) {
		uint8_t *g = (uint8_t *)v->iov_base + off;
		size_t n = v->iov_len;

		if (off >= n) {
			off -= n;
			continue;
		}
		n -= off;
		off = 0;
		if (n > len)
			n = len;
		memcpy(to_guest ? g : p, to_guest ? p : g, n);
		p += n;
		len -= n;
	}
}

int vq_get(struct vq_chain *c, void *buf, size_t len)
{
	if (len > c->out.len)
		return -ENOSPC;
	copy(&c->out, 0, buf, len, false);
	vq_skip(&c->out, len);
	return 0;
}

int vq_poke(struct vq_chain *c, size_t off, const void *buf, size_t len)
{
	if (off > c->in.len || len > c->in.len - off)
		return -ENOSPC;
	copy(&c->in, off, (void *)buf, len, true);
	return 0;
}

int vq_put(struct vq_chain *c, const void *buf, size_t len)
{
	int r = vq_poke(c, 0, buf, len);

	if (r == 0)
		vq_skip(&c->in, len);
	return r;
}

uint8_t *vq_last(struct vq_chain *c)
{
	struct iovec *v;
	uint8_t *p;

	if (!c->in.len)
		return NULL;
	v = &c->in.iov[c->in.n - 1];
	p = (uint8_t *)v->iov_base + --v->iov_len;
	if (!v->iov_len)
		c->in.n--;
	c->in.len--;
	return p;
}

void vq_push(struct virtqueue *vq, struct vq_chain *c, uint32_t written)
{
	struct vring_used_elem e = {
		.id = htole32(c->head),
		.len = htole32(written),
	};
	gpa_t entry =
		vq->used + RING_ENTRIES + vq->used_idx % vq->size * USED_ENTRY;

	/* vq_start() has seen the ring in RAM. */
	gmem_write(vq->gmem, entry, &e, sizeof(e));
	flip_taken(vq, c->head);
	vq->used_idx++;
}

bool vq_flush(struct virtqueue *vq)
{
	uint16_t old = vq->flushed, new = vq->used_idx, val;

	if (!vq->ready || old == new)
		return false;
	/* Seen after the entries that it covers. */
	gmem_store16(vq->gmem, vq->used + RING_IDX, new);
	vq->flushed = new;
	/*
	 * The driver asks for interrupts, then reads the index; we store the
	 * index, then read what it asks for. One of us sees the other's store.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!vq->event_idx)
		return gmem_load16(vq->gmem, vq->avail + RING_FLAGS, &val) ||
		       !(val & VRING_AVAIL_F_NO_INTERRUPT);
	return gmem_load16(vq->gmem, used_event(vq), &val) ||
	       vring_need_event(val, new, old);
}

void vq_suppress(struct virtqueue *vq)
{
	if (!vq->ready || vq->suppressed)
		return;
	vq->suppressed = true;
	/* With an event index it is enough not to move it. */
	if (!vq->event_idx)
		gmem_store16(vq->gmem, vq->used + RING_FLAGS,
			     VRING_USED_F_NO_NOTIFY);
}

bool vq_listen(struct virtqueue *vq)
{
	uint16_t idx;

	if (!vq->ready || vq->broken)
		return false;
	vq->suppressed = false;
	if (vq->event_idx)
		gmem_store16(vq->gmem, avail_event(vq), vq->avail_idx);
	else
		gmem_store16(vq->gmem, vq->used + RING_FLAGS, 0);
	/* Pairs with the driver's: it stores its index, then reads our flag. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return gmem_load16(vq->gmem, vq->avail + RING_IDX, &idx) == 0 &&
	       idx != vq->avail_idx;
}
