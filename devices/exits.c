/* SPDX-License-Identifier: MIT */
/* The exit counter's register. The board provides the number. */
#include "devices/exits.h"

#include <stdlib.h>

struct exits {
	struct device dev;
	uint64_t (*count)(void *ctx);
	void *ctx;
};

static uint64_t exits_read(struct device *dev, uint64_t off, unsigned size)
{
	struct exits *x = (struct exits *)dev;

	if (off == 0 && size == 8)
		return x->count(x->ctx);
	if (off == 0 && size == 4)
		return (uint32_t)x->count(x->ctx);
	if (off == 4 && size == 4)
		return x->count(x->ctx) >> 32;
	return 0;
}

static void exits_write(struct device *dev, uint64_t off, unsigned size,
			uint64_t val)
{
	(void)dev;
	(void)off;
	(void)size;
	(void)val;
}

static void exits_free(struct device *dev)
{
	free(dev);
}

static const struct device_ops exits_ops = {
	.name = "exits",
	.read = exits_read,
	.write = exits_write,
	.free = exits_free,
};

struct device *exits_new(uint64_t (*count)(void *ctx), void *ctx)
{
	struct exits *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->dev.ops = &exits_ops;
	x->count = count;
	x->ctx = ctx;
	return &x->dev;
}
