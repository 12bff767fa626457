/* SPDX-License-Identifier: MIT */
/*
 * One-shot timers on a loop, embedded by their owners; and the clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/loop.h"

#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC  1000000000ull

/* CLOCK_MONOTONIC, in ns and in ms. Any thread. */
static inline uint64_t mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static inline int64_t mono_ms(void)
{
	return mono_ns() / NSEC_PER_MSEC;
}

struct timers; /* all of a loop's */

struct timer {
	struct timers *of;
	uint64_t at;	     /* ns; under their lock, as what follows */
	struct timer **link; /* what points to it; NULL: it is not set */
	struct timer *next;
	struct io io;		    /* one on CLOCK_REALTIME: a timerfd */
	void (*fn)(struct timer *); /* on the loop's thread */
};

/*
 * timer_open() - create a timer on @clock (CLOCK_MONOTONIC, CLOCK_REALTIME)
 *
 * On the loop's thread, or while nobody runs the loop. 0 or -errno.
 */
int timer_open(struct timer *, struct loop *, int clock,
	       void (*fn)(struct timer *));

/* Has timer_open() succeeded, and timer_close() not been called since? */
static inline bool timer_is_open(const struct timer *t)
{
	return t->of || t->io.loop;
}

/*
 * timer_after(), timer_at() - fire once, @ns from now or at @ns on the clock
 *
 * Any thread; replaces an earlier setting. A time that has passed fires at
 * once. One set on CLOCK_REALTIME follows when the host's clock is set.
 */
void timer_after(struct timer *, uint64_t ns);
void timer_at(struct timer *, uint64_t ns);
/* Any thread; a callback that has already begun is not waited for. */
void timer_stop(struct timer *);

/* As loop_del(); nothing if it is not open. */
void timer_close(struct timer *);

/* For loop_free(); NULL is allowed. */
void timers_free(struct timers *);
