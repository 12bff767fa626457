/* SPDX-License-Identifier: MIT */
#include "devices/pl031.h"

#include <time.h>

#include "core/loop.h"
#include "tests/unit/test.h"

enum {
	DR = 0x00,
	MR = 0x04,
	LR = 0x08,
	CR = 0x0c,
	IMSC = 0x10,
	RIS = 0x14,
	MIS = 0x18,
	ICR = 0x1c,
};

static struct loop *loop;
static struct device *dev;
static unsigned edges;
static bool line;

static void set_irq(void *ctx, unsigned n, bool on)
{
	(void)ctx;
	EQ(n, 2);
	NE(line, on);
	line = on;
	edges++;
	loop_stop(loop);
}

static void start(void)
{
	struct irq irq = { .set = set_irq, .line = 2 };

	loop = loop_new();
	dev = pl031_new(loop, &irq);
}

static void finish(void)
{
	dev->ops->free(dev);
	loop_free(loop);
}

static void wr(uint64_t off, uint64_t val)
{
	dev->ops->write(dev, off, 4, val);
}

static uint32_t rd(uint64_t off)
{
	return dev->ops->read(dev, off, 4);
}

TEST(the_clock_shows_the_hosts_time_from_the_start)
{
	uint32_t before = time(NULL), now;

	start();
	EQ(rd(CR), 1);
	now = rd(DR);
	LT(now - before, 3);
	finish();
}

TEST(a_clock_that_was_set_goes_on_from_there)
{
	start();
	wr(LR, 1000);
	LT(rd(DR) - 1000, 3);
	EQ(rd(LR), 1000);
	dev->ops->reset(dev);
	LT(rd(DR) - 1000, 3);
	EQ(rd(LR), 0);
	finish();
}

TEST(the_clock_is_known_by_its_numbers)
{
	static const uint8_t id[8] = { 0x31, 0x10, 4, 0, 0x0d, 0xf0, 5, 0xb1 };
	unsigned i;

	start();
	for (i = 0; i < 8; i++)
		EQ(rd(0xfe0 + 4 * i), id[i]);
	finish();
}

TEST(an_alarm_of_now_goes_off_at_once)
{
	start();
	wr(LR, 5000);
	EQ(rd(RIS), 0);
	wr(MR, rd(DR));
	EQ(rd(RIS), 1);
	EQ(rd(MIS), 0);
	EQ(edges, 0);
	wr(IMSC, 1);
	OK(line);
	EQ(rd(MIS), 1);
	wr(ICR, 1);
	OK(!line);
	EQ(rd(RIS), 0);
	finish();
}

TEST(an_alarm_wakes_the_guest_when_its_second_comes)
{
	start();
	wr(IMSC, 1);
	wr(MR, rd(DR) + 1);
	EQ(edges, 0);
	EQ(loop_run(loop), 0);
	OK(line);
	EQ(rd(DR), rd(MR));
	wr(ICR, 1);
	OK(!line);
	EQ(edges, 2);
	finish();
}

TEST(an_alarm_that_passes_unheard_is_found_later)
{
	struct timespec ts = { .tv_sec = 1, .tv_nsec = 50000000 };

	start();
	wr(MR, rd(DR) + 1);
	nanosleep(&ts, NULL);
	EQ(rd(RIS), 1);
	EQ(edges, 0);
	finish();
}

TEST(an_alarm_before_now_is_a_whole_turn_away)
{
	start();
	wr(IMSC, 1);
	wr(MR, rd(DR) - 1);
	EQ(rd(RIS), 0);
	EQ(edges, 0);
	finish();
}

TEST(a_clock_set_near_its_end_wraps_to_its_alarm)
{
	start();
	wr(MR, 0);
	wr(LR, UINT32_MAX);
	wr(IMSC, 1);
	EQ(loop_run(loop), 0);
	OK(line);
	EQ(rd(DR), 0);
	finish();
}

TEST(reset_takes_the_alarm_back)
{
	start();
	wr(MR, rd(DR));
	wr(IMSC, 1);
	OK(line);
	dev->ops->reset(dev);
	OK(!line);
	EQ(rd(MR) | rd(IMSC) | rd(RIS), 0);
	finish();
}

TEST(accesses_to_the_clock_that_are_no_registers_do_nothing)
{
	start();
	dev->ops->write(dev, MR, 8, 5);
	dev->ops->write(dev, MR + 1, 1, 5);
	EQ(rd(MR), 0);
	wr(MR, 0x11223344);
	EQ(dev->ops->read(dev, MR, 2), 0x3344);
	EQ(dev->ops->read(dev, MR, 1), 0x44);
	EQ(dev->ops->read(dev, MR, 8), 0);
	EQ(dev->ops->read(dev, MR + 2, 2), 0);
	wr(0x20, 1);
	EQ(rd(0x20), 0);
	finish();
}
