/* SPDX-License-Identifier: MIT */
/*
 * epoll_wait() as the loops of the tests see it: the C library's, with a count
 * of what it did. Whether a loop is idle can thus be told from what it does,
 * and need not be guessed from the time that it takes.
 */
#include "tests/unit/test.h"

#include <signal.h>
#include <sys/epoll.h>

_Thread_local unsigned loop_wakes, loop_sleeps;

int epoll_wait(int epfd, struct epoll_event *ev, int max, int timeout)
{
	int n = epoll_pwait(epfd, ev, max, 0, NULL);

	if (n == 0 && timeout != 0) {
		loop_sleeps++;
		n = epoll_pwait(epfd, ev, max, timeout, NULL);
	}
	loop_wakes++;
	return n;
}
