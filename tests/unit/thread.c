/* SPDX-License-Identifier: MIT */
/* Threads: their stacks, and what they block. */
#include "core/thread.h"

#include "tests/unit/test.h"

static void *look(void *arg)
{
	pthread_attr_t attr;

	EQ(pthread_getattr_np(pthread_self(), &attr), 0);
	EQ(pthread_attr_getstacksize(&attr, arg), 0);
	pthread_attr_destroy(&attr);
	return NULL;
}

TEST(a_stack_is_as_large_as_it_is_whatever_the_main_threads_may_be)
{
	pthread_attr_t huge;
	pthread_t t;
	size_t size;

	/* What glibc makes of a large ulimit -s. */
	EQ(pthread_attr_init(&huge), 0);
	EQ(pthread_attr_setstacksize(&huge, (size_t)64 << 20), 0);
	EQ(pthread_setattr_default_np(&huge), 0);
	EQ(thread_start(&t, look, &size), 0);
	EQ(pthread_join(t, NULL), 0);
	EQ(size, 1 << 20);
}

TEST(a_thread_blocks_all_signals_but_a_crashs)
{
	sigset_t set;

	thread_signals(&set);
	EQ(sigismember(&set, SIGTERM), 1);
	EQ(sigismember(&set, SIGUSR1), 1);
	EQ(sigismember(&set, SIGALRM), 1);
	EQ(sigismember(&set, SIGSEGV), 0);
	EQ(sigismember(&set, SIGBUS), 0);
	EQ(sigismember(&set, SIGABRT), 0);
	EQ(sigismember(&set, SIGILL), 0);
}
