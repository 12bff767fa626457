/* SPDX-License-Identifier: MIT */
/*
 * PCI Express on this machine: the host's place in the map, and how functions
 * on it interrupt and are notified.
 */
#include "machine/board_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/kvm.h"
#include "core/log.h"
#include "devices/pci.h"
#include "devices/pci_testdev.h"
#include "virtio/pci.h"
#include "virtio/virtio.h"

bool board_uses_pci(const struct board *b, enum transport_kind kind)
{
	if (kind == TRANSPORT_AUTO)
		kind = b->cfg->transport;
	return kind == TRANSPORT_AUTO ? b->m.msi != MSI_NONE
				      : kind == TRANSPORT_PCI;
}

int board_add_pci(struct board *b)
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
				 { b->m.pci_high.base, b->m.pci_high.size } },
	};
	gpa_t base[PCI_WINDOWS];
	uint64_t size[PCI_WINDOWS];
	struct irq intx[PCI_PINS];
	struct device *dev;
	unsigned i;
	int r = 0;

	for (i = 0; i < PCI_WINDOWS; i++) {
		base[i] = windows[i].at.base;
		size[i] = windows[i].at.size;
	}
	for (i = 0; i < PCI_PINS; i++)
		intx[i] = board_level_irq(b, arch_map.ecam.line + i);
	b->pci = pci_host_new(base, size, intx);
	if (!b->pci)
		return -ENOMEM;
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

int board_add_pci_testdev(struct board *b)
{
	struct pci_testdev_host host = { testdev_ioeventfd, b };
	struct pci_function *fn = pci_testdev_new(&host);

	if (!fn) {
		log_warn("the PCI test device");
		return -ENOMEM;
	}
	return plug(b, fn);
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
