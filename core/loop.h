/* SPDX-License-Identifier: MIT */
/*
 * An event loop: one epoll set, one thread that runs it.
 *
 * Callbacks run on the thread in loop_run(), one at a time. Whatever belongs
 * to a loop is touched on that thread only; others ask by loop_post().
 *
 * A callback is a turn, and turns are bounded: it does no more than a fixed
 * amount of work, whatever a guest or a peer has piled up, and has itself called
 * again for what is left. Descriptors that are ready, and tasks, take turns in
 * the order in which they asked.
 */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

struct loop;

/* Embedded by whoever owns the descriptor; its owner sets @fd and @fn. */
struct io {
	int fd;
	void (*fn)(struct io *, uint32_t events); /* EPOLLIN ... */
	struct loop *loop;			  /* set while registered */
};

/* Something to do, embedded by its owner, who sets @fn and nothing else. */
struct task {
	void (*fn)(struct task *);
	struct loop *loop; /* where it is posted; else NULL; atomic */
	struct task *next;
};

/* NULL with errno set. */
struct loop *loop_new(void);
/* Nobody is in loop_run(), and what is registered or posted is forgotten. */
void loop_free(struct loop *);

/* Where core/timer.c keeps the loop's timers; NULL there: none was opened yet. */
struct timers;
struct timers **loop_timers(struct loop *);

/* Until loop_stop(). 0, or -errno if the epoll set itself failed. */
int loop_run(struct loop *);
/* Any thread, also a signal handler's; loop_run() returns once, soon. */
void loop_stop(struct loop *);

/*
 * Any thread, if @io stays until the loop is freed; else the loop's own. 0, or
 * -errno (-EPERM: a regular file cannot be waited for).
 */
int loop_add(struct loop *, struct io *, uint32_t events);
/*
 * Change what a registered io waits for; @events may be 0. Loop's own thread.
 */
int loop_mod(struct io *, uint32_t events);
/* Loop's own thread only, or no thread runs it; no callback afterwards. */
void loop_del(struct io *);

/*
 * loop_post() - have @t->fn called, once, on the loop's thread; any thread
 *
 * A task that is posted already is not posted again: what it tells must
 * be found by looking, not by counting. It takes no memory and cannot fail.
 */
void loop_post(struct loop *, struct task *t);

/* Loop's own thread only, or no thread runs it; no call afterwards. */
void loop_unpost(struct task *t);

/*
 * A loop with a thread of its own, for back ends that may block (disks).
 * NULL with errno set. Stopping waits for the callback in progress.
 */
struct iothread;
struct iothread *iothread_new(const char *name);
struct loop *iothread_loop(struct iothread *);
void iothread_free(struct iothread *);
