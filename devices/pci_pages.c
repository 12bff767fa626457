/* SPDX-License-Identifier: MIT */
/*
 * Configuration space as memory.
 *
 * A driver reads much and writes little. At the first read of a function its
 * registers move to a page of their own, which the guest then reads as memory;
 * there they are kept as they are, the interrupt's bit of the status register
 * included, and writes still come here. A function that has to hear of reads
 * takes its page back, for good: from under a guest hypervisor it goes slowly,
 * and a guest could have us do that all day. Where pages are larger than ECAM's,
 * neighbours share one, and what is not there reads as all ones, as on the bus.
 *
 * A driver looks for more behind the last slot, too, to the end of the bus. That is
 * one mapping, of one piece of memory with ones in it as often as it takes.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/arch.h"
#include "devices/pci_impl.h"

void pci_show(struct pci_function *fn, unsigned off, unsigned len)
{
	unsigned i;

	if (fn->config == fn->own)
		return;
	for (i = off & ~3u; i < off + len; i += 4)
		arch_clean_to_memory(fn->config + i);
}

struct pci_function *pci_at_ecam(struct pci_host *h, uint64_t off)
{
	unsigned slot = off >> 15 & 31, number = off >> 12 & 7;
	struct pci_function *fn;

	if (off >= PCI_ECAM_BUS_SIZE || slot >= h->nslots)
		return NULL;
	fn = h->slot[slot];
	while (fn && fn->number != number)
		fn = fn->next;
	return fn;
}

void pci_ask_reads(struct pci_function *fn)
{
	fn->asked = true;
}

/* Its registers, to where the guest reads them. True if it can do without us. */
static bool move_in(struct pci_function *fn, uint8_t *page)
{
	bool asked;

	pthread_mutex_lock(&fn->lock);
	asked = fn->asked;
	if (fn->config != page) {
		pthread_mutex_lock(&fn->host->intx_lock);
		memcpy(page, fn->config, sizeof(fn->own));
		fn->config = page;
		pci_show(fn, 0, sizeof(fn->own));
		pthread_mutex_unlock(&fn->host->intx_lock);
	}
	pthread_mutex_unlock(&fn->lock);
	return !asked;
}

/* All functions of page @n. True if none of them has to hear of reads. */
static bool fill(struct pci_host *h, unsigned n)
{
	uint64_t off, end = (n + 1) * h->mapper.page_size;
	struct pci_function *fn;
	bool ok = true;

	for (off = end - h->mapper.page_size; off < end;
	     off += PCI_FUNCTION_SIZE) {
		fn = pci_at_ecam(h, off);
		if (fn)
			ok &= move_in(fn, h->pages + off);
		else
			memset(h->pages + off, 0xff, PCI_FUNCTION_SIZE);
	}
	return ok;
}

static bool have_pages(struct pci_host *h)
{
	void *p;

	if (h->pages || !h->mapper.map || h->refused)
		return h->pages;
	p = mmap(NULL, PCI_ECAM_BUS_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	h->refused = p == MAP_FAILED;
	h->pages = h->refused ? NULL : p;
	return h->pages;
}

#define ONES_SIZE 0x10000u /* a multiple of any host's page */

/* Ones from @off to the end of the bus. */
static int fill_rest(struct pci_host *h, uint64_t off)
{
	int fd = memfd_create("pci-absent", MFD_CLOEXEC);
	uint64_t len;
	void *p = MAP_FAILED;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, ONES_SIZE) == 0)
		p = mmap(NULL, ONES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	if (p != MAP_FAILED) {
		memset(p, 0xff, ONES_SIZE);
		munmap(p, ONES_SIZE);
	}
	for (; off < PCI_ECAM_BUS_SIZE && p != MAP_FAILED; off += len) {
		len = PCI_ECAM_BUS_SIZE - off;
		if (len > ONES_SIZE)
			len = ONES_SIZE;
		p = mmap(h->pages + off, len, PROT_READ, MAP_SHARED | MAP_FIXED,
			 fd, 0);
	}
	close(fd);
	return p == MAP_FAILED ? -errno : 0;
}

void pci_settle_rest(struct pci_host *h, uint64_t off)
{
	const uint64_t page = h->mapper.page_size;
	uint64_t rest = (uint64_t)h->nslots * PCI_FUNCTIONS * PCI_FUNCTION_SIZE;

	pthread_mutex_lock(&h->page_lock);
	if (h->pages && !h->refused && !h->rest && off < PCI_ECAM_BUS_SIZE) {
		rest = (rest + page - 1) / page * page;
		h->rest = true;
		h->refused = rest < PCI_ECAM_BUS_SIZE &&
			     (fill_rest(h, rest) < 0 ||
			      h->mapper.map(h->mapper.ctx, rest / page,
					    h->window[PCI_ECAM].base + rest,
					    PCI_ECAM_BUS_SIZE - rest,
					    h->pages + rest) < 0);
	}
	pthread_mutex_unlock(&h->page_lock);
}

void pci_settle(struct pci_host *h, uint64_t off)
{
	unsigned n;
	bool wanted;

	pthread_mutex_lock(&h->page_lock);
	if (have_pages(h)) {
		n = off / h->mapper.page_size;
		off = n * h->mapper.page_size;
		wanted = fill(h, n) && !h->refused;
		if (wanted == h->mapped[n])
			;
		else if (h->mapper.map(h->mapper.ctx, n,
				       h->window[PCI_ECAM].base + off,
				       wanted ? h->mapper.page_size : 0,
				       h->pages + off) < 0)
			h->refused = true;
		else
			h->mapped[n] = wanted;
	}
	pthread_mutex_unlock(&h->page_lock);
}

void pci_host_map(struct pci_host *h, const struct pci_mapper *mapper)
{
	h->mapper = *mapper;
}
