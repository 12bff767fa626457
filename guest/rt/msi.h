/* SPDX-License-Identifier: MIT */
/*
 * Message-signalled interrupts for payloads: through a GICv3's ITS (Arm IHI
 * 0069, chapters 5 and 6) to LPIs, or a GICv2m's frame to SPIs.
 *
 * A payload runs without caches; what the GIC reads in memory is written back,
 * as rt/virtio.h has it for rings.
 */
#pragma once

#include "guest/rt/rt.h"

#define MSI_EVENTS 32u

/* What a device has to write where, and what the CPU then takes. */
struct msi_message {
	uint64_t addr;
	uint32_t data;
	unsigned intid;
};

/* After gic_enable(), on CPU 0, which gets all of them. */
void msi_enable(void);

/* Of device @devid: its events 0 to MSI_EVENTS - 1. Once each. */
void msi_add_device(uint32_t devid);

/*
 * Event @event of @devid as the interrupt number @n (0 to MSI_EVENTS - 1) of all
 * there are.
 */
struct msi_message msi_map(uint32_t devid, unsigned event, unsigned n);
