/* SPDX-License-Identifier: MIT */
/*
 * Has Linux panicked?
 *
 * Theory of operation: a guest with a driver for pvpanic says so. Others leave
 * nothing but words on their console, and words are data. When the last words
 * of a panic have passed, somebody looks at the vCPUs some times: whether all
 * but one stand where panic() has left them, and that one in the same frame of
 * the same delay, time and again (board_look_for_panic()). A guest that goes on
 * does not look like that, whoever has printed what.
 *
 * If it resets itself instead (panic=1), it is believed to have panicked if
 * panic() had the last word on its console (run/panic_report.h), and if it has
 * not shut its devices down, after which an ordinary reboot cannot say so on hvc0.
 *
 * What a guest can cause so is a look each LOOK_AFTER, as long as it prints the
 * words.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run/panic_report.h"
#include "run/run_impl.h"
#include "core/log.h"
#include "core/util.h"
#include "host/chardev.h"

#define LOOK_AFTER (300 * NSEC_PER_MSEC)
/* An interrupt may be seen instead of the delay. */
#define LOOKS  16
#define ENOUGH 5

struct panic_watch {
	struct run *run;
	struct panic_report report;
	struct task begin;
	struct timer look;
	unsigned looks; /* so many are left */
	unsigned alike; /* so many have shown the same */
	uint64_t frame;
};

static void look(struct timer *t)
{
	struct panic_watch *w = container_of(t, struct panic_watch, look);
	uint64_t frame;

	if (w->run->ended || !w->looks)
		return;
	if (board_look_for_panic(w->run->board, &frame)) {
		w->alike = frame == w->frame ? w->alike + 1 : 1;
		w->frame = frame;
	}
	if (w->alike == ENOUGH) {
		w->looks = 0;
		run_panicked(w->run);
	} else if (--w->looks) {
		timer_after(t, LOOK_AFTER);
	}
}

static void begin(struct task *t)
{
	struct panic_watch *w = container_of(t, struct panic_watch, begin);

	if (!w->looks)
		timer_after(&w->look, LOOK_AFTER);
	w->looks = LOOKS;
	w->alike = 0;
}

/* On the thread of whoever prints. */
static void panic_ended(void *ctx)
{
	struct panic_watch *w = ctx;

	loop_post(w->run->loop, &w->begin);
}

static void heard(void *ctx, const void *front, const void *buf, size_t len)
{
	struct panic_watch *w = ctx;

	panic_report_add(&w->report, front, buf, len);
}

int run_panic_open(struct run *r)
{
	struct panic_watch *w = calloc(1, sizeof(*w));
	const struct chardev_tap tap = { .output = heard, .ctx = w };
	int n;

	if (!w)
		return -ENOMEM;
	w->run = r;
	w->begin.fn = begin;
	panic_report_init(&w->report, panic_ended, w);
	r->panic = w;
	n = timer_open(&w->look, r->loop, CLOCK_MONOTONIC, look);
	return n < 0 ? n : chardev_tap(r->terminal, &tap);
}

void run_panic_close(struct run *r)
{
	struct panic_watch *w = r->panic;

	if (!w)
		return;
	loop_unpost(&w->begin);
	timer_close(&w->look);
	panic_report_fini(&w->report);
	free(w);
	r->panic = NULL;
}

bool run_panic_was_last(struct run *r)
{
	return panic_report_is_last(&r->panic->report);
}

void run_panic_why(struct run *r, char *to, size_t size)
{
	panic_report_why(&r->panic->report, to, size);
}

void run_panic_forget(struct run *r)
{
	struct panic_watch *w = r->panic;

	w->looks = 0;
	timer_stop(&w->look);
	panic_report_forget(&w->report);
}
