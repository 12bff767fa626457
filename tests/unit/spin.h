/* SPDX-License-Identifier: MIT */
/*
 * How a test waits: for the condition, never for a time that should do.
 *
 * The kernel's terminals, other threads and a busy machine take the time that
 * they take. A condition that has not come after PATIENCE fails the test, by
 * its name. Only what shows that nothing happens may spin() for a moment.
 *
 * The tests that include this have one loop, run by the test's own thread.
 */
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "core/timer.h"
#include "tests/unit/test.h"

static struct loop *loop;

static inline void stop_loop(struct timer *t)
{
	(void)t;
	loop_stop(loop);
}

static inline void spin_for(unsigned ms)
{
	struct timer t = { 0 };

	EQ(timer_open(&t, loop, CLOCK_MONOTONIC, stop_loop), 0);
	timer_after(&t, ms * NSEC_PER_MSEC);
	EQ(loop_run(loop), 0);
	timer_close(&t);
}

/* A moment in which something wrong could happen. */
static inline void spin(void)
{
	spin_for(20);
}

/* Run the loop until @cond holds. */
#define SPIN_UNTIL(cond) UNTIL_(cond, spin_for(1))

/* Run the loop until the buffer @buf has as much as @s, and be @s. */
#define SPIN_STR(buf, s)                                           \
	do {                                                       \
		patience_start();                                  \
		while (strlen(buf) < strlen(s) && patience_left()) \
			spin_for(1);                               \
		STR_EQ(buf, s);                                    \
	} while (0)

/*
 * The loop sleeps when its work is done, and does not wake for nothing: soon
 * there is a span in which it had to wait and was hardly called. One that a
 * ready descriptor keeps busy never waits, however little of the CPU it gets.
 */
static inline bool is_idle(void)
{
	unsigned i, wakes, sleeps;

	for (i = 0; i < 20; i++) {
		wakes = loop_wakes;
		sleeps = loop_sleeps;
		spin_for(50);
		/* One is the timer, one an earlier loop_stop(). */
		if (loop_sleeps != sleeps && loop_wakes - wakes < 10)
			return true;
	}
	return false;
}

/* Whether @fd becomes readable, or ends, within @ms. */
static inline bool is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static inline size_t read_now(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	while (len < size && (n = read(fd, buf + len, size - len)) > 0)
		len += n;
	return len;
}

#define DRAIN_MAX 300000

static inline char *drain_room(void)
{
	static char *room;

	if (!room)
		room = test_room(DRAIN_MAX);
	return room;
}

/* What there is to read from @fd now, as a string. */
static inline const char *drain(int fd)
{
	char *buf = drain_room();

	buf[read_now(fd, buf, DRAIN_MAX - 1)] = 0;
	return buf;
}

/* The same, but run the loop until it is @want bytes or the end. */
static inline const char *drain_len(int fd, size_t want)
{
	char *buf = drain_room();
	size_t len = 0, n;

	patience_start();
	do {
		if (!is_readable(fd, 0)) {
			spin_for(1);
			continue;
		}
		n = read_now(fd, buf + len, DRAIN_MAX - 1 - len);
		if (!n)
			break;
		len += n;
	} while (len < want && patience_left());
	buf[len] = 0;
	return buf;
}

/* @s, and no more, comes out of @fd. */
#define DRAIN_EQ(fd, s) STR_EQ(drain_len(fd, strlen(s)), s)
