/* SPDX-License-Identifier: MIT */
#include "core/bus.h"

#include <errno.h>

#include "tests/unit/test.h"

struct probe {
	struct device dev;
	uint64_t off, val;
	unsigned size, reads, writes;
};

static char calls[16];

static void called(char c)
{
	size_t n = strlen(calls);

	calls[n] = c;
}

static uint64_t probe_read(struct device *dev, uint64_t off, unsigned size)
{
	struct probe *p = (struct probe *)dev;

	p->off = off;
	p->size = size;
	p->reads++;
	return 0x1234;
}

static void probe_write(struct device *dev, uint64_t off, unsigned size,
			uint64_t val)
{
	struct probe *p = (struct probe *)dev;

	p->off = off;
	p->size = size;
	p->val = val;
	p->writes++;
}

static void probe_reset(struct device *dev)
{
	called('r' + (((struct probe *)dev)->val & 1));
}

static void probe_quiesce(struct device *dev, struct quiet *q)
{
	(void)dev;
	(void)q;
	called('p');
}

static void probe_resume(struct device *dev)
{
	(void)dev;
	called('g');
}

static void probe_free(struct device *dev)
{
	called('a' + ((struct probe *)dev)->val);
}

static const struct device_ops ops = {
	.name = "probe",
	.read = probe_read,
	.write = probe_write,
	.reset = probe_reset,
	.quiesce = probe_quiesce,
	.resume = probe_resume,
	.free = probe_free,
};

static const struct device_ops plain = {
	.name = "plain",
	.read = probe_read,
	.write = probe_write,
};

#define PROBE(...)                           \
	{                                    \
		.dev.ops = &ops, __VA_ARGS__ \
	}

static struct bus bus;

TEST(an_access_gets_to_its_device_with_offset_and_size)
{
	struct probe a = PROBE(), b = PROBE();
	uint64_t val = 77;

	EQ(bus_add(&bus, &a.dev, 0x2000, 0x100), 0);
	EQ(bus_add(&bus, &b.dev, 0x1000, 0x100), 0);
	OK(bus_access(&bus, 0x2010, 4, true, &val));
	EQ(a.off, 0x10);
	EQ(a.size, 4);
	EQ(a.val, 77);
	EQ(b.writes, 0);
	OK(bus_access(&bus, 0x1000, 1, false, &val));
	EQ(val, 0x1234);
	EQ(b.reads, 1);
	EQ(b.off, 0);
}

TEST(what_nobody_claims_reads_as_zero_and_ignores_writes)
{
	struct probe a = PROBE();
	uint64_t val = 77;

	OK(!bus_access(&bus, 0, 4, false, &val));
	EQ(val, 0);
	EQ(bus_add(&bus, &a.dev, 0x1000, 0x100), 0);
	val = 77;
	OK(!bus_access(&bus, 0xfff, 1, false, &val));
	EQ(val, 0);
	val = 77;
	OK(!bus_access(&bus, 0x1100, 1, true, &val));
	EQ(val, 77);
	EQ(a.writes, 0);
}

TEST(an_access_over_the_end_of_a_device_gets_nowhere)
{
	struct probe a = PROBE(), b = PROBE();
	uint64_t val = 77;

	EQ(bus_add(&bus, &a.dev, 0x1000, 0x102), 0);
	EQ(bus_add(&bus, &b.dev, 0x1102, 0x100), 0);
	OK(bus_access(&bus, 0x1101, 1, false, &val));
	val = 77;
	OK(!bus_access(&bus, 0x1101, 2, false, &val));
	EQ(val, 0);
	OK(!bus_access(&bus, 0x10fc, 8, true, &val));
	OK(!bus_access(&bus, 0xffc, 8, true, &val));
	EQ(a.writes + b.writes + b.reads, 0);
}

TEST(p2_an_access_that_wraps_gets_nowhere)
{
	struct probe a = PROBE(), b = PROBE();
	uint64_t val = 77;

	EQ(bus_add(&bus, &a.dev, 0, 0x100), 0);
	EQ(bus_add(&bus, &b.dev, UINT64_MAX - 0x100, 0x100), 0);
	OK(!bus_access(&bus, UINT64_MAX, 8, true, &val));
	OK(!bus_access(&bus, UINT64_MAX - 3, 8, false, &val));
	EQ(val, 0);
	EQ(a.writes + b.reads, 0);
}

TEST(ranges_that_are_empty_wrap_or_overlap_are_refused)
{
	struct probe a = PROBE();

	EQ(bus_add(&bus, &a.dev, 0x1000, 0x100), 0);
	EQ(bus_add(&bus, &a.dev, 0x3000, 0), -EINVAL);
	EQ(bus_add(&bus, &a.dev, UINT64_MAX, 2), -EINVAL);
	EQ(bus_add(&bus, &a.dev, 0x1000, 0x100), -EINVAL);
	EQ(bus_add(&bus, &a.dev, 0x10ff, 1), -EINVAL);
	EQ(bus_add(&bus, &a.dev, 0xfff, 2), -EINVAL);
	EQ(bus_add(&bus, &a.dev, 0, 0x10000), -EINVAL);
	EQ(bus.n, 1);
	EQ(bus_add(&bus, &a.dev, 0x1100, 1), 0);
	EQ(bus_add(&bus, &a.dev, 0xfff, 1), 0);
}

TEST(a_full_bus_refuses_one_more)
{
	struct probe a = PROBE();
	unsigned i;

	for (i = 0; i < BUS_DEVICES; i++)
		EQ(bus_add(&bus, &a.dev, i * 16, 16), 0);
	EQ(bus_add(&bus, &a.dev, i * 16, 16), -ENOSPC);
}

TEST(every_device_of_a_full_bus_is_found)
{
	static struct probe p[BUS_DEVICES];
	uint64_t val;
	unsigned i, k;

	for (i = 0; i < BUS_DEVICES; i++) {
		k = i * 37 % BUS_DEVICES; /* in no order */
		p[k].dev.ops = &ops;
		EQ(bus_add(&bus, &p[k].dev, k * 32, 16), 0);
	}
	for (i = 0; i < BUS_DEVICES; i++) {
		OK(bus_access(&bus, i * 32, 1, false, &val));
		OK(bus_access(&bus, i * 32 + 15, 1, false, &val));
		OK(!bus_access(&bus, i * 32 + 16, 1, false, &val));
		EQ(p[i].reads, 2);
	}
}

TEST(accesses_are_counted_in_the_device_that_they_get_to)
{
	struct probe a = PROBE(), b = PROBE();
	uint64_t val = 0;

	EQ(bus_add(&bus, &a.dev, 0x1000, 16), 0);
	EQ(bus_add(&bus, &b.dev, 0x2000, 16), 0);
	OK(bus_access(&bus, 0x1000, 4, true, &val));
	OK(bus_access(&bus, 0x1008, 8, false, &val));
	OK(bus_access(&bus, 0x200f, 1, false, &val));
	/* Nobody's: not the device's into which it reaches. */
	OK(!bus_access(&bus, 0x200f, 2, false, &val));
	EQ(a.dev.accesses, 2);
	EQ(b.dev.accesses, 1);
}

TEST(reset_goes_upwards_and_free_downwards)
{
	struct probe a = PROBE(.val = 0), b = PROBE(.val = 1);
	struct probe c = { .dev.ops = &plain };

	EQ(bus_add(&bus, &b.dev, 0x2000, 16), 0);
	EQ(bus_add(&bus, &a.dev, 0x1000, 16), 0);
	EQ(bus_add(&bus, &c.dev, 0x3000, 16), 0);
	bus_reset(&bus);
	STR_EQ(calls, "rs");
	bus_free(&bus);
	STR_EQ(calls, "rsba");
	EQ(bus.n, 0);
}

TEST(a_pause_and_its_end_get_to_each_device_that_minds)
{
	struct probe a = PROBE(), b = PROBE();
	struct probe c = { .dev.ops = &plain };

	EQ(bus_add(&bus, &a.dev, 0x1000, 16), 0);
	EQ(bus_add(&bus, &c.dev, 0x2000, 16), 0);
	EQ(bus_add(&bus, &b.dev, 0x3000, 16), 0);
	bus_quiesce(&bus, NULL);
	STR_EQ(calls, "pp");
	bus_resume(&bus);
	STR_EQ(calls, "ppgg");
}
