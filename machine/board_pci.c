/* SPDX-License-Identifier: MIT */
/*
 * PCI Express on this machine: the host's place in the map and its node in the
 * tree and namespace, how functions on it interrupt and are notified, and those
 * that are not virtio's.
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
#include "machine/acpi.h"
#include "machine/arch.h"
#include "machine/tree.h"
#include "virtio/pci.h"
#include "virtio/virtio.h"

bool board_uses_pci(const struct board *b, enum transport_kind kind)
{
	if (kind == TRANSPORT_AUTO)
		kind = b->cfg->transport;
	/* Registers of before virtio 1.0 are asked for by who knows no PCI. */
	if (kind == TRANSPORT_AUTO)
		return b->m.msi != MSI_NONE && !b->cfg->virtio_legacy;
	return kind == TRANSPORT_PCI;
}

/* Configuration space, read-only as virtio's registers are (board_mmio.c). */
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
		[PCI_ECAM] = { "pci-ecam",
			       "PCI configuration space",
			       { b->m.ecam.base, b->m.ecam.size, 0 } },
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
	tree_cells(t, "bus-range", 0, m->ecam.size / PCI_ECAM_BUS_SIZE - 1);
	tree_cells(t, "#address-cells", 3);
	tree_cells(t, "#size-cells", 2);
	tree_reg(t, &m->ecam);
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

/* --- in the ACPI namespace (PCI Firmware Specification 3.3) ------------------- */

static const uint8_t osc_uuid[] = {
	0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
	0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66,
};

/* Of _OSC's first word, what went wrong; of its third, what can be had (4.5.1). */
#define OSC_UNKNOWN_UUID     0x04
#define OSC_UNKNOWN_REVISION 0x08
#define OSC_MASKED	     0x10
#define OSC_CONTROLS	     0xbf /* each up to DPC, but one that is reserved */

/* Tell the guest of @wrong, in the word CDW1. */
static void osc_complain(struct aml *a, unsigned wrong)
{
	aml_op(a, AML_OR);
	aml_path(a, "CDW1");
	aml_int(a, wrong);
	aml_path(a, "CDW1");
}

/* If @arg is not what follows, until aml_end(). */
static void osc_unless(struct aml *a, enum aml_op arg)
{
	aml_if(a);
	aml_op(a, AML_NOT);
	aml_op(a, AML_EQUAL);
	aml_op(a, arg);
}

static void osc_word(struct aml *a, unsigned at, const char *name)
{
	aml_op(a, AML_DWORD_FIELD);
	aml_op(a, AML_ARG0 + 3);
	aml_int(a, at);
	aml_path(a, name);
}

static void osc_return(struct aml *a)
{
	aml_op(a, AML_RETURN);
	aml_op(a, AML_ARG0 + 3);
}

/* Whatever the guest's system asks for is its own: firmware uses nothing of it. */
static void add_osc(struct aml *a)
{
	aml_method(a, "_OSC", 4);
	osc_word(a, 0, "CDW1");
	osc_unless(a, AML_ARG0);
	aml_buffer(a, osc_uuid, sizeof(osc_uuid));
	osc_complain(a, OSC_UNKNOWN_UUID);
	osc_return(a);
	aml_end(a);
	osc_unless(a, AML_ARG0 + 1);
	aml_int(a, 1);
	osc_complain(a, OSC_UNKNOWN_REVISION);
	aml_end(a);
	osc_word(a, 8, "CDW3");
	aml_op(a, AML_AND);
	aml_path(a, "CDW3");
	aml_int(a, OSC_CONTROLS);
	aml_op(a, AML_LOCAL0);
	osc_unless(a, AML_LOCAL0);
	aml_path(a, "CDW3");
	osc_complain(a, OSC_MASKED);
	aml_end(a);
	aml_op(a, AML_STORE);
	aml_op(a, AML_LOCAL0);
	aml_path(a, "CDW3");
	osc_return(a);
	aml_end(a);
}

/* As add_intx(): each pin of each device is on a line of its own choice. */
static void add_prt(struct aml *a)
{
	unsigned slot, pin;

	aml_name(a, "_PRT");
	aml_package(a, PCI_SLOTS * PCI_PINS);
	for (slot = 0; slot < PCI_SLOTS; slot++) {
		for (pin = 0; pin < PCI_PINS; pin++) {
			aml_package(a, 4);
			aml_int(a, slot << 16 | 0xffff); /* all functions */
			aml_int(a, pin);
			aml_int(a, 0); /* no link device, but */
			aml_int(a, arch_acpi_gsi(arch_map.ecam.line +
						 (slot + pin) % PCI_PINS));
			aml_end(a);
		}
	}
	aml_end(a);
}

static void add_windows(struct aml *a, const struct machine *m)
{
	const struct place *io = &arch_map.pci_io, *mmio = &arch_map.pci_mmio;
	const struct aml_window windows[] = {
		{ AML_SPACE_BUS, 2, 0, m->ecam.size / PCI_ECAM_BUS_SIZE, 0 },
		{ AML_SPACE_MEMORY, 4, mmio->base, mmio->size, 0 },
		{ AML_SPACE_IO, 4, 0, io->size, io->base },
		{ AML_SPACE_MEMORY, 8, m->pci_high.base, m->pci_high.size, 0 },
	};
	unsigned i;

	aml_resources(a, "_CRS");
	for (i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		aml_res_window(a, &windows[i], false);
	aml_resources_end(a);
}

/* Configuration space, too, is told to be taken (4.1.2). */
void board_pci_acpi(struct aml *a, const struct machine *m)
{
	const struct aml_window ecam = { AML_SPACE_MEMORY, 8, m->ecam.base,
					 m->ecam.size, 0 };

	if (!m->has_pci)
		return;
	acpi_device(a, "PCI0", "PNP0A08", 0);
	aml_name_id(a, "_CID", "PNP0A03");
	aml_name_int(a, "_SEG", 0);
	aml_name_int(a, "_BBN", 0);
	aml_name_int(a, "_CCA", 1);
	add_windows(a, m);
	add_prt(a);
	add_osc(a);
	aml_end(a);
	acpi_device(a, "ECAM", "PNP0C02", 0);
	aml_resources(a, "_CRS");
	if (m->ecam.base > UINT32_MAX)
		aml_res_window(a, &ecam, true);
	else
		aml_res_memory(a, m->ecam.base, m->ecam.size);
	aml_resources_end(a);
	aml_end(a);
}

/* --- its host ----------------------------------------------------------------- */

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
