/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <pthread.h>

#include "tests/unit/virtio_rig.h"

/* A queue of QSIZE entries at the place of queue 0. */
struct q {
	struct rig r;
	struct virtqueue vq;
	struct vq_chain c;
	struct q *older;
};

/* Kept until the test's process ends. */
static struct q *queues;

static struct q *queue_of(bool event_idx, bool indirect)
{
	struct q *q = calloc(1, sizeof(*q));

	log_level = LOG_ERROR;
	q->older = queues;
	queues = q;
	rig_ram(&q->r);
	vq_init(&q->vq, &q->r.m, 256);
	q->vq.size = QSIZE;
	q->vq.desc = DESC(0);
	q->vq.avail = AVAIL(0);
	q->vq.used = USED(0);
	EQ(vq_start(&q->vq, event_idx, indirect), 0);
	return q;
}

static void desc(struct q *q, unsigned i, gpa_t addr, uint32_t len,
		 uint16_t flags, uint16_t next)
{
	rig_desc(&q->r, 0, i, addr, len, flags, next);
}

static int pop(struct q *q, uint16_t head)
{
	rig_avail(&q->r, 0, head);
	return vq_pop(&q->vq, &q->c);
}

TEST(an_empty_ring_gives_nothing)
{
	struct q *q = queue_of(false, false);

	EQ(vq_pop(&q->vq, &q->c), 0);
}

TEST(a_chain_gives_what_was_written_and_takes_what_fits)
{
	struct q *q = queue_of(false, false);
	char buf[8];

	memcpy(rig_at(&q->r, DATA), "abcdef", 6);
	desc(q, 3, DATA, 4, N, 7);
	desc(q, 7, DATA + 4, 2, N, 1);
	desc(q, 1, DATA + 0x100, 3, W | N, 2);
	desc(q, 2, DATA + 0x200, 5, W, 0);
	EQ(pop(q, 3), 1);
	EQ(q->c.out.len, 6);
	EQ(q->c.in.len, 8);
	EQ(vq_get(&q->c, buf, 5), 0);
	MEM_EQ(buf, "abcde", 5);
	EQ(vq_get(&q->c, buf, 2), -ENOSPC);
	EQ(vq_get(&q->c, buf, 1), 0);
	EQ(buf[0], 'f');
	EQ(vq_put(&q->c, "12345678", 8), 0);
	EQ(vq_put(&q->c, "9", 1), -ENOSPC);
	MEM_EQ(rig_at(&q->r, DATA + 0x100), "123", 3);
	MEM_EQ(rig_at(&q->r, DATA + 0x200), "45678", 5);
}

TEST(the_last_byte_is_found_wherever_it_lies)
{
	struct q *q = queue_of(false, false);
	uint8_t *p;

	desc(q, 0, DATA, 4, W | N, 1);
	desc(q, 1, DATA + 0x100, 1, W, 0);
	EQ(pop(q, 0), 1);
	OK((p = vq_last(&q->c)) == rig_at(&q->r, DATA + 0x100));
	OK((p = vq_last(&q->c)) == rig_at(&q->r, DATA + 3));
	EQ(q->c.in.len, 3);
	EQ(vq_poke(&q->c, 2, "xy", 2), -ENOSPC);
	EQ(vq_poke(&q->c, 1, "xy", 2), 0);
	MEM_EQ(rig_at(&q->r, DATA), "\0xy", 3);
}

TEST(a_buffer_may_span_two_banks)
{
	struct q *q = queue_of(false, false);
	static uint8_t more[4096];
	const gpa_t end = RAM + RAM_SIZE;

	EQ(gmem_add(&q->r.m, end, 4096, more), 0);
	desc(q, 0, end - 2, 4, W, 0);
	EQ(pop(q, 0), 1);
	EQ(q->c.in.n, 2);
	EQ(vq_put(&q->c, "abcd", 4), 0);
	MEM_EQ(more, "cd", 2);
}

TEST(a_chain_put_back_comes_again)
{
	struct q *q = queue_of(false, false);

	desc(q, 5, DATA, 4, 0, 0);
	EQ(pop(q, 5), 1);
	vq_unpop(&q->vq, &q->c);
	EQ(vq_pop(&q->vq, &q->c), 1);
	EQ(q->c.head, 5);
	EQ(vq_pop(&q->vq, &q->c), 0);
}

TEST(used_entries_are_seen_after_a_flush_only)
{
	struct q *q = queue_of(false, false);

	desc(q, 0, DATA, 4, W, 0);
	EQ(pop(q, 0), 1);
	vq_push(&q->vq, &q->c, 4);
	EQ(rig_used_idx(&q->r, 0), 0);
	OK(vq_flush(&q->vq));
	EQ(rig_used_idx(&q->r, 0), 1);
	OK(!vq_flush(&q->vq));
}

TEST(no_interrupt_is_due_when_the_driver_wants_none)
{
	struct q *q = queue_of(false, false);

	rig_put16(&q->r, AVAIL(0), VRING_AVAIL_F_NO_INTERRUPT);
	desc(q, 0, DATA, 4, W, 0);
	EQ(pop(q, 0), 1);
	vq_push(&q->vq, &q->c, 0);
	OK(!vq_flush(&q->vq));
}

TEST(an_interrupt_is_due_when_the_used_event_is_crossed)
{
	struct q *q = queue_of(true, false);
	bool due[3];
	int i;

	/* Wanted after the second entry. */
	rig_put16(&q->r, AVAIL(0) + 4 + QSIZE * 2, 1);
	for (i = 0; i < 3; i++) {
		desc(q, i, DATA, 4, W, 0);
		EQ(pop(q, i), 1);
		vq_push(&q->vq, &q->c, 0);
		due[i] = vq_flush(&q->vq);
	}
	OK(!due[0] && due[1] && !due[2]);
}

TEST(listening_sets_the_avail_event_and_sees_what_came_meanwhile)
{
	struct q *q = queue_of(true, false);

	desc(q, 0, DATA, 4, W, 0);
	EQ(pop(q, 0), 1);
	OK(!vq_listen(&q->vq));
	EQ(rig_get16(&q->r, USED(0) + 4 + QSIZE * 8), 1);
	desc(q, 1, DATA, 4, W, 0);
	rig_avail(&q->r, 0, 1);
	OK(vq_listen(&q->vq));
}

TEST(suppression_is_a_flag_without_event_index)
{
	struct q *q = queue_of(false, false);

	vq_suppress(&q->vq);
	EQ(rig_get16(&q->r, USED(0)), VRING_USED_F_NO_NOTIFY);
	vq_listen(&q->vq);
	EQ(rig_get16(&q->r, USED(0)), 0);
}

TEST(the_ring_goes_on_past_65535)
{
	struct q *q = queue_of(true, false);
	unsigned i;

	desc(q, 0, DATA, 4, W, 0);
	for (i = 0; i < 70000; i++) {
		EQ(pop(q, 0), 1);
		vq_push(&q->vq, &q->c, 1);
		vq_flush(&q->vq);
	}
	EQ(rig_used_idx(&q->r, 0), (uint16_t)70000);
}

TEST(an_indirect_table_makes_a_chain)
{
	struct q *q = queue_of(false, true);
	unsigned i;

	/* Longer than the queue has entries, as it may be. */
	for (i = 0; i < 100; i++)
		rig_desc_at(&q->r, DATA, i, DATA + 0x8000 + i, 1,
			    i < 99 ? W | N : W, i + 1);
	desc(q, 0, DATA, 100 * 16, IND, 0);
	EQ(pop(q, 0), 1);
	EQ(q->c.in.len, 100);
}

/* The largest queue, all of it one chain. */
TEST(a_chain_has_as_many_buffers_as_the_largest_queue_entries)
{
	const gpa_t avail = RAM + 0x10000, used = RAM + 0x20000;
	struct q *q = queue_of(false, false);
	unsigned i;

	vq_init(&q->vq, &q->r.m, VQ_SIZE_MAX);
	q->vq.size = VQ_SIZE_MAX;
	q->vq.desc = DESC(0);
	q->vq.avail = avail;
	q->vq.used = used;
	EQ(vq_start(&q->vq, false, false), 0);
	for (i = 0; i < VQ_SIZE_MAX; i++)
		desc(q, i, DATA + i, 1, i ? W | N : N, i + 1);
	rig_put16(&q->r, avail + 4, 0);
	rig_put16(&q->r, avail + 2, 1);
	desc(q, i - 1, DATA + i, 1, W, 0);
	EQ(vq_pop(&q->vq, &q->c), 1);
	EQ(q->c.out.len, 1);
	EQ(q->c.in.n, VQ_SIZE_MAX - 1);
	vq_push(&q->vq, &q->c, 0);
	/* Its last entry is a head too. */
	rig_put16(&q->r, avail + 6, VQ_SIZE_MAX - 1);
	rig_put16(&q->r, avail + 2, 2);
	EQ(vq_pop(&q->vq, &q->c), 1);
	EQ(q->c.in.len, 1);
	rig_put16(&q->r, avail + 8, VQ_SIZE_MAX - 1);
	rig_put16(&q->r, avail + 2, 3);
	EQ(vq_pop(&q->vq, &q->c), -EPROTO);
}

TEST(Q4_the_same_head_twice_in_flight_breaks_the_queue)
{
	struct q *q = queue_of(false, false);

	desc(q, 0, DATA, 4, W, 0);
	EQ(pop(q, 0), 1);
	EQ(pop(q, 0), -EPROTO);
	EQ(vq_pop(&q->vq, &q->c), -EPROTO);
}

TEST(Q5_more_available_than_the_queue_holds_breaks_it)
{
	struct q *q = queue_of(false, false);

	desc(q, 0, DATA, 4, W, 0);
	rig_put16(&q->r, AVAIL(0) + 2, QSIZE + 1);
	EQ(vq_pop(&q->vq, &q->c), -EPROTO);
}

TEST(Q6_a_looped_chain_breaks_the_queue)
{
	struct q *q = queue_of(false, false);

	desc(q, 0, DATA, 4, N, 1);
	desc(q, 1, DATA, 4, N, 0);
	EQ(pop(q, 0), -EPROTO);
	/* In no more steps than the queue has entries. */
	LT(q->c.out.n, QSIZE + 1);
}

TEST(Q6_a_loop_in_an_indirect_table_breaks_the_queue)
{
	struct q *q = queue_of(false, true);

	rig_desc_at(&q->r, DATA, 0, DATA, 4, N, 1);
	rig_desc_at(&q->r, DATA, 1, DATA, 4, N, 0);
	desc(q, 0, DATA, 32, IND, 0);
	EQ(pop(q, 0), -EPROTO);
}

TEST(Q6_a_head_or_next_beyond_the_table_breaks_the_queue)
{
	struct q *q = queue_of(false, false);

	desc(q, QSIZE, DATA, 4, 0, 0);
	desc(q, 0, DATA, 4, N, QSIZE);
	EQ(pop(q, 0), -EPROTO);
	q = queue_of(false, false);
	desc(q, QSIZE, DATA, 4, 0, 0);
	EQ(pop(q, QSIZE), -EPROTO);
	q = queue_of(false, false);
	EQ(pop(q, 0xffff), -EPROTO);
}

static int pop_indirect(uint64_t table, uint32_t len, uint16_t flags)
{
	struct q *q = queue_of(false, true);

	rig_desc_at(&q->r, DATA, 0, DATA + 64, 4, 0, 0);
	desc(q, 0, table, len, flags, 1);
	desc(q, 1, DATA, 4, 0, 0);
	return pop(q, 0);
}

TEST(Q7_a_bad_indirect_table_breaks_the_queue)
{
	EQ(pop_indirect(DATA, 16, IND), 1);
	EQ(pop_indirect(DATA, 16, IND | N), -EPROTO);
	EQ(pop_indirect(DATA, 0, IND), -EPROTO);
	EQ(pop_indirect(DATA, 24, IND), -EPROTO);
	EQ(pop_indirect(DATA, 257 * 16, IND), -EPROTO);
	EQ(pop_indirect(DATA, 0xfffffff0, IND), -EPROTO);
	EQ(pop_indirect(RAM + RAM_SIZE - 16, 32, IND), -EPROTO);
	EQ(pop_indirect(UINT64_MAX - 15, 32, IND), -EPROTO);
}

TEST(Q7_a_nested_indirect_table_breaks_the_queue)
{
	struct q *q = queue_of(false, true);

	rig_desc_at(&q->r, DATA, 0, DATA + 64, 16, IND, 0);
	rig_desc_at(&q->r, DATA + 64, 0, DATA + 128, 4, 0, 0);
	desc(q, 0, DATA, 16, IND, 0);
	EQ(pop(q, 0), -EPROTO);
}

TEST(Q7_an_indirect_table_that_was_not_negotiated_breaks_the_queue)
{
	struct q *q = queue_of(false, false);

	rig_desc_at(&q->r, DATA, 0, DATA + 64, 4, 0, 0);
	desc(q, 0, DATA, 16, IND, 0);
	EQ(pop(q, 0), -EPROTO);
}

static int pop_buffer(gpa_t addr, uint32_t len)
{
	struct q *q = queue_of(false, false);

	desc(q, 0, addr, len, W, 0);
	return pop(q, 0);
}

TEST(Q8_a_buffer_outside_RAM_or_empty_breaks_the_queue)
{
	const gpa_t end = RAM + RAM_SIZE;

	EQ(pop_buffer(end - 16, 16), 1);
	EQ(pop_buffer(end - 16, 17), -EPROTO);
	EQ(pop_buffer(end, 1), -EPROTO);
	EQ(pop_buffer(RAM - 1, 2), -EPROTO);
	EQ(pop_buffer(0, 1), -EPROTO);
	EQ(pop_buffer(UINT64_MAX, 2), -EPROTO);
	EQ(pop_buffer(UINT64_MAX - RAM, UINT32_MAX), -EPROTO);
	EQ(pop_buffer(RAM, UINT32_MAX), -EPROTO);
	EQ(pop_buffer(RAM, 0), -EPROTO);
}

TEST(Q8_a_ring_outside_RAM_does_not_start)
{
	struct q *q = queue_of(false, false);
	const gpa_t end = RAM + RAM_SIZE;

	vq_reset(&q->vq);
	q->vq.size = QSIZE;
	q->vq.desc = DESC(0);
	q->vq.avail = AVAIL(0);
	q->vq.used = end - 4 - 8 * QSIZE; /* its event index is outside */
	EQ(vq_start(&q->vq, false, false), -EPROTO);
	q->vq.used -= 2; /* fits, but is misaligned */
	EQ(vq_start(&q->vq, false, false), -EPROTO);
	q->vq.used -= 2;
	EQ(vq_start(&q->vq, false, false), 0);
	q->vq.size = 3;
	EQ(vq_start(&q->vq, false, false), -EPROTO);
	q->vq.size = 512;
	EQ(vq_start(&q->vq, false, false), -EPROTO);
}

TEST(a_readable_buffer_after_a_writable_one_breaks_the_queue)
{
	struct q *q = queue_of(false, false);

	desc(q, 0, DATA, 4, W | N, 1);
	desc(q, 1, DATA, 4, 0, 0);
	EQ(pop(q, 0), -EPROTO);
}

/* Flips a descriptor between a good and several bad forms until told not to. */
static bool flipping;
static void *flip(void *arg)
{
	struct q *q = arg;
	unsigned i;

	for (i = 0; __atomic_load_n(&flipping, __ATOMIC_RELAXED); i++) {
		desc(q, 0, i & 1 ? DATA : 0, i & 2 ? 64 : UINT32_MAX,
		     i & 4 ? W : W | N, i & 8 ? 1 : 0xffff);
		desc(q, 0, DATA, 64, W, 0);
	}
	return NULL;
}

TEST(Q9_a_descriptor_that_flips_under_the_walk_stays_inside_RAM)
{
	struct q *q = queue_of(false, false);
	pthread_t t;
	unsigned i, good = 0;

	desc(q, 0, DATA, 64, W, 0);
	flipping = true;
	pthread_create(&t, NULL, flip, q);
	for (i = 0; i < 20000 || !good; i++) {
		if (pop(q, 0) > 0) {
			uint8_t *p = q->c.in.iov->iov_base;

			good++;
			OK(p >= q->r.ram);
			OK(p + q->c.in.len <= q->r.ram + RAM_SIZE);
			vq_push(&q->vq, &q->c, 0);
			vq_flush(&q->vq);
		} else {
			q->vq.broken = false;
			q->vq.avail_idx++;
		}
	}
	__atomic_store_n(&flipping, false, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
}

TEST(Q11_a_descriptor_aimed_at_device_registers_breaks_the_queue)
{
	EQ(pop_buffer(0x0a000050, 4), -EPROTO);
}

TEST(Q12_lengths_that_sum_past_4_GiB_break_the_queue)
{
	struct q *q = queue_of(false, false);
	gpa_t base = 0x100000000ull;
	unsigned i;

	/* 512 MiB that are never touched; the chain names them nine times. */
	EQ(gmem_add(&q->r.m, base, 0x20000000, q->r.ram), 0);
	for (i = 0; i < 9; i++)
		desc(q, i, base, 0x20000000, i < 8 ? W | N : W, i + 1);
	EQ(pop(q, 1), -EPROTO);
	q = queue_of(false, false);
	EQ(gmem_add(&q->r.m, base, 0x20000000, q->r.ram), 0);
	for (i = 0; i < 7; i++)
		desc(q, i, base, 0x20000000, i < 6 ? W | N : W, i + 1);
	EQ(pop(q, 0), 1);
	EQ(q->c.in.len, 7ull * 0x20000000);
}
