/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Registers of the common structure are a table: where each is, how wide, and
 * how it is read and written. An access that is not exactly one of them, or
 * half of one with 64 bits, reads 0 and writes nothing (4.1.3.1).
 *
 * The function's lock comes before the device's: configuration space and moved
 * BARs arrive with the former held. The other way round nothing is asked of the
 * host but pins, which have a lock of their own. So where the notification
 * registers are is kept here too, under the device's lock.
 */
#include "virtio/pci.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>

#include "devices/msix.h"
#include "virtio/virtio.h"

#define VENDOR	      0x1af4
#define FIRST_DEVICE  0x1040
#define NOTIFY_STRIDE 4u
#define COMMON_SIZE   60u /* with queue_reset */
#define ISR_QUEUE     1

struct vpci {
	struct pci_function fn;
	struct virtio *v;
	struct msix *msix;
	struct vpci_host host;
	unsigned cfg_cap; /* access to a BAR through configuration space */

	/* Under the device's lock. */
	uint32_t features_sel, driver_sel;
	uint16_t queue_sel;
	uint16_t config_vector, vector[VIRTIO_QUEUES_MAX];
	uint8_t isr, generation;
	gpa_t at;			   /* of VPCI_BAR */
	bool notify_fd[VIRTIO_QUEUES_MAX]; /* its eventfd exists */
};

unsigned virtio_pci_vectors(const struct virtio *v)
{
	return v->nqueues + 1;
}

/* --- interrupts --- */

/* The pin asks while the ISR status says why, if there are no messages. */
static void set_isr(struct vpci *p, uint8_t isr)
{
	p->isr = isr;
	pci_intx(&p->fn, isr && !msix_enabled(p->msix));
}

static void on_used(void *ctx, unsigned q)
{
	struct vpci *p = ctx;

	if (msix_enabled(p->msix))
		msix_send(p->msix, p->vector[q]);
	else
		set_isr(p, p->isr | ISR_QUEUE);
}

static void on_config(void *ctx)
{
	struct vpci *p = ctx;

	p->generation++;
	if (!(p->v->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	/* This bit is set with messages too, a queue's is not (4.1.4.5.1). */
	set_isr(p, p->isr | VIRTIO_PCI_ISR_CONFIG);
	if (msix_enabled(p->msix))
		msix_send(p->msix, p->config_vector);
}

/* --- notifications --- */

static gpa_t notify_at(const struct vpci *p, unsigned q)
{
	return p->at + VPCI_NOTIFY + q * NOTIFY_STRIDE;
}

/*
 * Should KVM refuse (two BARs lie at one place), notifications go on arriving
 * as writes.
 */
static void listen(struct vpci *p, unsigned q, bool on)
{
	int fd = virtio_notify_fd(p->v, q);

	if (fd >= 0 && p->at != PCI_NOWHERE)
		p->host.ioeventfd(p->host.ctx, notify_at(p, q), fd, on);
}

static void notify(struct vpci *p, unsigned q)
{
	virtio_notified(p->v, q);
	if (!p->host.ioeventfd || q >= p->v->nqueues || p->notify_fd[q] ||
	    virtio_notify_fd(p->v, q) < 0)
		return;
	p->notify_fd[q] = true;
	listen(p, q, true);
}

static void moved(struct pci_function *fn, unsigned bar, gpa_t at)
{
	struct vpci *p = (struct vpci *)fn;
	unsigned q;

	if (bar != VPCI_BAR)
		return;
	virtio_lock(p->v);
	for (q = 0; q < p->v->nqueues; q++)
		if (p->notify_fd[q])
			listen(p, q, false);
	p->at = at;
	for (q = 0; q < p->v->nqueues; q++)
		if (p->notify_fd[q])
			listen(p, q, true);
	virtio_unlock(p->v);
}

/* --- the common structure (4.1.4.3) --- */

/* Bytes of the register at each offset; 64-bit addresses are two. */
static const uint8_t width[] = {
	[VIRTIO_PCI_COMMON_DFSELECT] = 4,
	[VIRTIO_PCI_COMMON_DF] = 4,
	[VIRTIO_PCI_COMMON_GFSELECT] = 4,
	[VIRTIO_PCI_COMMON_GF] = 4,
	[VIRTIO_PCI_COMMON_MSIX] = 2,
	[VIRTIO_PCI_COMMON_NUMQ] = 2,
	[VIRTIO_PCI_COMMON_STATUS] = 1,
	[VIRTIO_PCI_COMMON_CFGGENERATION] = 1,
	[VIRTIO_PCI_COMMON_Q_SELECT] = 2,
	[VIRTIO_PCI_COMMON_Q_SIZE] = 2,
	[VIRTIO_PCI_COMMON_Q_MSIX] = 2,
	[VIRTIO_PCI_COMMON_Q_ENABLE] = 2,
	[VIRTIO_PCI_COMMON_Q_NOFF] = 2,
	[VIRTIO_PCI_COMMON_Q_DESCLO] = 4,
	[VIRTIO_PCI_COMMON_Q_DESCHI] = 4,
	[VIRTIO_PCI_COMMON_Q_AVAILLO] = 4,
	[VIRTIO_PCI_COMMON_Q_AVAILHI] = 4,
	[VIRTIO_PCI_COMMON_Q_USEDLO] = 4,
	[VIRTIO_PCI_COMMON_Q_USEDHI] = 4,
	[VIRTIO_PCI_COMMON_Q_NDATA] = 2,
	[VIRTIO_PCI_COMMON_Q_RESET] = 2,
};

static_assert(sizeof(width) <= COMMON_SIZE, "");

static bool is_register(uint64_t off, unsigned size)
{
	return off < sizeof(width) && width[off] == size;
}

/* The half of an address that stands at @off, the first of which is at @first. */
static uint32_t *half(gpa_t *addr, unsigned off, unsigned first)
{
	bool high = (off != first) == (__BYTE_ORDER == __LITTLE_ENDIAN);

	return (uint32_t *)addr + high;
}

static uint32_t read_queue(struct vpci *p, unsigned off)
{
	struct virtqueue *vq = &p->v->vq[p->queue_sel];

	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return vq->size ? vq->size : vq->max;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return p->vector[p->queue_sel];
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return vq->ready;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return p->queue_sel;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return *half(&vq->desc, off, VIRTIO_PCI_COMMON_Q_DESCLO);
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return *half(&vq->avail, off, VIRTIO_PCI_COMMON_Q_AVAILLO);
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return *half(&vq->used, off, VIRTIO_PCI_COMMON_Q_USEDLO);
	}
	return 0; /* a reset is over when it has been asked for */
}

static uint32_t read_common(struct vpci *p, unsigned off)
{
	const struct virtio *v = p->v;

	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return p->features_sel;
	case VIRTIO_PCI_COMMON_DF:
		return p->features_sel > 1 ? 0
					   : v->offered >> 32 * p->features_sel;
	case VIRTIO_PCI_COMMON_GFSELECT:
		return p->driver_sel;
	case VIRTIO_PCI_COMMON_GF:
		return p->driver_sel > 1 ? 0 : v->acked >> 32 * p->driver_sel;
	case VIRTIO_PCI_COMMON_MSIX:
		return p->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return v->nqueues;
	case VIRTIO_PCI_COMMON_STATUS:
		return v->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return p->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return p->queue_sel;
	}
	if (p->queue_sel < v->nqueues)
		return read_queue(p, off);
	/* Q2: a queue that is not there has no vector, and no size. */
	return off == VIRTIO_PCI_COMMON_Q_MSIX ? VIRTIO_MSI_NO_VECTOR : 0;
}

static void forget_vectors(struct vpci *p)
{
	unsigned q;

	p->config_vector = VIRTIO_MSI_NO_VECTOR;
	for (q = 0; q < VIRTIO_QUEUES_MAX; q++)
		p->vector[q] = VIRTIO_MSI_NO_VECTOR;
	set_isr(p, 0);
}

/* What the driver reads back tells it whether there was one. */
static uint16_t vector_of(const struct vpci *p, uint32_t val)
{
	return val < virtio_pci_vectors(p->v) ? val : VIRTIO_MSI_NO_VECTOR;
}

/* Registers of the queue last selected, while it can be set up. */
static void write_queue(struct vpci *p, unsigned off, uint32_t val)
{
	struct virtqueue *vq = &p->v->vq[p->queue_sel];

	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		vq->size = val;
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (!vq->size)
			vq->size = vq->max;
		if (val == 1)
			virtio_queue_ready(p->v, p->queue_sel, true);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		*half(&vq->desc, off, VIRTIO_PCI_COMMON_Q_DESCLO) = val;
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		*half(&vq->avail, off, VIRTIO_PCI_COMMON_Q_AVAILLO) = val;
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		*half(&vq->used, off, VIRTIO_PCI_COMMON_Q_USEDLO) = val;
		break;
	}
}

static void write_common(struct vpci *p, unsigned off, uint32_t val)
{
	struct virtio *v = p->v;

	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		p->features_sel = val;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		p->driver_sel = val;
		break;
	case VIRTIO_PCI_COMMON_GF:
		virtio_ack_features(v, p->driver_sel, val);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		p->config_vector = vector_of(p, val);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		virtio_set_status(v, val);
		/* Last, as requests that were in flight have interrupted. */
		if (!val)
			forget_vectors(p);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		p->queue_sel = val;
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		if (p->queue_sel < v->nqueues)
			p->vector[p->queue_sel] = vector_of(p, val);
		break;
	case VIRTIO_PCI_COMMON_Q_RESET:
		if (val == 1)
			virtio_queue_reset(v, p->queue_sel);
		break;
	default:
		if (virtio_queue_open(v, p->queue_sel))
			write_queue(p, off, val);
	}
}

/* --- the BAR: structures at their places --- */

static uint64_t read_device(const struct vpci *p, uint64_t off, unsigned size)
{
	uint64_t val = 0;

	if (off < p->v->config_size && size <= p->v->config_size - off)
		memcpy(&val, p->v->config + off, size);
	return le64toh(val);
}

/* Reading acknowledges (4.1.4.5). */
static uint64_t read_isr(struct vpci *p)
{
	uint64_t isr = p->isr;

	set_isr(p, 0);
	return isr;
}

static uint64_t bar_get(struct vpci *p, uint64_t off, unsigned size)
{
	if (is_register(off - VPCI_COMMON, size))
		return read_common(p, off - VPCI_COMMON);
	if (off >= VPCI_DEVICE && off < VPCI_NOTIFY)
		return read_device(p, off - VPCI_DEVICE, size);
	return off == VPCI_ISR ? read_isr(p) : 0;
}

static void bar_set(struct vpci *p, uint64_t off, unsigned size, uint64_t val)
{
	if (is_register(off - VPCI_COMMON, size)) {
		write_common(p, off - VPCI_COMMON, val);
	} else if (off >= VPCI_NOTIFY) {
		/* NOTIFICATION_DATA, if any, says no more than the ring. */
		if (off % NOTIFY_STRIDE == 0)
			notify(p, (off - VPCI_NOTIFY) / NOTIFY_STRIDE);
	} else if (off >= VPCI_DEVICE) {
		val = htole64(val);
		virtio_config_write(p->v, off - VPCI_DEVICE, &val, size);
	}
}

/* Two registers at once: the halves of an address. */
static bool two(uint64_t off, unsigned size)
{
	return size == 8 && off % 8 == 0 && off < VPCI_COMMON + COMMON_SIZE;
}

static uint64_t bar_read(struct pci_function *fn, unsigned bar, uint64_t off,
			 unsigned size)
{
	struct vpci *p = (struct vpci *)fn;
	uint64_t val;

	if (bar == VPCI_BAR_MSIX)
		return msix_read(p->msix, off, size);
	virtio_lock(p->v);
	if (two(off, size))
		val = bar_get(p, off, 4) | bar_get(p, off + 4, 4) << 32;
	else
		val = bar_get(p, off, size);
	virtio_unlock(p->v);
	return val;
}

static void bar_write(struct pci_function *fn, unsigned bar, uint64_t off,
		      unsigned size, uint64_t val)
{
	struct vpci *p = (struct vpci *)fn;

	if (bar == VPCI_BAR_MSIX) {
		msix_write(p->msix, off, size, val);
		return;
	}
	virtio_lock(p->v);
	if (two(off, size)) {
		bar_set(p, off, 4, (uint32_t)val);
		bar_set(p, off + 4, 4, val >> 32);
	} else {
		bar_set(p, off, size, val);
	}
	virtio_unlock(p->v);
}

/* --- configuration space --- */

/*
 * The driver reaches for a BAR through the capability (4.1.4.9): its fields
 * bar, offset and length say where, its last four bytes are the data.
 */
static void through_config(struct vpci *p, bool write)
{
	uint8_t *cap = p->fn.config + p->cfg_cap;
	uint8_t *data = cap + sizeof(struct virtio_pci_cap);
	unsigned bar = cap[VIRTIO_PCI_CAP_BAR];
	uint32_t off = pci_get32(cap + VIRTIO_PCI_CAP_OFFSET);
	uint32_t len = pci_get32(cap + VIRTIO_PCI_CAP_LENGTH);

	if ((len != 1 && len != 2 && len != 4) || bar >= PCI_BARS ||
	    off % len || p->fn.bar[bar].size < len ||
	    off > p->fn.bar[bar].size - len)
		return;
	if (write)
		bar_write(&p->fn, bar, off, len,
			  pci_get32(data) & (UINT32_MAX >> (32 - 8 * len)));
	else
		pci_put32(data, bar_read(&p->fn, bar, off, len));
}

static void config(struct pci_function *fn, unsigned off, unsigned len,
		   bool write)
{
	struct vpci *p = (struct vpci *)fn;
	unsigned data = p->cfg_cap + sizeof(struct virtio_pci_cap);

	if (write && off < data && p->cfg_cap + VIRTIO_PCI_CAP_BAR < off + len)
		pci_ask_reads(fn);
	if (off < data + 4 && data < off + len)
		through_config(p, write);
	if (!write)
		return;
	virtio_lock(p->v);
	msix_config(p->msix, fn);
	/* A pin and messages are never in use together. */
	set_isr(p, p->isr);
	virtio_unlock(p->v);
}

/* Off the bus it takes no request, once those in progress are done. */
static void master(struct pci_function *fn, bool on)
{
	struct virtio *v = ((struct vpci *)fn)->v;

	virtio_lock(v);
	if (on)
		virtio_release(v, VIRTIO_NO_MASTER);
	else
		virtio_hold(v, VIRTIO_NO_MASTER);
	virtio_unlock(v);
}

static void quiesce(struct pci_function *fn, struct quiet *quiet)
{
	virtio_quiesce(((struct vpci *)fn)->v, quiet);
}

static void resume(struct pci_function *fn)
{
	virtio_resume(((struct vpci *)fn)->v);
}

static void reset(struct pci_function *fn)
{
	struct vpci *p = (struct vpci *)fn;

	virtio_reset(p->v);
	virtio_lock(p->v);
	forget_vectors(p);
	p->features_sel = p->driver_sel = p->queue_sel = 0;
	msix_reset(p->msix);
	virtio_unlock(p->v);
}

/* --- life --- */

static void vpci_free(struct pci_function *fn)
{
	struct vpci *p = (struct vpci *)fn;

	p->v->ops->free(p->v);
	msix_free(p->msix);
	free(p);
}

static const struct pci_ops vpci_ops = {
	.name = "virtio-pci",
	.bar_read = bar_read,
	.bar_write = bar_write,
	.moved = moved,
	.master = master,
	.quiesce = quiesce,
	.resume = resume,
	.config = config,
	.reset = reset,
	.free = vpci_free,
};

/* As lspci shows it: base class, subclass and interface of each device. */
static uint32_t class_of(uint32_t id)
{
	switch (id) {
	case VIRTIO_ID_NET:
		return 0x020000; /* Ethernet */
	case VIRTIO_ID_BLOCK:
		return 0x018000; /* other mass storage */
	case VIRTIO_ID_CONSOLE:
		return 0x078000; /* other communication */
	}
	return 0xff0000; /* of no class */
}

/* A capability of virtio's, @len bytes long, for @size bytes at @off. */
static unsigned add_cap(struct vpci *p, uint8_t type, unsigned len,
			uint32_t off, uint32_t size)
{
	unsigned at = pci_add_cap(&p->fn, PCI_CAP_ID_VNDR, len);
	uint8_t *cap = p->fn.config + at;

	cap[VIRTIO_PCI_CAP_LEN] = len;
	cap[VIRTIO_PCI_CAP_CFG_TYPE] = type;
	cap[VIRTIO_PCI_CAP_BAR] = VPCI_BAR;
	pci_put32(cap + VIRTIO_PCI_CAP_OFFSET, off);
	pci_put32(cap + VIRTIO_PCI_CAP_LENGTH, size);
	return at;
}

static void add_caps(struct vpci *p)
{
	const unsigned len = sizeof(struct virtio_pci_cap);
	unsigned at;

	add_cap(p, VIRTIO_PCI_CAP_COMMON_CFG, len, VPCI_COMMON, COMMON_SIZE);
	add_cap(p, VIRTIO_PCI_CAP_ISR_CFG, len, VPCI_ISR, 1);
	if (p->v->config_size)
		add_cap(p, VIRTIO_PCI_CAP_DEVICE_CFG, len, VPCI_DEVICE,
			p->v->config_size);
	at = add_cap(p, VIRTIO_PCI_CAP_NOTIFY_CFG, len + 4, VPCI_NOTIFY,
		     p->v->nqueues * NOTIFY_STRIDE);
	pci_put32(p->fn.config + at + len, NOTIFY_STRIDE);
	p->cfg_cap = add_cap(p, VIRTIO_PCI_CAP_PCI_CFG, len + 4, 0, 0);
	memset(p->fn.writable + p->cfg_cap + VIRTIO_PCI_CAP_BAR, 0xff, 1);
	memset(p->fn.writable + p->cfg_cap + VIRTIO_PCI_CAP_OFFSET, 0xff,
	       len + 4 - VIRTIO_PCI_CAP_OFFSET);
}

struct pci_function *virtio_pci_new(struct virtio *v,
				    const struct vpci_host *host)
{
	struct vpci *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	pci_init(&p->fn, &vpci_ops, VENDOR, FIRST_DEVICE + v->ops->id,
		 class_of(v->ops->id));
	pci_add_pin(&p->fn, 1);
	p->v = v;
	p->host = *host;
	p->at = PCI_NOWHERE;
	p->msix = msix_new(&p->fn, VPCI_BAR_MSIX, virtio_pci_vectors(v),
			   &host->msi);
	if (!p->msix) {
		free(p);
		return NULL;
	}
	pci_add_bar(&p->fn, VPCI_BAR, VPCI_BAR_SIZE, true);
	add_caps(p);
	pci_add_express(&p->fn);
	memset(p->vector, 0xff, sizeof(p->vector));
	p->config_vector = VIRTIO_MSI_NO_VECTOR;
	v->async = host->ioeventfd;
	v->holds = VIRTIO_NO_MASTER;
	v->offered |= 1ull << VIRTIO_F_NOTIFICATION_DATA;
	v->transport = (struct virtio_transport){
		.used = on_used,
		.config = on_config,
		.ctx = p,
	};
	return &p->fn;
}
