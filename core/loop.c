/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * One eventfd wakes the loop for loop_post() and loop_stop(). A callback may
 * deregister, and free, any io of its loop, also one whose event was already
 * fetched: epoll events are therefore fetched one at a time, which costs one
 * more system call only when several descriptors are ready at once.
 *
 * That is also what makes turns fair. The kernel keeps the descriptors that are
 * ready in a queue, and puts one that is fetched, and still ready, at its end.
 * The eventfd is one of them: of the tasks, one is done when its turn comes, and
 * the eventfd stays readable while there are more.
 */
#include "core/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/thread.h"
#include "core/timer.h"

struct loop {
	int epfd;
	struct io wake;
	bool stop; /* atomic */
	pthread_mutex_t lock;
	struct task *head, **tail; /* under lock */
	struct timers *timers;
};

static void wake(struct loop *l)
{
	uint64_t one = 1;

	if (write(l->wake.fd, &one, sizeof(one)) < 0) {
		/* The counter is full: the loop has plenty to wake for. */
	}
}

/* The task whose turn it is; its owner may post it again, or free it. */
static struct task *next_task(struct loop *l)
{
	struct task *t;
	uint64_t n;

	pthread_mutex_lock(&l->lock);
	t = l->head;
	if (t && !(l->head = t->next))
		l->tail = &l->head;
	if (t)
		__atomic_store_n(&t->loop, NULL, __ATOMIC_RELEASE);
	/* Under the lock: who posts next writes after this. */
	if (!l->head && read(l->wake.fd, &n, sizeof(n)) < 0) {
		/* Woken for nothing. */
	}
	pthread_mutex_unlock(&l->lock);
	return t;
}

static void run_task(struct io *io, uint32_t events)
{
	struct task *t = next_task(io->loop);

	(void)events;
	if (t)
		t->fn(t);
}

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return NULL;
	l->tail = &l->head;
	pthread_mutex_init(&l->lock, NULL);
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->wake.fn = run_task;
	if (l->epfd >= 0 && l->wake.fd >= 0 &&
	    loop_add(l, &l->wake, EPOLLIN) == 0)
		return l;
	err = errno;
	loop_free(l);
	errno = err;
	return NULL;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	timers_free(l->timers);
	if (l->wake.fd >= 0)
		close(l->wake.fd);
	if (l->epfd >= 0)
		close(l->epfd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct timers **loop_timers(struct loop *l)
{
	return &l->timers;
}

int loop_run(struct loop *l)
{
	while (!__atomic_exchange_n(&l->stop, false, __ATOMIC_ACQUIRE)) {
		struct epoll_event ev;
		struct io *io;
		int n = epoll_wait(l->epfd, &ev, 1, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			io = ev.data.ptr;
			io->fn(io, ev.events);
		}
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	__atomic_store_n(&l->stop, true, __ATOMIC_RELEASE);
	wake(l);
}

static int control(struct loop *l, int op, struct io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	return epoll_ctl(l->epfd, op, io->fd, &ev) < 0 ? -errno : 0;
}

int loop_add(struct loop *l, struct io *io, uint32_t events)
{
	int r = control(l, EPOLL_CTL_ADD, io, events);

	if (r == 0)
		io->loop = l;
	return r;
}

int loop_mod(struct io *io, uint32_t events)
{
	return control(io->loop, EPOLL_CTL_MOD, io, events);
}

void loop_del(struct io *io)
{
	if (!io->loop)
		return;
	control(io->loop, EPOLL_CTL_DEL, io, 0);
	io->loop = NULL;
}

void loop_post(struct loop *l, struct task *t)
{
	bool first = false;

	pthread_mutex_lock(&l->lock);
	if (!t->loop) {
		__atomic_store_n(&t->loop, l, __ATOMIC_RELEASE);
		t->next = NULL;
		first = !l->head;
		*l->tail = t;
		l->tail = &t->next;
	}
	if (first)
		wake(l);
	pthread_mutex_unlock(&l->lock);
}

void loop_unpost(struct task *t)
{
	struct loop *l = __atomic_load_n(&t->loop, __ATOMIC_ACQUIRE);
	struct task **p;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	for (p = &l->head; *p && *p != t; p = &(*p)->next)
		;
	if (*p && !(*p = t->next))
		l->tail = p;
	__atomic_store_n(&t->loop, NULL, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&l->lock);
}

struct iothread {
	pthread_t thread;
	struct loop *loop;
	char name[16];
};

static void *iothread_main(void *arg)
{
	struct iothread *t = arg;

	prctl(PR_SET_NAME, t->name);
	loop_run(t->loop);
	return NULL;
}

struct iothread *iothread_new(const char *name)
{
	struct iothread *t = calloc(1, sizeof(*t));
	sigset_t all, old;
	int err;

	if (!t)
		return NULL;
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->loop = loop_new();
	if (!t->loop) {
		err = errno;
		goto fail;
	}
	thread_signals(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -thread_start(&t->thread, iothread_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		goto fail;
	return t;
fail:
	loop_free(t->loop);
	free(t);
	errno = err;
	return NULL;
}

struct loop *iothread_loop(struct iothread *t)
{
	return t->loop;
}

void iothread_free(struct iothread *t)
{
	if (!t)
		return;
	loop_stop(t->loop);
	pthread_join(t->thread, NULL);
	loop_free(t->loop);
	free(t);
}
