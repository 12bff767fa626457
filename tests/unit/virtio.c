/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>

#include "core/device.h"
#include "tests/unit/virtio_echo.h"

static void hold(struct rig *r, unsigned why, bool on)
{
	virtio_lock(r->v);
	if (on)
		virtio_hold(r->v, why);
	else
		virtio_release(r->v, why);
	virtio_unlock(r->v);
	rig_settle(r);
}

VIRTIO_TEST(a_held_device_takes_no_buffer_until_nothing_holds_it)
{
	struct rig r;

	echo_new(&r, NULL, 1);
	hold(&r, VIRTIO_PAUSED, true);
	hold(&r, VIRTIO_NO_MASTER, true);
	echo_send(&r, 0, 0);
	EQ(rig_used_idx(&r, 0), 0);
	hold(&r, VIRTIO_PAUSED, false);
	EQ(rig_used_idx(&r, 0), 0);
	/* Not held for that: nothing to let go. */
	hold(&r, VIRTIO_PAUSED, false);
	EQ(rig_used_idx(&r, 0), 0);
	EQ(r.irqs, 0);
	hold(&r, VIRTIO_NO_MASTER, false);
	EQ(rig_used_idx(&r, 0), 1);
	EQ(r.irqs, 1);
	rig_free(&r);
}

VIRTIO_TEST(interrupts_of_a_paused_device_come_when_it_goes_on)
{
	const uint32_t val = 1;
	struct rig r;

	echo_new(&r, NULL, 1);
	hold(&r, VIRTIO_PAUSED, true);
	virtio_lock(r.v);
	virtio_config_set(r.v, 0, &val, sizeof(val));
	virtio_interrupt(r.v, 0);
	virtio_interrupt(r.v, 0);
	virtio_unlock(r.v);
	EQ(r.irqs, 0);
	hold(&r, VIRTIO_PAUSED, false);
	EQ(r.irqs, 2);
	rig_free(&r);
}

static unsigned told;

static void tell(struct task *t)
{
	(void)t;
	told++;
}

static struct loop *looped;

static void stop(struct task *t)
{
	(void)t;
	loop_stop(looped);
}

static void quiesce(struct rig *r, struct quiet *q, struct loop *loop,
		    struct task *all)
{
	quiet_begin(q, loop, all);
	r->dev->ops->quiesce(r->dev, q);
	quiet_asked(q);
}

TEST(who_asks_a_device_to_be_quiet_is_told_after_the_last_request)
{
	struct loop *loop = loop_new();
	struct task all = { .fn = tell };
	struct quiet q;
	struct echo *e;
	struct rig r;

	e = echo_busy(&r);
	quiesce(&r, &q, loop, &all);
	/* These two need not be given up, and a third is not taken. */
	EQ(e->cancelled, 0);
	echo_send(&r, 0, 2);
	EQ(e->kept, 2);
	echo_finish(e);
	OK(!all.loop);
	echo_finish(e);
	OK(all.loop == loop);
	EQ(rig_used_idx(&r, 0), 2);
	EQ(r.irqs, 2);
	r.dev->ops->resume(r.dev);
	EQ(e->kept, 1);
	echo_finish(e);
	EQ(rig_used_idx(&r, 0), 3);
	rig_free(&r);
	loop_free(loop);
}

TEST(who_no_longer_waits_for_a_device_to_be_quiet_is_not_told_later)
{
	struct loop *loop = loop_new();
	struct task all = { .fn = tell };
	struct quiet q;
	struct echo *e;
	struct rig r;

	e = echo_new(&r, NULL, 1);
	e->keeps = true;
	echo_send(&r, 0, 0);
	quiesce(&r, &q, loop, &all);
	r.dev->ops->resume(r.dev);
	OK(all.loop == loop);
	EQ(q.busy, 0);
	echo_finish(e);
	EQ(q.busy, 0);
	rig_free(&r);
	loop_free(loop);
}

/*
 * Of two buffers, the second becomes available when the device has taken the
 * first, and is about to find nothing more and to sleep.
 */
static void send_when_asked(uint64_t features)
{
	volatile unsigned pass;
	struct echo *e;
	struct rig r;
	unsigned i;

	rig_on_a_thread = true;
	e = echo_new(&r, NULL, 1);
	rig_start(&r, features);
	rig_desc(&r, 0, 0, DATA, 8, 0, 0);
	for (i = 0; i < 20000; i++) {
		rig_avail(&r, 0, 0);
		rig_kick_if_asked(&r, 0);
		UNTIL_(__atomic_load_n(&e->taken, __ATOMIC_ACQUIRE) > 2 * i, );
		for (pass = 0; pass < i % 512;)
			pass++;
		rig_avail(&r, 0, 0);
		rig_kick_if_asked(&r, 0);
		UNTIL_(rig_used_idx(&r, 0) == r.avail[0], sched_yield());
	}
	rig_free(&r);
}

TEST(a_driver_that_notifies_only_when_asked_loses_nothing)
{
	send_when_asked(0);
}

TEST(a_driver_that_notifies_only_when_asked_by_index_loses_nothing)
{
	send_when_asked(1ull << VIRTIO_RING_F_EVENT_IDX);
}

TEST(Q15_a_device_takes_turns_with_all_else_on_its_loop)
{
	struct loop *loop = looped = loop_new();
	struct task end = { .fn = stop };
	struct echo *e;
	struct rig r;
	unsigned i, before;

	e = echo_new(&r, loop, 2);
	e->cost = VIRTIO_TURN / 4;
	for (i = 0; i < QSIZE; i++) {
		rig_desc(&r, 0, i, DATA, 8, 0, 0);
		rig_avail(&r, 0, i);
		rig_desc(&r, 1, i, DATA, 8, 0, 0);
		rig_avail(&r, 1, i);
	}
	rig_notify(&r, 0);
	EQ(r.v->stats.requests, 4);
	/* Another queue of the same device waits for the device's turn. */
	rig_notify(&r, 1);
	LT(r.v->stats.requests, 9);
	while (r.v->stats.requests < 2 * QSIZE) {
		before = r.v->stats.requests;
		loop_post(loop, &end);
		EQ(loop_run(loop), 0);
		OK(r.v->stats.requests > before);
		LT(r.v->stats.requests, before + 5);
	}
	EQ(rig_used_idx(&r, 0), QSIZE);
	EQ(rig_used_idx(&r, 1), QSIZE);
	rig_free(&r);
	loop_free(loop);
}

/* 1024 buffers are as dear as four chains of 256. */
TEST(Q15_a_chain_of_many_buffers_is_a_larger_part_of_a_turn)
{
	struct loop *loop = loop_new();
	struct echo *e;
	struct rig r;
	unsigned i;

	e = echo_new(&r, loop, 1);
	e->cost = VIRTIO_TURN / 8 - 4 * VIRTIO_CHAIN;
	rig_start(&r, 1ull << VIRTIO_RING_F_INDIRECT_DESC);
	for (i = 0; i < VQ_SIZE_MAX; i++)
		rig_desc_at(&r, DATA, i, DATA + 0x10000, 1,
			    i + 1 < VQ_SIZE_MAX ? N : 0, i + 1);
	for (i = 0; i < QSIZE; i++) {
		rig_desc(&r, 0, i, DATA, VQ_SIZE_MAX * 16, IND, 0);
		rig_avail(&r, 0, i);
	}
	rig_notify(&r, 0);
	EQ(r.v->stats.requests, 8);
	rig_free(&r);
	loop_free(loop);
}

static int failures[2];

static void on_failure(void *ctx, int err)
{
	failures[0]++;
	failures[1] = err;
	OK(ctx == failures);
}

TEST(a_failure_of_the_hosts_is_told_once_until_it_is_another)
{
	struct rig r;

	echo_new(&r, NULL, 1);
	virtio_set_name(r.v, "disk7");
	STR_EQ(r.v->name, "disk7");
	virtio_on_failure(r.v, on_failure, failures);
	virtio_failed(r.v, EIO, "a read");
	virtio_failed(r.v, EIO, "a read");
	EQ(failures[0], 1);
	EQ(failures[1], EIO);
	virtio_failed(r.v, ENOSPC, "a write");
	EQ(failures[0], 2);
	EQ(failures[1], ENOSPC);
	EQ(r.v->stats.errors, 3);
	rig_free(&r);
}
