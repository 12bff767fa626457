/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/virtio_rig.h"

#define BIT(n)	   (1ull << (n))
#define RING_RESET 40

/* A device that gives each buffer back, filled with its fill byte. */
struct echo {
	struct virtio v;
	struct vq_chain c;
	unsigned resets;
};

static int fill(struct virtio *v, unsigned q, struct vq_chain *c)
{
	uint32_t n = c->in.len;

	while (c->in.len)
		vq_put(c, "\xee", 1);
	virtio_push(v, q, c, n);
	return 0;
}

static int echo_serve(struct virtio *v, unsigned q)
{
	return virtio_each(v, q, &((struct echo *)v)->c, fill);
}

static void echo_reset(struct virtio *v)
{
	((struct echo *)v)->resets++;
}

static void echo_config_write(struct virtio *v, unsigned off, const void *buf,
			      unsigned len)
{
	memcpy(v->config + off, buf, len);
}

static void echo_free(struct virtio *v)
{
	virtio_exit(v);
	free(v);
}

static const struct virtio_ops echo_ops = {
	.name = "echo",
	.id = 42,
	.own_thread = true,
	.serve = echo_serve,
	.reset = echo_reset,
	.config_write = echo_config_write,
	.free = echo_free,
};

static struct echo *echo_of(struct rig *r)
{
	struct echo *e = calloc(1, sizeof(*e));

	log_level = LOG_ERROR;
	rig_ram(r);
	EQ(virtio_init(&e->v, &echo_ops, &r->m, NULL, 2, 64, BIT(5)), 0);
	e->v.config_size = 10;
	memcpy(e->v.config, "0123456789", 10);
	return e;
}

static struct echo *echo_new(struct rig *r)
{
	struct echo *e = echo_of(r);

	rig_plug(r, &e->v);
	return e;
}

TEST(the_identity_registers_are_those_of_version_2)
{
	struct rig r;

	echo_new(&r);
	EQ(rig_get(&r, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	EQ(rig_get(&r, VIRTIO_MMIO_VERSION), 2);
	EQ(rig_get(&r, VIRTIO_MMIO_DEVICE_ID), 42);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_NUM_MAX), 1024);
	EQ(rig_get(&r, VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	EQ(rig_get(&r, VIRTIO_MMIO_SHM_BASE_HIGH), UINT32_MAX);
	rig_free(&r);
}

TEST(a_queue_that_was_served_is_listened_to_again)
{
	struct rig r;

	echo_new(&r);
	rig_start(&r, 0);
	rig_desc(&r, 0, 0, DATA, 3, W, 0);
	rig_send(&r, 0, 0);
	EQ(rig_get16(&r, USED(0)), 0);
	rig_start(&r, BIT(VIRTIO_RING_F_EVENT_IDX));
	rig_desc(&r, 0, 0, DATA, 3, W, 0);
	rig_send(&r, 0, 0);
	EQ(rig_get16(&r, USED(0) + 4 + QSIZE * 8), 1);
	rig_free(&r);
}

TEST(the_used_bit_stays_until_reset_and_the_config_bit_until_its_ack)
{
	struct rig r;

	echo_new(&r);
	rig_start(&r, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	rig_desc(&r, 0, 0, DATA, 3, W, 0);
	rig_send(&r, 0, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	rig_set(&r, VIRTIO_MMIO_INTERRUPT_ACK, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	virtio_lock(r.v);
	virtio_config_set(r.v, 0, "x", 1);
	virtio_unlock(r.v);
	EQ(r.irqs, 2);
	EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	rig_set(&r, VIRTIO_MMIO_INTERRUPT_ACK, 3);
	EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	rig_free(&r);
}

TEST(a_config_change_moves_the_generation_and_the_bytes)
{
	struct rig r;
	uint32_t gen;

	echo_new(&r);
	rig_start(&r, 0);
	gen = rig_get(&r, VIRTIO_MMIO_CONFIG_GENERATION);
	virtio_lock(r.v);
	virtio_config_set(r.v, 4, "wxyz", 4);
	virtio_config_set(r.v, 4, "wxyz", 4);
	virtio_unlock(r.v);
	EQ(rig_get(&r, VIRTIO_MMIO_CONFIG_GENERATION), gen + 2);
	EQ(r.dev->ops->read(r.dev, 0x104, 1), 'w');
	EQ(r.dev->ops->read(r.dev, 0x107, 2), 'z' | '8' << 8);
	EQ(r.irqs, 1);
	rig_free(&r);
}

TEST(the_shadow_that_a_guest_maps_is_what_a_read_gives)
{
	uint32_t shadow[MMIO_WINDOW / 4] = { 0 };
	struct rig r;
	struct echo *e = echo_of(&r);
	const struct irq irq = { .set = rig_irq, .ctx = &r };
	unsigned reg, val;

	r.v = &e->v;
	r.dev = virtio_mmio_new(r.v, &irq, shadow, &(struct mmio_host){ 0 });
	rig_start(&r, BIT(5));
	for (val = 0; val < 3; val++) {
		rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, val);
		rig_set(&r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, val);
		for (reg = 0; reg < MMIO_WINDOW; reg += 4)
			EQ(le32toh(shadow[reg / 4]), rig_get(&r, reg));
	}
	MEM_EQ(shadow + 0x40, "0123456789", 10);
	rig_free(&r);
}

TEST(a_power_on_reset_clears_status_and_selectors)
{
	struct rig r;
	struct echo *e = echo_new(&r);

	rig_start(&r, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 7);
	r.dev->ops->reset(r.dev);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_NUM_MAX), 1024);
	OK(e->resets > 0);
	rig_free(&r);
}

TEST(Q1_queues_that_do_not_exist_are_ignored)
{
	const uint32_t bad[] = { 2, 3, 63, 64, 0xffff, 0x10000, UINT32_MAX };
	struct rig r;
	unsigned i;

	echo_new(&r);
	rig_start(&r, BIT(RING_RESET));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rig_notify(&r, bad[i]);
		rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, bad[i]);
		EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
		EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
		rig_set(&r, VIRTIO_MMIO_QUEUE_NUM, 16);
		rig_set(&r, VIRTIO_MMIO_QUEUE_DESC_LOW, RAM);
		rig_set(&r, VIRTIO_MMIO_QUEUE_READY, 1);
		rig_set(&r, QUEUE_RESET, 1);
		EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
	}
	OK(!rig_needs_reset(&r));
	rig_free(&r);
}

TEST(Q3_size_and_addresses_are_fixed_once_the_queue_is_ready)
{
	struct rig r;
	struct virtqueue before;

	echo_new(&r);
	rig_start(&r, 0);
	before = r.v->vq[0];
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_NUM, 64);
	rig_set(&r, VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_USED_HIGH, 1);
	rig_set(&r, VIRTIO_MMIO_QUEUE_READY, 1);
	MEM_EQ(&before, &r.v->vq[0], sizeof(before));
	/* Nor can it be started anew behind the back of DRIVER_OK. */
	rig_set(&r, VIRTIO_MMIO_QUEUE_READY, 0);
	rig_queue(&r, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
	rig_free(&r);
}

TEST(P2_accesses_past_the_window_or_the_config_give_0)
{
	struct rig r;

	echo_new(&r);
	EQ(r.dev->ops->read(r.dev, 0x200, 4), 0);
	EQ(r.dev->ops->read(r.dev, 0x1fe, 4), 0);
	EQ(r.dev->ops->read(r.dev, UINT64_MAX - 1, 4), 0);
	EQ(r.dev->ops->read(r.dev, 0x10a, 8), 0);
	EQ(r.dev->ops->read(r.dev, 0x108, 8), '8' | '9' << 8);
	r.dev->ops->write(r.dev, 0x200, 4, 1);
	r.dev->ops->write(r.dev, UINT64_MAX - 1, 8, 1);
	r.dev->ops->write(r.dev, 0x109, 2, 0x4141);
	r.dev->ops->write(r.dev, 0x1ff, 1, 0x41);
	EQ(r.dev->ops->read(r.dev, 0x109, 2), '9');
	r.dev->ops->write(r.dev, 0x108, 2, 0x4241);
	EQ(r.dev->ops->read(r.dev, 0x108, 4), 0x4241);
	rig_free(&r);
}

TEST(P2_register_writes_of_other_widths_are_ignored)
{
	struct rig r;

	echo_new(&r);
	rig_start(&r, 0);
	r.dev->ops->write(r.dev, VIRTIO_MMIO_STATUS, 1, 0);
	r.dev->ops->write(r.dev, VIRTIO_MMIO_STATUS, 8, 0);
	r.dev->ops->write(r.dev, VIRTIO_MMIO_STATUS - 2, 4, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 15);
	rig_free(&r);
}

/* --- with eventfds and a thread, as under KVM --- */

struct board {
	unsigned asked;
	int fd[2], ack;
};

static int on_ioeventfd(void *ctx, uint64_t off, uint32_t value, int fd)
{
	struct board *b = ctx;

	b->asked++;
	if (off == VIRTIO_MMIO_QUEUE_NOTIFY)
		b->fd[value] = fd;
	else if (off == VIRTIO_MMIO_INTERRUPT_ACK && value == 1)
		b->ack = fd;
	return 0;
}

static void wait_for_used(const struct rig *r, uint16_t idx)
{
	AWAIT(rig_used_idx(r, 0) == idx);
}

TEST(after_the_first_notification_no_other_needs_an_exit)
{
	struct board b = { 0 };
	struct rig r;
	struct echo *e = echo_of(&r);
	uint16_t i;

	rig_plug_host(
		&r, &e->v,
		&(struct mmio_host){ .ioeventfd = on_ioeventfd, .ctx = &b });
	rig_start(&r, 0);
	EQ(b.asked, 0);
	rig_desc(&r, 0, 0, DATA, 3, W, 0);
	rig_send(&r, 0, 0);
	wait_for_used(&r, 1);
	EQ(b.asked, 1);
	OK(b.fd[0] > 0);
	for (i = 2; i < 100; i++) {
		rig_avail(&r, 0, 0);
		eventfd_write(b.fd[0], 1);
		wait_for_used(&r, i);
	}
	rig_set(&r, VIRTIO_MMIO_INTERRUPT_ACK, 1);
	EQ(b.asked, 2);
	OK(b.ack > 0);
	/* And none is asked for twice, also after a reset. */
	rig_start(&r, 0);
	rig_desc(&r, 0, 0, DATA, 3, W, 0);
	rig_send(&r, 0, 0);
	wait_for_used(&r, 1);
	EQ(b.asked, 2);
	rig_free(&r);
}

TEST(Q13_a_reset_waits_for_the_request_in_progress)
{
	struct board b = { 0 };
	struct rig r;
	struct echo *e = echo_of(&r);
	unsigned i;

	rig_plug_host(
		&r, &e->v,
		&(struct mmio_host){ .ioeventfd = on_ioeventfd, .ctx = &b });
	for (i = 0; i < 50; i++) {
		rig_start(&r, 0);
		rig_desc(&r, 0, 0, DATA, 0x40000, W, 0);
		rig_send(&r, 0, 0);
		usleep(i * 20); /* into the midst of it, at some time */
		rig_set(&r, VIRTIO_MMIO_STATUS, 0);
		/* Nobody writes to the buffer any more: give it a moment. */
		memset(rig_at(&r, DATA), 0, 0x40000);
		usleep(50);
		EQ(*(uint8_t *)rig_at(&r, DATA + 0x3ffff), 0);
		EQ(*(uint8_t *)rig_at(&r, DATA + 0x20000), 0);
	}
	rig_free(&r);
}
