/* SPDX-License-Identifier: MIT */
/*
 * The MMIO bus: which device answers at which guest physical address.
 *
 * Filled before the first vCPU runs, read-only afterwards, so that look-ups
 * take no lock.
 */
#pragma once

#include "core/device.h"
#include "core/gmem.h"
#include "core/quiet.h"

#define BUS_DEVICES 64

struct bus {
	unsigned n;
	struct bus_range {
		gpa_t base;
		uint64_t size;
		struct device *dev;
	} range[BUS_DEVICES]; /* sorted by base */
};

/*
 * bus_add() - let @dev answer for [@base, @base + @size)
 *
 * 0; -EINVAL if that is empty, wraps or overlaps; -ENOSPC. On success the bus
 * owns the device.
 */
int bus_add(struct bus *, struct device *dev, gpa_t base, uint64_t size);

/*
 * bus_access() - one guest access of @size bytes (1, 2, 4, 8), any thread
 *
 * Counted in the device. What no device claims, wholly, reads as 0 and ignores
 * writes; false then.
 */
bool bus_access(const struct bus *, gpa_t gpa, unsigned size, bool write,
		uint64_t *val);

/*
 * bus_quiesce(), bus_resume(), bus_reset() - each device in its turn, as
 * core/device.h has it; main thread, while no vCPU runs
 */
void bus_quiesce(struct bus *, struct quiet *);
void bus_resume(struct bus *);
void bus_reset(struct bus *);
/* In reverse order of address; leaves the bus empty. */
void bus_free(struct bus *);
