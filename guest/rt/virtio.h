/* SPDX-License-Identifier: MIT */
/*
 * A driver for one queue of a virtio device (virtio 1.2, 2.7, 4.1 and 4.2), for
 * payloads: it polls, and lets the payload write any nonsense into the rings.
 * Registers go by the names that they have over MMIO, on PCI too.
 *
 * A payload runs without caches, and the device may run with them. Where the
 * host's CPU does not make guests' accesses cacheable (FEAT_S2FWB), both see
 * the same bytes only if what lies in caches is written back and dropped:
 * vq_sync() after each store, and before each load, of what is shared.
 */
#pragma once

#include "guest/rt/pci.h"

#define REG_DEVICE_ID	  0x008
#define REG_FEATURES	  0x010
#define REG_FEATURES_SEL  0x014
#define REG_DRIVER	  0x020
#define REG_DRIVER_SEL	  0x024
#define REG_QUEUE_SEL	  0x030
#define REG_QUEUE_NUM_MAX 0x034
#define REG_QUEUE_NUM	  0x038
#define REG_QUEUE_READY	  0x044
#define REG_QUEUE_NOTIFY  0x050
#define REG_INT_STATUS	  0x060
#define REG_INT_ACK	  0x064
#define REG_STATUS	  0x070
#define REG_QUEUE_DESC	  0x080
#define REG_QUEUE_AVAIL	  0x090
#define REG_QUEUE_USED	  0x0a0
#define REG_CONFIG	  0x100

#define STATUS_DRIVER	   0x03 /* ACKNOWLEDGE, DRIVER */
#define STATUS_FEATURES_OK 0x08
#define STATUS_DRIVER_OK   0x04
#define STATUS_NEEDS_RESET 0x40

#define F_INDIRECT (1ull << 28)
#define F_VERSION  (1ull << 32)

#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

#define ID_NET 1
#define ID_BLK 2
#define ID_RNG 4

#define RING 8u /* entries */

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* Each part alone in its cache lines, of whatever size up to 256 bytes. */
struct ring {
	struct desc desc[RING] __attribute__((aligned(4096)));
	struct {
		uint16_t flags, idx, ring[RING], used_event;
	} avail __attribute__((aligned(256)));
	struct {
		uint16_t flags, idx;
		struct {
			uint32_t id, len;
		} ring[RING];
		uint16_t avail_event;
	} used __attribute__((aligned(256)));
	uint8_t end[0] __attribute__((aligned(256)));
};

struct vdev {
	uint64_t base; /* of its window, or BAR; 0: there is none */
	struct ring *ring;
	uint16_t seen; /* used entries taken */
};

static inline void vq_sync(const void *p, uint64_t len)
{
	uint64_t at = (uintptr_t)p & -16ull, end = (uintptr_t)p + len;

	dsb();
	for (; at < end; at += 16)
		asm volatile("dc civac, %0" ::"r"(at) : "memory");
	dsb();
}

static inline bool vdev_on_pci(uint64_t base)
{
	return base >= MAP_PCI_MMIO_BASE;
}

/* Where a register is on PCI, and how wide. */
static inline uint64_t vdev_pci_reg(uint64_t base, unsigned reg, unsigned *size)
{
	*size = 4;
	if (reg >= REG_CONFIG)
		return base + VPCI_DEVICE + reg - REG_CONFIG;
	switch (reg) {
	case REG_FEATURES_SEL:
		return base + 0x00;
	case REG_FEATURES:
		return base + 0x04;
	case REG_DRIVER_SEL:
		return base + 0x08;
	case REG_DRIVER:
		return base + 0x0c;
	case REG_QUEUE_DESC:
	case REG_QUEUE_DESC + 4:
		return base + 0x20 + (reg & 4);
	case REG_QUEUE_AVAIL:
	case REG_QUEUE_AVAIL + 4:
		return base + 0x28 + (reg & 4);
	case REG_QUEUE_USED:
	case REG_QUEUE_USED + 4:
		return base + 0x30 + (reg & 4);
	case REG_STATUS:
		*size = 1;
		return base + 0x14;
	case REG_INT_STATUS:
		*size = 1;
		return base + VPCI_ISR;
	}
	*size = 2;
	switch (reg) {
	case REG_QUEUE_SEL:
		return base + 0x16;
	case REG_QUEUE_NUM:
	case REG_QUEUE_NUM_MAX:
		return base + 0x18;
	case REG_QUEUE_READY:
		return base + 0x1c;
	}
	fail("register %x is not on PCI", reg);
}

static inline uint32_t vdev_read(const struct vdev *d, unsigned reg)
{
	unsigned size;
	uint64_t at;

	if (!vdev_on_pci(d->base))
		return mmio_read32(d->base + reg);
	at = vdev_pci_reg(d->base, reg, &size);
	if (size == 1)
		return mmio_read8(at);
	return size == 2 ? mmio_read16(at) : mmio_read32(at);
}

static inline void vdev_write(const struct vdev *d, unsigned reg, uint32_t v)
{
	unsigned size;
	uint64_t at;

	if (!vdev_on_pci(d->base)) {
		mmio_write32(d->base + reg, v);
		return;
	}
	at = vdev_pci_reg(d->base, reg, &size);
	if (size == 1)
		mmio_write8(at, v);
	else if (size == 2)
		mmio_write16(at, v);
	else
		mmio_write32(at, v);
}

static inline void vdev_write64(const struct vdev *d, unsigned reg, uint64_t v)
{
	vdev_write(d, reg, v);
	vdev_write(d, reg + 4, v >> 32);
}

/* The same on PCI, its BARs placed. */
static inline uint64_t vdev_find_pci(uint32_t id, unsigned n)
{
	unsigned slot;

	for (slot = 0; slot < PCI_SLOTS; slot++) {
		if (mmio_read32(pci_cfg(slot, PCI_VENDOR)) !=
			    (0x1af4 | (0x1040 + id) << 16) ||
		    n-- != 0)
			continue;
		vpci_place(slot);
		return VPCI_AT(slot);
	}
	return 0;
}

/* The window of the @n-th device of this kind, or 0; on PCI if that has none. */
static inline uint64_t vdev_find(uint32_t id, unsigned n)
{
	unsigned i;

	for (i = 0; i < MAP_VIRTIO_SLOTS; i++) {
		uint64_t base = MAP_VIRTIO_BASE + i * MAP_VIRTIO_STRIDE;

		if (mmio_read32(base) == 0x74726976 &&
		    mmio_read32(base + REG_DEVICE_ID) == id && n-- == 0)
			return base;
	}
	return vdev_find_pci(id, n);
}

/* Reset, agree on @features of those offered. */
static inline void vdev_negotiate(struct vdev *d, uint64_t features)
{
	vdev_write(d, REG_STATUS, 0);
	vdev_write(d, REG_STATUS, STATUS_DRIVER);
	vdev_write(d, REG_DRIVER_SEL, 0);
	vdev_write(d, REG_DRIVER, features);
	vdev_write(d, REG_DRIVER_SEL, 1);
	vdev_write(d, REG_DRIVER, features >> 32);
	vdev_write(d, REG_STATUS, STATUS_DRIVER | STATUS_FEATURES_OK);
}

/* An empty ring as queue @q. */
static inline void vdev_queue(struct vdev *d, unsigned q)
{
	uint8_t *p = (uint8_t *)d->ring;

	vq_sync(d->ring, sizeof(*d->ring));
	for (; p < d->ring->end; p++)
		*(volatile uint8_t *)p = 0;
	vq_sync(d->ring, sizeof(*d->ring));
	d->seen = 0;
	vdev_write(d, REG_QUEUE_SEL, q);
	vdev_write(d, REG_QUEUE_NUM, RING);
	vdev_write64(d, REG_QUEUE_DESC, (uintptr_t)d->ring->desc);
	vdev_write64(d, REG_QUEUE_AVAIL, (uintptr_t)&d->ring->avail);
	vdev_write64(d, REG_QUEUE_USED, (uintptr_t)&d->ring->used);
	vdev_write(d, REG_QUEUE_READY, 1);
}

static inline void vdev_go(struct vdev *d)
{
	vdev_write(d, REG_STATUS,
		   STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

/* All of it, with one queue: ready for requests. */
static inline void vdev_start(struct vdev *d, uint64_t features)
{
	vdev_negotiate(d, features | F_VERSION);
	vdev_queue(d, 0);
	vdev_go(d);
}

static inline void vdev_desc(struct vdev *d, unsigned i, const void *addr,
			     uint32_t len, uint16_t flags, uint16_t next)
{
	d->ring->desc[i] = (struct desc){ (uintptr_t)addr, len, flags, next };
	vq_sync(&d->ring->desc[i], sizeof(struct desc));
}

/* Make head @head available; vdev_notify() tells the device. */
static inline void vdev_offer(struct vdev *d, uint16_t head)
{
	volatile uint16_t *idx = &d->ring->avail.idx;

	d->ring->avail.ring[*idx % RING] = head;
	vq_sync(&d->ring->avail, sizeof(d->ring->avail));
	*idx = *idx + 1;
	vq_sync(&d->ring->avail, sizeof(d->ring->avail));
}

static inline void vdev_notify(struct vdev *d, uint32_t q)
{
	if (vdev_on_pci(d->base))
		mmio_write16(d->base + VPCI_NOTIFY + 4 * (q & 0xffff), q);
	else
		vdev_write(d, REG_QUEUE_NOTIFY, q);
}

static inline bool vdev_needs_reset(const struct vdev *d)
{
	return vdev_read(d, REG_STATUS) & STATUS_NEEDS_RESET;
}

/* The device has used up to @n more buffers than were taken. */
static inline bool vdev_used(struct vdev *d, unsigned n)
{
	vq_sync(&d->ring->used, sizeof(d->ring->used));
	return (uint16_t)(*(volatile uint16_t *)&d->ring->used.idx - d->seen) >=
	       n;
}

/* Waits for a buffer to come back, and returns the bytes in it. */
static inline uint32_t vdev_wait(struct vdev *d)
{
	while (!vdev_used(d, 1))
		if (vdev_needs_reset(d))
			fail("a good request broke the device");
	return d->ring->used.ring[d->seen++ % RING].len;
}
