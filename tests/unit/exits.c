/* SPDX-License-Identifier: MIT */
#include "devices/exits.h"

#include <errno.h>

#include "arm64/map.h"
#include "machine/board_impl.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/stats_rig.h"
#include "tests/unit/test.h"

static uint64_t exits;

static uint64_t count(void *ctx)
{
	OK(ctx == &exits);
	return ++exits;
}

static struct device *dev;

static uint64_t rd(uint64_t off, unsigned size)
{
	return dev->ops->read(dev, off, size);
}

TEST(the_exit_counter_is_read_whole_or_by_halves)
{
	dev = exits_new(count, &exits);
	exits = 0x7ffffffffull;
	EQ(rd(0, 8), 0x800000000ull);
	EQ(rd(0, 4), 1);
	EQ(rd(4, 4), 8);
	dev->ops->free(dev);
}

TEST(no_other_access_to_the_exit_counter_means_anything)
{
	dev = exits_new(count, &exits);
	EQ(rd(0, 1), 0);
	EQ(rd(0, 2), 0);
	EQ(rd(4, 2), 0);
	EQ(rd(4, 8), 0);
	EQ(rd(8, 8), 0);
	EQ(rd(0xff8, 8), 0);
	dev->ops->write(dev, 0, 8, 0);
	EQ(exits, 0);
	dev->ops->free(dev);
}

/* Two vCPUs of a KVM that counts @f, or nothing if NULL. */
static int make(const struct stats_file *f, struct board **b, struct err *e)
{
	struct config c = board_rig_config();

	c.cpus = 2;
	c.exit_counter = true;
	fake_kvm_reset();
	fake_kvm_stats(f, sizeof(*f));
	return board_rig_make(&c, b, e);
}

TEST(an_exit_counter_needs_a_kvm_that_counts)
{
	struct stats_file f = stats_file();
	struct board *b;
	struct err e;

	EQ(make(NULL, &b, &e), -ENOTTY);
	HAS(e.text, "--exit-counter: this host's KVM does not tell");
	board_rig_unmake(b);
	EQ(make(&f, &b, &e), -ENOTTY);
	HAS(e.text, "--exit-counter: this host's KVM does not tell");
	board_rig_unmake(b);
	f.h.name_size = 1;
	EQ(make(&f, &b, &e), -EPROTO);
	HAS(e.text, "--exit-counter: KVM's statistics: ");
	board_rig_unmake(b);
}

TEST(the_exit_counter_is_the_sum_of_all_vcpus)
{
	struct stats_file f = stats_file();
	struct board *b;
	uint64_t val;
	struct err e;

	stats_file_add(&f, "exits", 0, 1, 1);
	f.data[1] = 21;
	EQ(make(&f, &b, &e), 0);
	OK(bus_access(&b->vm.bus, MAP_EXITS_BASE, 8, false, &val));
	EQ(val, 42);
	board_rig_unmake(b);
}

TEST(nobody_gets_an_exit_counter_who_has_not_asked)
{
	struct config c = board_rig_config();
	struct board *b;
	uint64_t val;
	struct err e;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	OK(!bus_access(&b->vm.bus, MAP_EXITS_BASE, 8, false, &val));
	EQ(fake_kvm_count(KVM_GET_STATS_FD), 0);
	board_rig_unmake(b);
}
