/* SPDX-License-Identifier: MIT */
/* Disks with requests in flight: in any order, reset, held, off the bus. */
#include "tests/unit/blk_rig.h"

#include <jansson.h>
#include <pthread.h>

#include "core/quiet.h"
#include "host/disk_impl.h"

/* --- a disk that answers when it is told to --- */

struct slow {
	struct disk d;
	struct disk_request *kept[QSIZE];
	unsigned n, cancelled;
};

static void slow_submit(struct disk *d, struct disk_request *r)
{
	struct slow *s = (struct slow *)d;

	s->kept[__atomic_fetch_add(&s->n, 1, __ATOMIC_ACQ_REL)] = r;
}

static void slow_cancel(struct disk *d, struct disk_request *r)
{
	(void)r;
	((struct slow *)d)->cancelled++;
}

static void slow_close(struct disk *d)
{
	(void)d;
}

static const struct disk_ops slow_ops = {
	.format = "slow",
	.submit = slow_submit,
	.cancel = slow_cancel,
	.close = slow_close,
};

static void slow_of(struct rig *r, struct slow *s)
{
	log_level = LOG_ERROR;
	*s = (struct slow){
		.d = { .ops = &slow_ops, .size = SECTORS * 512, .block = 512 }
	};
	rig_ram(r);
	rig_plug(r, virtio_blk_new(&r->m, &s->d, NULL));
	rig_start(r, 0);
}

/* Read sector @i to where no other does, by descriptors 3 * i and on. */
static void read_sector(struct rig *r, unsigned i)
{
	const gpa_t at = BUFFER + i * 0x1000;
	struct virtio_blk_outhdr h = { .type = htole32(VIRTIO_BLK_T_IN),
				       .sector = htole64(i) };

	memcpy(rig_at(r, at + 0x800), &h, sizeof(h));
	*(uint8_t *)rig_at(r, at + 0x900) = 0xff;
	rig_desc(r, 0, 3 * i, at + 0x800, 16, N, 3 * i + 1);
	rig_desc(r, 0, 3 * i + 1, at, 512, N | W, 3 * i + 2);
	rig_desc(r, 0, 3 * i + 2, at + 0x900, 1, W, 0);
	rig_send(r, 0, 3 * i);
}

static void answer(struct slow *s, unsigned i, int result)
{
	s->kept[i]->result = result;
	s->kept[i]->moved = result ? 0 : 512;
	s->kept[i]->done(s->kept[i]);
}

static uint8_t status_of(const struct rig *r, unsigned i)
{
	return *(uint8_t *)rig_at(r, BUFFER + i * 0x1000 + 0x900);
}

VIRTIO_TEST(many_requests_are_in_flight_and_done_in_any_order)
{
	struct slow s;
	struct rig r;
	unsigned i;

	slow_of(&r, &s);
	for (i = 0; i < 5; i++)
		read_sector(&r, i);
	EQ(s.n, 5);
	EQ(rig_used_idx(&r, 0), 0);
	for (i = 5; i-- > 0;) {
		EQ(s.kept[i]->off, i * 512);
		EQ(status_of(&r, i), 0xff);
		answer(&s, i, i == 3 ? -EIO : 0);
		EQ(rig_used_idx(&r, 0), 5 - i);
		EQ(rig_used_len(&r, 0, 4 - i), i == 3 ? 1 : 513);
		EQ(status_of(&r, i),
		   i == 3 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK);
	}
	EQ(r.irqs, 5);
	/* Their structs are used again. */
	read_sector(&r, 0);
	answer(&s, 5, 0);
	EQ(rig_used_idx(&r, 0), 6);
	rig_free(&r);
}

static void *reset(void *arg)
{
	rig_set(arg, VIRTIO_MMIO_STATUS, 0);
	return NULL;
}

static unsigned held_for(const struct rig *r)
{
	unsigned holds;

	virtio_lock(r->v);
	holds = r->v->holds;
	virtio_unlock(r->v);
	return holds;
}

VIRTIO_TEST(Q13_a_reset_gives_up_requests_in_flight_and_waits_for_them_only)
{
	pthread_t thread;
	struct slow s;
	struct rig r;

	slow_of(&r, &s);
	read_sector(&r, 0);
	read_sector(&r, 1);
	EQ(pthread_create(&thread, NULL, reset, &r), 0);
	AWAIT(held_for(&r) == VIRTIO_RESETTING);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 15);
	/* Another request stays where it is. */
	read_sector(&r, 2);
	EQ(s.n, 2);
	OK(s.cancelled >= 2);
	answer(&s, 1, -ECANCELED);
	answer(&s, 0, 0);
	pthread_join(thread, NULL);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 0);
	EQ(status_of(&r, 1), VIRTIO_BLK_S_IOERR);
	EQ(status_of(&r, 0), VIRTIO_BLK_S_OK);
	rig_start(&r, 0);
	read_sector(&r, 3);
	answer(&s, 2, 0);
	EQ(status_of(&r, 3), VIRTIO_BLK_S_OK);
	EQ(rig_used_idx(&r, 0), 1);
	rig_free(&r);
}

static void *silence(void *arg)
{
	struct rig *r = arg;

	cfg_set(r->pci, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	return NULL;
}

/* While one function waits, all others answer, and so do its own registers. */
static void others_answer(struct rig *r)
{
	EQ(cfg_get(r->pci, 0, PCI_VENDOR_ID, 2), 0x1b36);
	OK(rig_get(r, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_DRIVER_OK);
}

static void *reset_function(void *arg)
{
	struct rig *r = arg;
	unsigned at = cfg_cap(r->pci, 1, PCI_CAP_ID_EXP, 0);

	cfg_set(r->pci, 1, at + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	return NULL;
}

/* A disk with a request in flight, and who does @fn and so waits for that. */
static pthread_t flies_and_waits(struct rig *r, struct slow *s,
				 void *(*fn)(void *))
{
	pthread_t thread;

	rig_over_pci = true;
	slow_of(r, s);
	read_sector(r, 0);
	EQ(pthread_create(&thread, NULL, fn, r), 0);
	AWAIT(held_for(r) == VIRTIO_NO_MASTER);
	return thread;
}

TEST(Q17_off_the_bus_a_disk_waits_for_requests_in_flight_and_takes_none)
{
	pthread_t thread;
	struct slow s;
	struct rig r;

	thread = flies_and_waits(&r, &s, silence);
	OK(s.cancelled);
	others_answer(&r);
	answer(&s, 0, 0);
	pthread_join(thread, NULL);
	EQ(rig_used_idx(&r, 0), 1);
	r.irqs = 0;
	read_sector(&r, 1);
	EQ(s.n, 1);
	EQ(rig_used_idx(&r, 0), 1);
	EQ(r.irqs, 0);
	cfg_set(r.pci, 1, PCI_COMMAND, 2,
		PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	EQ(s.n, 2);
	answer(&s, 1, 0);
	EQ(rig_used_idx(&r, 0), 2);
	rig_free(&r);
}

TEST(Q17_a_function_that_is_reset_holds_up_no_other)
{
	pthread_t thread;
	struct slow s;
	struct rig r;

	thread = flies_and_waits(&r, &s, reset_function);
	others_answer(&r);
	answer(&s, 0, 0);
	pthread_join(thread, NULL);
	EQ(cfg_get(r.pci, 1, PCI_COMMAND, 2), 0);
	rig_free(&r);
}

static int failures[2];

static void on_failure(void *ctx, int err)
{
	(void)ctx;
	failures[0]++;
	failures[1] = err;
}

TEST(an_error_of_the_disk_is_told_and_one_of_the_drivers_is_not)
{
	struct slow s;
	struct rig r;

	slow_of(&r, &s);
	virtio_on_failure(r.v, on_failure, NULL);
	read_sector(&r, 0);
	answer(&s, 0, -ENOSPC);
	EQ(failures[0], 1);
	EQ(failures[1], ENOSPC);
	EQ(request(&r, VIRTIO_BLK_T_IN, SECTORS, 512, W), VIRTIO_BLK_S_IOERR);
	EQ(failures[0], 1);
	EQ(r.v->stats.errors, 2);
	rig_free(&r);
}

/* --- on a thread, from a real image --- */

/* Requests of some 48 MiB, of @type: all that the queue takes. */
static void start_big(struct rig *r, uint32_t type)
{
	unsigned i;

	log_level = LOG_ERROR;
	rig_ram(r);
	rig_on_a_thread = true;
	rig_plug(r, virtio_blk_new(&r->m, disk_of_size(type == VIRTIO_BLK_T_IN),
				   NULL));
	rig_start(r, 1ull << VIRTIO_RING_F_INDIRECT_DESC);
	header(r, type, 0);
	rig_desc_at(r, RAM + 0x30000, 0, HEADER, 16, N, 1);
	for (i = 1; i < 99; i++)
		rig_desc_at(r, RAM + 0x30000, i, DATA + 0x1000, 0x7e000,
			    N | (type == VIRTIO_BLK_T_IN ? W : 0), i + 1);
	rig_desc_at(r, RAM + 0x30000, 99, RAM + 0x38000, 1, W, 0);
	for (i = 0; i < QSIZE; i++) {
		rig_desc(r, 0, i, RAM + 0x30000, 100 * 16, IND, 0);
		rig_avail(r, 0, i);
	}
	rig_kick(r, 0);
}

static uint64_t served(const struct rig *r)
{
	uint64_t n;

	virtio_lock(r->v);
	n = r->v->stats.requests;
	virtio_unlock(r->v);
	return n;
}

TEST(Q13_a_reset_of_a_disk_waits_for_the_request_in_progress_only)
{
	uint64_t before;
	struct rig r;

	start_big(&r, VIRTIO_BLK_T_IN);
	AWAIT(served(&r));
	before = served(&r);
	virtio_reset(r.v);
	LT(served(&r), before + 2);
	rig_free(&r);
}

static struct loop *quiet_loop;

static void quiet(struct task *t)
{
	(void)t;
	loop_stop(quiet_loop);
}

TEST(a_paused_machine_writes_no_disk_and_goes_on_with_what_is_left)
{
	struct task all = { .fn = quiet };
	struct quiet q;
	uint64_t before;
	struct rig r;

	quiet_loop = loop_new();
	start_big(&r, VIRTIO_BLK_T_OUT);
	AWAIT(served(&r));
	before = served(&r);
	quiet_begin(&q, quiet_loop, &all);
	r.dev->ops->quiesce(r.dev, &q);
	quiet_asked(&q);
	EQ(loop_run(quiet_loop), 0);
	EQ(r.v->in_flight, 0);
	LT(served(&r), before + 2);
	before = served(&r);
	rig_kick(&r, 0);
	usleep(100000);
	EQ(served(&r), before);
	LT(before, QSIZE);
	r.dev->ops->resume(r.dev);
	AWAIT(rig_used_idx(&r, 0) == QSIZE);
	EQ(*(uint8_t *)rig_at(&r, RAM + 0x38000), VIRTIO_BLK_S_OK);
	rig_free(&r);
	loop_free(quiet_loop);
}

TEST(a_disk_that_is_saved_must_be_the_same_when_it_is_loaded)
{
	struct err e = { 0 };
	json_t *o = json_object();
	uint32_t generation;
	struct rig r;

	blk_of(&r, false, 0);
	generation = rig_get(&r, VIRTIO_MMIO_CONFIG_GENERATION);
	r.dev->ops->quiesce(r.dev, NULL);
	EQ(r.dev->ops->save(r.dev, o), 0);
	r.dev->ops->reset(r.dev);
	EQ(r.dev->ops->load(r.dev, o, &e), 0);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 15);
	/* A driver that was reading the configuration reads it again. */
	NE(rig_get(&r, VIRTIO_MMIO_CONFIG_GENERATION), generation);
	json_object_set_new(
		json_object_get(json_object_get(o, "virtio"), "model"), "size",
		json_integer(512));
	r.dev->ops->reset(r.dev);
	EQ(r.dev->ops->load(r.dev, o, &e), -EINVAL);
	HAS(e.text, "the image has 32768 bytes, and had 512");
	json_decref(o);
	rig_free(&r);
}
