/* SPDX-License-Identifier: MIT */
/*
 * A one-shot timer on a loop: a timerfd, embedded by its owner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/loop.h"

#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC  1000000000ull

struct timer {
	struct io io;
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
	return t->io.loop;
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
