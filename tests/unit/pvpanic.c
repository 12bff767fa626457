/* SPDX-License-Identifier: MIT */
#include "devices/pvpanic.h"

#include "tests/unit/test.h"

static unsigned said, times;

static void on_event(void *ctx, unsigned bits)
{
	OK(ctx == &said);
	said = bits;
	times++;
}

static struct device *dev;

static void wr(uint64_t off, unsigned size, uint64_t val)
{
	dev->ops->write(dev, off, size, val);
}

TEST(pvpanic_says_which_events_it_knows)
{
	dev = pvpanic_new(on_event, &said);
	EQ(dev->ops->read(dev, 0, 1), 3);
	EQ(dev->ops->read(dev, 1, 1), 0);
	dev->ops->free(dev);
}

TEST(pvpanic_passes_on_the_events_it_knows_and_no_others)
{
	dev = pvpanic_new(on_event, &said);
	wr(0, 1, PVPANIC_PANICKED);
	EQ(said, PVPANIC_PANICKED);
	wr(0, 1, 0xff);
	EQ(said, 3);
	EQ(times, 2);
	wr(0, 1, 0);
	wr(0, 2, 0xff00);
	wr(1, 1, 1);
	wr(0, 1, 0xfc);
	EQ(times, 2);
	dev->ops->free(dev);
}
