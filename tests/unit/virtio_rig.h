/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a virtio device, for tests and fuzzers: some RAM, rings
 * in it, and a device behind its MMIO window, or on PCI with MSI-X. Registers go
 * by the names that they have over MMIO.
 *
 * Without threads, a notification is served within the register access that it
 * is. On a thread, it is as on a board: eventfds have the device's loop serve
 * queues, the device's own or one that rig_loop() gives it, while the test is the
 * vCPU. What notifies or sets a register then waits until the device has nothing
 * left to do, so that a test says what it expects once, for both.
 *
 * A model's test is a VIRTIO_TEST(), which runs over both transports in both
 * ways.
 */
#pragma once

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <sanitizer/asan_interface.h>

#include "tests/unit/pci_rig.h"
#include "virtio/mmio.h"
#include "virtio/pci.h"
#include "virtio/virtio.h"

#define RAM	  0x40000000ull
#define RAM_SIZE  0x100000u
#define RAM_ALIGN 0x10000u /* the largest of pages */
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
#define RIG_QUEUES  16u

/*
 * Does rig_plug() make a PCI device? One that is served on a thread? One with
 * registers of before virtio 1.0, over MMIO?
 */
static bool rig_over_pci, rig_on_a_thread, rig_legacy;

/*
 * A legacy queue has these parts at the places above because it is as long as
 * this, and its used ring aligned so.
 */
#define LEGACY_QSIZE 512u
#define LEGACY_ALIGN 0x4000u
#define LEGACY_PAGE  0x1000u

#define RIG_TEST_(id, body, pci, thread)  \
	TEST(id)                          \
	{                                 \
		rig_over_pci = pci;       \
		rig_on_a_thread = thread; \
		body();                   \
	}

/* For what is about a loop that the test runs by hand, turn by turn. */
#define VIRTIO_TEST_BY_HAND(id)                          \
	static void body_##id(void);                     \
	RIG_TEST_(id, body_##id, false, false)           \
	RIG_TEST_(id##_over_pci, body_##id, true, false) \
	static void body_##id(void)

#define VIRTIO_TEST(id)                                             \
	static void body_##id(void);                                \
	RIG_TEST_(id##_on_a_thread, body_##id, false, true)         \
	RIG_TEST_(id##_over_pci_on_a_thread, body_##id, true, true) \
	VIRTIO_TEST_BY_HAND(id)

struct rig {
	struct gmem m;
	uint8_t *ram;
	struct virtio *v;
	struct device *dev;  /* over MMIO */
	struct pci_rig *pci; /* else */
	unsigned qsize;	     /* entries of each queue */
	_Atomic unsigned irqs;
	uint16_t avail[RIG_QUEUES]; /* entries made available in each queue */
	/* On a thread: */
	bool waits;		  /* until the device is done */
	int notifier[RIG_QUEUES]; /* eventfds of queues that have one; else 0 */
	uint64_t notified;	  /* how many notifications it should know of */
	struct loop *loop; /* which thread runs; NULL: the device has its own */
	pthread_t thread;
};

static inline void rig_irq(void *ctx, unsigned line, bool on)
{
	struct rig *r = ctx;

	(void)line;
	r->irqs += on;
}

/* The last rig's, which a fuzzer's next run gets: fresh pages are slow. */
static uint8_t *rig_spare;

static inline void rig_ram(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->qsize = QSIZE;
	r->ram = rig_spare ? rig_spare : aligned_alloc(RAM_ALIGN, RAM_SIZE);
	rig_spare = NULL;
	ASAN_UNPOISON_MEMORY_REGION(r->ram, RAM_SIZE);
	if (!r->ram || gmem_add(&r->m, RAM, RAM_SIZE, r->ram))
		abort();
	memset(r->ram, 0, RAM_SIZE);
}

static inline void *rig_at(const struct rig *r, gpa_t gpa)
{
	return r->ram + (gpa - RAM);
}

/* --- a device on PCI, its BARs at these places, all vectors unmasked --- */

#define RIG_BAR	 HIGH_BASE
#define RIG_MSIX LOW_BASE

static inline void rig_pci_send(void *ctx, unsigned n)
{
	struct rig *r = ctx;

	pci_rig_send(r->pci, n);
	r->irqs++;
}

static inline void rig_pci_route(void *ctx, unsigned n, uint64_t addr,
				 uint32_t data)
{
	pci_rig_route(((struct rig *)ctx)->pci, n, addr, data);
}

/* Slot 1, as firmware or Linux sets it up. */
static inline void rig_pci_place(struct rig *r)
{
	struct pci_rig *p = r->pci;
	unsigned i, cap = cfg_cap(p, 1, PCI_CAP_ID_MSIX, 0);

	cfg_set(p, 1, PCI_BASE_ADDRESS_0 + 4 * VPCI_BAR_MSIX, 4, RIG_MSIX);
	cfg_set(p, 1, PCI_BASE_ADDRESS_0 + 4 * VPCI_BAR, 8, RIG_BAR);
	cfg_set(p, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	cfg_set(p, 1, cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	for (i = 0; i < virtio_pci_vectors(r->v); i++)
		mem_set(p, RIG_MSIX + i * 16 + 12, 4, 0);
}

static inline int rig_pci_ioeventfd(void *ctx, gpa_t at, int fd, bool on)
{
	struct rig *r = ctx;

	const unsigned q = (at % VPCI_BAR_SIZE - VPCI_NOTIFY) / 4;

	if (q >= RIG_QUEUES)
		abort();
	r->notifier[q] = on ? fd : 0;
	return 0;
}

static inline void rig_plug_pci(struct rig *r, struct virtio *v)
{
	const struct vpci_host host = {
		.ioeventfd = rig_on_a_thread ? rig_pci_ioeventfd : NULL,
		.msi = { rig_pci_route, rig_pci_send, r },
		.ctx = r,
	};

	r->v = v;
	r->pci = malloc(sizeof(*r->pci));
	if (!r->pci)
		abort();
	pci_rig_new(r->pci);
	if (!v || pci_host_add(r->pci->host, virtio_pci_new(v, &host)) != 1)
		abort();
	rig_pci_place(r);
}

struct rig_pci_reg {
	uint8_t off, size;
};

/* Where the registers of one transport are on the other. */
static inline struct rig_pci_reg rig_pci_reg(unsigned reg)
{
	static const struct rig_pci_reg regs[0x100] = {
		[VIRTIO_MMIO_DEVICE_FEATURES] = { VIRTIO_PCI_COMMON_DF, 4 },
		[VIRTIO_MMIO_DEVICE_FEATURES_SEL] = { VIRTIO_PCI_COMMON_DFSELECT,
						      4 },
		[VIRTIO_MMIO_DRIVER_FEATURES] = { VIRTIO_PCI_COMMON_GF, 4 },
		[VIRTIO_MMIO_DRIVER_FEATURES_SEL] = { VIRTIO_PCI_COMMON_GFSELECT,
						      4 },
		[VIRTIO_MMIO_QUEUE_SEL] = { VIRTIO_PCI_COMMON_Q_SELECT, 2 },
		[VIRTIO_MMIO_QUEUE_NUM_MAX] = { VIRTIO_PCI_COMMON_Q_SIZE, 2 },
		[VIRTIO_MMIO_QUEUE_NUM] = { VIRTIO_PCI_COMMON_Q_SIZE, 2 },
		[VIRTIO_MMIO_QUEUE_READY] = { VIRTIO_PCI_COMMON_Q_ENABLE, 2 },
		[VIRTIO_MMIO_STATUS] = { VIRTIO_PCI_COMMON_STATUS, 1 },
		[VIRTIO_MMIO_QUEUE_DESC_LOW] = { VIRTIO_PCI_COMMON_Q_DESCLO,
						 4 },
		[VIRTIO_MMIO_QUEUE_DESC_HIGH] = { VIRTIO_PCI_COMMON_Q_DESCHI,
						  4 },
		[VIRTIO_MMIO_QUEUE_AVAIL_LOW] = { VIRTIO_PCI_COMMON_Q_AVAILLO,
						  4 },
		[VIRTIO_MMIO_QUEUE_AVAIL_HIGH] = { VIRTIO_PCI_COMMON_Q_AVAILHI,
						   4 },
		[VIRTIO_MMIO_QUEUE_USED_LOW] = { VIRTIO_PCI_COMMON_Q_USEDLO,
						 4 },
		[VIRTIO_MMIO_QUEUE_USED_HIGH] = { VIRTIO_PCI_COMMON_Q_USEDHI,
						  4 },
		[VIRTIO_MMIO_CONFIG_GENERATION] = { VIRTIO_PCI_COMMON_CFGGENERATION,
						    1 },
		[QUEUE_RESET] = { VIRTIO_PCI_COMMON_Q_RESET, 2 },
	};

	if (!regs[reg].size)
		abort();
	return regs[reg];
}

static inline uint32_t rig_pci_get(const struct rig *r, unsigned reg)
{
	struct rig_pci_reg p;

	if (reg >= VIRTIO_MMIO_CONFIG)
		return mem_get(r->pci, RIG_BAR + VPCI_DEVICE + reg - 0x100, 4);
	p = rig_pci_reg(reg);
	return mem_get(r->pci, RIG_BAR + p.off, p.size);
}

static inline void rig_pci_set(const struct rig *r, unsigned reg, uint32_t val)
{
	struct rig_pci_reg p;

	if (reg == VIRTIO_MMIO_QUEUE_NOTIFY) {
		if (val < 1024)
			mem_set(r->pci, RIG_BAR + VPCI_NOTIFY + 4 * val, 2,
				val);
		return;
	}
	p = rig_pci_reg(reg);
	mem_set(r->pci, RIG_BAR + p.off, p.size, val);
	/* A reset has no vectors, and a queue's goes with its choice. */
	if (reg == VIRTIO_MMIO_STATUS && val)
		mem_set(r->pci, RIG_BAR + VIRTIO_PCI_COMMON_MSIX, 2, 0);
	if (reg == VIRTIO_MMIO_QUEUE_SEL)
		mem_set(r->pci, RIG_BAR + VIRTIO_PCI_COMMON_Q_MSIX, 2, val + 1);
}

/* --- on a thread --- */

static inline int rig_ioeventfd(void *ctx, uint64_t off, uint32_t value, int fd)
{
	if (off != VIRTIO_MMIO_QUEUE_NOTIFY)
		return 0;
	if (value >= RIG_QUEUES)
		abort();
	((struct rig *)ctx)->notifier[value] = fd;
	return 0;
}

static inline void *rig_run(void *loop)
{
	loop_run(loop);
	return NULL;
}

/*
 * For a device that has no thread of its own; NULL without threads. Runs from
 * rig_plug() on until rig_free(), which frees it.
 */
static inline struct loop *rig_loop(struct rig *r)
{
	if (rig_on_a_thread && !r->loop)
		r->loop = loop_new();
	return r->loop;
}

struct rig_fence {
	struct task task;
	sem_t passed;
};

static inline void rig_pass(struct task *t)
{
	sem_post(&((struct rig_fence *)t)->passed);
}

/* What the loop had to do before is done, or had a turn. */
static inline void rig_fence(struct loop *loop)
{
	struct rig_fence f = { .task = { .fn = rig_pass } };

	sem_init(&f.passed, 0, 0);
	loop_post(loop, &f.task);
	while (sem_wait(&f.passed) < 0)
		;
	sem_destroy(&f.passed);
}

/*
 * It has heard all notifications, and serves no queue nor means to. As the board
 * does, this looks at its counts at any time.
 */
static inline bool rig_is_done(struct rig *r)
{
	struct virtio *v = r->v;
	struct virtio_stats s;
	bool is;

	virtio_lock(v);
	s = v->stats;
	is = s.notifications >= r->notified && !v->serving &&
	     !__atomic_load_n(&v->turn.loop, __ATOMIC_ACQUIRE) &&
	     (!v->asked || v->holds);
	virtio_unlock(v);
	return is;
}

static inline void rig_settle(struct rig *r)
{
	while (!rig_is_done(r))
		rig_fence(r->v->loop);
}

/* --- over either --- */

/* Put @v, made with r->m, behind a window. */
static inline void rig_plug_host(struct rig *r, struct virtio *v,
				 const struct mmio_host *host)
{
	const struct irq irq = { .set = rig_irq, .ctx = r };

	r->v = v;
	if (v)
		v->legacy = rig_legacy;
	if (rig_legacy)
		r->qsize = LEGACY_QSIZE;
	r->dev = v ? virtio_mmio_new(v, &irq, NULL, host) : NULL;
	if (!r->dev)
		abort();
}

static inline void rig_plug(struct rig *r, struct virtio *v)
{
	const struct mmio_host host = { rig_ioeventfd, r };

	r->waits = rig_on_a_thread;
	if (rig_over_pci)
		rig_plug_pci(r, v);
	else
		rig_plug_host(r, v,
			      rig_on_a_thread ? &host
					      : &(struct mmio_host){ 0 });
	if (r->loop && pthread_create(&r->thread, NULL, rig_run, r->loop))
		abort();
}

static inline void rig_free(struct rig *r)
{
	if (r->loop) {
		loop_stop(r->loop);
		pthread_join(r->thread, NULL);
	}
	if (r->dev)
		r->dev->ops->free(r->dev);
	if (r->pci)
		pci_rig_free(r->pci);
	free(r->pci);
	loop_free(r->loop);
	free(rig_spare);
	rig_spare = r->ram;
	ASAN_POISON_MEMORY_REGION(rig_spare, RAM_SIZE);
}

static inline uint32_t rig_get(const struct rig *r, unsigned reg)
{
	return r->pci ? rig_pci_get(r, reg) : r->dev->ops->read(r->dev, reg, 4);
}

static inline void rig_write(const struct rig *r, unsigned reg, uint32_t val)
{
	if (r->pci)
		rig_pci_set(r, reg, val);
	else
		r->dev->ops->write(r->dev, reg, 4, val);
}

static inline void rig_set(struct rig *r, unsigned reg, uint32_t val)
{
	rig_write(r, reg, val);
	if (r->waits)
		rig_settle(r);
}

static inline uint64_t rig_offered(struct rig *r)
{
	uint64_t f;

	rig_set(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	f = (uint64_t)rig_get(r, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	rig_set(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return f | rig_get(r, VIRTIO_MMIO_DEVICE_FEATURES);
}

/* Reset, and up to FEATURES_OK with @features and VERSION_1, if there are these. */
static inline void rig_negotiate(struct rig *r, uint64_t features)
{
	features |= 1ull << VIRTIO_F_VERSION_1;
	rig_set(r, VIRTIO_MMIO_STATUS, 0);
	rig_set(r, VIRTIO_MMIO_STATUS, 1);
	rig_set(r, VIRTIO_MMIO_STATUS, 3);
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES, features);
	if (r->v->legacy)
		return;
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	rig_set(r, VIRTIO_MMIO_STATUS, 11);
}

static inline void rig_queue(struct rig *r, unsigned q)
{
	memset(rig_at(r, RING(q)), 0, 0x6000);
	r->avail[q] = 0;
	rig_set(r, VIRTIO_MMIO_QUEUE_SEL, q);
	rig_set(r, VIRTIO_MMIO_QUEUE_NUM, r->qsize);
	if (r->v->legacy) {
		rig_set(r, VIRTIO_MMIO_GUEST_PAGE_SIZE, LEGACY_PAGE);
		rig_set(r, VIRTIO_MMIO_QUEUE_ALIGN, LEGACY_ALIGN);
		rig_set(r, VIRTIO_MMIO_QUEUE_PFN, RING(q) / LEGACY_PAGE);
		return;
	}
	rig_set(r, VIRTIO_MMIO_QUEUE_DESC_LOW, DESC(q));
	rig_set(r, VIRTIO_MMIO_QUEUE_DESC_HIGH, DESC(q) >> 32);
	rig_set(r, VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL(q));
	rig_set(r, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, AVAIL(q) >> 32);
	rig_set(r, VIRTIO_MMIO_QUEUE_USED_LOW, USED(q));
	rig_set(r, VIRTIO_MMIO_QUEUE_USED_HIGH, USED(q) >> 32);
	rig_set(r, VIRTIO_MMIO_QUEUE_READY, 1);
}

/* Descriptor @i of the table at @table; the device may look meanwhile. */
static inline void rig_desc_at(const struct rig *r, gpa_t table, unsigned i,
			       gpa_t addr, uint32_t len, uint16_t flags,
			       uint16_t next)
{
	const struct vring_desc d = { htole64(addr), htole32(len),
				      htole16(flags), htole16(next) };
	uint64_t *to = rig_at(r, table + i * sizeof(d)), word[2];

	memcpy(word, &d, sizeof(d));
	__atomic_store_n(&to[0], word[0], __ATOMIC_RELAXED);
	__atomic_store_n(&to[1], word[1], __ATOMIC_RELAXED);
}

static inline void rig_desc(const struct rig *r, unsigned q, unsigned i,
			    gpa_t addr, uint32_t len, uint16_t flags,
			    uint16_t next)
{
	rig_desc_at(r, DESC(q), i, addr, len, flags, next);
}

/* In the order of a driver's barriers: an index after what it covers. */
static inline void rig_put16(const struct rig *r, gpa_t gpa, uint16_t val)
{
	__atomic_store_n((uint16_t *)rig_at(r, gpa), htole16(val),
			 __ATOMIC_RELEASE);
}

static inline uint16_t rig_get16(const struct rig *r, gpa_t gpa)
{
	return le16toh(
		__atomic_load_n((uint16_t *)rig_at(r, gpa), __ATOMIC_ACQUIRE));
}

/* Make the chain at @head available, without a notification. */
static inline void rig_avail(struct rig *r, unsigned q, uint16_t head)
{
	rig_put16(r, AVAIL(q) + 4 + r->avail[q] % r->qsize * 2, head);
	rig_put16(r, AVAIL(q) + 2, ++r->avail[q]);
}

/* Notify it as the guest does, and do not wait. */
static inline void rig_kick(struct rig *r, unsigned q)
{
	if (q < RIG_QUEUES && r->notifier[q])
		eventfd_write(r->notifier[q], 1);
	else
		rig_write(r, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

/* The same for the last buffer of @q, if the device asks for it (2.7.7.1). */
static inline void rig_kick_if_asked(struct rig *r, unsigned q)
{
	bool asked;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (virtio_has(r->v, VIRTIO_RING_F_EVENT_IDX))
		asked = vring_need_event(
			rig_get16(r, USED(q) + 4 + r->qsize * 8), r->avail[q],
			r->avail[q] - 1);
	else
		asked = !(rig_get16(r, USED(q)) & VRING_USED_F_NO_NOTIFY);
	if (asked)
		rig_kick(r, q);
}

static inline void rig_notify(struct rig *r, unsigned q)
{
	struct virtio *v = r->v;

	if (r->waits) {
		virtio_lock(v);
		r->notified = v->stats.notifications;
		if (q < RIG_QUEUES && r->notifier[q])
			r->notified += !v->ops->served_elsewhere;
		virtio_unlock(v);
	}
	rig_kick(r, q);
	if (r->waits)
		rig_settle(r);
}

/* What a driver does from the start to DRIVER_OK. */
static inline void rig_start(struct rig *r, uint64_t features)
{
	unsigned q;

	rig_negotiate(r, features);
	for (q = 0; q < r->v->nqueues && q < RIG_QUEUES; q++)
		rig_queue(r, q);
	rig_set(r, VIRTIO_MMIO_STATUS, 15);
	/* The first notification of each asks for the eventfd. */
	for (q = 0; r->waits && q < r->v->nqueues && q < RIG_QUEUES; q++)
		rig_notify(r, q);
	r->irqs = 0;
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

	memcpy(&len, rig_at(r, USED(q) + 4 + i % r->qsize * 8 + 4), 4);
	return le32toh(len);
}

static inline bool rig_needs_reset(const struct rig *r)
{
	return rig_get(r, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}
