/* SPDX-License-Identifier: MIT */
/* A burst, a growing gap, and forgetting. */
#include "core/pace.h"

#include "core/timer.h"

#define BURST	8
#define GAP_MAX 6 /* 64 s, as a power of two */
#define FORGET	(600 * NSEC_PER_SEC)

static uint64_t gap(unsigned n)
{
	const unsigned more = n < BURST ? 0 : n - BURST;

	return n < BURST ? 0
			 : NSEC_PER_SEC << (more < GAP_MAX ? more : GAP_MAX);
}

uint64_t pace_wait(struct pace *p, uint64_t now)
{
	const uint64_t since = now - p->last;

	if (since >= FORGET)
		p->n = 0;
	return since < gap(p->n) ? gap(p->n) - since : 0;
}

void pace_step(struct pace *p, uint64_t now)
{
	if (p->n < BURST + GAP_MAX)
		p->n++;
	p->last = now;
}
