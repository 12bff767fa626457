/* SPDX-License-Identifier: MIT */
/*
 * virtio over PCI, as a modern device (virtio 1.2, section 4.1).
 *
 * No request costs an exit to user space, nor does its interrupt: each queue's
 * notification register goes to an eventfd when it has been written once, and
 * stays with it wherever the guest moves the BAR; interrupts are messages, one
 * vector a queue and one for the configuration. Without MSI-X the device
 * interrupts by pin INTA.
 */
#pragma once

#include "core/irq.h"
#include "devices/pci.h"

struct virtio;

/* BARs: MSI-X, and the structures that virtio defines. */
#define VPCI_BAR_MSIX 1
#define VPCI_BAR      4
#define VPCI_BAR_SIZE 0x4000u

/* Where these are in that BAR; a queue's notifications 4 bytes apart. */
#define VPCI_COMMON 0x0000u
#define VPCI_ISR    0x1000u
#define VPCI_DEVICE 0x2000u
#define VPCI_NOTIFY 0x3000u

/* What the transport asks of the board. */
struct vpci_host {
	/*
	 * From now on (@on), or no longer, have a write of any value at @at
	 * signal @fd instead of arriving here. 0 or -errno: then it goes on
	 * arriving. NULL: all notifications do, and are served at once.
	 */
	int (*ioeventfd)(void *ctx, gpa_t at, int fd, bool on);
	struct msi msi; /* of at least virtio_pci_vectors() messages */
	void *ctx;
};

/* How many interrupt vectors @v wants: one for each queue, and one more. */
unsigned virtio_pci_vectors(const struct virtio *v);

/*
 * virtio_pci_new() - make @v a PCI function, to be given to pci_host_add()
 *
 * It owns @v, and is freed by its operations. NULL with errno set, and @v
 * stays the caller's. @host is copied.
 */
struct pci_function *virtio_pci_new(struct virtio *v,
				    const struct vpci_host *host);
