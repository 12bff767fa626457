/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * One eventfd wakes the loop for loop_call() and loop_stop(). A callback may
 * deregister, and free, any io of its loop, also one whose event was already
 * fetched: epoll events are therefore fetched one at a time, which costs one
 * more system call only when several descriptors are ready at once.
 */
#include "core/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct call {
	struct call *next;
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	int epfd;
	struct io wake;
	bool stop; /* atomic */
	pthread_mutex_t lock;
	struct call *head, **tail; /* under lock */
};

static void run_calls(struct io *io, uint32_t events)
{
	struct loop *l = io->loop;
	struct call *c;
	uint64_t n;

	(void)events;
	if (read(io->fd, &n, sizeof(n)) < 0) {
		/* Woken for nothing. */
	}
	for (;;) {
		pthread_mutex_lock(&l->lock);
		c = l->head;
		if (c && !(l->head = c->next))
			l->tail = &l->head;
		pthread_mutex_unlock(&l->lock);
		if (!c)
			return;
		c->fn(c->arg);
		free(c);
	}
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
	l->wake.fn = run_calls;
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
	struct call *c;

	if (!l)
		return;
	while ((c = l->head)) {
		l->head = c->next;
		free(c);
	}
	if (l->wake.fd >= 0)
		close(l->wake.fd);
	if (l->epfd >= 0)
		close(l->epfd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void wake(struct loop *l)
{
	uint64_t one = 1;

	if (write(l->wake.fd, &one, sizeof(one)) < 0) {
		/* The counter is full: the loop has plenty to wake for. */
	}
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

int loop_call(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct call *c = malloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct call){ .fn = fn, .arg = arg };
	pthread_mutex_lock(&l->lock);
	*l->tail = c;
	l->tail = &c->next;
	pthread_mutex_unlock(&l->lock);
	wake(l);
	return 0;
}

struct iothread {
	pthread_t thread;
	struct loop *loop;
};

static void *iothread_main(void *arg)
{
	struct iothread *t = arg;

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
	t->loop = loop_new();
	if (!t->loop) {
		err = errno;
		goto fail;
	}
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&t->thread, NULL, iothread_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		goto fail;
	pthread_setname_np(t->thread, name);
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
