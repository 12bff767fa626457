/* SPDX-License-Identifier: MIT */
/* The board's own parts; for machine/board*.c, and the architecture's. */
#pragma once

#include "machine/board.h"
#include "machine/msi.h"
#include "core/irq.h"
#include "core/timer.h"

/* KVM memory slots. */
enum {
	SLOT_ARCH,   /* what the architecture needs one for */
	SLOT_VIRTIO, /* windows over MMIO: those with devices */
	SLOT_VIRTIO_BELOW,
	SLOT_VIRTIO_ABOVE,
	SLOT_FLASH, /* one for each bank */
	SLOT_RAM = SLOT_FLASH + FLASH_BANKS,
	SLOT_ECAM = 0x1000, /* one for each page; RAM has a few below it */
};

/* A bank of flash, and where KVM has it. */
struct flash_slot {
	struct board *board;
	unsigned index;
	struct flash_bank *bank;
};

/* A level-triggered line of the interrupt controller's. */
struct board_line {
	const struct device *dev; /* whose it is */
	uint64_t raised;	  /* so often, so far; atomic */
};

/* Those of the map, but for virtio's, which are edges. */
#define BOARD_LINES 16u

/* For --detect-halt: see board_halt.c. */
struct halt_watch {
	struct timer timer;
	uint64_t ran;		   /* by the vCPUs, at the last look; ns */
	unsigned looks, suspected; /* which look it was; 0: none */
	bool *slept;		   /* each vCPU, at the last look */
};

struct aml;
struct board_virtio;
struct board_windows;
struct virtio;
struct fw_cfg;
struct pci_host;
struct tree;

struct board {
	struct vm vm;
	const struct config *cfg;
	struct board_host host;
	struct machine m;
	struct boot_files files;
	struct boot boot;
	size_t run_size; /* bytes that a vCPU shares with KVM */
	int ram_fd; /* what RAM is mapped from, if others are to map it; or -1 */
	struct msi_router *router;
	struct pci_host *pci;
	struct device *gpio;
	struct fw_cfg *fw_cfg;
	struct virtio *balloon; /* the bus's; NULL: there is none */
	struct board_windows *windows;
	uint32_t mmio_slots;	     /* given or taken, a bit each */
	struct board_virtio *virtio; /* all of them, @nvirtio */
	unsigned nvirtio;
	struct chardev **ports; /* of the console, cfg->nports */
	struct chardev *null;	/* where an unused console leads to */
	struct flash_slot flash[FLASH_BANKS];
	struct board_line line[BOARD_LINES];
	char *bootorder;       /* what board_boot_from() has gathered */
	struct stats **counts; /* of each vCPU, and of the VM */
	struct halt_watch halt;
};

/*
 * board_add_devices() - every device of the map onto the bus; the GIC is ready
 *
 * 0 or -errno, with a sentence in @e if the configuration is at fault.
 */
int board_add_devices(struct board *b, struct err *e);

/* Their nodes in the tree of @m. */
void board_add_nodes(struct tree *t, const struct machine *m);

/* And in the ACPI namespace. */
void board_add_acpi(struct aml *a, const struct machine *m);

/* The UART's name there. */
#define UART_NAME "COM0"

/* Whatever of the devices the bus does not own. */
void board_free_devices(struct board *b);

/* Where the console of @kind leads to: the terminal, or nowhere. */
struct chardev *board_console(struct board *b, enum console_kind kind,
			      struct err *e);

/*
 * board_check_virtio() - is there room for all of them?
 * board_add_virtio() - puts them where the guest finds them
 * board_free_virtio() - what of them is the board's, after the bus
 *
 * 0 or -errno, with a sentence in @e if the configuration is at fault.
 */
int board_check_virtio(const struct board *b, struct err *e);
int board_add_virtio(struct board *b, struct err *e);
void board_free_virtio(struct board *b);

/*
 * board_map_windows() - all of virtio over MMIO: with a device in those of
 * @taken, a bit each
 * board_add_virtio_mmio() - @v into one of them, or freed
 * board_free_windows() - what of them is the board's, after the bus
 *
 * Once, and before any device. 0 or -errno, logged.
 */
int board_map_windows(struct board *b, uint32_t taken);
int board_add_virtio_mmio(struct board *b, struct virtio *v, unsigned slot,
			  const char *what);
void board_virtio_node(struct tree *t, const struct machine *m);
void board_virtio_acpi(struct aml *a, const struct machine *m);
void board_free_windows(struct board *b);

/* The one number @i in that order; NULL past the last. */
struct virtio *board_virtio(const struct board *b, unsigned i);

/* Will a virtio device whose transport is @kind be a PCI one? */
bool board_uses_pci(const struct board *b, enum transport_kind kind);

/*
 * board_wants_pci() - will any? So, is there a PCI host?
 */
bool board_wants_pci(const struct board *b);

/* The PCI host onto the bus, if there is one. 0 or -errno, logged. */
int board_add_pci(struct board *b, struct err *e);
void board_pci_node(struct tree *t, const struct machine *m);
void board_pci_acpi(struct aml *a, const struct machine *m);

/*
 * board_pci_functions() - how many will there be beside virtio's?
 * board_add_pci_functions() - those into the next slots
 *
 * 0 or -errno, logged.
 */
unsigned board_pci_functions(const struct board *b);
int board_add_pci_functions(struct board *b, struct err *e);

/*
 * board_add_virtio_pci() - @v as the next PCI function, or freed
 *
 * 0 or -errno: -ENOSPC if all slots are taken.
 */
int board_add_virtio_pci(struct board *b, struct virtio *v);

/* A level-triggered @line < BOARD_LINES, of which the rises are counted. */
struct irq board_level_irq(struct board *b, unsigned line);

/*
 * board_add() - puts @dev on the bus, or frees it
 *
 * If it has no name yet, its kind is its name, which no other device has. A
 * level-triggered line at @at is its own. 0 or -errno, logged; @dev may be NULL:
 * no memory.
 */
int board_add(struct board *b, struct device *dev, const char *what,
	      const struct place *at);

/*
 * board_add_flash() - the firmware and its variables, where the guest begins
 * board_free_flash() - whatever of it the bus does not own
 *
 * 0 or -errno, with a sentence in @e if the configuration is at fault.
 */
int board_add_flash(struct board *b, struct err *e);
void board_flash_node(struct tree *t, const struct machine *m);
void board_flash_acpi(struct aml *a, const struct machine *m);
void board_free_flash(struct board *b);

/*
 * board_boot_from() - the virtio device of type @id is next in the order in
 * which firmware tries devices, if it is one to boot from
 *
 * It stands in @slot of the PCI bus, or of the windows if not @pci. To be called
 * before board_fill_fw_cfg(), once for each device. 0 or -ENOMEM, logged.
 */
int board_boot_from(struct board *b, uint32_t id, bool pci, unsigned slot);

/*
 * board_add_fw_cfg() - what firmware may ask, and knows nothing yet
 * board_fill_fw_cfg() - what it may know; after all that this describes
 *
 * 0 or -errno, with a sentence in @e if the configuration is at fault.
 */
int board_add_fw_cfg(struct board *b, struct err *e);
int board_fill_fw_cfg(struct board *b, struct err *e);
void board_fw_cfg_node(struct tree *t, const struct machine *m);
void board_fw_cfg_acpi(struct aml *a, const struct machine *m);

/*
 * board_open_exits() - what board_count_exits() needs: a file for each vCPU
 *
 * 0 or -errno, with a sentence in @e if this KVM does not count.
 */
int board_open_exits(struct board *b, struct err *e);

/* The same for --stats, if this KVM counts. */
int board_open_counts(struct board *b, struct err *e);
void board_close_counts(struct board *b);

/* The devices' counts: a list of objects, each with its name. Main thread. */
json_t *board_device_stats(const struct board *b);

/* How often all vCPUs have left to the host so far. Any thread. */
uint64_t board_count_exits(void *board);

/*
 * --detect-halt: board_open_halt() once, 0 or -errno, logged; from each call of
 * board_watch_for_halt() on a guest that has halted for good is VM_HALTED, once.
 * board_look_for_halt() is a look, of two or more a second apart: has it?
 */
int board_open_halt(struct board *b);
void board_watch_for_halt(struct board *b);
bool board_look_for_halt(struct board *b);
void board_close_halt(struct board *b);

/* Tell KVM of memory at @gpa. 0 or -errno, logged. */
int board_add_slot(struct board *b, unsigned slot, gpa_t gpa, uint64_t size,
		   void *hva, bool readonly);
