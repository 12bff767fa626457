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

#define MSI_EVENTS    32u
#define MSI_FIRST_LPI 8192u

/* Commands of the ITS (IHI 0069, 5.3), in the lowest byte of their first word. */
#define ITS_MOVI    0x01u
#define ITS_INT	    0x03u
#define ITS_CLEAR   0x04u
#define ITS_SYNC    0x05u
#define ITS_MAPD    0x08u
#define ITS_MAPC    0x09u
#define ITS_MAPTI   0x0au
#define ITS_INV	    0x0cu
#define ITS_INVALL  0x0du
#define ITS_MOVALL  0x0eu
#define ITS_DISCARD 0x0fu
#define ITS_VALID   (1ull << 63)

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

/* Whether the @n that msi_map() was given comes; the ITS knows after an INV. */
void msi_set_enabled(unsigned n, bool on);

/* One command, of which the fourth word is 0; returns when it is done. */
void its_command(uint64_t a, uint64_t b, uint64_t c);

/* LPIs for the calling CPU, 0 or 1; what msi_enable() does for CPU 0. */
void msi_enable_cpu(unsigned n);
