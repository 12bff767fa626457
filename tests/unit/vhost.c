/* SPDX-License-Identifier: MIT */
/* The device's side of queues that somebody else serves, who notes what it got. */
#include "virtio/vhost.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <linux/virtio_ids.h>

#include "tests/unit/spin.h"
#include "tests/unit/virtio_rig.h"

#define QUEUES 2

static struct fake {
	struct vhost_back back;
	unsigned set_up, starts, stops, frees, agains;
	bool serves[QUEUES];
	uint16_t base[QUEUES]; /* where each was to go on */
	int interrupt;	       /* of the last queue */
	int refusal;	       /* what queue_stop() says */
} fake;

static unsigned gone_times;

static int fake_set_up(struct vhost_back *b, uint64_t features,
		       const struct gmem_bank *ram, int ram_fd)
{
	(void)b;
	EQ(features & ~fake.back.features, 0);
	EQ(ram->base, RAM);
	EQ(ram_fd, 77);
	fake.set_up++;
	return 0;
}

static int fake_start(struct vhost_back *b, unsigned q,
		      const struct vhost_ring *ring)
{
	(void)b;
	OK(!fake.serves[q]);
	OK(ring->desc && ring->avail && ring->used && ring->interrupt >= 0);
	EQ(ring->size, QSIZE);
	fake.serves[q] = true;
	fake.base[q] = ring->base;
	fake.interrupt = ring->interrupt;
	fake.starts++;
	return 0;
}

static int fake_stop(struct vhost_back *b, unsigned q, uint16_t *base)
{
	(void)b;
	OK(fake.serves[q]);
	fake.serves[q] = false;
	fake.stops++;
	*base = 5 + q;
	return fake.refusal;
}

static void fake_free(struct vhost_back *b)
{
	(void)b;
	fake.frees++;
}

static const struct vhost_back_ops fake_ops = {
	.set_up = fake_set_up,
	.queue_start = fake_start,
	.queue_stop = fake_stop,
	.free = fake_free,
};

/* Itself: it is there again, if it does as it is told. */
static struct vhost_back *again(struct vhost *h)
{
	(void)h;
	fake.agains++;
	return fake.refusal ? NULL : &fake.back;
}

static void gone(struct vhost *h)
{
	(void)h;
	gone_times++;
}

static void device_free(struct virtio *v)
{
	vhost_exit((struct vhost *)v);
}

static const struct virtio_ops ops = {
	.name = "vhost",
	.id = VIRTIO_ID_FS,
	.served_elsewhere = true,
	.serve = vhost_serve,
	.activate = vhost_activate,
	.stop = vhost_stop,
	.resume = vhost_resume,
	.queue_reset = vhost_queue_reset,
	.free = device_free,
};

static struct vhost device;

static void begin(struct rig *r)
{
	log_level = LOG_ERROR;
	memset(&fake, 0, sizeof(fake));
	memset(&device, 0, sizeof(device));
	gone_times = 0;
	fake.back = (struct vhost_back){ &fake_ops, 1ull << 32, -1 };
	rig_ram(r);
	loop = rig_on_a_thread ? rig_loop(r) : loop_new();
	EQ(vhost_init(&device, &ops, &r->m, 77, &fake.back, QUEUES, QSIZE), 0);
	device.v.loop = loop;
	device.gone = gone;
	device.again = again;
	rig_plug(r, &device.v);
	rig_start(r, 0);
}

static void end(struct rig *r)
{
	bool own = !r->loop;

	rig_free(r);
	EQ(fake.frees, 1);
	if (own)
		loop_free(loop);
}

/* Whether the queues are served, all or none. */
static bool all(bool served)
{
	bool is;

	virtio_lock(&device.v);
	is = fake.serves[0] == served && fake.serves[1] == served;
	virtio_unlock(&device.v);
	return is;
}

static uint64_t interrupts(void)
{
	uint64_t n;

	virtio_lock(&device.v);
	n = device.v.stats.interrupts;
	virtio_unlock(&device.v);
	return n;
}

/* Let the loop run for a moment: its thread does, or the test. */
static void pass_time(const struct rig *r)
{
	if (r->loop)
		usleep(100);
	else
		spin_for(1);
}

VIRTIO_TEST(queues_are_handed_over_and_taken_back_at_a_reset)
{
	struct rig r;

	begin(&r);
	EQ(fake.set_up, 1);
	OK(fake.serves[0] && fake.serves[1]);
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	OK(!fake.serves[0] && !fake.serves[1]);
	EQ(fake.stops, 2);
	rig_start(&r, 0);
	OK(fake.serves[0] && fake.serves[1]);
	/* Another driver begins at the beginning. */
	EQ(fake.base[1], 0);
	end(&r);
}

VIRTIO_TEST(
	queues_of_a_device_that_is_held_stand_still_and_go_on_where_they_were)
{
	struct rig r;

	begin(&r);
	virtio_lock(&device.v);
	virtio_hold(&device.v, VIRTIO_PAUSED);
	virtio_unlock(&device.v);
	UNTIL_(all(false), pass_time(&r));
	pass_time(&r);
	OK(all(false));
	virtio_lock(&device.v);
	virtio_release(&device.v, VIRTIO_PAUSED);
	virtio_unlock(&device.v);
	UNTIL_(all(true), pass_time(&r));
	EQ(fake.base[0], 5);
	EQ(fake.base[1], 6);
	EQ(fake.set_up, 1);
	OK(!rig_needs_reset(&r));
	end(&r);
}

VIRTIO_TEST(what_the_back_end_signals_is_an_interrupt)
{
	const uint64_t one = 1;
	struct rig r;

	begin(&r);
	EQ(write(fake.interrupt, &one, sizeof(one)), sizeof(one));
	UNTIL_(interrupts() == 1, pass_time(&r));
	end(&r);
}

VIRTIO_TEST(a_back_end_that_does_not_give_a_queue_back_is_lost)
{
	struct rig r;

	begin(&r);
	fake.refusal = -ETIMEDOUT;
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	EQ(gone_times, 1);
	rig_start(&r, 0);
	UNTIL_(rig_needs_reset(&r), pass_time(&r));
	EQ(fake.agains, 1);
	EQ(fake.starts, 2);
	fake.refusal = 0;
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	rig_start(&r, 0);
	UNTIL_(all(true), pass_time(&r));
	OK(!rig_needs_reset(&r));
	EQ(fake.agains, 2);
	EQ(gone_times, 1);
	EQ(fake.frees, 1);
	fake.frees = 0;
	end(&r);
}
