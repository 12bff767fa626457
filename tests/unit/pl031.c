/* SPDX-License-Identifier: MIT */
#include "devices/pl031.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

/* The host's seconds as the device sees them; 0: as they are. */
static time_t fake_seconds;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (clock != CLOCK_REALTIME || !fake_seconds)
		return syscall(SYS_clock_gettime, clock, ts);
	*ts = (struct timespec){ .tv_sec = fake_seconds };
	return 0;
}

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

	fake_seconds = time(NULL);
	loop = loop_new();
	dev = pl031_new(loop, &irq);
}

static void finish(void)
{
	dev->ops->free(dev);
	loop_free(loop);
}

/* The alarm is in a second, by the clock that the kernel's timer has. */
static void run_to_alarm(void)
{
	time_t due = fake_seconds + 1;
	struct timespec ts;

	fake_seconds = 0;
	EQ(loop_run(loop), 0);
	clock_gettime(CLOCK_REALTIME, &ts);
	OK(ts.tv_sec >= due);
	fake_seconds = due;
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
	start();
	EQ(rd(CR), 1);
	EQ(rd(DR), (uint32_t)fake_seconds);
	fake_seconds++;
	EQ(rd(DR), (uint32_t)fake_seconds);
	finish();
}

TEST(a_clock_that_was_set_goes_on_from_there)
{
	start();
	wr(LR, 1000);
	EQ(rd(DR), 1000);
	EQ(rd(LR), 1000);
	fake_seconds += 5;
	EQ(rd(DR), 1005);
	dev->ops->reset(dev);
	EQ(rd(DR), 1005);
	EQ(rd(LR), 0);
	finish();
}

TEST(the_clock_is_known_by_its_numbers)
{
	static const uint8_t id[8] = {
		0x31, 0x10, 0x14, 0, 0x0d, 0xf0, 5, 0xb1
	};
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
	run_to_alarm();
	OK(line);
	EQ(rd(DR), rd(MR));
	wr(ICR, 1);
	OK(!line);
	EQ(edges, 2);
	finish();
}

TEST(an_alarm_that_passes_unheard_is_found_later)
{
	start();
	wr(MR, rd(DR) + 1);
	EQ(rd(RIS), 0);
	fake_seconds++;
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
	run_to_alarm();
	OK(line);
	EQ(rd(DR), 0);
	finish();
}

TEST(an_alarm_that_passes_while_the_guest_is_paused_is_told_afterwards)
{
	start();
	wr(IMSC, 1);
	wr(MR, rd(DR) + 1);
	dev->ops->quiesce(dev, NULL);
	fake_seconds++;
	EQ(rd(RIS), 1);
	EQ(edges, 0);
	dev->ops->resume(dev);
	OK(line);
	/* What is quiet may be reset, which takes its interrupt back. */
	dev->ops->quiesce(dev, NULL);
	dev->ops->reset(dev);
	OK(!line);
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
