/* SPDX-License-Identifier: MIT */
#include "core/stats.h"

#include <errno.h>

#include "tests/unit/fake_kvm.h"
#include "tests/unit/stats_rig.h"
#include "tests/unit/test.h"

static struct stats_file file;

/* A vCPU that has left 1000 times, and a histogram of three buckets. */
static void a_file(void)
{
	fake_kvm_reset();
	file = stats_file();
	stats_file_add(&file, "hvc_exit_stat", 0, 0, 1);
	stats_file_add(&file, "wait_hist", KVM_STATS_TYPE_LOG_HIST, 1, 3);
	stats_file_add(&file, "exits", 0, 4, 1);
	file.data[0] = 7;
	file.data[1] = 1;
	file.data[2] = 2;
	file.data[3] = 3;
	file.data[4] = 1000;
	fake_kvm_stats(&file, sizeof(file));
}

static int opens(void)
{
	struct stats *s = NULL;
	int r = stats_open(0, &s);

	stats_close(s);
	return r;
}

TEST(statistics_are_found_by_name_wherever_they_stand)
{
	const struct stat_desc *d;
	struct stats *s;
	uint64_t v[3];

	a_file();
	EQ(stats_open(0, &s), 0);
	d = stats_find(s, "exits");
	OK(d && !d->histogram);
	EQ(stats_read(s, d, v, 1), 0);
	EQ(v[0], 1000);
	d = stats_find(s, "wait_hist");
	OK(d && d->histogram);
	EQ(d->values, 3);
	EQ(stats_read(s, d, v, 3), 0);
	EQ(v[2], 3);
	STR_EQ(stats_at(s, 0)->name, "hvc_exit_stat");
	OK(stats_at(s, 2) && !stats_at(s, 3));
	stats_close(s);
}

TEST(what_a_kernel_does_not_count_is_not_found)
{
	struct stats *s;

	a_file();
	EQ(stats_open(0, &s), 0);
	OK(!stats_find(s, "exit"));
	OK(!stats_find(s, "exits2"));
	OK(!stats_find(s, ""));
	stats_close(s);
}

TEST(a_kernel_without_statistics_says_so)
{
	fake_kvm_reset();
	EQ(opens(), -ENOTTY);
}

TEST(a_kernel_that_counts_nothing_is_fine)
{
	struct stats *s;

	a_file();
	file.h.num_desc = 0;
	EQ(stats_open(0, &s), 0);
	OK(!stats_at(s, 0) && !stats_find(s, "exits"));
	stats_close(s);
}

TEST(a_file_that_makes_no_sense_is_refused)
{
	a_file();
	fake_kvm_stats(&file, 0);
	EQ(opens(), -EPROTO);
	fake_kvm_stats(&file, sizeof(file.h) - 1);
	EQ(opens(), -EPROTO);
	/* Descriptors past the end, however far. */
	fake_kvm_stats(&file, sizeof(file));
	file.h.desc_offset = sizeof(file) - 100;
	EQ(opens(), -EPROTO);
	file.h.desc_offset = UINT32_MAX;
	EQ(opens(), -EPROTO);
	a_file();
	file.h.num_desc = UINT32_MAX;
	EQ(opens(), -EPROTO);
	a_file();
	file.h.name_size = 0;
	EQ(opens(), -EPROTO);
	file.h.name_size = UINT32_MAX;
	EQ(opens(), -EPROTO);
	file.h.name_size = 47;
	EQ(opens(), -EPROTO);
	/* A name without an end; a statistic without a value. */
	a_file();
	memset(file.desc[1].name, 'x', STATS_NAME);
	EQ(opens(), -EPROTO);
	a_file();
	file.desc[2].d.size = 0;
	EQ(opens(), -EPROTO);
}

TEST(values_past_the_end_of_the_file_are_an_error)
{
	struct stats *s;
	uint64_t v = 5;

	a_file();
	file.desc[2].d.offset = UINT32_MAX;
	EQ(stats_open(0, &s), 0);
	EQ(stats_read(s, stats_find(s, "exits"), &v, 1), -EPROTO);
	EQ(v, 5);
	stats_close(s);
}
