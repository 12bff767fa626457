/* SPDX-License-Identifier: MIT */
/*
 * A PCI Express host bridge with one bus, whose devices are endpoints within
 * the root complex (PCI Express Base 6.0, chapter 7; ECAM: 7.2.2).
 *
 * A device model embeds a struct pci_function as its first member, describes
 * its configuration space once, and serves its BARs. Where these are is the
 * guest's choice, at any time: a function hears of it by moved(), never sees an
 * access outside of a BAR, and gets none that was not decoded.
 *
 * Nothing on PCI can be saved yet (core/device.h). That is to be in struct pci_ops,
 * and the host's window on configuration space to call it. What there is to keep:
 * the bits that `writable` lets a driver set, which a load writes as a driver does,
 * the command register last, so that BARs, pins and bus mastering follow; MSI-X'
 * vectors, with their pending bits; and the function's own. With virtio that is
 * what it is over MMIO, and the vectors that the queues have.
 *
 * Locks: each function has one for its configuration space, which is held while
 * its config(), moved(), master() and reset() run; a lock of the device model's
 * comes after it, and so does the host's for interrupts by pin. bar_read() and
 * bar_write() come without it, from any vCPU's thread. pci_intx() may be called
 * under any lock.
 */
#pragma once

#include <pthread.h>
#include <linux/pci_regs.h>

#include "core/bus.h"
#include "core/irq.h"

#define PCI_BARS	  6
#define PCI_PINS	  4
#define PCI_SLOTS	  32u /* of a bus */
#define PCI_FUNCTIONS	  8u  /* of a slot */
#define PCI_ECAM_BUS_SIZE 0x100000u
/* Where a BAR is that answers nowhere. */
#define PCI_NOWHERE UINT64_MAX

struct pci_function;

struct pci_ops {
	const char *name;
	/* @off + @size is within BAR @bar, @size is 1, 2, 4 or 8. */
	uint64_t (*bar_read)(struct pci_function *, unsigned bar, uint64_t off,
			     unsigned size);
	void (*bar_write)(struct pci_function *, unsigned bar, uint64_t off,
			  unsigned size, uint64_t val);
	/*
	 * The rest may be NULL. BAR @bar now answers at @at, or PCI_NOWHERE.
	 */
	void (*moved)(struct pci_function *, unsigned bar, gpa_t at);
	/*
	 * The function is bus master (@on), or no longer; at first it is not.
	 * Off that, it touches no guest memory once this has returned
	 * (7.5.1.1.3). Its messages are held back by MSI-X itself, and its pin
	 * goes on working. On the thread of the vCPU that wrote the command
	 * register, or at a reset, before that of the function.
	 */
	void (*master)(struct pci_function *, bool on);
	/*
	 * The driver reads (before) or has written (after) the @len bytes at
	 * @off of the configuration space: the function takes care of what lies
	 * in a capability of its own. Most reads are not heard of, as the guest
	 * has the space as memory: see pci_ask_reads().
	 */
	void (*config)(struct pci_function *, unsigned off, unsigned len,
		       bool write);
	/* As struct device_ops has them; called without the lock. */
	void (*quiesce)(struct pci_function *, struct quiet *);
	void (*resume)(struct pci_function *);
	/* Function-level reset, or the machine's; registers are reset already. */
	void (*reset)(struct pci_function *);
	/* No vCPU runs any more. */
	void (*free)(struct pci_function *);
};

struct pci_bar {
	uint32_t size; /* bytes, a power of two; 0: there is none */
	bool wide;     /* 64 bits: takes the next one's register too */
	gpa_t at;
};

struct pci_function {
	const struct pci_ops *ops;
	struct pci_host *host;
	pthread_mutex_t lock;	   /* config, and all that follows from it */
	unsigned slot, number;	   /* where it is, and which of those there */
	struct pci_function *next; /* of the same slot */
	uint8_t *config;	   /* own[], or the page that the guest reads */
	uint8_t own[PCI_CFG_SPACE_SIZE];
	uint8_t writable[PCI_CFG_SPACE_SIZE]; /* bits that the driver sets */
	uint8_t initial[PCI_CFG_SPACE_SIZE];  /* config after a reset */
	struct pci_bar bar[PCI_BARS];
	uint8_t last_cap, free_at; /* capabilities so far */
	uint8_t express;	   /* where that capability is, or 0 */
	bool master;		   /* as last told */
	bool asked;		   /* config() hears of all reads */

	/* Under the host's intx_lock. */
	bool level;   /* the function asks for an interrupt */
	bool intx_on; /* ... and may: INTx is not disabled */
	bool raised;  /* ... and does */
};

/* --- for functions, before pci_host_add() --------------------------------- */

/* @class is base class, subclass and programming interface: 24 bits. */
void pci_init(struct pci_function *, const struct pci_ops *, uint16_t vendor,
	      uint16_t device, uint32_t class);

/*
 * pci_add_bar() - BAR @n, of @size bytes: a power of two from 4 KiB on
 *
 * A @wide one is prefetchable, has 64 bits and takes BAR @n + 1 as well.
 */
void pci_add_bar(struct pci_function *, unsigned n, uint32_t size, bool wide);

/*
 * pci_add_cap() - a capability of @len bytes, its two header bytes included
 *
 * Returns where it begins. The function fills it in fn->config, and in
 * fn->writable what a driver may set.
 */
unsigned pci_add_cap(struct pci_function *, uint8_t id, unsigned len);

/*
 * The PCI Express capability, with function-level reset. The one for power
 * management, which 7.5.2 asks of every function, is left out: there is no power
 * to save, and drivers do without.
 */
void pci_add_express(struct pci_function *);

/*
 * pci_add_pin() - pin INTA (1) to INTD (4)
 *
 * The first function of a slot that has one has INTA, and so on (PCI 3.0, 2.2.6).
 */
void pci_add_pin(struct pci_function *, unsigned pin);

/*
 * From now on config() hears of each read of the function's configuration space.
 * In a config() of a write.
 */
void pci_ask_reads(struct pci_function *);

/* Interrupt by the function's pin, as long as @on. Any thread. */
void pci_intx(struct pci_function *, bool on);

/* May it read and write memory, and send messages? In a callback of its own. */
bool pci_is_master(const struct pci_function *);

void pci_put16(uint8_t *at, uint16_t val);
void pci_put32(uint8_t *at, uint32_t val);
uint16_t pci_get16(const uint8_t *at);
uint32_t pci_get32(const uint8_t *at);

/* --- for the board ---------------------------------------------------------- */

struct pci_host;

/* What of the machine's addresses the host answers for. */
enum pci_window { PCI_MMIO32, PCI_IO, PCI_ECAM, PCI_MMIO64, PCI_WINDOWS };

/*
 * pci_host_new() - a host bridge with its windows at @base, each @size bytes
 *
 * Pin INTA of slot n is wired to @intx[n % 4], level-triggered, INTB to the next
 * one, and so on. NULL with errno set.
 */
struct pci_host *pci_host_new(const gpa_t base[PCI_WINDOWS],
			      const uint64_t size[PCI_WINDOWS],
			      const struct irq intx[PCI_PINS]);

/* How the guest comes to read memory of ours. */
struct pci_mapper {
	/*
	 * The guest reads the @size bytes at @hva, whole pages, at @at, and what it
	 * writes there still is an access of the window's; with a @size of 0 no
	 * longer. @n, below PCI_PAGES, is the number of the first. On vCPUs'
	 * threads, one at a time. -errno: it goes on asking the window.
	 */
	int (*map)(void *ctx, unsigned n, gpa_t at, uint64_t size, void *hva);
	void *ctx;
	size_t page_size; /* from 4 KiB to 64 KiB */
};
#define PCI_PAGES (PCI_SLOTS * PCI_FUNCTIONS)

/*
 * pci_host_map() - have guests read configuration space without an exit
 *
 * From the first read of a function on, so that who does not look for devices
 * pays nothing. Before any vCPU runs; without it every read is an exit.
 */
void pci_host_map(struct pci_host *, const struct pci_mapper *);

/* The host's part of the bus; it frees nothing, the host lives longer. */
struct device *pci_host_window(struct pci_host *, enum pci_window);

/*
 * pci_host_add() - plug @fn into the first free slot, which is returned
 *
 * -ENOSPC if there is none. The host owns it then. Before any vCPU runs.
 */
int pci_host_add(struct pci_host *, struct pci_function *fn);

/*
 * pci_host_join() - make @fn the next function of the slot that @with is in
 *
 * Its number, or -ENOSPC. The host owns it then. Before any vCPU runs.
 */
int pci_host_join(struct pci_host *, struct pci_function *with,
		  struct pci_function *fn);

/* How many slots are taken: the number of the next one. */
unsigned pci_host_slots(const struct pci_host *);

/* Frees the functions too, the last one first. */
void pci_host_free(struct pci_host *);
