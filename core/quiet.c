/* SPDX-License-Identifier: MIT */
/*
 * A count of those who are still busy. It starts at one, for the caller, so
 * that it cannot reach zero before all have been asked.
 */
#include "core/quiet.h"

void quiet_begin(struct quiet *q, struct loop *loop, struct task *all)
{
	*q = (struct quiet){ .loop = loop, .all = all, .busy = 1 };
}

void quiet_wait(struct quiet *q)
{
	__atomic_add_fetch(&q->busy, 1, __ATOMIC_RELAXED);
}

void quiet_done(struct quiet *q)
{
	/* Whoever waited may free @q once the count is 0. */
	struct loop *loop = q->loop;
	struct task *all = q->all;

	if (__atomic_sub_fetch(&q->busy, 1, __ATOMIC_ACQ_REL) == 0)
		loop_post(loop, all);
}

void quiet_asked(struct quiet *q)
{
	quiet_done(q);
}
