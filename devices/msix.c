/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A message is routed when it is sent for the first time after a change, not
 * when the driver writes one of the three words that make it: to route is
 * dear, and drivers set up more vectors than they use.
 */
#include "devices/msix.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_WORDS (PCI_MSIX_ENTRY_SIZE / 4)
#define CONTROL	    (PCI_MSIX_ENTRY_VECTOR_CTRL / 4)

struct vector {
	uint32_t word[ENTRY_WORDS];
	bool routed;
	bool pending;
};

struct msix {
	pthread_mutex_t lock;
	struct msi msi;
	unsigned cap; /* in configuration space */
	bool enabled, masked;
	bool master; /* the function may write to memory */
	unsigned n;
	struct vector vector[];
};

static void send(struct msix *m, unsigned i)
{
	struct vector *v = &m->vector[i];

	if (!v->routed) {
		v->routed = true;
		m->msi.route(m->msi.ctx, i,
			     (uint64_t)v->word[1] << 32 | v->word[0],
			     v->word[2]);
	}
	m->msi.send(m->msi.ctx, i);
}

static bool deliverable(const struct msix *m, const struct vector *v)
{
	return m->enabled && !m->masked && m->master &&
	       !(v->word[CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

/* What held messages back may have gone: those that were pending go out. */
static void send_pending(struct msix *m)
{
	unsigned i;

	for (i = 0; i < m->n; i++) {
		if (!m->vector[i].pending || !deliverable(m, &m->vector[i]))
			continue;
		m->vector[i].pending = false;
		send(m, i);
	}
}

void msix_send(struct msix *m, unsigned n)
{
	if (n >= m->n)
		return;
	pthread_mutex_lock(&m->lock);
	if (deliverable(m, &m->vector[n]))
		send(m, n);
	else if (m->enabled)
		m->vector[n].pending = true;
	pthread_mutex_unlock(&m->lock);
}

bool msix_enabled(struct msix *m)
{
	bool on;

	pthread_mutex_lock(&m->lock);
	on = m->enabled;
	pthread_mutex_unlock(&m->lock);
	return on;
}

void msix_config(struct msix *m, const struct pci_function *fn)
{
	uint16_t flags = pci_get16(fn->config + m->cap + PCI_MSIX_FLAGS);

	pthread_mutex_lock(&m->lock);
	m->enabled = flags & PCI_MSIX_FLAGS_ENABLE;
	m->masked = flags & PCI_MSIX_FLAGS_MASKALL;
	m->master = pci_is_master(fn);
	send_pending(m);
	pthread_mutex_unlock(&m->lock);
}

/* --- registers, 4 bytes each --- */

static uint32_t pending_bits(const struct msix *m, unsigned first)
{
	uint32_t bits = 0;
	unsigned i;

	for (i = first; i < m->n && i < first + 32; i++)
		bits |= (uint32_t)m->vector[i].pending << (i - first);
	return bits;
}

static uint32_t read_word(const struct msix *m, unsigned off)
{
	unsigned i = off / PCI_MSIX_ENTRY_SIZE;

	if (off >= MSIX_PBA)
		return pending_bits(m, (off - MSIX_PBA) * 8);
	return i < m->n ? m->vector[i].word[off / 4 % ENTRY_WORDS] : 0;
}

static void write_word(struct msix *m, unsigned off, uint32_t val)
{
	unsigned i = off / PCI_MSIX_ENTRY_SIZE, w = off / 4 % ENTRY_WORDS;
	struct vector *v = &m->vector[i];

	if (i >= m->n)
		return;
	if (w == CONTROL)
		val &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
	else if (v->word[w] != val)
		v->routed = false;
	v->word[w] = val;
}

static bool aligned(uint64_t off, unsigned size)
{
	return size >= 4 && off % size == 0 && off <= MSIX_BAR_SIZE - size;
}

uint64_t msix_read(struct msix *m, uint64_t off, unsigned size)
{
	uint64_t val;

	if (!aligned(off, size))
		return 0;
	pthread_mutex_lock(&m->lock);
	val = read_word(m, off);
	if (size == 8)
		val |= (uint64_t)read_word(m, off + 4) << 32;
	pthread_mutex_unlock(&m->lock);
	return val;
}

void msix_write(struct msix *m, uint64_t off, unsigned size, uint64_t val)
{
	if (!aligned(off, size))
		return;
	pthread_mutex_lock(&m->lock);
	write_word(m, off, val);
	if (size == 8)
		write_word(m, off + 4, val >> 32);
	send_pending(m);
	pthread_mutex_unlock(&m->lock);
}

/* --- life --- */

void msix_reset(struct msix *m)
{
	unsigned i;

	pthread_mutex_lock(&m->lock);
	m->enabled = m->masked = m->master = false;
	memset(m->vector, 0, m->n * sizeof(m->vector[0]));
	for (i = 0; i < m->n; i++)
		m->vector[i].word[CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	pthread_mutex_unlock(&m->lock);
}

struct msix *msix_new(struct pci_function *fn, unsigned bar, unsigned n,
		      const struct msi *msi)
{
	struct msix *m = calloc(1, sizeof(*m) + n * sizeof(m->vector[0]));
	uint8_t *cap;

	assert(n >= 1 && n <= MSIX_MAX);
	if (!m)
		return NULL;
	m->msi = *msi;
	m->n = n;
	pthread_mutex_init(&m->lock, NULL);
	msix_reset(m);
	pci_add_bar(fn, bar, MSIX_BAR_SIZE, false);
	m->cap = pci_add_cap(fn, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	cap = fn->config + m->cap;
	pci_put16(cap + PCI_MSIX_FLAGS, n - 1);
	pci_put32(cap + PCI_MSIX_TABLE, bar);
	pci_put32(cap + PCI_MSIX_PBA, MSIX_PBA | bar);
	pci_put16(fn->writable + m->cap + PCI_MSIX_FLAGS,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	return m;
}

void msix_free(struct msix *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m);
}
