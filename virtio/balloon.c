/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Giving memory back takes a system call for each run of pages, and the guest
 * waits for none of it: the balloon has a thread of its own, which works piece
 * by piece, and without the device's lock. What of a chain is done is kept, so
 * that a reset and a pause wait for a piece, not for a chain.
 *
 * Where the host's pages are larger than 4 KiB, a bit map says which of these
 * are in the balloon. It is right only if the driver tells before it takes a
 * page out (MUST_TELL_HOST); from one that does not promise that, nothing goes
 * back there.
 *
 * The driver has always one buffer in the queue of statistics, and fills it
 * anew when it gets it back: to ask is to use the buffer.
 *
 * Reports come by queue 4, by the specification (5.5.2), but Linux counts only
 * the queues that there are, and takes 3. As there is no queue of hints here, 3
 * is one of reports too.
 */
#include "virtio/balloon.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>

#include "core/ram.h"
#include "virtio/virtio.h"

#define QUEUE_SIZE 128
#define PAGE	   (1u << VIRTIO_BALLOON_PFN_SHIFT)
/* Drivers send some hundreds; the rest of such a chain is not looked at. */
#define PAGES_MAX 16384u
/* A piece of work: so many pages, or one range; a millisecond or two. */
#define PIECE_PAGES 256u
#define PIECE_BYTES (16u << 20)
/* What it counts in a turn. */
#define PIECE_COST (VIRTIO_TURN / 4)

enum { INFLATE, DEFLATE, STATS, REPORTS, REPORTS_BY_SPEC, QUEUES };

static_assert(BALLOON_STATS == VIRTIO_BALLOON_S_NR, "one value a kind");

struct balloon {
	struct virtio v;
	unsigned page_size;
	uint8_t *in_balloon; /* a bit a page of 4 KiB, from @base; or NULL */
	gpa_t base;
	struct vq_chain chain;
	size_t done[QUEUES];   /* bytes of each queue's first chain */
	uint64_t freed, wrong; /* by the piece in progress */
	struct vq_chain stats; /* the buffer that waits to be used */
	bool waiting;
	struct balloon_stats s; /* but target and actual */
	void (*told)(void *ctx);
	void *told_ctx;
};

/* A run of pages that are to go together. */
struct run {
	gpa_t from, to;
};

/* --- giving back --- */

static void discard(struct balloon *b, const struct iovec *iov)
{
	const uintptr_t mask = b->page_size - 1;
	uintptr_t from = ((uintptr_t)iov->iov_base + mask) & ~mask;
	uintptr_t to = ((uintptr_t)iov->iov_base + iov->iov_len) & ~mask;

	if (from >= to)
		return;
	if (ram_discard((void *)from, to - from) == 0)
		b->freed += to - from;
	else
		b->wrong++;
}

static void discard_run(struct balloon *b, const struct run *r)
{
	struct iovec iov[GMEM_BANKS];
	int i, n = gmem_map(b->v.gmem, r->from, r->to - r->from, iov,
			    GMEM_BANKS);

	for (i = 0; i < n; i++)
		discard(b, &iov[i]);
}

/* Does the host's page around @gpa lie in the balloon as a whole? */
static bool is_whole(const struct balloon *b, gpa_t gpa)
{
	const uint64_t n = b->page_size / PAGE;
	uint64_t first = (gpa - b->base) / b->page_size * n, i;

	for (i = first; i < first + n; i++)
		if (!(b->in_balloon[i / 8] >> i % 8 & 1))
			return false;
	return true;
}

static void mark(struct balloon *b, gpa_t gpa, bool in)
{
	uint64_t i = (gpa - b->base) / PAGE;

	if (in)
		b->in_balloon[i / 8] |= 1u << i % 8;
	else
		b->in_balloon[i / 8] &= ~(1u << i % 8);
}

/* @r grows by [@gpa, @gpa + @len), or goes, and begins there. */
static void extend(struct balloon *b, struct run *r, gpa_t gpa, uint64_t len)
{
	if (gpa == r->to && r->from < r->to) {
		r->to += len;
	} else if (gpa + len == r->from) {
		r->from = gpa;
	} else {
		discard_run(b, r);
		*r = (struct run){ gpa, gpa + len };
	}
}

static void inflate(struct balloon *b, struct run *r, gpa_t gpa)
{
	if (b->page_size == PAGE) {
		extend(b, r, gpa, PAGE);
		return;
	}
	if (!virtio_has(&b->v, VIRTIO_BALLOON_F_MUST_TELL_HOST))
		return;
	mark(b, gpa, true);
	if (is_whole(b, gpa))
		extend(b, r, gpa & -(gpa_t)b->page_size, b->page_size);
}

/* A piece of a list of page numbers; how many bytes of it that was. */
static size_t pages(struct balloon *b, unsigned q, struct vq_chain *c)
{
	const size_t before = c->out.len;
	struct run r = { 0, 0 };
	unsigned left = PIECE_PAGES;
	struct iovec iov;
	uint32_t pfn;

	while (left-- && vq_get(c, &pfn, sizeof(pfn)) == 0) {
		gpa_t gpa = (gpa_t)le32toh(pfn) << VIRTIO_BALLOON_PFN_SHIFT;

		if (gmem_map(b->v.gmem, gpa, PAGE, &iov, 1) != 1)
			b->wrong++;
		else if (q == INFLATE)
			inflate(b, &r, gpa);
		else if (b->in_balloon)
			mark(b, gpa, false);
	}
	discard_run(b, &r);
	return before - c->out.len;
}

/* A piece of a buffer that is free memory, which ends where a page does. */
static size_t range(struct balloon *b, struct vq_chain *c)
{
	struct iovec piece = *c->in.iov;

	if (piece.iov_len > PIECE_BYTES)
		piece.iov_len = PIECE_BYTES - ((uintptr_t)piece.iov_base &
					       (b->page_size - 1));
	discard(b, &piece);
	vq_skip(&c->in, piece.iov_len);
	return piece.iov_len;
}

static bool is_list(unsigned q)
{
	return q == INFLATE || q == DEFLATE;
}

static bool is_done(const struct balloon *b, unsigned q,
		    const struct vq_chain *c)
{
	if (!is_list(q))
		return !c->in.len;
	return c->out.len < sizeof(uint32_t) ||
	       b->done[q] >= PAGES_MAX * sizeof(uint32_t);
}

/* Without the lock; gives the chain back if that was its last piece. */
static void do_piece(struct balloon *b, unsigned q, struct vq_chain *c)
{
	struct virtio *v = &b->v;

	virtio_begin(v);
	virtio_unlock(v);
	b->freed = b->wrong = 0;
	b->done[q] += is_list(q) ? pages(b, q, c) : range(b, c);
	virtio_lock(v);
	b->s.freed += b->freed;
	v->stats.bytes += b->freed;
	v->stats.errors += b->wrong;
	virtio_spend(v, PIECE_COST);
	if (is_done(b, q, c)) {
		b->done[q] = 0;
		virtio_push(v, q, c, 0);
		virtio_publish(v, q);
	}
	virtio_end(v);
}

/* Queues of page numbers, and of buffers that are free memory. */
static int give(struct virtio *v, unsigned q, struct vq_chain *c)
{
	struct balloon *b = (struct balloon *)v;
	struct vq_span *s = is_list(q) ? &c->out : &c->in;

	/* The driver may have shortened what we were in the middle of. */
	vq_skip(s, b->done[q] < s->len ? b->done[q] : s->len);
	if (is_done(b, q, c)) {
		b->done[q] = 0;
		virtio_push(v, q, c, 0);
		return 0;
	}
	do {
		do_piece(b, q, c);
		if (!b->done[q])
			return 0;
	} while (virtio_works(v) && !virtio_spent(v));
	return VIRTIO_MORE;
}

/* --- statistics --- */

static int answer(struct virtio *v, unsigned q, struct vq_chain *c)
{
	struct balloon *b = (struct balloon *)v;
	struct virtio_balloon_stat stat;
	unsigned left = 4 * BALLOON_STATS;

	b->s.known = 0;
	while (left-- && vq_get(c, &stat, sizeof(stat)) == 0) {
		unsigned tag = le16toh(stat.tag);

		if (tag >= BALLOON_STATS)
			continue;
		b->s.known |= 1u << tag;
		b->s.value[tag] = le64toh(stat.val);
	}
	/*
	 * There is to be one: if the driver gives another, the first goes back.
	 */
	if (b->waiting)
		virtio_push(v, q, &b->stats, 0);
	b->stats.head = c->head;
	b->waiting = true;
	if (b->told)
		b->told(b->told_ctx);
	b->told = NULL;
	return 0;
}

int virtio_balloon_ask(struct virtio *v, void (*told)(void *ctx), void *ctx)
{
	struct balloon *b = (struct balloon *)v;
	int r = -EAGAIN;

	virtio_lock(v);
	b->told = NULL;
	if (told && virtio_works(v) && b->waiting) {
		b->told = told;
		b->told_ctx = ctx;
		b->waiting = false;
		virtio_push(v, STATS, &b->stats, 0);
		virtio_publish(v, STATS);
		r = 0;
	}
	virtio_unlock(v);
	return r;
}

static uint64_t pages_at(const struct virtio *v, unsigned off)
{
	uint32_t pages;

	memcpy(&pages, v->config + off, sizeof(pages));
	return (uint64_t)le32toh(pages) * PAGE;
}

void virtio_balloon_stats(struct virtio *v, struct balloon_stats *out)
{
	struct balloon *b = (struct balloon *)v;

	virtio_lock(v);
	*out = b->s;
	out->errors = v->stats.errors;
	out->target =
		pages_at(v, offsetof(struct virtio_balloon_config, num_pages));
	out->actual =
		pages_at(v, offsetof(struct virtio_balloon_config, actual));
	virtio_unlock(v);
}

/* --- the device --- */

void virtio_balloon_set(struct virtio *v, uint64_t bytes)
{
	const uint32_t pages = htole32(bytes / PAGE);

	virtio_lock(v);
	virtio_config_set(v, offsetof(struct virtio_balloon_config, num_pages),
			  &pages, sizeof(pages));
	virtio_unlock(v);
}

static int serve(struct virtio *v, unsigned q)
{
	struct balloon *b = (struct balloon *)v;

	return virtio_each(v, q, &b->chain, q == STATS ? answer : give);
}

/* The driver says how large the balloon is. */
static void config_write(struct virtio *v, unsigned off, const void *buf,
			 unsigned len)
{
	if (off == offsetof(struct virtio_balloon_config, actual) && len == 4)
		memcpy(v->config + off, buf, len);
}

static void queue_reset(struct virtio *v, unsigned q)
{
	struct balloon *b = (struct balloon *)v;

	b->done[q] = 0;
	if (q == STATS)
		b->waiting = false;
}

/* How many bytes the bit map has. */
static size_t map_size(const struct gmem *m)
{
	const struct gmem_bank *last = &m->bank[m->nbanks - 1];

	return (last->base + last->size - m->bank[0].base) / PAGE / 8;
}

/* The guest begins anew, and all memory is its own again. */
static void reset(struct virtio *v)
{
	struct balloon *b = (struct balloon *)v;

	memset(v->config + offsetof(struct virtio_balloon_config, actual), 0,
	       sizeof(uint32_t));
	b->s.known = 0;
	if (b->in_balloon)
		memset(b->in_balloon, 0, map_size(v->gmem));
}

static void balloon_free(struct virtio *v)
{
	virtio_exit(v);
	free(((struct balloon *)v)->in_balloon);
	free(v);
}

static const struct virtio_ops balloon_ops = {
	.name = "virtio-balloon",
	.id = VIRTIO_ID_BALLOON,
	.own_thread = true,
	.serve = serve,
	.queue_reset = queue_reset,
	.reset = reset,
	.config_write = config_write,
	.free = balloon_free,
};

#define FEATURES                                   \
	(1ull << VIRTIO_BALLOON_F_MUST_TELL_HOST | \
	 1ull << VIRTIO_BALLOON_F_STATS_VQ |       \
	 1ull << VIRTIO_BALLOON_F_DEFLATE_ON_OOM | \
	 1ull << VIRTIO_BALLOON_F_REPORTING)

struct virtio *virtio_balloon_new(const struct gmem *gmem, unsigned page_size)
{
	struct balloon *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->page_size = page_size;
	b->base = gmem->bank[0].base;
	if (page_size > PAGE) {
		b->in_balloon = calloc(1, map_size(gmem));
		if (!b->in_balloon)
			goto fail;
	}
	if (virtio_init(&b->v, &balloon_ops, gmem, NULL, QUEUES, QUEUE_SIZE,
			FEATURES))
		goto fail;
	b->v.config_size =
		offsetof(struct virtio_balloon_config, free_page_hint_cmd_id);
	return &b->v;
fail:
	free(b->in_balloon);
	free(b);
	errno = ENOMEM;
	return NULL;
}
