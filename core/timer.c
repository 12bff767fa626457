/* SPDX-License-Identifier: MIT */
/* One-shot timers: a timerfd each, on a loop. */
#include "core/timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void fired(struct io *io, uint32_t events)
{
	struct timer *t = (struct timer *)io;
	uint64_t n;

	(void)events;
	/* Stopped or set anew since epoll saw it: not now. */
	if (read(io->fd, &n, sizeof(n)) == sizeof(n))
		t->fn(t);
}

int timer_open(struct timer *t, struct loop *l, int clock,
	       void (*fn)(struct timer *))
{
	int r;

	t->fn = fn;
	t->io.fn = fired;
	t->io.fd = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->io.fd < 0)
		return -errno;
	r = loop_add(l, &t->io, EPOLLIN);
	if (r < 0)
		close(t->io.fd);
	return r;
}

static void set(struct timer *t, int flags, uint64_t ns)
{
	struct itimerspec it = {
		.it_value = { .tv_sec = ns / NSEC_PER_SEC,
			      .tv_nsec = ns % NSEC_PER_SEC },
	};

	timerfd_settime(t->io.fd, flags, &it, NULL);
}

/* A time of zero would stop the timer. */
void timer_after(struct timer *t, uint64_t ns)
{
	set(t, 0, ns ? ns : 1);
}

void timer_at(struct timer *t, uint64_t ns)
{
	set(t, TFD_TIMER_ABSTIME, ns ? ns : 1);
}

void timer_stop(struct timer *t)
{
	set(t, 0, 0);
}

void timer_close(struct timer *t)
{
	if (!timer_is_open(t))
		return;
	loop_del(&t->io);
	close(t->io.fd);
}
