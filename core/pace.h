/* SPDX-License-Identifier: MIT */
/*
 * How often something may be done that a guest can ask for without end, and that
 * costs the host: a process, an event.
 *
 * Eight times at once, as whoever tries things out may need; then a second later,
 * two, four, and from there on once in 64 seconds, for as long as the VM lives. A
 * number in all would be too small for one that runs for years. Ten quiet minutes
 * are a new beginning. All zero: nothing was done yet.
 */
#pragma once

#include <stdint.h>

struct pace {
	unsigned n;
	uint64_t last; /* CLOCK_MONOTONIC, ns */
};

/* The ns from @now to when it may be done; 0: at once. */
uint64_t pace_wait(struct pace *, uint64_t now);

/* It is done @now. */
void pace_step(struct pace *, uint64_t now);
