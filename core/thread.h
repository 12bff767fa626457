/* SPDX-License-Identifier: MIT */
/* Threads, with a stack of the size that nestor's need. */
#pragma once

#include <pthread.h>
#include <signal.h>

/*
 * thread_start() - as pthread_create(), but that its stack is no matter of the
 * limit on the main thread's (ulimit -s)
 *
 * 0 or -errno: -ENOMEM if there is no room for the stack, -EAGAIN if there may
 * be no more threads.
 */
int thread_start(pthread_t *, void *(*fn)(void *arg), void *arg);

/*
 * thread_signals() - those that a thread has to block: they are the main one's
 *
 * All but a crash's, of which each thread has its own.
 */
void thread_signals(sigset_t *);
