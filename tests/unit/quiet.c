/* SPDX-License-Identifier: MIT */
#include "core/quiet.h"

#include "tests/unit/test.h"

static unsigned told;
static struct loop *loop;

static void tell(struct task *t)
{
	(void)t;
	told++;
	loop_stop(loop);
}

static struct task all = { .fn = tell };

TEST(if_all_are_quiet_at_once_who_asked_is_told)
{
	struct quiet q;

	loop = loop_new();
	quiet_begin(&q, loop, &all);
	quiet_asked(&q);
	EQ(loop_run(loop), 0);
	EQ(told, 1);
	loop_free(loop);
}

TEST(who_asked_is_told_when_the_last_is_quiet_and_not_before)
{
	struct quiet q;

	loop = loop_new();
	quiet_begin(&q, loop, &all);
	quiet_wait(&q);
	quiet_wait(&q);
	quiet_done(&q); /* before all have been asked */
	OK(!all.loop);
	quiet_asked(&q);
	OK(!all.loop);
	quiet_done(&q);
	EQ(loop_run(loop), 0);
	EQ(told, 1);
	loop_free(loop);
}
