/* SPDX-License-Identifier: MIT */
/* The board's own parts; for arm64/board*.c only. */
#pragma once

#include "arm64/board.h"
#include "arm64/vcpu.h"
#include "core/irq.h"

/* KVM memory slots. */
enum { SLOT_PVTIME, SLOT_VIRTIO, SLOT_RAM };

/* One virtio-mmio slot, as seen from its transport. */
struct virtio_slot {
	struct board *board;
	unsigned index;
	int irqfd; /* -1 until the first interrupt */
};

struct board {
	struct vm vm;
	const struct config *cfg;
	struct board_host host;
	struct machine m;
	struct vcpu_model model;
	struct boot boot;
	int gic_fd;
	struct device *gpio;
	uint8_t *virtio_shadow; /* what the guest reads of all windows */
	struct virtio_slot slot[MAP_VIRTIO_SLOTS];
	struct chardev **ports; /* of the console, cfg->nports */
	struct chardev *null;	/* where an unused console leads to */
	struct stats **exits;	/* of each vCPU, for the exit counter */
};

/*
 * board_add_devices() - every device of the map onto the bus; the GIC is ready
 *
 * 0 or -errno, with a sentence in @e if the configuration is at fault.
 */
int board_add_devices(struct board *b, struct err *e);
/* Whatever of the devices the bus does not own. */
void board_free_devices(struct board *b);

/*
 * board_open_exits() - what board_count_exits() needs: a file for each vCPU
 *
 * 0 or -errno, with a sentence in @e if this KVM does not count.
 */
int board_open_exits(struct board *b, struct err *e);
void board_close_exits(struct board *b);

/* How often all vCPUs have left to the host so far. Any thread. */
uint64_t board_count_exits(void *board);

/* Tell KVM of memory at @gpa. 0 or -errno, logged. */
int board_add_slot(struct board *b, unsigned slot, gpa_t gpa, uint64_t size,
		   void *hva, bool readonly);
