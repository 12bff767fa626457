/* SPDX-License-Identifier: MIT */
/* Timers that share a timerfd: in order, one a turn, set anew, from any thread. */
#include "core/timer.h"

#include <pthread.h>

#include "tests/unit/fds.h"
#include "tests/unit/test.h"

#define N 8u

static struct loop *l;
static struct timer t[N];
static unsigned order[4 * N], fires;

static void note(struct timer *which)
{
	order[fires++ % (4 * N)] = which - t;
}

static void last(struct timer *which)
{
	note(which);
	loop_stop(l);
}

static void open_all(void)
{
	unsigned i;

	fires = 0;
	l = loop_new();
	for (i = 0; i < N; i++)
		EQ(timer_open(&t[i], l, CLOCK_MONOTONIC,
			      i == N - 1 ? last : note),
		   0);
}

static void close_all(void)
{
	unsigned i;

	for (i = 0; i < N; i++)
		timer_close(&t[i]);
	loop_free(l);
}

TEST(timers_fire_in_the_order_of_their_times_whatever_that_of_their_setting)
{
	static const unsigned set[N - 1] = { 3, 0, 6, 1, 5, 2, 4 };
	uint64_t start = mono_ns();
	unsigned i;

	open_all();
	for (i = 0; i < N - 1; i++)
		timer_at(&t[set[i]], start + set[i] * NSEC_PER_MSEC);
	timer_at(&t[N - 1], start + N * NSEC_PER_MSEC);
	EQ(loop_run(l), 0);
	OK(mono_ns() >= start + N * NSEC_PER_MSEC);
	EQ(fires, N);
	for (i = 0; i < N; i++)
		EQ(order[i], i);
	close_all();
}

TEST(a_loop_has_one_descriptor_for_all_timers)
{
	unsigned before;

	open_all();
	before = open_fds();
	close_all();
	open_all();
	EQ(open_fds(), before);
	timer_close(&t[0]);
	timer_close(&t[1]);
	EQ(open_fds(), before);
	close_all();
}

/* Two that are due: what the loop has to do otherwise comes between them. */
static void between(struct task *task)
{
	(void)task;
	order[fires++] = 100;
}

TEST(of_several_that_are_due_one_fires_in_a_turn)
{
	struct task task = { .fn = between };
	unsigned i;

	open_all();
	for (i = 0; i < N; i++)
		timer_after(&t[i], 0);
	loop_post(l, &task);
	EQ(loop_run(l), 0);
	EQ(fires, N + 1);
	OK(order[0] == 100 || order[1] == 100);
	close_all();
}

TEST(one_that_is_set_anew_stopped_or_closed_does_not_fire_at_its_old_time)
{
	open_all();
	timer_after(&t[0], 0);
	timer_after(&t[1], 0);
	timer_after(&t[2], 0);
	timer_stop(&t[0]);
	timer_after(&t[1], 3600 * NSEC_PER_SEC);
	timer_close(&t[2]);
	OK(!timer_is_open(&t[2]));
	OK(timer_is_open(&t[0]));
	/* Stopped and closed twice: nothing. */
	timer_stop(&t[0]);
	timer_close(&t[2]);
	timer_after(&t[N - 1], NSEC_PER_MSEC);
	EQ(loop_run(l), 0);
	EQ(fires, 1);
	EQ(order[0], N - 1);
	/* And earlier than it was. */
	timer_after(&t[1], 0);
	timer_after(&t[N - 1], NSEC_PER_MSEC);
	EQ(loop_run(l), 0);
	EQ(fires, 3);
	EQ(order[1], 1);
	close_all();
}

static void again(struct timer *which)
{
	note(which);
	if (fires < 4)
		timer_after(which, 0);
	else
		loop_stop(l);
}

TEST(a_callback_sets_its_timer_anew_or_closes_others)
{
	open_all();
	t[0].fn = again;
	timer_after(&t[0], 0);
	EQ(loop_run(l), 0);
	EQ(fires, 4);
	close_all();
}

static void *set_and_stop(void *arg)
{
	unsigned i;

	(void)arg;
	for (i = 0; i < 2000; i++) {
		timer_after(&t[i % (N - 1)], i % 3 * 1000);
		timer_stop(&t[(i + 3) % (N - 1)]);
	}
	timer_after(&t[N - 1], 0);
	return NULL;
}

static void count(struct timer *which)
{
	(void)which;
	fires++;
}

TEST(any_thread_sets_and_stops_timers)
{
	pthread_t thread;
	unsigned i;

	open_all();
	for (i = 0; i < N - 1; i++)
		t[i].fn = count;
	EQ(pthread_create(&thread, NULL, set_and_stop, NULL), 0);
	EQ(loop_run(l), 0);
	pthread_join(thread, NULL);
	/* None is set that was stopped last. */
	for (i = 0; i < N - 1; i++)
		timer_stop(&t[i]);
	fires = 0;
	timer_after(&t[N - 1], NSEC_PER_MSEC);
	EQ(loop_run(l), 0);
	EQ(fires, 1);
	close_all();
}
