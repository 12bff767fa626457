/* SPDX-License-Identifier: MIT */
#include "devices/pl061.h"

#include <time.h>

#include "core/timer.h"
#include "tests/unit/test.h"

enum {
	DIR = 0x400,
	IS = 0x404,
	IBE = 0x408,
	IEV = 0x40c,
	IE = 0x410,
	RIS = 0x414,
	MIS = 0x418,
	IC = 0x41c,
	AFSEL = 0x420,
	DATA = 0x3fc,
};

static struct loop *loop;
static struct device *dev;
static unsigned edges;
static bool line;

static void set_irq(void *ctx, unsigned n, bool on)
{
	OK(!ctx);
	EQ(n, 7);
	NE(line, on); /* only changes cost an ioctl */
	line = on;
	edges++;
	if (loop && edges % 2 == 0)
		loop_stop(loop);
}

static void start(void)
{
	struct irq irq = { .set = set_irq, .line = 7 };

	dev = pl061_new(NULL, &irq);
}

static void finish(void)
{
	dev->ops->free(dev);
}

static void wr(uint64_t off, uint64_t val)
{
	dev->ops->write(dev, off, 4, val);
}

static uint64_t rd(uint64_t off)
{
	return dev->ops->read(dev, off, 4);
}

TEST(gpio_is_known_by_its_numbers)
{
	static const uint8_t id[8] = { 0x61, 0x10, 4, 0, 0x0d, 0xf0, 5, 0xb1 };
	unsigned i;

	start();
	for (i = 0; i < 8; i++)
		EQ(rd(0xfe0 + 4 * i), id[i]);
	EQ(rd(0xfdc), 0);
	finish();
}

TEST(gpio_data_is_masked_by_the_address)
{
	start();
	wr(DIR, 0x0f);
	wr(DATA, 0xff);
	EQ(rd(DATA), 0x0f);
	wr(0x3 << 2, 0); /* lines 0 and 1 only */
	EQ(rd(DATA), 0x0c);
	EQ(rd(0x4 << 2), 0x04);
	EQ(rd(0), 0);
	pl061_set_input(dev, 7, true);
	EQ(rd(DATA), 0x8c);
	pl061_set_input(dev, 3, false); /* is an output */
	EQ(rd(DATA), 0x8c);
	finish();
}

TEST(gpio_edges_are_latched_as_chosen)
{
	start();
	wr(IEV, 0x01);
	wr(IBE, 0x04);
	wr(IE, 0xff);
	pl061_set_input(dev, 0, true);
	OK(line);
	EQ(rd(RIS), 1);
	EQ(rd(MIS), 1);
	wr(IC, 1);
	OK(!line);
	pl061_set_input(dev, 0, false);
	EQ(rd(RIS), 0);
	pl061_set_input(dev, 1, true);
	EQ(rd(RIS), 0);
	pl061_set_input(dev, 1, false);
	EQ(rd(RIS), 2);
	wr(IC, 2);
	pl061_set_input(dev, 2, true);
	EQ(rd(RIS), 4);
	wr(IC, 4);
	pl061_set_input(dev, 2, false);
	EQ(rd(RIS), 4);
	finish();
}

TEST(gpio_edges_are_latched_also_while_masked)
{
	start();
	wr(IEV, 8);
	pl061_set_input(dev, 3, true);
	EQ(edges, 0);
	EQ(rd(RIS), 8);
	EQ(rd(MIS), 0);
	wr(IE, 8);
	OK(line);
	wr(IE, 0);
	OK(!line);
	EQ(edges, 2);
	finish();
}

TEST(gpio_levels_follow_the_line)
{
	start();
	wr(IS, 0xff);
	wr(IEV, 0xff);
	wr(IE, 0x10);
	pl061_set_input(dev, 4, true);
	OK(line);
	wr(IC, 0xff);
	OK(line);
	pl061_set_input(dev, 4, false);
	OK(!line);
	wr(IEV, 0); /* now low is what raises */
	OK(line);
	finish();
}

TEST(gpio_accesses_that_are_no_registers_do_nothing)
{
	start();
	dev->ops->write(dev, DIR + 1, 1, 0xff);
	dev->ops->write(dev, DIR, 8, 0xff);
	EQ(rd(DIR), 0);
	dev->ops->write(dev, DIR, 1, 0x1ff);
	EQ(rd(DIR), 0xff);
	EQ(dev->ops->read(dev, DIR, 8), 0);
	EQ(dev->ops->read(dev, DIR + 2, 2), 0);
	wr(0x500, 0xff);
	EQ(rd(0x500), 0);
	wr(AFSEL, 0x5a);
	EQ(rd(AFSEL), 0x5a);
	finish();
}

TEST(gpio_reset_lowers_the_interrupt_and_keeps_the_inputs)
{
	start();
	wr(IEV, 8);
	wr(IE, 8);
	pl061_set_input(dev, 3, true);
	OK(line);
	dev->ops->reset(dev);
	OK(!line);
	EQ(rd(RIS), 0);
	EQ(rd(IE), 0);
	EQ(rd(DATA), 8);
	finish();
}

TEST(a_pressed_button_is_released_a_tenth_of_a_second_later)
{
	struct irq irq = { .set = set_irq, .line = 7 };

	loop = loop_new();
	dev = pl061_new(loop, &irq);
	wr(IS, 8); /* the interrupt follows the line */
	wr(IEV, 8);
	wr(IE, 8);
	pl061_press(dev, 3);
	OK(line);
	EQ(rd(8 << 2), 8);
	EQ(loop_run(loop), 0); /* until set_irq() has seen the release */
	OK(!line);
	EQ(rd(8 << 2), 0);
	pl061_press(dev, 3);
	EQ(loop_run(loop), 0);
	EQ(edges, 4);
	finish();
	loop_free(loop);
}

static struct timer slow;

/* A guest that comes to the first edge long after a tenth of a second. */
static void guest_comes(struct timer *t)
{
	(void)t;
	EQ(rd(8 << 2), 8);
	OK(line);
	wr(IC, 8);
}

static void end_turn(struct timer *t)
{
	(void)t;
	loop_stop(loop);
}

TEST(a_button_stays_pressed_until_a_slow_guest_has_noticed)
{
	struct irq irq = { .set = set_irq, .line = 7 };

	loop = loop_new();
	dev = pl061_new(loop, &irq);
	wr(IBE, 8);
	wr(IE, 8);
	EQ(timer_open(&slow, loop, CLOCK_MONOTONIC, guest_comes), 0);
	timer_after(&slow, 400 * NSEC_PER_MSEC);
	pl061_press(dev, 3);
	OK(line);
	/* Until set_irq() has seen the line fall, by the acknowledgement. */
	EQ(loop_run(loop), 0);
	EQ(rd(8 << 2), 8);
	EQ(edges, 2);
	timer_close(&slow);
	finish();
	loop_free(loop);
}

TEST(a_button_pressed_while_the_guest_is_paused_is_pressed_for_its_time_then)
{
	struct irq irq = { .set = set_irq, .line = 7 };
	uint64_t from;

	loop = loop_new();
	dev = pl061_new(loop, &irq);
	wr(IS, 8); /* the interrupt follows the line */
	wr(IEV, 8);
	wr(IE, 8);
	dev->ops->quiesce(dev, NULL);
	pl061_press(dev, 3);
	EQ(edges, 0);
	/* A turn of the loop, which has the press by then. */
	EQ(timer_open(&slow, loop, CLOCK_MONOTONIC, end_turn), 0);
	timer_after(&slow, 200 * NSEC_PER_MSEC);
	EQ(loop_run(loop), 0);
	EQ(rd(8 << 2), 8);
	EQ(edges, 0);
	from = mono_ns();
	dev->ops->resume(dev);
	OK(line);
	EQ(loop_run(loop), 0);
	OK(!line);
	OK(mono_ns() - from >= 100 * NSEC_PER_MSEC);
	/* So does one that is under way. */
	pl061_press(dev, 3);
	dev->ops->quiesce(dev, NULL);
	timer_after(&slow, 200 * NSEC_PER_MSEC);
	EQ(loop_run(loop), 0);
	OK(line);
	dev->ops->resume(dev);
	EQ(loop_run(loop), 0);
	OK(!line);
	timer_close(&slow);
	finish();
	loop_free(loop);
}
