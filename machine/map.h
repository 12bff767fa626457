/* SPDX-License-Identifier: MIT */
/*
 * Where things are in a machine, and on which lines they interrupt: neutral
 * words for the architecture's numbers. All of it is in the FDT too.
 */
#pragma once

#include <stdint.h>

#include "core/gmem.h"

#define FLASH_BANKS 2u /* firmware, variables */

struct place {
	gpa_t base;
	uint64_t size;
	unsigned line; /* of the interrupt controller, if it has one */
};

struct map {
	struct place flash; /* of the first bank; the others follow */
	struct place uart, rtc, fw_cfg, gpio, pvpanic, exits;
	struct place virtio; /* the first of VIRTIO_SLOTS windows and lines */
	struct place pci_mmio, pci_io;
	struct place ecam; /* its line is that of INTA; the others follow */
	struct place ecam_high; /* ... if that is wanted, or behind RAM */
	struct place
		pci_high; /* a window behind RAM, and not below that base */
	gpa_t ram;
	unsigned power_button; /* the GPIO controller's input */
};

/* The machine's, for as long as the program runs. */
extern const struct map arch_map;
