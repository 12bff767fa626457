/* SPDX-License-Identifier: MIT */
/*
 * The MSI frame of a GICv2m: two registers to read, and one that turns a write
 * into a pulse of an SPI.
 */
#include "arm64/gicv2m.h"

#include <pthread.h>
#include <stdlib.h>

#include "arm64/map.h"
#include "core/device.h"
#include "machine/msi.h"

#define TYPER	 0x008u
#define SETSPI	 0x040u
#define IIDR	 0xfccu
#define IIDR_VAL 0x53544ea0u /* no implementer's: what QEMU says too */

struct gicv2m {
	struct device dev;
	struct msi_router *router;
	pthread_mutex_t lock; /* one pulse at a time */
};

bool gicv2m_takes(uint64_t addr, uint32_t data, unsigned *spi)
{
	*spi = data - 32;
	return addr == MAP_V2M_BASE + SETSPI && *spi >= SPI_V2M &&
	       *spi - SPI_V2M < SPI_V2M_COUNT;
}

static uint64_t read_reg(struct device *dev, uint64_t off, unsigned size)
{
	(void)dev;
	if (size != 4)
		return 0;
	if (off == TYPER)
		return (SPI_V2M + 32) << 16 | SPI_V2M_COUNT;
	return off == IIDR ? IIDR_VAL : 0;
}

/* A CPU may send messages as well. */
static void write_reg(struct device *dev, uint64_t off, unsigned size,
		      uint64_t val)
{
	struct gicv2m *g = (struct gicv2m *)dev;
	unsigned spi;

	if (size != 4 || !gicv2m_takes(MAP_V2M_BASE + off, val & 0x3ff, &spi))
		return;
	pthread_mutex_lock(&g->lock);
	msi_pulse(g->router, spi);
	pthread_mutex_unlock(&g->lock);
}

static void free_it(struct device *dev)
{
	pthread_mutex_destroy(&((struct gicv2m *)dev)->lock);
	free(dev);
}

static const struct device_ops ops = {
	.name = "GICv2m",
	.read = read_reg,
	.write = write_reg,
	.free = free_it,
};

struct device *gicv2m_new(struct msi_router *r)
{
	struct gicv2m *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->dev.ops = &ops;
	g->router = r;
	pthread_mutex_init(&g->lock, NULL);
	return &g->dev;
}
