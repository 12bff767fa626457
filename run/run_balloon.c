/* SPDX-License-Identifier: MIT */
/*
 * The control command `balloon`: how much memory the guest keeps, and what it
 * says of it.
 *
 * The guest's statistics come when it is asked, by an interrupt, and it may
 * never answer: so requests wait together, for one answer of the guest's or for
 * PATIENCE, whichever comes first.
 */
#include <errno.h>
#include <stdlib.h>
#include <linux/virtio_balloon.h>

#include "run/run_impl.h"
#include "core/loop.h"
#include "core/timer.h"
#include "core/util.h"
#include "host/control.h"
#include "virtio/balloon.h"

#define PATIENCE (2 * NSEC_PER_SEC)
#define WAITING	 256u

struct run_balloon {
	struct timer patience;
	struct task told;
	struct run *run;
	struct virtio *v;
	struct control_request *waiting[WAITING];
	unsigned n;
};

static json_t *guest_json(const struct balloon_stats *s)
{
	static const char *const names[] = VIRTIO_BALLOON_S_NAMES;
	json_t *o = json_object();
	unsigned i;

	for (i = 0; i < BALLOON_STATS; i++)
		if (s->known >> i & 1)
			json_object_set_new(o, names[i],
					    json_integer(s->value[i]));
	return o;
}

static json_t *balloon_json(const struct run_balloon *b, bool fresh)
{
	const uint64_t memory = b->run->cfg->memory;
	struct balloon_stats s;
	json_t *o;

	virtio_balloon_stats(b->v, &s);
	/* The driver may say anything. */
	if (s.actual > memory)
		s.actual = memory;
	o = json_pack("{s:I, s:I, s:I, s:I}", "memory", (json_int_t)memory,
		      "target", (json_int_t)(memory - s.target), "size",
		      (json_int_t)(memory - s.actual), "freed",
		      (json_int_t)s.freed);
	if (fresh)
		json_object_set_new(o, "guest", guest_json(&s));
	return o;
}

static void answer_all(struct run_balloon *b, bool fresh)
{
	unsigned i, n = b->n;

	timer_stop(&b->patience);
	b->n = 0;
	/* In the order in which they came. */
	for (i = 0; i < n; i++)
		control_reply(b->waiting[i], balloon_json(b, fresh));
}

static void answered(struct task *t)
{
	answer_all(container_of(t, struct run_balloon, told), true);
}

static void on_told(void *balloon)
{
	struct run_balloon *b = balloon;

	loop_post(b->run->loop, &b->told);
}

static void on_patience(struct timer *t)
{
	struct run_balloon *b = (struct run_balloon *)t;

	virtio_balloon_ask(b->v, NULL, NULL);
	answer_all(b, false);
}

static struct run_balloon *balloon_of(struct run *r)
{
	struct run_balloon *b = r->balloon;

	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (b && timer_open(&b->patience, r->loop, CLOCK_MONOTONIC,
			    on_patience) < 0) {
		free(b);
		b = NULL;
	}
	if (b) {
		b->run = r;
		b->told.fn = answered;
		b->v = board_balloon(r->board);
	}
	return r->balloon = b;
}

void run_do_balloon(void *run, struct control_request *rq, json_t *args)
{
	struct run *r = run;
	const json_int_t memory = r->cfg->memory;
	struct run_balloon *b;
	json_int_t size = -1;

	if (control_args(rq, args, "{s?I}", "size", &size))
		return;
	if (!board_balloon(r->board)) {
		control_refuse(
			rq, "no-balloon",
			"the VM has no balloon; start it with --balloon");
		return;
	}
	if (json_object_get(args, "size") && (size < 0 || size > memory)) {
		control_refuse(rq, "invalid-argument",
			       "size is not from 0 to the %lld bytes that the "
			       "VM has",
			       (long long)memory);
		return;
	}
	b = balloon_of(r);
	if (!b || b->n == WAITING) {
		control_refuse(rq, "busy", "too many ask at the same time");
		return;
	}
	if (size >= 0)
		virtio_balloon_set(b->v, memory - size);
	if (!b->n && virtio_balloon_ask(b->v, on_told, b) < 0) {
		control_reply(rq, balloon_json(b, false));
		return;
	}
	if (!b->n)
		timer_after(&b->patience, PATIENCE);
	b->waiting[b->n++] = rq;
}

void run_close_balloon(struct run *r)
{
	struct run_balloon *b = r->balloon;

	if (!b)
		return;
	virtio_balloon_ask(b->v, NULL, NULL);
	answer_all(b, false);
	loop_unpost(&b->told);
	timer_close(&b->patience);
	free(b);
	r->balloon = NULL;
}
