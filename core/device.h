/* SPDX-License-Identifier: MIT */
/*
 * What every device model is to the bus: registers to read and write, and one
 * life cycle.
 *
 * A model embeds a struct device as its first member. It knows no VM, no
 * address and no other device; it gets what it needs from its constructor. It
 * guards its own state: read() and write() come from any vCPU's thread.
 *
 * A guest's mistake is the device's business, never the VMM's: a bad read
 * gives 0, a bad write is ignored.
 *
 * The life cycle, all of it on the main thread:
 *
 *	new -> works -> quiesce() ... quiet -> resume() -> works -> ...
 *	                                 |
 *	                                 +-> reset(), save(), load(), free()
 *
 * A device works from its constructor on. quiesce() asks it to fall quiet, and
 * it says when it is (core/quiet.h). From then on, until resume(), it touches
 * neither guest memory nor what is behind its back end, takes no input from
 * it, sends no interrupt, and its own clocks stand still. What it was told
 * meanwhile (an eventfd, a packet at its tap) waits where it is, and is looked
 * at again on resume().
 *
 * No vCPU runs while a device is quiet, or they are about to stop; so that
 * register accesses do not come then, but one may still be under way while
 * quiesce() is called.
 */
#pragma once

#include <stdint.h>

struct device;
struct err;
struct json_t;
struct quiet;

/* With the terminating zero. */
#define DEVICE_NAME_MAX 32

struct device_ops {
	const char *name; /* of the kind */
	/* @size is 1, 2, 4 or 8 bytes; @off + @size is within the device. */
	uint64_t (*read)(struct device *, uint64_t off, unsigned size);
	void (*write)(struct device *, uint64_t off, unsigned size,
		      uint64_t val);
	/*
	 * Fall quiet. NULL: it does nothing but in a register access. It may be
	 * quiet already; it is not asked again before it has answered.
	 */
	void (*quiesce)(struct device *, struct quiet *);
	/* Go on; NULL where quiesce is. It may work already. */
	void (*resume)(struct device *);
	/* Back to power-on state. It is quiet, and stays so. */
	void (*reset)(struct device *);
	/*
	 * Put all of its state that a new one would not have into the object
	 * @to, which is empty, or take it from @from, which was saved by this
	 * version or an older one and may be damaged. What guest memory, KVM
	 * and files behind the back end hold is not its state.
	 *
	 * It is quiet, and stays so; save() changes nothing, so that the VM may
	 * go on. load() finds it as its constructor or reset() left it, and a
	 * level-triggered line is then as it was; interrupts that are due
	 * otherwise, and what the driver made available, wait for resume().
	 *
	 * 0 or -errno; load() has a sentence in @e then, and the device is to
	 * be reset. NULL: such a device cannot be saved yet; or it has nothing
	 * to keep, if it has no reset either.
	 */
	int (*save)(const struct device *, struct json_t *to);
	int (*load)(struct device *, const struct json_t *from, struct err *e);
	/* Nobody runs any more, neither vCPUs nor any loop that it is on. */
	void (*free)(struct device *);
};

struct device {
	const struct device_ops *ops;
	/*
	 * This one's, as log, statistics and events have it: its kind, or that
	 * and a number where there may be several (disk0, net1). Whoever puts it
	 * onto the bus writes it.
	 */
	char name[DEVICE_NAME_MAX];
	uint64_t accesses; /* by the bus, so far; atomic */
};
