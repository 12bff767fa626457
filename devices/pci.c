/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A function's configuration space is an array of bytes with a mask of those
 * bits that a driver can set. That alone makes BARs answer to sizing: their
 * low bits are not writable, so that all ones read back as the size's mask.
 * After each write that touches a BAR or the command register, remap() works
 * out anew where all BARs answer.
 *
 * A BAR answers where a window of the host is, and nowhere else: a guest cannot
 * lay one over RAM or over another device. Of two at the same place, the
 * lower slot, or function, answers.
 *
 * INTx is wired-or: a line is high while any function on it is. The four
 * counts have a lock of their own, since devices raise interrupts under theirs;
 * it guards the status register's low byte too, and where fn->config points.
 *
 * A function that is reset, or told to leave the bus, waits for its requests in
 * progress, and as long for a disk as that takes. Only its own lock is held
 * then. The one that every access to a BAR of any function takes guards where
 * BARs answer, and nothing is called under it.
 */
#include "devices/pci.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci_impl.h"

/* The ids that QEMU's generic host bridge has, for guests that look. */
#define BRIDGE_VENDOR 0x1b36
#define BRIDGE_DEVICE 0x0008
#define BRIDGE_CLASS  0x060000

#define MULTI_FUNCTION 0x80 /* in the header type */

#define COMMAND_BITS \
	(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE)

/*
 * Whether errors are reported, of which there are none, and how long requests to
 * read are, which nobody sees. What no function here does is off for good: it
 * has payloads of 128 bytes, no extended tags, no phantom functions, no
 * auxiliary power, and never asks for relaxed ordering or no snoop (7.5.3.4).
 */
#define DEVCTL_BITS                                                         \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | \
	 PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_READRQ)

void pci_put16(uint8_t *at, uint16_t val)
{
	at[0] = val;
	at[1] = val >> 8;
}

void pci_put32(uint8_t *at, uint32_t val)
{
	pci_put16(at, val);
	pci_put16(at + 2, val >> 16);
}

uint16_t pci_get16(const uint8_t *at)
{
	return at[0] | at[1] << 8;
}

uint32_t pci_get32(const uint8_t *at)
{
	return pci_get16(at) | (uint32_t)pci_get16(at + 2) << 16;
}

bool pci_is_master(const struct pci_function *fn)
{
	return pci_get16(fn->config + PCI_COMMAND) & PCI_COMMAND_MASTER;
}

static uint64_t ones(unsigned size)
{
	return UINT64_MAX >> (64 - 8 * size);
}

/* --- describing a function --- */

void pci_init(struct pci_function *fn, const struct pci_ops *ops,
	      uint16_t vendor, uint16_t device, uint32_t class)
{
	unsigned i;

	*fn = (struct pci_function){ .ops = ops, .intx_on = true };
	fn->config = fn->own;
	pthread_mutex_init(&fn->lock, NULL);
	fn->free_at = PCI_STD_HEADER_SIZEOF;
	for (i = 0; i < PCI_BARS; i++)
		fn->bar[i].at = PCI_NOWHERE;
	pci_put16(fn->config + PCI_VENDOR_ID, vendor);
	pci_put16(fn->config + PCI_DEVICE_ID, device);
	pci_put32(fn->config + PCI_CLASS_REVISION, class << 8 | 1);
	pci_put16(fn->config + PCI_SUBSYSTEM_VENDOR_ID, vendor);
	pci_put16(fn->config + PCI_SUBSYSTEM_ID, device);
	pci_put16(fn->writable + PCI_COMMAND, COMMAND_BITS);
	fn->writable[PCI_INTERRUPT_LINE] = 0xff;
	fn->writable[PCI_CACHE_LINE_SIZE] = 0xff;
}

void pci_add_bar(struct pci_function *fn, unsigned n, uint32_t size, bool wide)
{
	unsigned reg = PCI_BASE_ADDRESS_0 + 4 * n;

	assert(size >= 0x1000 && !(size & (size - 1)));
	fn->bar[n].size = size;
	fn->bar[n].wide = wide;
	pci_put32(fn->writable + reg, -size);
	if (!wide)
		return;
	fn->config[reg] =
		PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
	pci_put32(fn->writable + reg + 4, UINT32_MAX);
}

unsigned pci_add_cap(struct pci_function *fn, uint8_t id, unsigned len)
{
	unsigned at = fn->free_at;

	assert(len <= PCI_CFG_SPACE_SIZE - at);
	if (fn->last_cap)
		fn->config[fn->last_cap + PCI_CAP_LIST_NEXT] = at;
	else
		fn->config[PCI_CAPABILITY_LIST] = at;
	fn->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	fn->config[at] = id;
	fn->last_cap = at;
	fn->free_at = (at + len + 3) & ~3u;
	return at;
}

void pci_add_pin(struct pci_function *fn, unsigned pin)
{
	assert(pin >= 1 && pin <= PCI_PINS);
	fn->config[PCI_INTERRUPT_PIN] = pin;
}

void pci_add_express(struct pci_function *fn)
{
	unsigned at = pci_add_cap(fn, PCI_CAP_ID_EXP, 0x3c);
	uint8_t *cap = fn->config + at;

	fn->express = at;
	pci_put16(cap + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_RC_END << 4);
	pci_put32(cap + PCI_EXP_DEVCAP,
		  PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
	pci_put16(cap + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_READRQ_512B);
	pci_put16(fn->writable + at + PCI_EXP_DEVCTL, DEVCTL_BITS);
}

/* --- interrupts by pin --- */

static void update_intx(struct pci_function *fn)
{
	struct pci_host *h = fn->host;
	unsigned pin = fn->config[PCI_INTERRUPT_PIN] - 1u;
	unsigned line = (fn->slot + pin) % PCI_PINS;
	bool raise = fn->level && fn->intx_on;

	if (raise == fn->raised)
		return;
	assert(pin < PCI_PINS);
	fn->raised = raise;
	h->raised[line] += raise ? 1 : -1;
	if (h->raised[line] == (raise ? 1 : 0))
		irq_set(&h->intx[line], raise);
}

void pci_intx(struct pci_function *fn, bool on)
{
	uint8_t *status;

	pthread_mutex_lock(&fn->host->intx_lock);
	status = &fn->config[PCI_STATUS];
	if (on != fn->level) {
		fn->level = on;
		__atomic_store_n(status, *status ^ PCI_STATUS_INTERRUPT,
				 __ATOMIC_RELEASE);
		pci_show(fn, PCI_STATUS, 1);
	}
	update_intx(fn);
	pthread_mutex_unlock(&fn->host->intx_lock);
}

static void enable_intx(struct pci_function *fn, bool on)
{
	pthread_mutex_lock(&fn->host->intx_lock);
	fn->intx_on = on;
	update_intx(fn);
	pthread_mutex_unlock(&fn->host->intx_lock);
}

/* --- where BARs answer --- */

static bool in_window(const struct window *w, gpa_t at, uint32_t size)
{
	return at >= w->base && w->size >= size &&
	       at - w->base <= w->size - size;
}

static gpa_t decode(const struct pci_function *fn, unsigned n)
{
	const struct pci_bar *bar = &fn->bar[n];
	const uint8_t *reg = fn->config + PCI_BASE_ADDRESS_0 + 4 * n;
	gpa_t at = pci_get32(reg) & PCI_BASE_ADDRESS_MEM_MASK & UINT32_MAX;

	if (bar->wide)
		at |= (gpa_t)pci_get32(reg + 4) << 32;
	if (!(fn->config[PCI_COMMAND] & PCI_COMMAND_MEMORY))
		return PCI_NOWHERE;
	if (in_window(&fn->host->window[PCI_MMIO32], at, bar->size) ||
	    in_window(&fn->host->window[PCI_MMIO64], at, bar->size))
		return at;
	return PCI_NOWHERE;
}

static void remap(struct pci_function *fn)
{
	unsigned n;
	gpa_t at;

	for (n = 0; n < PCI_BARS; n++) {
		if (!fn->bar[n].size)
			continue;
		at = decode(fn, n);
		if (at == fn->bar[n].at)
			continue;
		pthread_mutex_lock(&fn->host->map_lock);
		fn->bar[n].at = at;
		pthread_mutex_unlock(&fn->host->map_lock);
		if (fn->ops->moved)
			fn->ops->moved(fn, n, at);
	}
}

static struct pci_function *first(const struct pci_host *h)
{
	return h->slot[0];
}

/* The one behind @fn, of the same slot or the next; NULL: there is none. */
static struct pci_function *after(const struct pci_host *h,
				  const struct pci_function *fn)
{
	if (fn->next)
		return fn->next;
	return fn->slot + 1 < h->nslots ? h->slot[fn->slot + 1] : NULL;
}

/* Does all of it lie in a BAR of the function's? */
static bool answers(const struct pci_function *fn, gpa_t gpa, unsigned size,
		    unsigned *bar, uint64_t *off)
{
	const struct pci_bar *b;
	unsigned n;

	for (n = 0; n < PCI_BARS; n++) {
		b = &fn->bar[n];
		if (!b->size || gpa < b->at || gpa - b->at >= b->size ||
		    size > b->size - (gpa - b->at))
			continue;
		*bar = n;
		*off = gpa - b->at;
		return true;
	}
	return false;
}

/* The function that answers at @gpa, wholly; NULL: nobody. */
static struct pci_function *find(struct pci_host *h, gpa_t gpa, unsigned size,
				 unsigned *bar, uint64_t *off)
{
	struct pci_function *fn;

	pthread_mutex_lock(&h->map_lock);
	for (fn = first(h); fn; fn = after(h, fn))
		if (answers(fn, gpa, size, bar, off))
			break;
	pthread_mutex_unlock(&h->map_lock);
	return fn;
}

/* --- windows on memory; the one on I/O ports has nothing in it --- */

static uint64_t window_read(struct device *dev, uint64_t off, unsigned size)
{
	struct window *w = (struct window *)dev;
	struct pci_function *fn;
	unsigned bar;

	fn = find(w->host, w->base + off, size, &bar, &off);
	return fn ? fn->ops->bar_read(fn, bar, off, size) : ones(size);
}

static void window_write(struct device *dev, uint64_t off, unsigned size,
			 uint64_t val)
{
	struct window *w = (struct window *)dev;
	struct pci_function *fn;
	unsigned bar;

	fn = find(w->host, w->base + off, size, &bar, &off);
	if (fn)
		fn->ops->bar_write(fn, bar, off, size, val);
}

static const struct device_ops window_ops = {
	.name = "PCI window",
	.read = window_read,
	.write = window_write,
};

/* --- configuration space --- */

static void tell_master(struct pci_function *fn)
{
	bool on = pci_is_master(fn);

	if (on == fn->master)
		return;
	fn->master = on;
	if (fn->ops->master)
		fn->ops->master(fn, on);
}

static void function_reset(struct pci_function *fn)
{
	pthread_mutex_lock(&fn->host->intx_lock);
	memcpy(fn->config, fn->initial, sizeof(fn->initial));
	pci_show(fn, 0, sizeof(fn->initial));
	fn->level = false;
	fn->intx_on = true;
	update_intx(fn);
	pthread_mutex_unlock(&fn->host->intx_lock);
	tell_master(fn);
	remap(fn);
	if (fn->ops->reset)
		fn->ops->reset(fn);
}

static bool overlaps(unsigned off, unsigned len, unsigned at, unsigned n)
{
	return off < at + n && at < off + len;
}

static void config_written(struct pci_function *fn, unsigned off, unsigned len)
{
	if (overlaps(off, len, PCI_COMMAND, 2)) {
		enable_intx(fn, !(pci_get16(fn->config + PCI_COMMAND) &
				  PCI_COMMAND_INTX_DISABLE));
		remap(fn);
		tell_master(fn);
	}
	if (overlaps(off, len, PCI_BASE_ADDRESS_0, 4 * PCI_BARS))
		remap(fn);
	if (fn->ops->config)
		fn->ops->config(fn, off, len, true);
}

/*
 * Byte by byte: any width at any place. What is read-only is let alone, since one
 * of its bits changes under another lock.
 */
static void config_write(struct pci_function *fn, unsigned off, unsigned len,
			 uint64_t val)
{
	unsigned flr = fn->express + PCI_EXP_DEVCTL + 1;
	bool reset = false;
	unsigned i;

	for (i = 0; i < len; i++) {
		uint8_t byte = val >> 8 * i, mask = fn->writable[off + i];
		uint8_t *reg = &fn->config[off + i];

		if (fn->express && off + i == flr)
			reset = byte & PCI_EXP_DEVCTL_BCR_FLR >> 8;
		if (mask)
			*reg = (*reg & ~mask) | (byte & mask);
	}
	pci_show(fn, off, len);
	if (reset)
		function_reset(fn);
	else
		config_written(fn, off, len);
}

static uint64_t config_read(struct pci_function *fn, unsigned off, unsigned len)
{
	uint64_t val = 0;
	unsigned i;

	if (fn->ops->config)
		fn->ops->config(fn, off, len, false);
	for (i = 0; i < len; i++)
		val |= (uint64_t)__atomic_load_n(&fn->config[off + i],
						 __ATOMIC_ACQUIRE)
		       << 8 * i;
	return val;
}

static uint64_t ecam_read(struct device *dev, uint64_t off, unsigned size)
{
	struct pci_host *h = ((struct window *)dev)->host;
	struct pci_function *fn = pci_at_ecam(h, off);
	uint64_t val = 0;

	if (!fn) {
		pci_settle_rest(h, off);
		return ones(size);
	}
	pci_settle(h, off);
	off &= PCI_FUNCTION_SIZE - 1;
	/* Extended configuration space has nothing in it. */
	if (off > PCI_CFG_SPACE_SIZE - size)
		return 0;
	pthread_mutex_lock(&fn->lock);
	val = config_read(fn, off, size);
	pthread_mutex_unlock(&fn->lock);
	return val;
}

static void ecam_write(struct device *dev, uint64_t off, unsigned size,
		       uint64_t val)
{
	struct pci_host *h = ((struct window *)dev)->host;
	struct pci_function *fn = pci_at_ecam(h, off);
	unsigned reg = off & (PCI_FUNCTION_SIZE - 1);
	bool asked;

	if (!fn || reg > PCI_CFG_SPACE_SIZE - size)
		return;
	pthread_mutex_lock(&fn->lock);
	asked = fn->asked;
	config_write(fn, reg, size, val);
	asked = fn->asked && !asked;
	pthread_mutex_unlock(&fn->lock);
	if (asked)
		pci_settle(h, off);
}

/* The bus resets its devices: all of PCI with the one window that is ECAM. */
static void ecam_reset(struct device *dev)
{
	struct pci_host *h = ((struct window *)dev)->host;
	struct pci_function *fn;

	for (fn = first(h); fn; fn = after(h, fn)) {
		pthread_mutex_lock(&fn->lock);
		function_reset(fn);
		pthread_mutex_unlock(&fn->lock);
	}
}

/* Without their locks, as a vCPU may wait with one. */
static void ecam_quiesce(struct device *dev, struct quiet *quiet)
{
	const struct pci_host *h = ((struct window *)dev)->host;
	struct pci_function *fn;

	for (fn = first(h); fn; fn = after(h, fn))
		if (fn->ops->quiesce)
			fn->ops->quiesce(fn, quiet);
}

static void ecam_resume(struct device *dev)
{
	const struct pci_host *h = ((struct window *)dev)->host;
	struct pci_function *fn;

	for (fn = first(h); fn; fn = after(h, fn))
		if (fn->ops->resume)
			fn->ops->resume(fn);
}

static const struct device_ops ecam_ops = {
	.name = "PCI ECAM",
	.read = ecam_read,
	.write = ecam_write,
	.quiesce = ecam_quiesce,
	.resume = ecam_resume,
	.reset = ecam_reset,
};

/* --- life --- */

static const struct pci_ops bridge_ops = { .name = "host bridge" };

struct pci_host *pci_host_new(const gpa_t base[PCI_WINDOWS],
			      const uint64_t size[PCI_WINDOWS],
			      const struct irq intx[PCI_PINS])
{
	struct pci_host *h = calloc(1, sizeof(*h));
	unsigned i;

	if (!h)
		return NULL;
	for (i = 0; i < PCI_WINDOWS; i++)
		h->window[i] = (struct window){
			.dev.ops = i == PCI_ECAM ? &ecam_ops : &window_ops,
			.host = h,
			.base = base[i],
			.size = size[i],
		};
	memcpy(h->intx, intx, sizeof(h->intx));
	pthread_mutex_init(&h->map_lock, NULL);
	pthread_mutex_init(&h->intx_lock, NULL);
	pthread_mutex_init(&h->page_lock, NULL);
	pci_init(&h->bridge, &bridge_ops, BRIDGE_VENDOR, BRIDGE_DEVICE,
		 BRIDGE_CLASS);
	pci_host_add(h, &h->bridge);
	return h;
}

struct device *pci_host_window(struct pci_host *h, enum pci_window w)
{
	return &h->window[w].dev;
}

unsigned pci_host_slots(const struct pci_host *h)
{
	return h->nslots;
}

/* What it looks like now is what a reset makes of it. */
static void plug(struct pci_host *h, struct pci_function *fn, unsigned slot,
		 unsigned number)
{
	fn->host = h;
	fn->slot = slot;
	fn->number = number;
	if (number)
		fn->config[PCI_HEADER_TYPE] |= MULTI_FUNCTION;
	memcpy(fn->initial, fn->config, sizeof(fn->initial));
}

int pci_host_add(struct pci_host *h, struct pci_function *fn)
{
	if (h->nslots == PCI_SLOTS)
		return -ENOSPC;
	plug(h, fn, h->nslots, 0);
	h->slot[h->nslots] = fn;
	return h->nslots++;
}

int pci_host_join(struct pci_host *h, struct pci_function *with,
		  struct pci_function *fn)
{
	struct pci_function *zero = h->slot[with->slot], *last = zero;

	while (last->next)
		last = last->next;
	if (last->number + 1 == PCI_FUNCTIONS)
		return -ENOSPC;
	plug(h, fn, with->slot, last->number + 1);
	last->next = fn;
	/* Only if function 0 says so are the others looked for. */
	zero->config[PCI_HEADER_TYPE] |= MULTI_FUNCTION;
	zero->initial[PCI_HEADER_TYPE] |= MULTI_FUNCTION;
	return fn->number;
}

void pci_host_free(struct pci_host *h)
{
	struct pci_function *fn, *next;

	if (!h)
		return;
	while (h->nslots) {
		for (fn = h->slot[--h->nslots]; fn; fn = next) {
			next = fn->next;
			pthread_mutex_destroy(&fn->lock);
			if (fn->ops->free)
				fn->ops->free(fn);
		}
	}
	pthread_mutex_destroy(&h->map_lock);
	pthread_mutex_destroy(&h->intx_lock);
	pthread_mutex_destroy(&h->page_lock);
	/*
	 * Its pages stay for the process's end: from under a VM that has guest
	 * hypervisors, KVM searches all their translations for each that goes,
	 * for 0.1 s (Linux 7.2).
	 */
	free(h);
}
