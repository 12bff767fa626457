/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a virtio device, for tests and fuzzers: some RAM, rings
 * in it, and a device behind its MMIO window, without threads.
 */
#pragma once

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "virtio/mmio.h"
#include "virtio/virtio.h"

#define RAM	 0x40000000ull
#define RAM_SIZE 0x100000u
/* Queue q's rings, and what is left for buffers. */
#define RING(q)	    (RAM + (q)*0x8000ull)
#define DESC(q)	    (RING(q))
#define AVAIL(q)    (RING(q) + 0x2000)
#define USED(q)	    (RING(q) + 0x4000)
#define DATA	    (RAM + 0x80000)
#define QSIZE	    16u
#define W	    VRING_DESC_F_WRITE
#define N	    VRING_DESC_F_NEXT
#define IND	    VRING_DESC_F_INDIRECT
#define QUEUE_RESET 0x0c0

struct rig {
	struct gmem m;
	uint8_t *ram;
	struct virtio *v;
	struct device *dev;
	unsigned irqs;
	uint16_t avail[16]; /* entries made available in each queue */
};

static inline void rig_irq(void *ctx, unsigned line, bool on)
{
	struct rig *r = ctx;

	(void)line;
	r->irqs += on;
}

static inline void rig_ram(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->ram = calloc(1, RAM_SIZE);
	if (!r->ram || gmem_add(&r->m, RAM, RAM_SIZE, r->ram))
		abort();
}

static inline void *rig_at(const struct rig *r, gpa_t gpa)
{
	return r->ram + (gpa - RAM);
}

/* Put @v, made with r->m, behind a window. */
static inline void rig_plug_host(struct rig *r, struct virtio *v,
				 const struct mmio_host *host)
{
	const struct irq irq = { .set = rig_irq, .ctx = r };

	r->v = v;
	r->dev = v ? virtio_mmio_new(v, &irq, NULL, host) : NULL;
	if (!r->dev)
		abort();
}

static inline void rig_plug(struct rig *r, struct virtio *v)
{
	rig_plug_host(r, v, &(struct mmio_host){ 0 });
}

static inline void rig_free(struct rig *r)
{
	if (r->dev)
		r->dev->ops->free(r->dev);
	free(r->ram);
}

static inline uint32_t rig_get(const struct rig *r, unsigned reg)
{
	return r->dev->ops->read(r->dev, reg, 4);
}

static inline void rig_set(const struct rig *r, unsigned reg, uint32_t val)
{
	r->dev->ops->write(r->dev, reg, 4, val);
}

static inline uint64_t rig_offered(const struct rig *r)
{
	uint64_t f;

	rig_set(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	f = (uint64_t)rig_get(r, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	rig_set(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return f | rig_get(r, VIRTIO_MMIO_DEVICE_FEATURES);
}

/* Reset, and up to FEATURES_OK with @features and VERSION_1. */
static inline void rig_negotiate(struct rig *r, uint64_t features)
{
	features |= 1ull << VIRTIO_F_VERSION_1;
	rig_set(r, VIRTIO_MMIO_STATUS, 0);
	rig_set(r, VIRTIO_MMIO_STATUS, 1);
	rig_set(r, VIRTIO_MMIO_STATUS, 3);
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES, features);
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	rig_set(r, VIRTIO_MMIO_STATUS, 11);
}

static inline void rig_queue(struct rig *r, unsigned q)
{
	memset(rig_at(r, RING(q)), 0, 0x6000);
	r->avail[q] = 0;
	rig_set(r, VIRTIO_MMIO_QUEUE_SEL, q);
	rig_set(r, VIRTIO_MMIO_QUEUE_NUM, QSIZE);
	rig_set(r, VIRTIO_MMIO_QUEUE_DESC_LOW, DESC(q));
	rig_set(r, VIRTIO_MMIO_QUEUE_DESC_HIGH, DESC(q) >> 32);
	rig_set(r, VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL(q));
	rig_set(r, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, AVAIL(q) >> 32);
	rig_set(r, VIRTIO_MMIO_QUEUE_USED_LOW, USED(q));
	rig_set(r, VIRTIO_MMIO_QUEUE_USED_HIGH, USED(q) >> 32);
	rig_set(r, VIRTIO_MMIO_QUEUE_READY, 1);
}

/* What a driver does from the start to DRIVER_OK. */
static inline void rig_start(struct rig *r, uint64_t features)
{
	unsigned q;

	rig_negotiate(r, features);
	for (q = 0; q < r->v->nqueues && q < 16; q++)
		rig_queue(r, q);
	rig_set(r, VIRTIO_MMIO_STATUS, 15);
	r->irqs = 0;
}

/* Descriptor @i of the table at @table. */
static inline void rig_desc_at(const struct rig *r, gpa_t table, unsigned i,
			       gpa_t addr, uint32_t len, uint16_t flags,
			       uint16_t next)
{
	struct vring_desc d = { htole64(addr), htole32(len), htole16(flags),
				htole16(next) };

	memcpy(rig_at(r, table + i * sizeof(d)), &d, sizeof(d));
}

static inline void rig_desc(const struct rig *r, unsigned q, unsigned i,
			    gpa_t addr, uint32_t len, uint16_t flags,
			    uint16_t next)
{
	rig_desc_at(r, DESC(q), i, addr, len, flags, next);
}

static inline void rig_put16(const struct rig *r, gpa_t gpa, uint16_t val)
{
	val = htole16(val);
	memcpy(rig_at(r, gpa), &val, 2);
}

static inline uint16_t rig_get16(const struct rig *r, gpa_t gpa)
{
	uint16_t val;

	memcpy(&val, rig_at(r, gpa), 2);
	return le16toh(val);
}

/* Make the chain at @head available, without a notification. */
static inline void rig_avail(struct rig *r, unsigned q, uint16_t head)
{
	rig_put16(r, AVAIL(q) + 4 + r->avail[q] % QSIZE * 2, head);
	rig_put16(r, AVAIL(q) + 2, ++r->avail[q]);
}

static inline void rig_notify(struct rig *r, unsigned q)
{
	rig_set(r, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

static inline void rig_send(struct rig *r, unsigned q, uint16_t head)
{
	rig_avail(r, q, head);
	rig_notify(r, q);
}

static inline uint16_t rig_used_idx(const struct rig *r, unsigned q)
{
	return rig_get16(r, USED(q) + 2);
}

/* Length of the @i-th used entry. */
static inline uint32_t rig_used_len(const struct rig *r, unsigned q, unsigned i)
{
	uint32_t len;

	memcpy(&len, rig_at(r, USED(q) + 4 + i % QSIZE * 8 + 4), 4);
	return le32toh(len);
}

static inline bool rig_needs_reset(const struct rig *r)
{
	return rig_get(r, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}
