/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The timers of a loop are a list, the next one first, and one timerfd that is
 * set for that: so one that is opened costs no system call, and one that is set
 * costs one only if it is the next. When the timerfd fires, one timer that is due
 * has its turn, and the timerfd is set for the one behind it, which may be due
 * too, but comes after others of the loop's.
 *
 * Setting a timerfd also takes back that it has fired. It happens under the lock,
 * so that it is always set for the first timer, or for an earlier time.
 *
 * A timer on CLOCK_REALTIME is a timerfd of its own, as it is to follow that clock.
 */
#include "core/timer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/util.h"

struct timers {
	struct io io;
	pthread_mutex_t lock;
	struct timer *first;
};

static void set_fd(int fd, uint64_t at)
{
	struct itimerspec it = {
		.it_value = { .tv_sec = at / NSEC_PER_SEC,
			      .tv_nsec = at % NSEC_PER_SEC },
	};

	timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL);
}

/* --- the list, under the lock --- */

static void unlink_timer(struct timer *t)
{
	if (!t->link)
		return;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	t->link = NULL;
}

static void link_timer(struct timer *t)
{
	struct timer **at = &t->of->first;

	while (*at && (*at)->at <= t->at)
		at = &(*at)->next;
	t->next = *at;
	t->link = at;
	if (t->next)
		t->next->link = &t->next;
	*at = t;
}

/* --- on the loop --- */

static void fired(struct io *io, uint32_t events)
{
	struct timers *s = container_of(io, struct timers, io);
	struct timer *t;

	(void)events;
	pthread_mutex_lock(&s->lock);
	t = s->first;
	if (t && t->at <= mono_ns())
		unlink_timer(t);
	else
		t = NULL;
	set_fd(io->fd, s->first ? s->first->at : 0);
	pthread_mutex_unlock(&s->lock);
	if (t)
		t->fn(t);
}

static void fired_realtime(struct io *io, uint32_t events)
{
	struct timer *t = container_of(io, struct timer, io);
	uint64_t n;

	(void)events;
	/* Stopped or set anew since epoll saw it: not now. */
	if (read(io->fd, &n, sizeof(n)) == sizeof(n))
		t->fn(t);
}

/* 0 or -errno. */
static int open_fd(struct io *io, struct loop *l, int clock)
{
	int r;

	io->fd = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
	if (io->fd < 0)
		return -errno;
	r = loop_add(l, io, EPOLLIN);
	if (r < 0)
		close(io->fd);
	return r;
}

static int timers_of(struct loop *l, struct timers **of)
{
	struct timers **at = loop_timers(l), *s;
	int r;

	*of = *at;
	if (*at)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->io.fn = fired;
	r = open_fd(&s->io, l, CLOCK_MONOTONIC);
	if (r < 0) {
		free(s);
		return r;
	}
	pthread_mutex_init(&s->lock, NULL);
	*of = *at = s;
	return 0;
}

void timers_free(struct timers *s)
{
	if (!s)
		return;
	close(s->io.fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- for their owners --- */

int timer_open(struct timer *t, struct loop *l, int clock,
	       void (*fn)(struct timer *))
{
	*t = (struct timer){ .fn = fn, .io.fn = fired_realtime };
	return clock == CLOCK_MONOTONIC ? timers_of(l, &t->of)
					: open_fd(&t->io, l, clock);
}

/* A time of zero would stop a timerfd. */
void timer_at(struct timer *t, uint64_t ns)
{
	struct timers *s = t->of;

	if (!s) {
		set_fd(t->io.fd, ns ? ns : 1);
		return;
	}
	pthread_mutex_lock(&s->lock);
	unlink_timer(t);
	t->at = ns ? ns : 1;
	link_timer(t);
	if (s->first == t)
		set_fd(s->io.fd, t->at);
	pthread_mutex_unlock(&s->lock);
}

void timer_after(struct timer *t, uint64_t ns)
{
	struct timespec now;

	clock_gettime(t->of ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now);
	timer_at(t, now.tv_sec * NSEC_PER_SEC + now.tv_nsec + ns);
}

void timer_stop(struct timer *t)
{
	if (!t->of) {
		set_fd(t->io.fd, 0);
		return;
	}
	pthread_mutex_lock(&t->of->lock);
	unlink_timer(t);
	pthread_mutex_unlock(&t->of->lock);
}

void timer_close(struct timer *t)
{
	if (t->of) {
		timer_stop(t);
		t->of = NULL;
	} else if (t->io.loop) {
		loop_del(&t->io);
		close(t->io.fd);
	}
}
