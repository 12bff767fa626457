/* SPDX-License-Identifier: MIT */
/*
 * A call on a loop's thread for tests, each of which counts: a task that
 * allocates itself.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>

#include "core/loop.h"

struct test_call {
	struct task task;
	void (*fn)(void *arg);
	void *arg;
};

static inline void test_call_run(struct task *t)
{
	struct test_call c = *(struct test_call *)t;

	free(t);
	c.fn(c.arg);
}

static inline int loop_call(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct test_call *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct test_call){ { .fn = test_call_run }, fn, arg };
	loop_post(l, &c->task);
	return 0;
}
