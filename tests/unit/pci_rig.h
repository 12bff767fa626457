/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a PCI host, for tests and fuzzers: configuration space
 * and windows as a CPU reaches them, and what arrives of interrupts.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/bus.h"
#include "devices/msix.h"
#include "devices/pci.h"

#define LOW_BASE  0x10000000ull
#define LOW_SIZE  0x01000000ull
#define ECAM_BASE 0x3f000000ull
#define HIGH_BASE 0x100000000ull

struct pci_rig {
	struct bus bus;
	struct pci_host *host;
	bool pin[PCI_PINS];
	unsigned pins_set; /* how often a line was told something */
	unsigned sent[MSIX_MAX], routed[MSIX_MAX];
	uint64_t addr[MSIX_MAX]; /* as last routed */
	uint32_t data[MSIX_MAX];
	struct pci_mapper mapper;
	uint8_t *page[PCI_PAGES]; /* what the guest reads as memory */
	unsigned maps, unmaps;
	bool no_slots; /* for pages that are not mapped yet */
};

static inline void pci_rig_pin(void *ctx, unsigned line, bool on)
{
	struct pci_rig *r = ctx;

	/* A line is only told of changes. */
	if (r->pin[line] == on)
		abort();
	r->pin[line] = on;
	r->pins_set++;
}

static inline void pci_rig_route(void *ctx, unsigned n, uint64_t addr,
				 uint32_t data)
{
	struct pci_rig *r = ctx;

	r->routed[n]++;
	r->addr[n] = addr;
	r->data[n] = data;
}

static inline void pci_rig_send(void *ctx, unsigned n)
{
	struct pci_rig *r = ctx;

	/* Never before the way is known. */
	if (!r->routed[n])
		abort();
	r->sent[n]++;
}

static inline struct msi pci_rig_msi(struct pci_rig *r)
{
	return (struct msi){ pci_rig_route, pci_rig_send, r };
}

static inline int pci_rig_map(void *ctx, unsigned n, gpa_t at, uint64_t size,
			      void *hva)
{
	struct pci_rig *r = ctx;
	size_t page = r->mapper.page_size;
	uint64_t off;

	if (at != ECAM_BASE + n * page || (uintptr_t)hva % 4096 ||
	    size % page || at + size > ECAM_BASE + PCI_ECAM_BUS_SIZE)
		abort();
	if (size && r->no_slots)
		return -ENOSPC;
	for (off = 0; off < (size ? size : page); off += page) {
		if (!size != !!r->page[n + off / page])
			abort();
		r->page[n + off / page] = size ? (uint8_t *)hva + off : NULL;
	}
	r->maps += !!size;
	r->unmaps += !size;
	return 0;
}

/* As what the guest reads without us: NULL if it has to ask. */
static inline const uint8_t *cfg_memory(const struct pci_rig *r, gpa_t at)
{
	size_t page = r->mapper.page_size;
	uint64_t off = at - ECAM_BASE;

	if (at < ECAM_BASE || off >= PCI_ECAM_BUS_SIZE || !r->page[off / page])
		return NULL;
	return r->page[off / page] + off % page;
}

/* One whose host has pages of @page_size bytes. */
static inline void pci_rig_pages(struct pci_rig *r, size_t page_size)
{
	const gpa_t base[PCI_WINDOWS] = { LOW_BASE, 0x3eff0000, ECAM_BASE,
					  HIGH_BASE };
	const uint64_t size[PCI_WINDOWS] = { LOW_SIZE, 0x10000, 0x1000000,
					     0x10000000 };
	struct irq pin[PCI_PINS];
	unsigned i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < PCI_PINS; i++)
		pin[i] = (struct irq){ pci_rig_pin, r, i };
	r->host = pci_host_new(base, size, pin);
	r->mapper = (struct pci_mapper){ pci_rig_map, r, page_size };
	if (r->host)
		pci_host_map(r->host, &r->mapper);
	for (i = 0; i < PCI_WINDOWS; i++)
		if (!r->host || bus_add(&r->bus, pci_host_window(r->host, i),
					base[i], size[i]))
			abort();
}

static inline void pci_rig_new(struct pci_rig *r)
{
	pci_rig_pages(r, 4096);
}

static inline void pci_rig_free(struct pci_rig *r)
{
	bus_free(&r->bus);
	pci_host_free(r->host);
}

/* What is memory by then says the same: as far as ECAM's 4 KiB go. */
static inline uint64_t mem_get(struct pci_rig *r, gpa_t at, unsigned size)
{
	uint64_t val = 0;
	const uint8_t *p;

	bus_access(&r->bus, at, size, false, &val);
	p = cfg_memory(r, at);
	if (p && at % 4096 + size <= 4096 && memcmp(p, &val, size))
		abort();
	return val;
}

static inline void mem_set(struct pci_rig *r, gpa_t at, unsigned size,
			   uint64_t val)
{
	bus_access(&r->bus, at, size, true, &val);
}

static inline gpa_t cfg_at(unsigned slot, unsigned off)
{
	return ECAM_BASE + (slot << 15) + off;
}

static inline uint64_t cfg_get(struct pci_rig *r, unsigned slot, unsigned off,
			       unsigned size)
{
	return mem_get(r, cfg_at(slot, off), size);
}

static inline void cfg_set(struct pci_rig *r, unsigned slot, unsigned off,
			   unsigned size, uint64_t val)
{
	mem_set(r, cfg_at(slot, off), size, val);
}

/* Where the capability @id of a slot is, after @behind (0: the first); or 0. */
static inline unsigned cfg_cap(struct pci_rig *r, unsigned slot, uint8_t id,
			       unsigned behind)
{
	unsigned at = behind ? cfg_get(r, slot, behind + 1, 1)
			     : cfg_get(r, slot, PCI_CAPABILITY_LIST, 1);

	while (at && cfg_get(r, slot, at, 1) != id)
		at = cfg_get(r, slot, at + 1, 1);
	return at;
}
