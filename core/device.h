/* SPDX-License-Identifier: MIT */
/*
 * What every device model is to the bus: registers to read and write.
 *
 * A model embeds a struct device as its first member. It knows no VM, no
 * address and no other device; it gets what it needs from its constructor. It
 * guards its own state: read() and write() come from any vCPU's thread.
 *
 * A guest's mistake is the device's business, never the VMM's: a bad read
 * gives 0, a bad write is ignored.
 */
#pragma once

#include <stdint.h>

struct device;

struct device_ops {
	const char *name;
	/* @size is 1, 2, 4 or 8 bytes; @off + @size is within the device. */
	uint64_t (*read)(struct device *, uint64_t off, unsigned size);
	void (*write)(struct device *, uint64_t off, unsigned size,
		      uint64_t val);
	/* Back to power-on state; I/O in flight is drained first. */
	void (*reset)(struct device *);
	/*
	 * The guest stands still, and goes on: only for what must not go on
	 * meanwhile. Either may come several times in a row; the loop's thread.
	 */
	void (*pause)(struct device *);
	void (*resume)(struct device *);
	/* No vCPU runs any more, nor any loop that the device is on. */
	void (*free)(struct device *);
};

struct device {
	const struct device_ops *ops;
};
