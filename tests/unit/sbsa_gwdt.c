/* SPDX-License-Identifier: MIT */
#include "devices/sbsa_gwdt.h"

#include <errno.h>

#include "arm64/map.h"
#include "machine/board_impl.h"
#include "core/arch.h"
#include "core/kvm.h"
#include "core/loop.h"
#include "tests/unit/loop_call.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/test.h"

enum {
	WCS = SBSA_GWDT_CONTROL,
	WOR = SBSA_GWDT_CONTROL + 0x8,
	WCV = SBSA_GWDT_CONTROL + 0x10,
	IIDR = 0xfcc,
	WRR = SBSA_GWDT_REFRESH,
};

#define EN     1
#define WS0    2
#define WS1    4
#define MILLIS 1000 /* counts */

static struct loop *loop;
static struct device *dev;
static uint64_t ticks;
static unsigned bites;
static bool line;

static uint64_t count(void *ctx)
{
	OK(ctx == &ticks);
	return ticks;
}

static void bite(void *ctx)
{
	OK(ctx == &ticks);
	bites++;
	loop_stop(loop);
}

static void set_irq(void *ctx, unsigned n, bool on)
{
	(void)ctx;
	EQ(n, 10);
	NE(line, on);
	line = on;
	if (on)
		loop_stop(loop);
}

static void start(void)
{
	struct irq irq = { .set = set_irq, .line = 10 };
	struct sbsa_gwdt_host host = {
		.counter = count, .hz = 1000000, .bite = bite, .ctx = &ticks
	};

	ticks = 1ull << 40;
	loop = loop_new();
	dev = sbsa_gwdt_new(loop, &irq, &host);
	OK(dev);
}

static void finish(void)
{
	dev->ops->free(dev);
	loop_free(loop);
}

static void wr(uint64_t off, uint32_t val)
{
	dev->ops->write(dev, off, 4, val);
}

static uint32_t rd(uint64_t off)
{
	return dev->ops->read(dev, off, 4);
}

static uint64_t rd64(uint64_t off)
{
	return rd(off) | (uint64_t)rd(off + 4) << 32;
}

static void wr64(uint64_t off, uint64_t val)
{
	wr(off, val);
	wr(off + 4, val >> 32);
}

/* Until the line changes, or the watchdog bites. */
static void run(void)
{
	EQ(loop_run(loop), 0);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* What the loop has to do now, and no more. */
static void run_what_is_due(void)
{
	EQ(loop_call(loop, stop, NULL), 0);
	run();
}

TEST(a_watchdog_that_is_not_enabled_does_nothing)
{
	start();
	EQ(rd(WCS), 0);
	wr(WOR, MILLIS);
	wr(WRR, 0);
	EQ(rd64(WCV), 0);
	ticks += 10 * MILLIS;
	run_what_is_due();
	EQ(rd(WCS), 0);
	finish();
}

TEST(a_watchdog_barks_then_bites_and_then_waits)
{
	start();
	wr(WOR, MILLIS);
	wr(WCS, EN);
	EQ(rd(WCS), EN);
	EQ(rd64(WCV), ticks + MILLIS);
	ticks += MILLIS + 1;
	run();
	OK(line);
	EQ(bites, 0);
	EQ(rd(WCS), EN | WS0);
	EQ(rd64(WCV), ticks + MILLIS);
	ticks += MILLIS + 1;
	run();
	EQ(bites, 1);
	OK(line);
	EQ(rd(WCS), EN | WS0 | WS1);
	ticks += 100 * MILLIS;
	run_what_is_due();
	EQ(bites, 1);
	finish();
}

TEST(a_watchdog_goes_by_the_counter_and_not_by_its_timer)
{
	start();
	wr(WOR, MILLIS);
	wr(WCS, EN);
	/* Equal is not late. The timer has fired by when another would. */
	ticks += MILLIS;
	usleep(5000);
	run_what_is_due();
	EQ(rd(WCS), EN);
	ticks += 1;
	run();
	EQ(rd(WCS), EN | WS0);
	finish();
}

/* Each of the three, in each of the two stages. */
TEST(refreshes_take_both_signals_back)
{
	static const struct {
		uint64_t reg;
		uint32_t val;
	} by[] = { { WRR, 0 }, { WCS, EN }, { WOR, MILLIS } };
	unsigned i, stages, n;

	for (i = 0; i < 3; i++) {
		for (stages = 1; stages <= 2; stages++) {
			start();
			wr(WOR, MILLIS);
			wr(WCS, EN);
			for (n = 0; n < stages; n++) {
				ticks += MILLIS + 1;
				run();
			}
			EQ(bites, stages - 1);
			wr(by[i].reg, by[i].val);
			OK(!line);
			EQ(rd(WCS), EN);
			EQ(rd64(WCV), ticks + MILLIS);
			ticks += MILLIS + 1;
			run();
			EQ(rd(WCS), EN | WS0);
			bites = 0;
			line = false;
			finish();
		}
	}
}

TEST(a_watchdog_that_is_refreshed_in_time_is_quiet)
{
	unsigned i;

	start();
	wr(WOR, MILLIS);
	wr(WCS, EN);
	for (i = 0; i < 100; i++) {
		ticks += MILLIS;
		run_what_is_due();
		wr(WRR, i);
	}
	EQ(rd(WCS), EN);
	OK(!line);
	finish();
}

TEST(a_watchdog_that_is_disabled_is_quiet)
{
	start();
	wr(WOR, MILLIS);
	wr(WCS, EN);
	ticks += MILLIS + 1;
	run();
	wr(WCS, 0);
	OK(!line);
	EQ(rd(WCS), 0);
	ticks += 10 * MILLIS;
	run_what_is_due();
	EQ(rd(WCS), 0);
	finish();
}

TEST(a_guest_that_is_paused_has_the_time_left_that_it_had)
{
	uint64_t compare;

	start();
	wr(WOR, MILLIS);
	wr(WCS, EN);
	ticks += MILLIS / 2;
	compare = rd64(WCV);
	dev->ops->quiesce(dev, NULL);
	dev->ops->quiesce(dev, NULL);
	usleep(5000);
	run_what_is_due();
	EQ(rd(WCS), EN);
	dev->ops->resume(dev);
	dev->ops->resume(dev);
	EQ(rd64(WCV), compare);
	ticks += MILLIS / 2;
	usleep(5000);
	run_what_is_due();
	EQ(rd(WCS), EN);
	ticks++;
	run();
	EQ(rd(WCS), EN | WS0);
	finish();
}

/* Between a bark and the bite. */
TEST(a_pause_takes_nothing_back)
{
	start();
	wr(WOR, MILLIS);
	wr(WCS, EN);
	ticks += MILLIS + 1;
	run();
	dev->ops->quiesce(dev, NULL);
	OK(line);
	dev->ops->resume(dev);
	ticks += MILLIS + 1;
	run();
	EQ(bites, 1);
	finish();
}

TEST(a_reset_leaves_only_what_it_was_for)
{
	start();
	wr(WOR, MILLIS);
	wr(WCS, EN);
	ticks += MILLIS + 1;
	run();
	dev->ops->reset(dev);
	OK(!line);
	EQ(rd(WCS), 0);
	EQ(rd64(WOR), 0);
	EQ(rd64(WCV), 0);
	wr(WOR, MILLIS);
	wr(WCS, EN);
	ticks += MILLIS + 1;
	run();
	ticks += MILLIS + 1;
	run();
	EQ(bites, 1);
	dev->ops->reset(dev);
	OK(!line);
	EQ(rd(WCS), WS1);
	wr(WRR, 0);
	EQ(rd(WCS), 0);
	finish();
}

TEST(a_reset_of_a_paused_guest_leaves_it_paused)
{
	start();
	dev->ops->quiesce(dev, NULL);
	dev->ops->reset(dev);
	wr(WCS, EN);
	ticks += MILLIS;
	run_what_is_due();
	EQ(rd(WCS), EN);
	dev->ops->resume(dev);
	ticks++;
	run();
	EQ(rd(WCS), EN | WS0);
	finish();
}

TEST(a_watchdog_is_known_by_its_number_in_both_frames)
{
	start();
	EQ(rd(SBSA_GWDT_CONTROL + IIDR), 0x1043b);
	EQ(rd(SBSA_GWDT_REFRESH + IIDR), 0x1043b);
	EQ(rd(WRR), 0);
	finish();
}

TEST(the_offset_has_48_bits_and_the_compare_value_64)
{
	start();
	wr64(WOR, UINT64_MAX);
	EQ(rd64(WOR), 0xffffffffffff);
	wr64(WCV, 0x123456789abcdef0);
	EQ(rd64(WCV), 0x123456789abcdef0);
	wr(WCS, EN | WS0 | WS1 | 0xfffffff8);
	EQ(rd(WCS), EN);
	EQ(rd64(WCV), ticks + 0xffffffffffff);
	finish();
}

/* However the guest sets it, it is two looks to a bite. */
TEST(no_time_at_all_is_two_looks)
{
	start();
	wr(WCS, EN);
	ticks++;
	run();
	EQ(rd(WCS), EN | WS0);
	ticks++;
	run();
	EQ(bites, 1);
	finish();
}

TEST(a_compare_value_far_away_or_long_gone_is_what_it_says)
{
	start();
	wr(WOR, 1 << 30);
	wr(WCS, EN);
	wr64(WCV, UINT64_MAX);
	run_what_is_due();
	EQ(rd(WCS), EN);
	wr64(WCV, 0);
	run();
	EQ(rd(WCS), EN | WS0);
	EQ(rd64(WCV), ticks + (1 << 30));
	finish();
}

TEST(accesses_to_the_watchdog_that_are_no_registers_do_nothing)
{
	static const unsigned sizes[] = { 1, 2, 8 };
	uint64_t off;
	unsigned i;

	start();
	for (i = 0; i < 3; i++) {
		dev->ops->write(dev, WCS, sizes[i], EN);
		EQ(dev->ops->read(dev, SBSA_GWDT_CONTROL + IIDR, sizes[i]), 0);
	}
	dev->ops->write(dev, WCS + 2, 4, EN);
	wr(WRR + 4, 1);
	EQ(rd(WCS), 0);
	/* Between the frames there is nothing. */
	for (off = SBSA_GWDT_FRAME; off < SBSA_GWDT_REFRESH; off += 4) {
		wr(off, UINT32_MAX);
		EQ(rd(off), 0);
	}
	EQ(rd(WCS), 0);
	finish();
}

/* --- on the board --- */

static enum vm_event_kind seen;

static void on_event(void *ctx, const struct vm_event *ev)
{
	(void)ctx;
	seen = ev->kind;
	loop_stop(board_rig_host.loop);
}

static uint64_t at(struct board *b, uint64_t off, bool write, uint64_t val)
{
	OK(bus_access(&b->vm.bus, MAP_WATCHDOG_BASE + off, 4, write, &val));
	return val;
}

static struct board *make(bool watchdog)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.watchdog = watchdog;
	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	b->vm.listener.event = on_event;
	return b;
}

TEST(the_bite_of_the_boards_watchdog_is_an_event)
{
	struct board *b = make(true);

	seen = VM_POWEROFF;
	at(b, WCS, true, EN);
	EQ(loop_run(board_rig_host.loop), 0);
	EQ(seen, VM_WATCHDOG);
	EQ(at(b, WCS, false, 0), EN | WS0 | WS1);
	board_rig_unmake(b);
}

/* A refresh loads the counter, if the offset is 0. */
static uint64_t refreshed(struct board *b)
{
	at(b, WRR, true, 0);
	return at(b, WCV, false, 0);
}

TEST(a_vm_that_is_paused_pauses_its_watchdog)
{
	struct board *b = make(true);
	uint64_t stood;

	arch_vm_stopped(&b->vm);
	at(b, WCS, true, EN);
	stood = at(b, WCV, false, 0);
	usleep(1000);
	EQ(refreshed(b), stood);
	arch_vm_going_on(&b->vm);
	AWAIT(refreshed(b) != stood);
	board_rig_unmake(b);
}

TEST(there_is_no_watchdog_unless_asked_for)
{
	struct board *b = make(false);
	uint64_t val;

	OK(!bus_access(&b->vm.bus, MAP_WATCHDOG_BASE, 4, false, &val));
	OK(!b->m.has_watchdog);
	board_rig_unmake(b);
}

TEST(a_watchdog_whose_counter_cannot_be_read_is_an_error)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.watchdog = true;
	fake_kvm_reset();
	fake_kvm_fail(KVM_GET_ONE_REG, 1, EIO);
	EQ(board_rig_make(&c, &b, &e), -EIO);
	STR_EQ(e.text, "");
	board_rig_unmake(b);
}
