/* SPDX-License-Identifier: MIT */
/* The host bridge's own parts; for devices/pci.c and devices/pci_pages.c. */
#pragma once

#include "devices/pci.h"

struct window {
	struct device dev;
	struct pci_host *host;
	gpa_t base;
	uint64_t size;
};

struct pci_host {
	struct window window[PCI_WINDOWS];
	struct pci_function bridge;
	pthread_mutex_t map_lock; /* where BARs answer: bar[].at of all */
	struct pci_function *slot[PCI_SLOTS]; /* function 0 of each */
	unsigned nslots;

	pthread_mutex_t intx_lock;
	struct irq intx[PCI_PINS];
	unsigned raised[PCI_PINS];

	struct pci_mapper mapper;
	pthread_mutex_t page_lock; /* before functions' own */
	uint8_t *pages;		   /* of the whole bus, or NULL */
	bool mapped[PCI_PAGES];
	bool rest;    /* so was what lies behind the last slot */
	bool refused; /* one was not to be mapped: no other is tried */
};

/* What a function has of ECAM (7.2.2). */
#define PCI_FUNCTION_SIZE 0x1000u

/* The function whose registers begin there; bus 0 is all there is. Or NULL. */
struct pci_function *pci_at_ecam(struct pci_host *, uint64_t off);

/*
 * pci_show() - the @len bytes of @fn's configuration space at @off have changed
 *
 * The guest may read them where they are, and not through our cache (core/arch.h).
 */
void pci_show(struct pci_function *fn, unsigned off, unsigned len);

/*
 * pci_settle() - let the guest read the page that @off is in, or no longer
 *
 * As far as its functions let it. On a vCPU's thread, without a function's lock.
 */
void pci_settle(struct pci_host *, uint64_t off);

/*
 * pci_settle_rest() - let the guest read what has no function, all behind the slots
 *
 * As pci_settle(), at a read that has found none at @off; not before a function
 * was found.
 */
void pci_settle_rest(struct pci_host *, uint64_t off);
