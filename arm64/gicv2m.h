/* SPDX-License-Identifier: MIT */
/*
 * GICv2m: messages as SPIs, on a GICv2, which takes none itself (Arm DEN0029,
 * "GICv2m"). A device of nestor's own; its SPIs are those of arm64/map.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct device;
struct msi_router;

/* The device at MAP_V2M_BASE. NULL with errno set. */
struct device *gicv2m_new(struct msi_router *);

/* Does @data, written to @addr, send a message? Then as SPI *@spi. */
bool gicv2m_takes(uint64_t addr, uint32_t data, unsigned *spi);
