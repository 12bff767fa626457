/* SPDX-License-Identifier: MIT */
/*
 * virtio over MMIO on this machine: VIRTIO_SLOTS windows, of which each is a
 * device's or an empty slot's. There are drivers that look at all of them.
 *
 * Theory of operation
 *
 * The guest reads windows without an exit: they are memory that it cannot write,
 * stores to which go to the bus (KVM_CAP_READONLY_MEM). Pages with a device's
 * window are such memory from the start. Those of empty slots alone cost nothing
 * until they are read: the first read of one exits, and has the memory made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/kvm.h"
#include "core/log.h"
#include "core/util.h"
#include "machine/acpi.h"
#include "machine/arch.h"
#include "machine/board_impl.h"
#include "machine/tree.h"
#include "virtio/mmio.h"
#include "virtio/virtio.h"

struct window {
	struct board *board;
	gpa_t base;
};

struct board_windows {
	uint8_t *shadow;   /* of the pages with devices' windows */
	uint64_t from, to; /* which these are, of all windows' bytes */
	bool legacy;	   /* version 1, of those that can */
	struct window of[VIRTIO_SLOTS];
};

/* Pages of empty slots. */
struct empty {
	struct device dev;
	struct board *board;
	unsigned slot; /* KVM's */
	gpa_t base;
	uint64_t size;
	bool mapped; /* or it was tried; atomic */
};

/* Memory at @base that reads as empty slots do. 0 or -errno, logged. */
static int map(struct board *b, unsigned slot, gpa_t base, uint64_t size,
	       uint8_t **out)
{
	const struct place *at = &arch_map.virtio;
	const uint64_t end = at->base + VIRTIO_SLOTS * at->size;
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t off;

	if (p == MAP_FAILED) {
		log_warn("memory for virtio registers");
		return -errno;
	}
	for (off = 0; off < size && base + off < end; off += at->size)
		virtio_mmio_empty(p + off, b->windows->legacy);
	*out = p;
	return board_add_slot(b, slot, base, size, p, true);
}

/* --- empty slots ------------------------------------------------------------- */

static uint64_t empty_read(struct device *dev, uint64_t off, unsigned size)
{
	struct empty *e = (struct empty *)dev;
	uint8_t window[MMIO_WINDOW + 8] = { 0 }, *p;
	uint64_t val = 0;

	/* Pages may be larger than all windows are. */
	if (!__atomic_exchange_n(&e->mapped, true, __ATOMIC_RELAXED) &&
	    e->size % sysconf(_SC_PAGESIZE) == 0)
		map(e->board, e->slot, e->base, e->size, &p);
	virtio_mmio_empty(window, e->board->windows->legacy);
	memcpy(&val, window + off % MMIO_WINDOW, size);
	return le64toh(val);
}

static void empty_write(struct device *dev, uint64_t off, unsigned size,
			uint64_t val)
{
	(void)dev;
	(void)off;
	(void)size;
	(void)val;
}

static void empty_free(struct device *dev)
{
	free(dev);
}

static const struct device_ops empty_ops = {
	.name = "virtio-mmio-empty",
	.read = empty_read,
	.write = empty_write,
	.free = empty_free,
};

/* Those in [@from, @to), if any. */
static int add_empty(struct board *b, unsigned slot, const char *name,
		     uint64_t from, uint64_t to)
{
	const struct place at = { arch_map.virtio.base + from, to - from, 0 };
	struct empty *e;

	if (from >= to)
		return 0;
	e = calloc(1, sizeof(*e));
	if (e)
		*e = (struct empty){ .dev = { .ops = &empty_ops },
				     .board = b,
				     .slot = slot,
				     .base = at.base,
				     .size = at.size };
	if (e)
		snprintf(e->dev.name, sizeof(e->dev.name), "%s", name);
	return board_add(b, e ? &e->dev : NULL, "empty virtio slots", &at);
}

/* --- those of devices ---------------------------------------------------------- */

int board_map_windows(struct board *b, uint32_t taken)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);
	const struct place *at = &arch_map.virtio;
	struct board_windows *w = calloc(1, sizeof(*w));
	int r = 0;

	if (!w)
		return log_failure("virtio windows", -ENOMEM);
	b->windows = w;
	w->legacy = b->cfg->virtio_legacy;
	if (taken) {
		w->from = __builtin_ctz(taken) * at->size / page * page;
		w->to = align_up((32 - __builtin_clz(taken)) * at->size, page);
		r = map(b, SLOT_VIRTIO, at->base + w->from, w->to - w->from,
			&w->shadow);
	}
	if (!r)
		r = add_empty(b, SLOT_VIRTIO_BELOW, "mmio-below", 0, w->from);
	if (!r)
		r = add_empty(b, SLOT_VIRTIO_ABOVE, "mmio-above", w->to,
			      VIRTIO_SLOTS * at->size);
	return r;
}

void board_free_windows(struct board *b)
{
	free(b->windows);
}

/* An edge. */
static void pulse(void *ctx, unsigned line, bool on)
{
	struct board *b = ctx;

	if (on)
		msi_pulse(b->router, line);
}

/* From an interrupt to its acknowledgement. */
static void set_level(void *ctx, unsigned line, bool on)
{
	arch_irq_line(&((struct board *)ctx)->vm, line, on);
}

static int add_ioeventfd(void *ctx, uint64_t off, uint32_t value, int fd)
{
	const struct window *w = ctx;
	struct kvm_ioeventfd io = {
		.datamatch = value,
		.addr = w->base + off,
		.len = 4,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	return kvm_ioctlp(w->board->vm.fd, KVM_IOEVENTFD, &io);
}

int board_add_virtio_mmio(struct board *b, struct virtio *v, unsigned slot,
			  const char *what)
{
	struct board_windows *all = b->windows;
	struct window *w = &all->of[slot];
	struct mmio_host host = { .ioeventfd = add_ioeventfd, .ctx = w };
	const bool legacy = all->legacy && virtio_mmio_is_legacy(v->ops->id);
	struct irq irq = { .set = legacy ? set_level : pulse,
			   .ctx = b,
			   .line = arch_map.virtio.line + slot };
	struct place at = arch_map.virtio;
	struct device *dev;

	at.base += slot * at.size;
	*w = (struct window){ .board = b, .base = at.base };
	v->legacy = legacy;
	dev = virtio_mmio_new(v, &irq, all->shadow + slot * at.size - all->from,
			      &host);
	if (!dev)
		v->ops->free(v);
	else
		snprintf(dev->name, sizeof(dev->name), "%s", v->name);
	return board_add(b, dev, what, &at);
}

void board_virtio_node(struct tree *t, const struct machine *m)
{
	struct place at = arch_map.virtio;
	unsigned i;

	for (i = 0; m->has_virtio_mmio && i < VIRTIO_SLOTS; i++) {
		tree_node_at(t, "virtio_mmio", at.base);
		tree_empty(t, "dma-coherent");
		tree_interrupt(t, at.line, true);
		tree_reg(t, &at);
		tree_string(t, "compatible", "virtio,mmio");
		tree_end(t);
		at.base += at.size;
		at.line++;
	}
}

void board_virtio_acpi(struct aml *a, const struct machine *m)
{
	struct place at = arch_map.virtio;
	char name[16];
	unsigned i;

	for (i = 0; m->has_virtio_mmio && i < VIRTIO_SLOTS; i++) {
		snprintf(name, sizeof(name), "VR%02X", i);
		acpi_device(a, name, "LNRO0005", i);
		aml_name_int(a, "_CCA", 1);
		acpi_resources(a, &at, true);
		aml_end(a);
		at.base += at.size;
		at.line++;
	}
}
