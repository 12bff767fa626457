/* SPDX-License-Identifier: MIT */
/* Threads, with a stack of the size that nestor's need. */
#pragma once

#include <pthread.h>

/*
 * thread_start() - as pthread_create(), but that its stack is no matter of the
 * limit on the main thread's (ulimit -s)
 *
 * 0 or -errno: -ENOMEM if there is no room for the stack, -EAGAIN if there may
 * be no more threads.
 */
int thread_start(pthread_t *, void *(*fn)(void *arg), void *arg);
