/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues, device side (virtio 1.2, section 2.7), with
 * VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX and VIRTIO_F_RING_RESET.
 *
 * The rings lie in guest memory and are rewritten under our eyes. Every
 * descriptor is fetched once and checked on the copy; a chain takes at most as
 * many steps as the queue has entries; whatever is handed to a device model has
 * become iovecs inside guest RAM. A ring that breaks the rules breaks the queue
 * (-EPROTO), for good, until it is set up anew.
 *
 * A virtqueue has no lock: its device's lock guards it.
 */
#pragma once

#include "core/gmem.h"

/* Entries of the largest queue: all are of QEMU's over MMIO. */
#define VQ_SIZE_MAX 1024u
/* A buffer takes two iovecs where it runs from one bank into the next. */
#define VQ_IOV_MAX (VQ_SIZE_MAX + 2 * GMEM_BANKS)

struct virtqueue {
	const struct gmem *gmem;
	uint16_t max;  /* the device's limit: a power of two */
	uint16_t size; /* what the driver chose */
	gpa_t desc, avail, used;
	bool ready;
	bool broken;
	bool event_idx, indirect; /* as negotiated, when it became ready */
	bool suppressed;	  /* asked for no notifications */
	uint16_t avail_idx;	  /* next entry to take */
	uint16_t used_idx;	  /* next entry to fill */
	uint16_t flushed;	  /* used_idx as the driver last saw it */
	uint64_t taken[VQ_SIZE_MAX / 64]; /* heads in flight */
};

/* A run of guest memory, scattered. */
struct vq_span {
	struct iovec *iov;
	unsigned n;
	size_t len; /* bytes in all */
};

/*
 * A buffer that the driver made available: first what it wrote (@out), then
 * what the device may write (@in); names as the driver sees them. vq_get() and
 * its like shorten the spans, so that they always are what is left. Must not be
 * copied: the spans point into @iov.
 */
struct vq_chain {
	uint16_t head;
	struct vq_span out, in;
	struct iovec iov[VQ_IOV_MAX];
};

/* Never set up, with at most @max entries (a power of two, <= VQ_SIZE_MAX). */
void vq_init(struct virtqueue *, const struct gmem *, uint16_t max);

/* Back to that; a chain still held is forgotten. */
void vq_reset(struct virtqueue *);

/*
 * vq_start() - the driver has set @size and the three addresses
 *
 * 0, or -EPROTO if the size is no power of two up to @max, or if a part of the
 * ring is misaligned or outside RAM; the queue is broken then.
 */
int vq_start(struct virtqueue *, bool event_idx, bool indirect);

/*
 * vq_pop() - take the next chain that the driver made available
 *
 * 1; 0 if there is none (or the queue is not ready); -EPROTO if the ring is
 * broken: a head or a next beyond the table, a loop, a head still in flight, a
 * bad indirect table, an empty buffer or one outside RAM, readable after
 * writable, more than 2^32 - 1 bytes in all. Nothing needs to be undone.
 */
int vq_pop(struct virtqueue *, struct vq_chain *);

/* Put back the chain popped last; the next vq_pop() fetches it again. */
void vq_unpop(struct virtqueue *, struct vq_chain *);

/*
 * vq_get() - consume @len bytes of what the driver wrote
 * vq_put() - fill the next @len bytes that the device may write
 *
 * 0, or -ENOSPC, with nothing done, if fewer are left.
 */
int vq_get(struct vq_chain *, void *buf, size_t len);
int vq_put(struct vq_chain *, const void *buf, size_t len);

/* Step over @len bytes of @s; at most s->len. */
void vq_skip(struct vq_span *s, size_t len);

/* Write @len bytes at @off in what is left of @in. 0 or -ENOSPC. */
int vq_poke(struct vq_chain *, size_t off, const void *buf, size_t len);

/*
 * vq_last() - take the last byte that the device may write off the chain
 *
 * Where many a protocol wants its status. NULL if there is none.
 */
uint8_t *vq_last(struct vq_chain *);

/*
 * vq_push() - give the chain back, with @written bytes in it
 *
 * The driver sees it at the next vq_flush(). @written is exact: a driver may
 * pass that many bytes on to somebody.
 */
void vq_push(struct virtqueue *, struct vq_chain *, uint32_t written);

/* Publish what was pushed; true if the driver wants an interrupt for it. */
bool vq_flush(struct virtqueue *);

/*
 * vq_suppress() - ask for no notifications for the time being (a hint)
 * vq_listen() - ask for them again
 *
 * vq_listen() returns true if buffers came in meanwhile, for which no
 * notification might come: look again.
 */
void vq_suppress(struct virtqueue *);
bool vq_listen(struct virtqueue *);
