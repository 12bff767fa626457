/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/timer.h"
#include "tests/unit/loop_call.h"
#include "tests/unit/test.h"

struct event {
	struct io io;
	unsigned n;
	struct event *victim;
};

static void stop(void *l)
{
	loop_stop(l);
}

static void count(struct io *io, uint32_t events)
{
	struct event *e = (struct event *)io;
	eventfd_t v;

	EQ(events, EPOLLIN);
	EQ(eventfd_read(io->fd, &v), 0);
	e->n++;
}

static void count_and_stop(struct io *io, uint32_t events)
{
	count(io, events);
	loop_stop(io->loop);
}

static struct event *event_new(struct loop *l,
			       void (*fn)(struct io *, uint32_t))
{
	struct event *e = calloc(1, sizeof(*e));

	e->io.fd = eventfd(0, EFD_NONBLOCK);
	e->io.fn = fn;
	EQ(loop_add(l, &e->io, EPOLLIN), 0);
	return e;
}

static void event_free(struct event *e)
{
	loop_del(&e->io);
	close(e->io.fd);
	free(e);
}

TEST(an_event_calls_its_owner)
{
	struct loop *l = loop_new();
	struct event *e = event_new(l, count_and_stop);

	eventfd_write(e->io.fd, 1);
	EQ(loop_run(l), 0);
	EQ(e->n, 1);
	event_free(e);
	loop_free(l);
}

static struct event *survivor;

static void kill_victim(struct io *io, uint32_t events)
{
	struct event *e = (struct event *)io;

	count(io, events);
	if (e->victim) {
		e->victim->victim = NULL;
		event_free(e->victim);
		e->victim = NULL;
		survivor = e;
	}
	loop_call(io->loop, stop, io->loop);
}

TEST(an_io_freed_by_the_callback_of_another_is_not_called)
{
	struct loop *l = loop_new();
	struct event *a = event_new(l, kill_victim);
	struct event *b = event_new(l, kill_victim);

	/* Both are ready; whichever comes first frees the other. */
	a->victim = b;
	b->victim = a;
	eventfd_write(a->io.fd, 1);
	eventfd_write(b->io.fd, 1);
	EQ(loop_run(l), 0);
	loop_call(l, stop, l);
	EQ(loop_run(l), 0);
	EQ(survivor->n, 1);
	event_free(survivor);
	loop_free(l);
}

static void free_self(struct io *io, uint32_t events)
{
	struct loop *l = io->loop;

	(void)events;
	event_free((struct event *)io);
	loop_stop(l);
}

TEST(a_callback_may_free_its_own_io)
{
	struct loop *l = loop_new();
	struct event *e = event_new(l, free_self);

	eventfd_write(e->io.fd, 1);
	EQ(loop_run(l), 0);
	loop_free(l);
}

TEST(a_stop_before_the_run_ends_it_at_once_and_once)
{
	struct loop *l = loop_new();
	struct event *e = event_new(l, count_and_stop);

	loop_stop(l);
	EQ(loop_run(l), 0);
	EQ(e->n, 0);
	eventfd_write(e->io.fd, 1);
	EQ(loop_run(l), 0);
	EQ(e->n, 1);
	event_free(e);
	loop_free(l);
}

static pthread_t ran_on;
static unsigned order[4], ncalls;

static void note(void *arg)
{
	ran_on = pthread_self();
	order[ncalls++] = *(unsigned *)arg;
}

static void *call_twice(void *arg)
{
	static unsigned one = 1, two = 2;
	struct loop *l = arg;

	loop_call(l, note, &one);
	loop_call(l, note, &two);
	loop_call(l, stop, l);
	return NULL;
}

TEST(calls_from_another_thread_run_on_the_loops_in_order)
{
	struct loop *l = loop_new();
	pthread_t t;

	EQ(pthread_create(&t, NULL, call_twice, l), 0);
	EQ(loop_run(l), 0);
	pthread_join(t, NULL);
	OK(pthread_equal(ran_on, pthread_self()));
	EQ(ncalls, 2);
	EQ(order[0], 1);
	EQ(order[1], 2);
	loop_free(l);
}

static void call_again(void *arg)
{
	if (++ncalls < 3)
		loop_call(arg, call_again, arg);
	else
		loop_stop(arg);
}

TEST(a_call_may_call)
{
	struct loop *l = loop_new();

	loop_call(l, call_again, l);
	EQ(loop_run(l), 0);
	EQ(ncalls, 3);
	loop_free(l);
}

static void never(struct task *t)
{
	(void)t;
	FAIL("it ran");
}

TEST(tasks_that_never_ran_are_forgotten_with_the_loop)
{
	struct loop *l = loop_new();
	struct task a = { .fn = never }, b = { .fn = never };

	loop_post(l, &a);
	loop_post(l, &b);
	loop_free(l);
}

static struct loop *sleeper;

static void on_time(struct timer *t)
{
	(void)t;
	loop_stop(sleeper);
}

TEST(a_loop_with_nothing_to_do_sleeps)
{
	struct loop *l = sleeper = loop_new();
	struct timer t = { 0 };

	EQ(timer_open(&t, l, CLOCK_MONOTONIC, on_time), 0);
	timer_after(&t, 50 * NSEC_PER_MSEC);
	EQ(loop_run(l), 0);
	EQ(loop_wakes, 1);
	timer_close(&t);
	loop_free(l);
}

TEST(a_regular_file_cannot_be_waited_for)
{
	struct loop *l = loop_new();
	struct io io = { .fd = open("/proc/self/exe", O_RDONLY), .fn = count };

	EQ(loop_add(l, &io, EPOLLIN), -EPERM);
	OK(!io.loop);
	loop_del(&io);
	close(io.fd);
	loop_free(l);
}

TEST(an_io_that_waits_for_nothing_is_not_called)
{
	struct loop *l = loop_new();
	struct event *e = event_new(l, count),
		     *f = event_new(l, count_and_stop);

	EQ(loop_mod(&e->io, 0), 0);
	eventfd_write(e->io.fd, 1);
	eventfd_write(f->io.fd, 1);
	EQ(loop_run(l), 0);
	EQ(e->n, 0);
	EQ(loop_mod(&e->io, EPOLLIN), 0);
	e->io.fn = count_and_stop;
	EQ(loop_run(l), 0);
	EQ(e->n, 1);
	event_free(e);
	event_free(f);
	loop_free(l);
}

static void set_flag(void *arg)
{
	__atomic_store_n((bool *)arg, true, __ATOMIC_RELEASE);
}

TEST(an_iothread_runs_calls_and_stops)
{
	struct iothread *t = iothread_new("test");
	bool done = false;

	EQ(loop_call(iothread_loop(t), set_flag, &done), 0);
	AWAIT(__atomic_load_n(&done, __ATOMIC_ACQUIRE));
	iothread_free(t);
	iothread_free(NULL);
}

static struct loop *timed;
static unsigned fired;

static void on_timer(struct timer *t)
{
	(void)t;
	fired++;
	loop_stop(timed);
}

TEST(a_timer_fires_once_and_one_in_the_past_at_once)
{
	struct timer a = { 0 }, b = { 0 };

	timed = loop_new();
	OK(!timer_is_open(&a));
	timer_close(&a);
	EQ(timer_open(&a, timed, CLOCK_MONOTONIC, on_timer), 0);
	EQ(timer_open(&b, timed, CLOCK_REALTIME, on_timer), 0);
	timer_after(&a, 0);
	EQ(loop_run(timed), 0);
	EQ(fired, 1);
	timer_at(&b, 0);
	EQ(loop_run(timed), 0);
	EQ(fired, 2);
	timer_after(&a, NSEC_PER_SEC / 100);
	timer_stop(&a);
	timer_after(&b, NSEC_PER_SEC / 20);
	EQ(loop_run(timed), 0);
	EQ(fired, 3);
	timer_close(&a);
	timer_close(&b);
	loop_free(timed);
}

struct counted {
	struct task task;
	unsigned ran, stop_at;
	struct loop *loop;
};

static void count_task(struct task *t)
{
	struct counted *c = (struct counted *)t;

	if (++c->ran == c->stop_at)
		loop_stop(c->loop);
	if (c->ran < 100000)
		loop_post(c->loop, t);
}

static void count_once(struct task *t)
{
	struct counted *c = (struct counted *)t;

	if (++c->ran == c->stop_at)
		loop_stop(c->loop);
}

TEST(a_task_that_posts_itself_does_not_outlast_loop_stop)
{
	struct loop *l = loop_new();
	struct counted c = { { .fn = count_task }, 0, 10, l };

	loop_post(l, &c.task);
	EQ(loop_run(l), 0);
	EQ(c.ran, 10);
	loop_unpost(&c.task);
	loop_free(l);
}

TEST(a_task_that_posts_itself_keeps_no_descriptor_waiting)
{
	struct loop *l = loop_new();
	struct counted c = { { .fn = count_task }, 0, 0, l };
	struct event *e = event_new(l, count_and_stop);

	loop_post(l, &c.task);
	eventfd_write(e->io.fd, 1);
	EQ(loop_run(l), 0);
	EQ(e->n, 1);
	OK(c.ran <= 2);
	loop_unpost(&c.task);
	event_free(e);
	loop_free(l);
}

TEST(a_task_posted_twice_runs_once_and_one_taken_back_does_not)
{
	struct loop *l = loop_new();
	struct counted twice = { { .fn = count_once }, 0, 0, l };
	struct counted never = { { .fn = count_once }, 0, 0, l };
	struct counted last = { { .fn = count_once }, 0, 1, l };

	loop_post(l, &twice.task);
	loop_post(l, &never.task);
	loop_post(l, &twice.task);
	loop_post(l, &last.task);
	loop_unpost(&never.task);
	EQ(loop_run(l), 0);
	EQ(twice.ran, 1);
	EQ(never.ran, 0);
	loop_free(l);
}

TEST(the_last_task_can_be_taken_back_and_another_posted)
{
	struct loop *l = loop_new();
	struct counted never = { { .fn = count_once }, 0, 0, l };
	struct counted last = { { .fn = count_once }, 0, 1, l };

	loop_post(l, &never.task);
	loop_unpost(&never.task);
	loop_post(l, &last.task);
	EQ(loop_run(l), 0);
	EQ(never.ran, 0);
	loop_free(l);
}
