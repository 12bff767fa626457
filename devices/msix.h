/* SPDX-License-Identifier: MIT */
/*
 * MSI-X of a PCI function: the capability, the vector table and the pending
 * bits (PCI Express Base 6.0, 6.1.4 and 7.7.2).
 *
 * No interrupt is lost: one that finds its vector masked, or its function not
 * bus master (a message is a write to memory), stays pending, and is sent once
 * nothing holds it back. A lock of its own guards it, which comes after a
 * device's and under which only msi->route() and send() are called. Any thread
 * may call all of this.
 */
#pragma once

#include "core/irq.h"
#include "devices/pci.h"

/* All of it fits into a BAR of this size: table, then pending bits. */
#define MSIX_BAR_SIZE 0x1000u
#define MSIX_PBA      0x800u
#define MSIX_MAX      128u

struct msix;

/*
 * msix_new() - @n vectors (1 to MSIX_MAX) for @fn, in its BAR @bar
 *
 * Adds the BAR and the capability. @msi is copied; NULL with errno set.
 */
struct msix *msix_new(struct pci_function *fn, unsigned bar, unsigned n,
		      const struct msi *msi);
void msix_free(struct msix *);

/* The BAR's registers: 4 and 8 bytes, aligned; all else reads 0 (P1). */
uint64_t msix_read(struct msix *, uint64_t off, unsigned size);
void msix_write(struct msix *, uint64_t off, unsigned size, uint64_t val);

/*
 * The function's configuration space was written: capability and command
 * register count anew. From pci_ops.config.
 */
void msix_config(struct msix *, const struct pci_function *);

/* Messages, and not pins? */
bool msix_enabled(struct msix *);

/* Interrupt by vector @n; one that does not exist is ignored. */
void msix_send(struct msix *, unsigned n);

/* All vectors masked and forgotten, as after power-on. */
void msix_reset(struct msix *);
