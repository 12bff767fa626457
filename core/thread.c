/* SPDX-License-Identifier: MIT */
/* Starting threads, and telling the two reasons apart why one cannot be. */
#include "core/thread.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#define STACK ((size_t)1 << 20)

/* A stack would not fit: pthread_create() calls that -EAGAIN, too. */
static bool has_no_room(void)
{
	void *p = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (p == MAP_FAILED)
		return true;
	munmap(p, STACK);
	return false;
}

int thread_start(pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, STACK);
	err = pthread_create(thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return err == EAGAIN && has_no_room() ? -ENOMEM : -err;
}

void thread_signals(sigset_t *set)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL,
				   SIGFPE,  SIGSYS, SIGTRAP };
	unsigned i;

	sigfillset(set);
	for (i = 0; i < sizeof(own) / sizeof(*own); i++)
		sigdelset(set, own[i]);
}
