/* SPDX-License-Identifier: MIT */
/* pvpanic's register. What an event means is up to the board. */
#include "devices/pvpanic.h"

#include <stdlib.h>

#define EVENTS (PVPANIC_PANICKED | PVPANIC_CRASH_LOADED)

struct pvpanic {
	struct device dev;
	void (*event)(void *ctx, unsigned bits);
	void *ctx;
};

static uint64_t pvpanic_read(struct device *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)size;
	return off == 0 ? EVENTS : 0;
}

static void pvpanic_write(struct device *dev, uint64_t off, unsigned size,
			  uint64_t val)
{
	struct pvpanic *p = (struct pvpanic *)dev;

	(void)size;
	if (off == 0 && val & EVENTS)
		p->event(p->ctx, val & EVENTS);
}

static void pvpanic_free(struct device *dev)
{
	free(dev);
}

static const struct device_ops pvpanic_ops = {
	.name = "pvpanic",
	.read = pvpanic_read,
	.write = pvpanic_write,
	.free = pvpanic_free,
};

struct device *pvpanic_new(void (*event)(void *ctx, unsigned bits), void *ctx)
{
	struct pvpanic *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->dev.ops = &pvpanic_ops;
	p->event = event;
	p->ctx = ctx;
	return &p->dev;
}
