/* SPDX-License-Identifier: MIT */
/*
 * PCI Express on this machine: the host's place in the map and its node in the
 * tree, how functions on it interrupt and are notified, and those that are not
 * virtio's.
 */
#include "machine/board_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/kvm.h"
#include "core/log.h"
#include "devices/pci.h"
#include "devices/pci_testdev.h"
#include "machine/arch.h"
#include "machine/tree.h"
#include "virtio/pci.h"
#include "virtio/virtio.h"

bool board_uses_pci(const struct board *b, enum transport_kind kind)
{
	if (kind == TRANSPORT_AUTO)
		kind = b->cfg->transport;
	return kind == TRANSPORT_AUTO ? b->m.msi != MSI_NONE
				      : kind == TRANSPORT_PCI;
}

/* Configuration space, read-only as virtio's registers are (map_windows()). */
static int map_config(void *ctx, unsigned n, gpa_t at, uint64_t size, void *hva)
{
	return board_add_slot(ctx, SLOT_ECAM + n, at, size, hva, true);
}

int board_add_pci(struct board *b, struct err *e)
{
	const struct {
		const char *name, *what;
		struct place at;
	} windows[PCI_WINDOWS] = {
		[PCI_MMIO32] = { "pci-low", "the 32-bit PCI window",
				 arch_map.pci_mmio },
		[PCI_IO] = { "pci-io", "the PCI I/O window", arch_map.pci_io },
		[PCI_ECAM] = { "pci-ecam", "PCI configuration space",
			       arch_map.ecam },
		[PCI_MMIO64] = { "pci-high",
				 "the 64-bit PCI window",
				 { b->m.pci_high.base, b->m.pci_high.size,
				   0 } },
	};
	gpa_t base[PCI_WINDOWS];
	uint64_t size[PCI_WINDOWS];
	struct irq intx[PCI_PINS];
	struct device *dev;
	unsigned i;
	int r = 0;

	(void)e;
	if (!b->m.has_pci)
		return 0;
	for (i = 0; i < PCI_WINDOWS; i++) {
		base[i] = windows[i].at.base;
		size[i] = windows[i].at.size;
	}
	for (i = 0; i < PCI_PINS; i++)
		intx[i] = board_level_irq(b, arch_map.ecam.line + i);
	b->pci = pci_host_new(base, size, intx);
	if (!b->pci)
		return -ENOMEM;
	pci_host_map(b->pci, &(struct pci_mapper){
				     .map = map_config,
				     .ctx = b,
				     .page_size = sysconf(_SC_PAGESIZE),
			     });
	for (i = 0; i < PCI_WINDOWS && !r; i++) {
		dev = pci_host_window(b->pci, i);
		snprintf(dev->name, sizeof(dev->name), "%s", windows[i].name);
		r = board_add(b, dev, windows[i].what, &windows[i].at);
	}
	for (i = 0; i < PCI_PINS; i++)
		b->line[arch_map.ecam.line + i].dev =
			pci_host_window(b->pci, PCI_ECAM);
	return r;
}

/* The first cell of a PCI address: what kind of space (PCI OF binding 2.1). */
#define PCI_SPACE_IO  0x01000000u
#define PCI_SPACE_32  0x02000000u
#define PCI_SPACE_64  0x03000000u
#define PCI_SLOT_CELL 0x800u

/* Pin INTA of slot n is line n % 4; the others follow it around. */
static void add_intx(struct tree *t)
{
	uint32_t map[16 * (7 + ARCH_IRQ_CELLS_MAX)], *p = map;
	unsigned i;

	for (i = 0; i < 16; i++) {
		const unsigned slot = i / 4, pin = i % 4;
		const uint32_t entry[7] = {
			slot * PCI_SLOT_CELL, 0, 0, pin + 1, TREE_INTC,
		};

		memcpy(p, entry, sizeof(entry));
		p += 7 + arch_irq_cells(arch_map.ecam.line + (slot + pin) % 4,
					false, p + 7);
	}
	tree_cells(t, "#interrupt-cells", 1);
	tree_cell_list(t, "interrupt-map", map, p - map);
	tree_cells(t, "interrupt-map-mask", 3 * PCI_SLOT_CELL, 0, 0, 7);
}

void board_pci_node(struct tree *t, const struct machine *m)
{
	const struct place *io = &arch_map.pci_io, *mmio = &arch_map.pci_mmio;

	if (!m->has_pci)
		return;
	tree_node_at(t, "pcie", mmio->base);
	tree_string(t, "compatible", "pci-host-ecam-generic");
	tree_string(t, "device_type", "pci");
	tree_cells(t, "linux,pci-domain", 0);
	tree_cells(t, "bus-range", 0, arch_map.ecam.size / (1u << 20) - 1);
	tree_cells(t, "#address-cells", 3);
	tree_cells(t, "#size-cells", 2);
	tree_reg(t, &arch_map.ecam);
	tree_cells(t, "ranges", PCI_SPACE_IO, TREE_U64(0),
		   TREE_REGION(io->base, io->size), PCI_SPACE_32,
		   TREE_U64(mmio->base), TREE_REGION(mmio->base, mmio->size),
		   PCI_SPACE_64, TREE_U64(m->pci_high.base),
		   TREE_REGION(m->pci_high.base, m->pci_high.size));
	tree_empty(t, "dma-coherent");
	/* Requester ids are what messages are told apart by. */
	if (m->msi != MSI_NONE)
		tree_cells(t, "msi-map", 0, TREE_MSI, 0, 0x10000);
	add_intx(t);
	tree_end(t);
}

static int listen(struct board *b, struct kvm_ioeventfd *io, bool on)
{
	int r;

	io->flags |= on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN;
	r = kvm_ioctlp(b->vm.fd, KVM_IOEVENTFD, io);
	if (r < 0)
		log_debug("KVM_IOEVENTFD at %#llx: %s",
			  (unsigned long long)io->addr, strerror(-r));
	return r;
}

/* Of any width and value: each queue has a register of its own. */
static int ioeventfd(void *ctx, gpa_t at, int fd, bool on)
{
	struct kvm_ioeventfd io = { .addr = at, .fd = fd };

	return listen(ctx, &io, on);
}

static int testdev_ioeventfd(void *ctx, gpa_t at, const uint8_t *match, int fd,
			     bool on)
{
	struct kvm_ioeventfd io = {
		.addr = at,
		.len = 1,
		.fd = fd,
		.datamatch = match ? *match : 0,
		.flags = match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0,
	};

	return listen(ctx, &io, on);
}

/* It is the bus's from here on, or freed. */
static int plug(struct board *b, struct pci_function *fn)
{
	int r = pci_host_add(b->pci, fn);

	if (r < 0)
		fn->ops->free(fn);
	return r < 0 ? r : 0;
}

static struct pci_function *make_testdev(struct board *b)
{
	struct pci_testdev_host host = { testdev_ioeventfd, b };

	return pci_testdev_new(&host);
}

/* Those that are not virtio's, by the flags that ask for them. */
static const struct {
	size_t flag; /* in struct config */
	const char *what;
	struct pci_function *(*make)(struct board *);
} functions[] = {
	{ offsetof(struct config, pci_testdev), "the PCI test device",
	  make_testdev },
};
#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static bool is_wanted(const struct board *b, unsigned i)
{
	return *(const bool *)((const char *)b->cfg + functions[i].flag);
}

unsigned board_pci_functions(const struct board *b)
{
	unsigned i, n = 0;

	for (i = 0; i < FUNCTIONS; i++)
		n += is_wanted(b, i);
	return n;
}

int board_add_pci_functions(struct board *b, struct err *e)
{
	struct pci_function *fn;
	unsigned i;
	int r = 0;

	(void)e;
	for (i = 0; i < FUNCTIONS && !r; i++) {
		if (!is_wanted(b, i))
			continue;
		fn = functions[i].make(b);
		r = fn ? plug(b, fn) : log_failure(functions[i].what, -ENOMEM);
	}
	return r;
}

static struct pci_function *function_of(struct board *b, struct virtio *v)
{
	/* The slot that it will have, on bus 0. */
	uint16_t id = pci_host_slots(b->pci) << 3;
	struct msi_source *s =
		msi_source_new(b->router, id, virtio_pci_vectors(v));
	struct vpci_host host = { .ioeventfd = ioeventfd, .ctx = b };

	if (!s)
		return NULL;
	host.msi = msi_of(s);
	return virtio_pci_new(v, &host);
}

int board_add_virtio_pci(struct board *b, struct virtio *v)
{
	struct pci_function *fn = function_of(b, v);

	if (!fn) {
		log_warn("a PCI function");
		v->ops->free(v);
		return -ENOMEM;
	}
	return plug(b, fn);
}
