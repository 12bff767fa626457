/* SPDX-License-Identifier: MIT */
#include "virtio/balloon.h"

#include <linux/virtio_balloon.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio_rig.h"

#define BIT(n)	  (1ull << (n))
#define INFLATE	  0
#define DEFLATE	  1
#define STATS	  2
#define REPORTS	  3
#define PFN(gpa)  ((gpa) >> 12)
#define PAGES	  (RAM + 0xc0000) /* to do without, as far as RAM goes */
#define NUM_PAGES (VIRTIO_MMIO_CONFIG + 0)
#define ACTUAL	  (VIRTIO_MMIO_CONFIG + 4)

static void balloon_with(struct rig *r, unsigned page_size, uint64_t features)
{
	log_level = LOG_ERROR;
	rig_ram(r);
	rig_plug(r, virtio_balloon_new(&r->m, page_size));
	rig_start(r, features);
	memset(rig_at(r, PAGES), 0x55, 0x40000);
}

static void balloon_of(struct rig *r)
{
	balloon_with(r, 4096, 0);
}

/* Send @n page numbers. */
static void send(struct rig *r, unsigned q, const uint32_t *pfn, unsigned n)
{
	uint16_t before = rig_used_idx(r, q);

	memcpy(rig_at(r, DATA), pfn, n * 4);
	rig_desc(r, q, 0, DATA, n * 4, 0, 0);
	rig_send(r, q, 0);
	EQ(rig_used_idx(r, q), (uint16_t)(before + 1));
	EQ(rig_used_len(r, q, before), 0);
	OK(!rig_needs_reset(r));
}

/* Which of the 64 pages are still as they were. */
static uint64_t kept(const struct rig *r)
{
	uint64_t map = 0;
	unsigned i;

	for (i = 0; i < 64; i++)
		map |= (uint64_t)(*(uint8_t *)rig_at(r, PAGES + i * 4096ull) ==
				  0x55)
		       << i;
	return map;
}

static struct balloon_stats stats(struct rig *r)
{
	struct balloon_stats s;

	virtio_balloon_stats(r->v, &s);
	return s;
}

VIRTIO_TEST(what_the_guest_does_without_goes_back_to_the_host)
{
	const uint32_t pfn[] = { PFN(PAGES) + 3, PFN(PAGES) + 4,
				 PFN(PAGES) + 63, PFN(PAGES) + 62,
				 PFN(PAGES) + 10 };
	struct rig r;

	balloon_of(&r);
	send(&r, INFLATE, pfn, 5);
	EQ(kept(&r), ~(BIT(3) | BIT(4) | BIT(10) | BIT(62) | BIT(63)));
	EQ(stats(&r).freed, 5 * 4096);
	EQ(stats(&r).errors, 0);
	send(&r, DEFLATE, pfn, 5);
	EQ(stats(&r).freed, 5 * 4096);
	rig_free(&r);
}

VIRTIO_TEST(Q11_pages_that_are_none_of_the_guests_are_left_alone)
{
	const uint32_t pfn[] = {
		0,	    PFN(RAM) - 1, PFN(RAM + RAM_SIZE), PFN(0x0a000000),
		UINT32_MAX, PFN(PAGES)
	};
	struct rig r;

	balloon_of(&r);
	send(&r, INFLATE, pfn, 6);
	EQ(kept(&r), ~BIT(0));
	EQ(stats(&r).errors, 5);
	send(&r, DEFLATE, pfn, 6);
	EQ(stats(&r).errors, 10);
	rig_free(&r);
}

VIRTIO_TEST(a_list_that_ends_within_a_number_is_taken_up_to_it)
{
	const uint32_t pfn[] = { PFN(PAGES), PFN(PAGES) + 1 };
	struct rig r;

	balloon_of(&r);
	memcpy(rig_at(&r, DATA), pfn, 8);
	rig_desc(&r, INFLATE, 0, DATA, 7, 0, 0);
	rig_send(&r, INFLATE, 0);
	EQ(kept(&r), ~BIT(0));
	rig_free(&r);
}

VIRTIO_TEST(a_larger_page_of_the_hosts_goes_when_all_of_it_has)
{
	uint32_t pfn[16];
	unsigned i;
	struct rig r;

	balloon_with(&r, 65536, BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST));
	for (i = 0; i < 16; i++)
		pfn[i] = PFN(PAGES) + 16 + i;
	send(&r, INFLATE, pfn, 15);
	EQ(kept(&r), ~0ull);
	/* One comes out, so that the last does not make it whole. */
	send(&r, DEFLATE, pfn + 2, 1);
	send(&r, INFLATE, pfn + 15, 1);
	EQ(kept(&r), ~0ull);
	send(&r, INFLATE, pfn + 2, 1);
	EQ(kept(&r), ~0xffff0000ull);
	/* All of it is the guest's again. */
	rig_start(&r, BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST));
	memset(rig_at(&r, PAGES), 0x55, 0x40000);
	send(&r, INFLATE, pfn, 1);
	EQ(kept(&r), ~0ull);
	rig_free(&r);
}

VIRTIO_TEST(a_driver_that_need_not_tell_keeps_larger_pages)
{
	uint32_t pfn[16];
	unsigned i;
	struct rig r;

	balloon_with(&r, 65536, 0);
	for (i = 0; i < 16; i++)
		pfn[i] = PFN(PAGES) + i;
	send(&r, INFLATE, pfn, 16);
	EQ(kept(&r), ~0ull);
	rig_free(&r);
}

VIRTIO_TEST(free_memory_that_is_reported_goes_back)
{
	unsigned q;
	struct rig r;

	/* By Linux' number of the queue, and by that of the specification. */
	for (q = REPORTS; q <= REPORTS + 1; q++) {
		balloon_of(&r);
		rig_desc(&r, q, 0, PAGES, 0x2000, W | N, 1);
		rig_desc(&r, q, 1, PAGES + 0x8100, 0x2000, W, 0);
		rig_send(&r, q, 0);
		EQ(rig_used_idx(&r, q), 1);
		EQ(rig_used_len(&r, q, 0), 0);
		/* Of what is not aligned, the whole pages within. */
		EQ(kept(&r), ~(BIT(0) | BIT(1) | BIT(9)));
		rig_free(&r);
	}
}

VIRTIO_TEST(a_target_is_told_and_the_driver_tells_what_it_reached)
{
	struct rig r;

	balloon_of(&r);
	EQ(rig_get(&r, NUM_PAGES), 0);
	virtio_balloon_set(r.v, 0x7000);
	EQ(r.irqs, 1);
	EQ(rig_get(&r, NUM_PAGES), 7);
	EQ(stats(&r).target, 0x7000);
	EQ(stats(&r).actual, 0);
	r.v->ops->config_write(r.v, 4, "\5\0\0\0", 4);
	EQ(stats(&r).actual, 0x5000);
	/* No other field is the driver's. */
	r.v->ops->config_write(r.v, 0, "\1\0\0\0", 4);
	r.v->ops->config_write(r.v, 4, "\1\0", 2);
	EQ(stats(&r).actual, 0x5000);
	EQ(stats(&r).target, 0x7000);
	/* What is wanted outlasts the guest, what it has given does not. */
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	EQ(stats(&r).actual, 0);
	EQ(stats(&r).target, 0x7000);
	rig_free(&r);
}

/* --- statistics --- */

static unsigned told;

static void on_told(void *ctx)
{
	EQ(ctx == &told, 1);
	told++;
}

static void put_stat(struct rig *r, unsigned i, uint16_t tag, uint64_t val)
{
	uint8_t *p = rig_at(r, DATA + 0x4000 + i * 10);

	tag = htole16(tag);
	val = htole64(val);
	memcpy(p, &tag, 2);
	memcpy(p + 2, &val, 8);
}

/* The driver's buffer with @n statistics. */
static void give_stats(struct rig *r, unsigned head, unsigned n)
{
	rig_desc(r, STATS, head, DATA + 0x4000, n * 10, 0, 0);
	rig_send(r, STATS, head);
}

VIRTIO_TEST(statistics_are_brought_up_to_date_when_asked_for)
{
	struct rig r;

	balloon_of(&r);
	EQ(virtio_balloon_ask(r.v, on_told, &told), -EAGAIN);
	put_stat(&r, 0, VIRTIO_BALLOON_S_MEMFREE, 1000);
	put_stat(&r, 1, VIRTIO_BALLOON_S_MEMTOT, 2000);
	put_stat(&r, 2, 99, 1);
	give_stats(&r, 0, 3);
	EQ(rig_used_idx(&r, STATS), 0);
	EQ(stats(&r).known,
	   BIT(VIRTIO_BALLOON_S_MEMFREE) | BIT(VIRTIO_BALLOON_S_MEMTOT));
	EQ(stats(&r).value[VIRTIO_BALLOON_S_MEMTOT], 2000);
	EQ(virtio_balloon_ask(r.v, on_told, &told), 0);
	EQ(rig_used_idx(&r, STATS), 1);
	EQ(told, 0);
	put_stat(&r, 0, VIRTIO_BALLOON_S_MEMFREE, 500);
	give_stats(&r, 0, 1);
	EQ(told, 1);
	EQ(stats(&r).value[VIRTIO_BALLOON_S_MEMFREE], 500);
	EQ(stats(&r).known, BIT(VIRTIO_BALLOON_S_MEMFREE));
	/* Nobody waits any more. */
	EQ(virtio_balloon_ask(r.v, on_told, &told), 0);
	EQ(virtio_balloon_ask(r.v, NULL, NULL), -EAGAIN);
	give_stats(&r, 0, 1);
	EQ(told, 1);
	rig_free(&r);
}

VIRTIO_TEST(a_second_buffer_of_statistics_frees_the_first)
{
	struct rig r;

	balloon_of(&r);
	give_stats(&r, 0, 1);
	give_stats(&r, 1, 1);
	EQ(rig_used_idx(&r, STATS), 1);
	give_stats(&r, 0, 1);
	EQ(rig_used_idx(&r, STATS), 2);
	OK(!rig_needs_reset(&r));
	rig_free(&r);
}

VIRTIO_TEST(a_reset_forgets_the_buffer_of_statistics)
{
	struct rig r;

	balloon_of(&r);
	give_stats(&r, 0, 1);
	rig_start(&r, 0);
	EQ(stats(&r).known, 0);
	EQ(virtio_balloon_ask(r.v, on_told, &told), -EAGAIN);
	rig_free(&r);
}

static uint64_t served(const struct rig *r)
{
	uint64_t n;

	virtio_lock(r->v);
	n = r->v->stats.bytes;
	virtio_unlock(r->v);
	return n;
}

/* One page, named 16384 times in each of all chains that the queue takes. */
TEST(Q15_a_hold_waits_for_a_piece_of_a_full_queue_and_the_rest_is_done_later)
{
	const unsigned pages = 16384;
	uint32_t *list;
	struct rig r;
	uint64_t before;
	unsigned i;

	log_level = LOG_ERROR;
	rig_ram(&r);
	rig_on_a_thread = true;
	rig_plug(&r, virtio_balloon_new(&r.m, 4096));
	rig_start(&r, 0);
	list = rig_at(&r, DATA);
	for (i = 0; i < pages; i++)
		list[i] = PFN(PAGES) + i % 2 * 2;
	for (i = 0; i < QSIZE; i++) {
		rig_desc(&r, INFLATE, i, DATA, pages * 4, 0, 0);
		rig_avail(&r, INFLATE, i);
	}
	rig_kick(&r, INFLATE);
	AWAIT(served(&r));
	virtio_lock(r.v);
	virtio_hold(r.v, VIRTIO_PAUSED);
	virtio_unlock(r.v);
	before = served(&r);
	LT(rig_used_idx(&r, INFLATE), QSIZE);
	usleep(50000);
	EQ(served(&r), before);
	virtio_resume(r.v);
	AWAIT(rig_used_idx(&r, INFLATE) == QSIZE);
	/* Each page once a time that it was named. */
	EQ(served(&r), (uint64_t)QSIZE * pages * 4096);
	rig_free(&r);
}
