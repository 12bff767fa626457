/* SPDX-License-Identifier: MIT */
/*
 * Configuration space of PCI, for payloads: bus 0, function 0 of each slot, by
 * ECAM (PCI Express Base 6.0, 7.2.2).
 */
#pragma once

#include "guest/rt/rt.h"

#define PCI_SLOTS 32u

#define PCI_VENDOR	0x00
#define PCI_DEVICE	0x02
#define PCI_COMMAND	0x04
#define PCI_BAR(n)	(0x10 + 4 * (n))
#define PCI_CAPS	0x34
#define PCI_CMD_MEMORY	0x2
#define PCI_CMD_MASTER	0x4
#define PCI_CAP_EXPRESS 0x10
#define PCI_CAP_MSIX	0x11
#define MSIX_ENABLE	0x8000
#define MSIX_MASKALL	0x4000

static inline uint64_t pci_cfg(unsigned slot, unsigned off)
{
	return MAP_ECAM_BASE + (slot << 15) + off;
}

/* Where a slot's capability @id is, or 0. */
static inline uint64_t pci_cap(unsigned slot, uint8_t id)
{
	unsigned at = mmio_read8(pci_cfg(slot, PCI_CAPS));

	while (at && mmio_read8(pci_cfg(slot, at)) != id)
		at = mmio_read8(pci_cfg(slot, at + 1));
	return at ? pci_cfg(slot, at) : 0;
}

/*
 * nestor's virtio functions: BAR 1 has the MSI-X table, BAR 4 all else, for
 * which a driver that does not know that would ask the capabilities.
 */
#define VPCI_MSIX_AT(slot) (MAP_PCI_MMIO_BASE + ((slot) << 16))
#define VPCI_MSIX_PBA	   0x800
#define VPCI_AT(slot)	   (VPCI_MSIX_AT(slot) + 0x4000)
#define VPCI_ISR	   0x1000
#define VPCI_DEVICE	   0x2000
#define VPCI_NOTIFY	   0x3000
#define VPCI_CONFIG_VECTOR 0x10
#define VPCI_QUEUE_VECTOR  0x1a
#define VPCI_SLOT(base)	   (((base)-MAP_PCI_MMIO_BASE) >> 16)

static inline void vpci_place(unsigned slot)
{
	mmio_write32(pci_cfg(slot, PCI_BAR(1)), VPCI_MSIX_AT(slot));
	mmio_write32(pci_cfg(slot, PCI_BAR(4)), VPCI_AT(slot));
	mmio_write32(pci_cfg(slot, PCI_BAR(5)), 0);
	mmio_write16(pci_cfg(slot, PCI_COMMAND),
		     PCI_CMD_MEMORY | PCI_CMD_MASTER);
}
