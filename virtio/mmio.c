/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The shadow is the one place where a register's value is: refresh() computes
 * the window from the device's state after each change, and both a mapped guest
 * and read() take it from there, without a lock.
 *
 * InterruptStatus cannot be exact in memory, as its usual acknowledgement is
 * swallowed by an eventfd that nobody reads. Bit 0 (used buffer) therefore goes
 * to 1 with the first such interrupt and stays there until the device is reset.
 * The line is an edge, so nothing storms; a driver that finds the bit set at
 * another interrupt looks at its rings in vain, which it must expect anyway.
 * Bit 1 (configuration) is exact: it is set before its interrupt, and a write
 * that clears it differs from the swallowed value, hence arrives.
 *
 * Drivers of before virtio 1.0 know neither the tree nor its word that interrupts
 * are edges: kernels small enough to have one leave their interrupt controller as
 * it comes out of a reset, with levels. For them both bits are exact, nothing is
 * swallowed, and the line is up as long as a bit is set; where the controller is
 * set to edges, each time that the line is raised is one.
 *
 * ConfigGeneration moves before and after the bytes change. Having it move on
 * one side only, a driver that reads from memory while we write could see equal
 * generations around a mixture for as long as the write takes. It still can if
 * all of its reads fall between the two moves; the interrupt that follows makes
 * it read again.
 */
#include "virtio/mmio.h"

#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "core/arch.h"
#include "core/util.h"
#include "virtio/virtio.h"

#ifndef VIRTIO_MMIO_QUEUE_RESET
#define VIRTIO_MMIO_QUEUE_RESET 0x0c0
#endif

#define MAGIC	0x74726976u /* "virt" */
#define VERSION 2u
/* Of a legacy driver's used rings if it does not say, as on QEMU. */
#define LEGACY_ALIGN 4096u
#define VENDOR	     0x554d4551u /* "QEMU": there are drivers that compare it */
#define WORDS	     (MMIO_WINDOW / 4)

struct mmio {
	struct device dev;
	struct virtio *v;
	struct irq irq;
	struct mmio_host host;
	uint32_t *shadow; /* own[], or the board's */
	uint32_t own[WORDS];
	uint32_t features_sel, driver_sel, queue_sel;
	uint32_t generation;
	uint32_t isr;
	uint32_t page_size;		   /* of a legacy driver's PFNs */
	uint32_t align[VIRTIO_QUEUES_MAX]; /* of its used rings; 0: unsaid */
	int ack_fd; /* -1 until the first acknowledgement */
	bool notify_fd[VIRTIO_QUEUES_MAX]; /* its eventfd was asked for */
};

/* --- the shadow --- */

/* One word; true if it changed. */
static bool put(struct mmio *m, unsigned off, uint32_t val)
{
	uint32_t *p = &m->shadow[off / 4];

	val = htole32(val);
	if (*p == val)
		return false;
	__atomic_store_n(p, val, __ATOMIC_RELEASE);
	arch_clean_to_memory(p);
	return true;
}

/* The configuration bytes, as words: each is seen whole. */
static void put_config(struct mmio *m)
{
	const struct virtio *v = m->v;
	unsigned off;
	uint32_t val;

	if (!memcmp(&m->shadow[VIRTIO_MMIO_CONFIG / 4], v->config,
		    v->config_size))
		return;
	put(m, VIRTIO_MMIO_CONFIG_GENERATION, ++m->generation);
	for (off = 0; off < v->config_size; off += 4) {
		memcpy(&val, v->config + off, 4);
		put(m, VIRTIO_MMIO_CONFIG + off, le32toh(val));
	}
	put(m, VIRTIO_MMIO_CONFIG_GENERATION, ++m->generation);
}

/* Where a legacy driver's queue is, in its pages; 0: nowhere. */
static uint32_t pfn_of(const struct mmio *m, const struct virtqueue *vq)
{
	return vq->ready && m->page_size ? vq->desc / m->page_size : 0;
}

static void put_queue(struct mmio *m, const struct virtqueue *vq)
{
	put(m, VIRTIO_MMIO_QUEUE_NUM_MAX, vq ? vq->max : 0);
	if (m->v->legacy)
		put(m, VIRTIO_MMIO_QUEUE_PFN, vq ? pfn_of(m, vq) : 0);
	else
		put(m, VIRTIO_MMIO_QUEUE_READY, vq && vq->ready);
}

/* All registers that can have changed; the others were put by new(). */
static void refresh(struct mmio *m)
{
	const struct virtio *v = m->v;
	uint64_t features = m->features_sel > 1 ? 0 : v->offered;

	put(m, VIRTIO_MMIO_DEVICE_FEATURES,
	    features >> (m->features_sel == 1 ? 32 : 0));
	put_queue(m, m->queue_sel < v->nqueues ? &v->vq[m->queue_sel] : NULL);
	put(m, VIRTIO_MMIO_INTERRUPT_STATUS, m->isr);
	put_config(m);
	put(m, VIRTIO_MMIO_STATUS, v->status);
}

static uint64_t mmio_read(struct device *dev, uint64_t off, unsigned size)
{
	struct mmio *m = (struct mmio *)dev;
	const uint8_t *p = (const uint8_t *)m->shadow + off;
	uint64_t val = 0;

	if (off >= MMIO_WINDOW || size > MMIO_WINDOW - off)
		return 0;
	if (size == 4 && off % 4 == 0)
		return le32toh(
			__atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE));
	memcpy(&val, p, size);
	return le64toh(val);
}

/* --- interrupts --- */

static void interrupt(struct mmio *m, uint32_t cause)
{
	m->isr |= cause;
	put(m, VIRTIO_MMIO_INTERRUPT_STATUS, m->isr);
	irq_set(&m->irq, true);
}

static void on_used(void *ctx, unsigned q)
{
	(void)q;
	interrupt(ctx, VIRTIO_MMIO_INT_VRING);
}

static void on_config(void *ctx)
{
	struct mmio *m = ctx;

	refresh(m);
	if (m->v->status & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt(m, VIRTIO_MMIO_INT_CONFIG);
}

/* Of a legacy driver's. */
static void clear_isr(struct mmio *m, uint32_t bits)
{
	m->isr &= ~bits;
	if (!m->isr)
		irq_set(&m->irq, false);
}

static void acknowledge(struct mmio *m, uint32_t val)
{
	if (m->v->legacy) {
		clear_isr(m, val);
		return;
	}
	m->isr &= ~(val & VIRTIO_MMIO_INT_CONFIG);
	if (val != VIRTIO_MMIO_INT_VRING || !m->host.ioeventfd ||
	    m->ack_fd >= 0 || !virtio_live(m->v))
		return;
	m->ack_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->ack_fd >= 0)
		m->host.ioeventfd(m->host.ctx, VIRTIO_MMIO_INTERRUPT_ACK, val,
				  m->ack_fd);
}

/* --- register writes --- */

static void notify(struct mmio *m, uint32_t q)
{
	int fd;

	virtio_notified(m->v, q);
	if (!m->host.ioeventfd || q >= m->v->nqueues || m->notify_fd[q])
		return;
	fd = virtio_notify_fd(m->v, q);
	if (fd < 0)
		return;
	/* Tried once: if it fails, each notification goes on coming here. */
	m->notify_fd[q] = true;
	m->host.ioeventfd(m->host.ctx, VIRTIO_MMIO_QUEUE_NOTIFY, q, fd);
}

static void set_half(gpa_t *addr, unsigned half, uint32_t val)
{
	*addr &= ~((gpa_t)UINT32_MAX << 32 * half);
	*addr |= (gpa_t)val << 32 * half;
}

static void set_size(struct virtqueue *vq, uint32_t val)
{
	vq->size = val > UINT16_MAX ? 0 : val;
}

/* Registers of the queue last selected, while it can be set up. */
static void write_queue(struct mmio *m, unsigned off, uint32_t val)
{
	struct virtqueue *vq = &m->v->vq[m->queue_sel];

	switch (off) {
	case VIRTIO_MMIO_QUEUE_NUM:
		set_size(vq, val);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_half(&vq->desc, off == VIRTIO_MMIO_QUEUE_DESC_HIGH, val);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_half(&vq->avail, off == VIRTIO_MMIO_QUEUE_AVAIL_HIGH, val);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_half(&vq->used, off == VIRTIO_MMIO_QUEUE_USED_HIGH, val);
		break;
	}
}

/*
 * The parts of a legacy queue follow each other, the used ring on a boundary of
 * its own (2.7.2). What makes no sense does not lie in RAM.
 */
static void place_queue(struct mmio *m, struct virtqueue *vq, uint32_t pfn)
{
	const uint32_t align =
		m->align[m->queue_sel] ? m->align[m->queue_sel] : LEGACY_ALIGN;

	if (!vq->size)
		vq->size = vq->max;
	vq->desc = (gpa_t)pfn * m->page_size;
	vq->avail = vq->desc + vq->size * sizeof(struct vring_desc);
	vq->used = align & (align - 1)
			   ? UINT64_MAX
			   : align_up(vq->avail + (3 + vq->size) * 2, align);
}

static void write_legacy_queue(struct mmio *m, unsigned off, uint32_t val)
{
	struct virtio *v = m->v;
	const uint32_t q = m->queue_sel;

	if (off == VIRTIO_MMIO_QUEUE_PFN && !val) {
		virtio_queue_ready(v, q, false);
	} else if (!virtio_queue_open(v, q)) {
		return;
	} else if (off == VIRTIO_MMIO_QUEUE_NUM) {
		set_size(&v->vq[q], val);
	} else if (off == VIRTIO_MMIO_QUEUE_ALIGN) {
		m->align[q] = val;
	} else if (off == VIRTIO_MMIO_QUEUE_PFN) {
		place_queue(m, &v->vq[q], val);
		virtio_queue_ready(v, q, true);
	}
}

/* What the two versions do not have in common. */
static void write_versioned(struct mmio *m, unsigned off, uint32_t val)
{
	struct virtio *v = m->v;

	if (v->legacy && off == VIRTIO_MMIO_GUEST_PAGE_SIZE)
		m->page_size = val;
	else if (v->legacy)
		write_legacy_queue(m, off, val);
	else if (off == VIRTIO_MMIO_QUEUE_READY)
		virtio_queue_ready(v, m->queue_sel, val & 1);
	else if (off == VIRTIO_MMIO_QUEUE_RESET && val & 1)
		virtio_queue_reset(v, m->queue_sel);
	else if (virtio_queue_open(v, m->queue_sel))
		write_queue(m, off, val);
}

static void write_register(struct mmio *m, unsigned off, uint32_t val)
{
	struct virtio *v = m->v;

	switch (off) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		m->features_sel = val;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		virtio_ack_features(v, m->driver_sel, val);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		m->driver_sel = val;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		m->queue_sel = val;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		notify(m, val);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		acknowledge(m, val);
		break;
	case VIRTIO_MMIO_STATUS:
		virtio_set_status(v, val);
		/* Reset is the one that clears bit 0 of the interrupt status. */
		if (!val && v->legacy)
			clear_isr(m, m->isr);
		else if (!val)
			m->isr = 0;
		break;
	default:
		write_versioned(m, off, val);
	}
}

static void mmio_write(struct device *dev, uint64_t off, unsigned size,
		       uint64_t val)
{
	struct mmio *m = (struct mmio *)dev;

	if (off >= MMIO_WINDOW || size > MMIO_WINDOW - off)
		return;
	virtio_lock(m->v);
	if (off >= VIRTIO_MMIO_CONFIG) {
		val = htole64(val);
		virtio_config_write(m->v, off - VIRTIO_MMIO_CONFIG, &val, size);
	} else if (size == 4 && off % 4 == 0) {
		write_register(m, off, val);
	}
	refresh(m);
	virtio_unlock(m->v);
}

/* --- life --- */

static void mmio_reset(struct device *dev)
{
	struct mmio *m = (struct mmio *)dev;

	m->features_sel = m->driver_sel = m->queue_sel = m->page_size = 0;
	memset(m->align, 0, sizeof(m->align));
	mmio_write(dev, VIRTIO_MMIO_STATUS, 4, 0);
}

static void mmio_quiesce(struct device *dev, struct quiet *quiet)
{
	virtio_quiesce(((struct mmio *)dev)->v, quiet);
}

static void mmio_resume(struct device *dev)
{
	virtio_resume(((struct mmio *)dev)->v);
}

static int save_legacy(const struct mmio *m, json_t *to)
{
	json_t *align = json_array();
	unsigned q;
	int r = 0;

	for (q = 0; q < m->v->nqueues; q++)
		r |= json_array_append_new(align, json_integer(m->align[q]));
	r |= json_object_set_new(to, "align", align);
	r |= json_object_set_new(to, "page-size", json_integer(m->page_size));
	return r ? -ENOMEM : 0;
}

/* Any value is one that a driver may have written; what is missing is 0. */
static void load_legacy(struct mmio *m, const json_t *from)
{
	const json_t *align = json_object_get(from, "align");
	unsigned q;

	m->page_size = json_integer_value(json_object_get(from, "page-size"));
	for (q = 0; q < m->v->nqueues; q++)
		m->align[q] = json_integer_value(json_array_get(align, q));
}

static int mmio_save(const struct device *dev, json_t *to)
{
	const struct mmio *m = (const struct mmio *)dev;
	json_t *v = json_object(), *o;
	int r = virtio_save(m->v, v);

	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "features-sel",
		      (json_int_t)m->features_sel, "driver-sel",
		      (json_int_t)m->driver_sel, "queue-sel",
		      (json_int_t)m->queue_sel, "generation",
		      (json_int_t)m->generation, "isr", (json_int_t)m->isr,
		      "virtio", v);
	if (!r && json_object_update(to, o) < 0)
		r = -ENOMEM;
	json_decref(o);
	return !r && m->v->legacy ? save_legacy(m, to) : r;
}

static int mmio_load(struct device *dev, const json_t *from, struct err *e)
{
	struct mmio *m = (struct mmio *)dev;
	json_int_t features_sel, driver_sel, queue_sel, generation, isr;
	json_t *v;
	int r;

	if (json_unpack((json_t *)from, "{s:I, s:I, s:I, s:I, s:I, s:o}",
			"features-sel", &features_sel, "driver-sel",
			&driver_sel, "queue-sel", &queue_sel, "generation",
			&generation, "isr", &isr, "virtio", &v) < 0)
		return err_set(e, -EINVAL, "what was saved of %s is damaged",
			       m->v->name);
	/* Any value is one that a driver may have written. */
	m->features_sel = features_sel;
	m->driver_sel = driver_sel;
	m->queue_sel = queue_sel;
	/* The configuration may be another one here than it was there. */
	m->generation = generation + 1;
	m->isr = isr & (VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	load_legacy(m, from);
	r = virtio_load(m->v, v, e);
	put(m, VIRTIO_MMIO_CONFIG_GENERATION, m->generation);
	refresh(m);
	return r;
}

static void mmio_free(struct device *dev)
{
	struct mmio *m = (struct mmio *)dev;

	m->v->ops->free(m->v);
	if (m->ack_fd >= 0)
		close(m->ack_fd);
	free(m);
}

static const struct device_ops mmio_ops = {
	.name = "virtio-mmio",
	.read = mmio_read,
	.write = mmio_write,
	.quiesce = mmio_quiesce,
	.resume = mmio_resume,
	.save = mmio_save,
	.load = mmio_load,
	.reset = mmio_reset,
	.free = mmio_free,
};

bool virtio_mmio_is_legacy(uint32_t id)
{
	return id >= VIRTIO_ID_NET && id <= VIRTIO_ID_BALLOON;
}

/* Features of before virtio 1.0, and that buffers may be cut anywhere. */
static void become_legacy(struct virtio *v)
{
	v->offered &= UINT32_MAX;
	v->offered |= 1ull << VIRTIO_F_ANY_LAYOUT;
}

void virtio_mmio_empty(void *window, bool legacy)
{
	uint32_t *word = window;

	word[VIRTIO_MMIO_MAGIC_VALUE / 4] = htole32(MAGIC);
	word[VIRTIO_MMIO_VERSION / 4] = htole32(legacy ? 1 : VERSION);
	word[VIRTIO_MMIO_VENDOR_ID / 4] = htole32(VENDOR);
}

struct device *virtio_mmio_new(struct virtio *v, const struct irq *irq,
			       void *shadow, const struct mmio_host *host)
{
	struct mmio *m = calloc(1, sizeof(*m));
	unsigned off, q;

	if (!m)
		return NULL;
	m->dev.ops = &mmio_ops;
	m->v = v;
	m->irq = *irq;
	m->host = *host;
	m->ack_fd = -1;
	m->shadow = shadow ? shadow : m->own;
	v->async = host->ioeventfd;
	v->transport = (struct virtio_transport){
		.used = on_used,
		.config = on_config,
		.ctx = m,
	};
	/* As on QEMU, whatever suits the device: there are drivers that insist. */
	for (q = 0; q < v->nqueues; q++)
		v->vq[q].max = VQ_SIZE_MAX;
	if (v->legacy)
		become_legacy(v);
	virtio_mmio_empty(m->shadow, v->legacy);
	put(m, VIRTIO_MMIO_DEVICE_ID, v->ops->id);
	/* There is no shared memory region: length and base are all ones. */
	for (off = VIRTIO_MMIO_SHM_LEN_LOW; off <= VIRTIO_MMIO_SHM_BASE_HIGH;
	     off += 4)
		put(m, off, UINT32_MAX);
	refresh(m);
	return &m->dev;
}
