/* SPDX-License-Identifier: MIT */
#include "tests/unit/virtio_echo.h"

#include <pthread.h>

#include "tests/unit/said.h"

#define BIT(n) (1ull << (n))

static uint8_t status_of(const struct rig *r)
{
	return rig_get(r, VIRTIO_MMIO_STATUS);
}

static void set_status(struct rig *r, uint8_t status)
{
	rig_set(r, VIRTIO_MMIO_STATUS, status);
}

static void accept(struct rig *r, unsigned half, uint32_t features)
{
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES, features);
}

/* A buffer of 3 bytes. */
static void ask_for_3(struct rig *r, unsigned q)
{
	rig_desc(r, q, 0, DATA, 3, W, 0);
	rig_send(r, q, 0);
}

VIRTIO_TEST(a_driver_gets_through_the_status_machine)
{
	struct echo *e;
	struct rig r;

	e = echo_new(&r, NULL, 2);
	/* NOTIFICATION_DATA is the bus's to offer. */
	EQ(rig_offered(&r) & ~BIT(VIRTIO_F_NOTIFICATION_DATA),
	   ECHO_FEATURE | BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_RESET) |
		   BIT(VIRTIO_RING_F_INDIRECT_DESC) |
		   BIT(VIRTIO_RING_F_EVENT_IDX));
	e->activated = 0;
	rig_start(&r, ECHO_FEATURE);
	EQ(status_of(&r), 15);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 1);
	EQ(e->activated, 1);
	ask_for_3(&r, 1);
	EQ(rig_used_idx(&r, 1), 1);
	EQ(rig_used_len(&r, 1, 0), 3);
	MEM_EQ(rig_at(&r, DATA), "\xee\xee\xee\0", 4);
	EQ(r.irqs, 1);
	set_status(&r, 0);
	EQ(status_of(&r), 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
	rig_free(&r);
}

/* 2.1: only a reset clears a bit; FAILED is the driver's to say. */
VIRTIO_TEST(what_is_set_in_the_status_stays_until_a_reset)
{
	struct echo *e;
	struct rig r;

	e = echo_new(&r, NULL, 1);
	e->activated = 0;
	set_status(&r, 1);
	EQ(status_of(&r), 15);
	set_status(&r, 15);
	EQ(e->activated, 0);
	set_status(&r, 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	EQ(status_of(&r), 15);
	ask_for_3(&r, 0);
	EQ(rig_used_idx(&r, 0), 1);
	set_status(&r, 15 | VIRTIO_CONFIG_S_FAILED);
	EQ(status_of(&r), 15 | VIRTIO_CONFIG_S_FAILED);
	set_status(&r, 0);
	EQ(status_of(&r), 0);
	rig_free(&r);
}

/* --- features --- */

VIRTIO_TEST(features_that_make_no_sense_are_not_ok)
{
	struct rig r;

	echo_new(&r, NULL, 1);
	rig_negotiate(&r, BIT(6));
	EQ(status_of(&r), 3);
	rig_negotiate(&r, BIT(63));
	EQ(status_of(&r), 3);
	/* Nor is there a DRIVER_OK after that. */
	set_status(&r, 15);
	EQ(status_of(&r), 3);
	/* Less is, and what is beyond bit 63 is none. */
	set_status(&r, 0);
	accept(&r, 1, BIT(VIRTIO_F_VERSION_1 - 32));
	accept(&r, 2, UINT32_MAX);
	set_status(&r, 11);
	EQ(status_of(&r), 11);
	rig_free(&r);
}

VIRTIO_TEST(features_are_fixed_once_ok_and_forgotten_by_a_reset)
{
	struct rig r;

	echo_new(&r, NULL, 1);
	rig_negotiate(&r, ECHO_FEATURE);
	accept(&r, 0, 0);
	accept(&r, 1, 0);
	OK(virtio_has(r.v, 5));
	OK(virtio_has(r.v, VIRTIO_F_VERSION_1));
	set_status(&r, 0);
	EQ(r.v->acked, 0);
	rig_free(&r);
}

/* --- liberties --- */

/* A driver's start, twice, in which @how takes liberties; what the log says. */
static const char *take_liberties(struct rig *r, void (*how)(struct rig *))
{
	unsigned i;

	log_level = LOG_DEBUG;
	listen_in();
	for (i = 0; i < 2; i++) {
		set_status(r, 0);
		set_status(r, 1);
		set_status(r, 3);
		how(r);
		rig_notify(r, 0);
		ask_for_3(r, 0);
		EQ(rig_used_idx(r, 0), 1);
		EQ(rig_used_len(r, 0, 0), 3);
	}
	log_level = LOG_ERROR;
	return said();
}

static void leave_features_ok_out(struct rig *r)
{
	accept(r, 0, ECHO_FEATURE | BIT(6));
	accept(r, 1, BIT(VIRTIO_F_VERSION_1 - 32));
	rig_queue(r, 0);
	set_status(r, 7);
	EQ(status_of(r), 7);
	/* What was not offered is not there, and the rest is settled. */
	accept(r, 0, 0);
	EQ(r->v->acked, ECHO_FEATURE | BIT(VIRTIO_F_VERSION_1));
}

VIRTIO_TEST(a_driver_that_leaves_FEATURES_OK_out_works_and_is_told_of_once)
{
	struct echo *e;
	struct rig r;

	e = echo_new(&r, NULL, 1);
	e->activated = 0;
	STR_EQ(take_liberties(&r, leave_features_ok_out),
	       "nestor: echo: its driver sets queues up before FEATURES_OK\n"
	       "nestor: echo: its driver sets DRIVER_OK without "
	       "FEATURES_OK\n");
	EQ(e->activated, 2);
	rig_free(&r);
}

static void set_queues_up_first(struct rig *r)
{
	rig_queue(r, 0);
	EQ(rig_get(r, VIRTIO_MMIO_QUEUE_READY), 1);
	accept(r, 0, BIT(VIRTIO_RING_F_EVENT_IDX));
	accept(r, 1, BIT(VIRTIO_F_VERSION_1 - 32));
	set_status(r, 11);
	set_status(r, 15);
	EQ(status_of(r), 15);
	/* The queue has what was negotiated after it. */
	OK(r->v->vq[0].event_idx);
	OK(!r->v->vq[0].indirect);
}

VIRTIO_TEST(a_driver_that_sets_its_queues_up_first_works_and_is_told_of_once)
{
	struct rig r;

	echo_new(&r, NULL, 1);
	STR_EQ(take_liberties(&r, set_queues_up_first),
	       "nestor: echo: its driver sets queues up before FEATURES_OK\n");
	rig_free(&r);
}

static void leave_version_1_out(struct rig *r)
{
	set_status(r, 11);
	EQ(status_of(r), 11);
	rig_queue(r, 0);
	set_status(r, 15);
}

VIRTIO_TEST(a_driver_that_leaves_VERSION_1_out_works_and_is_told_of_once)
{
	struct rig r;

	echo_new(&r, NULL, 1);
	STR_EQ(take_liberties(&r, leave_version_1_out),
	       "nestor: echo: its driver takes no VIRTIO_F_VERSION_1\n");
	rig_free(&r);
}

/* --- queues --- */

VIRTIO_TEST(a_queue_gets_ready_before_DRIVER_OK)
{
	struct rig r;

	echo_new(&r, NULL, 2);
	rig_negotiate(&r, 0);
	rig_queue(&r, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 1);
	set_status(&r, 15);
	rig_queue(&r, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
	/* 2.6.1: with RING_RESET, later too. */
	rig_negotiate(&r, BIT(VIRTIO_F_RING_RESET));
	rig_queue(&r, 0);
	set_status(&r, 15);
	rig_queue(&r, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 1);
	rig_free(&r);
}

VIRTIO_TEST(buffers_made_available_before_DRIVER_OK_are_served_at_it)
{
	struct rig r;

	echo_new(&r, NULL, 1);
	rig_negotiate(&r, 0);
	rig_queue(&r, 0);
	ask_for_3(&r, 0);
	EQ(rig_used_idx(&r, 0), 0);
	EQ(r.irqs, 0);
	set_status(&r, 15);
	EQ(rig_used_idx(&r, 0), 1);
	EQ(r.irqs, 1);
	rig_free(&r);
}

VIRTIO_TEST(a_queue_reset_stops_one_queue_which_can_start_again)
{
	struct rig r;

	echo_new(&r, NULL, 2);
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 0);
	rig_set(&r, QUEUE_RESET, 1);
	/* It was not negotiated. */
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 1);
	rig_start(&r, BIT(VIRTIO_F_RING_RESET));
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 0);
	rig_set(&r, QUEUE_RESET, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
	EQ(rig_get(&r, QUEUE_RESET), 0);
	ask_for_3(&r, 1);
	EQ(rig_used_idx(&r, 1), 1);
	rig_queue(&r, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 1);
	ask_for_3(&r, 0);
	EQ(rig_used_idx(&r, 0), 1);
	rig_free(&r);
}

/* --- the device's own words --- */

/* 2.1.2: no notification comes before DRIVER_OK. */
VIRTIO_TEST(a_change_of_the_configuration_interrupts_after_DRIVER_OK)
{
	struct rig r;

	echo_new(&r, NULL, 1);
	rig_negotiate(&r, 0);
	virtio_lock(r.v);
	r.v->stats.interrupts = 0;
	virtio_config_set(r.v, 0, "a", 1);
	virtio_unlock(r.v);
	EQ(r.irqs + r.v->stats.interrupts, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_CONFIG) & 0xff, 'a');
	set_status(&r, 15);
	virtio_lock(r.v);
	virtio_config_set(r.v, 0, "a", 1);
	EQ(r.irqs, 0);
	virtio_config_set(r.v, 0, "b", 1);
	virtio_unlock(r.v);
	EQ(r.irqs, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_CONFIG) & 0xff, 'b');
	rig_free(&r);
}

VIRTIO_TEST(Q6_a_looped_chain_needs_reset_and_a_reset_recovers)
{
	struct rig r;

	echo_new(&r, NULL, 1);
	rig_desc(&r, 0, 0, DATA, 3, W | N, 0);
	rig_send(&r, 0, 0);
	OK(rig_needs_reset(&r));
	if (!rig_over_pci)
		EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS) & 2, 2);
	EQ(r.irqs, 1);
	/* It takes no further notice of the driver, nor a cleared bit. */
	rig_notify(&r, 0);
	set_status(&r, 15);
	OK(rig_needs_reset(&r));
	EQ(r.irqs, 1);
	rig_start(&r, 0);
	EQ(status_of(&r), 15);
	ask_for_3(&r, 0);
	EQ(rig_used_idx(&r, 0), 1);
	rig_free(&r);
}

VIRTIO_TEST(Q8_a_ring_outside_RAM_needs_reset_as_soon_as_a_driver_listens)
{
	struct echo *e;
	struct rig r;

	e = echo_new(&r, NULL, 1);
	e->activated = 0;
	rig_negotiate(&r, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_NUM, 16);
	rig_set(&r, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0xffffffff);
	rig_set(&r, VIRTIO_MMIO_QUEUE_READY, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
	OK(rig_needs_reset(&r));
	EQ(r.irqs, 0);
	set_status(&r, 15);
	EQ(r.irqs, 1);
	EQ(e->activated, 0);
	rig_free(&r);
}

VIRTIO_TEST(a_device_that_cannot_start_needs_a_reset_and_may_try_again)
{
	struct echo *e;
	struct rig r;

	e = echo_new(&r, NULL, 1);
	e->activation = -EIO;
	rig_negotiate(&r, 0);
	rig_queue(&r, 0);
	ask_for_3(&r, 0);
	set_status(&r, 15);
	EQ(status_of(&r), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	EQ(r.irqs, 1);
	rig_notify(&r, 0);
	EQ(rig_used_idx(&r, 0), 0);
	e->activation = 0;
	rig_start(&r, 0);
	EQ(status_of(&r), 15);
	ask_for_3(&r, 0);
	EQ(rig_used_idx(&r, 0), 1);
	rig_free(&r);
}

/* --- resets wait --- */

static void *reset_it(void *arg)
{
	rig_set(arg, VIRTIO_MMIO_STATUS, 0);
	return NULL;
}

static void *reset_queue_it(void *arg)
{
	rig_set(arg, VIRTIO_MMIO_QUEUE_SEL, 0);
	rig_set(arg, QUEUE_RESET, 1);
	return NULL;
}

VIRTIO_TEST(Q13_a_reset_waits_for_requests_in_flight_and_holds_up_nobody)
{
	pthread_t thread;
	struct echo *e;
	struct rig r;

	e = echo_busy(&r);
	EQ(pthread_create(&thread, NULL, reset_it, &r), 0);
	AWAIT(echo_holds(&r) == VIRTIO_RESETTING);
	/* Registers are there meanwhile, and no request is taken. */
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 15);
	echo_send(&r, 0, 2);
	EQ(e->kept, 2);
	OK(e->cancelled);
	echo_finish(e);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 15);
	echo_finish(e);
	pthread_join(thread, NULL);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 0);
	EQ(echo_holds(&r), 0);
	rig_free(&r);
}

VIRTIO_TEST(Q13_a_queues_reset_waits_for_requests_in_flight)
{
	pthread_t thread;
	struct echo *e;
	struct rig r;

	e = echo_new(&r, NULL, 1);
	rig_negotiate(&r, 1ull << 40);
	rig_queue(&r, 0);
	rig_set(&r, VIRTIO_MMIO_STATUS, 15);
	e->keeps = true;
	echo_send(&r, 0, 0);
	EQ(pthread_create(&thread, NULL, reset_queue_it, &r), 0);
	AWAIT(echo_holds(&r) == VIRTIO_RESETTING);
	OK(e->cancelled);
	OK(r.v->vq[0].ready);
	echo_finish(e);
	pthread_join(thread, NULL);
	OK(!r.v->vq[0].ready);
	/* The device goes on. */
	rig_queue(&r, 0);
	echo_send(&r, 0, 0);
	EQ(e->kept, 1);
	echo_finish(e);
	EQ(rig_used_idx(&r, 0), 1);
	rig_free(&r);
}

static unsigned cancelled(struct echo *e)
{
	unsigned n;

	virtio_lock(&e->v);
	n = e->cancelled;
	virtio_unlock(&e->v);
	return n;
}

VIRTIO_TEST(two_resets_at_once_both_wait)
{
	pthread_t thread[2];
	struct echo *e;
	struct rig r;
	unsigned i;

	e = echo_new(&r, NULL, 1);
	e->keeps = true;
	echo_send(&r, 0, 0);
	for (i = 0; i < 2; i++)
		EQ(pthread_create(&thread[i], NULL, reset_it, &r), 0);
	/* Each of them has asked. */
	AWAIT(cancelled(e) == 2);
	EQ(status_of(&r), 15);
	echo_finish(e);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	EQ(status_of(&r), 0);
	EQ(echo_holds(&r), 0);
	rig_free(&r);
}
