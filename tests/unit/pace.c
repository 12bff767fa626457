/* SPDX-License-Identifier: MIT */
/* Eight at once, and then ever more slowly. */
#include "core/pace.h"

#include "core/timer.h"
#include "tests/unit/test.h"

TEST(a_burst_is_free_and_what_follows_waits_longer_and_longer)
{
	static const unsigned gaps[] = { 1, 2, 4, 8, 16, 32, 64, 64, 64 };
	struct pace p = { 0 };
	uint64_t now = 5 * NSEC_PER_SEC;
	unsigned i;

	for (i = 0; i < 8; i++) {
		EQ(pace_wait(&p, now), 0);
		pace_step(&p, now);
	}
	for (i = 0; i < sizeof(gaps) / sizeof(*gaps); i++) {
		EQ(pace_wait(&p, now), gaps[i] * NSEC_PER_SEC);
		now += gaps[i] * NSEC_PER_SEC - 1;
		EQ(pace_wait(&p, now), 1);
		now++;
		EQ(pace_wait(&p, now), 0);
		pace_step(&p, now);
	}
}

TEST(ten_quiet_minutes_are_a_new_beginning_and_less_is_not)
{
	struct pace p = { 0 };
	uint64_t now = 0;
	unsigned i;

	for (i = 0; i < 9; i++)
		pace_step(&p, now);
	now += 599 * NSEC_PER_SEC;
	EQ(pace_wait(&p, now), 0);
	pace_step(&p, now);
	EQ(pace_wait(&p, now), 4 * NSEC_PER_SEC);
	now += 600 * NSEC_PER_SEC;
	for (i = 0; i < 8; i++) {
		EQ(pace_wait(&p, now), 0);
		pace_step(&p, now);
	}
	EQ(pace_wait(&p, now), NSEC_PER_SEC);
}
